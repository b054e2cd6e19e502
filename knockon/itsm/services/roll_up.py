"""From the services that get worse to those who answer for them, pay for them and are to be told."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from knockon.itsm.services.around import CUSTOMER, around_of
from knockon.itsm.services.hours import hours_in
from knockon.itsm.services.surroundings import Notified, Surroundings
from knockon.itsm.values import Worded
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from knockon.cmdb.remembered import Remembered
    from knockon.itsm.context.given import Span
    from knockon.itsm.services.around import Around, Party
    from knockon.itsm.values import Ci
    from knockon.schema.model import Model

_STATE = itemgetter(2)
_WORDS = {state: state.name.lower().replace("_", " ") for state in State}


async def roll_up(
    reads: Remembered,
    model: Model,
    services: Sequence[tuple[Ci, State]],
    seeds: Sequence[tuple[Ci, State]],
    span: Span,
) -> tuple[Callable[[str, State], Surroundings], Sequence[Notified]]:
    """Read what stands around services, and tell who is to be told of them and of the seeds.

    What it gives first tells what stands around one of the services, by its id, in a state.

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
    hours = await hours_in((around[ci.id].hours for ci, _ in services), span)
    day = span.start.date().isoformat()  # an agreement counts that is in force then

    def surroundings(id_: str, state: State) -> Surroundings:
        own = around[id_]
        promises = [each for each in own.promises if (each.first_day or day) <= day <= (each.last_day or day)]
        return Surroundings(
            customers=own.customers,
            agreements=tuple([each.by_state[state] for each in promises]),
            owners=own.owners,
            support_groups=own.groups,
            hours=hours(own.hours),
        )

    return surroundings, _notify(around, services, seeds)


def _notify(
    around: Mapping[str, Around], services: Sequence[tuple[Ci, State]], seeds: Sequence[tuple[Ci, State]]
) -> Sequence[Notified]:
    """List whom to tell, those with the worst reason first, each with the reasons in order of services, then seeds."""
    told: dict[str, tuple[Party, list[tuple[str, Ci, State]]]] = {}
    served = {ci.id for ci, _ in services}
    for thing, state in [*services, *((ci, state) for ci, state in seeds if ci.id not in served)]:
        for party in around[thing.id].parties:
            if party.role != CUSTOMER or thing.id in served:
                told.setdefault(party.ci.id, (party, []))[1].append((party.role, thing, state))
    ranked = sorted(told.values(), key=lambda each: (-max(map(_STATE, each[1])), each[0].order))
    return Worded(ranked, _notified)


def _notified(party: Party, reasons: Sequence[tuple[str, Ci, State]]) -> Notified:
    return Notified(party.ci, tuple(f"{role} {thing.name}, which is {_WORDS[state]}" for role, thing, state in reasons))
