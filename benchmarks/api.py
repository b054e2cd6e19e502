"""How fast the API answers a dashboard, beside the same store queries made bare and beside @neo4j/graphql.

    python benchmarks/api.py [--items 5000] [--neo4j] [--clients 1 8 32] [--seconds 5]

Five questions (``rivals/dashboard.py``) are put to a running ``knockon serve``, each about several things in turn, by
so many clients at once. Against each stand, in the same run: the statements that the service itself asks its store for
such an answer, through the driver and nothing else, by as many clients in threads; and with ``--neo4j`` @neo4j/graphql
from npm over the same data: it knows no redundancy, so its board and blast radius are reachability.
The aim of a question is twice the bare time and 50 microseconds for each node of the answer. ``--items 50000`` makes
an estate of 100,000 things and 300,000 relationships; ``--store`` names one that is there already.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import neo4j
import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.answers import sampled
from benchmarks.rivals.bare import BareNeo4j, BareSqlite, Statement, written_down
from benchmarks.rivals.dashboard import Question, questions
from benchmarks.rivals.machine import machine
from benchmarks.rivals.neo4j_graphql import rival
from knockon.cmdb.access import LOCAL
from knockon.cmdb.stores import opened, store_at
from knockon.graphql.request import Request
from knockon.graphql.schema import build_schema
from knockon.impact.topology.topologies import Topologies
from knockon.schema.installed import installed_model
from tests.neo4j_server import running_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from knockon.schema.model import Model

TOKEN = "benchmark"
PER_NODE = 50e-6


class Known(NamedTuple):
    """A question, what its answers have on average, and what the store is asked for each of them."""

    question: Question
    nodes: float
    statements: list[list[Statement]]


class Measured(NamedTuple):
    """What some clients got: answers in a second, and seconds that half and 95 % of them took at most."""

    rate: float
    p50: float
    p95: float


async def known(model: Model, url: str) -> list[Known]:
    """Put each question once in this process, then again and write down what the store is asked."""
    with written_down() as noted:
        async with opened(store_at(url, model)) as store:
            topologies = Topologies(store, model)
            view = await topologies.current()
            incidents = await store.page(model.concrete("Incident"), None, limit=500)
            standing = [e.id for e in incidents if model.state_of(e.class_name, e.attributes).in_effect]
            schema = build_schema(model)

            async def ask(question: str, variables: dict[str, Any]) -> Any:
                context = Request(topologies, principal=LOCAL)
                result = await schema.execute(question, variables, context)
                assert not result.errors, result.errors
                return result.data

            first = await ask(questions(view, [], [])[0].query, {"after": None})
            cursors = [edge["cursor"] for edge in first["servers"]["edges"]][:12]
            found = []
            for question in questions(view, cursors, standing):
                asked, nodes = [], 0
                for variables in question.variables:
                    await ask(question.query, variables)
                    noted.clear()
                    nodes += objects(await ask(question.query, variables))
                    asked.append(list(noted))
                found.append(Known(question, nodes / len(question.variables), asked))
            return found


def objects(data: Any) -> int:
    """Count the things with an id in an answer."""
    if isinstance(data, dict):
        return ("id" in data) + sum(map(objects, data.values()))
    return sum(map(objects, data)) if isinstance(data, list) else 0


def measure(ask: list[Callable[[int], None]], seconds: float) -> Measured:
    """Let clients ask for so long, each in its thread: ``ask`` has a function of the question's number for each."""
    times: list[float] = []
    over = threading.Event()

    def client(number: int) -> None:
        turn = number
        while not over.is_set():
            began = time.perf_counter()
            ask[number](turn)
            times.append(time.perf_counter() - began)
            turn += len(ask)

    threads = [threading.Thread(target=client, args=[number]) for number in range(len(ask))]
    began = time.perf_counter()
    for each in threads:
        each.start()
    over.wait(seconds)
    over.set()
    for each in threads:
        each.join()
    taken = time.perf_counter() - began
    ordered = sorted(times)
    return Measured(
        len(times) / taken, statistics.median(times), ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]
    )


