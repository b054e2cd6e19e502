"""The weaknesses built into the estate, each with a question to the graph and its right answer.

``seeds`` fail, ``given`` says what else is taken into account (``knockon impact --given``), and
``expect`` has the state of some items in the right answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from knockon.sample.estate import Estate


class Weakness(NamedTuple):
    """One planted weakness, in the keys of the tables."""

    kind: str
    expectation: str
    seeds: tuple[str, ...]
    expect: dict[str, str]
    given: str = "none"


WEAKNESSES = (
    Weakness(
        "shared fate",
        "Both nodes of the warehouse system have one cord each, and both cords lead to one UPS.",
        ("ham-ups-1a",),
        {"svc-warehouse-management": "DOWN", "svc-order-fulfilment": "DEGRADED", "svc-payments": "OPERATIONAL"},
    ),
    Weakness(
        "single cord",
        "One rack PDU takes one warehouse node with it; the other one carries on alone.",
        ("ham-pdu-r12-a",),
        {"svc-warehouse-management": "AT_RISK", "svc-online-shop": "OPERATIONAL", "svc-payroll": "OPERATIONAL"},
    ),
    Weakness(
        "no false alarm",
        "The other PDU of the same rack takes nothing with it: all that is plugged into it has a second cord.",
        ("ham-pdu-r12-b",),
        {"svc-warehouse-management": "OPERATIONAL", "svc-online-shop": "OPERATIONAL", "ham-cluster": "OPERATIONAL"},
    ),
    Weakness(
        "single point of failure",
        "Payroll's licence server has its dongle in one hypervisor, and cannot move.",
        ("ham-esx-03",),
        {
            "svc-payroll": "DOWN",
            "svc-time-recording": "DEGRADED",
            "svc-online-shop": "AT_RISK",
            "svc-customer-care": "AT_RISK",
            "svc-intranet": "OPERATIONAL",
            "svc-payments": "OPERATIONAL",
        },
    ),
    Weakness(
        "single point of failure",
        "The archive's volume is the only one that is not mirrored, and its database has no replica.",
        ("lyo-nas-01",),
        {"svc-document-archive": "DOWN", "ts-backup": "DEGRADED", "svc-finance-ledger": "OPERATIONAL"},
    ),
    Weakness(
        "shared fate",
        "Payroll and time recording keep their data in one database without a replica.",
        ("ham-hr-db-01/postgresql",),
        {"svc-payroll": "DOWN", "svc-time-recording": "DOWN", "svc-management-reporting": "DEGRADED"},
    ),
    Weakness(
        "shared fate",
        "The two lines to the card acquirer end on different routers in different cities, but belong to one supplier.",
        ("supplier-acquirer",),
        {"svc-payments": "DOWN", "svc-online-shop": "DEGRADED"},
    ),
    Weakness(
        "redundancy used up",
        "The second copy of the customer database is already down in an open incident.",
        ("ham-esx-03",),
        {"svc-customer-care": "DOWN", "svc-contact-centre": "DEGRADED", "svc-email": "DEGRADED"},
        "open",
    ),
    Weakness(
        "jointly broken redundancy",
        "Two changes planned for one evening take both copies of the payments database; either one alone would do.",
        ("ham-dbs-02", "lyo-dbs-02"),
        {"svc-payments": "DOWN"},
    ),
    Weakness(
        "redundancy",
        "One of the two copies of the payments database may go.",
        ("ham-dbs-02",),
        {"svc-payments": "AT_RISK"},
    ),
    Weakness(
        "cycle",
        "Hosts look up names on machines that they carry themselves; one name server less is not yet an outage.",
        ("ham-dns-01",),
        {"ts-name-resolution": "AT_RISK", "ham-cluster": "AT_RISK", "svc-online-shop": "AT_RISK"},
    ),
    Weakness(
        "cycle",
        "Without both name servers the hosts are hampered, and whatever needs names stands still.",
        ("ham-dns-01", "lyo-dns-01"),
        {"ts-name-resolution": "DOWN", "ham-cluster": "DEGRADED", "svc-payments": "DOWN"},
    ),
    Weakness(
        "soft dependency",
        "Reporting misses its sources, but goes on with what it has.",
        ("lyo-arc-db-01/mariadb",),
        {"svc-management-reporting": "DEGRADED", "svc-document-archive": "DOWN"},
    ),
    Weakness(
        "shared fate",
        "All four web servers of the shop present one certificate; when it runs out, callers trust none of them.",
        ("certificate-shop",),
        {"svc-online-shop": "DOWN", "svc-payments": "OPERATIONAL", "svc-intranet": "OPERATIONAL"},
    ),
    Weakness(
        "shared fate",
        "One vulnerable library is in both application servers of the fulfilment engine.",
        ("package-log4j-core",),
        {"svc-order-fulfilment": "DEGRADED", "svc-warehouse-management": "OPERATIONAL"},
    ),
    Weakness("no service", "The fax server supports no service any more.", ("lyo-fax-01",), {}),
)


def tell(estate: Estate) -> None:
    """Write the weaknesses into the truth."""
    here = estate.company.here
    for weakness in WEAKNESSES:
        seeds = [here(key) for key in weakness.seeds]
        expect = {here(key): state for key, state in weakness.expect.items()}
        estate.plant(weakness.kind, seeds, weakness.expectation, given=weakness.given, expect=expect)
