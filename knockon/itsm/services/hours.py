"""Service hours: whether the time that is asked about lies in them, worked out once for services that have the same."""

from __future__ import annotations

from asyncio import to_thread
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.itsm.context.calendars import CalendarUnreadable, same_hours, share_inside, standing, told_already
from knockon.itsm.services.surroundings import ServiceHours
from knockon.itsm.values import Ci

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    from knockon.cmdb.contract.rows import Entity
    from knockon.itsm.context.calendars import Said
    from knockon.itsm.context.given import Span
    from knockon.schema.model import Model

Calendars = list[dict[str, Any]]


class Hours(NamedTuple):
    """The calendars of a service: their names, what they say, whatever they are called, and it all."""

    calendars: tuple[Ci, ...]
    said: Said
    known: Calendars

    @classmethod
    def of(cls, model: Model, calendars: Sequence[Entity]) -> Hours:
        known = [model.defaults(each.class_name) | each.attributes for each in calendars]
        return cls(tuple(map(Ci.of, calendars)), same_hours(known), known)


class _Worked(NamedTuple):
    """What calendars come to, whatever they are called."""

    inside: bool | None
    until: datetime | None
    share: float | None
    because: str | None


async def hours_in(some: Iterable[Hours | None], span: Span) -> Callable[[Hours | None], ServiceHours | None]:
    """Give what tells of each of these hours how the span lies in them."""
    said = {each.said: each.known for each in some if each}
    # without a detour where nothing has to be worked out: answers that go on together share their reads
    worked = _worked(said, span) if _at_once(said, span) else await to_thread(_worked, said, span)
    return lambda hours: hours and _told(hours, worked[hours.said])


def _told(hours: Hours, worked: _Worked) -> ServiceHours:
    return ServiceHours(worked.inside, worked.until, worked.share, hours.calendars, worked.because)


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
