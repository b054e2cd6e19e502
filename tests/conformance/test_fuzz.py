"""Random requests to a running service: none fails in a way that it does not know."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx2
import pytest
from graphql import build_schema

from knockon.errors import InternalError
from tests.conformance.conftest import BIN, ROOT, TOKEN, serving
from tests.conformance.queries import STRANGE, Queries
from tests.conftest import wipe
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


class Served(NamedTuple):
    """A running service, and what it logs to."""

    address: str
    log: Path


@pytest.fixture(scope="module", params=["sqlite", "neo4j"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Give a service on each store."""
    if request.param == "sqlite":
        yield Served(request.getfixturevalue("address"), request.getfixturevalue("log"))
        return
    uri, auth = request.getfixturevalue("neo4j_uri"), request.getfixturevalue("neo4j_auth")
    folder = tmp_path_factory.mktemp("on-neo4j")
    asyncio.run(wipe(uri, auth))
    store = {"KNOCKON_STORE": uri, "KNOCKON_STORE_USER": auth[0], "KNOCKON_STORE_PASSWORD": auth[1]}
    with serving(folder, folder / "served.log", store) as address:
        yield Served(address, folder / "served.log")


@pytest.fixture
def client(served: Served) -> Iterator[httpx2.Client]:
    """Give a client; what the service complains about meanwhile fails the test."""
    before = len(served.log.read_text())
    with httpx2.Client(base_url=served.address, headers=SENT, timeout=60) as client:
        yield client
    said = served.log.read_text()[before:]
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


@pytest.mark.parametrize("served", ["sqlite"], indirect=True)  # which store answers makes no difference to HTTP
def test_what_openapi_says_is_so(served: Served, client: httpx2.Client, tmp_path: Path) -> None:
    """Documented statuses, media types and schemas; refused tokens, methods and headers; nothing of the 5xx."""
    client.get("/healthz").raise_for_status()
    asked = ["--phases=examples,coverage,fuzzing", f"-n{20 * TIMES}", "--generation-deterministic", "--no-color"]
    config = str(Path(__file__).with_name("schemathesis.toml"))
    command = [str(BIN / "schemathesis"), "--config-file", config, "run", f"{served.address}/openapi.json", *asked]
    command.append(f"-HAuthorization:Bearer {TOKEN}")
    hooks = {**os.environ, "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("schemathesis_hooks.py"))}
    done = subprocess.run(command, cwd=tmp_path, env=hooks, capture_output=True, text=True, check=False)
    assert done.returncode == 0, "\n".join(line[:500] for line in done.stdout.splitlines())
    assert "Selected: 6/6" in done.stdout  # all but the description itself
