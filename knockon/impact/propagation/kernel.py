"""The propagation itself, written once: plain functions over flat columns.

They run as they stand on lists, and compiled on arrays (:func:`compiled`), with equal results. Items
are numbered by ``Item.order``, so a smaller number is an earlier item and breaks ties.

Everything a query writes is in a :class:`Scratch` that is never cleared: a mark below the query's
``base`` is an older query's and counts as nothing. So a query costs what it touches and no more.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.compiling import compile_together
from knockon.impact.topology.columns import END, FIRST, FULL_UP, MIN_UP, TERMS, TOTAL

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONAL, AT_RISK, DEGRADED, DOWN = 0, 1, 2, 3
PINNED = 4  # worse than any effect, so nothing moves a pinned item; it is never settled
STRIDE = 8  # between the bases of two queries, and between two items in ``given``: room for the states and PINNED
LAST_BASE = 2**31 - 2 * STRIDE
"""A scratch at this base has no marks left: they are 32 bits, since reading them is what a hub's question waits for."""

BY_RISK, BY_LOSS, FEW_IN_FULL, FEW_UP = 1, 2, 3, 4  # a group's verdict; 0: it serves as it should
RESULT = (OPERATIONAL, AT_RISK, AT_RISK, DEGRADED, DOWN)  # the verdict's state
LEAST = (PINNED, AT_RISK, DEGRADED, DEGRADED, DOWN)  # the least effect by which a member is a cause of it

# The columns of ``tally``, TALLY for each group: what is left of it. HEAVIEST is the place in
# ``member`` before which all members are lost.
SINCE, UP, FULL, SOLID, LOST, HEAVIEST, VERDICT, TALLY = 0, 1, 2, 3, 4, 5, 6, 7


class Scratch(NamedTuple):
    """What one query after the other writes into. ``mark`` is base + state, or older."""

    mark: Any
    queue: Any  # three buckets, each as long as the items: DOWN, DEGRADED, AT_RISK
    ends: Any  # by state: where its bucket ends
    settled: Any
    distance: Any
    parent: Any  # the arc by which an item's path goes on; -1 at its end
    tally: Any
    touched: Any  # the groups that lost anything


def scratch_for(items: int, groups: int) -> Scratch:
    """Make the scratch for a graph of this size; queries on it take the bases STRIDE, 2 * STRIDE, ..."""
    whole, small = np.int64, np.int32
    return Scratch(
        np.zeros(items, small), np.empty(3 * items, small), np.zeros(DOWN + 1, whole), np.empty(items, small),
        np.empty(items, small), np.empty(items, small), np.zeros(TALLY * groups, whole), np.empty(groups, small),
    )  # fmt: skip


def settle(graph: Any, scratch: Any, base: int, given: Any) -> tuple[int, int]:  # noqa: C901 (as trace)
    """Find the state of every item that the seeds reach, worst state first.

    ``given`` has ``item * STRIDE + state`` for each seed, and ``item * STRIDE + PINNED`` for each pin.
    ``graph`` and ``scratch`` come as bare tuples, which numba takes in many times faster. Gives the
    number of settled items, which are worst first, and of touched groups.

    Since no effect is worse than its supplier's state and no group worse than its worst member, an item's state
    is final when its bucket is worked off: the least fixpoint, also on cycles, each arc seen once.
    """
    start, _, consumer, effects, groups, _, _, _ = graph
    mark, queue, ends, settled, _, _, tally, touched = scratch
    items = len(mark)
    for state in range(AT_RISK, DOWN + 1):
        ends[state] = (DOWN - state) * items
    for code in given:
        item, state = code // STRIDE, code % STRIDE
        mark[item] = base + state
        if OPERATIONAL < state < PINNED:
            queue[ends[state]] = item
            ends[state] += 1
    count, hit = 0, 0
    for state in range(DOWN, OPERATIONAL, -1):
        head = (DOWN - state) * items
        while head < ends[state]:
            item = queue[head]
            head += 1
            if mark[item] != base + state:  # it turned out worse, and was settled before
                continue
            settled[count] = item
            count += 1
            for arc in range(start[item], start[item + 1]):
                effect = (effects[arc] >> (2 * state)) & 3
                group = groups[arc]
                if group >= 0 and effect > OPERATIONAL:
                    if tally[group * TALLY + SINCE] != base:
                        touched[hit] = group
                        hit += 1
                    effect = RESULT[weaken(graph, mark, tally, base, arc, effect)]
                other = consumer[arc]
                if effect > OPERATIONAL and base + effect > mark[other]:
                    mark[other] = base + effect
                    queue[ends[effect]] = other
                    ends[effect] += 1
    return count, hit


