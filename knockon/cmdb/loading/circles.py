"""Things that contain each other in a circle: a finding, for nobody can tell which of the words is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.loading.intake import Finding
from knockon.errors import FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.contract.rows import EdgeKey
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write

CONTAINS = "CONTAINS"

BATCH = 2_000
CONTAINERS = 100
"""Containers of one thing that are looked at: few have two."""

NAMED = 10

Within = dict[str, set[str]]
"""The ids of what contains each thing."""


class Containment:
    """What a load says is inside what, and where in its files."""

    def __init__(self) -> None:
        self._within: Within = {}
        self._said: dict[tuple[str, str], str] = {}
        self._told_of: set[frozenset[str]] = set()

    def note(self, edges: Iterable[tuple[EdgeKey | None, str]]) -> None:
        """Note relationships as they stand now, each with its place in the load."""
        for key, location in edges:
            if key and key.type_name == CONTAINS:
                self._within.setdefault(key.target_id, set()).add(key.source_id)
                self._said[key.source_id, key.target_id] = location

    async def circles(self, store: Store, reader: Store | Write) -> list[Finding]:
        """Find the circles that what was noted since the last time is part of, and were not found then.

        Reads what contains the containers, what contains these, and so on: a round trip for each level, and 2,000 of
        them. ``store`` has what was committed, ``reader`` what this load has written.
        """
        within = {inside: set(around) for inside, around in self._within.items()}
        looked: set[str] = set()
        todo = {each for around in within.values() for each in around}
        while todo:
            looked |= todo
            for inside, around in (await _containers(store, sorted(todo))).items():
                within.setdefault(inside, set()).update(around)
            todo = {each for inside in todo for each in within.get(inside, ())} - looked
        found = [ring for each in rings(within) if (ring := frozenset(each)) not in self._told_of]
        self._told_of.update(found)
        told = [await self._told(ring, reader) for ring in found]
        self._within.clear()
        self._said.clear()
        return told

    async def _told(self, ring: frozenset[str], reader: Store | Write) -> Finding:
        found = await reader.entities(ring)
        names = sorted(f"{each.class_name}:{each.name}" for each in found.values())
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        where = min((at for (a, b), at in self._said.items() if a in ring and b in ring), default="")
        message = f"{', '.join(names[:NAMED])}{more} contain each other in a circle; take one CONTAINS of it away."
        return Finding(FindingCode.CONTAINMENT_CIRCLE, message, where)


async def _containers(store: Store, ids: list[str]) -> Within:
    found: Within = {}
    for start in range(0, len(ids), BATCH):
        around = await store.neighbours(ids[start : start + BATCH], CONTAINS, "in", limit=CONTAINERS)
        found |= {inside: {each.entity.id for each in some} for inside, some in around.items() if some}
    return found


def rings(within: Within) -> list[set[str]]:
    """Give the sets of things that contain each other; in linear time where there are none.

    First takes away, again and again, what is in nothing or has nothing in it. Of what is left, in time that grows
    with the number of rings too, a ring is all that is both around and inside of one of its things.
    """
    inside: Within = {}
    for each, around in within.items():
        for one in around:
            inside.setdefault(one, set()).add(each)
    left = _without_ends(within, inside)
    found = []
    while left:
        start = min(left)
        ring = _reached(within, start, left) & _reached(inside, start, left)
        left -= ring | {start}
        if ring:
            found.append(ring)
    return found


def _without_ends(within: Within, inside: Within) -> set[str]:
    up = {each: len(within.get(each, ())) for each in within.keys() | inside.keys()}
    down = {each: len(inside.get(each, ())) for each in up}
    gone: set[str] = set()
    free = [each for each in up if not (up[each] and down[each])]
    while free:
        each = free.pop()
        if each in gone:
            continue
        gone.add(each)
        for neighbours, count in ((inside.get(each, ()), up), (within.get(each, ()), down)):
            for one in neighbours:
                count[one] -= 1
                if not count[one]:
                    free.append(one)
    return up.keys() - gone


def _reached(steps: Within, start: str, among: set[str]) -> set[str]:
    """Give what can be reached by one step or more; ``start`` itself if a way leads back to it."""
    found: set[str] = set()
    todo = [start]
    while todo:
        new = (steps.get(todo.pop(), set()) & among) - found
        found |= new
        todo += new
    return found
