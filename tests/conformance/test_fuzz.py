"""Random requests to a running service: none fails in a way that it does not know."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from graphql import build_schema

from knockon.errors import InternalError
from tests.conformance.conftest import BIN, ROOT, TOKEN
from tests.conformance.queries import STRANGE, Queries
from tests.house.test_documentation import LEAVES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLSchema

TIMES = int(os.environ.get("KNOCKON_FUZZ", "1"))
"""How much longer than usual to go on; another seed each time."""
SENT = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "docs/reference/schema.graphql").read_text(encoding="utf-8"))


@pytest.fixture
def client(address: str, log: Path) -> Iterator[httpx2.Client]:
    """Give a client; what the service complains about meanwhile fails the test."""
    before = len(log.read_text())
    with httpx2.Client(base_url=address, headers=SENT, timeout=60) as client:
        yield client
    said = log.read_text()[before:]
    assert [line for line in said.splitlines() if "Traceback" in line or "Error" in line] == []


def ask(client: httpx2.Client, query: str) -> set[str]:
    """Ask, and give the codes of what went wrong."""
    answer = client.post("/graphql", json={"query": query})
    body = answer.json()
    assert answer.status_code == 200 or body["code"] == "TIMED_OUT", (query, body)
    codes = {each["extensions"]["code"] for each in body.get("errors", ())}
    assert codes <= LEAVES.keys() - {InternalError.code}, (query, body["errors"])
    return codes


def queries(client: httpx2.Client, schema: GraphQLSchema, seed: int) -> Queries:
    """Give queries about what the sample estate has."""
    found = client.post(
        "/graphql", json={"query": "{ entities(first: 500) { edges { node { id class name } } } }"}
    ).json()
    nodes = [each["node"] for each in found["data"]["entities"]["edges"]][::25]
    refs = [f"{each['class']}:{each['name']}" for each in nodes]
    return Queries(schema, seed, [*refs, "Hypervisor:ham-esx-03", "ham", *STRANGE], [each["id"] for each in nodes])


def test_no_query_fails_in_a_way_that_is_not_known(client: httpx2.Client, schema: GraphQLSchema) -> None:
    assert schema.query_type
    answered = 0
    for seed in range(TIMES):
        made = queries(client, schema, seed)
        for field in schema.query_type.fields:
            for _ in range(2):
                answered += not ask(client, made.one(schema.query_type, field))
    assert answered > 130 * TIMES  # else the queries are too strange to find anything


def test_no_mutation_fails_in_a_way_that_is_not_known(client: httpx2.Client, schema: GraphQLSchema) -> None:
    assert schema.mutation_type
    for seed in range(TIMES):
        made = queries(client, schema, seed)
        for field in schema.mutation_type.fields:
            for _ in range(15):
                ask(client, made.one(schema.mutation_type, field, "mutation"))


def test_what_openapi_says_is_so(address: str, client: httpx2.Client, tmp_path: Path) -> None:
    """Documented statuses, media types and schemas; refused tokens, methods and headers; nothing of the 5xx."""
    client.get("/healthz").raise_for_status()
    asked = ["--phases=examples,coverage,fuzzing", f"-n{20 * TIMES}", "--generation-deterministic", "--no-color"]
    config = str(Path(__file__).with_name("schemathesis.toml"))
    command = [str(BIN / "schemathesis"), "--config-file", config, "run", f"{address}/openapi.json", *asked]
    command.append(f"-HAuthorization:Bearer {TOKEN}")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "\n".join(line[:500] for line in done.stdout.splitlines())
    assert "Selected: 6/6" in done.stdout  # all but the description itself
