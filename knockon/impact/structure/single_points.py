"""Single points of failure: which one further failure takes something down. Exact: the engine decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.structure.dominators import dominators
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topology import Topology

RUNS = 20_000
"""How often the engine runs for one question at most, unless told otherwise."""


@dataclass(frozen=True)
class Question:
    """What is the case before the further failure: as ``evaluate`` takes it."""

    seeds: Mapping[str, State] = field(default_factory=dict)
    pins: frozenset[str] = frozenset()

    def ask(self, topology: Topology) -> Evaluation:
        """Evaluate as it is."""
        return evaluate(topology, self.seeds, pins=self.pins)

    def ask_without(self, topology: Topology, item_id: str) -> Evaluation:
        """Evaluate with one item DOWN besides; it is a seed also where it is pinned."""
        return evaluate(topology, {**self.seeds, item_id: State.DOWN}, pins=self.pins - {item_id})


class SinglePoints(NamedTuple):
    """The ids whose failure alone gives a target at least a state, and whether the engine ran its limit."""

    ids: list[str]
    cut: bool


class Budget:
    """How many runs of the engine are left, and how many items they may settle, or a walk may pass, in all."""

    def __init__(self, runs: int, items: float = math.inf) -> None:
        self.left = runs
        self.items = items
        self.cut = False

    def take(self) -> bool:
        """Take one run; note it where there is none left."""
        if self.left <= 0 or self.items <= 0:
            self.cut = True
            return False
        self.left -= 1
        return True

    def spend(self, items: int) -> bool:
        """Count items that were settled or passed; tells whether there were so many left."""
        self.items -= items
        return self.items >= 0


def single_points(
    topology: Topology,
    target: str,
    *,
    least: State = State.DOWN,
    question: Question | None = None,
    only: Collection[str] | None = None,
    limit: int | Budget = RUNS,
) -> SinglePoints:
    """List the items whose failure alone, on top of a question, makes a target at least this bad.

    Nearest first, then by order. The target itself, what the question pins, and what is DOWN already are
    not listed; where the target is pinned or this bad already, nothing is.

    Parameters
    ----------
    only
        The items that are looked at; all that the target needs unless given.
    limit
        How often the engine may run. What is listed when it is used up is right, but may not be all.

    Raises
    ------
    KeyError
        The target, a seed or a pin is not in the topology.

    Notes
    -----
    The engine runs for an item only where nothing settles it before. An item is a point if it takes down
    another point over a plain dependency, for then it does all that the other does. It is none if all its
    ways to the target pass one item that is none (a dominator), for it does no more than that one; nor if
    the failure of one that is none takes it down too.
    """
    budget = limit if isinstance(limit, Budget) else Budget(limit)
    asked = question or Question()
    before = asked.ask(topology)
    if before.state(target) >= least or target in asked.pins:
        return SinglePoints([], cut=False)
    ways = _Ways(topology, target, least, before, budget)
    if not ways.whole:
        return SinglePoints([], cut=True)
    looked_at = None if only is None else {topology.index(each) for each in only}
    above = dominators(ways.root, ways.suppliers)
    points, spared = {ways.root}, set[int]()
    for number in above:
        if number == ways.root or number in spared:
            continue
        if above[number] != ways.root and above[number] in spared:
            spared.add(number)
        elif not points.isdisjoint(ways.takes_down.get(number, ())):
            points.add(number)
        elif (looked_at is None or number in looked_at) and budget.take():
            found = asked.ask_without(topology, topology.ids[number])
            budget.spend(found.size)
            if found.state(target) >= least:
                points.add(number)
            else:
                spared.add(number)
                spared.update(found.numbers(State.DOWN).tolist())
    listed = points - {ways.root} if looked_at is None else (points - {ways.root}) & looked_at
    ranked = sorted(listed, key=lambda number: (ways.distance[number], number))
    return SinglePoints([topology.ids[number] for number in ranked], budget.cut)


class _Ways:
    """The ways by which a failure can make a target at least this bad: what bears on that, and no more.

    A state of at least DEGRADED, or of DOWN, follows from effects that are as bad alone; so an arc whose
    worst effect is better has no part in it. Nothing new passes through what is pinned or DOWN already.
    ``takes_down`` has, for each item, the consumers that are surely DOWN when it is. ``whole`` is False where the
    budget did not suffice to find all ways.
    """

    def __init__(self, topology: Topology, target: str, least: State, before: Evaluation, budget: Budget) -> None:
        self.whole = True
        self.root = topology.index(target)
        self.suppliers: dict[int, list[int]] = {}
        self.takes_down: dict[int, list[int]] = {}
        self.distance = {self.root: 0}
        graph, queue = topology.graph, [self.root]
        for number in queue:
            if not budget.spend(1):
                budget.cut, self.whole = True, False
                return
            found = self.suppliers[number] = []
            for arc in topology.needed(number):
                supplier = int(graph.supplier[arc])
                worst = (int(graph.effect[arc]) >> (2 * State.DOWN)) & 3
                if worst < least:
                    continue
                if supplier not in self.distance:
                    name = topology.ids[supplier]
                    if name in before.pins or before.state(name) is State.DOWN:
                        continue
                    self.distance[supplier] = self.distance[number] + 1
                    queue.append(supplier)
                if not found or found[-1] != supplier:
                    found.append(supplier)
                if worst == State.DOWN and int(graph.group[arc]) < 0:
                    self.takes_down.setdefault(supplier, []).append(number)
