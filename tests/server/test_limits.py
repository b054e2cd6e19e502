"""Time, size, and how much at once: each limit with its code, and the service goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import AccessScope
from knockon.cmdb.stewardship.tokens import create
from knockon.cmdb.stores import store_at
from knockon.errors import BadUsage, Overloaded
from knockon.graphql.limits import QueryLimits
from knockon.server import create_app
from knockon.server.guard import OPEN
from knockon.server.limiting import WATCHED
from knockon.server.openapi import description
from knockon.server.settings import Settings, read_settings
from tests.server.conftest import MODEL, SENT, TOKEN, asking, settings

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2

COUNT = {"query": "{ servers { totalCount } }"}
FINE = {"data": {"servers": {"totalCount": 1}}}


class Held:
    """Lets a question to a store begin, and answers it when told to."""

    def __init__(self, count: Any) -> None:
        self._count = count
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self, *args: Any, **kwargs: Any) -> int:
        self.asked.set()
        await self.go_on.wait()
        return int(await self._count(*args, **kwargs))


async def test_limits_of_time_size_number_and_cost(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {
        "store": url, "token": TOKEN, "max_seconds": 2.5, "max_body": 400, "max_concurrent": 1, "max_cost": 10,
        "max_depth": 3, "max_aliases": 1, "max_query_tokens": 20, "origins": "https://board.example.org",
    }  # fmt: skip
    store = store_at(url, MODEL)
    held = Held(store.count)
    monkeypatch.setattr(store, "count", held)
    async with asking(create_app(Settings(**given), MODEL, store)) as client:
        await too_slow(client, held)
        await too_many(client, held)
        await too_large(client)
        await from_a_browser(client)


async def too_slow(client: httpx2.AsyncClient, held: Held) -> None:
    answer = await client.post("/graphql", json=COUNT, headers=SENT)
    assert (answer.status_code, answer.json()["code"]) == (503, "TIMED_OUT")
    assert "longer than 2.5 seconds" in answer.json()["detail"]
    held.go_on.set()
    assert (await client.post("/graphql", json=COUNT, headers=SENT)).json() == FINE


async def too_many(client: httpx2.AsyncClient, held: Held) -> None:
    held.asked.clear()
    held.go_on.clear()
    first = asyncio.create_task(client.post("/graphql", json=COUNT, headers=SENT))
    await held.asked.wait()
    second = await client.post("/graphql", json=COUNT, headers=SENT)
    assert (second.status_code, second.json()["code"], second.headers["retry-after"]) == (503, "TOO_BUSY", "1")
    assert second.headers["cache-control"] == "no-store"
    assert (await client.post("/graphql", json=COUNT)).status_code == 401  # who is not known takes no place
    assert (await client.get("/healthz")).status_code == 200
    assert (await client.get("/metrics", headers=SENT)).status_code == 200
    held.go_on.set()
    assert (await first).json() == FINE
    assert (await client.post("/graphql", json=COUNT, headers=SENT)).json() == FINE


async def test_one_caller_leaves_room_for_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite://{tmp_path / 'estate.db'}"
    store = store_at(url, MODEL)
    held = Held(store.count)
    monkeypatch.setattr(store, "count", held)
    given = settings(url).model_copy(update={"max_concurrent": 3, "max_concurrent_of_one": 2})
    async with asking(create_app(given, MODEL, store)) as client:
        callers = {}
        for name in ("greedy", "modest", "late"):
            _, text = await create(store, MODEL, name, [AccessScope.VIEWER], by="root", expires=None)
            callers[name] = {"Authorization": f"Bearer {text}"}

        async def sent(name: str) -> httpx2.Response:
            return await client.post("/graphql", json=COUNT, headers=callers[name])

        running = [asyncio.create_task(sent("greedy")) for _ in range(2)]
        await asyncio.sleep(0.2)
        third = await sent("greedy")
        assert (third.status_code, third.json()["code"]) == (429, "TOO_MANY_AT_ONCE")
        assert third.headers["retry-after"] == "1"
        assert "2 requests of yours" in third.json()["detail"]
        running.append(asyncio.create_task(sent("modest")))
        await asyncio.sleep(0.2)
        assert [(await sent(name)).json()["code"] for name in ("late", "greedy")] == ["TOO_BUSY", "TOO_MANY_AT_ONCE"]
        assert (await client.get("/metrics", headers=callers["greedy"])).status_code == 200
        held.go_on.set()
        assert [(await each).status_code for each in running] == [200] * 3
        assert (await sent("greedy")).status_code == 200


async def too_large(client: httpx2.AsyncClient) -> None:
    body = {**COUNT, "variables": {"x": "x" * 400}}
    answer = await client.post("/graphql", json=body, headers=SENT)
    assert (answer.status_code, answer.json()["code"]) == (413, "CONTENT_TOO_LARGE")
    for query, said in (
        ("{ servers(first: 20) { edges { cursor } } }", "may cost"),
        ("{ servers(first: 1) { edges { node { id } } } }", "levels deep"),
        ("{ a: servers { totalCount } b: racks { totalCount } }", "aliases"),
        (f"{{ servers {{ {'totalCount ' * 20} }} }}", "tokens"),
    ):
        answer = await client.post("/graphql", json={"query": query}, headers=SENT)
        (error,) = answer.json()["errors"]
        assert (error["extensions"]["code"], said in error["message"]) == ("QUERY_TOO_COSTLY", True), error


async def from_a_browser(client: httpx2.AsyncClient) -> None:
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    for origin, status in (("https://board.example.org", 200), ("https://evil.example.org", 400)):
        preflight = await client.options("/graphql", headers={"Origin": origin, **asked})
        assert preflight.status_code == status
        answer = await client.post("/graphql", json=COUNT, headers={"Origin": origin, **SENT})
        allowed = [each.headers.get("access-control-allow-origin") for each in (preflight, answer)]
        assert allowed == ([origin] * 2 if status == 200 else [None] * 2)
        assert "access-control-allow-credentials" not in answer.headers


async def test_no_page_of_elsewhere_may_ask_unless_it_is_named(client: httpx2.AsyncClient) -> None:
    answer = await client.post("/graphql", json=COUNT, headers={"Origin": "https://board.example.org", **SENT})
    assert "access-control-allow-origin" not in answer.headers


def test_the_description_of_the_api_has_each_refusal_of_the_guard_and_of_too_much_at_once() -> None:
    refusals = {each.http_status for each in Overloaded.__subclasses__()}
    assert refusals == {429, 503}
    for path, methods in description()["paths"].items():
        for method in methods.values():
            told = {int(each) for each in method["responses"]}
            assert (told >= {401, 421}) == (path not in OPEN)
            assert (told >= refusals) == (path not in WATCHED)
            assert (429 in told) == (path not in WATCHED)


def test_the_settings_limits_are_those_of_the_schema() -> None:
    found = read_settings()
    limits = QueryLimits(found.max_cost, found.max_depth, found.max_aliases, found.max_query_tokens)
    assert limits == QueryLimits()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_COST", "0"), ("MAX_DEPTH", "-1"), ("MAX_SECONDS", "0"), ("MAX_SECONDS", "inf"), ("MAX_SECONDS", "nan"),
        ("MAX_BODY", "much"), ("MAX_CONCURRENT", "0"), ("MAX_CONCURRENT_OF_ONE", "0"), ("ORIGINS", "*"), ("ORIGINS", "https://a.example.org/path"),
        ("ORIGINS", "null"),
    ],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"KNOCKON_{name}", value)
    with pytest.raises(BadUsage, match=f"KNOCKON_{name}"):
        read_settings()
