"""Inheritance and the choice of rules, on a model made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.schema.build import plural
from knockon.schema.installed import installed_model, read_model
from knockon.schema.states import State

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.schema.model import Attributes, Model

MODEL = """
classes:
  Entity: {description: x, abstract: true, attributes: {name: {type: string, description: x}}}
  A:
    description: x
    is_a: Entity
    attributes:
      size: {type: integer, default: '3', description: x}
      on: {type: boolean, default: 'TRUE', description: x}
      mark: {type: string, description: x}
  AA: {description: x, is_a: A, plural: AAA, attributes: {mark: {type: string, required: true, description: x}}}
  AAB: {description: x, is_a: AA}
  B: {description: x, is_a: Entity}
  BB: {description: x, is_a: B}
relationships:
  LINK:
    inverse: LINKED
    description: x
    ends: [[A, B]]
    attributes:
      mode: {type: enum, values: [fast, slow], description: x}
      grade: {type: integer, default: '1', description: x}
    group: type
    groupings:
      - {ends: [A, BB], group: none}
      - {ends: [AA, B], group: type}
    impact:
      - {name: plain, flows: target_to_source, ends: [A, B]}
      - {name: deep target, flows: target_to_source, ends: [A, BB]}
      - {name: deep source, flows: source_to_target, ends: [AA, B], effect: {down: degraded}}
      - {name: on a fast edge, flows: none, because: x, ends: [A, B], when: {edge: {mode: fast}}}
      - name: on a fast edge of grade 1 or 2
        flows: target_to_source
        ends: [A, B]
        when: {edge: {mode: fast, grade: ['1', '2']}}
      - {name: of size 9, flows: source_to_target, ends: [A, B], priority: 5, when: {source: {size: '9'}}}
      - {name: switched off, flows: none, because: x, ends: [A, B], priority: 9, when: {source: {on: 'false'}}}
  RARE:
    inverse: RARELY
    description: x
    ends: [[A, B]]
    impact:
      - {name: marked, flows: target_to_source, ends: [A, B], when: {source: {mark: yes}}}
"""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    file = tmp_path / "model.yaml"
    file.write_text(MODEL)
    return read_model([file])


@pytest.mark.parametrize(
    ("source", "target", "values", "edge", "rule"),
    [
        ("A", "B", {}, {}, "plain"),
        ("A", "BB", {}, {}, "deep target"),
        ("AA", "BB", {}, {}, "deep source"),
        ("AAB", "BB", {}, {}, "deep source"),
        ("A", "B", {}, {"mode": "slow"}, "plain"),
        ("A", "B", {}, {"mode": "fast"}, "on a fast edge of grade 1 or 2"),
        ("A", "B", {}, {"mode": "fast", "grade": 2}, "on a fast edge of grade 1 or 2"),
        ("A", "B", {}, {"mode": "fast", "grade": 3}, "on a fast edge"),
        ("A", "BB", {}, {"mode": "fast"}, "deep target"),
        ("AA", "BB", {"size": 9}, {}, "of size 9"),
        ("AA", "BB", {"size": 9, "on": False}, {"mode": "fast"}, "switched off"),
    ],
)
def test_rules_are_chosen_by_priority_then_depth_then_conditions(
    model: Model, source: str, target: str, values: Attributes, edge: Attributes, rule: str
) -> None:
    chosen = model.impact_rule("LINK", source, target, {"source": values, "target": {}, "edge": edge})
    assert chosen is not None
    assert chosen.name == rule


def test_where_no_rule_fits_there_is_none(model: Model) -> None:
    assert model.impact_rule("RARE", "A", "B", {"source": {}, "target": {}, "edge": {}}) is None
    assert model.impact_rule("RARE", "A", "B", {"source": {"mark": "yes"}, "target": {}, "edge": {}}) is not None


def test_effects_are_completed(model: Model) -> None:
    rule = model.impact_rule("LINK", "AA", "B", {"source": {}, "target": {}, "edge": {}})
    assert rule is not None
    assert (rule.supplier, rule.effect) == (
        "source",
        (State.OPERATIONAL, State.AT_RISK, State.DEGRADED, State.DEGRADED),
    )


@pytest.mark.parametrize(
    ("source", "target", "grouped"), [("A", "B", True), ("A", "BB", False), ("AA", "B", True), ("AAB", "BB", True)]
)
def test_the_deepest_grouping_counts(model: Model, source: str, target: str, grouped: bool) -> None:
    assert model.grouped("LINK", source, target) is grouped


def test_classes_have_what_they_inherit(model: Model) -> None:
    deep = model.classes["AAB"]
    assert deep.lineage == ("AAB", "AA", "A", "Entity")
    assert deep.depth == 3
    assert {name: each.declared_by for name, each in deep.attributes.items()} == {
        "name": "Entity",
        "size": "A",
        "on": "A",
        "mark": "AA",
    }
    assert deep.attributes["mark"].spec.required
    assert not model.classes["A"].attributes["mark"].spec.required
    assert model.concrete("A") == ("A", "AA", "AAB")
    assert model.is_a("AAB", "A")
    assert not model.is_a("A", "AAB")


def test_defaults_have_their_types(model: Model) -> None:
    attributes = model.classes["A"].attributes
    assert (attributes["size"].spec.default, attributes["on"].spec.default) == (3, True)


def test_a_type_is_found_by_both_its_names(model: Model) -> None:
    by_name, by_inverse = model.direction("LINK"), model.direction("LINKED")
    assert by_name == (model.relationships["LINK"], False)
    assert by_inverse == (model.relationships["LINK"], True)
    assert model.direction("LINKS") is None
    assert model.allows("LINK", "AAB", "BB")
    assert not model.allows("LINK", "B", "A")


def test_the_version_changes_with_the_model_only(tmp_path: Path, model: Model) -> None:
    file = tmp_path / "again.yaml"
    file.write_text(MODEL)
    assert read_model([file]).version == model.version
    file.write_text(MODEL.replace("default: '3'", "default: '4'"))
    assert read_model([file]).version != model.version


def test_an_organisation_adds_classes_and_types(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(
        "classes:\n"
        "  Turbine: {description: Makes power., is_a: PowerSource}\n"
        "relationships:\n"
        "  COOLED_BY:\n"
        "    inverse: COOLS\n"
        "    description: Gets too hot without.\n"
        "    ends: [[Hardware, Hardware]]\n"
        "    impact: [{name: heat, flows: target_to_source, effect: {down: degraded}}]\n"
    )
    model = installed_model([str(file)])
    assert "serial_number" in model.classes["Turbine"].attributes
    assert model.allows("POWERED_BY", "Server", "Turbine")
    assert model.allows("COOLED_BY", "Server", "Turbine")
    assert model.version != installed_model().version


@pytest.mark.parametrize(
    ("one", "many"),
    [("Policy", "Policies"), ("Switch", "Switches"), ("UPS", "UPSs"), ("Day", "Days"), ("Box", "Boxes")],
)
def test_plurals(one: str, many: str) -> None:
    assert plural(one) == many
