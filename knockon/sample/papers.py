"""Targets, internal agreements, contracts, licences, the catalogue, and what it all costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.sample import catalogue, roster
from knockon.sample.compute import group_key
from knockon.sample.estate import slug

if TYPE_CHECKING:
    from datetime import date

    from knockon.sample.estate import Estate

_HOURS = {"PT15M": 0.25, "PT30M": 0.5, "PT2H": 2, "PT4H": 4, "P2D": 48}
_INTERNAL = (("Name Resolution", "Network", 99.95, "PT1H"), ("Directory", "Identity", 99.9, "PT2H"))
"""Technical services that a group of our own promises something of: availability in percent, time to resolve."""

_OFFERINGS = (
    ("CAT-0007", "Remote access for one person", "svc-remote-access", "12.00 EUR", "user", "published"),
    ("CAT-0019", "Mailbox", "svc-email", "4.50 EUR", "user", "published"),
    (
        "CAT-0032",
        "Supplier login with invoice interface",
        "svc-supplier-portal",
        "90.00 EUR",
        "supplier",
        "in_signature",
    ),
)
"""Number, name, service, price a month, what is counted, state."""


def lay_out(estate: Estate, as_of: date) -> None:
    """Write down the papers beside the service level agreements, which must be there."""
    here, named = estate.company.here, estate.company.name
    term = {"state": "active", "valid_from": f"{as_of.year - 1}-01-01", "valid_until": f"{as_of.year + 1}-12-31"}
    for offer in catalogue.BUSINESS_SERVICES:
        _targets(estate, here(f"sla-{slug(offer.name)}"), catalogue.LEVELS[offer.agreement])
    for name, group, availability, resolution in _INTERNAL:
        agreement = estate.add(
            "OperationalLevelAgreement", here(f"ola-{slug(name)}"), f"{named(name)} internal agreement",
            availability_target=availability, resolution_time=resolution, **term,
        )  # fmt: skip
        estate.relate(here(f"ts-{slug(name)}"), "COVERED_BY", agreement)
        estate.relate(agreement, "OWNED_BY", group_key(estate, group))
    maintenance = estate.add(
        "Contract", here("contract-storage"), named("Storage maintenance"), contract_number=here("MC-2207"),
        kind="maintenance", notice_period="P90D", annual_cost="18400.00 EUR", **term,
    )  # fmt: skip
    estate.relate(maintenance, "PROVIDED_BY", here("supplier-hardware"))
    estate.relate(here("lyo-nas-01"), "COVERED_BY", maintenance)
    right = estate.add(
        "License", here("license-oracle"), named("Ledger database licence"), license_number=here("L-55810"),
        product="Oracle Database", metric="processor", quantity=1, price="31000.00 EUR", **term,
    )  # fmt: skip
    estate.relate(right, "PROVIDED_BY", here("supplier-hardware"))
    estate.relate(right, "PART_OF", maintenance)
    for program in ("ham-fin-db-01/oracle", "lyo-fin-db-01/oracle"):
        estate.relate(here(program), "COVERED_BY", right)
    estate.plant("over-used licence", [right], "It is for one processor, and two programs are covered by it.")
    for number, name, service, price, unit, state in _OFFERINGS:
        item = estate.add(
            "ServiceOffering", here(number), named(name), offering_number=here(number), price=price, price_unit=unit,
            term="P30D", state=state,
        )  # fmt: skip
        estate.relate(item, "CONCERNS", here(service))
        estate.relate(item, "OWNED_BY", estate.heads["Information Technology"])
    _costs(estate, as_of)


def _targets(estate: Estate, agreement: str, levels: tuple[float, str, str]) -> None:
    availability, response, resolution = levels
    rows: tuple[tuple[str, float, str, str], ...] = (
        ("availability", availability, "percent", "higher"),
        ("response", _HOURS[response], "hours", "lower"),
        ("resolution", _HOURS[resolution], "hours", "lower"),
    )
    for measure, value, unit, better in rows:
        target = estate.add(
            "ServiceLevelTarget", f"{agreement}/{measure}", measure.capitalize(), measure=measure, value=value,
            unit_of_value=unit, better=better, period="P30D", state="active",
        )  # fmt: skip
        estate.relate(target, "PART_OF", agreement)


def _costs(estate: Estate, as_of: date) -> None:
    """Write down what each supplier, the arrays and the forgotten fax server cost in the current year."""
    here = estate.company.here
    spent = [
        (here(f"contract-{key}"), "contract", 24_000 + 6_000 * n) for n, (_, key, _) in enumerate(roster.SUPPLIERS)
    ]
    spent += [(here(key), "depreciation", 42_000) for key in ("ham-san-01", "lyo-san-01")]
    spent += [(here("lyo-fax-01"), "maintenance", 1_900)]
    for thing, category, amount in spent:
        cost = estate.add(
            "Cost", f"cost-{thing}-{as_of.year}", f"{category.capitalize()} {thing} {as_of.year}",
            amount=f"{amount}.00 EUR", kind="capital" if category == "depreciation" else "operating",
            category=category, period_start=f"{as_of.year}-01-01", period_end=f"{as_of.year}-12-31",
        )  # fmt: skip
        estate.relate(cost, "CONCERNS", thing)
