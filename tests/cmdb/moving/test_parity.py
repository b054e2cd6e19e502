"""An estate that was moved is the same estate: in all that it keeps, all that it answers and all that becomes of it."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from knockon.cmdb.contract.moving import KINDS
from knockon.cmdb.contract.rows import RevisionHead
from knockon.cmdb.moving.copying import copy
from knockon.cmdb.moving.export import export
from knockon.cmdb.moving.restoring import look_at, restore
from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.stewardship import baselines
from knockon.cmdb.stewardship.compaction import compact
from knockon.cmdb.stewardship.decisions import take_back
from knockon.cmdb.stores import opened, store_at
from tests.cmdb.contract.estate import MODEL as SMALL
from tests.cmdb.contract.test_parity import BY, Batch, apply, batches, conditions, everything
from tests.cmdb.driving import decide, load_into, undo_source
from tests.cmdb.histories import History, crowds, histories, loads
from tests.cmdb.identity import MODEL
from tests.cmdb.moving.streams import Stream, clockwork, raw_neo4j, raw_sqlite, stream_of
from tests.conftest import wipe

if TYPE_CHECKING:
    from random import Random

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.store import Store
    from tests.cmdb.oracle import Load

HISTORIES = histories(most=5) | crowds()
MORE = st.lists(loads(), min_size=1, max_size=3)


async def live(store: Store, history: History, chance: Random) -> None:
    """Let an estate have all that an estate can have: loads, decisions, and what its keepers do."""
    for each in history.loads:
        await load_into(store, MODEL, each)
    await baselines.create(store, MODEL, "first", by="tests", reason="why not")
    for decision in history.decisions:
        await decide(store, MODEL, decision)
    if chance.random() < 0.5:
        await undo_source(store, MODEL, chance.choice(history.loads).source)
    if chance.random() < 0.5:
        await redact_one(store, chance)
    if chance.random() < 0.5:
        await compact(store, MODEL, str(chance.randint(1, await store.revision())), actor="tests")
    for each in history.loads[:1]:
        await load_into(store, MODEL, each)


async def redact_one(store: Store, chance: Random) -> None:
    things = (await store.scan(MODEL.concrete("Entity"))).entities
    if not things:
        return
    one = chance.choice(sorted(things, key=lambda each: each.order))
    async with store.write() as write:
        await write.redact([one.id], {"note", "owner"}, one.name)
        await write.put_entities([replace(one, attributes={})])
        await write.journal(RevisionHead("tests", "redact", "", "2026-11-09T08:00:00Z", MODEL.version, {}), [])


async def go_on(store: Store, more: list[Load], history: History) -> None:
    """Let an estate live on, with nothing left to chance."""
    with clockwork():
        for each in more:
            await load_into(store, MODEL, each)
        for decision in history.decisions[:1]:
            await decide(store, MODEL, decision)
        for known in (await store.decisions())[:1]:
            if not known.taken_back:
                await take_back(store, MODEL, known.id, by="tests")


async def answers(store: Store) -> dict[str, Any]:
    """Ask what has no list of its own in a stream: the past, as it is told."""
    newest, horizon = await store.revision(), await store.horizon()
    scan = await store.scan(MODEL.concrete("Entity"))
    ids = sorted(each.id for each in scan.entities)
    return {
        "feed": await store.feed(horizon, 1_000),
        "history": await store.history(ids, limit=100),
        "aliases": await store.aliases(ids),
        "past": [shown(await past_scan(store, MODEL, number)) for number in range(max(1, horizon), newest + 1)],
        "now": shown(scan),
        "waiting": sorted(scan.waiting, key=lambda each: each.key),
        "times": [await store.written_at(number) for number in range(newest + 1)],
        "last seen": await store.last_seen(),
        "findings": await store.findings(limit=1_000),
        "reckoned": await store.reckoned(),
        "rewritten": await store.rewritten(),
    }


def shown(scan: Any) -> Any:
    return scan.revision, sorted(scan.entities, key=lambda each: each.order), sorted(scan.edges, key=lambda e: e.key)


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES, more=MORE, chance=st.randoms(use_true_random=False))
async def test_a_file_keeps_an_estate(history: History, more: list[Load], chance: Random) -> None:
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            here, again, copied = [
                await stack.enter_async_context(opened(store_at(f"sqlite:///{folder}/{name}.db", MODEL)))
                for name in ("here", "again", "copied")
            ]
            await live(here, history, chance)
            file = Path(folder) / "estate.gz"
            moved = await export(here, MODEL, file)
            assert await restore(look_at(file), again) == moved
            assert await copy(here, copied) == moved
            kept = await stream_of(here)
            assert await stream_of(again) == kept
            assert await stream_of(copied) == kept
            assert raw_sqlite(Path(folder) / "again.db") == raw_sqlite(Path(folder) / "here.db")
            assert await answers(again) == await answers(here)
            for store in (here, again):
                await go_on(store, more, history)
            assert await stream_of(again) == await stream_of(here)


# Not shrunk: each example costs a server many statements, and what fails here mostly fails there too.
@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=HISTORIES, more=MORE, chance=st.randoms(use_true_random=False))
async def test_from_one_store_to_the_other_and_back(
    wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History, more: list[Load], chance: Random
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            here, back = [
                await stack.enter_async_context(opened(store_at(f"sqlite:///{folder}/{name}.db", MODEL)))
                for name in ("here", "back")
            ]
            there = await stack.enter_async_context(opened(store_at(wiped_neo4j, MODEL, user=user, password=password)))
            await live(here, history, chance)
            await copy(here, there)
            await copy(there, back)
            kept = await stream_of(here)
            assert await stream_of(there) == kept
            assert await stream_of(back) == kept
            assert raw_sqlite(Path(folder) / "back.db") == raw_sqlite(Path(folder) / "here.db")
            expected = await answers(here)
            assert await answers(there) == expected
            assert await answers(back) == expected
            for store in (here, there):
                await go_on(store, more, history)
            expected_then, answered_then = await stream_of(here), await stream_of(there)
            assert difference(answered_then, expected_then) == {}


def difference(one: Stream, other: Stream) -> dict[str, Any]:
    """Give what only one of two estates has, by kind."""
    found = {
        kind: (
            [x for x in one[1][kind] if x not in other[1][kind]],
            [x for x in other[1][kind] if x not in one[1][kind]],
        )
        for kind in KINDS
    }
    state = {} if one[0] == other[0] else {"state": (one[0], other[0])}
    return state | {kind: each for kind, each in found.items() if any(each)}


@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=HISTORIES, chance=st.randoms(use_true_random=False))
async def test_what_neo4j_made_comes_back_to_it_as_it_was(
    wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History, chance: Random
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    place = store_at(wiped_neo4j, MODEL, user=user, password=password)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "estate.gz"
        async with opened(place) as store:
            await live(store, history, chance)
            kept = await stream_of(store)
            await export(store, MODEL, file)
        lies = await raw_neo4j(wiped_neo4j, neo4j_auth)
        await wipe(wiped_neo4j, neo4j_auth)
        async with opened(place) as store:
            await restore(look_at(file), store)
            assert await stream_of(store) == kept
        again = await raw_neo4j(wiped_neo4j, neo4j_auth)
        assert [each for each in again if each not in lies] == []
        assert again == lies


def whole_batches(first: bool) -> st.SearchStrategy[Batch]:
    return batches(first=first).filter(lambda each: not each.fails)


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(
    first=whole_batches(first=True),
    more=st.lists(whole_batches(first=False), max_size=3),
    asked=st.lists(conditions, min_size=1, max_size=3),
    by=st.sampled_from(BY),
    limit=st.integers(1, 4),
)
async def test_whatever_a_store_takes_a_file_keeps(
    first: Batch, more: list[Batch], asked: list[Condition], by: OrderBy, limit: int
) -> None:
    written = [first, *more]
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            here, again = [
                await stack.enter_async_context(opened(store_at(f"sqlite:///{folder}/{name}.db", SMALL)))
                for name in ("here", "again")
            ]
            for batch in written:
                await apply(here, batch)
            file = Path(folder) / "estate.gz"
            await export(here, SMALL, file)
            await restore(look_at(file), again)
            assert await everything(again, written, asked, by, limit) == await everything(
                here, written, asked, by, limit
            )


@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    first=whole_batches(first=True),
    more=st.lists(whole_batches(first=False), max_size=3),
    asked=st.lists(conditions, min_size=1, max_size=2),
    by=st.sampled_from(BY),
    limit=st.integers(1, 4),
)
async def test_whatever_a_store_takes_the_other_answers_alike(
    wiped_neo4j: str,
    neo4j_auth: tuple[str, str],
    first: Batch,
    more: list[Batch],
    asked: list[Condition],
    by: OrderBy,
    limit: int,
) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    written = [first, *more]
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(opened(store_at(f"sqlite:///{folder}/here.db", SMALL)))
            there = await stack.enter_async_context(opened(store_at(wiped_neo4j, SMALL, user=user, password=password)))
            for batch in written:
                await apply(here, batch)
            await copy(here, there)
            expected = await everything(here, written, asked, by, limit)
            answered = await everything(there, written, asked, by, limit)
    different = {key: (expected[key], answered.get(key)) for key in expected if expected[key] != answered.get(key)}
    assert different == {}
