"""How many more members a redundancy group can lose, whether a failure has touched it or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.impact.evaluation import evaluate
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.impact.evaluation import Evaluation
    from knockon.impact.network import Dependency
    from knockon.impact.topology import Topology


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
    """Count what a group that lost nothing can lose: the heaviest member, and what it can lose without that one."""
    heaviest = max(members, key=lambda each: each.weight)
    others = {each.supplier for each in members} - {heaviest.supplier}
    found = evaluate(topology, {heaviest.supplier: State.DOWN}, pins=others)
    for each in found.survivors():
        if (each.consumer, each.group) == (heaviest.consumer, heaviest.group):
            return each.margin + 1 if each.full >= each.full_up else 0
    absorbed = all(each.effect[State.DOWN] < State.DEGRADED for each in members if each.supplier == heaviest.supplier)
    return len(others) + 1 if absorbed else 0
