"""A name stands for one value at a time, whoever asks, the same in every store."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store


async def test_a_name_stands_for_the_first_value_until_that_ends(store: Store) -> None:
    assert await store.lease("verdicts", "one", seconds=60) == "one"
    assert await store.lease("verdicts", "other", seconds=60) == "one"
    assert await store.lease("another", "other", seconds=60) == "other"
    assert await store.lease("verdicts", "one", seconds=0) == "one"
    assert await store.lease("verdicts", "other", seconds=60) == "other"


async def test_a_lease_ends_by_itself_and_is_made_longer_by_its_holder(store: Store) -> None:
    assert await store.lease("verdicts", "one", seconds=0.2) == "one"
    assert await store.lease("verdicts", "one", seconds=60) == "one"
    await asyncio.sleep(0.4)
    assert await store.lease("verdicts", "other", seconds=0.2) == "one"
    assert await store.lease("short", "one", seconds=0.2) == "one"
    await asyncio.sleep(0.4)
    assert await store.lease("short", "other", seconds=60) == "other"


async def test_who_knows_what_stands_there_puts_something_in_its_place(store: Store) -> None:
    await store.lease("load", "running", seconds=60)
    assert await store.lease("load", "done", seconds=60, instead_of="walking") == "running"
    assert await store.lease("load", "done", seconds=60, instead_of="running") == "done"
    assert await store.lease("load", "running", seconds=60) == "done"


async def test_of_many_that_ask_at_once_one_is_first(store: Store) -> None:
    asked = (store.lease("verdicts", f"process {number}", seconds=60) for number in range(20))
    assert len(set(await asyncio.gather(*asked))) == 1


async def test_leases_are_no_part_of_the_estate(store: Store) -> None:
    await store.lease("verdicts", "one", seconds=60)
    assert await store.revision() == 0
    async with store.everything() as reading:
        assert not any(reading.counts.values())
