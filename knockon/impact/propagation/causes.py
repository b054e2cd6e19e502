"""Why each of all affected items is in its state, found for all of them at once: columns, not objects.

What it gives for one item is what ``Evaluation.step`` and ``Evaluation.cause_arcs`` give.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.propagation import kernel
from knockon.impact.topology.rows import entries

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topology import Topology

_RESULT, _LEAST = np.array(kernel.RESULT), np.array(kernel.LEAST)


class Causes(NamedTuple):
    """Of each settled item, by row: the first step of its path, and who is to blame for its state.

    ``row`` finds the row of an item. ``arc`` and ``signature`` are -1 where a path ends; ``group`` is -1 where no group
    decided. The blamed stand in ``blamed``, from ``first[row]`` to ``first[row + 1]``: those in the group that decided,
    or the plain suppliers, the worst first, then the nearest, then by order; each once.
    """

    row: dict[int, int]
    states: list[int]
    arc: list[int]
    signature: list[int]
    supplier: list[int]
    group: list[int]
    first: list[int]
    blamed: list[int]
    blamed_state: list[int]


def causes_of(evaluation: Evaluation) -> Causes:
    """Find the causes of everything that is worse than OPERATIONAL; O(m log m) in the arcs by which it needs others."""
    topology, told = evaluation.topology, evaluation.columns()
    graph, items = topology.graph, told.items
    owner = np.repeat(np.arange(len(items)), topology.needs_start[items + 1] - topology.needs_start[items])
    arc = topology.needs[entries(topology.needs_start, items)]
    felt = told.state[graph.supplier[arc]] > kernel.OPERATIONAL
    arc, owner = arc[felt], owner[felt]
    supplier, group = graph.supplier[arc], graph.group[arc]
    state, final = told.state[supplier], told.state[items][owner]
    effect = (graph.effect[arc] >> (2 * state)) & 3
    verdict = told.verdict[group] if len(told.verdict) else np.zeros(len(arc), np.int64)
    by_group = (_RESULT[verdict] == final) & (effect >= _LEAST[verdict])
    cause = np.where(group < 0, effect == final, by_group)
    arc, owner, supplier, group, state = (each[cause] for each in (arc, owner, supplier, group, state))
    first_arc, signature = _first_steps(topology, evaluation, told.parent, owner, arc, supplier)
    deciding = _at(graph.group, first_arc)
    blame = (first_arc[owner] >= 0) & (group == deciding[owner])
    owner, supplier, state = owner[blame], supplier[blame], state[blame]
    ranked = np.lexsort((supplier, told.distance[supplier], -state, owner))
    owner, supplier, state = owner[ranked], supplier[ranked], state[ranked]
    again = np.zeros(len(owner), bool)
    again[1:] = (owner[1:] == owner[:-1]) & (supplier[1:] == supplier[:-1])
    owner, supplier, state = owner[~again], supplier[~again], state[~again]
    return Causes(
        {item: row for row, item in enumerate(items.tolist())}, told.state[items].tolist(), first_arc.tolist(),
        signature.tolist(), _at(graph.supplier, first_arc).tolist(), deciding.tolist(),
        np.searchsorted(owner, np.arange(len(items) + 1)).tolist(), supplier.tolist(), state.tolist(),
    )  # fmt: skip


def _first_steps(
    topology: Topology, evaluation: Evaluation, parent: Any, owner: Any, arc: Any, supplier: Any
) -> tuple[Any, Any]:
    """Choose for each item the arc and the signature by which its path begins: of parallel ones the first by type."""
    graph = topology.graph
    found, signature = np.full(len(parent), -1), np.full(len(parent), -1)
    leads = supplier == _at(graph.supplier, parent)[owner]
    owner, arc = owner[leads], arc[leads]
    codes = topology.signature[arc]
    ranked = np.lexsort((arc, codes, owner))[::-1]  # of one owner the last written stays: the first by type
    found[owner[ranked]], signature[owner[ranked]] = arc[ranked], codes[ranked]
    if topology.folded:  # arcs that stand for several dependencies, each with an effect of its own
        folded = np.isin(arc, np.fromiter(topology.folded, np.int64))
        for row in np.unique(owner[folded]).tolist():
            step = evaluation.step(int(graph.consumer[parent[row]]))
            assert step is not None
            found[row], signature[row] = step
    return found, signature


def _at(column: Any, places: Any) -> Any:
    """Give what stands at these places; -1 for those that are -1."""
    found = np.full(len(places), -1, np.int64)
    found[places >= 0] = column[places[places >= 0]]
    return found
