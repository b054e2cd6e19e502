"""Drift from a source is what a person would find by comparing each of its records with what is there."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from knockon.cmdb.past import source_drift
from knockon.cmdb.past.source_drift import SourceDrift, drift_from_source
from knockon.cmdb.stores import opened, store_at
from knockon.errors import ReferenceNotFound
from knockon.schema.reference import key_token, tokens
from tests.cmdb.contract.estate import MODEL as SMALL
from tests.cmdb.contract.estate import commit, entity, record
from tests.cmdb.driving import decide, load_into
from tests.cmdb.histories import SOURCES, histories, sightings
from tests.cmdb.identity import MODEL
from tests.cmdb.test_load import WEDNESDAY, link, say, thing
from tests.conftest import wipe

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.schema.observation import Item
    from tests.cmdb.histories import History

THURSDAY = "2026-11-05T08:00:00Z"
HISTORIES = histories(rejects=False) | sightings() | sightings()


async def test_values_of_another_source_are_told_beside_what_was_said(store: Store) -> None:
    await commit(
        store, entity("a", name="web", size=1, colour="red"), entity("b"), entity("c", retired=True),
        record("1", "a", size=2, colour="red", note=None), record("2", "b"), record("3", "c", size=4),
        record("1", "a", "other", size=1), replace(record("4", "b"), present=False),
        replace(record("5", "b", "third"), registers={"size": (3, THURSDAY)}),
    )  # fmt: skip
    found = await drift_from_source(store, SMALL, "test")
    (only,) = found.differences
    assert (found.records, only.how, only.thing.name, only.key) == (2, "otherwise", "web", "1")
    assert [(one.name, one.before, one.after) for one in only.altered] == [("size", 2, 1)]
    assert await drift_from_source(store, SMALL, "other") == SourceDrift(1, 0, ())
    assert await drift_from_source(store, SMALL, "test", class_name="Application") == SourceDrift(0, 0, ())
    (partly,) = (await drift_from_source(store, SMALL, "third")).differences
    assert [(one.name, one.before, one.after) for one in partly.altered] == [("size", 3, None)]
    with pytest.raises(ReferenceNotFound):
        await drift_from_source(store, SMALL, "nobody")


async def lost_and_found(store: Store) -> None:
    """Let a lose sight of a program and of two relationships, of which b still sees one, and b know better of another.

    What a alone had seen is gone for good.
    """
    await say(
        store, *web_and_shop(), thing("old", "Application", name="mail"), thing("gone", "Application", name="gone"),
        link("app", "s", weight=1, strength="hard"), link("app", "nowhere"), link("old", "s"), link("gone", "s"),
        link("s", "app"), complete=True,
    )  # fmt: skip
    theirs: dict[str, Any] = {"source": "b", "seen": THURSDAY}
    await say(
        store, *web_and_shop(**theirs), thing("mail", "Application", name="mail", **theirs),
        link("app", "s", weight=2, **theirs), link("mail", "s", **theirs), source="b",
    )  # fmt: skip
    await say(
        store, *web_and_shop(seen=WEDNESDAY), link("app", "s", weight=1, strength="hard", seen=WEDNESDAY),
        link("app", "nowhere", seen=WEDNESDAY), complete=True,
    )  # fmt: skip


def web_and_shop(**how: Any) -> list[Item]:
    return [thing("s", name="web", serial_number="1", **how), thing("app", "Application", name="shop", **how)]


async def test_relationships_are_compared_and_what_others_still_see_is_told(store: Store) -> None:
    await lost_and_found(store)
    found = await drift_from_source(store, SMALL, "a")
    assert (found.records, found.relationships) == (2, 2)
    assert [(each.how, each.thing.name, each.other and each.other.name, each.key, each.because) for each in
            found.differences] == [
        ("unseen", "mail", None, "old", ""),
        ("unseen", "mail", "web", "old DEPENDS_ON s", ""),
        ("lacking", "shop", "nowhere", "app DEPENDS_ON nowhere", "WAITING_REFERENCE"),
        ("otherwise", "shop", "web", "app DEPENDS_ON s", ""),
    ]  # fmt: skip
    assert [(one.name, one.before, one.after) for one in found.differences[-1].altered] == [
        ("strength", "hard", None), ("weight", 1, 2),
    ]  # fmt: skip
    servers = await drift_from_source(store, SMALL, "a", class_name="Server")
    assert (servers.records, servers.relationships) == (1, 1)
    assert [each.key for each in servers.differences] == ["old DEPENDS_ON s", "app DEPENDS_ON s"]
    assert await drift_from_source(store, SMALL, "b") == SourceDrift(3, 2, ())


async def test_a_source_of_many_pages_is_read_to_its_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    await lost_and_found(store)
    whole = await drift_from_source(store, SMALL, "a")
    monkeypatch.setattr(source_drift, "_PAGE", 1)
    assert await drift_from_source(store, SMALL, "a") == whole


async def drift_is_what_each_record_differs_by(store: Store, history: History) -> None:
    for each in history.loads:
        await load_into(store, MODEL, each)
    for decision in history.decisions:
        await decide(store, MODEL, decision)
    for source in SOURCES:
        if any(await store.reported_by(source)):
            found = await drift_from_source(store, MODEL, source)
            told = [
                (each.how, each.key, each.thing.id, each.type_name, each.other.id if each.other else "", each.group,
                 frozenset((one.name, str(one.before), str(one.after)) for one in each.altered))
                for each in found.differences
            ]  # fmt: skip
            assert sorted(told, key=str) == sorted(
                [*await things_that_differ(store, source), *await relationships_that_differ(store, source)], key=str
            )


def differing(said: dict[str, Any], is_so: dict[str, Any]) -> frozenset[tuple[str, str, str]]:
    pairs = ((name, value, is_so.get(name)) for name, value in said.items() if value is not None)
    return frozenset((name, str(value), str(now)) for name, value, now in pairs if value != now)


async def things_that_differ(store: Store, source: str) -> list[tuple[Any, ...]]:
    live = {each.id: each for each in (await store.scan(MODEL.concrete("Entity"))).entities}
    found: list[tuple[Any, ...]] = []
    seen = set()
    gone = []
    for key in (await store.reported_by(source)).records:
        said = (await store.records([(source, key)]))[source, key]
        if not said.present:
            ids = await store.recorded([(source, key)])
            gone += [(key, each.id) for each in (await store.entities(ids.values())).values()]
            continue
        ((id_,),) = (await store.resolve([key_token(source, key)])).values()
        seen.add(id_)
        now = live[id_]
        values = differing({**said.said, "class": said.class_name}, {**now.attributes, "class": now.class_name})
        found += [("otherwise", key, id_, "", "", "", values)] if values else []
    return found + [("unseen", key, id_, "", "", "", frozenset()) for key, id_ in gone if id_ not in seen]


async def relationships_that_differ(store: Store, source: str) -> list[tuple[Any, ...]]:
    scan = await store.scan(MODEL.concrete("Entity"))
    live = {each.key: each.attributes for each in scan.edges}
    found: list[tuple[Any, ...]] = []
    present = set()
    seen = set()
    for edge, records in (await store.sayings(live.keys())).items():
        for each in records:
            if each.key.source == source:
                present.add(each.key)
                seen.add(edge)
                values = differing(each.attributes, live[edge])
                ends = (edge.source_id, edge.type_name, edge.target_id, edge.group)
                found += [("otherwise", each.key.words, *ends, values)] if values else []
    for each in scan.waiting:
        if each.key.source == source:
            present.add(each.key)
            start, end = (id_ or "" for id_ in each.known)
            found.append(("lacking", each.key.words, start, each.key.type_name, end, each.key.group, frozenset()))
    for key in (await store.reported_by(source)).edge_records - present:
        start, end = await meant(store, source, key.from_ref), await meant(store, source, key.to_ref)
        edges = [each for each in live if each == (key.type_name, start, end, key.group)]
        found += [("unseen", key.words, start, key.type_name, end, key.group, frozenset()) for each in edges
                  if each not in seen]  # fmt: skip
    return found


async def meant(store: Store, source: str, reference: str) -> str:
    if reference in (await store.reported_by(source)).records:
        ids_of = await store.recorded([(source, reference)])
        return "".join(each.id for each in (await store.entities(ids_of.values())).values())
    for token in tokens(MODEL, reference, source):
        if ids := (await store.resolve([token])).get(token):
            return ids[0] if len(ids) == 1 else ""
    return ""


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
async def test_drift_is_the_difference_on_sqlite(history: History) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", MODEL)) as store:
            await drift_is_what_each_record_differs_by(store, history)


# Not shrunk: each example costs a server many statements, and what fails here mostly fails there too.
@settings(max_examples=4, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
async def test_drift_is_the_difference_on_neo4j(
    wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    async with opened(store_at(wiped_neo4j, MODEL, user=user, password=password)) as store:
        await drift_is_what_each_record_differs_by(store, history)
