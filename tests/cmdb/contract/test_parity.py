"""The same random writes to both stores; then everything that can be read is the same."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import neo4j
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from knockon.cmdb.contract.filter import All, Any_, Compare, Condition, Not, Related
from knockon.cmdb.contract.ordering import OrderBy
from knockon.cmdb.contract.rows import (
    Alias,
    Edge,
    EdgeKey,
    EdgeRecord,
    EdgeRecordKey,
    Entity,
    JournalEntry,
    Record,
)
from knockon.cmdb.past.store import PastStore
from knockon.cmdb.stores import opened
from knockon.errors import ScanTooLarge
from tests.cmdb.conftest import neo4j_store, sqlite_store
from tests.cmdb.contract.estate import CLASSES, MODEL, SEPARATOR, edge, entity, head

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write

IDS = [f"e{i}" for i in range(6)]
ALIASES = ["old1", "old2"]
TYPES = ("DEPENDS_ON", "RUNS_ON")
SOURCES = ("survey", "scanner")
SEEN = ("2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-01T00:00:00.5Z")
DIGESTS = ("d1", "d2")

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1f"), max_size=6)
words = st.sampled_from(["", "a", "A", "ab", "it's", 'say "x"', "\uff5e", "😀", "a_b%", "\\"]) | texts
names = words.filter(bool)
integers = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2)
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 0.1, 1.0])
instants = st.sampled_from(SEEN)
json_values = st.recursive(
    st.none() | st.booleans() | integers | floats | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
TYPED: dict[str, st.SearchStrategy[Any]] = {
    "text": words, "serial_number": words, "size": integers, "load": floats, "monitored": st.booleans(),
    "started_at": instants,
}  # fmt: skip
BY = [OrderBy(name, down) for name in (*TYPED, "name") for down in (False, True)]
addresses = words | st.sampled_from(["a b", "b", '\\"a" AND *'])
LISTS: dict[str, st.SearchStrategy[Any]] = {"tags": words, "ports": integers, "addresses": addresses}
TEXTUAL = {"text", "serial_number", "started_at", "tags", "addresses", "name"}

attributes = st.fixed_dictionaries(
    {},
    optional={name: values | st.none() for name, values in TYPED.items()}
    | {name: st.lists(values, max_size=3) for name, values in LISTS.items()}
    | {"labels": json_values},
)
edge_attributes = st.fixed_dictionaries(
    {}, optional={"weight": st.integers(1, 9), "strength": st.sampled_from(["hard", "soft"]), "note": json_values}
)


@st.composite
def things(draw: st.DrawFn, thing: str) -> Entity:
    row = entity(
        thing, draw(st.sampled_from(CLASSES)), draw(names), retired=draw(st.booleans()) and draw(st.booleans())
    )
    return replace(row, attributes=draw(attributes))


keys = st.builds(EdgeKey, st.sampled_from(TYPES), *[st.sampled_from(IDS)] * 2, st.sampled_from(["", "g"]))


@st.composite
def links(draw: st.DrawFn) -> Edge:
    key = draw(keys)
    row = edge(key.source_id, key.target_id, key.group, key.type_name, retired=draw(st.booleans()))
    return replace(row, attributes={**draw(edge_attributes), **row.attributes})


records = st.builds(
    Record, st.sampled_from(SOURCES), names, st.sampled_from([*IDS, *ALIASES]), st.sampled_from(CLASSES),
    attributes, instants, st.sampled_from(DIGESTS),
)  # fmt: skip


@st.composite
def sayings(draw: st.DrawFn) -> EdgeRecord:
    key = draw(keys)
    said = EdgeRecordKey(draw(st.sampled_from(SOURCES)), key.type_name, draw(names), draw(names), key.group)
    because = draw(st.sampled_from([None, None, "WAITING", "SELF_LOOP"]))
    ends = (key.source_id, key.target_id)
    known = (draw(st.sampled_from([None, ends[0]])), draw(st.sampled_from([None, ends[1]]))) if because else ends
    watches = tuple(dict.fromkeys(draw(st.lists(st.sampled_from(["k:survey:a", "n:Server:a", "i:e1"]), max_size=3))))
    return EdgeRecord(
        said, draw(edge_attributes), draw(instants), draw(st.sampled_from(DIGESTS)),
        None if because else key, because, known, watches,
    )  # fmt: skip


@dataclass
class Batch:
    """What one transaction writes, and whether it fails at the end."""

    things: list[Entity]
    links: list[Edge]
    records: list[Record]
    sayings: list[EdgeRecord]
    aliases: dict[str, str]
    touch: tuple[str, str, str]
    fails: bool


def batches(first: bool) -> st.SearchStrategy[Batch]:
    """The first writes every entity, so that an edge has its ends."""
    every = st.tuples(*map(things, IDS)).map(list)
    some = st.lists(st.sampled_from(IDS), unique=True).flatmap(lambda ids: st.tuples(*map(things, ids)).map(list))
    return st.builds(
        Batch,
        every if first else some,
        st.lists(links(), max_size=6, unique_by=lambda row: row.key),
        st.lists(records, max_size=4, unique_by=lambda row: (row.source, row.key)),
        st.lists(sayings(), max_size=4, unique_by=lambda row: row.key),
        st.dictionaries(st.sampled_from(ALIASES), st.sampled_from(IDS), max_size=2),
        st.tuples(st.sampled_from(SOURCES), instants, st.sampled_from(DIGESTS)),
        st.just(value=False) if first else st.sampled_from([False, False, True]),
    )


def compares(names_and_values: dict[str, st.SearchStrategy[Any]], many: bool) -> st.SearchStrategy[Condition]:
    def of(name: str) -> st.SearchStrategy[Condition]:
        values = names_and_values[name]
        searched = [Compare(name, op, "", many) for op in ("contains", "starts_with")] if name in TEXTUAL else []
        ordered = [] if many else [Compare(name, op, None) for op in ("lt", "lte", "gt", "gte")]
        plain = st.sampled_from([Compare(name, "eq", None, many), Compare(name, "ne", None, many), *ordered, *searched])
        return (
            st.builds(replace, plain, value=values)
            | st.lists(values, max_size=3).map(lambda these: Compare(name, "in", tuple(these), many))
            | st.booleans().map(lambda absent: Compare(name, "is_null", absent, many))
        )

    return st.sampled_from(sorted(names_and_values)).flatmap(of)


def combined(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, max_size=3).map(tuple)
    directions: st.SearchStrategy[Any] = st.sampled_from(["out", "in"])
    return (
        several.map(All)
        | several.map(Any_)
        | inner.map(Not)
        | st.builds(Related, st.sampled_from(TYPES), directions, st.none() | inner)
    )


own = {"id": st.sampled_from(IDS), "class": st.sampled_from(CLASSES), "name": names}
conditions = st.recursive(compares({**TYPED, **own}, many=False) | compares(LISTS, many=True), combined, max_leaves=4)


class Failing(Exception):
    pass


async def apply(store: Store, batch: Batch) -> None:
    async with store.write() as write:
        await write.put_records(batch.records)
        await write.put_entities(batch.things)
        there = {each.key for each in batch.links}
        resolved = {each.edge for each in batch.sayings if each.edge}  # has its edge, however that is
        more = [edge(key.source_id, key.target_id, key.group, key.type_name) for key in resolved - there]
        await write.put_edges([*batch.links, *more])
        await write.put_edge_records(batch.sayings)
        for alias, target in batch.aliases.items():
            await write.put_alias(Alias(alias, target))
        source, seen, digest = batch.touch
        mine = [(row.key, digest) for row in batch.records if row.source == source]
        await write.touch(source, seen, mine, [(row.key, digest) for row in batch.sayings if row.key.source == source])
        entries = [JournalEntry("entity", row.id, None, row.attributes) for row in batch.things]
        await write.journal(head(), entries)
        if batch.fails:
            raise Failing


async def everything(
    store: Store, written: list[Batch], asked: list[Condition], by: OrderBy, limit: int
) -> dict[str, Any]:
    """Ask a store all that it can be asked, in a form that compares: what has no order is sorted."""
    found = await readable(store, written, asked, by, limit)
    found["feed"] = [replace(each, written="") for each in await store.feed(0)]
    tokens = tokens_of(written)
    try:
        async with store.write() as write:
            found |= await inside(write, written, tokens)
            raise Failing
    except Failing:
        return found


def tokens_of(written: list[Batch]) -> list[str]:
    shown = {row.name for batch in written for row in batch.things}
    tokens = [f"n:{name}:{each}" for name in ("Entity", *CLASSES) for each in shown]
    tokens += [f"i:{id_}" for id_ in (*IDS, *ALIASES)]
    return tokens + [f"k:{row.source}:{row.key}" for batch in written for row in batch.records]


async def readable(
    store: Store, written: list[Batch], asked: list[Condition], by: OrderBy, limit: int
) -> dict[str, Any]:
    """Read what can be read of an estate, its journal apart."""
    scan = await store.scan(CLASSES)
    every = [*IDS, *ALIASES]
    shown = {row.name for batch in written for row in batch.things}
    found: dict[str, Any] = {
        "revision": await store.revision(),
        "scan": (scan.revision, scan.entities, by_key(scan.edges), by_key(scan.waiting)),
        "entities": await store.entities(every),
        "resolve": await store.resolve(tokens_of(written)),
        "known": await store.known(every),
        "named": [await store.named(name, limit) for name in sorted(shown)],
    }
    for condition in [None, *asked]:
        rows = await store.page(CLASSES, condition, limit=100)
        found[f"page {condition}"] = rows, await store.count(CLASSES, condition), await parts(store, condition, limit)
        found[f"page {condition} {by}"] = await ordered(store, condition, by, limit)
    directions: tuple[Any, ...] = ("out", "in")
    for kind, direction in itertools.product(TYPES, directions):
        found |= await around(store, kind, direction, limit)
    return found


def by_key(rows: Any) -> list[Any]:
    return sorted(rows, key=lambda row: row.key)


async def parts(store: Store, condition: Condition | None, limit: int) -> list[list[Entity]]:
    rows = await store.page(CLASSES, condition, limit=limit)
    last = await store.page(CLASSES, condition, limit=limit, backward=True)
    more = await store.page(CLASSES, condition, after=rows[-1].order, limit=limit) if rows else []
    less = await store.page(CLASSES, condition, before=last[0].order, limit=limit, backward=True) if last else []
    return [rows, last, more, less]


async def ordered(store: Store, condition: Condition | None, by: OrderBy, limit: int) -> list[Any]:
    every = await store.page(CLASSES, condition, by=by, limit=100)
    last = await store.page(CLASSES, condition, by=by, limit=limit, backward=True)
    cuts = [by.place(row) for row in every]
    more = [await store.page(CLASSES, condition, by=by, after=cut, limit=limit) for cut in cuts]
    less = await store.page(CLASSES, condition, by=by, after=cuts[0], before=cuts[-1], limit=limit) if cuts else []
    refused = [await refuses(store, condition, each, limit) for each in (None, by)]
    return [every, last, *more, less, refused]


async def refuses(store: Store, condition: Condition | None, by: OrderBy | None, bound: int) -> str | None:
    try:
        await store.page(CLASSES, condition, by=by, limit=1, bound=bound)
    except ScanTooLarge as error:
        return str(error)
    return None


async def around(store: Store, kind: str, direction: Any, limit: int) -> dict[str, Any]:
    found: dict[str, Any] = {f"{kind} {direction} count": await store.count_neighbours(IDS, kind, direction)}
    for backward in (False, True):
        near = await store.neighbours(IDS, kind, direction, limit=limit, backward=backward)
        found[f"{kind} {direction} {backward}"] = near
        for id_, rows in near.items():
            if rows:
                edge_of = rows[0 if backward else -1]
                cursor = {"before" if backward else "after": edge_of.entity.order + SEPARATOR + edge_of.edge.key.group}
                beyond = await store.neighbours([id_], kind, direction, limit=limit, backward=backward, **cursor)
                found[f"{kind} {direction} {backward} {id_} beyond {cursor}"] = beyond
    return found


async def inside(write: Write, written: list[Batch], tokens: list[str]) -> dict[str, Any]:
    edge_keys = [row.key for batch in written for row in batch.links]
    edge_keys += [row.edge for batch in written for row in batch.sayings if row.edge]
    said = await write.sayings(edge_keys)
    return {
        "own revision": write.revision,
        "records": await write.records([(row.source, row.key) for batch in written for row in batch.records]),
        "edge records": await write.edge_records([row.key for batch in written for row in batch.sayings]),
        "edges": await write.edges(edge_keys),
        "all entities": await write.entities([*IDS, *ALIASES]),
        "own resolve": await write.resolve(tokens),
        "sayings": {key: by_key(rows) for key, rows in said.items() if rows},
        "watching": {token: by_key(await write.watching([token])) for token in ("k:survey:a", "n:Server:a", "i:e1")},
        "touching": {id_: by_key(await write.touching([id_])) for id_ in IDS},
    }


async def wipe(uri: str, auth: tuple[str, str]) -> None:
    async with neo4j.AsyncGraphDatabase.driver(uri, auth=auth, telemetry_disabled=True) as driver:
        await driver.execute_query("MATCH (n) DETACH DELETE n", database_="neo4j")


# The past of this very moment is the present: an estate in memory is asked what the store is asked.
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    first=batches(first=True),
    more=st.lists(batches(first=False).filter(lambda each: not each.fails), max_size=3),
    asked=st.lists(conditions, min_size=1, max_size=5),
    by=st.sampled_from(BY),
    limit=st.integers(1, 4),
)
async def test_a_past_store_answers_as_a_store_does(
    first: Batch, more: list[Batch], asked: list[Condition], by: OrderBy, limit: int
) -> None:
    written = [first, *more]
    with TemporaryDirectory() as folder:
        async with opened(sqlite_store(Path(folder) / "estate.db")) as store:
            for batch in written:
                await apply(store, batch)
            past: Any = PastStore(store, MODEL, replace(await store.scan(CLASSES), waiting=[]))
            expected = await readable(store, written, asked, by, limit)
            expected["scan"] = (*expected["scan"][:3], [])
            answered = await readable(past, written, asked, by, limit)
    different = {key: (expected[key], answered.get(key)) for key in expected if expected[key] != answered.get(key)}
    assert different == {}


# Not shrunk: what differs is said in full, and each example costs Neo4j a hundred new statements.
@settings(max_examples=6, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    first=batches(first=True),
    more=st.lists(batches(first=False), max_size=3),
    asked=st.lists(conditions, min_size=1, max_size=3),
    by=st.sampled_from(BY),
    limit=st.integers(1, 4),
)
async def test_both_stores_answer_everything_alike(
    wiped_neo4j: str,
    neo4j_auth: tuple[str, str],
    first: Batch,
    more: list[Batch],
    asked: list[Condition],
    by: OrderBy,
    limit: int,
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    written = [first, *more]
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(opened(sqlite_store(Path(folder) / "estate.db")))
            there = await stack.enter_async_context(opened(neo4j_store(wiped_neo4j, neo4j_auth)))
            for batch in written:
                for store in (here, there):
                    if batch.fails:
                        with pytest.raises(Failing):
                            await apply(store, batch)
                    else:
                        await apply(store, batch)
            expected = await everything(here, written, asked, by, limit)
            answered = await everything(there, written, asked, by, limit)
    different = {key: (expected[key], answered.get(key)) for key in expected if expected[key] != answered.get(key)}
    assert different == {}
