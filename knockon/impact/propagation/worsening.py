"""Where the blame for getting worse lies: paths that lead to what was added, not to what was so already.

An item that is worse than before has a cause that is worse than before, or is itself one of the
seeds that made the difference (or no longer pinned). For if the effects of all its causes had been the same before, so
had its state; and of the causes that settled before it, which alone give it its state, one must
therefore have got worse. So a path over causes that got worse always ends at a seed that did.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.propagation import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.impact.topology.topology import Topology


class Worst(NamedTuple):
    """States of all items by number, and verdicts of all groups, as the kernel codes them."""

    states: Any
    verdicts: Any


def retrace(topology: Topology, before: Any, after: Worst, origins: Iterable[int]) -> tuple[Any, Any]:
    """Give by number the distance (-1: none) from the origins over causes that got worse, and the arc that it goes by.

    ``before`` are states by number. Ties as in ``Evaluation.path``: the worst supplier, then the
    earliest. Linear in the estate's arcs, a few operations of numpy on each.
    """
    graph = topology.graph
    states, worse = after.states, after.states > before
    arcs = np.flatnonzero(worse[graph.supplier] & worse[graph.consumer])
    arcs = arcs[_produces(topology, after, arcs)]
    supplier, consumer = graph.supplier[arcs], graph.consumer[arcs]
    distance = _walk(supplier, consumer, origins, len(states))
    parent = np.full(len(states), -1, np.int64)
    nearest = np.flatnonzero((distance[supplier] >= 0) & (distance[supplier] + 1 == distance[consumer]))
    ranked = nearest[np.lexsort((arcs[nearest], -states[supplier[nearest]], consumer[nearest]))]
    _, first = np.unique(consumer[ranked], return_index=True)
    parent[consumer[ranked[first]]] = arcs[ranked[first]]
    return distance, parent


def _produces(topology: Topology, after: Worst, arcs: Any) -> Any:
    """Tell for each arc whether its effect has part in its consumer's state."""
    graph = topology.graph
    effect = (graph.effect[arcs] >> (2 * after.states[graph.supplier[arcs]]).astype(np.uint8)) & 3
    final, group = after.states[graph.consumer[arcs]], graph.group[arcs]
    # the last verdict stands in for plain arcs (group -1), which do not look at it
    verdict = np.append(after.verdicts, 0)[group]
    member = (np.array(kernel.RESULT)[verdict] == final) & (effect >= np.array(kernel.LEAST)[verdict])
    return np.where(group < 0, effect == final, member)


def _walk(supplier: Any, consumer: Any, origins: Iterable[int], size: int) -> Any:
    """Count steps from the origins, breadth first; the arcs come in order of supplier."""
    starts = np.searchsorted(supplier, np.arange(size + 1)).tolist()
    onward, distance = consumer.tolist(), [-1] * size
    queue = deque(origins)
    for number in queue:
        distance[number] = 0
    while queue:
        number = queue.popleft()
        for place in range(starts[number], starts[number + 1]):
            if distance[onward[place]] < 0:
                distance[onward[place]] = distance[number] + 1
                queue.append(onward[place])
    return np.array(distance, np.int64)