def weaken(graph: Any, mark: Any, tally: Any, base: int, arc: int, effect: int) -> int:
    """Count a member out of what it no longer gives; give, and note, its group's new verdict.

    A member comes here at most once per query.
    """
    _, _, _, _, groups, weight, terms, _ = graph
    group = groups[arc]
    own, term = group * TALLY, group * TERMS
    if tally[own + SINCE] != base:
        refill(terms, tally, base, group)
    tally[own + SOLID] -= weight[arc]
    if effect >= DEGRADED:
        tally[own + FULL] -= weight[arc]
        tally[own + LOST] += 1
    if effect == DOWN:
        tally[own + UP] -= weight[arc]
    full, needed = tally[own + FULL], terms[term + FULL_UP]
    verdict = OPERATIONAL
    if tally[own + UP] < terms[term + MIN_UP]:
        verdict = FEW_UP
    elif full < needed:
        verdict = FEW_IN_FULL
    elif full < terms[term + TOTAL] and full - heaviest(graph, mark, tally, base, group) < needed:
        verdict = BY_LOSS
    elif tally[own + SOLID] < min(full, needed):
        verdict = BY_RISK
    tally[own + VERDICT] = verdict
    return verdict


def refill(terms: Any, tally: Any, base: int, group: int) -> None:
    """Let a group that this query meets first have all its members."""
    own, term = group * TALLY, group * TERMS
    tally[own + SINCE] = base
    tally[own + UP] = terms[term + TOTAL]
    tally[own + FULL] = terms[term + TOTAL]
    tally[own + SOLID] = terms[term + TOTAL]
    tally[own + LOST] = 0
    tally[own + HEAVIEST] = terms[term + FIRST]


def heaviest(graph: Any, mark: Any, tally: Any, base: int, group: int) -> int:
    """Give the largest weight among the members that are not lost; 0 where none is left.

    Members go from kept to lost only, so HEAVIEST only grows: one step per loss over the whole query. One
    known to be lost but not yet settled is passed too; the group is judged again when that one settles.
    """
    _, supplier, _, effects, _, weight, terms, member = graph
    place, end = tally[group * TALLY + HEAVIEST], terms[group * TERMS + END]
    while place < end:
        arc = member[place]
        state = mark[supplier[arc]] - base
        if state < DEGRADED or state == PINNED or ((effects[arc] >> (2 * state)) & 3) < DEGRADED:
            break
        place += 1
    tally[group * TALLY + HEAVIEST] = place
    return int(weight[member[place]]) if place < end else 0


def trace(graph: Any, scratch: Any, base: int, given: Any, count: int) -> None:  # noqa: C901, PLR0912 (one loop: a call per arc costs more than the arc)
    """Find each settled item's distance from a seed that explains itself, and its path's next arc.

    ``mark``, ``settled`` and the verdicts are as ``settle`` leaves them.

    Breadth first over cause arcs from all such seeds at once. Among arcs from the level before, one
    from the worst, then earliest supplier is taken.
    """
    start, supplier, consumer, effects, groups, _, _, _ = graph
    mark, queue, _, settled, distance, parent, tally, _ = scratch
    for i in range(count):
        distance[settled[i]] = -1
    head, end = 0, 0
    for code in given:
        item, state = code // STRIDE, code % STRIDE
        if OPERATIONAL < state < PINNED and mark[item] == base + state:
            distance[item] = 0
            parent[item] = -1
            queue[end] = item
            end += 1
    while head < end:
        item = queue[head]
        head += 1
        state = mark[item] - base
        for arc in range(start[item], start[item + 1]):
            other = consumer[arc]
            final = mark[other] - base
            if not OPERATIONAL < final < PINNED:
                continue
            effect = (effects[arc] >> (2 * state)) & 3
            if groups[arc] < 0:
                if effect != final:
                    continue
            elif effect == OPERATIONAL:
                continue
            else:
                verdict = tally[groups[arc] * TALLY + VERDICT]
                if RESULT[verdict] != final or effect < LEAST[verdict]:
                    continue
            if distance[other] < 0:
                distance[other] = distance[item] + 1
                parent[other] = arc
                queue[end] = other
                end += 1
            elif distance[other] == distance[item] + 1:
                rival = supplier[parent[other]]
                if mark[item] > mark[rival] or (mark[item] == mark[rival] and item < rival):
                    parent[other] = arc


_PARTS = (refill, heaviest, weaken, settle, trace)


@cache
def compiled() -> dict[str, Callable[..., Any]]:
    """Compile the functions above, once per process; by name."""
    return compile_together(_PARTS)
