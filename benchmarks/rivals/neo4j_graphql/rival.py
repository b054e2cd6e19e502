"""@neo4j/graphql over the same data: what a person could ask instead, and the service that answers it."""

from __future__ import annotations

import base64
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.rivals.dashboard import VARIANTS, Question

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.schema.model import Model

HERE = Path(__file__).parent
PAGE = """query ($after: String) { serversConnection(first: 50, after: $after, sort: [{name: ASC}]) { edges { cursor
  node { id name status environment runs(limit: 10) { id name class dependencyOf(limit: 10) { id name } } } } } }"""
BOARD = "{ services(limit: 100) { id name criticality failures owners { id name } } }"
BLAST = "query ($ref: ID!) { blastRadius(id: $ref) { id name class } }"
SEARCH = "query ($text: String!) { search(text: $text) { id name class } }"
INCIDENT = """query ($id: ID!) { incidents(where: {id: {eq: $id}}) { id name state affects { id name }
  affectedServices { id name } } }"""


def equivalent(question: Question) -> Question:
    """Give the question that comes nearest."""
    query = {
        "a page of 50": PAGE, "service board": BOARD, "blast radius": BLAST, "search": SEARCH, "incident": INCIDENT,
    }[question.name]  # fmt: skip
    variables = question.variables
    if query is PAGE:
        places = (f"arrayconnection:{number}" for number in range(VARIANTS))
        variables = [{"after": base64.b64encode(each.encode()).decode()} for each in places]
    return Question(question.name, query, variables)


def types(model: Model) -> str:
    """Give the definitions of types, with the relationship types over which failure comes from their targets."""
    kinds = model.relationships.values()
    needs = sorted(each.name for each in kinds if any(rule.supplier == "target" for rule in each.rules))
    return (HERE / "types.graphql").read_text(encoding="utf-8").replace(":NEEDS*", f":{'|'.join(needs)}*")


@contextmanager
def serving(model: Model, uri: str, folder: Path) -> Iterator[str]:
    """Install it, serve the database, and give the address."""
    place = folder / "neo4j-graphql"
    place.mkdir()
    for name in ("package.json", "server.mjs"):
        shutil.copy(HERE / name, place)
    subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], cwd=place, check=True, capture_output=True
    )
    command = ["node", "server.mjs", uri]
    with subprocess.Popen(command, cwd=place, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(types(model))
        process.stdin.close()
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
