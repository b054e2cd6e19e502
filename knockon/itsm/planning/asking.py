"""What the planning questions share: how failures are named, and what stands anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.lookup import find, find_all
from knockon.errors import UsageError
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topology import Topology
    from knockon.itsm.context.effects import Context
    from knockon.schema.model import Model

FAILING = {"down": State.DOWN, "degraded": State.DEGRADED, "removed": State.DOWN}
"""The states that a question may put something into, and what they propagate as."""


def failing(text: str, default: str = "down") -> tuple[str, str]:
    """Take ``REF=STATE`` apart; a name may hold ``=`` itself, so only a state behind the last one counts."""
    reference, equals, behind = text.rpartition("=")
    return (reference, behind.lower()) if equals and reference and behind.lower() in FAILING else (text, default)


async def look_up(store: Store, model: Model, references: Collection[str]) -> dict[str, Entity | UsageError]:
    """Find what each reference means, or why it means nothing."""
    wanted = sorted(references)
    try:
        return dict(zip(wanted, await find_all(store, model, wanted), strict=True))
    except UsageError:
        return {each: await _one(store, model, each) for each in wanted}


async def _one(store: Store, model: Model, reference: str) -> Entity | UsageError:
    try:
        return await find(store, model, reference)
    except UsageError as error:
        return error


def standing(context: Context, topology: Topology) -> tuple[dict[str, State], set[str]]:
    """Give the states and the pins of what is already the case, as the engine takes them."""
    states = {id_: state for id_, state in context.states.items() if id_ in topology}
    return states, {id_ for id_ in context.pins if id_ in topology}
