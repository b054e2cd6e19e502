"""Measures the impact engine against graph libraries, Neo4j, and plain compiled reachability.

    python benchmarks/impact_engine.py [--items 10000 100000] [--starts 200] [--large] [--neo4j] [--threshold]

Estates are layered and skewed towards hubs: services over applications over software over machines over
shared infrastructure, four dependencies for each item (``--large``: a million items with five too); a third
of the consumers have their suppliers in redundancy groups of two or three. Start items are of three kinds: *leaf*
(few need it), *middle*, *hub*.

What is timed is ``evaluate`` (all states, group arithmetic, and the copy of the result), and then together with the
distances and paths of all that is affected, which are worked out when they are first asked for. Against it stand
``descendants`` of networkx and of rustworkx, ``subcomponent`` of igraph, and a compiled breadth-first search with a
reusable stamp: these tell what is reachable, and no distances. Neo4j (with ``--neo4j``) gives numbers and distances,
by the fastest of a few Cypher queries (``rivals/cypher.py``), and numbers alone by APOC's ``subgraphNodes``, both
through its driver. Where all dependencies are hard and plain (the second estate of each size) all must name the same
items, and that is checked for each start; with redundancy, which none of the others knows, the engine must name no item
that they do not. Of each question the fastest of three tries counts, in processor time; for Neo4j by the clock, since
it is another process, so its figures need a quiet machine.

Of each size it also tells what the columns take, by item and by arc, and what it costs to splice in one relationship
and one new item, in processor time beside that of copying every column once.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.rivals.cypher import apoc, cypher, fastest, load, server
from benchmarks.rivals.libraries import libraries, plain_search
from benchmarks.rivals.machine import machine
from knockon.impact.propagation.evaluation import Evaluation, evaluate
from knockon.impact.topology.network import Dependency, Item
from knockon.impact.topology.renumbering import Renumbering
from knockon.impact.topology.splice import splice
from knockon.impact.topology.topology import Signature, Topology, interned
from knockon.schema.states import State, effect_map

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.rivals.libraries import Rival

LAYERS = (0.05, 0.25, 0.30, 0.30, 0.10)  # shares of the items, from services down
EACH = 4
LARGEST = (1_000_000, 5)
LARGE = 1_000_000
MOST_HUBS = 5
"""Of an estate of more than LARGE arcs all engines are asked about so many hubs: networkx takes seconds for each."""
HARD = Dependency("", "")
SOFT = effect_map({State.DOWN: State.DEGRADED})
TRIES = 3
MOST_CYPHER = 50
"""How many starts of a kind Neo4j is asked for."""


def estate(items: int, each: int = 4, seed: int = 1) -> Topology:
    """Draw an estate; suppliers stand in the next layer down (sometimes in the same one), hubs far more often."""
    random = np.random.default_rng(seed)
    bounds = np.append(0, np.cumsum([int(items * share) for share in LAYERS]))
    bounds[-1] = items
    wanted = each / (1 - LAYERS[-1])  # the lowest layer needs nothing
    pools = int(wanted) // 3 + 1
    kinds = [HARD, replace(HARD, effect=SOFT), *(replace(HARD, group=f"pool {pool}") for pool in range(pools))]
    signatures, code = interned([Signature.of(kind) for kind in kinds])
    columns = []
    for layer in range(len(LAYERS) - 1):
        own = np.arange(bounds[layer], bounds[layer + 1])
        counts = (wanted + random.random(len(own))).astype(np.int64)
        consumer = np.repeat(own, counts)
        position = np.arange(len(consumer)) - np.repeat(np.cumsum(counts) - counts, counts)
        grouped = np.repeat(random.random(len(own)) < 1 / 3, counts)
        below = np.where((random.random(len(consumer)) < 0.15) & (layer in {1, 2}), layer, layer + 1)
        low, high = bounds[below], bounds[below + 1]
        supplier = low + ((high - low) * random.random(len(consumer)) ** 3).astype(np.int64)
        kind = np.where(grouped, 2 + position // 3, random.random(len(consumer)) < 0.15)
        columns.append(np.array([code[kind], supplier, consumer])[:, supplier != consumer])
    ids = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(items)]
    return Topology.laid_out(ids, lambda number: Item(ids[number], ids[number]), signatures, *np.hstack(columns))


def plain(topology: Topology) -> Topology:
    """Make every dependency hard and nothing redundant: impact is reachability then."""
    signatures, _ = interned([Signature.of(HARD)])
    ids, graph = topology.ids[:], topology.graph
    ends = graph.supplier.astype(np.int64), graph.consumer.astype(np.int64)
    nothing = np.zeros(len(graph.consumer), np.int64)
    return Topology.laid_out(ids, lambda number: Item(ids[number], ids[number]), signatures, nothing, *ends)


def starts_of(topology: Topology, count: int) -> dict[str, list[int]]:
    """Choose start items by how many need them directly: few, the middle of those with any, the most."""
    degree = np.diff(topology.graph.start)
    ranked = np.argsort(degree, kind="stable")
    needed = ranked[degree[ranked] > 0]
    middle = len(needed) // 2
    chosen = {"leaf": needed[:count], "middle": needed[middle : middle + count], "hub": needed[-max(count // 10, 5) :]}
    return {kind: numbers.tolist() for kind, numbers in chosen.items()}


def timed(
    ask: Callable[[int], Any], starts: Sequence[int], clock: Callable[[], int] = time.thread_time_ns
) -> tuple[list[float], list[Any]]:
    """Ask for each start, and take the fastest of some tries; give the times in microseconds and the answers."""
    times, answers = [], []
    for start in starts:
        tries = []
        for _ in range(TRIES):
            before = clock()
            answer = ask(start)
            tries.append((clock() - before) / 1000)
        times.append(min(tries))
        answers.append(answer)
    return times, answers


class Measured(NamedTuple):
    """What one engine took for one kind of start: microseconds."""

    p50: float
    p95: float

    @classmethod
    def of(cls, times: Sequence[float]) -> Measured:
        return cls(float(np.median(times)), float(np.percentile(times, 95)))


Curve = dict[tuple[bool, str, str], dict[int, Measured]]
"""By (with redundancy, kind of start, engine), then by size."""


def measure(items: int, each: int, count: int, driver: Any, curve: Curve) -> None:
    """Compare the engines on one size."""
    for exact in (False, True):
        before = time.process_time()
        topology = plain(estate(items, each)) if exact else estate(items, each)
        taken, arcs = time.process_time() - before, len(topology.graph.consumer)
        print(f"\n{items:,} items, {arcs:,} arcs, {'all hard and plain' if exact else 'with redundancy'}")
        if not exact:
            print(f"  drawn and laid out in {taken:.2f} s of processor time")
            print_memory(topology)
            print_splices(topology)
        rivals = [plain_search(topology), *libraries(topology)]
        if driver and exact:
            load(driver, topology)
        for kind, every in starts_of(topology, count).items():
            starts = every[-MOST_HUBS:] if arcs > LARGE and kind == "hub" else every
            more = []
            if driver and exact:
                way, query = fastest(driver, starts[:3])
                print(f"  Neo4j by {way}")
                more += [cypher(driver, query, MOST_CYPHER), apoc(driver, MOST_CYPHER)]
            found = compare(topology, [*rivals, *more], starts, exact=exact)
            report(kind, found)
            for name, measured in found.items():
                curve.setdefault((not exact, kind, name), {})[items] = measured


def columns_of(topology: Topology) -> dict[str, Sequence[Any]]:
    """Give all columns of a topology, by what they have a row for."""
    graph, ids = topology.graph, topology.ids
    return {
        "item": (ids.raw, ids.ranked, graph.start, topology.needs_start),
        "arc": (*graph[1:6], graph.member, topology.signature, topology.needs),
        "group": (graph.terms,),
    }


def print_memory(topology: Topology) -> None:
    """Print what the columns take, names of items apart; the bound is 150 bytes an item and 40 an arc."""
    rows = {"item": len(topology.ids), "arc": len(topology.graph.consumer), "group": max(len(topology.terms), 1)}
    sizes = {kind: sum(each.nbytes for each in columns) for kind, columns in columns_of(topology).items()}
    bound = 150 * rows["item"] + 40 * rows["arc"]
    each = ", ".join(f"{size / rows[kind]:.0f} bytes for each {kind}" for kind, size in sizes.items())
    print(f"  memory {sum(sizes.values()) / 1e6:,.0f} MB: {each}; {sum(sizes.values()) / bound:.2f} of the bound")


def print_splices(topology: Topology) -> None:
    """Time one more relationship, and one new item that needs another, beside copying all columns once."""
    ids, number, new = topology.ids, len(topology.ids) // 50, "ffffffff-0000-4000-8000-000000000000"
    consumer = ids[number]
    needs = [topology.dependency(arc, code) for arc in topology.needed(number) for code in topology.dependencies(arc)]
    needs.append(replace(HARD, consumer=consumer, supplier=ids[len(ids) - 5]))
    change = Renumbering.of(len(ids), [], [(len(ids) // 2, new)])
    fresh = replace(HARD, consumer=new, supplier=ids[5])
    ways = {
        "copying every column": lambda: [each.copy() for some in columns_of(topology).values() for each in some],
        "splicing one relationship": lambda: splice(topology, None, [number], [Item(consumer, "")], needs),
        "splicing one new item": lambda: splice(topology, change, [], [Item(new, "")], [fresh]),
    }
    taken = {name: median_cpu(way) for name, way in ways.items()}
    for name, seconds in taken.items():
        print(f"  {name}: {seconds * 1000:.1f} ms, {seconds / next(iter(taken.values())):.1f} times copying")


def median_cpu(work: Callable[[], Any]) -> float:
    """Do it seven times; give the median of its seconds of processor time."""
    times = []
    for _ in range(7):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return sorted(times)[3]


def engine(topology: Topology, *, compiled: bool) -> Callable[[int], Evaluation]:
    """Give the engine as a question like the others, by the item's id as a caller has it."""
    return lambda start: evaluate(topology, {topology.ids[start]: State.DOWN}, compiled=compiled)


