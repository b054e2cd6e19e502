"""Things and relationships as they are at one revision, in memory: lists and neighbours as a store gives them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeVar

from knockon.cmdb.contract.filter import All
from knockon.cmdb.contract.indexing import anchor, indexed, scans, too_large
from knockon.cmdb.contract.ordering import BEYOND, stretches
from knockon.cmdb.contract.rows import SEPARATOR, Neighbour, Scan, neighbour_order
from knockon.cmdb.past.matching import test_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import Edge, EdgeKey, Entity
    from knockon.cmdb.contract.store import Direction, Way
    from knockon.schema.model import Model

T = TypeVar("T")

WAYS: tuple[Direction, ...] = ("out", "in")


class Estate:
    """What a scan found, ready to be asked; nothing else is read for it."""

    def __init__(self, model: Model, scan: Scan) -> None:
        self._model = model
        self._revision = scan.revision
        self._indexes = indexed(model)
        self._by_id = {each.id: each for each in scan.entities}
        self._by_class: dict[str, list[Entity]] = defaultdict(list)
        for each in sorted(scan.entities, key=lambda entity: entity.order):
            self._by_class[each.class_name].append(each)
        self._edges: dict[EdgeKey, Edge] = {each.key: each for each in scan.edges}
        self._around: dict[tuple[str, str, Direction], dict[EdgeKey, Edge]] = defaultdict(dict)
        for edge in scan.edges:
            kind, source, target, _ = edge.key
            self._around[source, kind, "out"][edge.key] = edge
            self._around[target, kind, "in"][edge.key] = edge

    async def revision(self) -> int:
        """Give the revision that it is of."""
        return self._revision

    async def scan(self, classes: Collection[str]) -> Scan:
        """As ``Store.scan``."""
        return await self._done(lambda: self._scanned(set(classes)))

    def _scanned(self, wanted: set[str]) -> Scan:
        entities = [each for each in self._by_id.values() if each.class_name in wanted]
        ids = {each.id for each in entities}
        edges = [each for each in self._edges.values() if each.key.source_id in ids and each.key.target_id in ids]
        return Scan(self._revision, entities, edges, [])

    async def page(
        self, classes: Collection[str], where: Condition | None, *, by: OrderBy | None = None,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
        bound: int | None = None,
    ) -> list[Entity]:  # fmt: skip
        """As ``Store.page``."""

        def listed() -> list[Entity]:
            self._check(classes, where, by, bound)
            found: list[Entity] = []
            if limit <= 0:
                return found
            test = test_of(where, self._near)
            rows = self._plain(classes, after, before) if by is None else self._ordered(classes, by, after, before)
            for each in reversed(rows) if backward else rows:
                if test(each):
                    found.append(each)
                    if len(found) == limit:
                        break
            return found[::-1] if backward else found

        return await self._done(listed)

    async def count(self, classes: Collection[str], where: Condition | None, *, bound: int | None = None) -> int:
        """As ``Store.count``."""

        def counted() -> int:
            self._check(classes, where, None, bound)
            return sum(map(test_of(where, self._near), self._of(classes)))

        return await self._done(counted)

    async def _done(self, work: Callable[[], T]) -> T:
        """Look through it."""
        return work()

    async def neighbours(
        self, ids: Collection[str], type_name: str, direction: Direction, *,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
    ) -> dict[str, list[Neighbour]]:  # fmt: skip
        """As ``Store.neighbours``."""
        within = _between(after, before)
        found: dict[str, list[Neighbour]] = {}
        for id_ in ids:
            rows = [each for each in self._neighbours(id_, type_name, direction) if within(each)]
            rows.sort(key=neighbour_order)
            found[id_] = rows[max(len(rows) - limit, 0) :] if backward else rows[:limit]
        return found

    async def count_neighbours(self, ids: Collection[str], type_name: str, direction: Direction) -> dict[str, int]:
        """As ``Store.count_neighbours``."""
        return {id_: len(self._around.get((id_, type_name, direction), ())) for id_ in ids}

    async def count_related(self, ids: Collection[str]) -> dict[str, dict[Way, int]]:
        """As ``Store.count_related``."""
        ways: list[Way] = [(kind, way) for kind in self._model.relationships for way in WAYS]
        return {id_: {way: len(edges) for way in ways if (edges := self._around.get((id_, *way)))} for id_ in ids}

    def _of(self, classes: Collection[str]) -> list[Entity]:
        """Give all of these classes in order, which begins with the class."""
        return [each for name in sorted(set(classes)) for each in self._by_class.get(name, ())]

    def _plain(self, classes: Collection[str], after: str | None, before: str | None) -> list[Entity]:
        rows = self._of(classes)
        start = bisect_right(rows, after, key=lambda each: each.order) if after is not None else 0
        stop = bisect_left(rows, before, key=lambda each: each.order) if before is not None else len(rows)
        return rows[start:stop]

    def _ordered(
        self, classes: Collection[str], by: OrderBy, after: str | None, before: str | None
    ) -> list[Entity]:  # fmt: skip
        rows = by.sorted(self._of(classes))
        found: list[Entity] = []
        for part in stretches(by, after, before):
            test = test_of(All(part.tests), self._near)
            low, high = part.after or "", part.before or BEYOND
            found += [each for each in rows if low < each.order < high and test(each)]
        return found

    def _check(self, classes: Collection[str], where: Condition | None, by: OrderBy | None, bound: int | None) -> None:
        """Refuse what a store of today would refuse."""
        if bound is not None and scans(where, by, self._indexes):
            test = test_of(All(anchor(where, self._indexes)), self._near)
            if sum(map(test, self._of(classes))) > bound:
                raise too_large(bound, by)

    def _near(self, id_: str, type_name: str, direction: Direction) -> Iterable[Entity]:
        return (each.entity for each in self._neighbours(id_, type_name, direction))

    def _neighbours(self, id_: str, type_name: str, direction: Direction) -> Iterable[Neighbour]:
        far = 2 if direction == "out" else 1
        edges = self._around.get((id_, type_name, direction), {})
        return (Neighbour(edge, self._by_id[edge.key[far]]) for edge in edges.values())


def _between(after: str | None, before: str | None) -> Callable[[Neighbour], bool]:
    """Give the test that a neighbour lies between two places: order and group, joined."""

    def place(cursor: str) -> tuple[str, str]:
        order, _, group = cursor.rpartition(SEPARATOR)
        return order, group

    def of(neighbour: Neighbour) -> tuple[str, str]:
        return neighbour.entity.order, neighbour.edge.key.group

    low: Any = None if after is None else place(after)
    high: Any = None if before is None else place(before)
    return lambda each: (low is None or of(each) > low) and (high is None or of(each) < high)
