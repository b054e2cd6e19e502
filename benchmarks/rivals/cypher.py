"""Neo4j itself, asked in Cypher what is reachable from one item and how far away it is."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

import neo4j

from benchmarks.rivals.libraries import Rival
from tests.neo4j_server import running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.impact.topology.topology import Topology

BATCH = 20_000
QUERIES: dict[str, LiteralString] = {
    "pruned variable length": """
MATCH p = (start:Item {number: $start})<-[:NEEDS*1..]-(other:Item)
WITH other, min(length(p)) AS distance RETURN other.number, distance""",
    "SHORTEST 1": """
MATCH p = SHORTEST 1 (start:Item {number: $start})<-[:NEEDS]-+(other:Item)
RETURN other.number, length(p)""",
}
"""Ways to ask; what is fastest is tried, and differs with the version and the graph."""
CONNECT: LiteralString = """
UNWIND $arcs AS arc
MATCH (consumer:Item {number: arc[0]}) MATCH (supplier:Item {number: arc[1]})
CREATE (consumer)-[:NEEDS]->(supplier)"""
SECONDS = 60.0
"""How long one question may take before its way of asking is given up."""


class Slow(Exception):
    """A way of asking took too long."""


@contextmanager
def server() -> Iterator[neo4j.Driver]:
    """Run a server with memory enough for the graphs of this benchmark; stop it after."""
    with running_server(
        lambda line: print(f"\r{line} ", end="", file=sys.stderr), heap="2g", page_cache="1g"
    ) as uri, neo4j.GraphDatabase.driver(uri, telemetry_disabled=True) as driver:  # fmt: skip
        yield driver


def load(driver: neo4j.Driver, topology: Topology) -> None:
    """Replace what the server holds by the same items and arcs; wait for its indexes."""
    graph = topology.graph
    _wipe(driver)
    driver.execute_query("CREATE CONSTRAINT number IF NOT EXISTS FOR (n:Item) REQUIRE n.number IS UNIQUE")
    for first in range(0, len(topology.ids), BATCH):
        numbers = list(range(first, min(first + BATCH, len(topology.ids))))
        driver.execute_query("UNWIND $numbers AS number CREATE (:Item {number: number})", numbers=numbers)
    driver.execute_query("CALL db.awaitIndexes(300)")
    arcs = list(zip(graph.consumer.tolist(), graph.supplier.tolist(), strict=True))
    for first in range(0, len(arcs), BATCH):
        driver.execute_query(
            CONNECT,
            arcs=[list(arc) for arc in arcs[first : first + BATCH]],
        )


def _wipe(driver: neo4j.Driver) -> None:
    with driver.session() as session:
        session.run("MATCH (n:Item) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 20000 ROWS").consume()


def fastest(driver: neo4j.Driver, starts: list[int]) -> tuple[str, LiteralString]:
    """Try each way of asking on a few starts, twice; give the fastest, and its name."""
    tried: dict[str, float] = {}
    for name, query in QUERIES.items():
        try:
            asked(driver, query, starts[0])
            began = time.perf_counter()
            for start in starts:
                asked(driver, query, start)
            tried[name] = time.perf_counter() - began
        except Slow:
            continue
    best = min(tried, key=lambda name: tried[name])
    return best, QUERIES[best]


def asked(driver: neo4j.Driver, query: LiteralString, start: int) -> dict[int, int]:
    """Ask; give the distance of each item.

    Raises
    ------
    Slow
    """
    try:
        with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
            rows: list[list[Any]] = session.run(neo4j.Query(query, timeout=SECONDS), start=start).values()
    except neo4j.exceptions.ClientError as error:
        raise Slow from error
    return {number: distance for number, distance in rows if number != start}


def cypher(driver: neo4j.Driver, query: LiteralString, most: int) -> Rival:
    """Neo4j as one of the rivals; its answers have distances too."""
    return Rival("Neo4j", lambda start: asked(driver, query, start), lambda found, _start: set(found), most)
