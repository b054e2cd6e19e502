"""Service hours: whether the time that is asked about lies in them, worked out once for services that have the same."""

from __future__ import annotations

from asyncio import to_thread
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.itsm.context.calendars import CalendarUnreadable, same_hours, share_inside, standing, told_already
from knockon.itsm.services.surroundings import ServiceHours
from knockon.itsm.values import Ci

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from knockon.cmdb.contract.rows import Entity
    from knockon.itsm.context.calendars import Said
    from knockon.itsm.context.given import Span
    from knockon.schema.model import Model

Calendars = list[dict[str, Any]]


class _Worked(NamedTuple):
    """What calendars come to, whatever they are called."""

    inside: bool | None
    until: datetime | None
    share: float | None
    because: str | None


async def hours_of(model: Model, calendars: Mapping[str, Sequence[Entity]], span: Span) -> dict[str, ServiceHours]:
    """Tell of each service with calendars how the span lies in its hours; the keys are ids."""
    entities = {each.id: each for some in calendars.values() for each in some}
    attributes = {id_: model.defaults(each.class_name) | each.attributes for id_, each in entities.items()}
    said: dict[Said, Calendars] = {}
    by_ids: dict[tuple[str, ...], Said] = {}
    for some in calendars.values():
        key = tuple(each.id for each in some)
        if key and key not in by_ids:
            known = [attributes[id_] for id_ in key]
            by_ids[key] = same_hours(known)
            said.setdefault(by_ids[key], known)
    # without a detour where nothing has to be worked out: answers that go on together share their reads
    worked = _worked(said, span) if _at_once(said, span) else await to_thread(_worked, said, span)
    hours = {
        key: ServiceHours(*worked[each][:3], tuple(Ci.of(entities[id_]) for id_ in key), worked[each].because)
        for key, each in by_ids.items()
    }
    return {id_: hours[tuple(each.id for each in some)] for id_, some in calendars.items() if some}


def _at_once(said: Mapping[Said, Calendars], span: Span) -> bool:
    return span.end == span.start and all(told_already(span.start, known) for known in said.values())


def _worked(said: Mapping[Said, Calendars], span: Span) -> dict[Said, _Worked]:
    return {key: _work(known, span) for key, known in said.items()}


def _work(known: Calendars, span: Span) -> _Worked:
    try:
        inside, until = standing(span.start, known)
        share = round(share_inside(span.start, span.end, known), 4) if span.end > span.start else None
    except CalendarUnreadable as error:
        return _Worked(None, None, None, f"the calendar cannot be read: {error}")
    return _Worked(inside, until, share, None)
