"""A real server on a real socket, stopped as people stop it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2
import pytest
from websockets.exceptions import ConnectionClosedOK
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from knockon.errors import BadUsage, StoreUnreachable
from knockon.server import create_app, run_server
from knockon.server.serving import _listening
from tests.server.conftest import MODEL, TOKEN, settings

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys
from concurrent.futures import ThreadPoolExecutor
from knockon.schema.installed import installed_model
from knockon.server import create_app, run_server
from knockon.server.serving import _listening
from knockon.server.settings import read_settings
app = create_app(read_settings(), installed_model())
run_server(app, host="127.0.0.1", port=0, announce=lambda address: print(address, flush=True))
print("closed", flush=True)
"""


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_stops_cleanly(url: str, stop: signal.Signals) -> None:
    environment = {**os.environ, "KNOCKON_STORE": url, "KNOCKON_TOKEN": TOKEN}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            address = server.stdout.readline().strip()
            assert address.startswith("http://127.0.0.1:")
            with httpx2.Client(base_url=address) as client:
                body = {"query": "{ servers { totalCount } }"}
                answer = client.post("/graphql", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
                assert answer.json() == {"data": {"servers": {"totalCount": 1}}}
                assert client.post("/graphql", json=body).status_code == 401
                assert "server" not in answer.headers
                server.send_signal(stop)  # while the connection is still open
                assert server.wait(timeout=20) == 0
            assert server.stdout.read() == "closed\n"
            said = server.stderr.read()
            assert said == ""
        finally:
            server.kill()


def test_who_follows_is_told_that_it_stops(url: str) -> None:
    environment = {**os.environ, "KNOCKON_STORE": url, "KNOCKON_TOKEN": TOKEN, "KNOCKON_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            address = server.stdout.readline().strip().replace("http", "ws")
            with connect(f"{address}/graphql", subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
                socket.send(json.dumps({"type": "connection_init", "payload": {"Authorization": f"Bearer {TOKEN}"}}))
                assert json.loads(socket.recv(timeout=30)) == {"type": "connection_ack"}
                query = "subscription { entityChanges(reached: true) { place } }"
                socket.send(json.dumps({"type": "subscribe", "id": "1", "payload": {"query": query}}))
                assert json.loads(socket.recv(timeout=30))["type"] == "next"
                server.send_signal(signal.SIGTERM)
                with pytest.raises(ConnectionClosedOK):
                    socket.recv(timeout=30)
                assert socket.close_code == 1001
            assert server.wait(timeout=20) == 0
            assert server.stdout.read() == "closed\n"
            assert server.stderr.read() == ""
        finally:
            server.kill()


def test_an_address_in_use_is_wrong_use(url: str) -> None:
    app = create_app(settings(url), MODEL)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadUsage, match="cannot be listened on"):
            run_server(app, host="127.0.0.1", port=port, announce=print)


def test_a_demo_can_be_served_on_this_machine_only(url: str) -> None:
    app = create_app(settings(url), MODEL, demo=True)
    for host in ("0.0.0.0", "::", "192.0.2.1", "example.org"):
        with pytest.raises(BadUsage, match="A demo is served on this machine only"):
            run_server(app, host=host, port=0, announce=pytest.fail)


def test_a_store_that_cannot_be_opened_is_told_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "estate.db").write_bytes(b"not a database, but long enough to be looked at " * 100)
    app = create_app(settings(f"sqlite://{tmp_path / 'estate.db'}"), MODEL)
    with pytest.raises(StoreUnreachable):
        run_server(app, host="127.0.0.1", port=0, announce=pytest.fail)


SLOW = """
import asyncio
from knockon.schema.installed import installed_model
from knockon.server import create_app, run_server
from knockon.server.serving import _listening
from knockon.server.settings import read_settings
app = create_app(read_settings(), installed_model())
@app.get("/slow")
async def slow() -> str:
    print("asked", flush=True)
    await asyncio.to_thread(input)
    return "finished"
run_server(app, host="127.0.0.1", port=0, announce=lambda address: print(address, flush=True))
print("closed", flush=True)
"""


def test_what_is_running_is_finished_before_the_end(url: str) -> None:
    environment = {**os.environ, "KNOCKON_STORE": url, "KNOCKON_TOKEN": TOKEN}
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as server, ThreadPoolExecutor(1) as thread:  # fmt: skip
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            address = server.stdout.readline().strip()
            sent = {"Authorization": f"Bearer {TOKEN}"}
            answer = thread.submit(httpx2.get, f"{address}/slow", headers=sent, timeout=60)
            assert server.stdout.readline() == "asked\n"
            server.send_signal(signal.SIGTERM)
            while _listens(address):
                pass
            server.stdin.write("go on\n")
            server.stdin.flush()
            assert answer.result().json() == "finished"
            assert server.wait(timeout=20) == 0
            assert server.stdout.read() == "closed\n"
        finally:
            server.kill()


def _listens(address: str) -> bool:
    host, _, port = address.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def test_a_connection_does_not_hold_the_body_of_an_answer_back() -> None:
    """Else TCP would wait with it for the caller to acknowledge the head: 40 ms, each time."""
    with _listening("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
