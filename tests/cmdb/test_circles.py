"""Circles of containment are found, whichever load closes them, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.cmdb.loading.load import load
from knockon.cmdb.reconciliation.circles import Within, rings
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.observation import Item

MODEL = installed_model()
SEEN = "2026-11-01T08:00:00.000000Z"
ROOMS: list[Item] = [EntityObservation("s", each, "Room", {"name": each}, SEEN) for each in "abcd"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    from knockon.cmdb.stores import opened, store_at  # noqa: PLC0415 - each half of a run loads its own driver only

    async with opened(store_at(f"sqlite:///{tmp_path / 'estate.db'}", MODEL)) as store:
        yield store


def inside(outer: str, inner: str) -> Item:
    return RelationshipObservation("s", "CONTAINS", outer, inner, {}, SEEN, f"{outer}{inner}")


async def circles(store: Store, *items: Item, **how: Any) -> list[tuple[str, str]]:
    report = await load(store, MODEL, items, source="s", actor="tester", **how)
    assert not report.rejects
    found = [each for each in report.findings if each.code != "MISSING_PARENT"]  # of these rooms nobody says the site
    return [(each.message.partition(" contain")[0], each.location) for each in found]


async def test_a_circle_in_one_load_is_one_finding_at_the_first_of_its_places(store: Store) -> None:
    said = [*ROOMS, inside("b", "c"), inside("a", "b"), inside("c", "a"), inside("c", "d")]
    expected = [("Room:a, Room:b, Room:c", "ab")]
    assert await circles(store, *said, dry_run=True) == expected
    assert await circles(store, *said) == expected
    assert await circles(store, *said) == expected  # it is still so


async def test_a_later_load_may_close_a_circle(store: Store) -> None:
    assert await circles(store, *ROOMS, inside("a", "b"), inside("b", "c")) == []
    assert await circles(store, inside("c", "d")) == []
    assert await circles(store, inside("d", "a"), dry_run=True) == [("Room:a, Room:b, Room:c, Room:d", "da")]
    assert await circles(store, inside("d", "a")) == [("Room:a, Room:b, Room:c, Room:d", "da")]


async def test_a_thing_in_two_containers_is_no_circle(store: Store) -> None:
    assert await circles(store, *ROOMS, inside("a", "b"), inside("a", "c"), inside("b", "d"), inside("c", "d")) == []


@given(st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda each: each[0] != each[1]), max_size=14))
def test_a_ring_is_what_contains_each_other(edges: set[tuple[int, int]]) -> None:
    within: Within = {}
    for outer, inner in edges:
        within.setdefault(str(inner), set()).add(str(outer))
    above = {str(each): reached(within, str(each)) for each in range(7)}
    expected = {frozenset(other for other in above if other in above[each] and each in above[other]) for each in above}
    assert {frozenset(each) for each in rings(within)} == expected - {frozenset()}


def reached(within: Within, start: str) -> set[str]:
    """All that contains a thing, by whatever way; the thing itself if it is in a circle."""
    found: set[str] = set()
    todo = [start]
    while todo:
        new = within.get(todo.pop(), set()) - found
        found |= new
        todo += new
    return found
