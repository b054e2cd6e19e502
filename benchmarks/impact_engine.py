"""Measures the impact engine against networkx and against plain compiled reachability.

    python benchmarks/impact_engine.py [--items 10000 100000] [--starts 200] [--threshold]

Estates are layered and skewed towards hubs: services over applications over software over machines over
shared infrastructure, four dependencies for each item; a third of the consumers have their suppliers in
redundancy groups of two or three. Start items are of three kinds: *leaf* (few need it), *middle*, *hub*.

What is timed is ``evaluate``, the whole of it: states, causes, distances and the copy of the result.
Against it stand ``networkx.descendants`` and a compiled breadth-first search with a reusable stamp. Where
all dependencies are hard and plain (the second estate of each size) the three must name the same items, and
that is checked for each start; with redundancy the engine must name no item that they do not.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import networkx as nx
import numba
import numpy as np

from knockon.impact.propagation.evaluation import Evaluation, evaluate
from knockon.impact.topology.network import Dependency, Item, Network
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State, effect_map

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LAYERS = (0.05, 0.25, 0.30, 0.30, 0.10)  # shares of the items, from services down
EACH = 4
SOFT = effect_map({State.DOWN: State.DEGRADED})
KINDS = ("leaf", "middle", "hub")


def estate(items: int, seed: int = 1) -> Network:
    """Draw an estate; suppliers stand in the next layer down (sometimes in the same one), hubs far more often."""
    random = Random(seed)
    bounds = [0]
    for share in LAYERS:
        bounds.append(bounds[-1] + int(items * share))
    bounds[-1] = items
    ids = [f"{number:032x}" for number in range(items)]
    dependencies: list[Dependency] = []
    wanted = EACH / (1 - LAYERS[-1])  # the lowest layer needs nothing
    for layer in range(len(LAYERS) - 1):
        for consumer in range(bounds[layer], bounds[layer + 1]):
            grouped, left = random.random() < 1 / 3, int(wanted + random.random())
            for position in range(left):
                below = layer if layer in (1, 2) and random.random() < 0.15 else layer + 1
                low, high = bounds[below], bounds[below + 1]
                supplier = low + int((high - low) * random.random() ** 3)
                if supplier == consumer:
                    continue
                group = f"pool {position // 3}" if grouped else None
                effect = SOFT if group is None and random.random() < 0.15 else Dependency("", "").effect
                dependencies.append(Dependency(ids[consumer], ids[supplier], effect, group))
    return Network([Item(each, each) for each in ids], dependencies)


def plain(network: Network) -> Network:
    """Make every dependency hard and nothing redundant: impact is reachability then."""
    hard = Dependency("", "").effect
    return Network(network.items, [replace(each, effect=hard, group=None) for each in network.dependencies])


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


def starts_of(topology: Topology, count: int) -> dict[str, list[str]]:
    """Choose start items by how many need them directly: few, the middle of those with any, the most."""
    degree = np.diff(topology.graph.start)
    ranked = np.argsort(degree, kind="stable")
    needed = ranked[degree[ranked] > 0]
    middle = len(needed) // 2
    chosen = {"leaf": needed[:count], "middle": needed[middle : middle + count], "hub": needed[-max(count // 10, 5) :]}
    return {kind: [topology.ids[number] for number in numbers] for kind, numbers in chosen.items()}


def timed(ask: Callable[[str], Any], starts: Sequence[str]) -> tuple[list[float], list[Any]]:
    """Ask for each start; give the times in microseconds and the answers."""
    times, answers = [], []
    for start in starts:
        before = time.perf_counter_ns()
        answer = ask(start)
        times.append((time.perf_counter_ns() - before) / 1000)
        answers.append(answer)
    return times, answers


def measure(items: int, count: int) -> None:
    """Compare the engines on one size."""
    redundant = estate(items)
    print(f"\n{items:,} items, {len(redundant.dependencies):,} dependencies; microseconds, p50 / p95")
    for label, network in (("with redundancy", redundant), ("all hard and plain", plain(redundant))):
        before = time.perf_counter()
        topology = Topology.of(network)
        print(f"\n{label} (laid out in {time.perf_counter() - before:.2f} s)")
        graph = nx.DiGraph((each.supplier, each.consumer) for each in network.dependencies)
        bfs = walker(topology)
        evaluate(topology, {topology.ids[0]: State.DOWN}, compiled=True)
        bfs(topology.ids[0])
        for kind, starts in starts_of(topology, count).items():
            compare(topology, graph, bfs, kind, starts, exact=network is not redundant)


def walker(topology: Topology) -> Callable[[str], int]:
    """Give the plain search as a question like the others."""
    size, stamp = len(topology.ids), 0
    seen, queue = np.zeros(size, np.int64), np.empty(size, np.int32)

    def ask(start: str) -> int:
        nonlocal stamp
        stamp += 1
        graph = topology.graph
        reached: int = stamped_bfs(graph.start, graph.consumer, seen, stamp, queue, topology.index(start))
        return reached

    return ask


def engine(topology: Topology, *, compiled: bool) -> Callable[[str], Evaluation]:
    """Give the engine as a question like the others."""
    return lambda start: evaluate(topology, {start: State.DOWN}, compiled=compiled)


def compare(
    topology: Topology, graph: nx.DiGraph[str], bfs: Callable[[str], int], kind: str, starts: list[str], *, exact: bool
) -> None:
    """Time the three on the same starts, and check their answers against each other."""
    ours, found = timed(engine(topology, compiled=True), starts)
    theirs, reached = timed(lambda start: nx.descendants(graph, start), starts)
    floor, counts = timed(bfs, starts)
    settled = []
    for evaluation, reachable, bound in zip(found, reached, counts, strict=True):
        names = set(evaluation.settled())
        assert len(reachable) + 1 == bound
        assert names <= reachable | set(evaluation.seeds)
        assert not exact or len(names) == bound
        settled.append(len(names))
    middle = [float(np.median(times)) for times in (ours, theirs, floor)]
    tails = [float(np.percentile(times, 95)) for times in (ours, theirs, floor)]
    cells = "   ".join(
        f"{name} {p50:>9,.1f} / {p95:>9,.1f}"
        for name, p50, p95 in zip(("knockon", "networkx", "plain search"), middle, tails, strict=True)
    )
    print(
        f"  {kind:<7}{cells}   networkx/knockon {middle[1] / middle[0]:>6.1f}"
        f"   knockon/plain {middle[0] / middle[2]:>4.1f}   settled {int(np.median(settled)):,}"
        f" of {int(np.median(counts)):,} reachable"
    )


def threshold() -> None:
    """Show what compiling saves on a hub at growing sizes; it costs half a second from the cache, seconds without."""
    print("\nslowest of the hubs, milliseconds: interpreted, compiled")
    for items in (1_000, 3_000, 10_000, 30_000, 100_000):
        topology = Topology.of(plain(estate(items)))
        hubs = starts_of(topology, 50)["hub"]
        for fast in (False, True):
            evaluate(topology, {hubs[0]: State.DOWN}, compiled=fast)
        worst = [max(timed(engine(topology, compiled=fast), hubs)[0]) for fast in (False, True)]
        print(f"  {len(topology.graph.consumer):>8,} arcs: {worst[0] / 1000:>9.2f} {worst[1] / 1000:>8.2f}")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--starts", type=int, default=200, help="of leaf and middle kind; a tenth of it hubs")
    parser.add_argument("--threshold", action="store_true", help="where compiling begins to pay, instead")
    options = parser.parse_args()
    if options.threshold:
        threshold()
        return
    for items in options.items:
        measure(items, options.starts)


if __name__ == "__main__":
    main()
