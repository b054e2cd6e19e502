"""Service hours: calendars with recurrence, time zone and daylight saving, and what a window shares with them."""

from __future__ import annotations

import re
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from knockon.schema.values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

_Step = timedelta | Literal["years"]
_STEPS: dict[str, _Step] = {
    "YEARLY": "years", "MONTHLY": "years", "WEEKLY": timedelta(weeks=1), "DAILY": timedelta(days=1),
    "HOURLY": timedelta(days=1),
}  # fmt: skip
"""How far a rule that recurs every time can be moved without noticing; nobody serves by the minute or second."""
_NUMBERS = {
    "INTERVAL": (1, 10_000), "COUNT": (1, 10**9), "BYSECOND": (0, 59), "BYMINUTE": (0, 59), "BYHOUR": (0, 23),
    "BYMONTH": (1, 12), "BYMONTHDAY": (-31, 31), "BYYEARDAY": (-366, 366), "BYWEEKNO": (-53, 53),
    "BYSETPOS": (-366, 366),
}  # fmt: skip
"""The parts of a rule that are numbers, each with the least and the greatest; below 0 is counted from the end."""
_DAYS = re.compile(r"([+-]?([1-9]|[1-4]\d|5[0-3]))?(MO|TU|WE|TH|FR|SA|SU)")
_CYCLE = timedelta(days=146_097)  # 400 years, a whole number of weeks
_MARGIN = timedelta(days=2)  # more than clocks are ever put forward or back
_MAX_SLICES = 20_000
_MAX_STEPS = 100_000  # half a second or so
_YEAR = timedelta(days=400)
_HORIZONS = (timedelta(days=9), timedelta(days=60), _YEAR + timedelta(days=1))  # a day more: so long it is known then
_FIRST, _LAST = datetime(3, 1, 1, tzinfo=UTC), datetime(MAXYEAR - 2, 1, 1, tzinfo=UTC)
"""Moments beyond these count as these: tools write 9999-12-31 for what has no end, and no date is later."""
_PARTS = ("rrule", "duration", "time_zone", "start")
_MOST_TOLD = 1_000

Said = tuple[tuple[str, ...], ...]
"""What calendars say, whatever they are called."""


class _Told(NamedTuple):
    """What is so from ``since`` on and before another moment."""

    since: datetime
    before: datetime
    inside: bool
    until: datetime | None


_TOLD: dict[Said, _Told] = {}
"""A function of what calendars say and the moment, so it is never out of date."""


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
        Naming the attribute. Also for a rule that comes round more often than hourly, or very often.

    Notes
    -----
    Costs what recurs in and shortly before the window, however long ago the rule began; with COUNT, what recurs
    since then. Up to seconds for rules that come round very often: not for an event loop.
    """
    start = _counted(start)
    end = max(_counted(end), start + timedelta(seconds=1))
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

    None: not within the next 400 days. Calendars, errors and costs are as in ``share_inside``; what was told once
    is told again at once until it changes.
    """
    moment, known = _counted(moment), list(calendars)
    told = told_already(moment, known)
    if told is None:
        inside, change = _change(moment, known)
        told = inside, (change if change <= moment + _YEAR else None)
        if len(_TOLD) >= _MOST_TOLD:
            _TOLD.clear()
        _TOLD[same_hours(known)] = _Told(moment, change - _YEAR if told[1] is None else change, *told)
    return told


def told_already(moment: datetime, calendars: Iterable[Mapping[str, Any]]) -> tuple[bool, datetime | None] | None:
    """Give what ``standing`` gives where that costs nothing; None: it is to be worked out."""
    told = _TOLD.get(same_hours(calendars))
    return (told.inside, told.until) if told and told.since <= moment < told.before else None


def _counted(moment: datetime) -> datetime:
    return min(max(moment, _FIRST), _LAST)


def same_hours(calendars: Iterable[Mapping[str, Any]]) -> Said:
    """Give what is the same for calendars of the same hours."""
    return tuple(sorted(tuple(str(each.get(part)) for part in _PARTS) for each in calendars))


def _change(moment: datetime, known: list[Mapping[str, Any]]) -> tuple[bool, datetime]:
    """Tell whether a moment is inside, and when that changes; the end of what is looked at where it does not."""
    inside, end = False, moment
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
    return inside, end


