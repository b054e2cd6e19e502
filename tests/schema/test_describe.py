"""What ``model show`` says, held against the model that it speaks of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from knockon.errors import BadUsage
from knockon.schema.describe import describe
from knockon.schema.installed import installed_model, read_model, shipped_files

if TYPE_CHECKING:
    from pathlib import Path

MODEL = installed_model()


@pytest.mark.parametrize("name", [*MODEL.classes, *MODEL.relationships])
def test_everything_can_be_described_as_json(name: str) -> None:
    found = describe(MODEL, name)
    assert json.loads(json.dumps(found)) == found
    assert found["name"] == name
    declared = (MODEL.classes if name in MODEL.classes else MODEL.relationships)[name].attributes
    assert [each["name"] for each in found["attributes"]] == sorted(declared)


def test_every_relationship_of_a_class_reads_from_it() -> None:
    for name in MODEL.classes:
        for each in describe(MODEL, name)["relationships"]:
            direction = MODEL.direction(each["name"])
            assert direction
            kind, turned = direction
            pair = (each["other"], name) if turned else (name, each["other"])
            assert MODEL.allows(kind.name, *pair)
            assert each["impact"] or not (MODEL.concrete(pair[0]) and MODEL.concrete(pair[1]))


def test_impact_is_told_in_words() -> None:
    pod = {(each["name"], each["other"]): each["impact"] for each in describe(MODEL, "Pod")["relationships"]}
    assert pod["CONTAINED_IN", "ConfigurationItem"] == ["Pod needs ConfigurationItem."]
    assert pod["MEMBER_OF", "Workload"] == ["Workload needs Pod.", "Suppliers stand in for each other."]
    assert pod["DEPENDS_ON", "ConfigurationItem"] == [
        "Pod needs ConfigurationItem, when the edge has strength soft: DOWN makes it DEGRADED.",
        "Pod needs ConfigurationItem.",
    ]
    assert pod["AFFECTED_BY", "Record"][0].startswith("No failure flows: ")
    (ends,) = describe(MODEL, "HOSTED_ON")["ends"]
    assert ends["impact"] == ["The source needs the target."]


def test_identifier_sets_are_read_from_the_child() -> None:
    sets = describe(MODEL, "Pod")["identifiers"]
    assert [(each["name"], each["within"]) for each in sets] == [("uid", None), ("name_in_namespace", "CONTAINED_IN")]
    assert describe(MODEL, "Database")["identifiers"][0]["within"] == "RUNS_ON"


def test_whose_word_counts_is_told_for_class_and_attribute(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "sources:\n  ranking: [a, b]\n  classes: {Hardware: [b, c]}\n"
        "  attributes: {Hardware: {serial_number: [c]}, Server: {serial_number: [a, c]}}\n"
        "  discovers: {scan: [Hardware], agents: [Server], kubernetes: []}\n"
    )
    model = read_model([*shipped_files(), own])
    assert describe(model, "Server")["sources"] == {
        "ranking": ["b", "c"], "attributes": {"serial_number": ["a", "c"]}, "discovered_by": ["agents", "scan"],
    }  # fmt: skip
    assert describe(model, "Rack")["sources"] == {
        "ranking": ["b", "c"], "attributes": {"serial_number": ["c"]}, "discovered_by": ["scan"],
    }  # fmt: skip
    assert describe(model, "Application")["sources"] == {
        "ranking": ["a", "b"], "attributes": {}, "discovered_by": [],
    }  # fmt: skip


def test_a_relationship_is_found_by_its_inverse() -> None:
    assert describe(MODEL, "CONTAINED_IN") == describe(MODEL, "CONTAINS")


@pytest.mark.parametrize(
    ("name", "hint"), [("servr", "did you mean Server?"), ("runs on", "did you mean RUNS_ON?"), ("???", "model show")]
)
def test_a_name_that_nothing_has_is_refused_with_the_nearest(name: str, hint: str) -> None:
    with pytest.raises(BadUsage, match="there is no class or relationship type") as refused:
        describe(MODEL, name)
    assert hint in str(refused.value)
