"""What the oracle's cases are said in: a small model, short ways to say loads and decisions, and to read estates."""

from __future__ import annotations

import json
from typing import Any

import yaml

from knockon.schema.build import build
from knockon.schema.spec import ModelSpec
from tests.cmdb.oracle import Decision, EdgeReport, EntityReport, Estate, Load, Rules, judge

MODEL = build(
    ModelSpec.model_validate(
        yaml.safe_load("""
classes:
  Entity:
    description: x
    abstract: true
    attributes: {name: {type: string, description: x}, note: {type: string, description: x}}
  Computer:
    description: x
    is_a: Entity
    attributes:
      serial: {type: string, description: x}
      tag: {type: string, description: x}
      host: {type: string, description: x}
    identifiers: [{name: serial, by: [serial]}, {name: tag, by: [tag]}, {name: name, by: [name]}]
  Server: {description: x, is_a: Computer, identifiers: [{name: host, by: [host]}]}
  Rackmount: {description: x, is_a: Server, attributes: {units: {type: string, description: x}}}
  Printer: {description: x, is_a: Computer, attributes: {colour: {type: string, description: x}}}
  Database:
    description: x
    is_a: Entity
    identifiers: [{name: in_host, by: [name], within: RUNS_ON, parent: Computer}]
  Table: {description: x, is_a: Entity, identifiers: [{name: in_base, by: [name], within: INSIDE, parent: Database}]}
relationships:
  RUNS_ON: {inverse: RUNS, description: x, impact: none, because: x, ends: [[Database, Computer]]}
  HOLDS: {inverse: INSIDE, description: x, impact: none, because: x, ends: [[Database, Table]]}
  NEEDS: {inverse: NEEDED, description: x, impact: none, because: x, ends: [[Computer, Computer]]}
""")
    )
)
RULES = Rules(
    priorities={
        ("Computer", "serial"): 10, ("Computer", "tag"): 20, ("Server", "host"): 20, ("Computer", "name"): 30,
    },
    ranks={("", ""): ("strong", "weak"), ("Server", ""): ("strong", "weak", "a"), ("Computer", "tag"): ("weak",)},
    refresh={"Computer": 86400},
    null_overwrites=frozenset({("Computer", "host")}),
)  # fmt: skip
T1, T2, T3, T4 = (f"2026-11-0{day}T08:00:00Z" for day in range(1, 5))


def thing(key: str, class_name: str = "Server", seen: str | None = None, **attributes: Any) -> EntityReport:
    return EntityReport(key, class_name, attributes, seen)


def edge(start: str, kind: str, end: str, seen: str | None = None, **attributes: Any) -> EdgeReport:
    return EdgeReport(start, kind, end, attributes, seen)


def load(source: str, *items: EntityReport | EdgeReport, seen: str = T1, **more: Any) -> Load:
    entities = tuple(each for each in items if isinstance(each, EntityReport))
    edges = tuple(each for each in items if isinstance(each, EdgeReport))
    return Load(source, seen, entities, edges, **more)


def link(a: str, b: str, at: str = T1, *, taken_back: bool = False) -> Decision:
    return decide("link", a, b, at, taken_back=taken_back)


def apart(a: str, b: str, at: str = T1) -> Decision:
    return decide("apart", a, b, at)


def decide(kind: Any, a: str, b: str, at: str, *, taken_back: bool = False) -> Decision:
    (one, first), (other, second) = a.split(":"), b.split(":")
    return Decision(kind, (one, first), (other, second), at, taken_back)


def estate(*said: Load | Decision) -> Estate:
    loads = [each for each in said if isinstance(each, Load)]
    return judge(MODEL, RULES, loads, [each for each in said if isinstance(each, Decision)])


def words(records: frozenset[tuple[str, str]]) -> str:
    return " ".join(sorted(":".join(each) for each in records))


def parts(*said: Load | Decision) -> set[str]:
    return {words(records) for records, *_ in estate(*said).things}


def findings(*said: Load | Decision) -> set[tuple[str, str]]:
    return {(code, words(records)) for code, records in estate(*said).findings}


def only(*said: Load | Decision) -> tuple[str, str, dict[str, Any]]:
    """Class, name and attributes of the one thing there is."""
    ((_, class_name, name, attributes),) = estate(*said).things
    return class_name, name, json.loads(attributes)


TWO = load("a", thing("1", name="one"), thing("2", name="two"))


def edges(*said: Load | Decision) -> set[tuple[str, str, str, str, str]]:
    return {(kind, words(a), words(b), group, values) for kind, a, b, group, values in estate(*said).edges}