def _occurrences(calendar: Mapping[str, Any], start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """List, in UTC, the periods that reach into a window, in some order."""
    try:
        zone = ZoneInfo(str(calendar["time_zone"]))
        length = timedelta(seconds=seconds(str(calendar["duration"])))
        counted = datetime.combine(date.fromisoformat(str(calendar["start"])), time())
        window = start.astimezone(zone).replace(tzinfo=None) - length, end.astimezone(zone).replace(tzinfo=None)
        found = []
        for begins in _beginnings(str(calendar["rrule"]).upper(), counted, *window, zone):
            # the clock on the wall is counted: what lasts a day ends at the same hour of the next
            opens, closes = (each.replace(tzinfo=zone).astimezone(UTC) for each in (begins, begins + length))
            if opens <= end and closes > max(start, opens):
                found.append((opens, closes))
                if len(found) > _MAX_SLICES:
                    raise CalendarUnreadable("rrule: it recurs too often for the length of the window")
    except CalendarUnreadable:
        raise
    except (KeyError, ValueError, OverflowError, ZoneInfoNotFoundError) as error:
        raise CalendarUnreadable(f"rrule, duration, time_zone or start cannot be read ({error})") from error
    return found


def _beginnings(rule: str, counted: datetime, first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Give the moments, on the clock on the wall, at which a rule begins a period: from some before ``first`` on.

    All is done a multiple of 400 years later, after which days, weekdays and leap years come round as they were.
    There the calendar of ``datetime`` ends soon, and with it the search of a rule that never comes, as on 30 February.
    """
    from dateutil.rrule import rrulestr  # noqa: PLC0415 - slow to import, and most answers need no calendar

    parts = dict(each.split("=", 1) for each in rule.split(";"))
    _check(parts)
    until = _until(parts.pop("UNTIL", None), zone)
    if "COUNT" not in parts:
        counted = _nearer(counted, first - _MARGIN, _STEPS[parts["FREQ"]], int(parts.get("INTERVAL", 1)))
    later = _CYCLE * ((MAXYEAR - 1 - max(last.year, counted.year)) // 400)
    text = ";".join(f"{name}={value}" for name, value in parts.items())
    for number, found in enumerate(rrulestr(text, dtstart=counted + later)):
        begins = found - later
        if begins > min(last + _MARGIN, until):
            return
        if number == _MAX_STEPS:
            raise CalendarUnreadable("rrule: it recurs too often before the window begins")
        if begins >= first - _MARGIN:
            yield begins


def _check(parts: Mapping[str, str]) -> None:
    """Refuse what the standard does not allow, or what nobody needs and no bound holds for."""
    if unknown := parts.keys() - _NUMBERS.keys() - {"FREQ", "UNTIL", "WKST", "BYDAY"}:
        raise CalendarUnreadable(f"rrule: {', '.join(sorted(unknown))} is not known in recurrence rules")
    if parts.get("FREQ") not in _STEPS:
        raise CalendarUnreadable(f"rrule: FREQ is one of {', '.join(_STEPS)}")
    if parts["FREQ"] == "HOURLY" and "BYSETPOS" in parts:
        raise CalendarUnreadable("rrule: BYSETPOS has no use with FREQ=HOURLY")
    for name, (least, greatest) in _NUMBERS.items():
        numbers = [int(each) for each in parts[name].split(",")] if name in parts else []
        if not all(least <= each <= greatest and (each or not least) for each in numbers):
            ends = f"1 to {greatest}, or from the end -1 to {least}" if least < 0 else f"{least} to {greatest}"
            raise CalendarUnreadable(f"rrule: {name} is from {ends}")
    for name in ("BYDAY", "WKST"):
        if name in parts and not all(map(_DAYS.fullmatch, parts[name].split(","))):
            raise CalendarUnreadable(f"rrule: {name} names weekdays, such as MO or -1FR")


def _nearer(counted: datetime, before: datetime, step: _Step, interval: int) -> datetime:
    """Move the day that a rule counts from as near to a moment as the rule does not notice."""
    if isinstance(step, timedelta):
        return counted + step * interval * max((before - counted) // (step * interval), 0)
    years = max(before.year - counted.year - 1, 0) // interval * interval
    while years > 0:
        try:
            return counted.replace(year=counted.year + years)
        except ValueError:  # 29 February
            years -= interval
    return counted


def _until(written: str | None, zone: ZoneInfo) -> datetime:
    """Read the last moment of a rule, on the clock on the wall; a date includes its day."""
    if written is None:
        return datetime(MAXYEAR, 12, 31)  # noqa: DTZ001 - as the rest: on the wall
    if len(written) == len("20261231"):
        return datetime.combine(date.fromisoformat(written), time.max)
    found = datetime.fromisoformat(written)
    return found.astimezone(zone).replace(tzinfo=None) if found.tzinfo else found
