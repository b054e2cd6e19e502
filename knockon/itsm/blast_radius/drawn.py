"""Answers as drawings: what they name, and the relationships by which failure comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.itsm.formats.drawing import Drawing, Edge, Node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.itsm.blast_radius.answer import ImpactAnswer
    from knockon.itsm.blast_radius.supports import SupportsAnswer
    from knockon.itsm.values import Ci, Step
    from knockon.schema.states import State

    Named = tuple[Ci, State | None, str]


def impact_drawing(answer: ImpactAnswer) -> Drawing:
    """Draw what was asked, what it makes worse, each in its state, and the paths between them."""
    seeds: list[Named] = [(each.ci, each.state, f"asked: {each.asked}") for each in answer.seeds]
    affected: list[Named] = [(each.ci, each.state, "") for each in answer.affected]
    return _drawing([*seeds, *affected], (each.path for each in answer.affected))


def supports_drawing(answer: SupportsAnswer) -> Drawing:
    """Draw what was asked, the services that it supports, and one way to each."""
    services: list[Named] = [(each.ci, None, "") for each in answer.services]
    return _drawing([(answer.ci, None, "asked"), *services], (each.path for each in answer.services))


def _drawing(named: Iterable[Named], paths: Iterable[Iterable[Step]]) -> Drawing:
    steps = [step for path in paths for step in path]
    ends: list[Named] = [(end, None, "") for step in steps for end in (step.source, step.target)]
    nodes: dict[str, Node] = {}
    for ci, state, mark in [*named, *ends]:
        nodes.setdefault(ci.id, Node(ci.id, ci.class_name, ci.name, state, mark))
    edges = dict.fromkeys(Edge(step.source.id, step.type_name, step.target.id) for step in steps)
    return Drawing(tuple(nodes.values()), tuple(edges))
