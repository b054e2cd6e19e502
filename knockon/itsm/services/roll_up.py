"""From the services that get worse to those who answer for them, pay for them and are to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.itsm.services.around import around_of
from knockon.itsm.services.hours import hours_of
from knockon.itsm.services.surroundings import Notified, Surroundings
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.remembered import Remembered
    from knockon.itsm.context.given import Span
    from knockon.itsm.services.around import Around, Party
    from knockon.itsm.values import Ci
    from knockon.schema.model import Model

_WORDS = {state: state.name.lower().replace("_", " ") for state in State}


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
    hours = await hours_of([around[ci.id].hours for ci, _ in services], span)
    day = span.start.date().isoformat()  # an agreement counts that is in force then
    found = {}
    for (ci, state), own_hours in zip(services, hours, strict=True):
        own = around[ci.id]
        found[ci.id] = Surroundings(
            customers=_cis(own.customers),
            agreements=tuple(
                [
                    each.by_state[state]
                    for each in own.promises
                    if (each.first_day or day) <= day <= (each.last_day or day)
                ]
            ),
            owners=_cis(own.owners),
            support_groups=_cis(own.groups),
            hours=own_hours,
        )
    return found, _notify(around, services, seeds)


def _cis(parties: Sequence[Party]) -> tuple[Ci, ...]:
    return tuple([each.ci for each in parties])


def _notify(
    around: Mapping[str, Around], services: Sequence[tuple[Ci, State]], seeds: Sequence[tuple[Ci, State]]
) -> tuple[Notified, ...]:
    """List whom to tell, those with the worst reason first, each with the reasons in order of services, then seeds."""
    told: dict[str, tuple[Party, list[str]]] = {}
    worst: dict[str, State] = {}
    served = {ci.id for ci, _ in services}
    for thing, state in [*services, *((ci, state) for ci, state in seeds if ci.id not in served)]:
        own = around[thing.id]
        customers = own.customers if thing.id in served else ()
        what = f"{thing.name}, which is {_WORDS[state]}"
        for parties, role in ((own.owners, "owns"), (own.groups, "supports"), (customers, "is a customer of")):
            for party in parties:
                id_ = party.ci.id
                if id_ not in told:
                    told[id_], worst[id_] = (party, []), state
                told[id_][1].append(f"{role} {what}")
                worst[id_] = max(worst[id_], state)
    ranked = sorted(told.values(), key=lambda each: (-worst[each[0].ci.id], each[0].order))
    return tuple(Notified(party.ci, tuple(reasons)) for party, reasons in ranked)
