"""Units, customers, suppliers, contracts, calendars, support groups, and the people in them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from knockon.sample import roster
from knockon.sample.estate import slug

if TYPE_CHECKING:
    from datetime import date
    from random import Random

    from knockon.sample.estate import Estate


def lay_out(estate: Estate, random: Random, as_of: date) -> None:
    """Write down all parties, contracts and calendars; ``random`` draws the names of people."""
    here, named = estate.company.here, estate.company.name
    company = estate.add("InternalUnit", here("unit-company"), named("Alster & Rhône Trading"))
    for name, cost_center in roster.UNITS:
        unit = estate.add("InternalUnit", here(f"unit-{slug(name)}"), named(name), cost_center=cost_center)
        estate.relate(unit, "PART_OF", company)
    for number, name in enumerate(roster.CUSTOMERS, start=1):
        estate.add(
            "Customer", here(f"customer-{slug(name)}"), named(name), customer_number=here(f"C-{1000 + 17 * number}")
        )
    for name, key, resolution in roster.SUPPLIERS:
        supplier = estate.add("Supplier", here(f"supplier-{key}"), named(name), confirmed_at=f"{as_of.year}-02-10")
        contract = estate.add(
            "UnderpinningContract",
            here(f"contract-{key}"),
            f"{named(name)} contract",
            contract_number=here(f"UC-{as_of.year - 1}-{key.upper()}"),
            resolution_time=resolution,
            state="active",
            signed_at=f"{as_of.year - 1}-03-02",
            valid_from=f"{as_of.year - 1}-04-01",
            valid_until=f"{as_of.year + 2}-03-31",
        )
        estate.relate(contract, "PROVIDED_BY", supplier)
    for name, rule, duration, time_zone in roster.CALENDARS:
        estate.add(
            "Calendar", here(f"hours-{slug(name)}"), named(name), rrule=rule, duration=duration, time_zone=time_zone
        )
    _staff(estate, random)


def _staff(estate: Estate, random: Random) -> None:
    here = estate.company.here
    posts = len(roster.UNITS) + sum(size for _, size, _ in roster.GROUPS)
    first = random.sample(roster.FIRST_NAMES, len(roster.FIRST_NAMES))
    last = random.sample(roster.LAST_NAMES, len(roster.LAST_NAMES))
    names = iter([f"{first[n % len(first)]} {last[n % len(last)]}" for n in range(posts)])
    numbers = iter(range(20_001, 20_001 + posts))
    information_technology = here("unit-information-technology")
    for name, _ in roster.UNITS:
        head = _person(estate, next(names), next(numbers), f"Head of {name}")
        estate.relate(head, "PART_OF", here(f"unit-{slug(name)}"))
        estate.relate(head, "HAS_ROLE", here(f"unit-{slug(name)}"), role="head")
        estate.relate(head, "USES", here("svc-management-reporting"))
        estate.heads[name] = head
    for name, size, on_call in roster.GROUPS:
        group = estate.add(
            "SupportGroup",
            here(f"group-{slug(name)}"),
            estate.company.name(name),
            email=f"{slug(name)}@{domain(estate)}",
            on_call=on_call,
            skills_needed=list(roster.SKILLS[name]),
        )
        estate.relate(group, "PART_OF", information_technology)
        hours = "round-the-clock" if on_call else "office-hours-europe"
        estate.relate(group, "HAS_CALENDAR", here(f"hours-{hours}"))
        for post in range(size):
            title = f"{name} coordinator" if post == 0 else f"{name} specialist"
            skills = roster.SKILLS[name] if post == 0 else roster.SKILLS[name][:1]
            person = _person(estate, next(names), next(numbers), title, skills)
            estate.relate(person, "MEMBER_OF", group)
            estate.relate(person, "PART_OF", information_technology)
            estate.relate(person, "HAS_ROLE", group, role="coordinator" if post == 0 else "specialist")
            if on_call:
                estate.relate(person, "USES", here("svc-remote-access"))
            if name == "Shop Applications":
                estate.relate(person, "USES", here("inst-online-shop-staging"))


def _person(estate: Estate, name: str, number: int, title: str, skills: tuple[str, ...] = ()) -> str:
    address = ".".join(_plain(part) for part in name.split())
    return estate.add(
        "Person",
        estate.company.here(f"person-{number}"),
        name,
        email=f"{address}@{domain(estate)}",
        employee_number=estate.company.here(f"E{number}"),
        job_title=title,
        skills=list(skills) or None,
    )


def domain(estate: Estate) -> str:
    """Give the domain that a company's addresses are in."""
    mark = estate.company.mark
    return f"{mark}.example.com" if mark else "example.com"


def _plain(text: str) -> str:
    """Give a name's letters without their accents, for an address."""
    spelled = text.lower().replace("ø", "o").replace("ł", "l").replace("ß", "ss")
    bare = unicodedata.normalize("NFKD", spelled)
    return "".join(letter for letter in bare if letter.isascii() and (letter.isalnum() or letter == "-"))
