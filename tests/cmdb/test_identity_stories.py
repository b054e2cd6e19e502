"""What happens to things when several sources speak of them, on both stores, as a user would tell it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.lookup import find
from knockon.cmdb.past.history import histories
from knockon.cmdb.past.store import PastStore
from knockon.cmdb.reconciliation.explaining import explain
from knockon.cmdb.stewardship.decisions import decide, record_named, take_back
from knockon.cmdb.stewardship.undo import undo_source, would_lose
from knockon.cmdb.stores import store_at
from knockon.errors import BadUsage, ReferenceAmbiguous, ReferenceNotFound
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.cmdb.identity import MODEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store

    Observation = EntityObservation | RelationshipObservation

MONDAY, TUESDAY, WEDNESDAY, NEXT_MONTH = (
    f"2026-{day}T08:00:00.000000Z" for day in ("11-02", "11-03", "11-04", "12-04")
)


@pytest.fixture(params=["sqlite", "neo4j"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Give what makes store objects that know the model of these stories."""
    if request.param == "sqlite":
        return lambda: store_at(f"sqlite:///{tmp_path}/estate.db", MODEL)
    uri: str = request.getfixturevalue("wiped_neo4j")
    user, password = request.getfixturevalue("neo4j_auth")
    return lambda: store_at(uri, MODEL, user=user, password=password)


def thing(
    key: str, class_name: str = "Server", *, seen: str = MONDAY, partial: bool = False, **said: Any
) -> EntityObservation:
    return EntityObservation("", key, class_name, said, seen, partial=partial)


def joins(start: str, kind: str, end: str) -> RelationshipObservation:
    return RelationshipObservation("", kind, start, end, {}, MONDAY)


async def say(store: Store, source: str, *items: Observation, **how: Any) -> set[str]:
    """Load what a source says; give the codes of what was found."""
    own = [replace(each, source=source) for each in items]
    report = await load(store, MODEL, own, source=source, actor="tests", **how)
    assert not report.rejects, report.rejects
    return {each.code.value for each in report.findings}


async def at(store: Store, reference: str) -> Entity:
    return await find(store, MODEL, reference)


async def count(store: Store) -> int:
    return await store.count(MODEL.concrete("Entity"), None)


async def listed(store: Store) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    return [(each.code, each.records) for each in await store.findings()]


async def test_two_sources_about_one_server_are_one_thing_with_the_word_of_each(store: Store) -> None:
    await say(store, "a", thing("r1", name="web", serial="S1", owner="ann"))
    before = await at(store, "a:r1")
    assert await say(store, "b", thing("d1", "Computer", name="WEB ", serial=" s1", tag="T1", seen=TUESDAY)) == set()
    one = await at(store, "b:d1")
    assert (one.id, await count(store)) == (before.id, 1)
    assert one.class_name == "Server"  # the deeper one of one branch
    # a Server's sources are a, then c; b is not ranked there
    assert one.attributes == {"name": "web", "serial": "S1", "owner": "ann", "tag": "T1"}
    why = await explain(store, MODEL, one)
    assert {name: each.record.source for name, each in why.provenance.items()} == {
        "name": "a", "serial": "a", "owner": "a", "tag": "b",
    }  # fmt: skip
    assert [(each.first, each.second, each.outcome.value) for each in why.meetings] == [
        (("a", "r1"), ("b", "d1"), "JOINED")
    ]


async def test_replaced_hardware_has_the_name_and_another_serial_number_and_is_another_thing(store: Store) -> None:
    await say(store, "a", thing("old", name="web", serial="S1"))
    assert await say(store, "b", thing("new", name="web", serial="S2")) == {"IDENTITY_VETO"}
    assert await count(store) == 2
    assert await listed(store) == [("IDENTITY_VETO", (("a", "old"), ("b", "new")))]
    await say(store, "b", thing("new", name="web", serial="S1", seen=TUESDAY))  # it was a typing error
    assert (await count(store), await listed(store)) == (1, [])


