"""Changes that are kept elsewhere, on both stores, with somebody who listens on a real socket."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from knockon.cmdb.access import AccessScope
from knockon.cmdb.contract.rows import RevisionHead
from knockon.cmdb.loading.load import load
from knockon.cmdb.stewardship.edits import Editor
from knockon.cmdb.stewardship.tokens import create
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadUsage, EditInvalid
from knockon.schema.observation import EntityObservation, RelationshipObservation
from knockon.server import create_app
from knockon.server.settings import read_settings
from tests.server.conftest import MODEL, SENT, asking, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx2

    from knockon.schema.observation import Item
    from knockon.server.settings import Settings

ESTATE: list[Item] = [
    EntityObservation("t", "shop", "BusinessService", {"name": "shop", "criticality": "1"}),
    EntityObservation("t", "box", "Server", {"name": "box"}),
    EntityObservation("t", "spare", "Server", {"name": "spare"}),
    RelationshipObservation("t", "DEPENDS_ON", "shop", "box", {}),
]
SECRET = "a secret of both"
SEEN = "2026-11-01T08:00:00Z"
CHANGE: dict[str, Any] = {
    "source": "tool", "id": "CHG1", "name": "new disks",
    "start": "2026-12-05T20:00:00+01:00", "end": "2026-12-05T22:00:00+01:00",
    "items": [{"ref": "Server:box", "effect": "down"}],
}  # fmt: skip
HIT = [["BusinessService", "shop", "DOWN"]]


class Listener(ThreadingHTTPServer):
    """Notes what it is told, and answers with ``status``."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, Any], str]] = []
        self.status = 204
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/verdict"


class _Handler(BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        assert self.headers["Knockon-Signature"] == f"sha256={signed}"
        self.server.heard.append((json.loads(body), self.path))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.05,))
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()


@pytest.fixture
async def client(both: str, listener: Listener) -> AsyncIterator[httpx2.AsyncClient]:
    await say(both, ESTATE)
    async with asking(create_app(listening(both, listener), MODEL)) as client:
        yield client


def listening(url: str, listener: Listener) -> Settings:
    origin = listener.address.removesuffix("verdict")
    given = {"callbacks": (origin,), "callback_secret": SecretStr(SECRET), "callback_seconds": 0.05}
    return settings(url).model_copy(update=given)


async def say(url: str, items: list[Item]) -> None:
    async with opened(store_at(url, MODEL)) as store:
        await load(store, MODEL, items, source="t", actor="tester")


async def send(client: httpx2.AsyncClient, **changed: Any) -> dict[str, Any]:
    answer = await client.post("/changes", json=CHANGE | changed, headers=SENT)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def verdicts(client: httpx2.AsyncClient) -> tuple[float, float, float]:
    """Give how many calls failed, how many were heard, and how many changes wait."""
    text = (await client.get("/metrics", headers=SENT)).text
    names = ('s_total{outcome="failed"}', 's_total{outcome="heard"}', "s_waiting")
    failed, heard, waiting = (
        re.search(rf"^knockon_verdict_callback{re.escape(name)} (\S+)$", text, re.MULTILINE) for name in names
    )
    assert failed
    assert heard
    assert waiting
    return float(failed[1]), float(heard[1]), float(waiting[1])


async def until(listener: Listener, count: int) -> None:
    async with asyncio.timeout(60):
        while len(listener.heard) < count:  # noqa: ASYNC110 - it hears in another thread
            await asyncio.sleep(0.02)


async def test_a_change_is_answered_with_what_it_would_do(client: httpx2.AsyncClient) -> None:
    found = await send(client)
    assert found["risk"]["services"] == HIT
    assert [each["name"] for each in found["blastRadius"]["services"]] == ["shop"]
    assert found["risk"]["score"] > 0
    again = await send(client)
    assert (again["change"], again["risk"]) == (found["change"], found["risk"])
    assert (again["revision"], again["findings"]) == (found["revision"], found["findings"]), "nothing is written"
    query = """query($id: ID!) { node(id: $id) { ... on Change {
        number plannedStart risk { level } changes { totalCount } } } }"""
    asked = {"query": query, "variables": {"id": found["change"]["id"]}}
    node = (await client.post("/graphql", json=asked, headers=SENT)).json()["data"]["node"]
    assert node["number"] == "CHG1"
    assert (node["plannedStart"], node["changes"]["totalCount"]) == ("2026-12-05T19:00:00Z", 1)
    assert node["risk"]["level"] == found["risk"]["level"]
    other = await send(
        client, items=[{"ref": "Server:spare", "effect": "down"}, {"ref": "Server:box", "effect": "none"}]
    )
    assert other["risk"]["services"] == []
    nothing = await send(client, items=[{"ref": "Server:unknown", "effect": "down"}])
    assert nothing["risk"]["level"] is None
    assert (nothing["blastRadius"], [each["code"] for each in nothing["findings"]]) == (None, ["WAITING_REFERENCE"])
    assert nothing["revision"] > other["revision"] > found["revision"]
    assert await send(client, items=[{"ref": "Server:unknown", "effect": "down"}]) == nothing


