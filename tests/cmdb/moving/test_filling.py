"""A store is filled whole or not at all, and what was cut off is never taken for an estate."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.moving import KINDS, Redaction, State, Thing
from knockon.cmdb.contract.rows import Alias, JournalEntry, Revision
from knockon.cmdb.moving.copying import copy, pour
from knockon.cmdb.stores import opened, opened_to_fill
from knockon.errors import (
    ModelInvalid,
    StoreError,
    StoreFailed,
    StoreNotEmpty,
    StoreUnfinished,
)
from tests.cmdb.conftest import neo4j_store, sqlite_store
from tests.cmdb.contract.estate import commit, edge, entity, head, record, saying, write_pair
from tests.cmdb.moving.streams import Stream, stream_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from knockon.cmdb.contract.moving import Filling
    from knockon.cmdb.contract.store import Store

    Make = Callable[[], Store]


NOTHING: Stream = (State(0, 0, 0, ""), {kind: [] for kind in KINDS})
THING = Thing(entity("a"), answers=True)


class Broken(Exception):
    pass


async def estate_at(path: Path, *, things: int = 3) -> Stream:
    """Make an embedded store with a bit of everything, characters that sort oddly included."""
    async with opened(sqlite_store(path)) as store:
        names = ["\uff5e", "\U0001f600", "a b", "a", '"', "x" * 3_000, *map(str, range(things))]
        rows = [entity(f"e{i}", "Server", each, size=i) for i, each in enumerate(names)]
        said = [record(each.name, each.id) for each in rows]
        links = [edge("e0", "e1"), edge("e1", "e2", "g"), edge("e0", "e2", retired=True)]
        meant = [saying("a", "b", links[0].key, watches=("k:test:a",)), saying("a", "gone", watches=("k:test:gone",))]
        await commit(store, *rows, *said, *links, *meant, entries=[JournalEntry("entity", "e0", None, {"name": "x"})])
        await write_pair(store, "w", 1)
        return await stream_of(store)


async def pouring(store: Store, target: Store, stop: str = "") -> None:
    """Copy from one to the other; break when rows of this kind are there."""

    class Stopping:
        def __init__(self, filling: Filling) -> None:
            self._filling = filling

        async def put(self, kind: str, rows: Sequence[Any]) -> None:
            await self._filling.put(kind, rows)
            if kind == stop:
                raise Broken

        async def finish(self, state: State) -> None:
            await self._filling.finish(state)

    async with target.filling() as filling, store.everything() as reading:
        await pour(reading, Stopping(filling))


async def test_a_store_that_holds_an_estate_is_refused(make: Make, tmp_path: Path) -> None:
    await estate_at(tmp_path / "other.db")
    async with opened(make()) as target, opened(sqlite_store(tmp_path / "other.db")) as source:
        await write_pair(target, "own", 1)
        kept = await stream_of(target)
        with pytest.raises(StoreNotEmpty):
            await copy(source, target)
        assert await stream_of(target) == kept
        await write_pair(target, "own", 2)


@pytest.mark.parametrize("stop", ["entity", "edge_record", "revision"])
async def test_an_error_leaves_the_store_empty(make: Make, tmp_path: Path, stop: str) -> None:
    kept = await estate_at(tmp_path / "other.db")
    async with opened(sqlite_store(tmp_path / "other.db")) as source:
        async with opened_to_fill(make()) as target:
            with pytest.raises(Broken):
                await pouring(source, target, stop)
        async with opened(make()) as target:
            assert await target.revision() == 0
            assert await stream_of(target) == NOTHING
            await copy(source, target)
            assert await stream_of(target) == kept


async def test_a_filling_that_is_not_finished_leaves_nothing(make: Make) -> None:
    async with opened(make()) as target:
        async with target.filling() as filling:
            await filling.put("entity", [THING])
        assert await stream_of(target) == NOTHING
        assert await write_pair(target, "own", 1) == 1


async def test_all_rows_come_in_pages_of_any_size(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from knockon.cmdb.stores.neo4j import moving as on_neo4j  # noqa: PLC0415 - each half of a run loads its own driver only
    from knockon.cmdb.stores.sqlite import moving as on_sqlite  # noqa: PLC0415 - as above

    kept = await estate_at(tmp_path / "other.db")
    for module in (on_neo4j, on_sqlite):
        small = {name: replace(kind, at_once=2) for name, kind in module.KINDS.items()}
        monkeypatch.setattr(module, "KINDS", small)
    async with opened(sqlite_store(tmp_path / "other.db")) as source, opened(make()) as target:
        told: list[tuple[int, int]] = []
        moved = await copy(source, target, lambda *both: told.append(both))
        assert await stream_of(target) == kept
    total = sum(moved.counts.values())
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (total, total)
    assert len(told) > total / 3


async def test_an_empty_store_can_be_copied(make: Make, tmp_path: Path) -> None:
    async with opened(make()) as target, opened(sqlite_store(tmp_path / "other.db")) as source:
        await copy(source, target)
        assert await target.revision() == 0
        await write_pair(target, "own", 1)


WRONG: dict[str, tuple[type[StoreError | ModelInvalid], list[tuple[str, list[Any]]]]] = {
    "an id twice": (StoreFailed, [("entity", [THING, THING])]),
    "an id twice, in two parts": (StoreFailed, [("alias", [Alias("a", "b")]), ("alias", [Alias("a", "c")])]),
    "an edge without an end": (StoreFailed, [("entity", [THING]), ("edge", [edge("a", "b")])]),
    "a retired edge without an end": (StoreFailed, [("entity", [THING]), ("edge", [edge("b", "a", retired=True)])]),
    "an edge twice": (StoreFailed, [("entity", [THING]), ("edge", [edge("a", "a")]), ("edge", [edge("a", "a")])]),
    "a class that the model lacks": (
        ModelInvalid, [("entity", [Thing(replace(entity("a"), class_name="Turbine"), answers=True)])]
    ),
    "a type that the model lacks": (
        ModelInvalid, [("entity", [THING]), ("edge", [edge("a", "a", type_name="SPINS")])]
    ),
}  # fmt: skip


async def filling_with(target: Store, parts: list[tuple[str, list[Any]]]) -> None:
    async with target.filling() as filling:
        for kind, rows in parts:
            await filling.put(kind, rows)
        await filling.finish(State(1, 0, 0, ""))


@pytest.mark.parametrize("case", WRONG)
async def test_rows_that_contradict_each_other_are_refused(make: Make, case: str) -> None:
    error, parts = WRONG[case]
    async with opened(make()) as target:
        with pytest.raises(error):
            await filling_with(target, parts)
        assert await target.revision() == 0
        assert await stream_of(target) == NOTHING


async def test_what_is_retired_may_be_of_a_class_that_is_no_more(make: Make, tmp_path: Path) -> None:
    gone = Thing(replace(entity("a", retired=True), class_name="Turbine"), answers=False)
    async with opened(make()) as target:
        async with target.filling() as filling:
            await filling.put("entity", [gone])
            await filling.put("edge", [edge("a", "a", type_name="SPINS", retired=True)])
            await filling.put("redaction", [Redaction("s", "k", ("email", "name"))])
            await filling.put("revision", [Revision(1, head(), 3, (), "2026-11-01T00:00:00Z")])
            await filling.finish(State(1, 1, 1, "abc"))
        state, rows = await stream_of(target)
        assert state == State(1, 1, 1, "abc")
        assert {kind: len(lines) for kind, lines in rows.items() if lines} == {
            "entity": 1, "edge": 1, "redaction": 1, "revision": 1,
        }  # fmt: skip
        assert await write_pair(target, "own", 1) == 2


async def test_a_reading_is_of_one_revision_while_others_write(make: Make, tmp_path: Path) -> None:
    """Each write is a pair and an edge between them: whole in the copy, or not at all, and as old as it says."""
    async with opened(make()) as store, opened(make()) as beside:
        for turn in range(3):
            await write_pair(store, "before", turn)
        stop = asyncio.Event()

        async def writer(name: str) -> None:
            turn = 0
            while not stop.is_set():
                await write_pair(beside, name, turn := turn + 1)

        writers = [asyncio.create_task(writer(name)) for name in ("one", "two")]
        try:
            for number in range(3):
                await asyncio.sleep(0.05)
                async with opened(sqlite_store(tmp_path / f"copy{number}.db")) as target:
                    moved = await copy(store, target)
                revision = moved.state.revision
                assert moved.counts["revision"] == revision
                assert moved.counts["entity"] == 2 * revision
                assert moved.counts["edge"] == revision
        finally:
            stop.set()
            await asyncio.gather(*writers)
        assert await store.revision() > revision


@pytest.fixture
async def cut_off(wiped_neo4j: str, neo4j_auth: tuple[str, str], tmp_path: Path) -> Make:
    """Give what makes stores on a database in which a copy was cut off, as by the death of its process."""
    await estate_at(tmp_path / "other.db")
    waits = asyncio.Event()

    async def filling_and_waiting(source: Store, target: Store) -> None:
        async with target.filling() as filling, source.everything() as reading:
            for kind in ("entity", "record", "revision"):
                async for rows in reading.rows(kind):
                    await filling.put(kind, rows)
            waits.set()
            await asyncio.sleep(60)

    def make() -> Store:
        return neo4j_store(wiped_neo4j, neo4j_auth)

    async with opened(sqlite_store(tmp_path / "other.db")) as source, opened(make()) as target:
        dying = asyncio.create_task(filling_and_waiting(source, target))
        await asyncio.wait({dying, asyncio.create_task(waits.wait())}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        assert isinstance((await asyncio.gather(dying, return_exceptions=True))[0], asyncio.CancelledError)
    return make


async def test_a_copy_that_was_cut_off_is_refused_and_begins_anew(cut_off: Make, tmp_path: Path) -> None:
    with pytest.raises(StoreUnfinished, match="begins anew"):
        async with opened(cut_off()):
            pass
    async with opened(sqlite_store(tmp_path / "other.db")) as source:
        async with opened_to_fill(cut_off()) as target:
            with pytest.raises(StoreUnfinished):
                await target.revision()
            with pytest.raises(StoreUnfinished):
                await write_pair(target, "own", 1)
            with pytest.raises(StoreUnfinished):
                await stream_of(target)
            await copy(source, target)
        async with opened(cut_off()) as target:
            assert await stream_of(target) == await stream_of(source)


async def test_of_two_copies_into_one_store_the_later_one_goes_on(cut_off: Make, tmp_path: Path) -> None:
    async with (
        opened(sqlite_store(tmp_path / "other.db")) as source,
        opened_to_fill(cut_off()) as first,
        opened_to_fill(cut_off()) as second,
    ):
        async with first.filling() as filling:
            await filling.put("entity", [THING])
            await copy(source, second)
            with pytest.raises(StoreUnfinished, match="this one is given up"):
                await filling.put("alias", [Alias("b", "a")])
            with pytest.raises(StoreUnfinished, match="this one is given up"):
                await filling.finish(State(1, 0, 0, ""))
        assert await stream_of(second) == await stream_of(source)


async def test_whoever_opens_a_store_does_not_wait_for_a_long_reading(
    wiped_neo4j: str, neo4j_auth: tuple[str, str]
) -> None:
    async with opened(neo4j_store(wiped_neo4j, neo4j_auth)) as store:
        await write_pair(store, "own", 1)
        other = neo4j_store(wiped_neo4j, neo4j_auth)
        async with store.everything(), asyncio.timeout(20), opened(other):
            assert await other.revision() == 1
