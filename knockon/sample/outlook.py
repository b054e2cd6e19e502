"""What lies ahead: windows and planned events, continuity, capacity, risks, requirements, a purchase."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from knockon.sample.compute import group_key
from knockon.sample.records import iso, moment_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from knockon.sample.estate import Estate

_CONTINUITY = (
    ("Payments", "approved", "PT4H", "PT5M", 190),
    ("Online Shop", "approved", "PT8H", "PT1H", 420),
    ("Warehouse Management", "draft", "PT12H", "PT4H", None),
)
"""Service, state of its plan, time to recover, data that may be lost, and how many days ago it was tested."""

_FILLING = (("ham-vol-db-01", 68, 5), ("lyo-vol-archive-01", 71, 6))
"""Volumes, their use three months ago in percent, and what each month adds."""


def lay_out(estate: Estate, as_of: date) -> None:
    """Write down the plans of one company; its services and what they run on must be there."""
    now = moment_of(as_of)
    _windows(estate, as_of, now)
    for service, state, time, point, tested in _CONTINUITY:
        _continuity(estate, now, service, state, time, point, tested)
    _capacity(estate, now)
    _risks(estate, as_of)
    _purchase(estate, as_of, now)


def _windows(estate: Estate, as_of: date, now: datetime) -> None:
    here, named = estate.company.here, estate.company.name
    nights = estate.add(
        "Calendar", here("hours-sunday-nights"), named("Sunday nights"),
        rrule="FREQ=WEEKLY;BYDAY=SU;BYHOUR=1;BYMINUTE=0", duration="PT4H", time_zone="Europe/Berlin",
    )  # fmt: skip
    window = estate.add("MaintenanceWindow", here("window-network"), named("Network maintenance"))
    estate.relate(window, "HAS_CALENDAR", nights)
    estate.relate_all(window, "CONCERNS", map(here, ("ham-core-01", "ham-core-02", "lyo-core-01", "lyo-core-02")))
    freeze = estate.add(
        "FreezeWindow", here("freeze-christmas"), named(f"Christmas business {as_of.year}"),
        starts_at=f"{as_of.year}-11-23T00:00:00Z", ends_at=f"{as_of.year}-12-27T00:00:00Z",
        reason="A third of the year's turnover is made in these weeks.",
        exceptions="Repairs and security updates, with the consent of the head of Sales.",
    )  # fmt: skip
    estate.relate_all(freeze, "CONCERNS", map(here, ("svc-online-shop", "svc-payments", "svc-order-fulfilment")))
    estate.relate(estate.heads["Sales"], "HAS_ROLE", freeze, role="decides on exceptions")
    event = estate.add(
        "PlannedEvent", here("EVT0000001"), named("Elbe Telecom re-routes a fibre"), number=here("EVT0000001"),
        kind="supplier_maintenance", starts_at=iso(now + timedelta(days=9, hours=15)),
        ends_at=iso(now + timedelta(days=9, hours=21)),
    )  # fmt: skip
    estate.relate(event, "AFFECTS", here("ham-line-fibre-north"), effect="down")


def _continuity(
    estate: Estate, now: datetime, service: str, state: str, time: str, point: str, tested: int | None
) -> None:
    here, named = estate.company.here, estate.company.name
    name = service.lower().replace(" ", "-")
    plan = estate.add(
        "ContinuityPlan", here(f"plan-{name}"), f"{named(service)} continuity plan", version="2", state=state,
        recovery_time=time, recovery_point=point, decision_deadline="PT2H", test_interval="P365D",
        steps="Databases first, then application servers, then the public name.",
        approved_at=iso(now - timedelta(days=430)) if state == "approved" else None,
        tested_at=None if tested is None else iso(now - timedelta(days=tested)),
    )  # fmt: skip
    estate.relate(plan, "CONCERNS", here(f"inst-{name}"))
    estate.relate(_policy(estate), "CONCERNS", plan)
    estate.relate(estate.heads["Information Technology"], "HAS_ROLE", plan, role="continuity planner")


def _policy(estate: Estate) -> str:
    """Give the policy that all continuity plans come from."""
    key = estate.company.here("policy-continuity")
    if key not in estate.classes:
        estate.add(
            "Policy", key, estate.company.name("Continuity policy"), field="continuity",
            statement="Every service with a continuity target has a plan that is approved, and tested once a year.",
        )  # fmt: skip
        estate.relate(estate.company.here("doc-0101"), "CONCERNS", key)
    return key


def _capacity(estate: Estate, now: datetime) -> None:
    here, named = estate.company.here, estate.company.name
    overview = estate.add(
        "CapacityOverview", here("capacity-storage"), named("Document Archive capacity"), interval="P30D",
        method="Space as the array reports it, at the end of each month.", reviewed_at=iso(now - timedelta(days=75)),
    )  # fmt: skip
    estate.relate(overview, "CONCERNS", here("inst-document-archive"))
    for volume, used, growth in _FILLING:
        limit = estate.add(
            "CapacityThreshold", f"{overview}/{here(volume)}", f"Space of {here(volume)}",
            metric=f"space used of {here(volume)}", limit=80, unit_of_value="percent",
            action="Order disks; they take six weeks.",
        )  # fmt: skip
        estate.relate(limit, "PART_OF", overview)
        estate.relate(limit, "CONCERNS", here(volume))
        for month in range(3):
            moment = iso(now - timedelta(days=30 * (2 - month)))
            reading = estate.add(
                "Measurement", f"{limit}/{month + 1}", f"Space of {here(volume)} in use",
                metric="space used", value=used + growth * month, unit_of_value="percent", measured_at=moment,
            )  # fmt: skip
            estate.relate(reading, "CONCERNS", here(volume))


def _risks(estate: Estate, as_of: date) -> None:
    here, named = estate.company.here, estate.company.name
    risk = estate.add(
        "Risk", here("RSK0000001"), named("The shop's certificate runs out"), number=here("RSK0000001"),
        state="identified", likelihood="possible", severity=4, treatment="reduce",
        measures="Renew it a week before, by a standard change.", review_due=str(as_of + timedelta(days=12)),
    )  # fmt: skip
    estate.relate(risk, "CONCERNS", here("certificate-shop"))
    estate.relate(group_key(estate, "Web Operations"), "HAS_ROLE", risk, role="owner")
    wish = estate.add(
        "Requirement", here("REQ0000001"), named("Shop open through the sales"), number=here("REQ0000001"),
        state="accepted", kind="service_level", measure="availability", value=99.9, unit_of_value="percent",
        statement="Customers must be able to buy at any hour; less than nine hours a year may be lost.",
    )  # fmt: skip
    estate.relate(wish, "CONCERNS", here("svc-online-shop"))
    estate.relate(f"{here('sla-online-shop')}/availability", "BASED_ON", wish)
    need = estate.add(
        "Requirement", here("REQ0000002"), named("Invoices without paper"), number=here("REQ0000002"),
        state="met", kind="business", statement="Suppliers send and see invoices without paper.",
    )  # fmt: skip
    estate.relate_all(need, "CONCERNS", map(here, ("process-procure-to-pay", "endpoint-invoices")))


def _purchase(estate: Estate, as_of: date, now: datetime) -> None:
    """Write down the order of a third label printer."""
    here, named = estate.company.here, estate.company.name
    order = estate.add(
        "Requisition", here("PRQ0000001"), named("Third label printer"), number=here("PRQ0000001"), state="ordered",
        opened_at=iso(now - timedelta(days=23)), needed_by=str(as_of + timedelta(days=14)), total="1140.00 EUR",
        reason="In the Christmas weeks two printers are not enough.", order_number=here("PO-88120"),
        ordered_at=iso(now - timedelta(days=9)),
    )  # fmt: skip
    estate.relate(order, "CONCERNS", here("ham-label-03"))
    estate.relate(order, "PROVIDED_BY", here("supplier-hardware"))
    line = estate.add(
        "RequisitionLine", f"{order}/1", "Label printer", state="delayed", product="SL-203", quantity=1,
        unit_price="1140.00 EUR", expected_at=str(as_of + timedelta(days=17)), remarks="Announced a week late.",
    )  # fmt: skip
    quote = estate.add(
        "Quote", f"{order}/quote-1", "Kestrel's offer", total="1140.00 EUR", chosen=True,
        received_at=iso(now - timedelta(days=20)), valid_until=str(as_of + timedelta(days=10)),
    )  # fmt: skip
    estate.relate_all(quote, "PROVIDED_BY", [here("supplier-hardware")])
    for part in (line, quote):
        estate.relate(part, "PART_OF", order)
    consent = estate.add(
        "Approval", f"{order}/approval", "Approval of the head of Purchasing", state="approved",
        requested_at=iso(now - timedelta(days=19)), decided_at=iso(now - timedelta(days=12)),
    )  # fmt: skip
    estate.relate(consent, "CONCERNS", order)
    estate.relate(estate.heads["Purchasing"], "HAS_ROLE", consent, role="approver")
