"""The laws of loading, on both stores: the real estate is the oracle's, whatever came in which order and pieces."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from knockon.cmdb.contract.words import sought, words
from knockon.cmdb.loading import run as load_run
from knockon.cmdb.stewardship import decisions as people
from knockon.cmdb.stewardship.edits import Editor
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadUsage, ReferenceNotFound
from tests.cmdb import oracle
from tests.cmdb.driving import decide, digest, estate_of, load_into, parts_of, undo_load, undo_source, unknown_ids
from tests.cmdb.histories import (
    ATTRIBUTES,
    CROWD,
    DAYS,
    KEYS,
    LINKED,
    SOURCES,
    WORDS,
    History,
    crowds,
    histories,
    permuted,
    without,
)
from tests.cmdb.identity import MODEL, rules
from tests.cmdb.oracle import EntityReport, Load
from tests.conftest import wipe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from random import Random

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model
    from tests.cmdb.oracle import Estate

HISTORIES = histories(most=5) | crowds()
PERSONS = ("ann", "bob")
SAID_BY = [(source, key) for source in (*SOURCES, *CROWD) for key in KEYS]


async def tell(store: Store, model: Model, history: History) -> None:
    for each in history.loads:
        await load_into(store, model, each)
    for decision in history.decisions:
        await decide(store, model, decision)


async def tell_mixed(
    store: Store, model: Model, history: History, chance: Random, then: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Tell loads and decisions in any order between each other; decisions of one moment stay in theirs."""
    turns = [*range(len(history.loads)), *[-1] * len(history.decisions)]
    chance.shuffle(turns)
    decided = iter(history.decisions)
    for turn in turns:
        await (load_into(store, model, history.loads[turn]) if turn >= 0 else decide(store, model, next(decided)))
        if then:
            await then()


async def estate(store: Store, model: Model) -> Estate:
    return await estate_of(store, model, SAID_BY)


def meant(model: Model, history: History) -> Estate:
    """Give the oracle's estate, but for the findings: no store keeps them yet."""
    with patch.object(oracle, "digest", digest):
        found = oracle.judge(model, rules(model), history.loads, history.decisions)
    return replace(found, findings=frozenset())


async def kept(store: Store) -> set[tuple[str, frozenset[oracle.Key]]]:
    """Read the findings; those of a value that too many claim name it, and it leads to their records."""
    found: set[tuple[str, frozenset[oracle.Key]]] = set()
    for each in await store.findings(limit=10_000):
        records = each.records or (await store.claimants([each.token], 10_000)).get(each.token, [])
        if each.code == "CONTAINMENT_CIRCLE":
            members = await store.members([id_ for _, id_ in each.records])
            records = [(record.source, record.key) for record in members]
        found.add((each.code, frozenset(records)))
    return found


async def in_any_order_the_estate_is_the_oracles(store: Store, model: Model, history: History, chance: Random) -> None:
    order = list(range(len(history.loads)))
    chance.shuffle(order)
    await tell(store, model, permuted(history, order))
    assert await estate(store, model) == meant(model, history)


async def small_batches_make_the_same_estate(store: Store, model: Model, history: History, chance: Random) -> None:
    with patch.object(load_run, "BATCH", chance.randint(1, 3)):
        await tell(store, model, history)
    assert await estate(store, model) == meant(model, history)


async def a_load_repeated_changes_nothing(store: Store, model: Model, history: History, chance: Random) -> None:
    await tell(store, model, history)
    before, newest = await estate(store, model), await store.revision()
    await load_into(store, model, chance.choice(history.loads))
    assert [each.count for each in await store.feed(newest)] == [0]
    assert await estate(store, model) == before


async def decisions_may_come_before_what_they_are_about(
    store: Store, model: Model, history: History, chance: Random
) -> None:
    await tell_mixed(store, model, history, chance)
    assert await estate(store, model) == meant(model, history)


async def an_id_once_given_resolves_for_ever(store: Store, model: Model, history: History, chance: Random) -> None:
    given_out: set[str] = set()

    async def look() -> None:
        given_out.update(await parts_of(store, SAID_BY))
        assert await unknown_ids(store, given_out) == set()

    await tell_mixed(store, model, history, chance, then=look)
    await undo_source(store, model, chance.choice(SOURCES))
    await look()
    await load_into(store, model, chance.choice(history.loads))
    await look()


