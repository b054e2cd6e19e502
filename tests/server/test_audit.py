"""Who asked for what, in the log and in numbers: without secrets, values or texts."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest
from graphql import parse
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from knockon.cmdb.access import AccessScope
from knockon.cmdb.loading.report import LoadReport
from knockon.cmdb.stewardship.tokens import create
from knockon.cmdb.stores import store_at
from knockon.graphql.asked import Asked, asked
from knockon.server import create_app
from knockon.server.logs import Json, Words, request_id
from knockon.server.metrics import LoadCount, Metrics
from tests.server.conftest import MODEL, SENT, TOKEN, asking, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx2

SECRET = "hush-hush"


@pytest.fixture(scope="module")
async def mine(url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """Give a client of an application of our own, whose numbers nobody else moves."""
    async with asking(create_app(settings(url), MODEL)) as client:
        yield client


def entries(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [getattr(each, "about") for each in caplog.records if each.name == "knockon.audit"]  # noqa: B009 - made by extra=, no type has it


async def numbers(client: httpx2.AsyncClient) -> dict[str, float]:
    answer = await client.get("/metrics", headers=SENT)
    assert answer.status_code == 200
    return {
        each.name + "".join(f" {value}" for _, value in sorted(each.labels.items())): each.value
        for family in text_string_to_metric_families(answer.text) for each in family.samples
    }  # fmt: skip


async def test_an_entry_says_who_asked_for_what(mine: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    query = """query Board($name: String) { servers(where: {name: {eq: $name}}) { totalCount } ...More }
      fragment More on Query { racks(where: {name: {eq: "%s"}}) { totalCount } }"""
    body = {"query": query.replace("%s", SECRET), "variables": {"name": SECRET}, "operationName": "Board"}
    answer = await mine.post("/graphql", json=body, headers={**SENT, "X-Request-Id": "abc.1"})
    assert answer.headers["x-request-id"] == "abc.1"
    (entry,) = entries(caplog)
    assert entry.pop("seconds") >= 0
    assert entry == {
        "principal": "administrator", "by": "setting", "client": "127.0.0.1", "method": "POST", "path": "/graphql",
        "status": 200, "operation": "query", "name": "Board", "fields": ("racks", "servers"),
    }  # fmt: skip
    told = " ".join(repr(each.__dict__) for each in caplog.records if each.name.startswith("knockon"))
    assert SECRET not in told
    assert TOKEN not in told


async def test_refusals_are_told_too(mine: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await mine.post("/graphql", json={"query": "{ tractors }"}, headers=SENT)
    await mine.post("/graphql", json={"query": '{ impact(of: {ref: "x"}) { revision } }'}, headers=SENT)
    await mine.post("/graphql", json={"query": "{ servers { totalCount } }"}, headers={"Authorization": "Bearer no"})
    await mine.get("/nowhere%0A", headers=SENT)
    await mine.post("/graphql", content=b"{", headers={**SENT, "Content-Type": "application/json"})
    found = [(each["principal"], each["status"], each.get("fields"), each.get("codes")) for each in entries(caplog)]
    assert found == [
        ("administrator", 200, None, ["QUERY_INVALID"]),
        ("administrator", 200, ("impact",), ["REFERENCE_NOT_FOUND"]),
        (None, 401, None, ["NOT_AUTHENTICATED"]),
        ("administrator", 404, None, ["NOT_FOUND"]),
        ("administrator", 400, None, ["BAD_USAGE"]),
    ]


@pytest.mark.parametrize(
    ("path", "said"),
    [("/graphql", "application/json"), ("/changes", "application/json"), ("/load", "application/x-ndjson")],
)
async def test_a_caller_who_goes_away_is_no_failure_of_ours(
    url: str, caplog: pytest.LogCaptureFixture, path: str, said: str
) -> None:
    caplog.set_level(logging.INFO)
    app = create_app(settings(url), MODEL)
    parts: list[Any] = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"source=scan" if path == "/load" else b"",
        "client": ("192.0.2.7", 1), "server": ("knockon.example.org", 80),
        "headers": [(b"authorization", f"Bearer {TOKEN}".encode()), (b"content-type", said.encode())],
    }  # fmt: skip
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    (entry,) = entries(caplog)
    assert (entry["path"], entry["status"]) == (path, 499)
    assert {each.levelname for each in caplog.records} == {"INFO"}


async def test_health_is_not_in_the_log(mine: httpx2.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await mine.get("/healthz")
    await mine.get("/readyz")
    assert entries(caplog) == []


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'a"b', "{}"])
async def test_a_request_id_that_is_no_word_is_replaced(mine: httpx2.AsyncClient, given: str) -> None:
    answer = await mine.get("/healthz", headers={"X-Request-Id": given})
    assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])


async def test_the_numbers_move(mine: httpx2.AsyncClient) -> None:
    before = await numbers(mine)
    await mine.post("/graphql", json={"query": "{ servers { totalCount } }"}, headers=SENT)
    await mine.post("/graphql", json={"query": '{ impact(of: {ref: "box"}) { revision } }'}, headers=SENT)
    await mine.get(f"/{SECRET}", headers=SENT)
    await mine.get("/healthz")
    after = await numbers(mine)
    moved = {name: after[name] - before.get(name, 0) for name in after if after[name] != before.get(name, 0)}
    expected = {
        "knockon_requests_total /graphql 200": 2, "knockon_requests_total other 404": 1,
        "knockon_requests_total /healthz 200": 1, "knockon_requests_total /metrics 200": 1,
        "knockon_operations_total servers query": 1, "knockon_operations_total impact query": 1,
        "knockon_errors_total NOT_FOUND": 1, "knockon_store_seconds_count count": 1,
    }  # fmt: skip
    assert moved.items() >= expected.items()
    assert moved["knockon_engine_seconds_count propagation"] >= 1
    assert after["knockon_store_revision"] == 3
    assert after["knockon_topology_revision_lag"] == 0
    assert after["knockon_requests_running"] == 1  # this one
    assert not any(SECRET in name for name in after)


async def test_numbers_are_for_those_who_may_read(tmp_path: Path) -> None:
    place = f"sqlite://{tmp_path / 'estate.db'}"
    store = store_at(place, MODEL)
    async with asking(create_app(settings(place), MODEL, store)) as client:
        assert (await client.get("/metrics")).status_code == 401
        _, text = await create(store, MODEL, "scanner", [AccessScope.LOADER], by="ann", expires=None)
        answer = await client.get("/metrics", headers={"Authorization": f"Bearer {text}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "NOT_ALLOWED")
        assert (await numbers(client))["knockon_topology_revision_lag"] == -1


async def test_loads_are_counted_and_dry_runs_are_not(tmp_path: Path) -> None:
    place = f"sqlite://{tmp_path / 'estate.db'}"
    body = {"source": "t", "entities": [{"class": "Server", "key": "a", "name": "a"}, {"class": "Nothing", "key": "b"}]}
    async with asking(create_app(settings(place), MODEL)) as client:
        for dry in ("true", "false"):
            answer = await client.post("/load", params={"dryRun": dry}, json=body, headers=SENT)
            assert answer.status_code == 200
        found = await numbers(client)
        assert found["knockon_loads_total done"] == 1
        assert found["knockon_load_records_total entity created"] == 1
        assert found["knockon_load_records_total entity rejected"] == 1
        # a load has a way to the store of its own, and its questions are counted as all others
        assert found["knockon_store_seconds_count write"] > 1


async def test_records_of_a_load_are_counted_while_it_goes_on() -> None:
    metrics, report = Metrics(), LoadReport()
    count = LoadCount(metrics)

    def created() -> float:
        found = metrics.registry.get_sample_value(
            "knockon_load_records_total", {"kind": "entity", "outcome": "created"}
        )
        return found or 0.0

    for taken in (2_000, 4_000):
        report.entities.created = taken
        count.so_far(report)
        assert created() == taken
    report.entities.created = 4_500
    count.ended(report, "done")
    assert (created(), metrics.registry.get_sample_value("knockon_loads_total", {"outcome": "done"})) == (4_500, 1)


async def test_an_entry_on_a_load_says_whose_word_it_is_and_what_it_came_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    body = {"source": "t", "entities": [{"class": "Server", "key": "a", "name": SECRET}, {"class": "No", "key": "b"}]}
    async with asking(create_app(settings(f"sqlite://{tmp_path / 'estate.db'}"), MODEL)) as client:
        assert (await client.post("/load", params={"scope": "rack 1"}, json=body, headers=SENT)).status_code == 200
        assert (
            await client.post("/load", content=b"{", headers=SENT | {"Content-Type": "application/json"})
        ).status_code
    first, second = entries(caplog)
    load = first["load"]
    assert (load["source"], load["scope"], load["dry_run"], load["outcome"]) == ("t", "rack 1", False, "done")
    assert (load["entities"]["created"], load["entities"]["rejected"], load["relationships"]["created"]) == (1, 1, 0)
    assert load["revision"] > 0
    assert second["codes"] == ["FILE_NOT_PARSED"]
    assert SECRET not in caplog.text


async def test_questions_to_the_store_are_spans(mine: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr("knockon.server.metrics._tracer", provider.get_tracer("test"))
    assert trace.get_tracer_provider() is not provider
    await mine.post("/graphql", json={"query": "{ servers { totalCount } }"}, headers=SENT)
    spans = exporter.get_finished_spans()
    await mine.get("/healthz")
    assert [(each.name, dict(each.attributes or {})) for each in spans] == [
        ("store count", {"db.operation.name": "count"})
    ]


def record(message: str, **about: Any) -> logging.LogRecord:
    made = logging.LogRecord("knockon.test", logging.WARNING, "", 0, "%s happened", (message,), None)
    made.about = about
    return made


def test_an_event_is_one_line_of_json_with_the_request() -> None:
    token = request_id.set("r1")
    try:
        told = json.loads(Json().format(record("it", client="a\nb")))
    finally:
        request_id.reset(token)
    assert told.pop("at").startswith("20")
    assert told == {
        "level": "warning", "event": "it happened", "logger": "knockon.test", "request_id": "r1", "client": "a\nb",
    }  # fmt: skip


def test_words_are_one_line_whatever_a_caller_sent() -> None:
    (line,) = Words().format(record("it", path="/x\n2026 info all is well")).splitlines()
    assert "warning it happened" in line
    assert "request_id" not in line


@pytest.mark.parametrize(
    ("query", "name", "expected"),
    [
        ("{ b a b: a }", None, Asked("query", None, ("a", "b"), frozenset("ab"))),
        ("query A { a } query B { b }", "B", Asked("query", "B", ("b",), frozenset("b"))),
        ("query A { a } query B { b }", None, None),
        ("mutation M { ... on Mutation { set(x: 1) { id } } }", None,
         Asked("mutation", "M", ("set",), frozenset(["set", "id"]))),
        ("{ ...F } fragment F on Query { a ...G } fragment G on Query { b ...F }", None,
         Asked("query", None, ("a", "b"), frozenset("ab"))),
    ],
)  # fmt: skip
def test_what_is_asked_is_told_by_its_root_fields(query: str, name: str | None, expected: Asked | None) -> None:
    assert asked(parse(query), name) == expected
