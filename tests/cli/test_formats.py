"""Answers as pictures and lists for other tools."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import networkx as nx
import pytest

if TYPE_CHECKING:
    from tests.cli.command import Knockon


def test_graphml_has_what_the_json_answer_has(estate: Knockon) -> None:
    answer = estate("impact", "ESX1", "--json").json()
    graph = nx.parse_graphml(estate("impact", "ESX1", "--format", "graphml").out)
    wanted = {each["id"]: each["state"] for each in (*answer["seeds"], *answer["affected"])}
    assert {id_: data["state"] for id_, data in graph.nodes(data=True) if "state" in data} == wanted
    steps = {(step["from"], step["type"], step["to"]) for each in answer["affected"] for step in each["path"]}
    assert {(source, data["type"], target) for source, target, data in graph.edges(data=True)} == steps


def test_csv_is_a_line_for_each(estate: Knockon) -> None:
    rows = list(csv.DictReader(io.StringIO(estate("impact", "ESX1", "--format", "csv").out)))
    answer = estate("impact", "ESX1", "--json").json()
    assert [(row["name"], row["state"]) for row in rows][: 1 + len(answer["affected"])] == [
        (each["name"], each["state"]) for each in (*answer["seeds"], *answer["affected"])
    ]
    assert rows[0]["mark"] == "asked: down"


@pytest.mark.parametrize(("name", "first"), [("mermaid", "flowchart LR"), ("dot", "digraph knockon {")])
def test_pictures_are_drawn_of_both_questions(estate: Knockon, name: str, first: str) -> None:
    for question in ("impact", "supports"):
        drawn = estate(question, "ESX1", "--format", name).out
        assert drawn.splitlines()[0] == first
        assert "ESX1" in drawn


def test_two_formats_at_once_are_refused(estate: Knockon) -> None:
    ran = estate("impact", "ESX1", "--json", "--format", "csv")
    assert (ran.code, ran.out) == (2, "")
    assert "choose one" in ran.err


OVERLAY = """
remove: [ESX2]
"""
SCENARIO = """
scenarios:
  - name: one host may fail
    when: [ESX1]
    then: [{ref: Shop, at_worst: at_risk}]
  - name: both may not
    when: [ESX1, ESX2]
    then: [{ref: Shop, at_worst: degraded}, {ref: vm, at_worst: at_risk}]
"""


def lines(estate: Knockon, *arguments: str, code: int = 0) -> list[dict[str, str]]:
    ran = estate(*arguments, "--format", "csv")
    assert (ran.code, ran.err) == (code, "")
    return list(csv.DictReader(io.StringIO(ran.out)))


def test_every_list_is_a_sheet_with_the_rows_of_its_json(estate: Knockon) -> None:
    (estate.home / "overlay.yaml").write_text(OVERLAY)
    (estate.home / "scenarios.yaml").write_text(SCENARIO)
    needs = estate("dependencies", "Shop", "--json").json()["needs"]
    assert [row["name"] for row in lines(estate, "dependencies", "Shop")] == [each["name"] for each in needs]
    common = lines(estate, "dependencies", "Shop", "vm", "--common")
    assert ("Farm", "3", "1") in {(row["name"], row["distance_1"], row["distance_2"]) for row in common}
    way = lines(estate, "paths", "Shop", "Farm")
    assert [(row["path"], row["step"], row["from_name"], row["to_name"]) for row in way] == [
        ("1", "1", "Shop", "shop=app"), ("1", "2", "shop=app", "vm"), ("1", "3", "vm", "Farm"),
    ]  # fmt: skip
    points = lines(estate, "spof", "Shop")
    assert {(row["name"], row["state"]) for row in points} >= {("Farm", "DOWN"), ("mail", "DEGRADED")}
    shifts = lines(estate, "what-if", "overlay.yaml", "ESX1")
    assert ("Shop", "AT_RISK", "DOWN", "worse") in {
        (row["name"], row["before"], row["after"], row["change"]) for row in shifts
    }
    waves = lines(estate, "rolling-order", "ESX1", "ESX2", "Farm")
    assert [(row["wave"], row["name"]) for row in waves] == [("1", "ESX1"), ("2", "ESX2"), ("", "Farm")]
    layers = lines(estate, "recovery-order", "vm")
    assert (layers[-1]["name"], layers[-1]["by_hand"]) == ("vm", "no")
    assert {row["name"] for row in lines(estate, "availability", "vm", "--samples", "100")} >= {"vm", "Farm", "ESX1"}
    ended = lines(estate, "scenario", "run", "scenarios.yaml", code=1)
    assert [(row["name"], row["outcome"]) for row in ended] == [
        ("one host may fail", "passed"), ("both may not", "failed"), ("both may not", "failed"),
    ]  # fmt: skip
    radii = lines(estate, "analyse", "blast-radius")
    assert ("Farm", "3", "1") in {(row["name"], row["DOWN"], row["services_DOWN"]) for row in radii}
    spof = lines(estate, "analyse", "spof")
    assert ("Shop", "Farm") in {(row["service_name"], row["name"]) for row in spof}


@pytest.mark.parametrize(
    "question",
    [["dependencies", "Shop"], ["paths", "Shop", "ESX1"], ["spof", "Shop"], ["what-if", "overlay.yaml", "ESX1"]],
)
def test_what_has_a_graph_is_drawn(estate: Knockon, question: list[str]) -> None:
    (estate.home / "overlay.yaml").write_text(OVERLAY)
    assert estate(*question, "--format", "mermaid").out.startswith("flowchart LR")
    assert estate(*question, "--format", "dot").out.startswith("digraph knockon {")
    graph = nx.parse_graphml(estate(*question, "--format", "graphml").out)
    assert {"Shop", "ESX1"} & {data["name"] for _, data in graph.nodes(data=True)}
    assert graph.number_of_edges() > 1


@pytest.mark.parametrize(
    "question",
    [["dependencies", "Shop", "vm", "--common", "--format", "dot"], ["rolling-order", "ESX1", "--format", "mermaid"]],
)
def test_what_has_none_is_not(estate: Knockon, question: list[str]) -> None:
    ran = estate(*question)
    assert (ran.code, ran.out) == (2, "")