async def decisions_taken_back_leave_every_record_its_id(
    store: Store, model: Model, history: History, chance: Random
) -> None:
    await tell_mixed(store, model, history, chance)
    seen = [await ids_of_records(store)]
    made = []
    for _ in range(chance.randint(1, 3)):
        alike = LINKED[chance.choice("mmid")]
        a, b = chance.sample([(source, key) for source in SOURCES for key in alike], 2)
        with suppress(ReferenceNotFound, BadUsage):
            made.append((await people.decide(store, model, chance.choice(["link", "link", "apart"]), a, b, by="x"))[0])
            seen.append(await ids_of_records(store))
    while made:
        await people.take_back(store, model, made.pop().id, by="x")
        seen.pop()
        assert await ids_of_records(store) == seen[-1]
        assert {each: each for each in seen[-1].values()} == await standing(store, seen[-1].values())


async def edits_between_loads_are_words_like_any_other(
    store: Store, model: Model, history: History, chance: Random
) -> None:
    said: list[Load] = []
    for each in history.loads:
        await load_into(store, model, each)
        if chance.random() < 0.7:
            said += await edited(store, model, chance)
    for decision in history.decisions:
        await decide(store, model, decision)
        said += await edited(store, model, chance)
    made = [each for each in await store.decisions() if each.by in PERSONS]
    links = [oracle.Decision("link", each.a, each.b, each.at) for each in made]
    keys = {(load.source, report.key) for load in said for report in load.entities}
    with patch.object(oracle, "digest", digest):
        found = oracle.judge(model, rules(model), [*history.loads, *said], [*history.decisions, *links])
    assert await estate_of(store, model, {*SAID_BY, *keys}) == replace(found, findings=frozenset())
    assert await kept(store) == found.findings


async def edited(store: Store, model: Model, chance: Random) -> list[Load]:
    """Let a person edit some thing; give the edit as the load that it is, unless it says nothing new."""
    things = sorted((await store.scan(model.concrete("Entity"))).entities, key=lambda each: each.order)
    if not things:
        return []
    thing, by = chance.choice(things), chance.choice(PERSONS)
    name = chance.choice([each for each in ATTRIBUTES[thing.class_name] if each != "status"])
    before = await store.revision()
    done = await Editor(store, model, by).change(thing.id, {name: chance.choice(WORDS[name])})
    assert done.entity.id
    if await store.revision() == before:
        return []
    records = [each for each in await store.members([thing.id, done.entity.id]) if each.source == f"person/{by}"]
    record = max(records, key=lambda each: each.registers.get(name, (None, ""))[1])
    value, moment = record.registers[name]
    report = EntityReport(record.key, thing.class_name, {name: value})
    return [Load(record.source, moment, (report,), partial=True)]


async def ids_of_records(store: Store) -> dict[oracle.Key, str]:
    return {key: id_ for id_, part in (await parts_of(store, SAID_BY)).items() for key in part}


async def standing(store: Store, ids: Collection[str]) -> dict[str, str]:
    return {asked: entity.id for asked, entity in (await store.entities(ids)).items()}


async def undoing_a_source_is_never_having_had_it(store: Store, model: Model, history: History, chance: Random) -> None:
    source = chance.choice(SOURCES)
    await tell(store, model, history)
    await undo_source(store, model, source)
    assert await estate(store, model) == meant(model, without(history, source))


async def undoing_a_load_is_never_having_had_it(store: Store, model: Model, history: History, chance: Random) -> None:
    history = in_order(history)
    gone = chance.randrange(len(history.loads))
    with patch.object(load_run, "BATCH", chance.choice([2, load_run.BATCH])):
        written = [(await load_into(store, model, each)).revision for each in history.loads]
        for decision in history.decisions:
            await decide(store, model, decision)
        await undo_load(store, model, written[gone])
    rest = replace(history, loads=tuple(each for n, each in enumerate(history.loads) if n != gone))
    assert await estate(store, model) == meant(model, rest)


async def an_undo_undone_is_as_before(store: Store, model: Model, history: History, chance: Random) -> None:
    written = [(await load_into(store, model, each)).revision for each in history.loads]
    before, newest = await estate(store, model), await store.revision()
    await undo_load(store, model, chance.choice(written))
    if await store.revision() > newest:
        await undo_load(store, model, await store.revision())
    assert await estate(store, model) == before