class Client:
    """Asks a GraphQL service over a connection of its own."""

    def __init__(self, address: str, token: str = "") -> None:
        where = urlsplit(address)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=300)
        self._path = where.path
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def ask(self, body: bytes) -> bytes:
        """Send a question and give the answer, which has no errors."""
        self._connection.request("POST", self._path, body, self._headers)
        answer = self._connection.getresponse()
        text = answer.read()
        assert answer.status == 200, text[:500]
        assert b'"errors"' not in text[:200], text[:500]
        return text


def bodies(question: Question) -> list[bytes]:
    return [orjson.dumps({"query": question.query, "variables": each}) for each in question.variables]


def over_http(address: str, question: Question, clients: int, seconds: float, token: str = "") -> Measured:
    """Measure a service."""
    asked = bodies(question)

    def asking() -> Callable[[int], None]:
        client = Client(address, token)

        def ask(turn: int) -> None:
            client.ask(asked[turn % len(asked)])

        return ask

    ask = [asking() for _ in range(clients)]
    for turn in range(len(asked)):  # nothing is new to it
        ask[0](turn)
    return measure(ask, seconds)


def bare(make: Callable[[], Any], each: Known, clients: int, seconds: float) -> Measured:
    """Measure the statements alone."""
    connections = [make() for _ in range(clients)]
    some = each.statements

    def asking(connection: Any) -> Callable[[int], None]:
        return lambda turn: connection.ask(some[turn % len(some)])

    try:
        return measure([asking(connection) for connection in connections], seconds)
    finally:
        for connection in connections:
            connection.close()


@contextmanager
def serving(url: str) -> Iterator[str]:
    """Run ``knockon serve`` and give the address of its API."""
    command = [str(Path(sys.executable).with_name("knockon")), "serve", "--port", "0", "--store", url]
    environment = os.environ | {"KNOCKON_TOKEN": TOKEN, "KNOCKON_LOG_LEVEL": "warning"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "knockon serves" in line:
                    yield line.split()[2]
                    return
            raise RuntimeError("knockon serve ended by itself.")
        finally:
            process.terminate()


def report(found: list[Known], address: str, asked: argparse.Namespace, make: Callable[[], Any], other: str) -> None:
    for each in found:
        calls = statistics.mean(map(len, each.statements))
        print(f"\n{each.question.name}: {each.nodes:.0f} nodes, {calls:.1f} statements")
        for clients in asked.clients:
            ours = over_http(address, each.question, clients, asked.seconds, TOKEN)
            theirs = bare(make, each, clients, asked.seconds)
            aim = 2 * theirs.p50 + each.nodes * PER_NODE
            said = f"  {clients:>2} clients {ours.rate:>7.1f}/s, p50 {ours.p50 * 1000:>7.1f} ms"
            said += f", p95 {ours.p95 * 1000:>7.1f} ms; bare p50 {theirs.p50 * 1000:.1f} ms"
            said += f"; {ours.p50 / aim:.1f} of the aim"
            if other:
                third = over_http(other, rival.equivalent(each.question), clients, asked.seconds)
                said += f"; @neo4j/graphql {third.rate:.1f}/s: {ours.rate / third.rate:.1f} times"
            print(said, flush=True)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=5_000, help="CIs of the sample estate")
    parser.add_argument("--store", help="an estate in a file that is there already, instead")
    parser.add_argument("--neo4j", action="store_true", help="Neo4j instead of SQLite")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32], help="how many ask at once")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each is measured")
    asked = parser.parse_args()
    model = installed_model()
    print(f"on {machine()}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        other = ""
        if asked.neo4j:
            url = stack.enter_context(running_server(lambda _: None, heap="2g", page_cache="1g"))
            driver = stack.enter_context(neo4j.GraphDatabase.driver(url, telemetry_disabled=True))

            def make() -> Any:
                return BareNeo4j(driver)
        else:
            url = asked.store or f"sqlite://{folder}/estate.db"

            def make() -> Any:
                return BareSqlite(Path(url.removeprefix("sqlite://")))

        if not asked.store:
            asyncio.run(sampled(model, url, folder / "estate", asked.items))
        found = asyncio.run(known(model, url))
        if asked.neo4j:
            other = stack.enter_context(rival.serving(model, url, folder))
        report(found, stack.enter_context(serving(url)), asked, make, other)


if __name__ == "__main__":
    main()
