"""No request keeps the event loop from others, however much it asks for: what one turn does is counted, not timed."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from knockon.server import create_app
from tests.server.conftest import MODEL, SENT, asking, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    import httpx2

LINES = {"Content-Type": "application/x-ndjson"}
FEW, MANY = 100, 1_000

QUERIES = {
    "past": '{ servers(asOf: "THEN", first: 1) { totalCount edges { node { name } } } }',
    "health": "{ health { score areas { checks { items(first: 100) { name } } } } }",
    "past health": '{ health(asOf: "THEN") { score } }',
    "impact": '{ impact(of: [{ref: "scan:s1"}, {ref: "scan:shop"}]) { counts { DOWN } affected { totalCount } } }',
    "search": '{ search(text: "s1", first: 5) { totalCount edges { node { name } } } }',
    "needs": '{ dependencies(ref: "scan:shop") { truncated } singlePointsOfFailure(service: "shop") { truncated } }',
    "board": "{ serviceBoard { counts { DOWN } } }",
    "relationships": '{ entity(ref: "scan:shop") { relationships(first: 50) { totalCount edges { node { name } } } } }',
    "filter": '{ servers(where: {name: {contains: "9"}}, first: 1) { totalCount } }',
}


class Turns:
    """Counts the functions that this thread calls in each turn of the loop, and keeps the largest number."""

    def __init__(self) -> None:
        self.most = self._now = 0

    def _called(self, _frame: object, event: str, _argument: object) -> None:
        self._now += event in ("call", "c_call")

    async def _beat(self, over: asyncio.Event) -> None:
        while not over.is_set():
            self.most, self._now = max(self.most, self._now), 0
            await asyncio.sleep(0)

    async def during(self, work: Awaitable[httpx2.Response]) -> httpx2.Response:
        over = asyncio.Event()
        beating = asyncio.create_task(self._beat(over))
        sys.setprofile(self._called)  # of this thread alone
        try:
            answer = await work
        finally:
            sys.setprofile(None)
            over.set()
            await beating
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture
async def client(tmp_path: Any) -> AsyncIterator[httpx2.AsyncClient]:
    async with asking(create_app(settings(f"sqlite://{tmp_path / 'estate.db'}"), MODEL)) as client:
        yield client


def estate(number: int) -> bytes:
    said: list[dict[str, str]] = [{"class": "BusinessService", "key": "shop", "name": "shop"}]
    said += [{"class": "Server", "key": f"s{i}", "name": f"s{i}"} for i in range(number)]
    said += [{"from": "shop", "type": "DEPENDS_ON", "to": f"s{i}"} for i in range(number)]
    return b"".join(json.dumps(each).encode() + b"\n" for each in said)


def load(client: httpx2.AsyncClient, body: bytes, **how: str) -> Awaitable[httpx2.Response]:
    parameters = {"source": "scan", "scope": "hall", "complete": "true", "allowRetire": "true", **how}
    return client.post("/load", params=parameters, content=body, headers=SENT | LINES)


def ask(client: httpx2.AsyncClient, query: str) -> Awaitable[httpx2.Response]:
    return client.post("/graphql", json={"query": query}, headers=SENT)


def change(client: httpx2.AsyncClient, number: int) -> Awaitable[httpx2.Response]:
    items = [{"ref": f"scan:s{i}", "effect": "down"} for i in range(number)]
    return client.post("/changes", json={"source": "tool", "id": "CHG1", "items": items}, headers=SENT)


async def most_of(client: httpx2.AsyncClient, number: int) -> dict[str, int]:
    """Give the most that one turn did, by request, on an estate of so many servers."""
    found: dict[str, int] = {}

    async def turn(name: str, work: Awaitable[httpx2.Response]) -> Any:
        turns = Turns()
        answer = await turns.during(work)
        found[name] = turns.most
        return answer

    await turn("load", load(client, estate(number)))
    assert (await ask(client, "{ serviceBoard { counts { DOWN } } }")).status_code == 200  # builds the network
    await turn("change", change(client, number))
    told = await turn("dry run", load(client, estate(0), dryRun="true"))
    report = json.loads(told.text.splitlines()[-1])["report"]
    assert (report["retired"], len(report["blastRadius"]["seeds"])) == (number, number)
    wide = "{ servers(first: 500) { edges { node { name attributes provenance { value } records { key } } } } }"
    await turn("page", ask(client, wide))
    last = report["revision"]
    for name, query in QUERIES.items():
        answer = await turn(name, ask(client, query.replace("THEN", str(last))))
        assert "errors" not in answer.json(), answer.text
    for name in ("true", "false"):
        undo = f'mutation {{ undoSource(source: "scan", dryRun: {name}) {{ loss {{ retired }} errors {{ code }} }} }}'
        answer = await turn(f"undo, dry run: {name}", ask(client, undo))
        assert answer.json()["data"]["undoSource"]["errors"] == []
    return found


async def test_no_turn_does_more_because_there_is_more_to_do(client: httpx2.AsyncClient) -> None:
    await most_of(client, FEW)  # what is read and validated once
    few, many = await most_of(client, FEW), await most_of(client, MANY)
    assert {name: (few[name], each) for name, each in many.items() if each > 2 * few[name]} == {}
