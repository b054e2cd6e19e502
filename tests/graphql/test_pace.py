"""A long answer gives way to others, and costs the store no more for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from knockon.errors import StoreFailed
from knockon.graphql.pace import ROWS, Loader, Pace
from tests.graphql.conftest import link, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

LONG = """{ servers(first: 100) { edges { node { name runs(first: 100) { edges { node { name class id revision
  ... on Application { environment status dependsOn(first: 3) { edges { node { name } } } } } } } } } } }"""


async def test_others_are_answered_while_thousands_of_rows_are(empty: Api) -> None:
    servers, each = 40, 100
    await empty.load(
        thing("db", "Database"),
        *(thing(f"s-{n}", "Server") for n in range(servers)),
        *(thing(f"a-{n}-{m}", "Application") for n in range(servers) for m in range(each)),
        *(link(f"a-{n}-{m}", "RUNS_ON", f"s-{n}") for n in range(servers) for m in range(each)),
        *(link(f"a-{n}-{m}", "DEPENDS_ON", "db") for n in range(servers) for m in range(each)),
    )
    done: list[str] = []

    async def asked(name: str, query: str) -> None:
        await empty.ask(query)
        done.append(name)

    await empty.ask(LONG)
    beats, over = 0, asyncio.Event()

    async def beat() -> None:
        nonlocal beats
        while not over.is_set():
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    await asyncio.gather(asked("long", LONG), asked("short", "{ servers(first: 1) { edges { node { name } } } }"))
    over.set()
    await beating
    assert done == ["short", "long"]
    assert beats >= servers * each / ROWS
    assert await empty.calls(LONG) == {"page": 1, "neighbours": 1 + servers * each / 1_000}


async def test_lists_take_turns_and_the_loop_goes_round_between_them() -> None:
    pace, turns = Pace(), 0
    order: list[int] = []

    async def answer(number: int) -> None:
        await pace.answer(ROWS)
        order.append(number)

    tasks = [asyncio.create_task(answer(number)) for number in range(5)]
    while not all(each.done() for each in tasks):
        before = len(order)
        await asyncio.sleep(0)
        turns += 1
        assert len(order) - before <= 1
    assert (order, pace.waiting) == ([0, 1, 2, 3, 4], 0)
    assert turns >= 5


async def test_what_lists_ask_for_one_after_the_other_is_read_at_once() -> None:
    calls: list[list[int]] = []

    async def read(keys: list[int]) -> list[int]:
        calls.append(keys)
        return [key * 2 for key in keys]

    pace = Pace()
    loader = Loader(read, pace)

    async def answer(number: int) -> int:
        await pace.answer(ROWS)
        return await loader.load(number)

    assert await asyncio.gather(*(answer(number) for number in [*range(20), 3])) == [*range(0, 40, 2), 6]
    assert calls == [list(range(20))]


async def test_a_read_that_fails_fails_for_all_who_asked_and_one_that_ends_ends() -> None:
    async def fail(_keys: list[int]) -> list[int]:
        raise StoreFailed("The disk is full.")

    loader = Loader(fail, Pace())
    found = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert [type(each) for each in found] == [StoreFailed, StoreFailed]
    with pytest.raises(StoreFailed):
        await loader.load(1)
