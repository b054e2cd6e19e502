"""A long answer gives way to others, and costs the store no more for that."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

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
        await pace.answer(range(ROWS))
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
        await pace.answer(range(ROWS))
        return await loader.load(number)

    assert await asyncio.gather(*(answer(number) for number in [*range(20), 3])) == [*range(0, 40, 2), 6]
    assert calls == [list(range(20))]


async def test_a_long_list_is_answered_part_by_part_and_the_loop_goes_round_between() -> None:
    pace, rows = Pace(), list(range(4 * ROWS + 1))
    members = await pace.answer(rows)
    assert members[:ROWS] == rows[:ROWS]
    later = [each for each in members if isinstance(each, asyncio.Future)]
    turns, there = 0, 0
    while there < len(later):
        await asyncio.sleep(0)
        turns += 1
        now = sum(each.done() for each in later)
        assert now - there <= ROWS
        there = now
    assert [each.result() for each in later] == rows[ROWS:]
    assert turns >= 4
    await asyncio.sleep(0)
    assert pace.waiting == 0


async def test_those_who_wait_for_one_read_go_on_part_by_part() -> None:
    number, turns, went_on = 1_000, 0, 0

    async def read(keys: list[int]) -> list[int]:
        return keys

    loader = Loader(read, Pace())

    async def ask(key: int) -> None:
        nonlocal went_on
        assert await loader.load(key) == key
        assert await loader.load(key) == key  # what is known is there at once, also while others still wait
        went_on += 1

    tasks = [asyncio.create_task(ask(each % 2)) for each in range(number)]
    while went_on < number:
        before = went_on
        await asyncio.sleep(0)
        turns += 1
        assert went_on - before <= ROWS
    await asyncio.gather(*tasks)
    assert turns >= number / ROWS


WIDE = """{ servers(first: 500) { edges { node { id name class serialNumber attributes
  provenance { attribute value source } records { source key } freshness { stale } runs { totalCount } } } } }"""


async def test_others_have_their_turn_while_one_wide_page_is_answered(empty: Api) -> None:
    """What a page takes is no less for its being cut; how much of it one turn may do is counted, not timed."""
    await empty.load(*(thing(f"s-{n}", "Server", serial_number=f"S{n}") for n in range(500)))
    schema, heaviest, now = empty.schema, 0, 0
    node: Any = schema._schema.type_map["Server"]
    resolved = {name: node.fields[name].resolve for name in ("name", "provenance", "records", "freshness")}

    def counting(resolve: Any) -> Any:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal now, heaviest
            now += 1
            heaviest = max(heaviest, now)
            return resolve(*args, **kwargs)

        return counted

    over = asyncio.Event()

    async def beat() -> None:
        nonlocal now
        while not over.is_set():
            now = 0
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    try:
        for name, resolve in resolved.items():
            node.fields[name].resolve = counting(resolve)
        calls = await empty.calls(WIDE)
    finally:
        for name, resolve in resolved.items():
            node.fields[name].resolve = resolve
        over.set()
        await beating
    assert calls == {"page": 1, "members": 1, "scopes": 1, "count_neighbours": 1}
    assert heaviest <= ROWS * len(resolved)


async def test_a_read_that_fails_fails_for_all_who_asked_and_one_that_ends_ends() -> None:
    async def fail(_keys: list[int]) -> list[int]:
        raise StoreFailed("The disk is full.")

    loader = Loader(fail, Pace())
    found = await asyncio.gather(loader.load(1), loader.load(2), return_exceptions=True)
    assert [type(each) for each in found] == [StoreFailed, StoreFailed]
    with pytest.raises(StoreFailed):
        await loader.load(1)
