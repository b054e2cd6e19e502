"""Measures single points of failure and the blast radius of every CI against networkx on the same graph.

    python benchmarks/structure.py [--items 2000 10000] [--services 5]

The estates are those of ``impact_engine.py``. Three questions, each against what one would write with networkx:

* the blast radius of every CI, against ``networkx.descendants`` from every CI (no redundancy, no states);
* the single points of a service, against failing each CI that it needs by itself, redundancy judged in plain
  Python over networkx's adjacency (``naive``); both must name the same CIs, and that is checked;
* the same, against the engine asked once for each CI that the service needs: what pruning saves.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import networkx as nx

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.impact_engine import estate
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.structure.estate import radii
from knockon.impact.structure.single_points import single_points
from knockon.impact.topology.columns import MIN_UP
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from knockon.impact.topology.topology import Topology


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def graph_of(topology: Topology) -> nx.MultiDiGraph:
    """Give arcs from supplier to consumer, with what DOWN does to the consumer and the group."""
    graph, columns = nx.MultiDiGraph(), topology.graph
    graph.add_nodes_from(range(len(topology.ids)))
    for arc, consumer in enumerate(columns.consumer.tolist()):
        worst = (int(columns.effect[arc]) >> (2 * State.DOWN)) & 3
        graph.add_edge(
            int(columns.supplier[arc]), consumer, hard=worst == State.DOWN, group=int(columns.group[arc]),
            weight=int(columns.weight[arc]),
        )  # fmt: skip
    return graph


def naive(graph: nx.MultiDiGraph, topology: Topology, service: int) -> set[int]:
    """Fail each ancestor by itself: what is DOWN then follows over hard edges and groups with too few members up."""
    total: dict[int, int] = defaultdict(int)
    for _, _, edge in graph.edges(data=True):
        if edge["group"] >= 0:
            total[edge["group"]] += edge["weight"]
    needed = topology.terms[:, MIN_UP].tolist()
    found = set()
    for cause in nx.ancestors(graph, service):
        down, stack = {cause}, [cause]
        lost: dict[int, int] = defaultdict(int)
        while stack and service not in down:
            for _, consumer, edge in graph.out_edges(stack.pop(), data=True):
                group = edge["group"]
                if not edge["hard"] or consumer in down:
                    continue
                if group >= 0:
                    lost[group] += edge["weight"]
                if group < 0 or total[group] - lost[group] < needed[group]:
                    down.add(consumer)
                    stack.append(consumer)
        if service in down:
            found.add(cause)
    return found


def measure(items: int, services: int) -> None:
    topology = estate(items)
    graph = graph_of(topology)
    plain = nx.DiGraph(graph)
    print(f"\n{items:,} CIs, {graph.number_of_edges():,} dependencies")
    with TemporaryDirectory() as folder, ThreadPoolExecutor(1) as pool:
        ours, _ = timed(lambda: radii(topology, set(topology.ids[:services]), pool, Path(folder)))
    theirs, _ = timed(lambda: [len(nx.descendants(plain, each)) for each in range(items)])
    line("blast radius of every CI", ours, {"networkx.descendants of every CI": theirs})
    asked = list(range(services))  # services are the first layer
    ours, found = timed(lambda: [single_points(topology, topology.ids[each]).ids for each in asked])
    by_hand, expected = timed(lambda: [naive(graph, topology, each) for each in asked])
    assert [{topology.index(each) for each in ids} for ids in found] == expected
    one_by_one, again = timed(lambda: [engine_only(topology, graph, each) for each in asked])
    assert again == expected
    said = f"single points of {services} services ({sum(map(len, found))} found)"
    line(said, ours, {"networkx, each CI failed by itself": by_hand, "the engine, each CI by itself": one_by_one})


def engine_only(topology: Topology, graph: nx.MultiDiGraph, service: int) -> set[int]:
    name = topology.ids[service]
    return {
        each
        for each in nx.ancestors(graph, service)
        if evaluate(topology, {topology.ids[each]: State.DOWN}).state(name) is State.DOWN
    }


def line(said: str, ours: float, others: dict[str, float]) -> None:
    print(f"  {said}: {ours:.3f} s")
    for name, seconds in others.items():
        print(f"    {name}: {seconds:.3f} s, {seconds / ours:.1f} times ours")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[2000, 10000])
    parser.add_argument("--services", type=int, default=5)
    arguments = parser.parse_args()
    for items in arguments.items:
        measure(items, arguments.services)


if __name__ == "__main__":
    main()