async def test_a_parent_that_merges_takes_its_children_along(store: Store) -> None:
    inside = (joins("i", "RUNS_ON", "m"), joins("d", "CONTAINED_IN", "i"))
    for source, serial in (("a", "S1"), ("b", "S2")):
        await say(
            store, source, thing("m", serial=serial), thing("i", "DatabaseInstance", name="main"),
            thing("d", "Database", name="pay"), *inside,
        )  # fmt: skip
    assert await count(store) == 6
    ids = [(await at(store, f"{source}:{key}")).id for source in "ab" for key in "mid"]
    await say(store, "b", thing("m", serial="S1", seen=TUESDAY))
    assert await count(store) == 3
    assert [(await at(store, f"b:{key}")).id for key in "mid"] == ids[:3]
    assert [(await at(store, each)).id for each in ids] == ids[:3] * 2  # an id once given leads on for ever
    scan = await store.scan(MODEL.concrete("Entity"))
    assert {(each.key.type_name, each.key.source_id, each.key.target_id) for each in scan.edges} == {
        ("RUNS_ON", ids[1], ids[0]), ("CONTAINS", ids[1], ids[2]),
    }  # fmt: skip
    await say(store, "b", thing("m", serial="S2", seen=WEDNESDAY))  # and lets them go with it
    assert await count(store) == 6
    assert [(await at(store, f"b:{key}")).id for key in "mid"] == ids[3:]


async def test_a_record_that_says_another_serial_number_splits_off_and_remembers_from_what(store: Store) -> None:
    await say(store, "a", thing("r", serial="S1"))
    await say(store, "b", thing("d", serial="S1"))
    one = await at(store, "a:r")
    await say(store, "b", thing("d", serial="S2", seen=TUESDAY))
    kept, split = await at(store, "a:r"), await at(store, "b:d")
    assert (kept.id, kept.split_from) == (one.id, "")
    assert (split.id != one.id, split.split_from) == (True, one.id)
    assert (await at(store, one.id)).id == one.id


async def test_a_value_that_too_many_have_identifies_nobody_until_it_is_mended(store: Store) -> None:
    for n in range(20):
        await say(store, f"s{n:02}", thing("x", serial="0000"))
    assert await count(store) == 1
    one = (await at(store, "s00:x")).id
    assert await say(store, "s20", thing("x", serial="0000")) == {"TOO_MANY_CLAIMANTS"}
    assert await count(store) == 21
    assert await listed(store) == [("TOO_MANY_CLAIMANTS", ())]
    assert (await at(store, one)).id == one
    why = await explain(store, MODEL, await at(store, "s03:x"))
    assert [[each["junk"] for each in claims] for _, claims in why.records] == [[True]]
    await say(store, "s20", thing("x", seen=TUESDAY))
    assert (await count(store), await listed(store)) == (2, [])
    assert (await at(store, "s03:x")).id == one


async def test_a_person_links_what_a_veto_keeps_apart_and_takes_it_back(store: Store) -> None:
    await say(store, "a", thing("old", name="web", serial="S1"))
    await say(store, "b", thing("new", name="web", serial="S2"))
    first, second = await at(store, "a:old"), await at(store, "b:new")
    made, changes = await decide(store, MODEL, "link", ("a", "old"), ("b", "new"), by="ann", reason="new board")
    assert (changes.updated, changes.retired, await count(store), await listed(store)) == (0, 1, 1, [])
    assert (await at(store, second.id)).id == first.id
    with pytest.raises(ReferenceAmbiguous, match="a:old, b:new"):
        await record_named(store, MODEL, "web")
    back, _ = await take_back(store, MODEL, made.id, by="bob")
    assert (back.taken_back, await count(store)) == ("bob", 2)
    assert [each[0] for each in await listed(store)] == ["IDENTITY_VETO"]
    with pytest.raises(BadUsage, match="bob has taken this decision back"):
        await take_back(store, MODEL, made.id, by="ann")


async def test_a_finding_stays_while_its_records_say_other_things(store: Store) -> None:
    await say(store, "a", thing("r1", serial="S1"), thing("r2", serial="S1"))
    before = await listed(store)
    assert [code for code, _ in before] == ["DUPLICATE_IDENTIFIER"]
    await say(store, "a", thing("r1", serial="S1", owner="ann", seen=TUESDAY))
    assert await listed(store) == before


