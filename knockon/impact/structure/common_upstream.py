"""What several items need in common, and which of it by failing alone would explain best that they are ill.

The engine fails each candidate and says what follows, so redundancy and effects count as they do everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.structure.dominators import reverse_postorder
from knockon.impact.structure.paths import needs, suppliers
from knockon.impact.structure.single_points import RUNS, Budget
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from knockon.impact.topology.topology import Topology

ITEMS = 50_000_000
"""How many items all runs of the engine for one question may settle together; half a minute or so."""

ILL = (State.DOWN, State.DEGRADED)
"""What one sees of something without looking closer: AT_RISK serves in full."""

EXAMPLES = 3
"""How many of the others that would fail are named."""


class Effect(NamedTuple):
    """What a candidate's failure by itself does: to each start, and to how many others, of which some are named."""

    states: tuple[State, ...]
    others_down: int
    others_degraded: int
    examples: tuple[str, ...]

    @property
    def explained(self) -> int:
        """How many of the starts it makes ill."""
        return sum(state in ILL for state in self.states)


class Candidate(NamedTuple):
    """Something that several starts need: how far it is from each (None: that one does not need it).

    ``lowest``: nothing else that the same starts need needs it, except round a cycle. ``effect`` is None where the
    engine had run its limit.
    """

    id: str
    distances: tuple[int | None, ...]
    lowest: bool
    effect: Effect | None


class CommonUpstream(NamedTuple):
    """Candidates, the best explanation first; ``cut`` tells that some were not tried."""

    candidates: list[Candidate]
    cut: bool


def common_upstream(
    topology: Topology, starts: Sequence[str], *, foremost: Collection[str] = (), limit: int | Budget = RUNS
) -> CommonUpstream:
    """List what at least two of several items need, ranked by how well its failure alone explains that they are ill.

    Ranked by how many of the starts its failure leaves DEGRADED or DOWN; then by how few others, which nobody named,
    it would leave so; then by the largest distance, the sum of all, and order. A start counts as a candidate where
    another needs it. One that is not in the topology needs nothing.

    Parameters
    ----------
    foremost
        Items that are named first among the others that would fail; then the worse state, then order.
    limit
        How often the engine may run: once for each candidate, those first that most starts need, then the nearest.
        Those that are not tried come last, in that order.

    Notes
    -----
    Linear in what the starts need, and for each candidate in what its failure touches.
    """
    budget = limit if isinstance(limit, Budget) else Budget(limit, ITEMS)
    steps = [needs(topology, topology.index(each))[0] if each in topology else {} for each in starts]
    distances = {number: tuple(each.get(number) for each in steps) for number in set().union(*steps)}
    shared = {number: far for number, far in distances.items() if sum(each is not None for each in far) > 1}
    lowest = _lowest(topology, shared)
    trial = _Trial(topology, starts, foremost)
    candidates = [
        Candidate(topology.ids[number], shared[number], number in lowest, trial.of(number, budget))
        for number in sorted(shared, key=lambda each: (shared[each].count(None), _far(shared[each]), each))
    ]
    candidates.sort(key=lambda each: (*_rank(each), topology.index(each.id)))
    return CommonUpstream(candidates, budget.cut)


class _Trial:
    """Fails one candidate after the other."""

    def __init__(self, topology: Topology, starts: Sequence[str], foremost: Collection[str]) -> None:
        self._topology, self._starts = topology, starts
        self._named = np.zeros(len(topology.ids), bool)
        self._named[[topology.index(each) for each in starts if each in topology]] = True
        self._foremost = np.zeros(len(topology.ids), bool)
        self._foremost[[topology.index(each) for each in foremost if each in topology]] = True

    def of(self, number: int, budget: Budget) -> Effect | None:
        """Tell what a candidate's failure does; None where the budget is used up."""
        if not budget.take():
            return None
        topology = self._topology
        found = evaluate(topology, {topology.ids[number]: State.DOWN})
        budget.spend(found.size)
        states = (found.state(each) if each in topology else State.OPERATIONAL for each in self._starts)
        down, degraded = (self._others(found.numbers(state), number) for state in ILL)
        return Effect(tuple(states), len(down), len(degraded), self._examples(down, degraded))

    def _others(self, numbers: Any, candidate: int) -> Any:
        return numbers[~self._named[numbers] & (numbers != candidate)]

    def _examples(self, down: Any, degraded: Any) -> tuple[str, ...]:
        ranked: list[int] = []
        for foremost in (True, False):
            for numbers in (down, degraded):
                chosen = numbers[self._foremost[numbers] == foremost]
                ranked += np.sort(chosen)[: EXAMPLES - len(ranked)].tolist()
        return tuple(self._topology.ids[number] for number in ranked)


def _rank(candidate: Candidate) -> tuple[int, ...]:
    effect = candidate.effect
    if effect is None:
        return (1, candidate.distances.count(None), *_far(candidate.distances))
    return (0, -effect.explained, effect.others_down + effect.others_degraded, *_far(candidate.distances))


def _far(distances: Sequence[int | None]) -> tuple[int, int]:
    known = [each for each in distances if each is not None]
    return max(known), sum(known)


def _lowest(topology: Topology, shared: Mapping[int, tuple[int | None, ...]]) -> set[int]:
    """Give those that nothing else that the same starts need needs, but for what they need back.

    What lies between two items that the same starts need is needed by these too, so each such set is looked at by
    itself.
    """
    sets: dict[tuple[bool, ...], list[int]] = {}
    for number in sorted(shared):
        sets.setdefault(tuple(each is not None for each in shared[number]), []).append(number)
    return set().union(*(_sources(topology, numbers) for numbers in sets.values()))


def _sources(topology: Topology, numbers: Sequence[int]) -> set[int]:
    """Give those of a set that no other of it needs, but for those that they need back.

    In reverse postorder the first item that none before it reaches is in a component that no other leads to.
    """
    inside = set(numbers)
    following = {number: [each for each in suppliers(topology, number) if each in inside] for number in numbers}
    consumers: dict[int, list[int]] = {number: [] for number in numbers}
    for number, found in following.items():
        for each in found:
            consumers[each].append(number)
    order = reverse_postorder(-1, {**following, -1: list(numbers)})[1:]
    sources, reached = set[int](), set[int]()
    for number in order:
        if number not in reached:
            _closure(number, consumers, sources)
            _closure(number, following, reached)
    return sources


def _closure(start: int, following: dict[int, list[int]], seen: set[int]) -> None:
    """Add what a start reaches past what was seen."""
    stack = [start]
    seen.add(start)
    while stack:
        new = [each for each in following[stack.pop()] if each not in seen]
        seen.update(new)
        stack += new
