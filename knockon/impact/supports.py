"""Who leans on whom at all, failures and redundancy aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact import kernel
from knockon.impact.evaluation import runs_compiled

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from knockon.impact.network import Dependency
    from knockon.impact.topology import Topology


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
    distance, parent, _ = reach(topology, starts, graph.start, graph.consumer, graph.supplier)
    numbers = np.array([topology.index(each) for each in set(targets) - set(starts)], np.int64)
    reached = numbers[distance[numbers] >= 0]
    ranked = reached[np.lexsort((reached, distance[reached]))].tolist()
    return [Supported(topology.ids[each], int(distance[each]), _path(topology, parent, each)) for each in ranked]


def belongs(topology: Topology, services: Iterable[str]) -> frozenset[str]:
    """Name every item that some of the services need, over however many steps; the services too. Linear."""
    graph, needs = topology.graph, topology.needs
    suppliers, consumers = graph.supplier[needs], graph.consumer[needs]
    _, _, reached = reach(topology, services, topology.needs_start, suppliers, consumers)
    return frozenset(topology.ids[number] for number in reached)


def reach(topology: Topology, starts: Iterable[str], rows: Any, there: Any, here: Any) -> tuple[Any, Any, list[int]]:
    """Walk from the starts; give each item's distance (or -1), the arc or entry it was reached by, and who was."""
    size = len(topology.ids)
    sources = [topology.index(each) for each in starts]
    distance, parent, queue = (np.full(size, -1, np.int32) for _ in range(3))
    if runs_compiled(topology):
        walked = kernel.compiled()["reach"]
        count = walked(rows, there, here, np.array(sources, np.int32), distance, parent, queue)
        return distance, parent, queue[:count].tolist()
    columns = [column.tolist() for column in (distance, parent, queue)]
    count = kernel.reach(rows.tolist(), there.tolist(), here.tolist(), sources, *columns)
    return np.array(columns[0]), np.array(columns[1]), columns[2][:count]


def _path(topology: Topology, parent: Any, number: int) -> list[Dependency]:
    steps: list[Dependency] = []
    while (arc := int(parent[number])) >= 0:
        signature, arc = min((min(topology.dependencies(each)), each) for each in topology.parallel(arc))
        steps.append(topology.dependency(arc, signature))
        number = int(topology.graph.supplier[arc])
    return steps
