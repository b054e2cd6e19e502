from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar, Event, vRecur

from knockon.itsm.context import calendars
from knockon.itsm.context.calendars import CalendarUnreadable, share_inside, standing

OFFICE = {
    "rrule": "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8;BYMINUTE=0",
    "duration": "PT9H",
    "time_zone": "Europe/Berlin",
    "start": "2025-01-01",
}
ALWAYS = {"rrule": "FREQ=DAILY", "duration": "P1D", "time_zone": "UTC", "start": "2020-01-01"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("start", "end", "share"),
    [
        ("2026-03-27T07:00:00+00:00", "2026-03-27T16:00:00+00:00", 1),  # Friday, winter time: 8 to 17 is 7 to 16 UTC
        ("2026-03-30T06:00:00+00:00", "2026-03-30T15:00:00+00:00", 1),  # Monday after the clocks changed
        ("2026-03-30T15:00:00+00:00", "2026-03-30T16:00:00+00:00", 0),
        ("2026-03-28T00:00:00+00:00", "2026-03-29T00:00:00+00:00", 0),  # Saturday
        ("2026-11-02T15:00:00+00:00", "2026-11-02T17:00:00+00:00", 0.5),
        ("2026-11-02T12:00:00+00:00", "2026-11-02T12:00:00+00:00", 1),  # a moment
    ],
)
def test_share_follows_the_clock_on_the_wall(start: str, end: str, share: float) -> None:
    assert share_inside(at(start), at(end), [OFFICE]) == pytest.approx(share)


@pytest.mark.parametrize("hours", [OFFICE, ALWAYS, {**OFFICE, "time_zone": "Pacific/Kiritimati"}])
def test_what_has_no_end_or_no_beginning_is_told_too(hours: dict[str, str]) -> None:
    for moment in (at("9999-12-31T23:59:59+00:00"), at("9999-12-31T00:00:00-12:00"), at("0001-01-01T00:00:00+00:00")):
        standing(moment, [hours])
        assert share_inside(moment, moment, [hours]) in (0, 1)
    assert 0 < share_inside(at("9996-12-01T00:00:00+00:00"), at("9999-12-31T23:59:59+00:00"), [hours]) <= 1


def test_overlapping_calendars_count_once() -> None:
    window = at("2026-11-02T00:00:00+00:00"), at("2026-11-03T00:00:00+00:00")
    assert share_inside(*window, [OFFICE, OFFICE]) == share_inside(*window, [OFFICE]) == pytest.approx(9 / 24)
    assert share_inside(*window, [OFFICE, ALWAYS]) == 1


@settings(max_examples=40)
@given(st.integers(0, 60 * 24 * 400), st.integers(1, 60 * 24 * 10))
def test_a_share_is_a_share_and_always_is_all(minutes: int, length: int) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    end = start + timedelta(minutes=length)
    assert share_inside(start, end, [ALWAYS]) == pytest.approx(1)
    assert 0 <= share_inside(start, end, [OFFICE]) <= 1


@pytest.mark.parametrize("broken", [{"rrule": "FREQ=SOMETIMES"}, {"time_zone": "Mars/Olympus"}, {"duration": "long"}])
def test_an_unreadable_calendar_says_so(broken: dict[str, str]) -> None:
    with pytest.raises(CalendarUnreadable):
        share_inside(at("2026-11-02T00:00:00+00:00"), at("2026-11-03T00:00:00+00:00"), [{**OFFICE, **broken}])


@given(st.integers(0, 700), st.integers(1, 48), st.sampled_from(["FREQ=WEEKLY", "FREQ=WEEKLY;BYDAY=SA", "FREQ=DAILY"]))
@settings(max_examples=40)
def test_counting_from_long_ago_makes_no_difference(days: int, hours: int, rule: str) -> None:
    """A rule whose start may be moved gives what the same rule gives that may not be."""
    calendar = {"rrule": rule, "duration": f"PT{hours}H", "time_zone": "Europe/Berlin", "start": "2024-01-06"}
    start = datetime(2024, 6, 1, 5, tzinfo=UTC) + timedelta(days=days)
    end = start + timedelta(days=2)
    plainly = {**calendar, "rrule": f"{rule};INTERVAL=1"}
    assert share_inside(start, end, [calendar]) == pytest.approx(share_inside(start, end, [plainly]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 365 * 24 * 60))
def test_standing_holds_until_it_changes_and_not_longer(minutes: int) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    inside, until = standing(moment, [OFFICE])
    assert until is not None
    second = timedelta(seconds=1)
    assert share_inside(moment, until, [OFFICE]) == pytest.approx(1 if inside else 0)
    assert share_inside(until, until + second, [OFFICE]) == (0 if inside else 1)


def test_what_is_always_open_never_changes() -> None:
    assert standing(at("2026-11-02T12:00:00+00:00"), [ALWAYS]) == (True, None)
    assert standing(at("2026-11-02T12:00:00+00:00"), []) == (False, None)


