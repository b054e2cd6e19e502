"""The client for scripts, against a service on a real socket."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from knockon.client import Client
from knockon.errors import (
    BadUsage,
    KnockonError,
    NotAuthenticated,
    QueryInvalid,
    SafetyBrake,
    SourceConflict,
    StoreUnreachable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TOKEN = "correct horse battery staple"
NIGHT = [
    {"class": "BusinessService", "key": "shop", "name": "shop"},
    {"class": "Server", "key": "box", "name": "box"},
    {"from": "shop", "type": "DEPENDS_ON", "to": "box"},
]


@contextmanager
def served(store: str, port: int = 0) -> Iterator[str]:
    """Serve a store from a process of its own, and give its address."""
    command = [sys.executable, "-c", "from knockon.cli import main; main()", "serve", "--store", store]
    environment = {**os.environ, "KNOCKON_TOKEN": TOKEN, "KNOCKON_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        [*command, "--port", str(port)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        try:
            found = next(each for line in server.stdout if (each := re.search(r"http://[0-9.:]+", line)))
            yield found[0]
        finally:
            server.terminate()
            server.wait(timeout=30)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(f"sqlite://{tmp_path_factory.mktemp('served') / 'estate.db'}") as address:
        yield address


@pytest.fixture
def cmdb(address: str) -> Iterator[Client]:
    with Client(address, TOKEN) as client:
        yield client


def nobody(known: Client) -> None:
    with Client(str(known._http.base_url), "nonsense") as client:
        client.query("{ __typename }")


def many(count: int, kind: str = "Workstation") -> list[dict[str, Any]]:
    return [{"class": kind, "key": f"w{number:04}", "name": f"w{number:04}"} for number in range(count)]


def test_records_and_files_are_loaded(cmdb: Client, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    report = cmdb.load(NIGHT, source="scan", progress=lambda done, total: seen.append((done, total)))
    assert (report.created, report.rejects, seen[-1]) == (2, [], (3, 3))
    file = tmp_path / "night.yaml"
    file.write_text("source: scan\nentities:\n  - {class: Server, key: box, name: box}\n  - {class: Nothing, key: x}\n")
    again = cmdb.load(file)
    assert (again.created, again.unchanged, [each["code"] for each in again.rejects]) == (0, 1, ["UNKNOWN_CLASS"])


def test_impact_is_typed(cmdb: Client) -> None:
    cmdb.load(NIGHT, source="scan")
    hit = cmdb.impact("Server:box")
    assert [(each.name, each.class_name, each.state) for each in hit.services] == [("shop", "BusinessService", "DOWN")]
    assert (hit.counts["DOWN"], hit.truncated) == (1, False)
    assert hit.revision > 0


def test_lists_are_paged(cmdb: Client) -> None:
    cmdb.load(many(25), source="desks")
    names = [each["name"] for each in cmdb.pages("workstations", "name", page=10)]
    assert names == [f"w{number:04}" for number in range(25)]
    few = cmdb.pages("workstations", "name", where={"name": {"startsWith": "w001"}}, page=4)
    assert [each["name"] for each in few] == names[10:20]
    assert list(cmdb.pages("racks", "name")) == []


@pytest.mark.parametrize(
    ("wrong", "kind", "says"),
    [
        (lambda each: each.load(NIGHT, source="person/ann"), SourceConflict, "person"),
        (lambda each: each.query('{ servers(first: 1, after: "x") { totalCount } }'), KnockonError, "cursor"),
        (lambda each: each.query("{ nonsense }"), QueryInvalid, "nonsense"),
        (nobody, NotAuthenticated, "token"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_raised_by_its_code(
    cmdb: Client, wrong: Callable[[Client], object], kind: type[KnockonError], says: str
) -> None:
    with pytest.raises(kind, match=says):
        wrong(cmdb)


def test_the_brake_is_raised(cmdb: Client) -> None:
    cmdb.load(many(100, "Printer"), source="brake", complete=True)
    with pytest.raises(SafetyBrake, match="allow"):
        cmdb.load(many(10, "Printer"), source="brake", complete=True)
    assert cmdb.load(many(10, "Printer"), source="brake", complete=True, dry_run=True).answer["plan"]
    assert cmdb.load(many(10, "Printer"), source="brake", complete=True, allow_retire=True).retired == 90


def test_nobody_there_is_told_after_several_attempts(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, "knockon")
    tried = []

    def refuse(_request: httpx2.Request) -> httpx2.Response:
        tried.append(1)
        raise httpx2.ConnectError("refused")

    with patched(refuse, attempts=3) as client, pytest.raises(StoreUnreachable, match="does not answer"):
        client.query("{ __typename }")
    assert len(tried) == 3
    assert [(each.name, each.levelname) for each in caplog.records] == [("knockon.client", "INFO")] * 2
    assert capfd.readouterr().err == ""


def test_what_passes_is_tried_again_and_a_mutation_is_not() -> None:
    told: list[str] = []

    def busy(request: httpx2.Request) -> httpx2.Response:
        told.append(request.headers.get("idempotency-key", ""))
        if len(told) < 3:
            return httpx2.Response(503, json={"code": "STORE_BUSY", "detail": "wait"})
        report = {
            "revision": 1,
            "created": 2,
            "updated": 0,
            "unchanged": 0,
            "retired": 0,
            "rejects": [],
            "findings": [],
        }
        return httpx2.Response(200, json={"done": 2, "of": 2} if len(told) == 3 else {"report": report})

    with patched(busy) as client:
        assert client.load(NIGHT, source="scan").created == 2  # twice busy, once cut off
    assert len(told) == 4
    assert len(set(told)) == 1
    told.clear()
    with patched(busy) as client, pytest.raises(KnockonError, match="wait"):
        client.query("mutation { x }")
    assert len(told) == 1


def test_what_is_no_knockon_is_told() -> None:
    def elsewhere(_request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, text="<html>")

    with patched(elsewhere) as client, pytest.raises(KnockonError, match="is the address right"):
        client.query("{ __typename }")


@pytest.mark.parametrize(
    "address",
    [
        "cmdb.example.org", "localhost:8080", "127.0.0.1:8080", "", "http://", "ftp://cmdb.example.org", TOKEN,
        "http://cmdb.example.org/graphql", "http://cmdb.example.org/cmdb/graphql/", "http://cmdb.example.org/?a=b",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_at_once(address: str) -> None:
    with pytest.raises(BadUsage, match="Give the address of the service with") as refused:
        Client(address)
    assert TOKEN not in str(refused.value)


def test_a_token_may_have_blanks_around_it_and_is_never_shown() -> None:
    with Client("http://cmdb.example.org", f" {TOKEN}\r\n") as client:
        assert client._http.headers["Authorization"] == f"Bearer {TOKEN}"
    for wrong in (f"{TOKEN}\nx", f"{TOKEN}\0", f"{TOKEN}ż"):
        with pytest.raises(BadUsage, match="token has a character") as refused:
            Client("http://cmdb.example.org", wrong)
        assert TOKEN not in str(refused.value)


def test_variables_may_have_any_name(cmdb: Client) -> None:
    cmdb.load(NIGHT, source="scan")
    asked = "query($text: String!, $self: Int) { search(text: $text, first: $self) { totalCount } }"
    assert cmdb.query(asked, text="box", self=1)["search"]["totalCount"] == 1
    assert [each.name for each in cmdb.impact("Server:box", given="open").services] == ["shop"]


@pytest.mark.parametrize("wrong", [NIGHT[0], {}, ["box"], [NIGHT[0], 1], b"{}"])
def test_what_is_no_list_of_records_is_refused(cmdb: Client, wrong: Any) -> None:
    with pytest.raises(BadUsage, match="list of dictionaries"):
        cmdb.load(wrong, source="scan")


def patched(handler: Callable[[httpx2.Request], httpx2.Response], attempts: int = 5) -> Client:
    """Give a client that speaks to a function, so that faults come when they should."""
    client = Client("http://cmdb.example.org", TOKEN, attempts=attempts)
    client._http = httpx2.Client(base_url="http://cmdb.example.org", transport=httpx2.MockTransport(handler))
    return client


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knockon.client._LONGEST_PAUSE", 0.0)
