"""What the planning questions share: how failures are named, what stands anyway, and their JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.impact.topology import Topology
    from knockon.itsm.answer import Ci, Step, Unknown
    from knockon.itsm.context import Context

FAILING = {"down": State.DOWN, "degraded": State.DEGRADED, "removed": State.DOWN}
"""The states that a question may put something into, and what they propagate as."""


def standing(context: Context, topology: Topology) -> tuple[dict[str, State], set[str]]:
    """Give the states and the pins of what is already the case, as the engine takes them."""
    states = {id_: state for id_, state in context.states.items() if id_ in topology}
    return states, {id_ for id_ in context.pins if id_ in topology}


def ci_json(ci: Ci) -> dict[str, Any]:
    """Give a CI as every answer names it."""
    return {"id": ci.id, "class": ci.class_name, "name": ci.name}


def path_json(path: tuple[Step, ...]) -> list[dict[str, str]]:
    """Give a path as every answer has it."""
    return [{"from": step.source.id, "type": step.type_name, "to": step.target.id} for step in path]


def unknown_json(unknown: Unknown) -> dict[str, Any]:
    """Give what an answer could not take into account."""
    return {**(ci_json(unknown.ci) if unknown.ci else {}), "because": unknown.because}
