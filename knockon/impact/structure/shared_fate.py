"""Hidden shared fate: members of a redundancy group that fall together, by one failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.structure.single_points import RUNS, Budget
from knockon.impact.topology.columns import END, FIRST, OWNER
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.propagation.redundancy import GroupArithmetic
    from knockon.impact.topology.topology import Topology


class SharedFate(NamedTuple):
    """What one failure does to a group: which members it takes or degrades, and what is left."""

    cause: str
    members: tuple[str, ...]
    group: GroupArithmetic

    @property
    def state(self) -> State:
        """Give the state that the group alone then gives its consumer: DOWN, DEGRADED or better."""
        if self.group.up < self.group.min_up:
            return State.DOWN
        return State.DEGRADED if self.group.full < self.group.full_up else State.AT_RISK


class SharedFates(NamedTuple):
    """All that was found, and whether the engine ran its limit before all was looked at."""

    found: list[SharedFate]
    cut: bool


def shared_fates(topology: Topology, target: str, limit: int = RUNS) -> SharedFates:
    """List the single failures that take more members of a group than its redundancy stands, or two or more.

    Of all groups of several members that the target relies on, over however many steps. In order of group
    (consumer, then name), and for each the worst first, then those that take most members, then by order.
    A member counts as taken when its effect on the consumer is DEGRADED or worse. The target itself and the
    group's consumer are no causes.

    Parameters
    ----------
    limit
        How often the engine may run; it runs once for each item that can weaken a member of a group.

    Raises
    ------
    KeyError
        The target is not in the topology.
    """
    budget, owners = Budget(limit), _needed(topology, topology.index(target))
    terms = topology.terms
    several = np.flatnonzero(terms[:, END] - terms[:, FIRST] > 1).tolist()
    groups = {group for group in several if int(terms[group, OWNER]) in owners}
    members = _weakening(topology, groups)
    found: list[tuple[int, int, int, int, SharedFate]] = []
    for number in sorted(_behind(topology, members)):
        if topology.ids[number] == target or not budget.take():
            continue
        evaluation = evaluate(topology, {topology.ids[number]: State.DOWN})
        for group, taken in _taken(topology, evaluation, groups).items():
            fate = SharedFate(
                topology.ids[number], tuple(topology.ids[each] for each in sorted(taken)), evaluation.arithmetic(group)
            )
            if number != int(terms[group, OWNER]) and (len(taken) > 1 or fate.state > State.AT_RISK):
                found.append((group, -fate.state, -len(taken), number, fate))
    return SharedFates([each[-1] for each in sorted(found, key=lambda each: each[:-1])], budget.cut)


def _needed(topology: Topology, root: int) -> set[int]:
    seen, queue = {root}, [root]
    for number in queue:
        for supplier in topology.graph.supplier[topology.needed(number)].tolist():
            if supplier not in seen:
                seen.add(supplier)
                queue.append(supplier)
    return seen


def _weakening(topology: Topology, groups: set[int]) -> set[int]:
    """Give the members of groups that can be taken at all: those whose loss is at least DEGRADED to the consumer."""
    graph = topology.graph
    return {
        int(graph.supplier[arc])
        for owner in {int(topology.terms[group, OWNER]) for group in groups}
        for arc in topology.needed(owner)
        if int(graph.group[arc]) in groups and _effect(topology, arc, State.DOWN) >= State.DEGRADED
    }


def _behind(topology: Topology, starts: set[int]) -> set[int]:
    """Give the starts and all whose failure can degrade one of them."""
    seen, queue = set(starts), sorted(starts)
    for number in queue:
        for arc in topology.needed(number):
            supplier = int(topology.graph.supplier[arc])
            if supplier not in seen and _effect(topology, arc, State.DOWN) >= State.DEGRADED:
                seen.add(supplier)
                queue.append(supplier)
    return seen


def _taken(topology: Topology, evaluation: Evaluation, groups: set[int]) -> dict[int, set[int]]:
    """Give the members that are taken, by group."""
    graph, found = topology.graph, dict[int, set[int]]()
    for name in evaluation.settled():
        state = evaluation.state(name)
        if state < State.DEGRADED:
            break
        number = topology.index(name)
        for arc in range(int(graph.start[number]), int(graph.start[number + 1])):
            group = int(graph.group[arc])
            if group in groups and _effect(topology, arc, state) >= State.DEGRADED:
                found.setdefault(group, set()).add(number)
    return found


def _effect(topology: Topology, arc: int, state: State) -> int:
    return (int(topology.graph.effect[arc]) >> (2 * state)) & 3
