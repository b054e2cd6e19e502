"""Applications, technical services, business services and their instances, and what was agreed of them.

The layers are those of the Common Service Data Model: a business service needs its production
instance, the instance needs applications and technical services, and those need the machinery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.sample import catalogue, roster
from knockon.sample.compute import group_key
from knockon.sample.estate import SOFT, slug

if TYPE_CHECKING:
    from datetime import date

    from knockon.sample.catalogue import App, Offer, Technical
    from knockon.sample.estate import Estate


def lay_out(estate: Estate, as_of: date) -> None:
    """Write down all services; the parties and calendars must be there."""
    here, named = estate.company.here, estate.company.name
    for technical in catalogue.TECHNICAL_SERVICES:
        key = estate.add(
            "TechnicalService",
            here(f"ts-{slug(technical.name)}"),
            named(technical.name),
            criticality=technical.criticality,
            environment="production",
        )
        estate.supported(group_key(estate, technical.group), [key])
        estate.relate(key, "OWNED_BY", estate.heads["Information Technology"])
    for app in catalogue.APPLICATIONS:
        key = estate.add("Application", here(f"app-{slug(app.name)}"), named(app.name), environment="production")
        estate.supported(group_key(estate, app.group), [key])
    for technical in catalogue.TECHNICAL_SERVICES:
        _needs(estate, here(f"ts-{slug(technical.name)}"), technical)
    for app in catalogue.APPLICATIONS:
        _needs(estate, here(f"app-{slug(app.name)}"), app)
    for offer in catalogue.BUSINESS_SERVICES:
        _business_service(estate, offer, as_of)
    _rehearsal(estate)


def _needs(estate: Estate, consumer: str, row: App | Technical) -> None:
    here = estate.company.here
    estate.relate_all(consumer, "DEPENDS_ON", map(here, row.hard))
    estate.relate_all(consumer, "DEPENDS_ON", map(here, row.soft), strength=SOFT)
    for group in row.redundant:
        estate.relate_all(
            consumer,
            "DEPENDS_ON",
            map(here, group.members),
            redundancy_group=group.name,
            min_up=group.min_up,
            full_up=group.full_up,
            strength=SOFT if group.soft else None,
        )


def _business_service(estate: Estate, offer: Offer, as_of: date) -> None:
    here, named = estate.company.here, estate.company.name
    service = estate.add(
        "BusinessService",
        here(f"svc-{slug(offer.name)}"),
        named(offer.name),
        criticality=offer.criticality,
        user_count=offer.users,
    )
    instance = estate.add(
        "ServiceInstance",
        here(f"inst-{slug(offer.name)}"),
        f"{named(offer.name)} (production)",
        criticality=offer.criticality,
        environment="production",
    )
    estate.relate(service, "DEPENDS_ON", instance)
    estate.relate_all(instance, "DEPENDS_ON", map(here, (*offer.apps, *offer.technical)))
    estate.relate(service, "OWNED_BY", estate.heads[offer.unit])
    estate.supported(group_key(estate, offer.group), [service, instance])
    for each in (service, instance):
        estate.relate(each, "HAS_CALENDAR", here(f"hours-{slug(offer.calendar)}"))
    for customer in offer.customers:
        kind = "customer" if customer in roster.CUSTOMERS else "unit"
        estate.relate(service, "CONSUMED_BY", here(f"{kind}-{slug(customer)}"))
    availability, response, resolution = catalogue.LEVELS[offer.agreement]
    agreement = estate.add(
        "ServiceLevelAgreement",
        here(f"sla-{slug(offer.name)}"),
        f"{named(offer.name)} agreement",
        availability_target=availability,
        response_time=response,
        resolution_time=resolution,
        state="active",
        signed_at=f"{as_of.year - 2}-12-01",
        valid_from=f"{as_of.year - 1}-01-01",
        valid_until=f"{as_of.year + 1}-12-31",
    )
    estate.relate(service, "COVERED_BY", agreement)
    estate.relate(agreement, "HAS_CALENDAR", here(f"hours-{slug(offer.calendar)}"))


def _rehearsal(estate: Estate) -> None:
    """Write down the staging instance of the online shop: no business service needs it."""
    here = estate.company.here
    instance = estate.add(
        "ServiceInstance",
        here("inst-online-shop-staging"),
        estate.company.name("Online Shop (staging)"),
        criticality=4,
        environment="staging",
    )
    estate.relate_all(instance, "DEPENDS_ON", map(here, ("ham-stage-01/wildfly", "ts-name-resolution")))
    estate.supported(group_key(estate, "Shop Applications"), [instance])
