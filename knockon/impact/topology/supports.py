"""Who leans on whom at all, failures and redundancy aside."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.compiling import compile_together

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topology import Topology


class Supported(NamedTuple):
    """A target, how many steps away it is, and the path from it back to a start."""

    id: str
    distance: int
    path: list[Dependency]


def supported(topology: Topology, starts: Collection[str], targets: Collection[str]) -> list[Supported]:
    """List the targets that need a start, over however many steps and however well they are doubled.

    Nearest first, then by order; starts themselves are not listed. Linear in the estate. Among equally
    short paths, at each step from the target: the earliest supplier by order, then the first
    relationship type by name.

    Raises
    ------
    KeyError
        A start or a target is not in the topology.
    """
    graph = topology.graph
    distance, parent, _ = reach(
        topology, topology.ids.numbers(list(starts)), graph.start, graph.consumer, graph.supplier
    )
    numbers = np.array([topology.index(each) for each in set(targets) - set(starts)], np.int64)
    reached = numbers[distance[numbers] >= 0]
    ranked = reached[np.lexsort((reached, distance[reached]))].tolist()
    return [Supported(topology.ids[each], int(distance[each]), _path(topology, parent, each)) for each in ranked]


def belongs(topology: Topology, services: Iterable[str]) -> frozenset[str]:
    """Name every item that some of the services need, over however many steps; the services too. Linear."""
    needed = needed_by_any(topology, topology.ids.numbers(list(services)))
    return frozenset(topology.ids[number] for number in np.flatnonzero(needed).tolist())


def needed_by_any(topology: Topology, services: Any) -> Any:
    """Tell of each item, by number, what ``belongs`` says of it, without naming any; of services by number. Linear."""
    graph, needs = topology.graph, topology.needs
    suppliers, consumers = graph.supplier[needs], graph.consumer[needs]
    distance, _, _ = reach(topology, services, topology.needs_start, suppliers, consumers)
    return distance >= 0


def reach(topology: Topology, sources: Any, rows: Any, there: Any, here: Any) -> tuple[Any, Any, Any]:
    """Walk from the starts; give each item's distance (or -1), the arc or entry it was reached by, and who was."""
    size = len(topology.ids)
    distance, parent, queue = (np.full(size, -1, np.int32) for _ in range(3))
    if topology.large:
        walked = _compiled()["walk"]
        count = walked(rows, there, here, np.array(sources, np.int32), distance, parent, queue)
        return distance, parent, queue[:count]
    columns = [column.tolist() for column in (distance, parent, queue)]
    count = walk(rows.tolist(), there.tolist(), here.tolist(), sources, *columns)
    return np.array(columns[0]), np.array(columns[1]), np.array(columns[2][:count], np.int32)


def walk(start: Any, there: Any, here: Any, sources: Any, distance: Any, parent: Any, queue: Any) -> int:
    """Walk breadth first over rows of ``there``, from ``sources``; gives how many items were reached.

    They stand in ``queue``, nearest first. ``distance`` comes in as -1 everywhere. ``parent`` is the entry
    by which an item was reached: from the earliest item of the level before, then the first entry.
    """
    head, end = 0, 0
    for source in sources:
        if distance[source] < 0:
            distance[source] = 0
            parent[source] = -1
            queue[end] = source
            end += 1
    while head < end:
        item = queue[head]
        head += 1
        for entry in range(start[item], start[item + 1]):
            other = there[entry]
            if distance[other] < 0:
                distance[other] = distance[item] + 1
                parent[other] = entry
                queue[end] = other
                end += 1
            elif distance[other] == distance[item] + 1 and item < here[parent[other]]:
                parent[other] = entry
    return end


@cache
def _compiled() -> dict[str, Callable[..., Any]]:
    return compile_together((walk,))


def _path(topology: Topology, parent: Any, number: int) -> list[Dependency]:
    steps: list[Dependency] = []
    while (arc := int(parent[number])) >= 0:
        signature, arc = min((min(topology.dependencies(each)), each) for each in topology.parallel(arc))
        steps.append(topology.dependency(arc, signature))
        number = int(topology.graph.supplier[arc])
    return steps
