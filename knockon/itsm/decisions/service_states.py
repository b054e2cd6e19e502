"""The states of all services at one revision, and what differs between two: which service, and why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.errors import BadCursor, BadUsage
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.propagation.explanation import explain
from knockon.itsm.context.given import Span, kinds_of
from knockon.itsm.values import Ci, ci_of
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from knockon.impact.topology.topologies import View
    from knockon.itsm.context.effects import Context

_TIMED = frozenset({"window", "maintenance"})


class Look(NamedTuple):
    """What was looked at: a revision; and when, in UTC and whole seconds, where the time makes a difference."""

    revision: int
    moment: datetime | None = None

    def __str__(self) -> str:
        return f"{self.revision}@{Span.at(self.moment)}" if self.moment else f"{self.revision}"

    @classmethod
    def read(cls, text: str) -> Look:
        """Read what ``str`` wrote.

        Raises
        ------
        BadCursor
        """
        revision, at, moment = text.partition("@")
        if not revision.isdecimal() or not revision.isascii():
            raise BadCursor(f"{text!r} is no place: give a revision number, or the place of an event.")
        try:
            return cls(int(revision), Span.read(moment).start if at else None)
        except BadUsage as error:
            raise BadCursor(f"{text!r} is no place: {error}") from None


class ServiceState(NamedTuple):
    """How a service serves, and why: the item at the end of the way, and the records that fail it."""

    service: Ci
    state: State
    because: str
    cause: Ci | None
    records: tuple[Ci, ...]


class StateChange(NamedTuple):
    """A service whose state differs; None where it was or is not there. What it is better by is told of before."""

    service: Ci
    before: State | None
    after: State | None
    because: str
    cause: Ci | None
    records: tuple[Ci, ...]


async def states_of(view: View, context: Context) -> Mapping[str, ServiceState]:
    """Give the states of all services of a view by id, given what else is the case; one run of the engine."""
    # in a thread only where it may take long
    return await asyncio.to_thread(_judge, view, context) if view.topology.large else _judge(view, context)


def _judge(view: View, context: Context) -> Mapping[str, ServiceState]:
    known = view.topology
    pins = {pin for pin in context.pins if pin in known}
    base = {id_: state for id_, state in context.states.items() if id_ in known and id_ not in pins}
    found = evaluate(known, base, pins=pins)

    def said(id_: str) -> ServiceState:
        state = found.state(id_)
        if state is State.OPERATIONAL:
            return ServiceState(ci_of(view, id_), state, "Nothing that failed affects it.", None, ())
        path = found.path(id_)
        cause = path[-1].supplier if path else id_
        own = context.because(id_, state) if found.explains_itself(id_) else None
        because = own or explain(found, id_, lambda each: view.entities[each].name).text
        records = dict.fromkeys(
            Ci.of(effect.record) for effect in context.effects
            if effect.item_id == cause and effect.state > State.OPERATIONAL and not effect.pin
        )  # fmt: skip
        return ServiceState(ci_of(view, id_), state, because, ci_of(view, cause), tuple(sorted(records)))

    return {id_: said(id_) for id_ in view.services}


def differences(before: Mapping[str, ServiceState], after: Mapping[str, ServiceState]) -> list[StateChange]:
    """Tell which services are in another state: what is worst now first, then by class, name and id."""
    found = []
    for id_ in before.keys() | after.keys():
        was, now = before.get(id_), after.get(id_)
        if now is None:
            assert was is not None
            found.append(StateChange(was.service, was.state, None, "It is no longer there.", None, ()))
        elif was is None:
            found.append(StateChange(now.service, None, *now[1:]))
        elif was.state is not now.state:
            told = now
            if now.state is State.OPERATIONAL:
                text = f"Nothing that failed affects it any more. Before: {was.because}"
                told = was._replace(state=now.state, because=text)
            found.append(StateChange(now.service, was.state, *told[1:]))
    return sorted(found, key=_worst_first)


def _worst_first(change: StateChange) -> tuple[Any, ...]:
    state = -1 if change.after is None else change.after
    return -state, change.service.class_name, change.service.name, change.service.id


def is_timed(given: str) -> bool:
    """Tell whether states may differ with the time alone."""
    return not _TIMED.isdisjoint(kinds_of(given))