async def search_finds_each_thing_by_the_keys_of_its_records(
    store: Store, model: Model, history: History, chance: Random
) -> None:
    for each in history.loads:
        await load_into(store, model, each)
        await searched(store, model)
    for decision in history.decisions:
        await decide(store, model, decision)
        await searched(store, model)
    await undo_source(store, model, chance.choice(SOURCES))
    await searched(store, model)


async def searched(store: Store, model: Model) -> None:
    parts = await parts_of(store, SAID_BY)
    for key in KEYS:
        beginning = words(key)
        expected = {
            each
            for each, records in parts.items()
            if any(words(own)[at:][: len(beginning)] == beginning for _, own in records for at in range(2))
            or any(words(f"{source}:{own}") == beginning for source, own in records)
        }
        found = await store.search(sought(key), model.concrete("Entity"), limit=100)
        assert {each.entity.id for each in found} == expected, key


def in_order(history: History) -> History:
    """Give the loads in the order of their moments, each at one of its own: a word comes after all older ones.

    Of a record that is reported partly too, all reports name one class: another one beside a whole report is not kept.
    """
    loads = [with_one_class(each, history) for each in sorted(history.loads, key=lambda each: each.seen)]
    return replace(history, loads=tuple(at_one_moment(each, n) for n, each in enumerate(loads)))


def with_one_class(load: Load, history: History) -> Load:
    partly = {
        (other.source, each.key): each.class_name for other in history.loads if other.partial for each in other.entities
    }
    said = tuple(
        replace(each, class_name=partly.get((load.source, each.key), each.class_name), attributes={})
        for each in load.entities
    )
    kept = tuple(
        each if new.class_name == each.class_name else new for each, new in zip(load.entities, said, strict=True)
    )
    return replace(load, entities=kept)


def at_one_moment(load: Load, n: int) -> Load:
    entities = tuple(replace(each, seen=None) for each in load.entities)
    relationships = tuple(replace(each, seen=None) for each in load.relationships)
    return replace(load, seen=f"2026-11-01T08:00:{n:02}Z", entities=entities, relationships=relationships)


LAWS = [
    in_any_order_the_estate_is_the_oracles,
    small_batches_make_the_same_estate,
    decisions_may_come_before_what_they_are_about,
    a_load_repeated_changes_nothing,
    an_id_once_given_resolves_for_ever,
    decisions_taken_back_leave_every_record_its_id,
    edits_between_loads_are_words_like_any_other,
    undoing_a_source_is_never_having_had_it,
    undoing_a_load_is_never_having_had_it,
    an_undo_undone_is_as_before,
    search_finds_each_thing_by_the_keys_of_its_records,
]
on_every_law = pytest.mark.parametrize("law", LAWS, ids=[each.__name__ for each in LAWS])


@on_every_law
@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES, chance=st.randoms(use_true_random=False))
async def test_on_sqlite(law: Any, history: History, chance: Random) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", MODEL)) as store:
            await law(store, MODEL, history, chance)


# Not shrunk: each example costs a server many statements, and what fails here mostly fails there too.
@on_every_law
@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=HISTORIES, chance=st.randoms(use_true_random=False))
async def test_on_neo4j(
    law: Any, wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History, chance: Random
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    async with opened(store_at(wiped_neo4j, MODEL, user=user, password=password)) as store:
        await law(store, MODEL, history, chance)


@pytest.fixture
def store_model() -> Model:
    return MODEL


async def test_a_record_that_came_too_late_to_live_can_be_undone(store: Store) -> None:
    complete = Load("a", DAYS[1], (EntityReport("m1", "Computer"),), complete=True)
    late = Load("a", DAYS[0], (EntityReport("d1", "Database"),))
    await tell(store, MODEL, History((complete, late)))
    await undo_source(store, MODEL, "a")
    assert await estate(store, MODEL) == meant(MODEL, History(()))


async def test_what_a_complete_load_rejects_counts_as_reported_also_for_what_comes_late(store: Store) -> None:
    first = Load("a", DAYS[0], (EntityReport("m1", "Server"), EntityReport("m2", "Server")), complete=True)
    second = Load("a", DAYS[1], (EntityReport("m1", "Server"),), complete=True, rejected=("m2",))
    await tell(store, MODEL, History((second, first)))
    assert await estate(store, MODEL) == meant(MODEL, History((first, second)))
