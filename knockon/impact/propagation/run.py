"""Runs of the kernel, on scratches that are kept for the next ones."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.propagation import kernel
from knockon.telemetry import engine_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.impact.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling found, copied out of its scratch: items worst first, groups as touched."""

    items: Any
    states: Any
    groups: Any
    tallies: Any  # a row for each of the groups, by the kernel's columns


class Traced(NamedTuple):
    """How far each settled item is from a seed, and the arc by which its path begins, or -1; in their order."""

    distances: Any
    parents: Any


class Columns(NamedTuple):
    """What was found, as columns: ``state`` of every item and ``verdict`` of every group of the topology, by number.

    ``items`` are those that are worse than OPERATIONAL, in the order of every list: worst state, distance, order.
    ``parent`` has for each of these the arc by which its path begins, or -1; ``distance`` counts for these alone.
    """

    items: Any
    state: Any
    distance: Any
    parent: Any
    verdict: Any


def spread(items: Any, states: Any, size: int) -> Any:
    """Give states by number, for every item."""
    found = np.zeros(size, np.int64)
    found[items] = states
    return found


def settle(topology: Topology, given: list[int], *, compiled: bool) -> Settled:
    """Find the states; several threads may, each on a scratch of its own."""
    with engine_step("propagation"), _scratch(topology, compiled=compiled) as (graph, scratch, base):
        if compiled:
            count, hit = kernel.compiled()["settle"](graph, scratch, base, np.array(given, np.int64))
        else:
            count, hit = kernel.settle(graph, scratch, base, given)
        mark, _, _, settled, _, _, tally, touched = scratch
        items, groups = settled[:count], touched[:hit]
        if compiled:
            tallies = tally.reshape(-1, kernel.TALLY).take(groups, 0)
            return Settled(items.copy(), mark.take(items) - base, groups.copy(), tallies)
        states = np.array([mark[item] - base for item in items], np.int64)
        rows = [tally[group * kernel.TALLY : (group + 1) * kernel.TALLY] for group in groups]
        tallies = np.array(rows, np.int64).reshape(-1, kernel.TALLY)
        return Settled(np.array(items, np.int64), states, np.array(groups, np.int64), tallies)


def trace(topology: Topology, given: list[int], found: Settled, *, compiled: bool) -> Traced:
    """Find distances and paths of what was settled: it is put back into a scratch, and walked once."""
    count = len(found.items)
    tallies = found.tallies.copy()
    tallies[:, kernel.SINCE] = 0  # of no query: the scratch it came from may have been ahead of this one
    with _scratch(topology, compiled=compiled) as (graph, scratch, base):
        mark, _, _, settled, distance, parent, tally, _ = scratch
        for code in given:
            mark[code // kernel.STRIDE] = base + code % kernel.STRIDE
        if compiled:
            mark[found.items] = base + found.states
            settled[:count] = found.items
            tally.reshape(-1, kernel.TALLY)[found.groups] = tallies
            kernel.compiled()["trace"](graph, scratch, base, np.array(given, np.int64), count)
            return Traced(distance.take(found.items), parent.take(found.items))
        items = settled[:count] = found.items.tolist()
        for item, state in zip(items, found.states.tolist(), strict=True):
            mark[item] = base + state
        for group, row in zip(found.groups.tolist(), tallies.tolist(), strict=True):
            tally[group * kernel.TALLY : (group + 1) * kernel.TALLY] = row
        kernel.trace(graph, scratch, base, given, count)
        return Traced(*(np.array([column[item] for item in items], np.int64) for column in (distance, parent)))


@contextmanager
def _scratch(topology: Topology, *, compiled: bool) -> Iterator[tuple[Any, Any, int]]:
    """Lend the graph, an idle scratch, and the base of the next query on it."""
    pool = topology.pools[compiled]
    try:
        graph, scratch, base = pool.pop()
        while base >= kernel.LAST_BASE:  # its marks are used up
            graph, scratch, base = pool.pop()
    except IndexError:
        graph, base = tuple(topology.graph), 0
        scratch = tuple(kernel.scratch_for(len(topology.ids), len(topology.terms)))
        if not compiled:
            graph, scratch = (tuple(column.tolist() for column in each) for each in (graph, scratch))
    base += kernel.STRIDE
    yield graph, scratch, base
    pool.append((graph, scratch, base))
