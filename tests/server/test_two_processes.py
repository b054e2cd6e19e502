"""Two processes serve one store, on both stores: what one writes the other knows, or says how far it is behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from knockon.cmdb.access import AccessScope
from knockon.cmdb.stewardship.tokens import create, revoke
from knockon.cmdb.stores import opened, store_at
from tests.server.conftest import MODEL, SENT, TOKEN
from tests.server.test_changes import CHANGE, SECRET, Listener, listener, until

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["listener"]

LINES = {"Content-Type": "application/x-ndjson"}
SERVING = Path(__file__).with_name("serving_process.py")
IMPACT = '{ impact(of: [{ref: "Server:box"}], maxLag: %s) { revision services { service { name } } } }'


@dataclass(frozen=True)
class Process:
    """One that serves; while ``hold`` is there its topology stays as it is."""

    running: subprocess.Popen[str]
    http: httpx2.Client
    hold: Path

    def load(self, *lines: dict[str, Any], key: str = "") -> httpx2.Response:
        headers = SENT | LINES | ({"Idempotency-Key": key} if key else {})
        body = "".join(json.dumps(each) + "\n" for each in lines)
        return self.http.post("/load", params={"source": "t"}, content=body, headers=headers)

    def ask(self, query: str) -> Any:
        answer = self.http.post("/graphql", json={"query": query}, headers=SENT)
        return answer.json().get("data") or answer.json()

    def status(self, token: str) -> int:
        asked = {"query": "{ servers { totalCount } }"}
        return self.http.post("/graphql", json=asked, headers={"Authorization": f"Bearer {token}"}).status_code

    def impact(self, max_lag: float = 0.0) -> tuple[int, list[str]]:
        """Give the revision of the answer, and the services that it names."""
        answer = self.ask(IMPACT % max_lag)
        assert "impact" in answer, answer
        found = answer["impact"]
        return found["revision"], sorted(each["service"]["name"] for each in found["services"])

    def warm(self) -> None:
        """Ask until it answers in time: a first question may take longer than it is given on a machine that is busy."""
        for _ in range(30):
            if "impact" in self.ask(IMPACT % 0):
                return

    def lag(self) -> float:
        lines = self.http.get("/metrics", headers=SENT).text.splitlines()
        return next(float(each.split()[1]) for each in lines if each.startswith("knockon_topology_revision_lag "))

    def readiness(self) -> tuple[int, int]:
        """Give the revisions of the store and of the topology."""
        ready = self.http.get("/readyz").json()
        return ready["revision"], ready["topology"]


@contextmanager
def serving(url: str, folder: Path, **given: str) -> Iterator[tuple[Process, Process]]:
    """Run two processes on one store."""
    own = {
        "KNOCKON_STORE": url, "KNOCKON_TOKEN": TOKEN, "KNOCKON_LOG_LEVEL": "warning", "KNOCKON_MAX_SECONDS": "8",
        "KNOCKON_CACHE": str(folder / "cache"), "PYTHONPATH": os.environ.get("PYTHONPATH", "."),
    }  # fmt: skip
    others = {name: value for name, value in os.environ.items() if not name.startswith("KNOCKON_")}
    with ExitStack() as stack:
        found = []
        for number in (1, 2):
            hold = folder / f"hold-{number}"
            errors = stack.enter_context(hold.with_suffix(".errors").open("w"))
            running = stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(SERVING), str(hold)], env=others | own | given, text=True,
                    stdout=subprocess.PIPE, stderr=errors,
                )
            )  # fmt: skip
            stack.callback(running.kill)
            found.append((running, hold))
        both = []
        for running, hold in found:
            assert running.stdout is not None
            http = stack.enter_context(httpx2.Client(base_url=running.stdout.readline().strip(), timeout=60))
            both.append(Process(running, http, hold))
        yield both[0], both[1]
        for each in both:
            each.hold.unlink(missing_ok=True)
            each.running.send_signal(signal.SIGTERM)
        assert [each.running.wait(timeout=30) for each in both] == [0, 0]
        said = "".join(each.hold.with_suffix(".errors").read_text() for each in both)
        # the driver tells that both made the indexes of an empty Neo4j at once, and that it tries again
        troubles = [line for line in said.splitlines() if re.search(r"could not|Traceback|answered with", line)]
        assert troubles == []


def service(name: str) -> list[dict[str, Any]]:
    return [
        {"class": "BusinessService", "key": name, "name": name}, {"from": name, "type": "DEPENDS_ON", "to": "box"},
    ]  # fmt: skip


ESTATE = [{"class": "Server", "key": "box", "name": "box"}, *service("shop")]


def test_what_one_writes_the_other_knows_and_one_that_is_behind_says_so(both: str, tmp_path: Path) -> None:
    with serving(both, tmp_path) as (one, other):
        one.load(*ESTATE)
        one.warm()
        other.warm()
        first, names = other.impact()
        assert names == ["shop"]
        assert other.readiness() == (first, first)

        # what is written through one is in the next answer of the other, at that revision or a later one
        second = json.loads(one.load(*service("bank")).text.splitlines()[-1])["report"]["revision"]
        assert second > first
        assert other.impact(max_lag=3600) == (first, ["shop"])
        assert (other.readiness(), other.lag()) == ((second, first), second - first)
        assert other.impact() == one.impact() == (second, ["bank", "shop"])
        assert (other.readiness(), other.lag()) == ((second, second), 0)

        # one that cannot catch up answers who may be behind, and names its revision; anybody else is told
        other.hold.touch()
        third = json.loads(one.load(*service("till")).text.splitlines()[-1])["report"]["revision"]
        assert other.ask(IMPACT % 0)["code"] == "TIMED_OUT"
        assert other.impact(max_lag=3600) == (second, ["bank", "shop"])
        assert (other.readiness(), other.lag()) == ((third, second), third - second)
        assert one.impact() == (third, ["bank", "shop", "till"])
        other.hold.unlink()
        assert other.impact() == (third, ["bank", "shop", "till"])
        assert other.lag() == 0

        # one that stood still does not take for new what it knew before
        other.running.send_signal(signal.SIGSTOP)
        fourth = json.loads(one.load(*service("desk")).text.splitlines()[-1])["report"]["revision"]
        time.sleep(1)
        other.running.send_signal(signal.SIGCONT)
        assert other.impact(max_lag=0.5) == (fourth, ["bank", "desk", "shop", "till"])


async def test_tokens_keys_of_loads_and_verdicts_are_of_both(both: str, tmp_path: Path, listener: Listener) -> None:
    told = {"KNOCKON_CALLBACKS": listener.address.removesuffix("verdict"), "KNOCKON_CALLBACK_SECRET": SECRET}
    with serving(both, tmp_path, **told, KNOCKON_CALLBACK_SECONDS="0.05") as (one, other):
        async with opened(store_at(both, MODEL)) as store:
            made, text = await create(store, MODEL, "ann", [AccessScope.VIEWER], by="root", expires=None)
            assert [each.status(text) for each in (one, other)] == [200, 200]
            await revoke(store, MODEL, made.id, by="root")
            assert [each.status(text) for each in (one, other)] == [401, 401]

        report = json.loads(one.load(*ESTATE, key="night").text.splitlines()[-1])["report"]
        one.load({"class": "Server", "key": "box", "name": "box", "description": "newer"})
        again = other.load(*ESTATE, key="night")
        assert json.loads(again.text)["report"] == report
        assert other.ask("{ servers { edges { node { description } } } }")["servers"]["edges"] == [
            {"node": {"description": "newer"}}
        ]
        refused = other.load(*service("bank"), key="night")
        assert (refused.status_code, refused.json()["code"]) == (400, "BAD_USAGE")

        sent = await asyncio.to_thread(
            one.http.post, "/changes", json=CHANGE | {"callback": listener.address}, headers=SENT
        )
        assert sent.status_code == 200, sent.text
        for number, name in enumerate(("bank", "till"), 1):
            other.load(*service(name))
            await until(listener, number)
            await asyncio.sleep(1)
            assert [each["before"] for each, _ in listener.heard[1:]] == [
                each["verdict"] for each, _ in listener.heard[:-1]
            ]
            assert len(listener.heard) == number


@pytest.mark.parametrize("first", [0, 1])
async def test_when_one_stops_the_other_tells(tmp_path: Path, listener: Listener, first: int) -> None:
    told = {"KNOCKON_CALLBACKS": listener.address.removesuffix("verdict"), "KNOCKON_CALLBACK_SECRET": SECRET}
    url = f"sqlite://{tmp_path / 'estate.db'}"
    with serving(url, tmp_path, **told, KNOCKON_CALLBACK_SECONDS="0.05") as pair:
        stopped, goes_on = pair[first], pair[1 - first]
        goes_on.load(*ESTATE)
        sent = goes_on.http.post("/changes", json=CHANGE | {"callback": listener.address}, headers=SENT)
        assert sent.status_code == 200, sent.text
        stopped.running.send_signal(signal.SIGTERM)
        assert stopped.running.wait(timeout=30) == 0
        goes_on.load(*service("bank"))
        await until(listener, 1)
        await asyncio.sleep(0.5)
        assert len(listener.heard) == 1
