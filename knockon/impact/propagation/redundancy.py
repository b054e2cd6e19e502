"""What redundancy groups come to when members of them fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.propagation import kernel
from knockon.impact.topology.columns import END, FIRST, FULL_UP, MIN_UP, OWNER, TOTAL
from knockon.impact.topology.rows import entries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.impact.topology.topology import Topology


class GroupArithmetic(NamedTuple):
    """What a redundancy group has left. ``lost`` and ``margin`` count members, the others are weights.

    ``up`` still give something, ``full`` serve in full, ``solid`` are not even at risk. ``margin`` is
    how many further losses, largest weight first, leave the group in full service. ``by_loss``: the
    group is AT_RISK because the next loss would end full service.
    """

    consumer: str
    group: str
    total: int
    up: int
    full: int
    solid: int
    lost: int
    margin: int
    min_up: int
    full_up: int
    by_loss: bool


def counted(topology: Topology, groups: Sequence[int], tallies: Any, states: Any) -> list[GroupArithmetic]:
    """Count out groups, from the kernel's tallies of these and the states of all items by number."""
    terms = topology.terms[groups]
    members, row = _members(terms)
    margins = _margins(topology, members, row, tallies[:, kernel.FULL] - terms[:, FULL_UP], states)
    ids, signatures = topology.ids, topology.signatures
    names = topology.signature[topology.graph.member[terms[:, FIRST]]]
    return [
        GroupArithmetic(
            ids[owner], signatures[name].group, total, up, full, solid, lost, margin, min_up, full_up,
            verdict == kernel.BY_LOSS,
        )
        for owner, name, total, up, full, solid, lost, margin, min_up, full_up, verdict in zip(
            terms[:, OWNER].tolist(), names.tolist(), terms[:, TOTAL].tolist(),
            *(tallies[:, each].tolist() for each in (kernel.UP, kernel.FULL, kernel.SOLID, kernel.LOST)),
            margins.tolist(), terms[:, MIN_UP].tolist(), terms[:, FULL_UP].tolist(),
            tallies[:, kernel.VERDICT].tolist(), strict=True,
        )
    ]  # fmt: skip


def _members(terms: Any) -> tuple[Any, Any]:
    """Give the places of the groups' members, heaviest first, one group after the other, and the row of each."""
    rows = np.arange(len(terms))
    bounds = terms[:, [FIRST, END]].ravel()
    return entries(bounds, 2 * rows), np.repeat(rows, terms[:, END] - terms[:, FIRST])


def _margins(topology: Topology, members: Any, row: Any, spare: Any, states: Any) -> Any:
    """Count how many more members, heaviest first, may be lost of each group out of its spare weight."""
    graph = topology.graph
    arc = graph.member[members]
    kept = ((graph.effect[arc] >> (2 * states[graph.supplier[arc]])) & 3) < kernel.DEGRADED
    arc, row = arc[kept], row[kept]
    weight = np.cumsum(graph.weight[arc], dtype=np.int64)
    before = np.concatenate(([0], weight))[np.searchsorted(row, np.arange(len(spare)))]  # by then, of groups before
    return np.bincount(row[weight - before[row] <= spare[row]], minlength=len(spare))
