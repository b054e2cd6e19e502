"""``generate``, ``export``, ``model lint`` and ``--version``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from knockon import __version__
from knockon.schema.installed import installed_model

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command import Knockon

OWN_CLASS = """
classes:
  Turbine:
    is_a: ComputerSystem
    description: A turbine with a computer in it.
"""


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(each.relative_to(folder)): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


def test_the_same_arguments_give_the_same_bytes(knockon: Knockon, tmp_path: Path) -> None:
    arguments = ("--size", "600", "--seed", "7", "--as-of", "2026-05-04")
    first = knockon("generate", "--out", "one", *arguments)
    assert (first.code, first.out) == (0, "")
    assert "knockon load one" in first.err
    knockon("generate", "--out", "two", *arguments)
    assert bytes_of(tmp_path / "one") == bytes_of(tmp_path / "two")
    knockon("generate", "--out", "three", "--size", "600", "--seed", "8", "--as-of", "2026-05-04")
    assert bytes_of(tmp_path / "one") != bytes_of(tmp_path / "three")
    assert {"entities.ndjson", "relationships.ndjson"} < bytes_of(tmp_path / "one").keys()


def test_what_is_generated_can_be_loaded_whole(knockon: Knockon) -> None:
    knockon("generate", "--out", "estate")
    report = knockon("load", "estate", "--json").json()
    assert report["created"] > 1_000
    assert report["rejects"] == report["findings"] == []


@pytest.mark.parametrize("arguments", [["--size", "5"], ["--as-of", "2026-13-01"], ["--size", "many"]])
def test_an_estate_that_cannot_be_made_is_wrong_use(knockon: Knockon, tmp_path: Path, arguments: list[str]) -> None:
    ran = knockon("generate", "--out", "estate", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err
    assert not (tmp_path / "estate").exists()


def test_a_path_that_cannot_be_written_is_one_sentence(estate: Knockon, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for arguments in (["generate", "--out", str(file)], ["export", "--out", str(file / "estate.json")]):
        ran = estate(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"knockon: BAD_USAGE: {arguments[-1]} cannot be written (")
        assert ran.err.count("\n") == 1


def test_export_gives_entities_and_relationships(estate: Knockon) -> None:
    whole = estate("export", "--format", "json").json()
    assert whole.keys() == {"revision", "entities", "relationships"}
    entities = {each["id"]: each for each in whole["entities"]}
    assert len(entities) == 12
    (iron,) = (each for each in entities.values() if each["name"] == "iron-1")
    assert (iron["class"], iron["serial_number"]) == ("Server", "00123")
    named = {(entities[e["from"]]["name"], e["type"], entities[e["to"]]["name"]) for e in whole["relationships"]}
    assert named == {
        ("ESX1", "RUNS_ON", "iron-1"), ("ESX2", "RUNS_ON", "iron-2"), ("ESX1", "MEMBER_OF", "Farm"),
        ("ESX2", "MEMBER_OF", "Farm"), ("vm", "HOSTED_ON", "Farm"), ("shop=app", "RUNS_ON", "vm"),
        ("shop=app", "DEPENDS_ON", "mail"), ("Shop", "DEPENDS_ON", "shop=app"),
        ("iron-2 is dead", "AFFECTS", "iron-2"),
    }  # fmt: skip
    assert [entities[e["to"]]["name"] for e in whole["relationships"] if e.get("strength") == "soft"] == ["mail"]


def test_an_identical_reload_changes_nothing_but_the_revision(knockon: Knockon, tmp_path: Path) -> None:
    knockon("generate", "--out", "estate")
    exports = []
    for name in ("before.json", "after.json"):
        assert knockon("load", "estate").code == 0
        ran = knockon("export", "--out", name)
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        exports.append(json.loads((tmp_path / name).read_bytes()))
    before, after = exports
    assert before.pop("revision") < after.pop("revision")
    assert before == after


def test_the_shipped_model_has_no_mistakes(knockon: Knockon) -> None:
    ran = knockon("model", "lint")
    assert (ran.code, ran.out, ran.err) == (0, "", "No mistakes.\n")
    assert knockon("model", "lint", "--json").json() == []


def test_a_mistake_is_told_with_file_and_line(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN_CLASS)
    assert knockon("model", "lint", "own.yaml").code == 0
    (tmp_path / "own.yaml").write_text(OWN_CLASS.replace("ComputerSystem", "Nonsense"))
    ran = knockon("model", "lint", "own.yaml")
    assert ran.code == 1
    assert ran.out.startswith("own.yaml:4: ")
    assert "Nonsense" in ran.out
    assert ran.err == "1 mistake. Mend it and look again: what rests on it is checked then.\n"
    (tmp_path / "own.yaml").write_text(OWN_CLASS.replace("ComputerSystem", "Nonsense") + "  Fan: {is_a: Turbine}\n")
    assert knockon("model", "lint", "own.yaml").err.startswith("2 mistakes. Mend these ")
    (tmp_path / "own.yaml").write_text(OWN_CLASS.replace("ComputerSystem", "Nonsense"))
    by_setting = knockon.knowing(KNOCKON_MODEL=str(tmp_path / "own.yaml"))
    as_json = by_setting("model", "lint", "--json")
    assert as_json.code == 1
    assert [(each["file"], each["line"]) for each in json.loads(as_json.out)] == [(str(tmp_path / "own.yaml"), 4)]
    refused = by_setting("export")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith("knockon: MODEL_INVALID: ")


def test_a_deeply_nested_file_is_refused_with_its_line(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "deep.yaml").write_text("a: " + "[" * 100_000)
    for arguments in (["load", "deep.yaml", "--source", "s"], ["model", "lint", "deep.yaml"]):
        ran = knockon(*arguments)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("knockon: FILE_NOT_PARSED: deep.yaml:1: ")


def test_classes_of_ones_own_can_be_loaded(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN_CLASS)
    own = knockon.knowing(KNOCKON_MODEL=str(tmp_path / "own.yaml"))
    line = '{"class": "Turbine", "key": "t", "name": "T1"}'
    assert "Turbine" not in installed_model().classes
    assert knockon("load", "-", "--source", "s", stdin=line).code == 1
    assert own("load", "-", "--source", "s", stdin=line).code == 0
    assert [each["class"] for each in own("export").json()["entities"]] == ["Turbine"]


def test_the_version_is_told(knockon: Knockon) -> None:
    ran = knockon("--version")
    assert (ran.code, ran.out, ran.err) == (0, f"knockon {__version__}\n", "")


def test_a_command_that_does_not_exist_is_wrong_use(knockon: Knockon) -> None:
    ran = knockon("fly")
    assert (ran.code, ran.out) == (2, "")
    assert "No such command" in ran.err
