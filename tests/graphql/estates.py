"""Estates with something of every class of the shipped model, linked in every way that it knows."""

from __future__ import annotations

from collections import defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

from tests.graphql.conftest import MODEL, SEEN, link, thing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from knockon.schema.model import Attribute
    from knockon.schema.observation import EntityObservation, Item

CONCRETE = sorted(name for name, each in MODEL.classes.items() if not each.spec.abstract)
SAMPLES = {"datetime": SEEN, "date": "2026-11-01", "integer": 1, "number": 1.5, "boolean": True, "duration": "P1D",
           "money": "5 EUR", "rrule": "FREQ=DAILY", "time_zone": "Europe/Berlin"}  # fmt: skip
TELLING: dict[str, dict[str, Any]] = {
    "Incident": {"kind": "outage", "state": "new", "opened_at": SEEN},
    "Change": {"state": "planned"},
    "Cluster": {"min_up": "1"},
    "ServiceLevelAgreement": {"availability_target": 99.5},
}
"""Values that give the questions about failures something to tell."""
MEANT: list[tuple[str, str, str, dict[str, Any]]] = [
    ("Incident", "AFFECTS", "Server", {}),
    ("Change", "CHANGES", "Server", {"effect": "down"}),
    ("BusinessService", "DEPENDS_ON", "Server", {}),
    ("BusinessService", "DEPENDS_ON", "Database", {}),
    ("Hypervisor", "MEMBER_OF", "Cluster", {}),
    ("BusinessService", "OWNED_BY", "Person", {}),
    ("BusinessService", "SUPPORTED_BY", "SupportGroup", {}),
    ("BusinessService", "CONSUMED_BY", "Organization", {}),
    ("BusinessService", "COVERED_BY", "ServiceLevelAgreement", {}),
    ("BusinessService", "HAS_CALENDAR", "Calendar", {}),
]
"""Relationships that do."""


def required(attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """Give values of those that must have one."""
    specs = [(each.name, each.spec) for each in attributes.values() if each.spec.required]
    return {
        key: spec.values[0] if spec.values else SAMPLES.get(key) or SAMPLES.get(spec.type, "x") for key, spec in specs
    }


def some_of_each_class(number: int, called: str = "some", *, telling: bool = False) -> Iterator[EntityObservation]:
    for name in CONCRETE:
        given = required(MODEL.classes[name].attributes) | (TELLING.get(name, {}) if telling else {})
        for i in range(number):
            yield thing(f"{called} {name} {i}", name, **{key: value for key, value in given.items() if key != "name"})


def ways() -> Iterator[tuple[str, str, str]]:
    """Give of each pair of ends of each relationship type two classes: class, type, class."""
    turn = count()
    for kind in MODEL.relationships.values():
        for ends in kind.spec.ends:
            sources, targets = (MODEL.concrete(each) for each in ends)
            i = next(turn)
            yield sources[i % len(sources)], kind.name, targets[i % len(targets)]


def linked() -> dict[str, list[str]]:
    """Give for each name of a relationship, as it reads from there, classes of which things have some."""
    found: dict[str, list[str]] = defaultdict(list)
    for start, kind, end in ways():
        found[kind].append(start)
        found[MODEL.relationships[kind].inverse].append(end)
    return found


def everything_linked(number: int) -> Iterator[Item]:
    """Give so many things of each class twice over, each with up to two others at the end of each relationship.

    What something is related to is another thing, never related to anything itself, but that services need ``hub``,
    and ``top`` needs servers.
    """
    yield from (each for each in some_of_each_class(number, telling=True) if each.class_name != "Server")
    yield from some_of_each_class(number, "more")
    for i in range(number):  # a finding about each server
        yield thing(f"some Server {i}", "Server", serial_number=f"S{i}")
        yield thing(f"double {i}", "Server", serial_number=f"S{i}")
    yield thing("hub", "Server")
    yield thing("top", "BusinessService", criticality=1)
    edges: dict[tuple[str, str, str], dict[str, Any]] = {}
    for i in range(number):
        for start, kind, end in ways():
            for other in (i, (i + 1) % number):
                own = required(MODEL.relationships[kind].attributes)
                edges[f"some {start} {i}", kind, f"more {end} {other}"] = own
        for start, kind, end, attributes in MEANT:
            edges[f"some {start} {i}", kind, f"some {end} {i}"] = attributes
        for name in MODEL.concrete("Service"):
            edges[f"some {name} {i}", "DEPENDS_ON", "hub"] = {}
        edges["hub", "MEMBER_OF", f"some Cluster {i}"] = {}
        edges["top", "DEPENDS_ON", f"some Server {i}"] = {}
        edges["top", "COVERED_BY", f"some ServiceLevelAgreement {i}"] = {}
    for (begin, kind, end), attributes in edges.items():
        yield link(begin, kind, end, **attributes)
