"""A store as it was: the reading half of ``contract.Store``, answered from a past scan in memory."""

from __future__ import annotations

from asyncio import to_thread
from bisect import bisect_left, bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.filter import All
from knockon.cmdb.contract.indexing import anchor, indexed, scans, too_large
from knockon.cmdb.contract.ordering import BEYOND, stretches
from knockon.cmdb.contract.reads import MOST_ANSWERS
from knockon.cmdb.contract.rows import SEPARATOR, Neighbour, Scan, neighbour_order
from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.past.matching import test_of
from knockon.cmdb.past.searching import Words
from knockon.errors import BadUsage
from knockon.schema.reference import answers_to

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import (
        DeadLetter,
        Decision,
        Edge,
        EdgeKey,
        EdgeRecord,
        Entity,
        Found,
        IdentityFinding,
        Record,
        Revision,
    )
    from knockon.cmdb.contract.store import Direction, Store, Way
    from knockon.cmdb.contract.words import Query
    from knockon.schema.model import Model
_WAYS: tuple[Direction, ...] = ("out", "in")
_PRESENT = "is known of the present only; leave asOf out."


class PastStore:
    """The estate at one revision: every answer is of that revision, whatever is written meanwhile.

    A ``source:key``, an alias and a retired name mean what they mean today, as far as it was there then; an id that
    is an alias today and was a thing of its own then is that thing; one that was an alias then and is a thing of its
    own again is what it became part of before. Nothing waits: that is not in the journal.
    """

    def __init__(self, now: Store, model: Model, scan: Scan) -> None:
        self._now = now
        self._model = model
        self._scan = scan
        self._words: Words | None = None
        self._indexes = indexed(model)
        self._by_id = {each.id: each for each in scan.entities}
        self._by_class: dict[str, list[Entity]] = defaultdict(list)
        self._by_token: dict[str, list[Entity]] = defaultdict(list)
        self._by_name: dict[str, list[Entity]] = defaultdict(list)
        for each in sorted(scan.entities, key=lambda entity: entity.order):
            self._by_class[each.class_name].append(each)
            self._by_name[each.name].append(each)
            for token in answers_to(model, each.class_name, each.name):
                self._by_token[token].append(each)
        self._edges: dict[tuple[str, str, Direction], list[Edge]] = defaultdict(list)
        for edge in scan.edges:
            kind, source, target, _ = edge.key
            self._edges[source, kind, "out"].append(edge)
            self._edges[target, kind, "in"].append(edge)

    @classmethod
    async def at(cls, now: Store, model: Model, revision: int) -> PastStore:
        """Read the past from a store; costs and errors as ``past.past_scan``."""
        return await to_thread(cls, now, model, await past_scan(now, model, revision))

    async def revision(self) -> int:
        """Give the revision that it is of."""
        return self._scan.revision

    async def scan(self, classes: Collection[str]) -> Scan:
        """As ``Store.scan``."""
        return await to_thread(self._of_classes, set(classes))

    def _of_classes(self, wanted: set[str]) -> Scan:
        entities = [each for each in self._scan.entities if each.class_name in wanted]
        ids = {each.id for each in entities}
        edges = [each for each in self._scan.edges if each.key.source_id in ids and each.key.target_id in ids]
        return Scan(self._scan.revision, entities, edges, self._scan.waiting)

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Store.entities``."""
        found = {id_: self._by_id[id_] for id_ in ids if id_ in self._by_id}
        missing = [id_ for id_ in ids if id_ not in found]
        if missing:
            today = await self._now.known(missing)
            found |= {id_: self._by_id[each.id] for id_, each in today.items() if each.id in self._by_id}
            found |= await self._were_part_of([id_ for id_, each in today.items() if each.id == id_ not in found])
        return found

    async def _were_part_of(self, ids: Collection[str]) -> dict[str, Entity]:
        """Give what these ids, which are things of today and were none then, had become part of by then."""
        meant = {id_: id_ for id_ in ids}
        found: dict[str, Entity] = {}
        while meant:  # each step leads to what lived on at that merge, so to a later one: it ends
            last = await self._now.history(set(meant.values()), before=self._scan.revision + 1, limit=1)
            into = {
                entry.id: entry.after["merged_into"]
                for revisions in last.values()
                for each in revisions
                for entry in each.entries
                if entry.kind == "entity" and entry.after and entry.after.get("merged_into")
            }
            meant = {id_: into[at] for id_, at in meant.items() if at in into and into[at] != at}
            found |= {id_: self._by_id[at] for id_, at in meant.items() if at in self._by_id}
            meant = {id_: at for id_, at in meant.items() if id_ not in found}
        return found

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        """As ``Store.resolve``."""
        found: dict[str, list[str]] = {}
        ids: dict[str, str] = {}
        keys: dict[tuple[str, str], str] = {}
        for token in tokens:
            kind, _, rest = token.partition(":")
            if kind == "n" and token in self._by_token:
                found[token] = sorted(each.id for each in self._by_token[token])[:MOST_ANSWERS]
            elif kind == "k":
                source, _, key = rest.partition(":")
                keys[source, key] = token
            elif kind == "i":
                ids[token] = rest
        if keys:
            ids |= {keys[each]: id_ for each, id_ in (await self._now.recorded(list(keys))).items()}
        things = await self.entities(list(set(ids.values())))
        return found | {token: [things[id_].id] for token, id_ in ids.items() if id_ in things}

    async def named(self, name: str, limit: int = 10) -> list[Entity]:
        """As ``Store.named``."""
        return self._by_name[name][:limit] if name in self._by_name else []

    async def page(
        self, classes: Collection[str], where: Condition | None, *, by: OrderBy | None = None,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
        bound: int | None = None,
    ) -> list[Entity]:  # fmt: skip
        """As ``Store.page``."""

        def looked_through() -> list[Entity]:
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

        return await to_thread(looked_through)

    async def count(self, classes: Collection[str], where: Condition | None, *, bound: int | None = None) -> int:
        """As ``Store.count``."""

        def counted() -> int:
            self._check(classes, where, None, bound)
            return sum(map(test_of(where, self._near), self._of(classes)))

        return await to_thread(counted)

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
        return {id_: len(self._edges.get((id_, type_name, direction), ())) for id_ in ids}

    async def count_related(self, ids: Collection[str]) -> dict[str, dict[Way, int]]:
        """As ``Store.count_related``."""
        ways: list[Way] = [(kind, way) for kind in self._model.relationships for way in _WAYS]
        return {id_: {way: len(edges) for way in ways if (edges := self._edges.get((id_, *way)))} for id_ in ids}

    async def history(
        self, ids: Collection[str], *, since: int = 0, before: int | None = None, limit: int
    ) -> dict[str, list[Revision]]:
        """As ``Journal.history``, up to the revision that it is of."""
        newest = self._scan.revision + 1
        until = newest if before is None else min(before, newest)
        return await self._now.history(ids, since=since, before=until, limit=limit)

    async def aliases(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        """As ``Journal.aliases``, today's."""
        return await self._now.aliases(ids)

    async def known(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Journal.known``: as they were, and as they are today where they were not there."""
        here = await self.entities(ids)
        missing = [id_ for id_ in ids if id_ not in here]
        return here | (await self._now.known(missing) if missing else {})

    async def members(self, _ids: Collection[str]) -> list[Record]:
        """Refuse: the journal has things, and not the records that made them."""
        raise BadUsage(f"Which records made a thing, and whose word counted, {_PRESENT}")

    async def sayings(self, _keys: object) -> dict[EdgeKey, list[EdgeRecord]]:
        """Refuse, as ``members``."""
        raise BadUsage(f"Which records made a relationship {_PRESENT}")

    async def findings(self, *_asked: object) -> list[IdentityFinding]:
        """Refuse: what is to be looked at follows from records, and is not in the journal."""
        raise BadUsage(f"What is to be looked at in who is who {_PRESENT}")

    async def decisions(self, _keys: object = None) -> list[Decision]:
        """Refuse: when a decision was taken back is not kept with it."""
        raise BadUsage(f"What persons decided {_PRESENT}")

    async def letters(self, *_asked: object, **_page: object) -> list[DeadLetter]:
        """Refuse: what was taken in the end leaves no letter behind."""
        raise BadUsage(f"Which records were not taken {_PRESENT}")

    async def count_letters(self, *_asked: object) -> int:
        """Refuse, as ``letters``."""
        raise BadUsage(f"Which records were not taken {_PRESENT}")

    async def search(
        self, sought: Query, classes: Collection[str], *,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
    ) -> list[Found]:  # fmt: skip
        """As ``Store.search``."""
        if limit <= 0:
            return []
        rows = [
            each
            for each in await self._found(sought, classes)
            if (after is None or each.place > after) and (before is None or each.place < before)
        ]
        return rows[max(len(rows) - limit, 0) :] if backward else rows[:limit]

    async def count_found(self, sought: Query, classes: Collection[str]) -> int:
        """As ``Store.count_found``."""
        return len(await self._found(sought, classes))

    async def _found(self, sought: Query, classes: Collection[str]) -> list[Found]:
        if self._words is None:
            self._words = await to_thread(Words, self._model, self._by_id.values())
        return self._words.found(sought, classes)

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
        edges = self._edges.get((id_, type_name, direction), ())
        return (Neighbour(edge, self._by_id[edge.key[far]]) for edge in edges)


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
