"""From the services that get worse to those who answer for them, pay for them and are to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.itsm.services.around import around_of
from knockon.itsm.services.hours import hours_of
from knockon.itsm.services.surroundings import Agreement, Notified, Surroundings, Target
from knockon.itsm.values import Ci
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.remembered import Remembered
    from knockon.itsm.context.given import Span
    from knockon.itsm.services.around import Around, Party
    from knockon.schema.model import Model

_WORDS = {state: state.name.lower().replace("_", " ") for state in State}

_TOUCHED = {
    State.DOWN: ("availability_target", "response_time", "resolution_time"),
    State.DEGRADED: ("response_time", "resolution_time"),
}
"""Which targets of an agreement a state touches: only an outage costs availability, but both are to be mended."""


async def roll_up(
    reads: Remembered,
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
    The round trips of ``around_of``.
    """
    around = await around_of(reads, model, [ci.id for ci, _ in services], [ci.id for ci, _ in seeds])
    hours = await hours_of(model, {ci.id: around[ci.id].calendars for ci, _ in services}, span)
    day = span.start.date().isoformat()
    found = {}
    for ci, state in services:
        own = around[ci.id]
        found[ci.id] = Surroundings(
            customers=_cis(own.customers),
            agreements=_agreements(own.agreements, state, day) if own.agreements else (),
            owners=_cis(own.owners),
            support_groups=_cis(own.groups),
            hours=hours.get(ci.id),
        )
    return found, _notify(around, services, seeds)


def _cis(parties: Sequence[Party]) -> tuple[Ci, ...]:
    return tuple([each.ci for each in parties])


def _agreements(entities: Sequence[Entity], state: State, day: str) -> tuple[Agreement, ...]:
    """List the agreements that are in force on the day."""
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
    around: Mapping[str, Around], services: Sequence[tuple[Ci, State]], seeds: Sequence[tuple[Ci, State]]
) -> tuple[Notified, ...]:
    """List whom to tell, those with the worst reason first, each with the reasons in order of services, then seeds."""
    told: dict[Party, list[str]] = {}
    worst: dict[Party, State] = {}
    served = {ci.id for ci, _ in services}
    for thing, state in [*services, *((ci, state) for ci, state in seeds if ci.id not in served)]:
        own = around[thing.id]
        customers = own.customers if thing.id in served else ()
        what = f"{thing.name}, which is {_WORDS[state]}"
        for parties, role in ((own.owners, "owns"), (own.groups, "supports"), (customers, "is a customer of")):
            for party in parties:
                told.setdefault(party, []).append(f"{role} {what}")
                if state > worst.get(party, State.OPERATIONAL):
                    worst[party] = state
    ranked = sorted(told, key=lambda each: (-worst.get(each, State.OPERATIONAL), each.order))
    return tuple(Notified(each.ci, tuple(told[each])) for each in ranked)
