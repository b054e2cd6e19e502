"""The questions of a dashboard, and about what they are put: shared by those who are measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.propagation.evaluation import evaluate
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import View

VARIANTS = 12
"""About so many different things each question is put in turn, so that nothing is fast by having been asked before."""


class Question(NamedTuple):
    """A question, and the variables of each time that it is put."""

    name: str
    query: str
    variables: list[dict[str, Any]]


PAGE = """query ($after: String) { servers(first: 50, after: $after) { edges { cursor node { id name status environment
  runs(first: 10) { edges { node { id name class     ... on ConfigurationItem {
    dependencyOf(first: 10) { edges { node { id name } } } } } } } } } } }"""
BOARD = """{ serviceBoard { counts { DOWN DEGRADED AT_RISK OPERATIONAL } services(first: 100) { edges { node {
  id name state criticality users because owners { id name } } } } } }"""
BLAST = """query ($ref: String!) { impact(of: [{ref: $ref}]) { counts { DOWN DEGRADED AT_RISK }
  affected(first: 100) { edges { node { id name state distance because { text } } } }
  services { id name state criticality users } } }"""
SEARCH = """query ($text: String!) { search(text: $text, first: 20) { totalCount edges { node { id name class } } } }"""
INCIDENT = """query ($id: ID!) { node(id: $id) { id ... on Incident { name state openedAt
  affects { edges { node { id name } } } affectedServices { id name state because } } } }"""


def questions(view: View, cursors: list[str], open_incidents: list[str]) -> list[Question]:
    """Make the five questions for an estate; the blast radii are those of items nearest to affecting a hundred."""
    topology = view.topology
    ranked = np.argsort(-np.diff(topology.graph.start), kind="stable")[:400].tolist()
    sizes = {topology.ids[each]: evaluate(topology, {topology.ids[each]: State.DOWN}).size for each in ranked}
    starts = sorted(sizes, key=lambda id_: (abs(sizes[id_] - 101), id_))[:VARIANTS]
    names = sorted({entity.name.split("-")[0] for entity in map(view.entities.__getitem__, starts)})
    return [
        Question("a page of 50", PAGE, [{"after": each} for each in cursors]),
        Question("service board", BOARD, [{}]),
        Question("blast radius", BLAST, [{"ref": each} for each in starts]),
        Question("search", SEARCH, [{"text": each} for each in names]),
        Question("incident", INCIDENT, [{"id": each} for each in open_incidents[:VARIANTS]]),
    ]
