"""Identifier sets in order, refresh periods, and whose word counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.schema.identifiers import Identifier, Within
from knockon.schema.installed import read_model
from knockon.schema.values import seconds

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.schema.model import Model

MODEL = """
classes:
  Entity: {description: x, abstract: true, attributes: {name: {type: string, description: x}}}
  Box:
    description: x
    is_a: Entity
    refresh: P1DT12H
    attributes:
      serial: {type: string, description: x}
      tag: {type: string, description: x, null_overwrites: true}
    identifiers:
      - {name: tag, by: [tag]}
      - {name: serial, by: [serial], priority: 10}
      - {name: a name, by: [name], priority: 90}
  SmallBox:
    description: x
    is_a: Box
    refresh: PT30S
    identifiers:
      - {name: z, by: [name], within: HOLDS, parent: Shelf, priority: 90}
      - {name: y, by: [name, tag], within: HELD_BY, parent: Shelf, priority: 90}
  Shelf: {description: x, is_a: Entity}
  TinyBox: {description: x, is_a: SmallBox}
relationships:
  HOLDS: {inverse: HELD_BY, description: x, ends: [[Box, Shelf], [Shelf, Box]], impact: none, because: x}
sources:
  ranking: [dcim, scan, sheet]
  classes:
    Box: [scan, dcim]
    TinyBox: [sheet]
  attributes:
    Box: {serial: [sheet, scan], tag: [dcim]}
    SmallBox: {tag: [scan]}
"""
HELD, HOLDING = (Within("HOLDS", child_is_source=each, parent="Shelf") for each in (False, True))


@pytest.fixture
def model(tmp_path: Path) -> Model:
    file = tmp_path / "model.yaml"
    file.write_text(MODEL)
    return read_model([file])


def test_sets_come_by_priority_then_depth_then_name(model: Model) -> None:
    wanted = (
        Identifier("serial", ("serial",), None, 10, "Box"),
        Identifier("y", ("name", "tag"), HELD, 90, "SmallBox"),
        Identifier("z", ("name",), HOLDING, 90, "SmallBox"),
        Identifier("a name", ("name",), None, 90, "Box"),
        Identifier("tag", ("tag",), None, 100, "Box"),
    )
    assert model.classes["SmallBox"].identifiers == wanted
    assert model.classes["TinyBox"].identifiers == wanted
    assert [each.name for each in model.classes["Box"].identifiers] == ["serial", "a name", "tag"]


def test_a_refresh_period_is_inherited_unless_a_class_has_its_own(model: Model) -> None:
    periods = {name: each.refresh_seconds for name, each in model.classes.items()}
    assert periods == {"Entity": None, "Shelf": None, "Box": 129_600, "SmallBox": 30, "TinyBox": 30}


def test_null_overwrites_is_kept_with_the_attribute(model: Model) -> None:
    own = model.classes["TinyBox"].attributes
    assert [name for name, each in own.items() if each.spec.null_overwrites] == ["tag"]


@pytest.mark.parametrize(
    ("source", "class_name", "attribute", "rank"),
    [
        ("dcim", "Entity", None, 0),
        ("sheet", "Entity", "name", 2),
        ("stranger", "Entity", None, None),
        ("scan", "Box", None, 0),
        ("sheet", "Box", None, None),  # the class's list decides alone
        ("sheet", "Box", "serial", 0),
        ("dcim", "SmallBox", "serial", None),
        ("scan", "SmallBox", "serial", 1),
        ("dcim", "SmallBox", "name", 1),
        ("scan", "TinyBox", "tag", 0),  # the deeper class's rule for the attribute
        ("sheet", "TinyBox", "name", 0),
        ("scan", "TinyBox", "serial", 1),  # an attribute's rule above wins over the class's own list
    ],
)
def test_whose_word_counts(model: Model, source: str, class_name: str, attribute: str | None, rank: int | None) -> None:
    assert model.rank(source, class_name, attribute) == rank


@pytest.mark.parametrize(
    ("written", "length"),
    [("P1W", 604_800), ("P1DT2H3M4.5S", 93_784.5), ("PT0S", 0), ("PT90M", 5_400), ("PT1.000001S", 1.000001)],
)
def test_a_duration_in_seconds(written: str, length: float) -> None:
    assert seconds(written) == length


@pytest.mark.parametrize("written", ["P1M", "P1Y", "90", "", "P"])
def test_what_is_no_duration_has_no_length(written: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        seconds(written)
