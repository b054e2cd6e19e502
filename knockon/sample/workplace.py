"""Where people work with services: stations, printers, shares, documents, and the processes that it all serves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from knockon.sample.compute import group_key
from knockon.sample.estate import SOFT

if TYPE_CHECKING:
    from datetime import date

    from knockon.sample.estate import Estate

_STATIONS = ("ham-pick-01", "ham-pick-02")
_PRINTERS = ("ham-label-01", "ham-label-02")
_ORDERED = "ham-label-03"
"""A printer that is only ordered: it is in the group of the others and counts for nothing yet."""

_PROCESSES = (
    ("Procure to Pay", 3, "Purchasing", ("svc-supplier-portal", "svc-finance-ledger")),
    ("Pick and Ship", 1, "Logistics", ("svc-warehouse-management", "svc-order-fulfilment")),
)
"""Business processes, what their standstill means, who owns them, what they need."""

_DOCUMENTS = (
    ("DOC-0101", "Continuity Manual", "manual", "Operations", ("ham-site", "lyo-site")),
    ("DOC-0214", "Runbook Payroll", "runbook", "Business Applications", ("app-payroll-runs",)),
    ("DOC-0231", "How to Replace a Hypervisor", "procedure", "Virtualisation and Storage", ("ham-cluster",)),
)
"""Number, title, kind, the group that keeps it, what it is about."""

_KEPT = ("shop_orders", "shop_baskets", "card_payments", "customers", "ledger", "personnel")
"""Databases that are backed up; the archive is not, which is planted."""


def lay_out(estate: Estate, as_of: date) -> None:
    """Write down the workplaces; the applications and services must be there."""
    here = estate.company.here
    for name in _STATIONS:
        station = estate.add("Workstation", here(name), form="terminal", operating_system="Debian GNU/Linux 12")
        _stands(estate, station, "app-warehouse-suite", "picking stations")
        for person in _members(estate, "Warehouse Systems"):
            estate.relate(person, "USES", station)
    for name in (*_PRINTERS, _ORDERED):
        status = "ordered" if name == _ORDERED else "in_use"
        printer = estate.add(
            "Printer", here(name), kind="thermal", manufacturer="Stavanger Labels", model="SL-203", status=status
        )
        _stands(estate, printer, "app-fulfilment-engine", "label printers")
    share = estate.add("FileShare", here("lyo-share-scans"), protocol="smb", path="//lyo-nas-01/scans")
    estate.relate(share, "HOSTED_ON", here("lyo-nas-01"))
    estate.relate(here("app-records-archive"), "DEPENDS_ON", share, strength=SOFT)
    estate.supported(group_key(estate, "Virtualisation and Storage"), [share])
    for database in _KEPT:
        estate.relate(here(database), "BACKED_UP_BY", here("lyo-bak-01/bareos"))
    estate.plant("no backup", [here("archive")], "All databases are backed up but this one.")
    for number, title, kind, group, about in _DOCUMENTS:
        document = estate.add(
            "Document", here(f"doc-{number[-4:]}"), estate.company.name(title), document_number=here(number), kind=kind,
            version="3", status="approved", approved_at=f"{as_of - timedelta(days=160)}T10:00:00Z",
            review_due=str(as_of + timedelta(days=205)),
        )  # fmt: skip
        estate.relate_all(document, "CONCERNS", map(here, about))
        estate.supported(group_key(estate, group), [document])


def processes(estate: Estate) -> None:
    """Write down the business processes."""
    here = estate.company.here
    for name, criticality, unit, services in _PROCESSES:
        key = here(f"process-{name.lower().replace(' ', '-')}")
        process = estate.add("BusinessProcess", key, estate.company.name(name), criticality=criticality)
        estate.relate_all(process, "DEPENDS_ON", map(here, services))
        estate.relate(process, "OWNED_BY", estate.heads[unit])


def _stands(estate: Estate, thing: str, application: str, group: str) -> None:
    here = estate.company.here
    estate.relate(thing, "LOCATED_IN", here("ham-site"))
    estate.relate(here(application), "DEPENDS_ON", thing, redundancy_group=group, strength=SOFT)
    estate.supported(group_key(estate, "Service Desk"), [thing])


def _members(estate: Estate, group: str) -> list[str]:
    wanted = group_key(estate, group)
    return [each["from"] for each in estate.relationships if (each["type"], each["to"]) == ("MEMBER_OF", wanted)]
