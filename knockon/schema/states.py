"""The four states of a configuration item, and effect maps between them (DESIGN.md section 4)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class State(IntEnum):
    """How a configuration item serves; worse states compare greater."""

    OPERATIONAL = 0
    AT_RISK = 1  # serving in full, but the next failure would end that
    DEGRADED = 2
    DOWN = 3


EffectMap = tuple[State, State, State, State]
"""The effect on a consumer, indexed by the state of its supplier."""

IDENTITY: EffectMap = (State.OPERATIONAL, State.AT_RISK, State.DEGRADED, State.DOWN)


def effect_map(written: Mapping[State, State]) -> EffectMap:
    """Complete a written effect map.

    A missing ``DOWN`` is DOWN; any other missing entry is ``min(state, map(next worse state))``.
    OPERATIONAL always maps to OPERATIONAL.
    """
    down = written.get(State.DOWN, State.DOWN)
    degraded = written.get(State.DEGRADED, min(State.DEGRADED, down))
    at_risk = written.get(State.AT_RISK, min(State.AT_RISK, degraded))
    return (State.OPERATIONAL, at_risk, degraded, down)


def is_monotone_and_reductive(effect: EffectMap) -> bool:
    """Tell whether a worse supplier never helps, and whether no effect is worse than the supplier's own state."""
    monotone = all(effect[i] <= effect[i + 1] for i in range(3))
    return monotone and all(effect[i] <= i for i in range(4))
