"""What one question costs in round trips, whatever it finds."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.filter import All, Compare, Related
from knockon.cmdb.contract.ordering import OrderBy
from knockon.cmdb.contract.words import sought
from tests.cmdb.contract.estate import CLASSES, commit, edge, entity

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store


class Trips:
    """Counts statements that go to Neo4j, and pieces of work that go to a thread of SQLite's."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        if type(store).__name__ == "SqliteStore":
            opened: Any = store
            self._count(opened._opened, "read", monkeypatch)
        else:
            for name in ("pages", "reads", "search"):
                self._count(importlib.import_module(f"knockon.cmdb.stores.neo4j.{name}"), "run", monkeypatch)

    def _count(self, owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        real = getattr(owner, name)

        async def counted(*args: Any) -> Any:
            self.number += 1
            return await real(*args)

        monkeypatch.setattr(owner, name, counted)

    def taken(self) -> int:
        number, self.number = self.number, 0
        return number


CONDITIONS: list[Any] = [
    None,
    Compare("serial_number", "eq", "s1"),
    All((Compare("text", "contains", "x"), Compare("name", "in", ("n1", "n2")))),
    Related("DEPENDS_ON", "out", Compare("size", "gt", 1)),
]


@pytest.mark.parametrize("things", [0, 3, 60])
async def test_a_question_costs_a_bounded_number_of_round_trips(
    store: Store, monkeypatch: pytest.MonkeyPatch, things: int
) -> None:
    rows = [entity(f"e{i}", CLASSES[i % 3], f"n{i}", size=i % 5, serial_number=f"s{i % 9}") for i in range(things)]
    await commit(store, *rows, *(edge(rows[0].id, row.id) for row in rows[1:]))
    trips = Trips(store, monkeypatch)
    one = type(store).__name__ == "SqliteStore"
    for condition in CONDITIONS:
        await store.page(CLASSES, condition, limit=50)
        assert trips.taken() == 1
        await store.page(CLASSES, condition, limit=50, bound=1000)
        assert trips.taken() <= (1 if one else 2)
        await store.count(CLASSES, condition, bound=1000)
        assert trips.taken() <= (1 if one else 2)
        for by in (OrderBy("serial_number"), OrderBy("size", descending=True)):
            place = by.place(rows[things // 2]) if rows else None
            for cursors in ({}, {"after": place}, {"before": place}):
                given: Any = cursors
                await store.page(CLASSES, condition, by=by, limit=50, bound=1000, **given)
                assert trips.taken() <= (1 if one else 6)
    ids = [row.id for row in rows]
    await store.neighbours(ids, "DEPENDS_ON", "out", limit=50)
    assert trips.taken() == 1
    await store.count_neighbours(ids, "DEPENDS_ON", "in")
    assert trips.taken() == 1
    await store.count_related(ids)
    assert trips.taken() == 1
    await store.search(sought("n"), CLASSES, limit=50)
    assert trips.taken() == 1
    await store.entities(ids)
    assert trips.taken() == 1
