"""Large estates: the same company many times over, leaning on each other the more, the older they are."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import TYPE_CHECKING

from knockon.errors import BadUsage
from knockon.sample import (
    addresses,
    blueprint,
    compute,
    duties,
    facilities,
    outlook,
    papers,
    people,
    planted,
    platform,
    services,
    software,
    workplace,
)
from knockon.sample.blueprint import HOME, Machine
from knockon.sample.estate import SOFT, Company, Estate, Site
from knockon.sample.follow_up import FollowUp
from knockon.sample.records import Chronicle

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 1
AS_OF = date(2026, 11, 1)
"""The day of the demonstration; fixed, so that it is the same tomorrow."""
_HOME_RECORDS = {"faults": 190, "changes": 210, "requests": 110}
_OTHER_RECORDS = {"faults": 20, "changes": 20, "requests": 10}
_LINKS = 6
"""How many applications of a company lean on one of an older company."""
_CITIES = (
    ("gda", "Gdansk"), ("tur", "Turin"), ("por", "Porto"), ("gnt", "Ghent"), ("brn", "Brno"), ("mal", "Malmo"),
    ("grz", "Graz"), ("bil", "Bilbao"), ("tal", "Tallinn"), ("cor", "Cork"), ("plo", "Plovdiv"), ("pat", "Patras"),
    ("tam", "Tampere"), ("bas", "Basel"), ("clu", "Cluj"), ("spl", "Split"),
)  # fmt: skip


def generate(*, size: int | None = None, seed: int = SEED, as_of: date = AS_OF) -> Iterator[Estate]:
    """Make an estate of ``size`` configuration items, or the sample company, seen on the day ``as_of``.

    It comes in parts, one company each, of which every part refers to itself and to the first one
    or an earlier one; only one is in memory at a time. The same arguments give the same records.

    Raises
    ------
    BadUsage
        If ``size`` is below that of one company.
    """
    home = _company(HOME, seed, as_of)
    each = home.ci_count()
    if size is not None and size < each:
        raise BadUsage(f"The smallest sample estate has {each} configuration items; ask for --size {each} or more.")
    companies, rest = divmod(each if size is None else size, each)
    fill(home, rest)
    _records(home, seed, as_of, _HOME_RECORDS)
    yield home
    for number in range(1, companies):
        part = _company(_other(number), seed, as_of)
        _lean(part, number, seed)
        _records(part, seed, as_of, _OTHER_RECORDS)
        yield part


def fill(estate: Estate, machines: int) -> None:
    """Add so many virtual machines, of which reporting uses those that are up."""
    here = estate.company.here
    for number in range(1, machines + 1):
        machine = compute.virtual_machine(estate, Machine(f"ham-grid-{number:04}", "Business Applications"))
        estate.relate(
            here("app-report-studio"), "DEPENDS_ON", machine, redundancy_group="grid", min_up="10%", strength=SOFT
        )


def _company(company: Company, seed: int, as_of: date) -> Estate:
    estate = Estate(company)
    planted.tell(estate)
    people.lay_out(estate, _random(seed, company, "people"), as_of)
    facilities.lay_out(estate)
    compute.lay_out(estate)
    platform.lay_out(estate)
    services.lay_out(estate, as_of)
    addresses.lay_out(estate, as_of)
    software.lay_out(estate)
    workplace.lay_out(estate, as_of)
    workplace.processes(estate)
    platform.watch(estate)
    papers.lay_out(estate, as_of)
    duties.lay_out(estate, as_of)
    outlook.lay_out(estate, as_of)
    return estate


def _records(estate: Estate, seed: int, as_of: date, counts: dict[str, int]) -> None:
    Chronicle(estate, _random(seed, estate.company, "records"), as_of).write(**counts)
    FollowUp(estate, as_of).write()


def _random(seed: int, company: Company, purpose: str) -> Random:
    """Give a generator of its own to each company and purpose: a change in one leaves the others alone."""
    return Random(f"{seed}/{company.mark}/{purpose}")  # noqa: S311  invented data, no secret


def _other(number: int) -> Company:
    """Give the company with this number; the first one, 0, is HOME."""
    sites = []
    for half in (0, 1):
        code, city = _CITIES[(2 * number + half) % len(_CITIES)]
        sites.append(Site(f"{code}{number:03}", f"{city} {number}", "Europe/Berlin"))
    return Company(sites[0], sites[1], f"c{number:03}")


def _lean(estate: Estate, number: int, seed: int) -> None:
    """Let a company use services of the first one and applications of older ones, the oldest most."""
    random = _random(seed, estate.company, "leaning")
    applications = estate.keys("Application")
    for key in applications:
        estate.relate(key, "DEPENDS_ON", "ts-directory", strength=SOFT)
    estate.relate(estate.company.here("ts-wide-area-network"), "DEPENDS_ON", "ts-wide-area-network")
    for key in random.sample(applications, _LINKS):
        older = int(number * random.random() ** 3)
        company = _other(older) if older else HOME
        wanted = random.choice(blueprint.PUBLIC_APPLICATIONS)
        estate.relate(key, "DEPENDS_ON", company.here(wanted), strength=random.choice((None, SOFT, SOFT)))
