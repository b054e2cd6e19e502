"""A picture of an answer as plain nodes and edges, and how it is written for other tools.

Texts are the same for the same drawing: nodes and edges are written in the order in which they come.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from knockon.itsm.formats.sheet import Sheet
from knockon.itsm.formats.xml_text import xml_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.itsm.values import Ci, Step
    from knockon.schema.states import State

    Named = tuple[Ci, State | None, str]
    """Something in a drawing: its state, and why it stands out."""

_COLOURS = {"DOWN": "#f4a6a6", "DEGRADED": "#f7dc8b", "AT_RISK": "#a9def0", "OPERATIONAL": "#b8e0b0"}


@dataclass(frozen=True, slots=True)
class Node:
    """What is drawn as a box; ``mark`` tells why it stands out, and is empty where it does not."""

    id: str
    class_name: str
    name: str
    state: State | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Edge:
    """A relationship as it is stored; its ends are ids of nodes."""

    source: str
    type_name: str
    target: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Nodes with ids of their own, and edges between them."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]


def mermaid(drawing: Drawing) -> str:
    """Write a Mermaid flowchart; node numbers stand for ids, as Mermaid takes few characters in an id."""
    number = {node.id: f"n{i}" for i, node in enumerate(drawing.nodes)}
    lines = ["flowchart LR"]
    lines += [f"  classDef {state} fill:{colour},color:#000" for state, colour in _COLOURS.items()]
    for node in drawing.nodes:
        style = f":::{node.state.name}" if node.state is not None else ""
        lines.append(f'  {number[node.id]}["{"<br/>".join(map(_entity, _words(node)))}"]{style}')
    lines += [
        f'  {number[edge.source]} -->|"{_entity(edge.type_name)}"| {number[edge.target]}' for edge in drawing.edges
    ]
    return "\n".join(lines) + "\n"


def dot(drawing: Drawing) -> str:
    """Write a Graphviz digraph."""
    lines = ["digraph knockon {", "  rankdir=LR;", "  node [shape=box, style=filled, fillcolor=white];"]
    for node in drawing.nodes:
        colour = f', fillcolor="{_COLOURS[node.state.name]}"' if node.state is not None else ""
        label = "\\n".join(map(_quotable, _words(node)))
        lines.append(f'  "{_quotable(node.id)}" [label="{label}"{colour}];')
    for edge in drawing.edges:
        ends = f'"{_quotable(edge.source)}" -> "{_quotable(edge.target)}"'
        lines.append(f'  {ends} [label="{_quotable(edge.type_name)}"];')
    return "\n".join([*lines, "}"]) + "\n"


def graphml(drawing: Drawing) -> str:
    """Write GraphML with named string keys; characters that XML has no place for become U+FFFD."""
    root = ET.Element("graphml", xmlns="http://graphml.graphdrawing.org/xmlns")
    for kind, names in (("node", ("class", "name", "state", "mark")), ("edge", ("type",))):
        for name in names:
            attributes = {"id": f"{kind}-{name}", "for": kind, "attr.name": name, "attr.type": "string"}
            ET.SubElement(root, "key", attributes)
    graph = ET.SubElement(root, "graph", id="knockon", edgedefault="directed")
    for node in drawing.nodes:
        element = ET.SubElement(graph, "node", id=xml_text(node.id))
        state = node.state.name if node.state is not None else ""
        _data(element, "node", (("class", node.class_name), ("name", node.name), ("state", state), ("mark", node.mark)))
    for i, edge in enumerate(drawing.edges):
        element = ET.SubElement(graph, "edge", id=f"e{i}", source=xml_text(edge.source), target=xml_text(edge.target))
        _data(element, "edge", (("type", edge.type_name),))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


WRITERS = {"mermaid": mermaid, "dot": dot, "graphml": graphml}
"""By what a format is called."""


def drawing_of(named: Iterable[Named], paths: Iterable[Iterable[Step]]) -> Drawing:
    """Draw what is named, each once as it is named first, and all that the paths pass."""
    steps = [step for path in paths for step in path]
    ends: list[Named] = [(end, None, "") for step in steps for end in (step.source, step.target)]
    nodes: dict[str, Node] = {}
    for ci, state, mark in [*named, *ends]:
        nodes.setdefault(ci.id, Node(ci.id, ci.class_name, ci.name, state, mark))
    edges = dict.fromkeys(Edge(step.source.id, step.type_name, step.target.id) for step in steps)
    return Drawing(tuple(nodes.values()), tuple(edges))


def nodes_sheet(drawing: Drawing) -> Sheet:
    """Give a line for each node."""
    rows = [(n.id, n.class_name, n.name, n.state.name if n.state is not None else "", n.mark) for n in drawing.nodes]
    return Sheet(("id", "class", "name", "state", "mark"), rows)


def _words(node: Node) -> list[str]:
    state = node.state.name if node.state is not None else ""
    last = ", ".join(word for word in (state, node.mark) if word)
    return [word for word in (node.name, node.class_name, last) if word]


def _entity(text: str) -> str:
    """Write all but letters, digits, blanks and a few signs by number: nothing is left that Mermaid could read."""
    return "".join(c if c.isalnum() or c in " .,_" else "#32;" if c.isspace() else f"#{ord(c)};" for c in text)


def _quotable(text: str) -> str:
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "\ufffd")
    return re.sub(r"\r\n|\r|\n", " ", text)


def _data(element: ET.Element, kind: str, values: Iterable[tuple[str, str]]) -> None:
    for name, value in values:
        if value:
            ET.SubElement(element, "data", key=f"{kind}-{name}").text = xml_text(value)
