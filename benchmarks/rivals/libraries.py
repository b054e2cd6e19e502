"""Graph libraries, each asked in its fastest way what is reachable from one item."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

import igraph
import networkx as nx
import numba
import numpy as np
import rustworkx

if TYPE_CHECKING:
    from collections.abc import Callable

    from knockon.impact.topology.topology import Topology


class Rival(NamedTuple):
    """One who answers the same question: ``ask`` is timed, ``named`` turns its answer into numbers of items.

    ``named`` leaves out the start. ``most`` is how many starts of a kind it is asked at most. ``clock`` counts
    nanoseconds: of processor time, unless the work is done elsewhere.
    """

    name: str
    ask: Callable[[int], Any]
    named: Callable[[Any, int], set[int]]
    most: int = 10**9
    clock: Callable[[], int] = time.thread_time_ns


@numba.njit
def stamped_bfs(start: Any, consumer: Any, seen: Any, stamp: int, queue: Any, source: int) -> int:
    """Count what is reachable, and no more: the floor under any walk."""
    seen[source] = stamp
    queue[0] = source
    head, end = 0, 1
    while head < end:
        item = queue[head]
        head += 1
        for arc in range(start[item], start[item + 1]):
            other = consumer[arc]
            if seen[other] != stamp:
                seen[other] = stamp
                queue[end] = other
                end += 1
    return end


def plain_search(topology: Topology) -> Rival:
    """A compiled breadth-first search over our own arrays, which keeps nothing but the queue."""
    size, stamp = len(topology.ids), 0
    seen, queue = np.zeros(size, np.int64), np.empty(size, np.int32)
    graph = topology.graph

    def ask(start: int) -> int:
        nonlocal stamp
        stamp += 1
        reached: int = stamped_bfs(graph.start, graph.consumer, seen, stamp, queue, start)
        return reached

    # the queue is overwritten by the next question, so it is read again
    return Rival("plain search", ask, lambda _count, start: set(queue[1 : ask(start)].tolist()))


def libraries(topology: Topology) -> list[Rival]:
    """The same arcs, from supplier to consumer, in each library."""
    graph = topology.graph
    arcs = list(zip(graph.supplier.tolist(), graph.consumer.tolist(), strict=True))
    in_nx: Any = nx.DiGraph(arcs)
    in_nx.add_nodes_from(range(len(topology.ids)))
    in_rx: Any = rustworkx.PyDiGraph(multigraph=True)
    in_rx.add_nodes_from(range(len(topology.ids)))
    in_rx.add_edges_from_no_data(arcs)
    in_ig: Any = igraph.Graph(n=len(topology.ids), edges=arcs, directed=True)
    return [
        Rival("networkx", lambda start: nx.descendants(in_nx, start), lambda found, _start: found),
        Rival("rustworkx", lambda start: rustworkx.descendants(in_rx, start), lambda found, _start: set(found)),
        Rival("igraph", lambda start: in_ig.subcomponent(start, mode="out"), lambda found, start: {*found} - {start}),
    ]
