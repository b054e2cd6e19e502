"""Following by the client, through a line that is cut now and then."""

from __future__ import annotations

import logging
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.server import ServerConnection, serve

from knockon.client import Client
from knockon.errors import BadUsage, KnockonError, NotAuthenticated, QueryInvalid, StoreUnreachable
from tests.client.test_client import TOKEN, address, served

if TYPE_CHECKING:
    from pathlib import Path

    from websockets.http11 import Request, Response

__all__ = ["address"]


class Line:
    """Passes on what goes between a client and a service, and cuts WebSockets after some bytes of the service's."""

    def __init__(self, to: str, seed: int) -> None:
        host, _, port = to.removeprefix("http://").partition(":")
        self._to = (host, int(port))
        self._chance = random.Random(seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts = 0
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in self._threads:
            each.join(timeout=30)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._to)
                for one, other, cut in ((near, far, False), (far, near, True)):
                    thread = threading.Thread(target=self._pass, args=(one, other, cut))
                    self._threads.append(thread)
                    thread.start()

    def _pass(self, one: socket.socket, other: socket.socket, cut: bool) -> None:
        left = self._chance.randint(150, 600)
        upgraded = False
        with suppress(OSError):
            while data := one.recv(4096):
                if cut and upgraded:
                    left -= len(data)
                    if left < 0:
                        self.cuts += 1
                        break
                upgraded = upgraded or data.startswith(b"HTTP/1.1 101")
                other.sendall(data)
        for each in (one, other):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knockon.client._LONGEST_PAUSE", 0.2)


@pytest.mark.parametrize("seed", range(2))
def test_each_event_comes_once_whatever_becomes_of_the_line(address: str, seed: int) -> None:
    source = f"followed-{seed}"

    def write() -> None:
        with Client(address, TOKEN) as client:
            for number in range(30):
                client.load([{"class": "Workstation", "key": "l", "name": f"{source} {number}"}], source=source)

    with closing(Line(address, seed)) as line, Client(line.address, TOKEN) as client, ThreadPoolExecutor(1) as pool:
        first = client.load([{"class": "Workstation", "key": "l", "name": source}], source=source).revision
        writing = pool.submit(write)
        of = {"workstations": {"name": {"startsWith": source}}}
        with closing(client.follow("entityChanges", "name change", of=of, after=first)) as events:
            heard = list(islice(events, 30))
        writing.result()
        assert [each["name"] for each in heard] == [f"{source} {number}" for number in range(30)]
        assert {each["change"] for each in heard} == {"changed"}
        assert line.cuts > 0
        again = client.follow("entityChanges", "name", of=of, after=heard[9]["place"])
        with closing(again) as events:
            assert [each["name"] for each in islice(events, 20)] == [each["name"] for each in heard[10:]]


def test_states_are_followed_too(address: str) -> None:
    incident = {"class": "Incident", "key": "i", "name": "i", "kind": "outage", "state": "new"}
    hit = [
        {"class": "BusinessService", "key": "desk", "name": "desk"}, {"class": "Server", "key": "oak", "name": "oak"},
        {"from": "desk", "type": "DEPENDS_ON", "to": "oak"},
    ]  # fmt: skip
    with Client(address, TOKEN) as client:
        first = client.load(hit, source="states").revision
        events = client.follow(
            "serviceStates", "name after records { name }", after=first, services=["BusinessService:desk"]
        )
        with closing(events):
            client.load([incident, {"from": "i", "type": "AFFECTS", "to": "oak"}], source="states")
            event = next(events)
    assert {name: event[name] for name in ("name", "after", "records")} == {
        "name": "desk", "after": "DOWN", "records": [{"name": "i"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("token", "how", "error"),
    [
        ("nonsense", {}, NotAuthenticated),
        (TOKEN, {"after": 1_000_000}, BadUsage),
        (TOKEN, {"nothing": 1}, QueryInvalid),
    ],
)
def test_what_is_refused_is_raised_and_not_tried_again(
    address: str, token: str, how: dict[str, Any], error: type[Exception]
) -> None:
    with Client(address, token) as client, pytest.raises(error):
        next(client.follow("entityChanges", "name", **how))


def test_nobody_there(address: str) -> None:
    with Client(address, TOKEN) as client:
        client._argument_types("entityChanges", "Subscription")
        with socket.create_server(("127.0.0.1", 0)) as gone:
            port = gone.getsockname()[1]
        client._http.base_url = client._http.base_url.copy_with(port=port)
        with pytest.raises(StoreUnreachable):
            next(client.follow("entityChanges", "name"))


def test_a_service_that_is_away_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = f"sqlite://{tmp_path / 'estate.db'}"
    caplog.set_level(logging.INFO, "knockon.client")

    def load(to: str, name: str) -> None:
        with Client(to, TOKEN) as other:
            other.load([{"class": "Workstation", "key": "l", "name": name}], source="followed")

    with ExitStack() as stack:
        with served(store) as where:
            client = stack.enter_context(Client(where, TOKEN, attempts=2))
            load(where, "one")
            events = stack.enter_context(closing(client.follow("entityChanges", "name", after=0)))
            assert next(events)["name"] == "one"
        pool = stack.enter_context(ThreadPoolExecutor(1))
        coming = pool.submit(next, events)
        while len(caplog.records) < 10 and not coming.done():
            time.sleep(0.05)
        assert not coming.done(), "it has given up"
        with served(store, int(where.rpartition(":")[2])):
            load(where, "two")
            assert coming.result(timeout=60)["name"] == "two"
            events.close()


def test_a_path_of_the_address_is_kept() -> None:
    asked: list[str] = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        asked.append(request.path)
        return connection.respond(404, "")

    with (
        serve(lambda _connection: None, "127.0.0.1", 0, process_request=refuse) as proxy,
        ThreadPoolExecutor(1) as pool,
    ):
        pool.submit(proxy.serve_forever)
        with Client(f"http://127.0.0.1:{proxy.socket.getsockname()[1]}/cmdb") as client:
            client._types["Subscription"] = {}
            with pytest.raises(KnockonError, match="404"):
                next(client.follow("entityChanges", "name"))
        proxy.shutdown()
    assert asked == ["/cmdb/graphql"]
