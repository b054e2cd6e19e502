"""Service hours: calendars with recurrence, time zone and daylight saving, and what a window shares with them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_MAX_SLICES = 20_000
_HORIZONS = (timedelta(days=9), timedelta(days=60), timedelta(days=400))


class CalendarUnreadable(ValueError):
    """A calendar whose recurrence, duration or time zone cannot be understood."""


def share_inside(start: datetime, end: datetime, calendars: Iterable[Mapping[str, Any]]) -> float:
    """Give the share (0 to 1) of a window that lies inside any of the calendars' hours.

    Parameters
    ----------
    start, end
        The window, with offsets; an empty or reversed one counts as its start alone.
    calendars
        Attributes of Calendar entities: ``rrule`` (RFC 5545), ``duration`` (ISO 8601), ``time_zone``
        (IANA) and ``start`` (the day that the rule counts from; its hours are the rule's BYHOUR).

    Raises
    ------
    CalendarUnreadable
        Naming the attribute.
    """
    end = max(end, start + timedelta(seconds=1))
    spans = sorted(span for calendar in calendars for span in _occurrences(calendar, start, end))
    inside, reached = timedelta(), start
    for opens, closes in spans:
        opens, closes = max(opens, reached), min(closes, end)  # noqa: PLW2901 - clipped to what is new
        if closes > opens:
            inside += closes - opens
            reached = closes
    return inside / (end - start)


def standing(moment: datetime, calendars: Iterable[Mapping[str, Any]]) -> tuple[bool, datetime | None]:
    """Tell whether a moment lies inside any of the calendars' hours, and when that changes next, in UTC.

    None: not within the next 400 days. Calendars and errors are as in ``share_inside``.
    """
    known = list(calendars)
    inside = False
    for horizon in _HORIZONS:
        end = moment + horizon
        spans = sorted(span for calendar in known for span in _occurrences(calendar, moment, end))
        reached = moment
        for opens, closes in spans:
            if opens <= reached < closes:
                reached = closes
        inside = reached > moment
        if inside and reached < end:
            return True, reached
        if later := [opens for opens, _ in spans if opens > moment and not inside]:
            return False, later[0]
    return inside, None


def _occurrences(calendar: Mapping[str, Any], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    import recurring_ical_events  # noqa: PLC0415 - slow to import, and most answers need no calendar
    from icalendar import Calendar, Event, vDuration, vRecur  # noqa: PLC0415

    event = Event()
    try:
        length = vDuration.from_ical(str(calendar["duration"]))  # type: ignore[no-untyped-call]  # icalendar leaves it untyped
        event.start = _local_start(calendar, (start - length).date())
        event.add("uid", "service-hours")
        event.add("rrule", vRecur.from_ical(str(calendar["rrule"])))
        event.DURATION = length
        whole = Calendar()
        whole.add_component(event)
        found = []
        for each in recurring_ical_events.of(whole).between(start, end):
            found.append((each.start.astimezone(UTC), each.end.astimezone(UTC)))
            if len(found) > _MAX_SLICES:
                raise CalendarUnreadable("rrule: it recurs too often for the length of the window")
    except CalendarUnreadable:
        raise
    except (KeyError, ValueError, ZoneInfoNotFoundError) as error:
        raise CalendarUnreadable(f"rrule, duration, time_zone or start cannot be read ({error})") from error
    return found


def _local_start(calendar: Mapping[str, Any], soon: date) -> datetime:
    """Give midnight, in the calendar's zone, of the day that the rule counts from.

    Where only the weekday of that day matters, by the same weekday shortly before ``soon``: the rule
    need not be run through from its beginning.
    """
    zone = ZoneInfo(str(calendar["time_zone"]))
    counted = date.fromisoformat(str(calendar["start"]))
    rule = str(calendar["rrule"]).upper()
    if rule.startswith(("FREQ=WEEKLY", "FREQ=DAILY")) and not re.search("INTERVAL|COUNT", rule):
        counted += timedelta(weeks=max((soon - counted).days // 7 - 1, 0))
    return datetime.combine(counted, time(), zone)
