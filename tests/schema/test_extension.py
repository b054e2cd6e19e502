"""An organisation's file adds to ours under ``extend``; mistakes in it are told at its own lines."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

import pytest

from knockon.errors import ModelInvalid
from knockon.graphql.schema import build_schema
from knockon.schema.installed import installed_model, read_model, shipped_files
from knockon.schema.lint import mistakes
from knockon.schema.observation import EntityObservation, Reject
from knockon.schema.states import State
from knockon.schema.validate import entity

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.schema.model import Model

OWN = """\
extend:
  classes:
    Server:
      attributes:
        blade_slot: {type: integer, minimum: 1, unit: none, description: "Slot of the blade in its chassis."}
      identifiers:
        - {name: slot, by: [blade_slot], within: LOCATED_IN, parent: Place, priority: 40}
      refresh: P7D
    ComputerSystem:
      identifiers:
        - {name: hostname, priority: 5}
    ConfigurationItem:
      attributes:
        environment: {values: [training], recommended: true}
  relationships:
    DEPENDS_ON:
      attributes:
        contact: {type: string, description: "Whom to ask about it."}
      impact:
        - {name: soft, effect: {down: at_risk}}
    HAS_CALENDAR:
      ends:
        - [Turbine, Calendar]
    REPLICATES:
      impact:
        - {name: sync, flows: target_to_source, ends: [Database, Database], when: {edge: {evidence: observed}}}
  lifecycles:
    incident:
      states:
        in_progress: {moves: [with_vendor, resolved]}
        with_vendor: {description: "The maker looks into it.", open: true, in_effect: true, moves: [in_progress]}
classes:
  Turbine:
    description: Makes power out of wind.
    is_a: PowerSource
