"""Who can do what, who may go where, who is away, and who is on duty."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from knockon.sample.compute import group_key
from knockon.sample.records import iso, moment_of

if TYPE_CHECKING:
    from datetime import date

    from knockon.sample.estate import Estate

_ACCESS = (
    ("Database", ("ham-dbs-01", "ham-dbs-02", "lyo-dbs-01", "lyo-dbs-02"), "administer"),
    ("Virtualisation and Storage", ("ham-cluster", "lyo-cluster"), "administer"),
    ("Service Desk", ("app-customer-desk",), "read"),
)
"""Groups, what their members may log on to, and what they may do there."""

_OWNERS = ("Sales", "Finance", "Logistics")
"""Departments whose heads take turns as on-duty manager."""


def lay_out(estate: Estate, as_of: date) -> None:
    """Write down access, absences and the roster of the weeks around the day ``as_of``."""
    here = estate.company.here
    for group, things, rights in _ACCESS:
        estate.relate_all(group_key(estate, group), "HAS_ACCESS_TO", map(here, things), rights=rights)
    estate.relate(estate.heads["Finance"], "HAS_ACCESS_TO", here("app-general-ledger"), rights="operate")
    now = moment_of(as_of)
    away = estate.add(
        "Absence", here("absence-0001"), "Leave of the head of Sales", reason="leave",
        starts_at=iso(now - timedelta(days=2)), ends_at=iso(now + timedelta(days=12)),
    )  # fmt: skip
    estate.relate(away, "CONCERNS", estate.heads["Sales"])
    estate.relate(estate.heads["Marketing"], "HAS_ROLE", away, role="deputy")
    roster = estate.add(
        "DutyRoster", here("roster-managers"), estate.company.name("On-duty managers"), duty="on-duty manager"
    )
    estate.relate(roster, "CONCERNS", here("unit-company"))
    estate.relate(roster, "HAS_CALENDAR", here("hours-round-the-clock"))
    monday = datetime(as_of.year, as_of.month, as_of.day, 7, tzinfo=UTC) - timedelta(days=as_of.weekday())
    for week in range(-1, 5):
        starts = monday + timedelta(weeks=week)
        shift = estate.add(
            "DutyShift", f"{roster}/{starts.date()}", f"Duty from {starts.date()}",
            starts_at=iso(starts), ends_at=iso(starts + timedelta(weeks=1)),
        )  # fmt: skip
        estate.relate(shift, "PART_OF", roster)
        estate.relate(estate.heads[_OWNERS[week % len(_OWNERS)]], "HAS_ROLE", shift, role="on duty")
