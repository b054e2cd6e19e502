"""What was read at a revision is not read again, and what several ask for at a moment is one call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from knockon.cmdb import remembered
from knockon.cmdb.remembered import Memory, Remembered

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.store import Store


class Named(NamedTuple):
    id: str


class Names:
    """A store of things that are named like their ids; ``calls`` has what it was asked."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    async def entities(self, ids: Collection[str]) -> dict[str, Any]:
        self.calls.append(sorted(ids))
        if "bad" in ids:
            raise ValueError("bad")
        return {each: Named(each) for each in ids if each != "nobody"}


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def reads(names: Names) -> Remembered:
    return Remembered(cast("Store", names), Memory())


async def test_only_what_is_not_known_is_read(reads: Remembered, names: Names) -> None:
    assert (await reads.entities(["a", "nobody"])).keys() == {"a"}
    assert (await reads.entities(["a", "b", "nobody"])).keys() == {"a", "b"}
    assert names.calls == [["a", "nobody"], ["b"]]


async def test_what_is_asked_at_once_is_one_call(reads: Remembered, names: Names) -> None:
    found = await asyncio.gather(*(reads.entities([each, "x"]) for each in "abc"))
    assert [each.keys() for each in found] == [{"a", "x"}, {"b", "x"}, {"c", "x"}]
    assert names.calls == [["a", "b", "c", "x"]]


async def test_a_call_that_fails_is_remembered_by_nobody(reads: Remembered, names: Names) -> None:
    with pytest.raises(ValueError, match="bad"):
        await reads.entities(["bad"])
    assert (await reads.entities(["a"])).keys() == {"a"}
    assert names.calls == [["bad"], ["a"]]


async def test_a_memory_that_is_full_begins_anew(
    reads: Remembered, names: Names, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered, "_MOST", 2)
    for each in ("a", "b", "c", "a", "c"):
        assert (await reads.entities([each])).keys() == {each}
    assert names.calls == [["a"], ["b"], ["c"], ["a"]]


async def test_values_are_worked_out_once_for_each_key(reads: Remembered) -> None:
    worked = []

    async def read(_store: Store, keys: list[int]) -> dict[int, int]:
        worked.append(keys)
        return {each: each * each for each in keys}

    assert await reads.worked_out("squares", [2, 3], read) == {2: 4, 3: 9}
    assert await reads.worked_out("squares", [3, 4], read) == {3: 9, 4: 16}
    assert worked == [[2, 3], [4]]


async def test_what_rests_on_nothing_that_changed_is_recalled_after_a_write(names: Names) -> None:
    memory = Memory()
    asked: list[list[str]] = []

    async def read(_store: Store, ids: list[str]) -> dict[str, str]:
        asked.append(sorted(ids))
        return {each: f"friend of {each}" for each in ids}

    async def ask(memory: Memory, *ids: str) -> None:
        reads = Remembered(cast("Store", names), memory)
        found = await reads.worked_out("friends", ids, read, lambda value: (value,))
        assert found == {each: f"friend of {each}" for each in ids}
        assert await reads.worked_out("other", ids, read) == found  # of a kind that says nothing of what it rests on

    await ask(memory, "a", "b", "c")
    later = memory.after(frozenset({"a"})).after(frozenset({"friend of b"}))
    asked.clear()
    await ask(later, "a", "b", "c")
    assert asked == [["a", "b"], ["a", "b", "c"]]
    asked.clear()
    await ask(later.after(frozenset()), "a", "b", "c")
    assert asked == [["a", "b", "c"]]


async def test_memories_of_many_revisions_are_bounded(names: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 3)
    memory = Memory()
    for each in "abcde":
        await Remembered(cast("Store", names), memory).entities([each])
        memory = memory.after(frozenset())
    names.calls.clear()
    await Remembered(cast("Store", names), memory).entities(["a", "b", "c", "d", "e"])
    assert names.calls == [["a", "b"]]
