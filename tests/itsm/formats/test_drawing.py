"""Drawings are read back by other tools' own readers, whatever the names are."""

from __future__ import annotations

import csv
import io
import re

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from knockon.itsm.formats.drawing import Drawing, Edge, Node, dot, graphml, mermaid, nodes_sheet
from knockon.itsm.formats.sheet import csv_text
from knockon.schema.states import State

NASTY = st.text(st.sampled_from("a\"'[]|&<>;#\\\n=+-@{}()ü😀"), min_size=1, max_size=12)


def drawn(one: str, other: str) -> Drawing:
    nodes = (Node("1", "Host", one, State.DOWN, "seed"), Node("2", "Service", other))
    return Drawing(nodes, (Edge("2", "RUNS_ON", "1"),))


@given(NASTY, NASTY)
def test_networkx_reads_the_names_back_from_graphml(one: str, other: str) -> None:
    graph = nx.parse_graphml(graphml(drawn(one, other)))
    assert {id_: graph.nodes[id_]["name"] for id_ in graph} == {"1": one, "2": other}
    assert graph.nodes["1"]["state"] == "DOWN"
    assert [(*ends, data["type"]) for *ends, data in graph.edges(data=True)] == [("2", "1", "RUNS_ON")]


@given(NASTY, NASTY)
def test_csv_gives_the_names_back_and_no_formula(one: str, other: str) -> None:
    def read(text: str) -> list[list[str]]:
        return list(csv.reader(io.StringIO(text, newline="")))

    kept = [f"'{name}" if name[0] in "=+-@\n" else name for name in (one, other)]
    assert [row[2] for row in read(csv_text(nodes_sheet(drawn(one, other))))[1:]] == kept


@given(NASTY, NASTY)
def test_no_name_breaks_out_of_its_label(one: str, other: str) -> None:
    label = r'"(?:[^"\\\n]|\\.)*"'
    lines = dot(drawn(one, other)).splitlines()[3:-1]
    assert re.fullmatch(rf'  "1" \[label={label}, fillcolor={label}\];', lines[0])
    assert re.fullmatch(rf'  "2" \[label={label}\];', lines[1])
    flow = mermaid(drawn(one, other)).splitlines()[5:]
    assert re.fullmatch(r'  n0\["[^"\[\]|]*"\]:::DOWN', flow[0])
    assert re.fullmatch(r'  n1\["[^"\[\]|]*"\]', flow[1])
    assert flow[2:] == ['  n1 -->|"RUNS_ON"| n0']
