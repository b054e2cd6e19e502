"""Things that contain each other in a circle: a finding, for nobody can tell which of the words is wrong.

The finding is kept with the relationships that make it, within the write that makes or ends them, so that it depends
on nothing but those.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import THING
from knockon.cmdb.identity.findings import made
from knockon.errors import FindingCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from knockon.cmdb.contract.rows import EdgeKey, IdentityFinding
    from knockon.cmdb.contract.write import Write

CONTAINS = "CONTAINS"

CIRCLE = frozenset({FindingCode.CONTAINMENT_CIRCLE})

NAMED = 10

Within = dict[str, set[str]]
"""The ids of what contains each thing."""


async def note_circles(write: Write, changed: Iterable[EdgeKey]) -> list[IdentityFinding]:
    """Keep the circles that things are part of at whose ends relationships came or went, in place of those that were.

    Reads what contains the containers, what contains these, and so on: a round trip for each level.
    """
    ends = {end for key in changed if key.type_name == CONTAINS for end in key[1:3]}
    if not ends:
        return []
    before = [each for each in await write.findings_about(_about(ends)) if each.code in CIRCLE]
    seeds = ends.union(id_ for each in before for _, id_ in each.records)
    within: Within = {}
    looked: set[str] = set()
    todo = set(seeds)
    while todo:
        looked |= todo
        found = await write.around(todo, CONTAINS)
        within |= found
        todo = {outer for around in found.values() for outer in around} - looked
    circles = [ring for ring in rings(within) if ring & seeds]
    named = await write.entities({id_ for ring in circles for id_ in ring}) if circles else {}
    now = []
    for ring in circles:
        names = sorted(f"{named[id_].class_name}:{named[id_].name}" for id_ in ring)
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        now.append(made(FindingCode.CONTAINMENT_CIRCLE, _about(ring), ", ".join(names[:NAMED]) + more))
    if before or now:
        await write.put_findings(_about(seeds.union(*circles)), (), now, of=CIRCLE)
    return now


def _about(ids: Collection[str]) -> list[tuple[str, str]]:
    return [(THING, id_) for id_ in sorted(ids)]


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
