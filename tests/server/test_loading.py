"""Bulk loading over HTTP, on both stores."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import AccessScope
from knockon.cmdb.stewardship.tokens import create
from knockon.cmdb.stores import opened, store_at
from knockon.server import create_app, loads
from tests.server.conftest import MODEL, SENT, asking, settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx2

LINES = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def bodies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that what is sent is kept in meanwhile."""
    folder = tmp_path / "bodies"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
async def client(both: str, bodies: Path) -> AsyncIterator[httpx2.AsyncClient]:
    async with asking(create_app(settings(both), MODEL)) as client:
        yield client
    assert not any(bodies.iterdir())  # noqa: ASYNC240 - a test has no other work to hold up


def servers(count: int) -> bytes:
    written = ({"class": "Server", "key": f"s{number}", "name": f"s{number}"} for number in range(count))
    return b"".join(json.dumps(each).encode() + b"\n" for each in written)


async def send(client: httpx2.AsyncClient, body: bytes, **parameters: str) -> list[dict[str, Any]]:
    answer = await client.post("/load", params={"source": "scan", **parameters}, content=body, headers=SENT | LINES)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


async def count(client: httpx2.AsyncClient) -> int:
    answer = await client.post("/graphql", json={"query": "{ servers { totalCount } }"}, headers=SENT)
    return int(answer.json()["data"]["servers"]["totalCount"])


async def test_each_batch_is_told_and_then_the_report(client: httpx2.AsyncClient) -> None:
    first, second, last = await send(client, servers(2_500) + b'{"class": "Nonsense", "key": "x"}\n')
    assert (first["done"], first["of"], first["entities"]["created"]) == (2_000, 2_500, 2_000)
    (early,) = first["rejects"]
    assert (first["entities"]["rejected"], early["code"], early["location"]) == (1, "UNKNOWN_CLASS", "2501")
    assert (second["entities"]["rejected"], second["rejects"]) == (1, []), "each is told once"
    assert (second["done"], second["entities"]["created"]) == (2_500, 2_500)
    assert first["revision"] < second["revision"] <= last["report"]["revision"]
    (reject,) = last["report"]["rejects"]
    assert (last["report"]["created"], reject["code"], reject["location"]) == (2_500, "UNKNOWN_CLASS", "2501")
    assert await count(client) == 2_500
    *_, again = await send(client, servers(2_500))
    assert (again["report"]["created"], again["report"]["unchanged"]) == (0, 2_500)


