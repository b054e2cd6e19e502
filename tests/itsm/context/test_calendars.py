from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
