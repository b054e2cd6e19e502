"""The past is what a scan would have said then, on both stores, whatever happened since."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from knockon.cmdb.contract.rows import EdgeKey, JournalEntry
from knockon.cmdb.contract.words import sought
from knockon.cmdb.past.changes import Changes, changes_between, past_scan
from knockon.cmdb.past.stepping import SteppingEstate
from knockon.cmdb.past.store import PastStore
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadUsage, PastTooFar
from tests.cmdb.contract.estate import MODEL as SMALL
from tests.cmdb.driving import load_into
from tests.cmdb.histories import histories
from tests.cmdb.identity import MODEL, without_identity
from tests.cmdb.test_load import link, say, thing
from tests.conftest import wipe

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Found, Scan
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model
    from tests.cmdb.histories import History

BARE = without_identity(MODEL)
HISTORIES = histories(partial=False, rejects=False, decided=False, most=5)


def shown(scan: Scan) -> tuple[object, object]:
    """Give what is promised of a past scan: not which revision changed a thing last."""
    return [replace(each, revision=0) for each in scan.entities], sorted(scan.edges, key=lambda each: each.key)


async def whole(store: Store, model: Model) -> Scan:
    scan = await store.scan(model.concrete("Entity"))
    return replace(scan, entities=sorted(scan.entities, key=lambda each: each.order))


async def every_revision_is_remembered(store: Store, history: History) -> None:
    seen = {0: await whole(store, BARE)}
    for each in history.loads:
        await load_into(store, BARE, each)
        now = await whole(store, BARE)
        seen[now.revision] = now
    newest = max(seen)
    await each_step_leads_to_the_next_past(store, newest)
    for number, then in seen.items():
        found = await past_scan(store, BARE, number)
        assert found.revision == number
        assert found.waiting == []
        assert shown(found) == shown(then)
    for number, then in seen.items():
        changes = (await changes_between(store, number, newest)).net()
        before, after = ({each.id: each for each in scan.entities} for scan in (then, seen[newest]))
        images = {id_: tuple(x and (x["class"], x["name"], x["attributes"]) for x in pair)
                  for id_, pair in changes.entities.items()}  # fmt: skip
        said = {id_: tuple(x and (x.class_name, x.name, x.attributes) for x in (before.get(id_), after.get(id_)))
                for id_ in before.keys() | after.keys()}  # fmt: skip
        assert images == {id_: pair for id_, pair in said.items() if pair[0] != pair[1]}
        old, new = ({each.key: each.attributes for each in scan.edges} for scan in (then, seen[newest]))
        told = {key: (b and b["attributes"], a and a["attributes"]) for key, (b, a) in changes.edges.items()}
        assert told == {key: (old.get(key), new.get(key)) for key in old.keys() | new.keys()
                        if old.get(key) != new.get(key)}  # fmt: skip


async def each_step_leads_to_the_next_past(store: Store, newest: int) -> None:
    classes = BARE.concrete("Entity")
    estate = await SteppingEstate.at(store, BARE, 0)
    for number in range(1, newest + 1):
        (revision,) = await store.feed(number - 1, 1)
        await estate.step(revision)
        found, then = await estate.scan(classes), await past_scan(store, BARE, number)
        assert (found.revision, found.waiting) == (number, [])
        assert plain(found) == plain(then)
        assert len({each.order for each in found.entities}) == len(found.entities), "places are unique"
        rows = await estate.page(classes, None, limit=len(found.entities) + 1)
        assert rows == sorted(found.entities, key=lambda each: each.order)
        around = [
            (number, each.edge, each.entity.id)
            for number in (0, 1)
            for name in BARE.relationships
            for near in (
                await estate.neighbours([row.id for row in rows], name, ("out", "in")[number], limit=100)
            ).values()
            for each in near
        ]
        assert len(around) == 2 * len(then.edges)
        assert all(each in then.edges and id_ == each.key[2 - number] for number, each, id_ in around)


def plain(scan: Scan) -> tuple[object, object]:
    """Leave out the order of what has one class and one name."""
    entities = {each.id: (each.class_name, each.name, each.attributes) for each in scan.entities}
    return entities, {each.key: each.attributes for each in scan.edges}


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
async def test_on_sqlite(history: History) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", BARE)) as store:
            await every_revision_is_remembered(store, history)


@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
async def test_on_neo4j(wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    async with opened(store_at(wiped_neo4j, BARE, user=user, password=password)) as store:
        await every_revision_is_remembered(store, history)


async def test_a_question_that_would_take_back_too_much_is_refused(store: Store) -> None:
    await say(store, *(thing(f"s{n}") for n in range(5)))
    newest = await store.revision()
    with pytest.raises(PastTooFar, match="5 entries, and 4 are"):
        await past_scan(store, SMALL, 0, most=4)
    with pytest.raises(PastTooFar):
        await changes_between(store, 0, newest, most=4)
    assert (await past_scan(store, SMALL, 0, most=5)).entities == []
    assert len((await past_scan(store, SMALL, newest, most=0)).entities) == 5


async def test_only_what_is_past_has_a_past(store: Store) -> None:
    await say(store, thing("s"))
    newest = await store.revision()
    for since, until in ((newest + 1, newest), (-1, newest), (0, newest + 1)):
        with pytest.raises(BadUsage):
            await changes_between(store, since, until)
    with pytest.raises(BadUsage):
        await past_scan(store, SMALL, newest + 1)


async def test_the_change_from_nothing_to_now_is_all_there_is(store: Store) -> None:
    await say(store, thing("s", name="web"), thing("app", "Application"), link("app", "s"))
    changes = (await changes_between(store, 0, await store.revision())).net()
    assert {after["name"] for _, after in changes.entities.values() if after} == {"web", "app"}
    assert [key.type_name for key in changes.edges] == ["DEPENDS_ON"]
    assert len(changes) == 3


def test_what_comes_and_goes_between_is_no_change() -> None:
    image = {"class": "Server", "name": "s", "attributes": {}, "retired": False}
    gone, key = {**image, "retired": True}, "DEPENDS_ON a b c d"
    changes = Changes()
    changes.add([JournalEntry("entity", "a", None, image), JournalEntry("edge", key, None, {"attributes": {}})])
    assert changes.net().entities == {"a": (None, image)}
    assert list(changes.net().edges) == [EdgeKey("DEPENDS_ON", "a", "b", "c d")]
    changes.add([JournalEntry("entity", "a", image, gone), JournalEntry("entity", "b", gone, image)])
    assert changes.entities["a"] == (None, gone)
    assert changes.net().entities == {"b": (None, image)}


async def test_words_find_in_the_past_what_they_find_today(store: Store) -> None:
    await say(
        store,
        thing("s-1", name="db-01.example.com", serial_number="X 7"),
        thing("s-2", name="DB-01"),
        thing("s-3", name="älg"),
        thing("s-4", name="other", serial_number="db-01"),
    )
    then = await store.revision()
    classes = SMALL.concrete("Entity")
    texts = ("db-01", "01.example", "DB01", "alg", "x 7", "s-2", "nothing", "other db", "server")
    found = {text: await store.search(sought(text), classes, limit=9) for text in texts}
    assert [len(rows) for rows in found.values()] == [3, 1, 3, 1, 1, 1, 0, 1, 0]
    await say(store, thing("s-1", name="gone"), thing("s-3", name="db-01 too"))
    past = await PastStore.at(store, SMALL, then)
    for text, rows in found.items():
        wanted = sought(text)
        assert placed(await past.search(wanted, classes, limit=9)) == placed(rows)
        assert await past.count_found(wanted, classes) == len(rows)
        for at, row in enumerate(rows):
            assert placed(await past.search(wanted, classes, after=row.place, limit=1)) == placed(rows[at + 1 : at + 2])
            before = await past.search(wanted, classes, before=row.place, limit=1, backward=True)
            assert placed(before) == placed(rows[max(at - 1, 0) : at])
    assert await past.search(sought("db-01"), ["Incident"], limit=9) == []


def placed(rows: list[Found]) -> list[tuple[str, str]]:
    return [(row.place, row.entity.id) for row in rows]
