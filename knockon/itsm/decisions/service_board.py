"""How all services are just now: their states from one run of the engine, and who and what stands around each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from knockon.itsm.context.given import Span, context_of, words_of
from knockon.itsm.decisions.service_states import states_of
from knockon.itsm.services.facts import service_facts
from knockon.itsm.services.roll_up import roll_up
from knockon.itsm.values import not_in_the_journal
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.services.surroundings import Surroundings
    from knockon.itsm.values import Ci, Unknown

_NOT_RECORDED = 5
"""Where a service stands whose criticality is not recorded: after 4, the least."""


class BoardService(NamedTuple):
    """A service: its state and why, ``criticality`` from 1, worst, to 4, and who and what stands around it."""

    ci: Ci
    state: State
    because: str
    cause: Ci | None
    records: tuple[Ci, ...]
    criticality: int | None
    users: int
    around: Surroundings


@dataclass(frozen=True, slots=True)
class ServiceBoard:
    """The services that were asked about, worst first; ``counts`` has how many of all are in which state."""

    revision: int
    as_of: str | None
    given: str
    span: Span | None
    counts: Mapping[State, int]
    services: tuple[BoardService, ...]
    unknown: tuple[Unknown, ...]


async def service_board(
    topologies: Topologies,
    *,
    given: str = "open",
    span: Span | None = None,
    states: Collection[State] = tuple(State),
    max_lag: float = 0.0,
) -> ServiceBoard:
    """Tell how services are, in the order worst state, most critical, most users, class and name.

    Parameters
    ----------
    given
        What is the case, as in ``context_of``.
    span
        The time that is asked about; now unless given. Service hours and agreements are judged at its start.
    states
        Only services in one of these; all are counted.
    max_lag
        Seconds: a revision that was the newest this long ago will do.

    Raises
    ------
    BadUsage
        ``given`` is not understood.

    Notes
    -----
    One run of the engine, and the round trips of ``context_of``, ``service_facts`` and ``around_of``.
    """
    view = await topologies.current(max_lag=max_lag)
    reads = topologies.reads(view)
    # nothing in a question writes, so the reading half is all of a store that is needed
    store = cast("Store", reads)
    moment = span or Span.at(topologies.asked_at())
    context = await context_of(topologies.store, topologies.model, given, moment)
    known = await states_of(view, context)
    wanted = {id_: each for id_, each in known.items() if each.state in states}
    facts = await service_facts(store, list(wanted))
    told = sorted(
        (id_ for id_ in wanted if id_ in facts),
        key=lambda id_: (
            -wanted[id_].state, facts[id_].criticality or _NOT_RECORDED, -facts[id_].users, facts[id_].entity.order,
        ),
    )  # fmt: skip
    around, _ = await roll_up(
        reads, topologies.model, [(wanted[id_].service, wanted[id_].state) for id_ in told], (), moment
    )
    return ServiceBoard(
        revision=view.revision,
        as_of=topologies.moment.at if topologies.moment else None,
        given=words_of(given),
        span=span,
        counts=Counter(each.state for each in known.values()),
        services=tuple(
            BoardService(*wanted[id_], facts[id_].criticality, facts[id_].users, around(id_, wanted[id_].state))
            for id_ in told
        ),
        unknown=(*not_in_the_journal(topologies.moment), *context.not_counted()),
    )
