"""Ways through the estate: what something needs, and how one thing needs another.

Failures and redundancy aside. Every order is fixed: nearest first, then by order of the items.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topology import Topology

STEPS = 200_000
"""How many steps a search for simple paths takes before it gives up: there may be exponentially many."""


class Needed(NamedTuple):
    """Something that a start needs, over how many steps, and by one shortest path from the start.

    ``plain`` and ``groups`` tell what it is to the last consumer on that path: a plain supplier, a member
    of redundancy groups, or both.
    """

    id: str
    distance: int
    plain: bool
    groups: tuple[str, ...]
    path: list[Dependency]


class Paths(NamedTuple):
    """Ways by which ``consumer`` needs ``supplier``, shortest first; ``cut`` tells that there may be more."""

    consumer: str
    supplier: str
    paths: list[list[Dependency]]
    cut: bool


def dependencies(topology: Topology, start: str, max_distance: int | None = None) -> list[Needed]:
    """List what an item needs, nearest first, then by order. Linear in what it needs, and in the paths' length.

    Raises
    ------
    KeyError
        The item is not in the topology.
    """
    root = topology.index(start)
    distance, parent = needs(topology, root)
    found = []
    for number in sorted(distance, key=lambda each: (distance[each], each)):
        if number != root and (max_distance is None or distance[number] <= max_distance):
            chain = [number]
            while chain[-1] != root:
                chain.append(parent[chain[-1]])
            arcs = _between(topology, parent[number], number)
            groups = {int(topology.graph.group[arc]) for arc in arcs}
            names = tuple(sorted(topology.group_name(group) for group in groups if group >= 0))
            path = _path(topology, chain[::-1])
            found.append(Needed(topology.ids[number], distance[number], -1 in groups, names, path))
    return found


def paths(topology: Topology, one: str, other: str, limit: int, max_length: int | None = None) -> Paths | None:
    """Find how one item needs another, or else how the other needs the one; None where neither does.

    All shortest paths; with ``max_length``, all simple paths of at most so many steps. Shortest first, then
    by order of the items from the consumer on. Between two items the first relationship type by name
    stands for all.

    Parameters
    ----------
    limit
        How many paths are given at most; ``cut`` tells that there may be more.

    Raises
    ------
    KeyError
        An item is not in the topology.
    """
    for consumer, supplier in ((one, other), (other, one)):
        start, end = topology.index(consumer), topology.index(supplier)
        to_end = _needed_by(topology, end)
        if start in to_end and start != end:
            longest = max(to_end[start], max_length) if max_length is not None else to_end[start]
            search = _Search(topology, end, to_end)
            found: list[list[Dependency]] = []
            for length in range(to_end[start], min(longest, len(to_end) - 1) + 1):
                for chain in search.chains(start, length):
                    if len(found) == limit:
                        return Paths(consumer, supplier, found, cut=True)
                    found.append(_path(topology, chain))
            return Paths(consumer, supplier, found, search.steps <= 0)
    return None


class _Search:
    """Simple paths to one end, by depth first, never where the end is out of reach."""

    def __init__(self, topology: Topology, end: int, to_end: dict[int, int]) -> None:
        self.steps = STEPS
        self._topology, self._end, self._to_end = topology, end, to_end

    def chains(self, start: int, length: int) -> Iterator[list[int]]:
        """Give the simple paths of exactly this length, in order of their items."""
        chain, rest = [start], [iter(suppliers(self._topology, start))]
        while rest and self.steps > 0:
            number = next(rest[-1], None)
            if number is None:
                rest.pop()
                chain.pop()
                continue
            self.steps -= 1
            left = length - len(chain)
            if number in chain or self._to_end.get(number, length) > left or (number == self._end) != (left == 0):
                continue
            if left == 0:
                yield [*chain, number]
            else:
                chain.append(number)
                rest.append(iter(suppliers(self._topology, number)))


def needs(topology: Topology, root: int) -> tuple[dict[int, int], dict[int, int]]:
    """Give the distance of all that an item needs, itself included, and the earliest consumer one step nearer."""
    distance, parent, level = {root: 0}, dict[int, int](), [root]
    while level:
        following = []
        for number in sorted(level):
            for supplier in suppliers(topology, number):
                if supplier not in distance:
                    distance[supplier] = distance[number] + 1
                    parent[supplier] = number
                    following.append(supplier)
        level = following
    return distance, parent


def _needed_by(topology: Topology, end: int) -> dict[int, int]:
    """Give how many steps each item that needs the end is away from it; itself included."""
    start, consumer = topology.graph.start, topology.graph.consumer
    distance, queue = {end: 0}, [end]
    for number in queue:
        for other in consumer[start[number] : start[number + 1]].tolist():
            if other not in distance:
                distance[other] = distance[number] + 1
                queue.append(other)
    return distance


def suppliers(topology: Topology, number: int) -> list[int]:
    """List what an item needs directly, in order and once."""
    found: list[int] = topology.graph.supplier[topology.needed(number)].tolist()
    return list(dict.fromkeys(found))


def _between(topology: Topology, consumer: int, supplier: int) -> list[int]:
    """List the arcs by which one item needs another directly; needed ones come in order of supplier."""
    arcs = topology.needed(consumer)
    first, end = np.searchsorted(topology.graph.supplier[arcs], [supplier, supplier + 1]).tolist()
    return arcs[first:end]


def _path(topology: Topology, chain: Sequence[int]) -> list[Dependency]:
    """Give the dependencies along a chain; of parallel ones the first by type."""
    steps = []
    for consumer, supplier in pairwise(chain):
        signature, arc = min((min(topology.dependencies(arc)), arc) for arc in _between(topology, consumer, supplier))
        steps.append(topology.dependency(arc, signature))
    return steps
