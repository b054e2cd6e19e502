"""The application over HTTP."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from graphql import build_client_schema, get_introspection_query
from starlette.routing import Route

from knockon.cmdb.stores import opened, store_at
from knockon.errors import StoreUnreachable
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.server import create_app
from knockon.server.settings import Settings, read_settings
from tests.server.conftest import MODEL, SENT, TOKEN, asking, settings

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

MAX_BODY = read_settings().max_body
COUNT = {"query": "{ servers { totalCount edges { node { name } } } }"}
GRAPHQL = "application/graphql-response+json"


async def test_a_query_with_the_token_is_answered(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/graphql", json=COUNT, headers=SENT)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"data": {"servers": {"totalCount": 1, "edges": [{"node": {"name": "box"}}]}}}


async def test_impact_over_http_is_what_the_command_line_says(url: str, client: httpx2.AsyncClient) -> None:
    query = """query($ref: String!) { impact(of: {ref: $ref}) { revision given truncated
      seeds { id class name asked state } counts { DOWN DEGRADED AT_RISK }
      services { id class name state criticality users } } }"""
    sent = {"query": query, "variables": {"ref": "Server:box"}}
    answer = (await client.post("/graphql", json=sent, headers=SENT)).json()["data"]["impact"]
    async with opened(store_at(url, MODEL)) as store:
        expected = impact_json(await blast_radius(Topologies(store, MODEL), [Ask("Server:box")]))
    asked = [{name: each[name] for name in answer["services"][0]} for each in expected["services"]]
    assert answer == {name: expected[name] for name in answer} | {"services": asked}
    assert answer["services"][0]["state"] == "DOWN"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer żółw"],
)
async def test_without_the_token_nothing_is_told(client: httpx2.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {b"Authorization": header.encode()}
    for path in ("/graphql", "/", "/load", "/openapi.json", "/docs", "/healthz/", "//healthz"):
        answer = await client.post(path, json=COUNT, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.json()["code"], answer.json()["status"]) == ("NOT_AUTHENTICATED", 401)
        assert TOKEN not in answer.text


async def test_health_needs_no_token(client: httpx2.AsyncClient) -> None:
    alive, ready = await client.get("/healthz"), await client.get("/readyz")
    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "revision": 3, "store": "reachable", "schema": "current", "topology": 3},
    )


async def test_not_ready_without_the_store(url: str, client: httpx2.AsyncClient, monkeypatch: Any) -> None:
    store = store_at(url, MODEL)

    async def unreachable() -> int:
        raise StoreUnreachable("no route")

    monkeypatch.setattr(store, "revision", unreachable)
    async with asking(create_app(settings(url), MODEL, store)) as other:
        ready = await other.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "STORE_UNREACHABLE")
        assert "no route" not in ready.text
        assert (await other.get("/healthz")).status_code == 200


async def test_every_answer_keeps_out_of_caches_and_frames(client: httpx2.AsyncClient) -> None:
    for answer in (
        await client.post("/graphql", json=COUNT, headers=SENT),
        await client.post("/graphql", json=COUNT),
        await client.get("/", headers=SENT),
        await client.get("/healthz"),
        await client.get("/nowhere", headers=SENT),
    ):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_the_start_page_needs_nothing_from_elsewhere_and_its_examples_work(
    client: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knockon.server.pages.STATIC", tmp_path)
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "href" not in page.text, "the pages were not built"
    assert not re.search(r"<(script|link|img|iframe|style)|src=|//cdn", page.text)
    lines = [unescape(each) for each in re.findall(r"<pre>(.*?)</pre>", page.text)]
    assert len(lines) == 3
    for line in lines:
        assert line.startswith('curl -s http://knockon.example.org/graphql -H "Authorization: Bearer $KNOCKON_TOKEN" ')
        (body,) = re.findall(r"-d '(.*)'$", line)
        answer = (await client.post("/graphql", json=json.loads(body), headers=SENT)).json()
        assert "errors" not in answer, answer


async def test_the_start_page_points_at_pages_that_were_built(
    client: httpx2.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knockon.server.pages.STATIC", tmp_path)
    for name in ("graphiql.html", "docs.html"):
        (tmp_path / name).touch()
    assert re.findall(r'href="([^"]*)"', (await client.get("/")).text) == ["graphiql", "docs"]


async def test_without_a_token_only_names_of_this_machine_are_served(url: str) -> None:
    ours = ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080"]
    others = ["evil.example.org", "127.0.0.1.evil.example.org", "localhost.evil.example.org:80", "10.0.0.1", "", "[::]"]
    async with asking(create_app(settings(url, token=None), MODEL, demo=True)) as client:
        for host in (*ours, *others):
            answer = await client.post("/graphql", json=COUNT, headers={"Host": host})
            page = await client.get("/", headers={"Host": host})
            assert page.status_code == answer.status_code
            assert "Authorization" not in page.text
            if host in ours:
                assert answer.json()["data"]["servers"]["totalCount"] == 1
            else:
                assert (answer.status_code, answer.json()["code"]) == (421, "MISDIRECTED_REQUEST")


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "BAD_USAGE"),
        ({"content": b"[" * 5_000, "headers": {"Content-Type": "application/json"}}, 400, "BAD_USAGE"),
        ({"json": COUNT | {"variables": {"v": json.loads("[" * 600 + "]" * 600)}}}, 400, "BAD_USAGE"),
        ({"json": COUNT | {"variables": {"v": json.loads('{"a":' * 100 + "1" + "}" * 100)}}}, 400, "BAD_USAGE"),
        ({"json": []}, 400, "BAD_USAGE"),
        ({"json": [COUNT]}, 400, "BAD_USAGE"),
        ({"json": {}}, 400, "BAD_USAGE"),
        ({"json": {"query": 5}}, 400, "BAD_USAGE"),
        ({"json": COUNT | {"variables": []}}, 400, "BAD_USAGE"),
        ({"json": COUNT | {"operationName": 5}}, 400, "BAD_USAGE"),
        ({"content": b"{ servers { totalCount } }", "headers": {"Content-Type": "application/graphql"}}, 415,
         "UNSUPPORTED_MEDIA_TYPE"),
        ({"data": {"query": "{ servers { totalCount } }"}}, 415, "UNSUPPORTED_MEDIA_TYPE"),
        ({"content": b" " * (MAX_BODY + 1), "headers": {"Content-Type": "application/json"}}, 413, "CONTENT_TOO_LARGE"),
    ],
)  # fmt: skip
async def test_requests_that_are_no_questions(client: httpx2.AsyncClient, sent: Any, status: int, code: str) -> None:
    headers = sent.pop("headers", {})
    answer = await client.post("/graphql", headers={**SENT, **headers}, **sent)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code


async def test_a_body_without_a_length_is_cut_off_too(client: httpx2.AsyncClient) -> None:
    async def endless() -> Any:
        for _ in range(MAX_BODY // 1000 + 10):
            yield b" " * 1000

    headers = {**SENT, "Content-Type": "application/json"}
    answer = await client.post("/graphql", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "CONTENT_TOO_LARGE")


async def test_only_post_asks_questions(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/graphql", params=COUNT, headers=SENT)
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", "POST")
    lost = await client.get("/nowhere", headers=SENT)
    assert (lost.status_code, lost.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": "{ servers"},
        {"query": "{ tractors { id } }"},
        {"query": "query A { servers { totalCount } }", "operationName": "B"},
        {
            "query": "query($n: DateTime) { incidents(where: {openedAt: {eq: $n}}) { totalCount } }",
            "variables": {"n": "x"},
        },
        {"query": '{ incidents(where: {openedAt: {eq: "yesterday"}}) { totalCount } }'},
        {"query": "query($n: Int!) { servers(first: $n) { totalCount } }"},
    ],
)
async def test_a_query_that_is_not_executed_has_no_data(client: httpx2.AsyncClient, body: Any) -> None:
    plain = await client.post("/graphql", json=body, headers=SENT)
    assert plain.status_code == 200
    assert plain.json().keys() == {"errors"}
    assert {error["extensions"]["code"] for error in plain.json()["errors"]} == {"QUERY_INVALID"}
    spoken = await client.post("/graphql", json=body, headers={**SENT, "Accept": GRAPHQL})
    assert (spoken.status_code, spoken.headers["content-type"]) == (400, GRAPHQL)
    assert spoken.json() == plain.json()


async def test_a_query_that_fails_in_part_has_data(client: httpx2.AsyncClient) -> None:
    body = {"query": '{ impact(of: {ref: "nobody"}) { revision } servers { totalCount } }'}
    answer = await client.post("/graphql", json=body, headers={**SENT, "Accept": f"{GRAPHQL}, application/json"})
    assert answer.status_code == 200
    assert answer.json()["data"] == {"impact": None, "servers": {"totalCount": 1}}
    assert answer.json()["errors"][0]["extensions"]["code"] == "REFERENCE_NOT_FOUND"


async def test_one_of_several_operations_is_chosen_by_name(client: httpx2.AsyncClient) -> None:
    body = {"query": "query A { servers { totalCount } } query B { racks { totalCount } }", "operationName": "B"}
    answer = await client.post("/graphql", json=body, headers=SENT)
    assert answer.json() == {"data": {"racks": {"totalCount": 0}}}


@pytest.mark.parametrize(
    "query",
    [
        "query A { servers { totalCount } } query B { racks { totalCount } }",
        'mutation M { retire(ref: "Server:box") { revision } } query Q { servers { totalCount } }',
    ],
)
async def test_of_several_operations_none_is_chosen_without_a_name(client: httpx2.AsyncClient, query: str) -> None:
    before = await client.get("/readyz")
    answer = await client.post("/graphql", json={"query": query}, headers={**SENT, "Accept": GRAPHQL})
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]["code"]) == (400, "QUERY_INVALID")
    assert ("data" in answer.json(), "operationName" in error["message"]) == (False, True)
    assert (await client.get("/readyz")).json() == before.json()


async def test_the_schema_is_served_by_introspection(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": get_introspection_query()}, headers=SENT)
    assert "Server" in build_client_schema(answer.json()["data"]).type_map


async def test_what_we_did_wrong_is_a_problem_without_details(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(settings(url), MODEL)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError(f"with {TOKEN}")

    async with asking(app) as client:
        answer = await client.get("/broken", headers=SENT)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert TOKEN not in answer.text
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accept", "spoken"),
    [
        ("", "application/json"), ("*/*", "application/json"), ("application/json", "application/json"),
        ("text/html", "application/json"), (GRAPHQL, GRAPHQL), (GRAPHQL.upper(), GRAPHQL),
        (f"{GRAPHQL}, application/json;q=0.9", GRAPHQL), (f"application/json, {GRAPHQL}", GRAPHQL),
        (f"application/json, {GRAPHQL};q=0.5", "application/json"), (f"{GRAPHQL};q=0", "application/json"),
        (f"{GRAPHQL};q=much", "application/json"), (f"{GRAPHQL}; charset=utf-8", GRAPHQL),
        (f"x{GRAPHQL}", "application/json"),
    ],
)  # fmt: skip
async def test_the_media_type_is_the_one_that_the_caller_likes_better(
    client: httpx2.AsyncClient, accept: str, spoken: str
) -> None:
    answer = await client.post("/graphql", json=COUNT, headers={**SENT, "Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, spoken)


async def test_the_schema_is_told_again_from_memory_to_whoever_may_read(client: httpx2.AsyncClient) -> None:
    asked = {"query": "{ __schema { queryType { name fields { name args { name } } } } }"}
    first = await client.post("/graphql", json=asked, headers=SENT)
    again = await client.post("/graphql", json=asked, headers={**SENT, "Accept": GRAPHQL})
    assert again.content == first.content
    assert again.headers["content-type"] == GRAPHQL
    assert (await client.post("/graphql", json=asked)).status_code == 401
    varied = asked | {"variables": {"x": json.loads("[" * 90 + "]" * 90)}}
    assert (await client.post("/graphql", json=varied, headers=SENT)).json() == first.json()
    mixed = {"query": "{ __schema { queryType { name } } servers { totalCount } }"}
    assert (await client.post("/graphql", json=mixed, headers=SENT)).json()["data"]["servers"] == {"totalCount": 1}


async def test_without_built_pages_the_way_to_build_them_is_told(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knockon.server.pages.STATIC", tmp_path / "none")
    async with asking(create_app(settings(url), MODEL)) as client:
        for page in ("/graphiql", "/docs"):
            answer = await client.get(page)
            assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
            assert "make pages" in answer.json()["detail"]
            shown = await client.get(page, headers={"Accept": "text/html,*/*;q=0.8"})
            assert (shown.status_code, shown.headers["content-type"]) == (404, "text/html; charset=utf-8")
            assert "make pages" in shown.text
            moved = await client.get(f"{page}/")
            assert (moved.status_code, moved.headers["location"]) == (308, f"..{page}")


async def test_pages_can_be_turned_off(url: str) -> None:
    given: dict[str, Any] = {"store": url, "token": TOKEN, "pages": False}
    async with asking(create_app(Settings(**given), MODEL)) as client:
        assert "href" not in (await client.get("/", headers=SENT)).text
        for path in ("/graphiql", "/docs", "/pages/token.js"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers=SENT)).status_code == 404


async def test_the_description_of_the_api_names_every_path_and_method(client: httpx2.AsyncClient) -> None:
    told = (await client.get("/openapi.json", headers=SENT)).json()
    app = create_app(settings("sqlite:///nowhere"), MODEL)
    routes = [each for each in app.routes if isinstance(each, Route)]
    served = {(each.path, method) for each in routes for method in each.methods or () if method != "HEAD"}
    documented = {(path, method.upper()) for path, methods in told["paths"].items() for method in methods}
    assert documented == served - {("/", "GET")}
