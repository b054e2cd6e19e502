"""``serve`` and ``demo`` in processes of their own, stopped by Ctrl-C."""

from __future__ import annotations

import queue
import signal
import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from tests.cli.command import Knockon

TOKEN = "correct horse battery staple"
SENT = {"Authorization": f"Bearer {TOKEN}"}
QUESTION = {"query": '{ impact(of: [{ref: "Hypervisor:ham-esx-03"}]) { services { service { name } state } } }'}


@dataclass
class Serving:
    """A running service: what it says on standard error, line by line."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)
    lines: queue.SimpleQueue[str] = field(default_factory=queue.SimpleQueue)

    def listen(self, stream: IO[str]) -> None:
        for line in stream:
            self.lines.put(line)
        self.lines.put("")

    def address(self) -> str:
        """Wait for the line that has the address."""
        while "http://127.0.0.1:" not in (line := self.lines.get(timeout=60)):
            assert line, self.said
            self.said.append(line)
        self.said.append(line)
        return "http://" + line.split("http://", 1)[1].split("/", 1)[0].split(" ", 1)[0]

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C; give the exit code, and all that was said on standard error."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(timeout=30)
        while line := self.lines.get(timeout=10):
            self.said.append(line)
        return code, "".join(self.said)


@contextmanager
def running(knockon: Knockon, *arguments: str) -> Iterator[Serving]:
    with subprocess.Popen(
        knockon.command(*arguments), env=knockon.environment, cwd=knockon.home,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stdout is not None
        serving = Serving(process)
        listener = threading.Thread(target=serving.listen, args=(process.stderr,))
        listener.start()
        try:
            yield serving
            assert process.stdout.read() == ""
        finally:
            process.kill()
            listener.join()


def graphql(address: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.post(f"{address}/graphql", json=body, headers=headers or {}, timeout=30)


def test_serve_without_a_token_refuses(knockon: Knockon) -> None:
    for each in (knockon, *(knockon.knowing(KNOCKON_TOKEN=blank) for blank in ("", " ", "\t\n"))):
        ran = each("serve", "--port", "0")
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith("knockon: NOT_AUTHENTICATED: Nobody could ask")


def test_serve_answers_who_has_the_token(estate: Knockon) -> None:
    with running(estate.knowing(KNOCKON_TOKEN=TOKEN, KNOCKON_LOG_LEVEL="warning"), "serve", "--port", "0") as serving:
        address = serving.address()
        body = {"query": '{ impact(of: [{ref: "ESX1"}]) { services { service { name } state } } }'}
        for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": f"Basic {TOKEN}"}):
            assert graphql(address, body, headers).status_code == 401
        assert graphql(address, body, SENT).json() == {
            "data": {"impact": {"services": [{"service": {"name": "Shop"}, "state": "AT_RISK"}]}}
        }
        assert httpx2.get(f"{address}/healthz").status_code == 200
        code, said = serving.stop()
    assert code == 0
    assert said == f"knockon serves {address}/graphql (Ctrl-C stops it)\n"
    assert TOKEN not in said


@pytest.mark.parametrize("arguments", [["--store", "sqlite:///"], ["--port", "65536"], ["--port", "0", "--dev"]])
def test_serve_with_nonsense_is_wrong_use(knockon: Knockon, arguments: list[str]) -> None:
    ran = knockon.knowing(KNOCKON_TOKEN=TOKEN)("serve", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Traceback" not in ran.err


def test_serve_without_a_store_is_exit_3(knockon: Knockon) -> None:
    ran = knockon.knowing(KNOCKON_TOKEN=TOKEN)("serve", "--port", "0", "--store", "neo4j://127.0.0.1:9")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("knockon: STORE_UNREACHABLE: ")
    assert ran.err.count("\n") == 1


def test_demo_serves_and_a_second_time_changes_nothing(knockon: Knockon) -> None:
    # neither the token nor the store of an installation reaches the demo
    knockon = knockon.knowing(KNOCKON_TOKEN=TOKEN)
    created = _demo(knockon)
    assert "Sample estate: 1360 created, 0 unchanged, in sqlite://" in created
    assert "Sample estate: 0 created, 1360 unchanged, in sqlite://" in _demo(knockon)
    assert not (knockon.home / "estate.db").exists()
    store = f"sqlite://{knockon.home}/data/knockon/demo.db"
    assert f"knockon impact Hypervisor:ham-esx-03 --store {store}\n" in created
    assert knockon("impact", "Hypervisor:ham-esx-03", "--store", store, "--json").json()["counts"]["DOWN"] > 0


def test_the_demos_commands_run_in_another_terminal(knockon: Knockon, tmp_path: Path) -> None:
    tools = tmp_path / "my tools"
    tools.mkdir()
    (tools / "knockon").symlink_to(knockon.program)
    said = _demo(replace(knockon, program=Path("my tools", "knockon")))
    command = next(line for line in said.splitlines() if " impact " in line)
    elsewhere = {"PATH": "/usr/bin:/bin", "HOME": "/"}
    done = subprocess.run(["sh", "-c", command], cwd="/", env=elsewhere, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Payroll" in done.stdout


def _demo(knockon: Knockon) -> str:
    """Run the demo, ask it, stop it, and give what it said."""
    with running(knockon, "demo", "--port", "0") as serving:
        address = serving.address()
        services = graphql(address, QUESTION).json()["data"]["impact"]["services"]
        assert {"service": {"name": "Payroll"}, "state": "DOWN"} in services
        assert httpx2.get(f"{address}/").status_code == 200
        code, said = serving.stop()
    assert code == 0
    assert "Three things to try" in said
    assert "Traceback" not in said
    assert said.splitlines()[0] == "Making the sample estate ..."
    return said
