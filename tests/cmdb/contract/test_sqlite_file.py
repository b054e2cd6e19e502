"""The embedded store's file: what happens when it is not there, not ours, too new, or held by others."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.filter import Compare
from knockon.cmdb.stores import opened
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.cmdb.stores.sqlite.database import translated
from knockon.cmdb.stores.sqlite.schema import MIGRATIONS
from knockon.errors import StoreBusy, StoreError, StoreFailed, StoreTooNew, StoreUnreachable
from tests.cmdb.conftest import sqlite_store
from tests.cmdb.contract.estate import CLASSES, MODEL, commit, edge, entity, head, ids
from tests.cmdb.contract.test_concurrency import ROOT, look_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def a_folder(path: Path) -> None:
    path.mkdir()


def in_a_file(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("no folder")


def text(path: Path) -> None:
    path.write_text("This is no database. " * 100)


def of_another_program(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE photo (id INTEGER)")
    connection.close()


@pytest.mark.parametrize("make", [a_folder, in_a_file, text, of_another_program])
async def test_what_cannot_be_an_estate_is_unreachable(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "folder" / "estate.db"
    path.parent.mkdir()
    make(path)
    store = sqlite_store(path)
    with pytest.raises(StoreUnreachable):
        await store.open()
    await store.close()


async def test_a_file_of_a_newer_knockon_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "estate.db"
    async with opened(sqlite_store(path)) as store:
        await commit(store, entity("a"))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [len(MIGRATIONS) + 1])
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew):
        await sqlite_store(path).open()
    assert path.read_bytes() == before


async def test_who_waits_too_long_for_another_process_is_told_that_the_store_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "estate.db"
    async with opened(SqliteStore(path, MODEL, busy_timeout=0.1)) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(StoreBusy):
                await commit(store, entity("a"), tries=1)
            assert await store.revision() == 0
        finally:
            other.close()
        assert await commit(store, entity("a")) == 1


async def test_who_waits_too_long_in_this_process_is_told_so_too(tmp_path: Path) -> None:
    async with opened(SqliteStore(tmp_path / "estate.db", MODEL, busy_timeout=0.1)) as store:
        async with store.write() as write:
            with pytest.raises(StoreBusy):
                await commit(store, entity("a"), tries=1)
            await write.journal(head(), [])
        assert await commit(store, entity("a")) == 2


async def test_a_store_that_is_not_open_is_unreachable(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path / "estate.db")
    with pytest.raises(StoreUnreachable):
        await store.revision()
    await store.open()
    await store.close()
    await store.close()
    with pytest.raises(StoreUnreachable):
        await commit(store, entity("a"))


async def test_opening_makes_no_folder_and_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "estate.db"
    with pytest.raises(StoreUnreachable):
        await sqlite_store(path).open()
    assert not path.parent.exists()
    path.parent.mkdir()
    async with opened(sqlite_store(path)) as store:
        await commit(store, entity("a"))
    async with opened(sqlite_store(path)) as store:
        assert await store.revision() == 1
        assert set(await store.entities(["a"])) == {"a"}
    assert [each.name for each in path.parent.iterdir()] == ["estate.db"]


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'estate.db'}"


async def test_many_processes_may_create_the_file_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.cmdb.contract.writing_process", url(tmp_path)]
    running = [await asyncio.create_subprocess_exec(*command, f"p{i}", "0", cwd=ROOT) for i in range(6)]
    assert [await each.wait() for each in running] == [0] * 6
    async with opened(sqlite_store(tmp_path / "estate.db")) as store:
        assert await store.revision() == 0


async def test_a_killed_process_loses_nothing_that_it_committed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.cmdb.contract.writing_process", url(tmp_path), "p", "100000"]
    running = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert running.stdout is not None
    for _ in range(20):
        last = int(await running.stdout.readline())
    running.kill()
    await running.communicate()
    async with opened(sqlite_store(tmp_path / "estate.db")) as store:
        assert await store.revision() >= last == 20
        await look_whole(store)
        assert await commit(store, entity("after")) == len(await store.feed(0, limit=100_000))


def test_a_store_serves_several_event_loops_one_after_another(tmp_path: Path) -> None:
    store = sqlite_store(tmp_path / "estate.db")
    threads = threading.active_count()
    asyncio.run(store.open())
    assert [asyncio.run(commit(store, entity(f"e{i}"))) for i in range(3)] == [1, 2, 3]
    assert asyncio.run(store.revision()) == 3
    asyncio.run(store.close())
    assert threading.active_count() == threads


def descendants(kind: type[Exception]) -> Iterator[type[Exception]]:
    yield kind
    for each in kind.__subclasses__():
        yield from descendants(each)


EXPECTED = {
    "BUSY": StoreBusy, "LOCKED": StoreBusy, "CANTOPEN": StoreUnreachable, "READONLY": StoreUnreachable,
    "NOTADB": StoreUnreachable, "IOERR": StoreFailed, "FULL": StoreFailed, "CORRUPT": StoreFailed,
}  # fmt: skip
CODES = [name for name in dir(sqlite3) if name.startswith("SQLITE_") and name.split("_")[1] in EXPECTED]


def test_every_error_of_sqlite_becomes_one_of_ours(tmp_path: Path) -> None:
    kinds = list(descendants(sqlite3.Error))
    assert len(kinds) >= 9
    for kind in (*kinds, OverflowError, UnicodeEncodeError):
        said = kind("utf-8", "x", 0, 1, "why") if kind is UnicodeEncodeError else kind("why")
        assert isinstance(translated(said, tmp_path), StoreFailed)
    assert len(CODES) > len(EXPECTED)
    for name in CODES:
        error = sqlite3.OperationalError("why")
        error.sqlite_errorcode = getattr(sqlite3, name)
        ours = translated(error, tmp_path)
        assert str(tmp_path) in str(ours)
        assert type(ours) is EXPECTED[name.split("_")[1]], name


@pytest.mark.parametrize("value", [2**63, "\ud800", 2**70])
async def test_values_that_no_store_can_hold_are_refused_as_ours(tmp_path: Path, value: object) -> None:
    async with opened(sqlite_store(tmp_path / "estate.db")) as store:
        with pytest.raises(StoreError):
            await store.page(CLASSES, Compare("size", "eq", value), limit=1)
        await commit(store, entity("a"))
        assert ids(await store.page(CLASSES, None, limit=1)) == ["a"]


async def test_what_fails_in_a_statement_is_a_store_error_and_rolls_back(tmp_path: Path) -> None:
    path = tmp_path / "estate.db"
    async with opened(sqlite_store(path)) as store:
        await commit(store, entity("a"))
        with sqlite3.connect(path) as other:
            other.execute("DROP TABLE edge")
        other.close()
        with pytest.raises(StoreFailed, match="edge"):
            await store.scan(CLASSES)
        with pytest.raises(StoreFailed, match="edge"):
            await commit(store, edge("a", "b"))
        assert await store.revision() == 1