def compare(topology: Topology, rivals: Sequence[Rival], starts: list[int], *, exact: bool) -> dict[str, Measured]:
    """Time all on the same starts, and check their answers against each other.

    Where all is hard and plain, all must name the same items, at the same distances where they tell them. With
    redundancy the engine must name no item that they do not.
    """
    ask = engine(topology, compiled=True)
    ask(starts[0])
    times, evaluations = timed(ask, starts)
    traced, _ = timed(lambda start: ask(start).distance(topology.ids[start]), starts)
    measured = {"knockon": Measured.of(times), "with paths": Measured.of(traced)}
    ours = [
        {topology.index(each) for each in found.settled()} - {start}
        for start, found in zip(starts, evaluations, strict=True)
    ]
    for rival in rivals:
        rival.ask(starts[0])
        asked = starts[: rival.most]
        times, answers = timed(rival.ask, asked, rival.clock)
        measured[rival.name] = Measured.of(times)
        for start, answer, own, evaluation in zip(
            asked, answers, ours[: len(asked)], evaluations[: len(asked)], strict=True
        ):
            theirs = rival.named(answer, start)
            assert own == theirs if exact else own <= theirs, (rival.name, start)
            if exact and isinstance(answer, dict):
                assert all(evaluation.distance(topology.ids[each]) == steps for each, steps in answer.items())
    return measured


