"""An evaluation's items by state."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation

WORST_FIRST = (State.DOWN, State.DEGRADED, State.AT_RISK)


def by_state(evaluation: Evaluation) -> dict[State, list[str]]:
    """List what is DOWN, DEGRADED and AT_RISK, seeds included, nearest first; asks for a few items' states only."""
    settled, first, found = evaluation.settled(), 0, {}
    for state in WORST_FIRST:
        end = bisect_left(settled, 1 - state, first, key=lambda each: -evaluation.state(each))
        found[state] = settled[first:end]
        first = end
    return found
