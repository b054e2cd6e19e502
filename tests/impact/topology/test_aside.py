"""What is done aside is done in a thread, on a loop and by a way to the store of its own, at the same estate."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.errors import BadUsage
from knockon.impact.topology.aside import aside
from knockon.impact.topology.topologies import Topologies
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MODEL = installed_model()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[Topologies]:
    def connect() -> SqliteStore:
        return SqliteStore(tmp_path / "estate.db", MODEL)

    store = connect()
    await store.open()
    yield Topologies(store, MODEL, connect=connect)
    await store.close()


async def say(topologies: Topologies, key: str) -> None:
    await load(topologies.store, MODEL, [EntityObservation("t", key, "Server", {"name": key})], source="t", actor="ann")


async def test_it_is_done_elsewhere_and_sees_and_writes_the_same_estate(here: Topologies) -> None:
    await say(here, "one")
    before = await here.current()

    async def work(there: Topologies) -> tuple[int, bool, int, int]:
        assert there.store is not here.store
        seen = await there.current()
        await say(there, "two")
        newer = await there.current()
        assert seen.memory is not before.memory
        elsewhere = threading.current_thread() is not threading.main_thread()
        return threading.get_ident(), elsewhere, len(seen.entities), len(newer.entities)

    thread, elsewhere, seen, newer = await aside(here, work)
    assert (elsewhere, seen, newer) == (True, 1, 2)
    assert thread != threading.get_ident()
    assert len((await here.current()).entities) == 2


async def test_what_goes_wrong_there_is_told_here(here: Topologies) -> None:
    async def work(_there: Topologies) -> None:
        raise BadUsage("no")

    with pytest.raises(BadUsage, match="no"):
        await aside(here, work)


async def test_who_gives_up_ends_the_work(here: Topologies) -> None:
    begun, ended = threading.Event(), threading.Event()

    async def work(_there: Topologies) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    task = asyncio.create_task(aside(here, work))
    await asyncio.to_thread(begun.wait)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 30)


async def test_without_another_way_to_the_store_it_is_done_here(here: Topologies) -> None:
    here.connect = None

    async def work(there: Topologies) -> bool:
        return there is here

    assert await aside(here, work)
