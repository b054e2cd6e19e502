"""From the services that get worse to those who answer for them, pay for them and are to be told."""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.cmdb.reading import all_neighbours
from knockon.itsm.services.hours import hours_of
from knockon.itsm.services.surroundings import Agreement, Notified, Surroundings, Target
from knockon.itsm.values import Ci
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.itsm.context.given import Span
    from knockon.schema.model import Model

Related = dict[str, list["Entity"]]

_TOUCHED = {
    State.DOWN: ("availability_target", "response_time", "resolution_time"),
    State.DEGRADED: ("response_time", "resolution_time"),
}
"""Which targets of an agreement a state touches: only an outage costs availability, but both are to be mended."""


class _Around(NamedTuple):
    """What is related to services and seeds, by relationship type."""

    owners: Related
    groups: Related
    customers: Related
    agreements: Related
    calendars: Related


async def roll_up(
    store: Store,
    model: Model,
    services: Sequence[tuple[Ci, State]],
    seeds: Sequence[tuple[Ci, State]],
    span: Span,
) -> tuple[dict[str, Surroundings], tuple[Notified, ...]]:
    """Read what stands around services, and tell who is to be told of them and of the seeds.

    Parameters
    ----------
    services
        Each service that gets worse, and its state.
    seeds
        What was asked about, and the state of each.
    span
        The time that service hours are judged for; agreements are those in force at its start.

    Notes
    -----
    Five round trips, and one more for every 500 neighbours of any single service or seed.
    """
    ids = [ci.id for ci, _ in services]
    everyone = list(dict.fromkeys([*ids, *(ci.id for ci, _ in seeds)]))
    kinds = (
        (everyone, "OWNED_BY"),
        (everyone, "SUPPORTED_BY"),
        (ids, "CONSUMED_BY"),
        (ids, "COVERED_BY"),
        (ids, "HAS_CALENDAR"),
    )
    around = _Around(*await gather(*(_related(store, model, some, type_name) for some, type_name in kinds)))
    hours = await hours_of(model, around.calendars, span)
    found = {}
    for ci, state in services:
        id_ = ci.id
        found[id_] = Surroundings(
            customers=tuple(map(Ci.of, around.customers.get(id_, []))),
            agreements=_agreements(around.agreements.get(id_, []), state, span.start),
            owners=tuple(map(Ci.of, around.owners.get(id_, []))),
            support_groups=tuple(map(Ci.of, around.groups.get(id_, []))),
            hours=hours.get(id_),
        )
    return found, _notify(around, services, seeds)


async def _related(store: Store, model: Model, ids: Collection[str], type_name: str) -> Related:
    if type_name not in model.relationships:
        return {}
    found = await all_neighbours(store, ids, type_name, "out")
    return {id_: list({each.entity.id: each.entity for each in rows}.values()) for id_, rows in found.items()}


def _agreements(entities: Sequence[Entity], state: State, now: datetime) -> tuple[Agreement, ...]:
    """List the agreements that are in force on the day."""
    day = now.date().isoformat()
    return tuple(
        Agreement(Ci.of(each), _touched(each.attributes, state))
        for each in entities
        if str(each.attributes.get("valid_from") or day) <= day <= str(each.attributes.get("valid_until") or day)
    )


def _touched(attributes: Mapping[str, Any], state: State) -> tuple[Target, ...]:
    found = {name: attributes.get(name) for name in _TOUCHED.get(state, ())}
    return tuple(
        Target(name, f"{value:g} %" if isinstance(value, int | float) else str(value))
        for name, value in found.items()
        if value is not None
    )


def _notify(
    around: _Around, services: Sequence[tuple[Ci, State]], seeds: Sequence[tuple[Ci, State]]
) -> tuple[Notified, ...]:
    """List whom to tell, those with the worst reason first, each with the reasons in order of services, then seeds."""
    roles = ((around.owners, "owns"), (around.groups, "supports"), (around.customers, "is a customer of"))
    told: dict[str, Entity] = {}
    reasons: dict[str, list[str]] = {}
    worst: dict[str, State] = {}
    served = {ci.id for ci, _ in services}
    things = [*services, *((ci, state) for ci, state in seeds if ci.id not in served)]
    for thing, state in things:
        for related, role in roles:
            for party in related.get(thing.id, ()):
                told[party.id] = party
                reasons.setdefault(party.id, []).append(f"{role} {thing.name}, which is {_word(state)}")
                worst[party.id] = max(state, worst.get(party.id, state))
    ranked = sorted(told.values(), key=lambda each: (-worst[each.id], each.order))
    return tuple(Notified(Ci.of(each), tuple(reasons[each.id])) for each in ranked)


def _word(state: State) -> str:
    return state.name.lower().replace("_", " ")
