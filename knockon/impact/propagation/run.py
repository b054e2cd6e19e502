"""One run of the kernel, on a scratch that is kept for the next one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.impact.propagation import kernel

if TYPE_CHECKING:
    from knockon.impact.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class Settled:
    """What one run of the kernel found, copied out of its scratch: items worst first, groups as touched."""

    items: Any
    states: Any
    distances: Any
    parents: Any
    groups: Any
    tallies: Any  # a row for each of the groups, by the kernel's columns


def run(topology: Topology, given: list[int], *, compiled: bool) -> Settled:
    """Run the kernel on an idle scratch; several threads may, each on its own."""
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
    if compiled:
        counts = kernel.compiled()["propagate"](graph, scratch, base, np.array(given, np.int64))
    else:
        counts = kernel.propagate(graph, scratch, base, given)
    found = _copy(kernel.Scratch(*scratch), base, *counts)
    pool.append((graph, scratch, base))
    return found


def _copy(scratch: kernel.Scratch, base: int, count: int, hit: int) -> Settled:
    """Take the answer out of a scratch: arrays as they are, lists as arrays."""
    items, groups = scratch.settled[:count], scratch.touched[:hit]
    by_item = (scratch.mark, scratch.distance, scratch.parent)
    if isinstance(scratch.mark, np.ndarray):
        marks, distances, parents = (column.take(items) for column in by_item)
        tallies = scratch.tally.reshape(-1, kernel.TALLY).take(groups, 0)
        return Settled(items.copy(), marks - base, distances, parents, groups.copy(), tallies)
    marks, distances, parents = (np.array([column[item] for item in items], np.int64) for column in by_item)
    rows = [scratch.tally[group * kernel.TALLY : (group + 1) * kernel.TALLY] for group in groups]
    tallies = np.array(rows, np.int64).reshape(-1, kernel.TALLY)
    return Settled(np.array(items, np.int64), marks - base, distances, parents, np.array(groups, np.int64), tallies)
