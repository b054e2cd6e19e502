"""``impact`` and ``supports`` as pictures and lists for other tools."""

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