ONCE = {**OFFICE, "rrule": "FREQ=DAILY;COUNT=1", "start": "2027-02-20"}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([[OFFICE], [ALWAYS], [OFFICE, ALWAYS], [ONCE]]),
    st.integers(0, 40 * 24 * 60),
    st.lists(st.integers(-3 * 24 * 60, 3 * 24 * 60), min_size=1, max_size=3),
)
def test_what_was_told_is_told_again_only_as_long_as_it_is_so(
    known: list[dict[str, str]], minutes: int, later: list[int]
) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    calendars._TOLD.clear()
    standing(moment, known)
    for each in later:
        then = moment + timedelta(minutes=each)
        told = standing(then, known)
        calendars._TOLD.clear()
        assert told == standing(then, known)


RULES = (
    "FREQ=HOURLY", "FREQ=HOURLY;INTERVAL=5", "FREQ=HOURLY;BYDAY=MO;BYMINUTE=0,30", "FREQ=DAILY;INTERVAL=3",
    "FREQ=DAILY;BYMONTH=3,10;BYHOUR=2", "FREQ=DAILY;COUNT=400", "FREQ=DAILY;UNTIL=20250610T120000Z", "FREQ=WEEKLY",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU;BYHOUR=2", "FREQ=MONTHLY", "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=-1",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=8", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO,SU",
    "FREQ=YEARLY;INTERVAL=2", "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10,3;BYHOUR=1,2",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(RULES),
    st.sampled_from(["2024-01-06", "2023-08-31", "2016-02-29"]),
    st.sampled_from(["PT1H", "PT9H", "P1D", "P10D"]),
    st.integers(0, 800 * 24),
    st.integers(1, 40 * 24),
)
def test_recurrence_is_that_of_the_standard(rule: str, start: str, duration: str, hours: int, length: int) -> None:
    calendar = {"rrule": rule, "duration": duration, "time_zone": "Europe/Berlin", "start": start}
    opens = datetime(2024, 2, 1, tzinfo=UTC) + timedelta(hours=hours)
    closes = opens + timedelta(hours=length)
    assert share_inside(opens, closes, [calendar]) == pytest.approx(by_the_library(calendar, opens, closes))


def by_the_library(calendar: dict[str, str], opens: datetime, closes: datetime) -> float:
    """The share by another program; in minutes, as everything here."""
    event = Event()
    event.start = datetime.combine(date.fromisoformat(calendar["start"]), time(), ZoneInfo(calendar["time_zone"]))
    event.add("uid", "oracle")
    event.add("rrule", vRecur.from_ical(calendar["rrule"]))
    event.DURATION = {"PT1H": timedelta(hours=1), "PT9H": timedelta(hours=9), "P1D": timedelta(days=1),
                      "P10D": timedelta(days=10)}[calendar["duration"]]  # fmt: skip
    whole = Calendar()
    whole.add_component(event)
    minutes: set[int] = set()
    for each in recurring_ical_events.of(whole).between(opens, closes):
        if each.start != event.start or recurs_at_once(calendar):  # the library counts the first day in any case
            minutes |= set(range(int(each.start.timestamp()) // 60, int(each.end.timestamp()) // 60))
    window = range(int(opens.timestamp()) // 60, int(closes.timestamp()) // 60)
    return len(minutes & set(window)) / len(window)


def recurs_at_once(calendar: dict[str, str]) -> bool:
    return not any(part in calendar["rrule"] for part in (";BY", "WKST"))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY;INTERVAL=7",
        "FREQ=HOURLY;BYMINUTE=0,15,30,45;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23",
    ],
)
def test_a_rule_that_began_long_ago_is_not_run_through_from_there(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendars, "_MAX_STEPS", 20_000)  # since 1920 there were more
    calendar = {"rrule": rule, "duration": "PT5M", "time_zone": "Europe/Berlin", "start": "1920-01-01"}
    inside, until = standing(at("2026-11-02T12:07:00+00:00"), [calendar])
    assert not inside
    assert until


@pytest.mark.parametrize("freq", ["HOURLY", "DAILY", "MONTHLY", "YEARLY"])
def test_a_rule_that_never_comes_is_had_as_never_open(freq: str) -> None:
    calendar = {"rrule": f"FREQ={freq};BYMONTH=2;BYMONTHDAY=30", "duration": "PT5M", "time_zone": "Europe/Berlin"}
    assert standing(at("2026-11-02T12:07:00+00:00"), [{**calendar, "start": "1920-01-01"}]) == (False, None)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=MINUTELY", "FREQ is one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY"),
        ("FREQ=SECONDLY;INTERVAL=90", "FREQ is one of"),
        ("FREQ=HOURLY;BYSETPOS=1", "BYSETPOS has no use"),
        ("FREQ=DAILY;BYEASTER=0", "BYEASTER is not known"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR is from 0 to 23"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY is from 1 to 31, or from the end -1 to -31"),
        ("FREQ=YEARLY;BYDAY=99FR", "BYDAY names weekdays"),
        ("FREQ=DAILY;WKST=XX", "WKST names weekdays"),
        ("FREQ=DAILY;UNTIL=soon", "cannot be read"),
        ("every day", "cannot be read"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is from 1"),
        ("FREQ=HOURLY;COUNT=2000000", "recurs too often"),
    ],
)
def test_a_rule_that_cannot_be_had_says_so(rule: str, said: str) -> None:
    calendar = {"rrule": rule, "duration": "PT1H", "time_zone": "UTC", "start": "1900-01-01"}
    with pytest.raises(CalendarUnreadable, match=said):
        standing(at("2026-11-02T12:00:00+00:00"), [calendar])