async def test_whoever_keeps_it_is_told_when_the_verdict_changes(
    both: str, client: httpx2.AsyncClient, listener: Listener
) -> None:
    found = await send(client, callback=listener.address)
    await say(both, [*ESTATE, EntityObservation("t", "rack", "Rack", {"name": "r1"})])  # makes no difference to it
    await say(both, [EntityObservation("t", "bank", "BusinessService", {"name": "bank"}),
                     RelationshipObservation("t", "DEPENDS_ON", "bank", "box", {})])  # fmt: skip
    await until(listener, 1)
    told, path = listener.heard[0]
    both_hit = [["BusinessService", "bank", "DOWN"], *HIT]
    assert (told["verdict"]["services"], told["before"]["services"], path) == (both_hit, HIT, "/verdict")
    assert told["change"] == {"id": found["change"]["id"], "name": "new disks", "number": "CHG1"}
    await asyncio.sleep(0.5)
    assert len(listener.heard) == 1
    await send(client, callback=listener.address, state="cancelled")
    await say(both, [RelationshipObservation("t", "DEPENDS_ON", "bank", "spare", {}),
                     EntityObservation("t", "third", "BusinessService", {"name": "third"}),
                     RelationshipObservation("t", "DEPENDS_ON", "third", "box", {})])  # fmt: skip
    await asyncio.sleep(0.5)
    assert len(listener.heard) == 1


async def test_whom_to_tell_and_what_was_told_is_nobody_elses_to_say(
    both: str, client: httpx2.AsyncClient, listener: Listener
) -> None:
    found = await send(client, callback=listener.address)
    for said in ({"verdict_to": f"{listener.address}/else"}, {"verdict_told": {"level": "high"}}, {"verdict_to": None}):
        line = {"class": "Change", "key": "CHG1", "number": "CHG1", **said}
        answer = await client.post(
            "/load", params={"source": "t", "partial": "true"}, json={"entities": [line]}, headers=SENT
        )
        (reject,) = answer.json()["report"]["rejects"]
        assert reject["code"] == "UNKNOWN_ATTRIBUTE"
        assert "is kept by knockon itself; leave it out." in reject["message"]
        async with opened(store_at(both, MODEL)) as store:
            with pytest.raises(EditInvalid, match="kept by knockon itself"):
                await Editor(store, MODEL, "ann").change(found["change"]["id"], said)
    for name in ("verdictTo", "verdictTold"):
        query = f'mutation {{ update(ref: "t:x", thing: {{change: {{{name}: "http://x"}}}}) {{ revision }} }}'
        answer = await client.post("/graphql", json={"query": query}, headers=SENT)
        assert [each["extensions"]["code"] for each in answer.json()["errors"]] == ["QUERY_INVALID"]
    query = "query($id: ID!) { node(id: $id) { ... on Change { verdictTo verdictTold } } }"
    asked = {"query": query, "variables": {"id": found["change"]["id"]}}
    node = (await client.post("/graphql", json=asked, headers=SENT)).json()["data"]["node"]
    assert (node["verdictTo"], node["verdictTold"]["services"]) == (listener.address, HIT)


async def test_who_did_not_hear_is_told_again_also_by_a_service_that_starts_anew(both: str, listener: Listener) -> None:
    await say(both, ESTATE)
    listener.status = 500
    async with asking(create_app(listening(both, listener), MODEL)) as client:
        await send(client, callback=listener.address)
        await say(both, [RelationshipObservation("t", "DEPENDS_ON", "shop", "spare", {}),
                         EntityObservation("t", "bank", "BusinessService", {"name": "bank"}),
                         RelationshipObservation("t", "DEPENDS_ON", "bank", "box", {})])  # fmt: skip
        await until(listener, 2)
        async with asyncio.timeout(60):
            while (numbers := await verdicts(client))[0] < 2:  # noqa: ASYNC110 - numbers are asked for, not told
                await asyncio.sleep(0.05)
        assert numbers[1:] == (0, 1)
    failed = len(listener.heard)
    listener.status = 200
    async with asking(create_app(listening(both, listener), MODEL)) as client:
        await until(listener, failed + 1)
        await asyncio.sleep(0.5)
        async with asyncio.timeout(60):
            while await verdicts(client) != (0, 1, 0):  # noqa: ASYNC110 - likewise
                await asyncio.sleep(0.05)
    assert len(listener.heard) == failed + 1
    assert len({told["event"] for told, _ in listener.heard}) == 1


async def test_a_number_is_the_change_of_one_tool(client: httpx2.AsyncClient) -> None:
    first = await send(client, id="CHG7")
    for spelled in ("CHG7", "chg7"):
        answer = await client.post("/changes", json=CHANGE | {"source": "other", "id": spelled}, headers=SENT)
        assert (answer.status_code, answer.json()["code"]) == (422, "CHANGE_INVALID")
        assert "tool has sent a change CHG7" in answer.json()["detail"]
    other = await send(client, source="other", id="other-CHG7")
    assert other["change"]["id"] != first["change"]["id"]
    assert (await send(client, id="CHG7"))["change"] == first["change"]


