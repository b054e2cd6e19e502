"""``model show`` and ``schema``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from graphql import GraphQLObjectType, build_ast_schema, parse

from tests.cli.command import as_table

if TYPE_CHECKING:
    from tests.cli.command import Knockon

EXAMPLE = Path(__file__).parents[2] / "examples/model/wind-farm.yaml"
OWN = """
classes:
  Turbine:
    is_a: ComputerSystem
    description: "A turbine [with] a computer in it."
    refresh: P1D
    attributes:
      hub_height: {type: number, unit: metres, required: true, description: "Its height.", null_overwrites: true}
sources:
  classes: {Turbine: [scada, scan]}
  attributes: {Turbine: {hub_height: [survey]}}
"""


def test_a_class_of_ones_own_is_shown_with_what_it_inherits(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    knowing = knockon.knowing(KNOCKON_MODEL=str(tmp_path / "own.yaml"), COLUMNS="200")
    ran = knowing("model", "show", "Turbine")
    assert (ran.code, ran.err) == (0, "")
    text = as_table(ran.out)
    for wanted in (
        "Turbine < ComputerSystem < Hardware < ConfigurationItem < Entity",
        "A turbine [with] a computer in it.",
        "A source's word stays fresh for 86,400 s.",
        "Sources of hub_height, strongest first: survey.",
        "Sources of everything else, strongest first: scada, scan.",
        "hub_height number, metres required, null overwrites Turbine Its height.",
        "10 serial_number serial_number Hardware 20 asset_tag asset_tag Hardware 50 hostname hostname ComputerSystem",
        "POWERED_BY PowerSource Turbine needs PowerSource.",
        "ordered initial, open, does not count",
    ):
        assert wanted in text, text
    found = knowing("model", "show", "Turbine", "--json").json()
    assert found["refresh_seconds"] == 86_400
    assert [each["name"] for each in found["identifiers"]] == ["serial_number", "asset_tag", "hostname", "name"]


def test_a_relationship_type_is_shown_by_either_name(knockon: Knockon) -> None:
    ran = knockon("model", "show", "CONTAINED_IN")
    assert (ran.code, ran.err) == (0, "")
    assert "CONTAINS, read the other way round CONTAINED_IN" in as_table(ran.out)
    assert ran.out == knockon("model", "show", "CONTAINS").out


def test_a_slip_of_the_pen_is_answered_with_the_nearest_name(knockon: Knockon) -> None:
    ran = knockon("model", "show", "servr")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "knockon: BAD_USAGE: there is no class or relationship type 'servr'; did you mean Server?\n"


def test_an_extension_is_shown_checked_and_loaded(knockon: Knockon, tmp_path: Path) -> None:
    own = knockon.knowing(KNOCKON_MODEL=str(EXAMPLE), COLUMNS="200")
    assert own("model", "lint").code == 0
    assert "blade_slot" in own("model", "show", "Server").out
    assert "training" in own("model", "show", "Printer").out
    (tmp_path / "estate.yaml").write_text(
        "source: t\nentities:\n"
        "  - {class: Turbine, key: t1, name: mill, serial_number: M1, hub_height: 98, environment: training}\n"
        "  - {class: Server, key: s1, name: box, blade_slot: 3}\n"
        "relationships:\n  - {from: s1, type: POWERED_BY, to: t1}\n"
    )
    assert own("load", tmp_path / "estate.yaml", "--json").json()["created"] == 2
    (hit,) = own("impact", "Turbine:mill", "--json").json()["affected"]
    assert (hit["name"], hit["state"]) == ("box", "DOWN")
    refused = knockon("model", "show", "Turbine")
    assert refused.code == 2


def test_the_schema_has_the_classes_of_an_organisation(knockon: Knockon) -> None:
    ran = knockon.knowing(KNOCKON_MODEL=str(EXAMPLE))("schema")
    assert (ran.code, ran.err) == (0, "")
    turbine = build_ast_schema(parse(ran.out)).type_map["Turbine"]
    assert isinstance(turbine, GraphQLObjectType)
    assert str(turbine.fields["hubHeight"].type) == "Float"