"""


def written(tmp_path: Path, text: str, name: str = "own.yaml") -> Path:
    file = tmp_path / name
    file.write_text(dedent(text))
    return file


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return read_model(extra=[written(tmp_path, OWN)])


def test_it_is_a_good_model(tmp_path: Path) -> None:
    assert mistakes([*shipped_files(), written(tmp_path, OWN)]) == []
    assert mistakes([written(tmp_path, OWN), *shipped_files()]) == []


def test_what_is_added_is_there_and_the_rest_as_it_was(model: Model) -> None:
    ours = installed_model()
    server = model.classes["Server"]
    assert server.attributes.keys() - ours.classes["Server"].attributes.keys() == {"blade_slot"}
    assert server.refresh_seconds == 7 * 86_400
    assert [each.name for each in server.identifiers] == ["hostname", "serial_number", "asset_tag", "slot", "name"]
    hostname = next(each for each in server.identifiers if each.name == "hostname")
    assert (hostname.by, hostname.priority) == (("hostname",), 5)
    environment = server.attributes["environment"].spec
    before = ours.classes["Server"].attributes["environment"].spec
    assert environment.values == (*before.values, "training")
    assert environment.recommended
    assert environment.description == before.description
    assert model.classes["Switch"].spec == ours.classes["Switch"].spec
    assert model.version != ours.version


def test_rules_are_refined_and_added(model: Model) -> None:
    def effect(of: Model, kind: str, ends: str, **edge: str) -> tuple[State, ...]:
        rule = of.impact_rule(kind, ends, ends, {"source": {}, "target": {}, "edge": edge})
        assert rule is not None
        return rule.effect if rule.supplier else ()

    assert effect(model, "DEPENDS_ON", "Server", strength="soft")[State.DOWN] is State.AT_RISK
    assert effect(model, "DEPENDS_ON", "Server", strength="hard")[State.DOWN] is State.DOWN
    assert effect(model, "REPLICATES", "Database", evidence="observed")[State.DOWN] is State.DOWN
    assert effect(model, "REPLICATES", "Database") == effect(model, "REPLICATES", "Server") == ()
    silent = model.impact_rule("REPLICATES", "Server", "Server", {"source": {}, "target": {}, "edge": {}})
    assert silent is not None
    assert silent.because == installed_model().relationships["REPLICATES"].spec.because


def test_ends_states_and_attributes_of_edges_are_added(model: Model) -> None:
    assert model.allows("HAS_CALENDAR", "Turbine", "Calendar")
    assert model.state_of("Incident", {"state": "with_vendor"}).known
    lifecycle = model.lifecycle("Incident")
    assert lifecycle
    assert (lifecycle.moves("in_progress"), lifecycle.moves("with_vendor")) == (
        ("with_vendor", "resolved"),  # in place of those that were there
        ("in_progress",),
    )
    assert "contact" in model.relationships["DEPENDS_ON"].attributes


def test_records_and_the_api_know_it(model: Model) -> None:
    typed = entity(model, EntityObservation("t", "s1", "Server", {"blade_slot": "3", "environment": "training"}, None))
    assert not isinstance(typed, Reject)
    assert typed.attributes == {"blade_slot": 3, "environment": "training"}
    api = build_schema(model).as_str()
    assert "bladeSlot: " in api
    assert "type Turbine implements " in api


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("extend:\n  classes:\n    Sever: {refresh: P1D}", 3, "did you mean Server?"),
        ("extend: [Server]", 1, "extend must be a mapping"),
        ("extend:\n  sources: {}", 2, "extend cannot add to 'sources'"),
        ("extend:\n  classes: [Server]", 2, "must be a mapping of names"),
        ("extend:\n  classes:\n    Server: 7", 3, "must be a mapping of attributes"),
        ("extend:\n  classes:\n    Server:\n      is_a: Rack", 4, "Server.is_a cannot be changed"),
        ("extend:\n  classes:\n    Server:\n      attributes: [x]", 4, "Server.attributes: this must be a mapping"),
        ("extend:\n  classes:\n    Server:\n      identifiers: {}", 4, "Server.identifiers: this must be a list"),
        (
            "extend:\n  classes:\n    Incident:\n      attributes:\n        kind:\n          type: string",
            6, "Incident.attributes.kind: its type cannot be changed",
        ),
        (
            "extend:\n  classes:\n    Server:\n      attributes:\n        slot: {type: integr, description: x}",
            5, "Server.attributes.slot.type",
        ),
        (
            "extend:\n  classes:\n    Server:\n      attributes:\n        slot: {type: integer}",
            5, "description is missing",
        ),
        (
            "extend:\n  classes:\n    Server:\n      identifiers:\n        - {name: slot, by: [slot]}",
            5, "by names slot, and there is no such attribute",
        ),
        (
            "extend:\n  relationships:\n    USES:\n      ends:\n        - [Persn, Server]",
            5, "ends names Persn, and there is no such class; did you mean Person?",
        ),
        (
            "extend:\n  relationships:\n    RUNS_ON:\n      impact:\n        - {name: host, effect: {at_risk: down}}",
            5, "worse than the supplier's state",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_the_line_of_the_extension(tmp_path: Path, text: str, line: int, said: str) -> None:
    own = written(tmp_path, text)
    found = mistakes([*shipped_files(), own])
    assert [(each.file, each.line) for each in found] == [(str(own), line)]
    assert said in found[0].message


def test_two_files_may_add_and_not_contradict(tmp_path: Path) -> None:
    one = written(
        tmp_path, "extend: {classes: {Server: {refresh: P1D, attributes: {a1: {type: string, description: x.}}}}}"
    )
    other = written(
        tmp_path, "extend: {classes: {Server: {attributes: {a2: {type: string, description: x.}}}}}", "o.yaml"
    )
    assert {"a1", "a2"} <= read_model(extra=[one, other]).classes["Server"].attributes.keys()
    again = written(tmp_path, "extend: {classes: {Server: {refresh: P2D}}}", "again.yaml")
    with pytest.raises(ModelInvalid, match=r"again\.yaml:1: Server\.refresh is already set by .*own\.yaml:1"):
        read_model(extra=[one, again])


def test_a_class_and_an_attribute_can_be_called_sensitive(tmp_path: Path) -> None:
    text = """\
        extend:
          classes:
            Agreement: {sensitive: true}
            Hardware: {attributes: {serial_number: {sensitive: true}}}
    """
    model = read_model(extra=[written(tmp_path, text)])
    contract = model.classes["Contract"].attributes
    assert {name for name, each in contract.items() if not each.spec.sensitive} == {"name"}
    assert model.classes["Server"].attributes["serial_number"].spec.sensitive
    assert not model.classes["Server"].attributes["name"].spec.sensitive
    assert not model.classes["Person"].attributes["description"].spec.sensitive