def report(kind: str, found: dict[str, Measured]) -> None:
    """Print a line for each engine, with how it stands to ours."""
    own = found["knockon"].p50
    for name, each in found.items():
        ratio = "" if name == "knockon" else f"   {each.p50 / own:>9.2f} times ours"
        print(f"  {kind:<7}{name:<13}{each.p50:>12,.1f} / {each.p95:>12,.1f} us{ratio}")


def print_curve(curve: Curve) -> None:
    """Print what each question costs as the estate grows."""
    sizes = sorted({size for each in curve.values() for size in each})
    print(f"\np50 in microseconds by items: {', '.join(f'{size:,}' for size in sizes)}")
    for (redundant, kind, name), each in curve.items():
        cells = "".join(f"{each[size].p50:>14,.1f}" if size in each else f"{'':>14}" for size in sizes)
        print(f"  {'redundant' if redundant else 'plain':<10}{kind:<7}{name:<13}{cells}")


def threshold() -> None:
    """Show what compiling saves on a hub at growing sizes; it costs half a second from the cache, seconds without."""
    print("\nslowest of the hubs, milliseconds: interpreted, compiled")
    for items in (1_000, 3_000, 10_000, 30_000, 100_000):
        topology = plain(estate(items))
        hubs = starts_of(topology, 50)["hub"]
        for fast in (False, True):
            engine(topology, compiled=fast)(hubs[0])
        worst = [max(timed(engine(topology, compiled=fast), hubs)[0]) for fast in (False, True)]
        print(f"  {len(topology.graph.consumer):>8,} arcs: {worst[0] / 1000:>9.2f} {worst[1] / 1000:>8.2f}")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--starts", type=int, default=200, help="of leaf and middle kind; a tenth of it hubs")
    parser.add_argument("--large", action="store_true", help="a million items and five million dependencies too")
    parser.add_argument("--neo4j", action="store_true", help="Neo4j too, on a server that is started for it")
    parser.add_argument("--threshold", action="store_true", help="where compiling begins to pay, instead")
    options = parser.parse_args()
    if options.threshold:
        threshold()
        return
    print(f"on {machine()}")
    curve: Curve = {}
    with server() if options.neo4j else nullcontext() as driver:
        sizes = [(items, EACH) for items in options.items] + ([LARGEST] if options.large else [])
        for items, each in sizes:
            measure(items, each, options.starts, driver, curve)
    print_curve(curve)


if __name__ == "__main__":
    main()
