"""What else is taken to be the case: what is open now, what is planned for a window, what maintenance takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from knockon.cmdb.contract.filter import All, Any_, Compare, Not
from knockon.cmdb.reading import all_entities, all_neighbours
from knockon.errors import BadUsage
from knockon.itsm.context.calendars import CalendarUnreadable, share_inside
from knockon.itsm.context.effects import Context, declared_effects, open_records

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from knockon.cmdb.contract.filter import Operator
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

GIVEN = ("open", "window", "maintenance")
"""What may be taken to be the case besides the question; ``none`` is none of them."""

_CHANGE = "Change"
_MAINTENANCE = ("MaintenanceWindow", "PlannedEvent")


@dataclass(frozen=True, slots=True)
class Span:
    """A time from ``start`` to ``end``, both in UTC and whole seconds; a moment where they are equal."""

    start: datetime
    end: datetime

    @classmethod
    def at(cls, moment: datetime) -> Span:
        """Give the moment itself."""
        start = moment.astimezone(UTC).replace(microsecond=0)
        return cls(start, start)

    @classmethod
    def read(cls, text: str) -> Span:
        """Read ``START/END``, or a moment, in ISO 8601 with an offset from UTC.

        Raises
        ------
        BadUsage
        """
        start, slash, end = text.partition("/")
        span = cls(_moment(start), _moment(end if slash else start))
        if span.end < span.start:
            raise BadUsage(f"The window {text} ends before it begins.")
        return span

    def __str__(self) -> str:
        return f"{_text(self.start)}/{_text(self.end)}" if self.end > self.start else _text(self.start)


def kinds_of(given: str) -> tuple[str, ...]:
    """Take a list with commas apart: the kinds in it, each once, in the order of ``GIVEN``.

    Raises
    ------
    BadUsage
        A word is none of them, or ``none`` stands beside another.
    """
    words = {word.strip().lower() for word in given.split(",")}
    if unknown := sorted(words - {"none", *GIVEN}):
        raise BadUsage(f"{', '.join(map(repr, unknown))} cannot be given; use none, or some of {', '.join(GIVEN)}.")
    if "none" in words and len(words) > 1:
        raise BadUsage("Given none, and something else besides: choose.")
    return tuple(kind for kind in GIVEN if kind in words)


def words_of(given: str) -> str:
    """Write what is given as every answer does: ``none``, or the kinds with commas.

    Raises
    ------
    BadUsage
    """
    return ",".join(kinds_of(given)) or "none"


async def context_of(store: Store, model: Model, given: str, span: Span) -> Context:
    """Compute what is the case besides the question.

    Parameters
    ----------
    given
        ``none``, or some of these, with commas. ``open``: the effects of open incidents and of changes under way, now.
        ``window``: those of all changes that are not done with and are planned for a part of the span.
        ``maintenance``: those of maintenance windows and planned events that share a part of the span.

    Raises
    ------
    BadUsage
        ``given`` is none of them.
    """
    kinds = kinds_of(given)
    context = await open_records(store, model, span.start) if "open" in kinds else Context()
    if "window" in kinds:
        await _take(context, store, model, await _changes(store, model, span))
    if "maintenance" in kinds:
        for class_name in _MAINTENANCE:
            if class_name in model.classes:
                await _take(context, store, model, await _periods(context, store, model, class_name, span))
    return context


async def _take(context: Context, store: Store, model: Model, records: Mapping[str, tuple[Entity, str]]) -> None:
    """Add the effects of records that are not in effect now, each with when it is to be."""
    new = [record for id_, (record, _) in records.items() if id_ not in context.records]
    context.records |= {each.id for each in new}
    for effect in await declared_effects(store, model, new):
        context.effects.append(replace(effect, because=f"{effect.because}, {records[effect.record.id][1]}"))


async def _changes(store: Store, model: Model, span: Span) -> dict[str, tuple[Entity, str]]:
    """Read the changes that are planned for a part of the span and not done with; and the time, in words."""
    found = {}
    begins = Compare("planned_start", *_before(span))
    ends = Compare("planned_end", "gt", _text(span.start))
    async for changes in all_entities(store, model.concrete(_CHANGE), All((begins, ends))):
        for each in changes:
            if model.state_of(each.class_name, each.attributes).open:
                when = f"planned {each.attributes['planned_start']}/{each.attributes['planned_end']}"
                found[each.id] = (each, when)
    return found


async def _periods(
    context: Context, store: Store, model: Model, class_name: str, span: Span
) -> dict[str, tuple[Entity, str]]:
    """Read the periods that share a part of the span, and when they are, in words.

    One lasts from ``starts_at`` to ``ends_at``, or for ever where that is not known; one with calendars, only in their
    hours. One with neither is never.
    """
    found = {}
    begun = Any_((Compare("starts_at", "is_null", value=True), Compare("starts_at", *_before(span))))
    over = Compare("ends_at", "lte", _text(span.start))
    async for periods in all_entities(store, model.concrete(class_name), All((begun, Not(over)))):
        calendars = await _calendars(store, [each.id for each in periods])
        for each in periods:
            starts, ends = each.attributes.get("starts_at"), each.attributes.get("ends_at")
            known = [model.defaults(one.class_name) | one.attributes for one in calendars[each.id]]
            if not known:
                if starts:
                    found[each.id] = (each, f"{starts}/{ends or 'open end'}")
                continue
            first = max(span.start, _moment(starts)) if starts else span.start
            last = min(span.end, _moment(ends)) if ends else span.end
            try:
                if share_inside(first, last, known):
                    found[each.id] = (each, f"in the hours of {', '.join(one.name for one in calendars[each.id])}")
            except CalendarUnreadable as error:
                context.unreadable.append((each, str(error)))
    return found


async def _calendars(store: Store, ids: Collection[str]) -> dict[str, list[Entity]]:
    """Read the calendars of each id; one round trip."""
    found = await all_neighbours(store, ids, "HAS_CALENDAR", "out")
    return {id_: [each.entity for each in neighbours] for id_, neighbours in found.items()}


def _before(span: Span) -> tuple[Operator, str]:
    """Tell what a beginning has to be for something to share a part of the span."""
    return ("lt" if span.end > span.start else "lte"), _text(span.end)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadUsage(f"{text!r} is no moment; write it like 2026-11-01T08:00:00Z.") from error
    if moment.tzinfo is None:
        raise BadUsage(f"{text!r} has no offset from UTC; write it like 2026-11-01T08:00:00Z.")
    return moment.astimezone(UTC).replace(microsecond=0)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