async def test_the_history_of_what_was_joined_tells_of_both_and_that_they_were_merged(store: Store) -> None:
    await say(store, "a", thing("r1", name="web"))
    await say(store, "b", thing("r1", name="www"))
    other = await at(store, "b:r1")
    await decide(store, MODEL, "link", ("a", "r1"), ("b", "r1"), by="eve")
    joined = await at(store, "a:r1")
    told = await histories(store, MODEL, [joined.id], limit=10)
    changes = [(each.change, each.id) for event in told[joined.id] for each in event.changes]
    assert ("merged", other.id) in changes
    assert [change for change, _ in changes].count("created") == 2


async def test_a_person_keeps_apart_what_is_the_same_and_the_newer_decision_counts(store: Store) -> None:
    await say(store, "a", thing("r", serial="S1"))
    await say(store, "b", thing("d", serial="S1"))
    await decide(store, MODEL, "apart", ("a", "r"), ("b", "d"), by="ann")
    assert (await count(store), await listed(store)) == (2, [])
    await say(store, "a", thing("r", serial="S1", note="again", seen=TUESDAY))
    assert await count(store) == 2
    await decide(store, MODEL, "link", ("a", "r"), ("b", "d"), by="bob")
    assert await count(store) == 1


async def test_an_id_that_was_an_alias_means_then_what_it_was_part_of_also_when_it_is_a_thing_again(
    store: Store,
) -> None:
    await say(store, "a", thing("old", name="web", serial="S1"))
    await say(store, "b", thing("new", name="web", serial="S2"))
    first, second = [(await find(store, MODEL, each)).id for each in ("a:old", "b:new")]
    apart = await store.revision()
    made, _ = await decide(store, MODEL, "link", ("a", "old"), ("b", "new"), by="ann")
    linked = await store.revision()
    await take_back(store, MODEL, made.id, by="ann")
    assert (await find(store, MODEL, second)).id == second
    for revision, meant in ((apart, second), (linked, first), (await store.revision(), second)):
        past = await PastStore.at(store, MODEL, revision)
        found = await past.entities([first, second])
        assert {id_: each.id for id_, each in found.items()} == {first: first, second: meant}
    none_yet = await PastStore.at(store, MODEL, 1)
    assert await none_yet.entities([second]) == {}


async def test_a_link_that_would_bring_together_what_is_kept_apart_is_a_finding(store: Store) -> None:
    for source in "abc":
        await say(store, source, thing("x"))
    await decide(store, MODEL, "link", ("a", "x"), ("b", "x"), by="ann")
    await decide(store, MODEL, "apart", ("a", "x"), ("c", "x"), by="ann")
    _, changes = await decide(store, MODEL, "link", ("b", "x"), ("c", "x"), by="bob")
    assert [each.code for each in changes.findings] == ["LINK_CONFLICT"]
    assert (await count(store), await listed(store)) == (2, [("LINK_CONFLICT", (("b", "x"), ("c", "x")))])


async def test_decisions_that_make_no_sense_are_refused(store: Store) -> None:
    await say(store, "a", thing("r"), thing("p", "Printer"))
    with pytest.raises(BadUsage, match="name two"):
        await decide(store, MODEL, "link", ("a", "r"), ("a", "r"), by="ann")
    with pytest.raises(BadUsage, match="A Server and a Printer share no identifiers"):
        await decide(store, MODEL, "link", ("a", "r"), ("a", "p"), by="ann")
    with pytest.raises(ReferenceNotFound, match="No source has reported a:nobody"):
        await decide(store, MODEL, "link", ("a", "r"), ("a", "nobody"), by="ann")
    assert await store.decisions() == []


