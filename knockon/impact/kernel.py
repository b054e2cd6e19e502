"""The propagation itself, written once: plain functions over flat columns.

They run as they stand on lists, and compiled on arrays (:func:`compiled`), with equal results. Items
are numbered by ``Item.order``, so a smaller number is an earlier item and breaks ties.

Everything a query writes is in a :class:`Scratch` that is never cleared: a mark below the query's
``base`` is an older query's and counts as nothing. So a query costs what it touches and no more.
"""

from __future__ import annotations

from functools import cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONAL, AT_RISK, DEGRADED, DOWN = 0, 1, 2, 3
PINNED = 4  # worse than any effect, so nothing moves a pinned item; it is never settled
STRIDE = 8  # between the bases of two queries: room for the states and PINNED

BY_RISK, BY_LOSS, FEW_IN_FULL, FEW_UP = 1, 2, 3, 4  # a group's verdict; 0: it serves as it should
RESULT = (OPERATIONAL, AT_RISK, AT_RISK, DEGRADED, DOWN)  # the verdict's state
LEAST = (PINNED, AT_RISK, DEGRADED, DEGRADED, DOWN)  # the least effect by which a member is a cause of it


class Graph(NamedTuple):
    """Arcs in order of supplier, then consumer; and redundancy groups in order of consumer, then name.

    ``effect`` packs an effect map into a byte: ``(effect >> 2 * state) & 3``. ``group`` is -1 for a
    plain supplier. ``member`` lists the arcs of each group, heaviest first.
    """

    start: Any  # item -> its first arc; one longer than the items
    supplier: Any
    consumer: Any
    effect: Any
    group: Any
    weight: Any
    group_consumer: Any
    total: Any
    min_up: Any
    full_up: Any
    member_start: Any
    member: Any


class Scratch(NamedTuple):
    """What one query after the other writes into. ``mark`` is base + state, or older."""

    mark: Any
    queue: Any  # three buckets, each as long as the items: DOWN, DEGRADED, AT_RISK
    ends: Any  # ends[state] of the bucket; ends[OPERATIONAL]: the number of touched groups
    settled: Any
    distance: Any
    parent: Any  # the arc by which an item's path goes on; -1 at its end
    touched: Any
    group_mark: Any
    up: Any
    full: Any
    solid: Any
    lost: Any
    heaviest: Any  # position in member before which all are lost
    verdict: Any


def scratch_for(items: int, groups: int) -> Scratch:
    """Make the scratch for a graph of this size; queries on it take the bases STRIDE, 2 * STRIDE, ..."""
    whole, small = np.int64, np.int32
    return Scratch(
        np.zeros(items, whole), np.empty(3 * items, small), np.zeros(4, whole), np.empty(items, small),
        np.empty(items, small), np.empty(items, small), np.empty(groups, small), np.zeros(groups, whole),
        np.empty(groups, whole), np.empty(groups, whole), np.empty(groups, whole), np.empty(groups, small),
        np.empty(groups, small), np.empty(groups, np.uint8),
    )  # fmt: skip


def propagate(graph: Graph, scratch: Scratch, base: int, seeds: Any, seeded: Any, pins: Any) -> int:
    """Settle every item that the seeds reach, worst state first, and trace each to its seed.

    Since no effect is worse than its supplier's state and no group worse than its worst member, an
    item's state is final when its bucket is worked off: the least fixpoint, also on cycles, each arc
    seen once here and once in ``trace``. Gives the number of settled items, worst first.
    """
    items = len(scratch.mark)
    for state in range(1, 4):
        scratch.ends[state] = (DOWN - state) * items
    scratch.ends[OPERATIONAL] = 0
    for pin in pins:
        scratch.mark[pin] = base + PINNED
    for i in range(len(seeds)):
        worsen(scratch, base, seeds[i], seeded[i])
    count = 0
    for state in range(DOWN, OPERATIONAL, -1):
        head = (DOWN - state) * items
        while head < scratch.ends[state]:
            item = scratch.queue[head]
            head += 1
            if scratch.mark[item] == base + state:  # else it turned out worse, and was settled before
                scratch.settled[count] = item
                count += 1
                spread(graph, scratch, base, item, state)
    trace(graph, scratch, base, count, seeds, seeded)
    return count


def worsen(scratch: Scratch, base: int, item: int, state: int) -> None:
    """Raise an item to a state unless it is as bad already, or pinned."""
    if state > OPERATIONAL and base + state > scratch.mark[item]:
        scratch.mark[item] = base + state
        scratch.queue[scratch.ends[state]] = item
        scratch.ends[state] += 1


def spread(graph: Graph, scratch: Scratch, base: int, item: int, state: int) -> None:
    """Pass a settled item's state on over its arcs."""
    for arc in range(graph.start[item], graph.start[item + 1]):
        effect = (graph.effect[arc] >> (2 * state)) & 3
        if effect == OPERATIONAL:
            continue
        group = graph.group[arc]
        if group >= 0:
            weaken(graph, scratch, base, group, graph.weight[arc], effect)
            scratch.verdict[group] = judge(graph, scratch, base, group)
            effect = RESULT[scratch.verdict[group]]
        worsen(scratch, base, graph.consumer[arc], effect)


