"""Maintenance in waves: who can be down together without taking anything that is watched down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.impact.propagation.evaluation import evaluate
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topology import Topology

EXACT_UP_TO = 12
"""Items for which the fewest waves are searched for: 4,096 sets at most are put to the engine."""


@dataclass(frozen=True)
class RollingOrder:
    """Waves in which nothing watched goes DOWN; the members of a wave are down together.

    ``alone`` has the items that take something watched DOWN all by themselves, and what. Fewer than
    ``lower_bound`` waves are not possible; ``optimal`` tells that there are no more than that.
    """

    waves: tuple[tuple[str, ...], ...]
    alone: Mapping[str, tuple[str, ...]]
    lower_bound: int

    @property
    def optimal(self) -> bool:
        return len(self.waves) == self.lower_bound


def rolling_order(
    topology: Topology,
    items: Collection[str],
    watched: Collection[str],
    *,
    base: Mapping[str, State] | None = None,
    pins: Collection[str] = (),
    progress: Callable[[int], None] = lambda _asked: None,
) -> RollingOrder:
    """Put items into waves so that no wave takes anything watched DOWN that was not so before.

    Parameters
    ----------
    items
        What is to be down once each.
    watched
        What must not go DOWN, such as all services.
    base, pins
        What is the case anyway, in all waves; as for ``evaluate``.
    progress
        Is told after each question to the engine how many were put.

    Raises
    ------
    KeyError
        An item is not in the topology.

    Notes
    -----
    Taking more down never helps, so the sets that are allowed are closed under taking members away, and the
    task is to cover the items with the fewest of them. First fit, the items with most conflicts first (as
    Welsh and Powell colour graphs [1]_), gives a cover. It is the best one where it needs no more waves than
    a clique of conflicting pairs or than the best cover of some of the items; up to 12 items the best cover
    is searched for, over all their subsets. The engine is asked O(n (n + waves)) questions for n items, and
    up to 4,096 more; the same items give the same waves in any order.

    References
    ----------
    .. [1] D. Welsh, M. Powell, "An upper bound for the chromatic number of a graph and its application to
       timetabling problems", The Computer Journal 10 (1967) 85-86.
    """
    ordered = sorted(set(items), key=topology.index)
    engine = _Engine(topology, watched, base or {}, pins, progress)
    alone = {item: taken for item in ordered if (taken := engine.taken_down((item,)))}
    free = [item for item in ordered if item not in alone]
    conflicts = _conflicts(engine, free)
    waves = _first_fit(engine, sorted(free, key=lambda item: (-len(conflicts[item]), topology.index(item))))
    bound = len(_clique(free, conflicts)) if free else 0
    if bound < len(waves):
        entangled = sorted(free, key=lambda item: (-len(engine.shaken((item,))), topology.index(item)))[:EXACT_UP_TO]
        best = _fewest(engine, sorted(entangled, key=topology.index))
        bound = max(bound, len(best))
        if len(free) <= EXACT_UP_TO:
            waves = best
    inside = [tuple(sorted(wave, key=topology.index)) for wave in waves]
    return RollingOrder(tuple(inside), alone, bound)


class _Engine:
    """Answers what a set of items takes down, each question put once."""

    def __init__(
        self,
        topology: Topology,
        watched: Collection[str],
        base: Mapping[str, State],
        pins: Collection[str],
        progress: Callable[[int], None],
    ) -> None:
        self._topology = topology
        self._watched = frozenset(watched)
        self._base = base
        self._pins = frozenset(pins)
        self._progress = progress
        self._asked: dict[frozenset[str], tuple[tuple[str, ...], frozenset[tuple[str, str]]]] = {}
        self._down_before = frozenset(self._down(evaluate(topology, base, pins=self._pins)))

    def taken_down(self, items: Collection[str]) -> tuple[str, ...]:
        """List what is watched and goes DOWN with the items, by distance; an item that is watched is so itself."""
        return self._ask(items)[0]

    def shaken(self, items: Collection[str]) -> frozenset[tuple[str, str]]:
        """Name the groups that lose members and hold."""
        return self._ask(items)[1]

    def _ask(self, items: Collection[str]) -> tuple[tuple[str, ...], frozenset[tuple[str, str]]]:
        key = frozenset(items)
        if key not in self._asked:
            seeds = {**self._base, **dict.fromkeys(key, State.DOWN)}
            found = evaluate(self._topology, seeds, pins=self._pins - key)
            taken = tuple(each for each in self._down(found) if each not in self._down_before)
            self._asked[key] = taken, frozenset((each.consumer, each.group) for each in found.survivors())
            self._progress(len(self._asked))
        return self._asked[key]

    def _down(self, found: Evaluation) -> list[str]:
        return [each for each in found.settled() if each in self._watched and found.state(each) is State.DOWN]


def _conflicts(engine: _Engine, items: Sequence[str]) -> dict[str, set[str]]:
    """Find the pairs that are not allowed together.

    What goes DOWN with two that neither takes DOWN alone starts at a group that has members lost to each
    and holds against each: so only pairs that shake a common group are asked about.
    """
    found: dict[str, set[str]] = {item: set() for item in items}
    for place, one in enumerate(items):
        for other in items[place + 1 :]:
            if engine.shaken((one,)) & engine.shaken((other,)) and engine.taken_down((one, other)):
                found[one].add(other)
                found[other].add(one)
    return found


def _first_fit(engine: _Engine, items: Sequence[str]) -> list[list[str]]:
    waves: list[list[str]] = []
    for item in items:
        fitting = (
            wave
            for wave in waves
            if not (engine.shaken((item,)) & engine.shaken(wave) and engine.taken_down((*wave, item)))
        )
        wave = next(fitting, None)
        if wave is None:
            waves.append([item])
        else:
            wave.append(item)
    return waves


def _clique(items: Sequence[str], conflicts: Mapping[str, set[str]]) -> set[str]:
    """Give items of which no two are allowed together, as many as a greedy search finds; one at least."""
    best: set[str] = set()
    for start in items:
        clique, rest = {start}, set(conflicts[start])
        while rest:
            most = max(rest, key=lambda each: (len(conflicts[each] & rest), each))
            clique.add(most)
            rest &= conflicts[most]
        best = max(best, clique, key=len)
    return best


def _fewest(engine: _Engine, items: Sequence[str]) -> list[list[str]]:
    """Cover items with the fewest allowed sets, by dynamic programming over all subsets; 3^n steps."""
    full = (1 << len(items)) - 1
    allowed = bytearray(full + 1)
    allowed[0] = 1
    for mask in range(1, full + 1):
        without = (mask & ~(1 << bit) for bit in range(len(items)) if mask >> bit & 1)
        if all(allowed[each] for each in without):
            allowed[mask] = not engine.taken_down(_members(items, mask))
    fewest, wave = [0] + [len(items) + 1] * full, [0] * (full + 1)
    for mask in range(1, full + 1):
        lowest = mask & -mask
        rest = others = mask ^ lowest
        while True:  # all subsets of the others, with the lowest one
            if allowed[others | lowest] and fewest[rest ^ others] + 1 < fewest[mask]:
                fewest[mask], wave[mask] = fewest[rest ^ others] + 1, others | lowest
            if others == 0:
                break
            others = (others - 1) & rest
    found = []
    while full:
        found.append(_members(items, wave[full]))
        full ^= wave[full]
    return found


def _members(items: Sequence[str], mask: int) -> list[str]:
    return [item for bit, item in enumerate(items) if mask >> bit & 1]