async def test_undoing_a_source_leaves_what_others_say_and_its_return_brings_the_ids_back(store: Store) -> None:
    await say(store, "a", thing("r", name="web", serial="S1"))
    theirs = (thing("d", name="web-b", serial="S1", tag="T1"), thing("own"), joins("own", "DEPENDS_ON", "d"))
    await say(store, "b", *theirs)
    own = await at(store, "b:own")
    loss = await would_lose(store, "b")
    assert (loss.records, loss.relationships, [each.id for each in loss.only_here]) == (2, 1, [own.id])
    changes = await undo_source(store, MODEL, "b", by="ann")
    assert (changes.updated, changes.retired, changes.related.retired, await count(store)) == (1, 1, 1, 1)
    assert (await at(store, "a:r")).attributes == {"name": "web", "serial": "S1"}
    await say(store, "b", *theirs)
    assert ((await at(store, "b:own")).id, (await at(store, "b:d")).id) == (own.id, (await at(store, "a:r")).id)
    with pytest.raises(ReferenceNotFound):
        await undo_source(store, MODEL, "nobody", by="ann")


async def test_what_went_stale_yields_to_what_is_fresh_and_null_may_be_a_word(store: Store) -> None:
    await say(store, "a", thing("r", serial="S1", note="strong", owner="ann"))  # of a Server a counts more than c
    await say(store, "c", thing("d", serial="S1", owner=None, tag="T1", seen=TUESDAY))
    assert (await at(store, "a:r")).attributes["owner"] == "ann"  # a day later a is still fresh
    await say(store, "c", thing("d", serial="S1", owner=None, tag="T1", seen=NEXT_MONTH))
    assert "owner" not in (await at(store, "a:r")).attributes
    assert (await at(store, "a:r")).attributes["note"] == "strong"  # nobody else has a word on it


async def test_a_class_that_two_sources_see_differently_is_a_finding(store: Store) -> None:
    await say(store, "a", thing("r", "Workstation", serial="S1"))
    assert await say(store, "b", thing("d", "Server", serial="S1", host="h")) == {"CLASS_CONFLICT"}
    one = await at(store, "a:r")  # of a Computer the sources are ranked b, a
    assert (one.class_name, one.attributes) == ("Server", {"serial": "S1", "host": "h"})
    assert await listed(store) == [("CLASS_CONFLICT", (("a", "r"), ("b", "d")))]


async def test_a_partial_report_moves_a_record_to_another_thing_and_null_takes_a_value_back(store: Store) -> None:
    await say(store, "a", thing("r", serial="S1", name="web"))
    await say(store, "b", thing("d", serial="S2", name="db"))
    await say(store, "b", thing("d", serial="S1", seen=TUESDAY, partial=True))
    assert await count(store) == 1
    await say(store, "b", thing("d", serial=None, seen=WEDNESDAY, partial=True))
    split = await at(store, "b:d")
    assert (await count(store), split.attributes) == (2, {"name": "db"})
    with pytest.raises(BadUsage, match="whole records"):
        await say(store, "b", thing("d", partial=True), complete=True)


async def test_a_record_that_came_too_late_to_be_there_may_be_spoken_of_again_and_undone(store: Store) -> None:
    await say(store, "a", thing("r", serial="S1", seen=WEDNESDAY), complete=True)
    await say(store, "a", thing("late", serial="S2", seen=MONDAY))
    await say(store, "a", thing("late", serial="S2", note="more", seen=TUESDAY))
    await say(store, "a", thing("part", seen=MONDAY, partial=True))
    assert [(await at(store, "a:r")).attributes, await count(store)] == [{"serial": "S1"}, 1]
    await undo_source(store, MODEL, "a", by="ann")
    assert await count(store) == 0


async def test_a_link_names_two_records_of_which_one_may_be_the_other(store: Store) -> None:
    await say(store, "a", thing("s", class_name="Server"))
    await say(store, "b", thing("w", class_name="Workstation"), thing("c", class_name="Computer"))
    before = await store.revision()
    with pytest.raises(BadUsage, match="A Server is never a Workstation: neither class is below the other"):
        await decide(store, MODEL, "link", ("a", "s"), ("b", "w"), by="ann")
    assert (await store.revision(), await count(store)) == (before, 3)
    await decide(store, MODEL, "apart", ("a", "s"), ("b", "w"), by="ann")
    await decide(store, MODEL, "link", ("a", "s"), ("b", "c"), by="ann")
    assert await count(store) == 2