async def test_rejects_are_told_as_they_come(client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knockon.server.loads.REJECTS_TOLD", 3)
    links = b"".join(b'{"from": "s0", "type": "DEPENDS_ON", "to": "gone-%d"}\n' % number for number in range(2))
    bad = b"".join(b'{"class": "Nonsense", "key": "x%d"}\n' % number for number in range(5))
    things, relations, last = await send(client, servers(1) + bad + links, strict="true")
    assert [each["location"] for each in things["rejects"]] == ["2", "3", "4"], "some of many"
    assert things["entities"]["rejected"] == 5
    assert [each["code"] for each in relations["rejects"]] == ["UNRESOLVED_REFERENCE"] * 2
    assert {each["kind"] for each in relations["rejects"]} == {"relationship"}
    assert [each["location"] for each in last["report"]["rejects"]] == [str(number) for number in range(2, 9)]


async def test_a_load_is_what_the_parameters_say(client: httpx2.AsyncClient) -> None:
    await send(client, servers(3), scope="rack 1", complete="true")
    *_, planned = await send(client, servers(2), scope="rack 1", complete="true", dryRun="true")
    assert [each["after"] for each in planned["report"]["plan"]] == [None]
    assert await count(client) == 3
    *_, done = await send(client, servers(2), scope="rack 1", complete="true")
    assert (done["report"]["retired"], await count(client)) == (1, 2)


async def test_a_dry_run_tells_who_may_read_what_its_retirements_would_hit(client: httpx2.AsyncClient) -> None:
    service = b"""{"class": "BusinessService", "key": "shop", "name": "shop"}
{"from": "shop", "type": "DEPENDS_ON", "to": "s1"}\n"""
    await send(client, servers(2), scope="rack 1", complete="true")
    await send(client, service)
    *_, planned = await send(client, servers(1), scope="rack 1", complete="true", dryRun="true")
    assert planned["report"]["plan"][0]["change"] == "retire"
    hit = planned["report"]["blastRadius"]
    assert [(each["name"], each["state"]) for each in hit["services"]] == [("shop", "DOWN")]
    *_, none = await send(client, servers(2), scope="rack 1", complete="true", dryRun="true")
    assert "blastRadius" not in none["report"]


async def test_other_forms_are_taken_too(client: httpx2.AsyncClient) -> None:
    body = b"source: scan\nentities:\n  - {class: Server, key: a, name: a}\n"
    answer = await client.post("/load", content=body, headers=SENT | {"Content-Type": "application/yaml"})
    assert answer.status_code == 200, answer.text
    assert await count(client) == 1


@pytest.mark.parametrize(
    ("parameters", "headers", "body", "status", "code", "says"),
    [
        ({}, LINES, servers(1), 422, "SOURCE_CONFLICT", "source"),
        ({}, LINES, servers(1), 422, "SOURCE_CONFLICT", "give `source`, or"),
        ({"source": "scan"}, JSON, b"", 422, "FILE_NOT_PARSED", "body:1: there is nothing in it"),
        ({"source": "scan"}, JSON, b"[]", 422, "FORMAT_UNKNOWN", "body: there is nothing in it"),
        ({"source": "scan"}, JSON, b'[{"class": "Rack"}]', 422, "FORMAT_UNKNOWN", "as NDJSON"),
        ({"source": "scan", "copmlete": "true"}, LINES, servers(1), 400, "BAD_USAGE", "copmlete"),
        ({"source": "scan", "complete": "yes"}, LINES, servers(1), 400, "BAD_USAGE", "true or false"),
        ({"source": "person/ann"}, LINES, servers(1), 422, "SOURCE_CONFLICT", "person"),
        ({"source": "scan"}, LINES | {"Idempotency-Key": ""}, servers(1), 400, "BAD_USAGE", "1 to 200"),
        ({"source": "scan"}, LINES | {"Content-Encoding": "gzip"}, servers(1), 415, "UNSUPPORTED_MEDIA_TYPE", "gzip"),
        ({"source": "scan"}, {"Content-Type": "text/csv; charset=utf-16"}, b"", 415, "UNSUPPORTED_MEDIA_TYPE", "UTF-8"),
        ({"source": "scan", "scope": "a\0b"}, LINES, servers(1), 400, "BAD_USAGE", "scope has at most 500"),
        ({"source": "scan", "scope": "a\nb"}, LINES, servers(1), 400, "BAD_USAGE", "control characters"),
        ({"source": "scan", "scope": "a" * 501}, LINES, servers(1), 400, "BAD_USAGE", "scope has at most 500"),
        ({"source": "s" * 5_000}, LINES, servers(1), 400, "BAD_USAGE", "source has at most 500"),
        ({"source": "scan"}, {"Content-Type": "image/png"}, b"", 415, "UNSUPPORTED_MEDIA_TYPE", "x-ndjson"),
        ({"source": "scan"}, {"Content-Type": "application/yaml"}, b"a: [", 422, "FILE_NOT_PARSED", "body:"),
        ({"source": "scan"}, LINES, servers(50), 413, "CONTENT_TOO_LARGE", "2,000 bytes"),
        ({"source": "scan", "complete": "true", "partial": "true"}, LINES, servers(1), 400, "BAD_USAGE", "apart"),
    ],
)  # fmt: skip
async def test_what_cannot_be_loaded_is_told_by_the_status(
    tmp_path: Path, bodies: Path, parameters: dict[str, str], headers: dict[str, str], body: bytes,
    status: int, code: str, says: str,
) -> None:  # fmt: skip
    given = settings(f"sqlite://{tmp_path / 'estate.db'}").model_copy(update={"max_load": 2_000})
    async with asking(create_app(given, MODEL)) as client:
        answer = await client.post("/load", params=parameters, content=body, headers=SENT | headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert says in answer.json()["detail"]
        assert str(bodies) not in answer.text
        assert await count(client) == 0
    assert not any(bodies.iterdir())  # noqa: ASYNC240 - a test has no other work to hold up


async def test_the_brake_is_told_by_the_status(client: httpx2.AsyncClient) -> None:
    await send(client, servers(100), complete="true")
    sent = {"source": "scan", "complete": "true"}
    answer = await client.post("/load", params=sent, content=servers(1), headers=SENT | LINES)
    assert (answer.status_code, answer.json()["code"]) == (409, "SAFETY_BRAKE")
    assert answer.json()["detail"].endswith("load with `allowRetire`; `dryRun` lists them.")
    *_, done = await send(client, servers(1), complete="true", allowRetire="true")
    assert done["report"]["retired"] == 99


async def test_only_who_may_load_loads(both: str) -> None:
    async with opened(store_at(both, MODEL)) as store:
        tokens = {
            scope: (await create(store, MODEL, scope, [scope], by="ann", expires=None))[1]
            for scope in (AccessScope.VIEWER, AccessScope.OPERATOR, AccessScope.LOADER)
        }
        async with asking(create_app(settings(both), MODEL)) as client:
            statuses = {}
            for scope, text in tokens.items():
                headers = {"Authorization": f"Bearer {text}"} | LINES
                answer = await client.post("/load", params={"source": "scan"}, content=servers(1), headers=headers)
                statuses[scope] = answer.status_code
        assert statuses == {AccessScope.VIEWER: 403, AccessScope.OPERATOR: 403, AccessScope.LOADER: 200}
        assert (await store.feed(0, 100))[-1].head.actor == "loader"


async def test_a_finding_tells_who_loads_no_value_that_this_one_may_not_read(both: str) -> None:
    def person(key: str) -> bytes:
        return json.dumps({"class": "Person", "key": key, "name": key, "email": "canary@example.org"}).encode()

    async with opened(store_at(both, MODEL)) as store:
        both_scopes = (AccessScope.LOADER, AccessScope.VIEWER)
        callers = {
            scopes: (await create(store, MODEL, "-".join(scopes), scopes, by="ann", expires=None))[1]
            for scopes in ((AccessScope.LOADER,), both_scopes, (AccessScope.ADMINISTRATOR,))
        }
        told = {}
        async with asking(create_app(settings(both), MODEL)) as client:
            await client.post("/load", params={"source": "scan"}, content=person("first"), headers=SENT | LINES)
            for number, (scopes, text) in enumerate(callers.items()):
                headers = {"Authorization": f"Bearer {text}"} | LINES
                body = b"\n".join(person(f"p{number}{each}") for each in "ab")
                answer = await client.post("/load", params={"source": "scan"}, content=body, headers=headers)
                findings = json.loads(answer.text.splitlines()[-1])["report"]["findings"]
                assert {each["code"] for each in findings} == {"DUPLICATE_IDENTIFIER"}
                assert set(findings[0]) == {"code", "message", "location"}
                told[scopes] = {"share Person.email (redacted), but" in each["message"] for each in findings}
                assert ("canary" in answer.text) == (scopes == (AccessScope.ADMINISTRATOR,))
        assert told == {scopes: {scopes != (AccessScope.ADMINISTRATOR,)} for scopes in callers}


async def test_who_may_not_read_at_all_is_told_no_value_of_a_finding(both: str) -> None:
    async with opened(store_at(both, MODEL)) as store:
        said = {}
        async with asking(create_app(settings(both), MODEL)) as client:
            for scopes in ((AccessScope.LOADER,), (AccessScope.LOADER, AccessScope.VIEWER)):
                _, text = await create(store, MODEL, f"caller-{len(scopes)}", scopes, by="ann", expires=None)
                lines = [{"class": "Server", "key": f"{len(scopes)}{each}", "serial_number": "S1"} for each in "ab"]
                body = b"\n".join(json.dumps(each).encode() for each in lines)
                headers = {"Authorization": f"Bearer {text}"} | LINES
                answer = await client.post("/load", params={"source": "scan"}, content=body, headers=headers)
                (*_, finding) = json.loads(answer.text.splitlines()[-1])["report"]["findings"]
                said[len(scopes)] = finding["message"]
        assert "(redacted)" in said[1]
        assert "(redacted)" not in said[2]


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Give what loads wait for before their first batch."""
    go = threading.Event()
    begin = loads._load

    async def waiting(*given: Any) -> None:
        await asyncio.to_thread(go.wait)
        await begin(*given)

    monkeypatch.setattr(loads, "_load", waiting)
    yield go
    go.set()


async def test_the_same_key_follows_the_same_load(client: httpx2.AsyncClient, held: threading.Event) -> None:
    async def sent(body: bytes, key: str) -> Any:
        headers = SENT | LINES | {"Idempotency-Key": key}
        return await client.post("/load", params={"source": "scan"}, content=body, headers=headers)

    first, second = (asyncio.create_task(sent(servers(3), "night")) for _ in range(2))
    await asyncio.sleep(0.2)
    other = await sent(servers(4), "night")
    assert (other.status_code, other.json()["code"]) == (400, "BAD_USAGE")
    held.set()
    assert (await first).text == (await second).text == (await sent(servers(3), "night")).text
    assert json.loads((await first).text.splitlines()[-1])["report"]["created"] == 3
    assert json.loads((await sent(servers(3), "morning")).text.splitlines()[-1])["report"]["created"] == 0


async def test_a_key_stands_for_its_load_in_every_process_of_the_store(both: str, held: threading.Event) -> None:
    async def sent(client: httpx2.AsyncClient, body: bytes) -> Any:
        headers = SENT | LINES | {"Idempotency-Key": "night"}
        return await client.post("/load", params={"source": "scan"}, content=body, headers=headers)

    body = servers(3) + b'{"class": "Nonsense", "key": "x"}\n'
    async with asking(create_app(settings(both), MODEL)) as one, asking(create_app(settings(both), MODEL)) as other:
        running = asyncio.create_task(sent(one, body))
        await asyncio.sleep(0.5)
        meanwhile = await sent(other, body)
        assert (meanwhile.status_code, meanwhile.json()["code"]) == (503, "STORE_BUSY")
        assert (await sent(other, servers(4))).json()["code"] == "BAD_USAGE"
        held.set()
        report = json.loads((await running).text.splitlines()[-1])["report"]
        # counts only: what stands in records and messages is kept where it can be redacted
        assert json.loads((await sent(other, body)).text)["report"] == report | {"rejects": [], "findings": []}
        assert (report["created"], report["rejected"]) == (3, 1)


async def test_a_load_that_failed_may_be_sent_again_under_its_key(client: httpx2.AsyncClient) -> None:
    headers = SENT | LINES | {"Idempotency-Key": "night"}
    await send(client, servers(100), complete="true")
    brake = {"source": "scan", "complete": "true"}
    for _ in range(2):
        assert (await client.post("/load", params=brake, content=servers(1), headers=headers)).status_code == 409
    answer = await client.post("/load", params=brake, content=servers(100), headers=headers)
    assert answer.status_code == 200


async def test_a_dead_letter_names_the_line_and_no_file_of_the_server(client: httpx2.AsyncClient) -> None:
    await send(client, b'{"class": "Nonsense", "key": "x"}\n')
    query = "{ deadLetters { edges { node { location } } } }"
    answer = (await client.post("/graphql", json={"query": query}, headers=SENT)).json()
    assert [each["node"]["location"] for each in answer["data"]["deadLetters"]["edges"]] == ["1"]


async def test_who_stops_sending_is_not_waited_for(tmp_path: Path, bodies: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    given = settings(f"sqlite://{tmp_path / 'estate.db'}").model_copy(update={"max_seconds": 0.2})
    async with asking(create_app(given, MODEL)) as client:
        for path, form in (("/load", LINES), ("/changes", JSON)):
            scope = {"source": "scan"} if path == "/load" else {}
            answer = await client.post(path, params=scope, content=slow(), headers=SENT | form)
            assert (answer.status_code, answer.json()["code"]) == (503, "TIMED_OUT")
    assert not any(bodies.iterdir())  # noqa: ASYNC240 - a test has no other work to hold up


async def test_a_load_too_many_is_refused_before_its_body_is_read(
    client: httpx2.AsyncClient, held: threading.Event
) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("the body was read")
        yield b""

    def sent(source: str, body: Any) -> Any:
        return client.post("/load", params={"source": source}, content=body, headers=SENT | LINES)

    running = [asyncio.create_task(sent(f"s{number}", servers(1))) for number in range(loads.AT_ONCE)]
    await asyncio.sleep(0.2)
    refused = await sent("one-more", never())
    assert (refused.status_code, refused.json()["code"]) == (503, "STORE_BUSY")
    held.set()
    assert [(await each).status_code for each in running] == [200] * loads.AT_ONCE


async def test_no_more_loads_at_once_than_may_be(client: httpx2.AsyncClient, held: threading.Event) -> None:
    def sent(source: str) -> Any:
        return client.post("/load", params={"source": source}, content=servers(1), headers=SENT | LINES)

    running = [asyncio.create_task(sent(f"s{number}")) for number in range(loads.AT_ONCE)]
    await asyncio.sleep(0.2)
    refused = await sent("one-more")
    assert (refused.status_code, refused.json()["code"]) == (503, "STORE_BUSY")
    held.set()
    assert [(await each).status_code for each in running] == [200] * loads.AT_ONCE
    assert (await sent("one-more")).status_code == 200


async def test_a_load_goes_on_when_its_sender_has_gone_and_the_service_waits_for_it(
    both: str, held: threading.Event
) -> None:
    async with asking(create_app(settings(both), MODEL)) as client:
        sent = client.post("/load", params={"source": "scan"}, content=servers(3), headers=SENT | LINES)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sent, 0.3)
        held.set()
    async with opened(store_at(both, MODEL)) as store:
        assert await store.count(["Server"], None) == 3


async def test_a_mistake_of_ours_ends_the_load_and_is_logged(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_given: object, **_how: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as changed:
        changed.setattr(loads, "load", broken)
        answer = await client.post("/load", params={"source": "scan"}, content=servers(1), headers=SENT | LINES)
        assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "ZeroDivisionError" in caplog.text
    assert (await send(client, servers(1)))[-1]["report"]["created"] == 1