async def test_a_change_without_a_state_is_where_changes_begin_and_does_not_count_today(
    client: httpx2.AsyncClient,
) -> None:
    query = "query($id: ID!) { node(id: $id) { ... on Change { state } } }"
    for said, state in (
        ({}, "draft"),
        ({"state": "implementing"}, "implementing"),
        ({"state": "Scheduled"}, "Scheduled"),
    ):
        found = await send(client, **said)
        asked = {"query": query, "variables": {"id": found["change"]["id"]}}
        node = (await client.post("/graphql", json=asked, headers=SENT)).json()["data"]["node"]
        assert node["state"] == state
        counts = MODEL.state_of("Change", node)
        assert (counts.open, counts.in_effect) == (True, state != "draft")


@pytest.mark.parametrize(
    ("changed", "status", "code", "says"),
    [
        ({"start": "2026-12-05T20:00:00"}, 422, "CHANGE_INVALID", "start: "),
        ({"start": 1_700_000_000}, 422, "CHANGE_INVALID", "spelled like 2026-"),
        ({"start": "1700000000"}, 422, "CHANGE_INVALID", "spelled like 2026-"),
        ({"items": [{"ref": "Server:box", "effect": "gone"}]}, 422, "CHANGE_INVALID", "items.0.effect"),
        ({"itmes": []}, 422, "CHANGE_INVALID", "itmes"),
        ({"source": "a:b"}, 422, "SOURCE_CONFLICT", "colon"),
        ({"source": "person/ann"}, 400, "BAD_USAGE", "person"),
        ({"source": "verdicts"}, 400, "BAD_USAGE", "knockon itself"),
        ({"source": "Server"}, 422, "SOURCE_CONFLICT", "Server"),
        ({"end": "2026-12-05T18:00:00Z"}, 422, "CHANGE_INVALID", "ends before it begins"),
        ({"source": "t", "id": "box"}, 422, "CHANGE_INVALID", "as a Server"),
        (
            {"items": [{"ref": "Server:box", "effect": "down"}, {"ref": "t:box", "effect": "none"}]},
            422,
            "CHANGE_INVALID",
            "one thing",
        ),
        ({"callback": "https://elsewhere.example.org/"}, 400, "BAD_USAGE", "KNOCKON_CALLBACKS"),
        ({"callback": "http://127.0.0.1:1@evil.example.org/"}, 400, "BAD_USAGE", "KNOCKON_CALLBACKS"),
    ],
)
async def test_what_cannot_be_taken_is_told(
    client: httpx2.AsyncClient, changed: dict[str, Any], status: int, code: str, says: str
) -> None:
    answer = await client.post("/changes", json=CHANGE | changed, headers=SENT)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert says in answer.json()["detail"]


async def test_a_page_of_elsewhere_cannot_send_one_without_asking(client: httpx2.AsyncClient) -> None:
    for said in ({}, {"Content-Type": "text/plain"}, {"Content-Type": "application/json; charset=utf-16"}):
        answer = await client.post("/changes", content=json.dumps(CHANGE), headers={**SENT, **said})
        assert (answer.status_code, answer.json()["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_only_change_coordinators_send_changes(both: str) -> None:
    await say(both, ESTATE)
    async with opened(store_at(both, MODEL)) as store, asking(create_app(settings(both), MODEL)) as client:
        for scope in AccessScope:
            _, text = await create(store, MODEL, scope, [scope], by="ann", expires=None)
            answer = await client.post("/changes", json=CHANGE, headers={"Authorization": f"Bearer {text}"})
            allowed = scope in (AccessScope.CHANGE_COORDINATOR, AccessScope.ADMINISTRATOR)
            assert answer.status_code == (200 if allowed else 403)


async def test_an_answer_that_takes_too_long_is_given_up(both: str) -> None:
    await say(both, ESTATE)
    hasty = settings(both).model_copy(update={"max_seconds": 0.5})
    async with opened(store_at(both, MODEL)) as store, asking(create_app(hasty, MODEL)) as client:
        async with store.write() as write:  # whoever writes now waits
            answer = await client.post("/changes", json=CHANGE, headers=SENT)
            assert (answer.status_code, answer.json()["code"]) == (503, "TIMED_OUT")
            await write.journal(RevisionHead("ann", "test", "", SEEN, "", {}), [])
        assert (await store.page(["Change"], None, limit=9)) == [], "what waits is given up, too"


def test_addresses_that_may_be_called_are_whole_hosts_with_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOCKON_CALLBACKS", "https://a.example, https://b.example/x")
    assert read_settings().callbacks == ("https://a.example/", "https://b.example/x")
    for wrong in ("http://a.example/", "a.example", "ftp://a.example/"):
        monkeypatch.setenv("KNOCKON_CALLBACKS", wrong)
        with pytest.raises(BadUsage, match="KNOCKON_CALLBACKS"):
            read_settings()
