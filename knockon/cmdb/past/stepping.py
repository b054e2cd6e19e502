"""An estate of the past in memory that goes forward: each revision of the journal makes the next one of the last."""

from __future__ import annotations

from asyncio import to_thread
from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import SEPARATOR, Edge, EdgeKey, Entity, Scan
from knockon.cmdb.past.changes import living, past_scan
from knockon.cmdb.past.estate import WAYS, Estate

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import Any

    from knockon.cmdb.contract.rows import Revision
    from knockon.cmdb.contract.store import Direction, Store
    from knockon.schema.model import Model

MOST_FED = 5_000
"""Journal entries that are kept for who catches up with it; who is farther behind has to read it as a whole."""
_ENDS: tuple[tuple[int, Direction], ...] = ((1, "out"), (2, "in"))


class SteppingEstate(Estate):
    """Every answer is of the revision that it has come to; nothing waits, and today's aliases are not known to it.

    It is as a past scan of that revision, but for ties: where things of one class and name have come or gone since it
    began, they may stand in another order than there. Not to be asked while it takes a step.
    """

    def __init__(self, now: Store, model: Model, scan: Scan) -> None:
        super().__init__(model, scan)
        self._now = now
        self._fed: deque[Revision] = deque()
        self._fed_since = scan.revision

    @classmethod
    async def at(cls, now: Store, model: Model, revision: int) -> SteppingEstate:
        """Begin at a revision; costs and errors as ``past.past_scan``."""
        scan = await past_scan(now, model, revision)
        return await to_thread(cls, now, model, scan)

    def __len__(self) -> int:
        return len(self._by_id) + len(self._edges)

    @property
    def number(self) -> int:
        """Give the revision that it has come to."""
        return self._revision

    async def scan(self, classes: Collection[str]) -> Scan:
        """As ``Store.scan``."""
        return await super().scan(classes) if classes else Scan(self._revision, [], [], [])

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Store.entities``, but for aliases."""
        return {id_: self._by_id[id_] for id_ in ids if id_ in self._by_id}

    async def feed(self, since: int) -> Sequence[Revision]:
        """Give the steps taken after a revision, if they are still kept; who asks has all before."""
        while self._fed and self._fed[0].number <= since:
            self._fed_since = self._fed.popleft().number
        return list(self._fed) if since >= self._fed_since else []

    async def step(self, revision: Revision) -> None:
        """Take in the next revision; a round trip for what comes with it, O(its entries), and O(log n) for each."""
        come = [
            each.id for each in revision.entries
            if each.kind == "entity" and living(each.after) and each.id not in self._by_id
        ]  # fmt: skip
        self._take(revision, await self._now.known(come) if come else {})

    def _take(self, revision: Revision, today: Mapping[str, Entity]) -> None:
        assert revision.number == self._revision + 1
        self._revision = revision.number
        for entry in revision.entries:
            if entry.kind == "entity":
                self._change(entry.id, living(entry.after), today.get(entry.id))
        for entry in revision.entries:
            if entry.kind == "edge":
                self._relate(EdgeKey(*entry.id.split(" ", 3)), living(entry.after))
        self._fed.append(revision)
        if sum(len(each.entries) for each in self._fed) > MOST_FED:
            self._fed.clear()
            self._fed_since = revision.number

    def _change(self, id_: str, image: Mapping[str, Any] | None, today: Entity | None) -> None:
        old = self._by_id.pop(id_, None)
        if old:
            rows = self._by_class[old.class_name]
            del rows[bisect_left(rows, old.order, key=lambda each: each.order)]
        if not image:
            self._leave(id_)
            return
        known = old or (today if today and today.id == id_ else None)  # an alias of today is another thing
        key = known.order.rpartition(SEPARATOR)[2] if known else id_
        order = SEPARATOR.join((image["class"], image["name"], key))
        rows = self._by_class[image["class"]]
        place = bisect_left(rows, order, key=lambda each: each.order)
        if place < len(rows) and rows[place].order == order:
            order = f"{order} {id_}"
            place = bisect_left(rows, order, key=lambda each: each.order)
        new = Entity(id_, image["class"], image["name"], order, image["attributes"], revision=self._revision)
        rows.insert(place, new)
        self._by_id[id_] = new

    def _leave(self, id_: str) -> None:
        """Let go of what is still related to something that is gone."""
        for kind in self._model.relationships:
            for way in WAYS:
                for key in list(self._around.get((id_, kind, way), ())):
                    self._relate(key, None)

    def _relate(self, key: EdgeKey, image: Mapping[str, Any] | None) -> None:
        stays = image is not None and key.source_id in self._by_id and key.target_id in self._by_id
        if stays and image is not None:
            self._edges[key] = edge = Edge(key, image["attributes"])
            for end, direction in _ENDS:
                self._around[key[end], key.type_name, direction][key] = edge
        elif self._edges.pop(key, None):
            for end, direction in _ENDS:
                around = self._around[key[end], key.type_name, direction]
                del around[key]
                if not around:
                    del self._around[key[end], key.type_name, direction]
