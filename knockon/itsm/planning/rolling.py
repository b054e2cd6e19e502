"""Rolling maintenance: waves in which no service goes DOWN."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.cmdb.lookup import find_all
from knockon.impact.planning.rolling import rolling_order
from knockon.impact.propagation.explanation import explain
from knockon.itsm.context.difference import compare
from knockon.itsm.context.given import Span, context_of, words_of
from knockon.itsm.planning.asking import standing
from knockon.itsm.values import Ci, ci_json, path_json, steps
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from knockon.impact.planning.rolling import RollingOrder
    from knockon.impact.topology.topologies import Topologies, View
    from knockon.itsm.context.effects import Context
    from knockon.itsm.values import Step


@dataclass(frozen=True, slots=True)
class WeakenedService:
    """A service that a wave makes worse, though not DOWN."""

    ci: Ci
    state: State
    because: str


@dataclass(frozen=True, slots=True)
class Wave:
    """CIs that may be down together, and the services that run with less while they are."""

    cis: tuple[Ci, ...]
    services: tuple[WeakenedService, ...]


@dataclass(frozen=True, slots=True)
class Outage:
    """A service that goes DOWN with a CI, and by which way; the way is empty where the CI is the service."""

    service: Ci
    because: str
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class RollingAnswer:
    """``waves`` one after the other; ``alone`` are the CIs that no order can take without an outage.

    No order has fewer waves than ``lower_bound``. ``unmapped`` can fail without any effect that is
    known, since no impact rule names their class, and are in no wave.
    """

    revision: int
    given: str
    waves: tuple[Wave, ...]
    alone: tuple[tuple[Ci, tuple[Outage, ...]], ...]
    lower_bound: int
    optimal: bool
    unmapped: tuple[Ci, ...]


async def rolling(
    topologies: Topologies,
    references: Sequence[str],
    *,
    given: str = "none",
    span: Span | None = None,
    progress: Callable[[int], None] = lambda _asked: None,
) -> RollingAnswer:
    """Put CIs into waves of maintenance at the newest revision; the members of a wave are down together.

    Parameters
    ----------
    given, span
        What else is the case in every wave, as in ``context_of``; the span is the moment of the question unless given.
    progress
        Is told how many questions were put to the engine.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
    """
    found = {each.id: each for each in await find_all(topologies.store, topologies.model, references)}
    view = await topologies.current()
    context = await context_of(topologies.store, topologies.model, given, span or Span.at(topologies.asked_at()))
    base, pins = standing(context, view.topology)
    items = [id_ for id_ in found if id_ in view.topology]
    order = await asyncio.to_thread(
        rolling_order, view.topology, items, view.services, base=base, pins=pins, progress=progress
    )
    return RollingAnswer(
        view.revision,
        words_of(given),
        tuple(_wave(view, context, wave) for wave in order.waves),
        _alone(view, context, order),
        order.lower_bound,
        order.optimal,
        tuple(Ci.of(each) for each in sorted(found.values(), key=lambda each: each.order) if each.id not in items),
    )


def _wave(view: View, context: Context, wave: Sequence[str]) -> Wave:
    found = compare(view, context, dict.fromkeys(wave, State.DOWN))
    weaker = [id_ for id_ in found.worse() if id_ in view.services]
    return Wave(
        tuple(Ci.of(view.entities[id_]) for id_ in wave),
        tuple(
            WeakenedService(
                Ci.of(view.entities[id_]), found.after.state(id_), explain(found.after, id_, _names(view)).text
            )
            for id_ in weaker
        ),
    )


def _alone(view: View, context: Context, order: RollingOrder) -> tuple[tuple[Ci, tuple[Outage, ...]], ...]:
    rows = []
    for id_, taken in order.alone.items():
        after = compare(view, context, {id_: State.DOWN}).after
        outages = tuple(
            Outage(
                Ci.of(view.entities[service]),
                explain(after, service, _names(view)).text,
                steps(view, after.path(service)),
            )
            for service in taken
        )
        rows.append((Ci.of(view.entities[id_]), outages))
    return tuple(rows)


def _names(view: View) -> Callable[[str], str]:
    return lambda id_: view.entities[id_].name


def rolling_json(answer: RollingAnswer) -> dict[str, Any]:
    """Give the JSON form."""
    return {
        "revision": answer.revision,
        "given": answer.given,
        "waves": [
            {
                "cis": [ci_json(each) for each in wave.cis],
                "services": [
                    {**ci_json(each.ci), "state": each.state.name, "because": each.because} for each in wave.services
                ],
            }
            for wave in answer.waves
        ],
        "alone": [
            {
                **ci_json(ci),
                "services": [
                    {**ci_json(each.service), "because": each.because, "path": path_json(each.path)} for each in outages
                ],
            }
            for ci, outages in answer.alone
        ],
        "lowerBound": answer.lower_bound,
        "optimal": answer.optimal,
        "unmapped": [ci_json(each) for each in answer.unmapped],
    }
