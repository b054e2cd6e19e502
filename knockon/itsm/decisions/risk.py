"""Change risk, from its impact side: what the declared effects of the work would do to services.

The likelihood side, how often such changes fail, does not exist yet; every answer says so.
"""

from __future__ import annotations

import math
from asyncio import to_thread
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import yaml

from knockon.cmdb.reconciliation.relate import WHY
from knockon.itsm.context.calendars import CalendarUnreadable, share_inside
from knockon.itsm.context.difference import services_hit
from knockon.itsm.context.effects import declared_effects
from knockon.itsm.services.facts import service_facts, service_hours
from knockon.schema.states import State
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.services.facts import ServiceFacts
    from knockon.schema.model import Model

LIKELIHOOD_MISSING = "likelihood: how likely this change is to fail is not computed yet; this is the impact side alone"


@dataclass(frozen=True, slots=True)
class RiskFactor:
    """One service's share of the score, and why."""

    name: str
    contribution: float
    because: str


@dataclass(frozen=True, slots=True)
class Risk:
    """``level`` by the thresholds of risk.yaml; ``missing`` names what the score does not know."""

    level: str
    score: float
    factors: tuple[RiskFactor, ...]
    missing: tuple[str, ...]


@cache
def parameters() -> dict[str, Any]:
    """Give the weights and thresholds of risk.yaml."""
    text = (resources.files("knockon.itsm.decisions") / "risk.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


async def change_risk(topologies: Topologies, change: Entity) -> Risk:
    """Judge a change by the effect that it declares on each of its CIs, at the newest revision.

    Score and level come from the services that would be worse, largest contribution first. The same
    estate and the same change give the same answer.
    """
    store = topologies.store
    effects = await declared_effects(store, topologies.model, [change])
    missing = [LIKELIHOOD_MISSING]
    waiting = [
        r for r in (await topologies.current()).waiting if r.known[0] == change.id and r.key.type_name == "CHANGES"
    ]
    missing += [f"CI: {record.key.to_ref} is left out: {WHY[record.because or '']}" for record in waiting]
    if not effects and not waiting:
        missing.append("CIs: the change is linked to none by CHANGES, so nothing is known of its impact")
    states: dict[str, State] = {}
    for effect in effects:
        states[effect.item_id] = max(effect.state, states.get(effect.item_id, State.OPERATIONAL))
    hit = await services_hit(topologies, states)
    facts = await service_facts(store, list(hit))
    hours = await service_hours(store, list(hit))
    window = _window(change)
    if window is None:
        missing.append("window: planned_start and planned_end are not both recorded; counted as wholly in hours")
    shares: dict[tuple[str, ...], tuple[float, str]] = {}
    factors = []
    for id_, state in hit.items():
        calendars = hours.get(id_, ())
        key = tuple(calendar.id for calendar in calendars)
        if key not in shares:
            share = (topologies.model, window, calendars)
            shares[key] = await to_thread(_share, *share) if calendars and window else _share(*share)
        factors.append(_factor(facts[id_], state, *shares[key]))
    factors.sort(key=lambda factor: -factor.contribution)
    score = math.fsum(factor.contribution for factor in factors)
    return Risk(level_of(score), round(score, 4), tuple(factors), tuple(missing))


def level_of(score: float) -> str:
    """Give the level whose threshold the score reaches last."""
    reached = [each["level"] for each in parameters()["levels"] if score >= each["score"]]
    return str(reached[-1])


def _factor(facts: ServiceFacts, state: State, share: float, why: str) -> RiskFactor:
    rule = parameters()
    criticality = facts.criticality or rule["criticality_unknown"]
    weight = rule["criticality_weights"][criticality]
    contribution = rule["state_weights"][state.name] * weight * (1 + math.log10(1 + facts.users)) * share
    recorded = "" if facts.criticality else " (none recorded)"
    users = counted(facts.users, "user")
    because = f"{facts.entity.name} would be {state.name}; criticality {criticality}{recorded}, {users}, {why}"
    return RiskFactor(facts.entity.name, round(contribution, 4), because)


def _window(change: Entity) -> tuple[datetime, datetime] | None:
    start, end = change.attributes.get("planned_start"), change.attributes.get("planned_end")
    if start is None or end is None:
        return None
    return datetime.fromisoformat(str(start)), datetime.fromisoformat(str(end))


def _share(model: Model, window: tuple[datetime, datetime] | None, calendars: Sequence[Entity]) -> tuple[float, str]:
    if window is None:
        return 1.0, "no planned window"
    if not calendars:
        return 1.0, "no service hours recorded, counted as always"
    try:
        share = share_inside(*window, [model.defaults(each.class_name) | each.attributes for each in calendars])
    except CalendarUnreadable as error:
        return 1.0, f"service hours cannot be read ({error}), counted as always"
    return share, f"{share:.0%} of the window inside its service hours"