def weaken(graph: Graph, scratch: Scratch, base: int, group: int, weight: int, effect: int) -> None:
    """Count a member out of what it no longer gives; a member comes here at most once per query."""
    if scratch.group_mark[group] != base:
        scratch.group_mark[group] = base
        scratch.touched[scratch.ends[OPERATIONAL]] = group
        scratch.ends[OPERATIONAL] += 1
        scratch.up[group] = graph.total[group]
        scratch.full[group] = graph.total[group]
        scratch.solid[group] = graph.total[group]
        scratch.lost[group] = 0
        scratch.heaviest[group] = graph.member_start[group]
    scratch.solid[group] -= weight
    if effect >= DEGRADED:
        scratch.full[group] -= weight
        scratch.lost[group] += 1
    if effect == DOWN:
        scratch.up[group] -= weight


def judge(graph: Graph, scratch: Scratch, base: int, group: int) -> int:
    """Give the group's verdict by what its members still give."""
    full, needed = scratch.full[group], graph.full_up[group]
    if scratch.up[group] < graph.min_up[group]:
        return FEW_UP
    if full < needed:
        return FEW_IN_FULL
    if full < graph.total[group] and full - heaviest_in_full(graph, scratch, base, group) < needed:
        return BY_LOSS
    if scratch.solid[group] < full and scratch.solid[group] < needed:
        return BY_RISK
    return OPERATIONAL


def heaviest_in_full(graph: Graph, scratch: Scratch, base: int, group: int) -> int:
    """Give the largest weight among the members that are not lost; 0 where none is left.

    Members go from kept to lost only, so the position only grows: one step per loss over the whole query.
    A member known to be lost but not yet settled is passed over too; the group is judged again when it settles.
    """
    position = scratch.heaviest[group]
    end = graph.member_start[group + 1]
    while position < end:
        arc = graph.member[position]
        state = scratch.mark[graph.supplier[arc]] - base
        if state < DEGRADED or state == PINNED or ((graph.effect[arc] >> (2 * state)) & 3) < DEGRADED:
            break
        position += 1
    scratch.heaviest[group] = position
    return graph.weight[graph.member[position]] if position < end else 0


def trace(graph: Graph, scratch: Scratch, base: int, count: int, seeds: Any, seeded: Any) -> None:
    """Find each settled item's distance from a seed that explains itself, and its path's next arc.

    Breadth first over cause arcs from all such seeds at once. Among arcs from the level before, one
    from the worst, then earliest supplier is taken.
    """
    mark, queue, distance, parent = scratch.mark, scratch.queue, scratch.distance, scratch.parent
    for i in range(count):
        distance[scratch.settled[i]] = -1
    head, end = 0, 0
    for i in range(len(seeds)):
        seed = seeds[i]
        if mark[seed] == base + seeded[i] and seeded[i] > OPERATIONAL:
            distance[seed] = 0
            parent[seed] = -1
            queue[end] = seed
            end += 1
    while head < end:
        item = queue[head]
        head += 1
        for arc in range(graph.start[item], graph.start[item + 1]):
            consumer = graph.consumer[arc]
            if not is_cause(graph, scratch, base, arc, mark[item] - base, mark[consumer] - base):
                continue
            if distance[consumer] < 0:
                distance[consumer] = distance[item] + 1
                parent[consumer] = arc
                queue[end] = consumer
                end += 1
            elif distance[consumer] == distance[item] + 1:
                rival = graph.supplier[parent[consumer]]
                if mark[item] > mark[rival] or (mark[item] == mark[rival] and item < rival):
                    parent[consumer] = arc


def is_cause(graph: Graph, scratch: Scratch, base: int, arc: int, state: int, final: int) -> bool:
    """Tell whether an arc from a supplier settled at ``state`` produced its consumer's ``final`` state."""
    effect = (graph.effect[arc] >> (2 * state)) & 3
    if final < AT_RISK or final == PINNED or effect == OPERATIONAL:
        return False
    group = graph.group[arc]
    if group < 0:
        return bool(effect == final)
    verdict = scratch.verdict[group]
    return bool(scratch.group_mark[group] == base and RESULT[verdict] == final and effect >= LEAST[verdict])


def reach(start: Any, there: Any, here: Any, sources: Any, distance: Any, parent: Any, queue: Any) -> int:
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


_PARTS = (worsen, weaken, heaviest_in_full, judge, spread, is_cause, trace, propagate, reach)


@cache
def compiled() -> dict[str, Callable[..., Any]]:
    """Compile the functions above with numba, once per process; by name.

    The machine code is kept beside this file, or in the user's cache where that is read-only, or
    nowhere. Each function is compiled as a twin whose globals hold the compiled ones it calls, so
    that the plain functions stay plain.
    """
    import numba  # noqa: PLC0415  (importing it takes longer than a small estate's whole answer)

    around = dict(globals())
    made: dict[str, Callable[..., Any]] = {}
    for part in _PARTS:
        twin = FunctionType(part.__code__, around, part.__name__)
        twin.__qualname__ = part.__qualname__
        try:
            made[part.__name__] = numba.njit(cache=True, nogil=True)(twin)
        except RuntimeError:  # no place to keep it
            made[part.__name__] = numba.njit(nogil=True)(twin)
        around[part.__name__] = made[part.__name__]
    return made
