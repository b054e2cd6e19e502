"""How many more members a redundancy group can lose, whether a failure has touched it or not."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from knockon.impact.propagation.evaluation import evaluate
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topology import Topology


@dataclass(frozen=True, slots=True)
class Holding:
    """Whether a group holds, that is, is not DOWN, and how many more members it can lose in full service."""

    holds: bool
    margin: int


def holding(found: Evaluation, item_id: str, group: str) -> Holding:
    """Judge one group of an item; the margin is counted as in ``Evaluation.survivors``, largest weight first.

    Raises
    ------
    KeyError
        The item has no such group.
    """
    survivors = found.survivors()
    for each in survivors:
        if (each.consumer, each.group) == (item_id, group):
            return Holding(holds=True, margin=each.margin)
    members = _members(found.topology, item_id, group)
    if not members:
        raise KeyError(group)
    lost = any(each.effect[found.state(each.supplier)] >= State.DEGRADED for each in members)
    return Holding(holds=False, margin=0) if lost else Holding(holds=True, margin=_untouched(found.topology, members))


def _members(topology: Topology, item_id: str, group: str) -> list[Dependency]:
    """List the dependencies that make up a group."""
    needs = (
        topology.dependency(arc, signature)
        for arc in topology.needed(topology.index(item_id))
        for signature in topology.dependencies(arc)
    )
    return [each for each in needs if each.group == group]


def _untouched(topology: Topology, members: list[Dependency]) -> int:
    """Count what a group that lost nothing can lose, from what is left of it without one member.

    That member is the heaviest of those whose failure is a loss; where it alone takes the group DOWN, no
    member as heavy fits into what is to spare. A group that no failure weakens can lose them all.
    """
    weights: dict[str, int] = {}
    for each in members:
        weights[each.supplier] = max(each.weight, weights.get(each.supplier, 0))
    felt = {each.supplier for each in members if each.effect[State.DOWN] >= State.DEGRADED}
    if not felt:
        return len(weights)
    taken = max(felt, key=lambda supplier: weights[supplier])
    found = evaluate(topology, {taken: State.DOWN}, pins=weights.keys() - {taken})
    for left in found.survivors():
        if (left.consumer, left.group) == (members[0].consumer, members[0].group):
            spare = left.full + weights[taken] - left.full_up
            fitting = accumulate(sorted(weights.values(), reverse=True))
            return sum(weight <= spare for weight in fitting)
    return 0
