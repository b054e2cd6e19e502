"""Neo4j itself, asked in Cypher what is reachable from one item and how far away it is, and APOC, what is reachable."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

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
WITH other, min(length(p)) AS distance RETURN collect(other.number), collect(distance)""",
    "SHORTEST 1": """
MATCH p = SHORTEST 1 (start:Item {number: $start})<-[:NEEDS]-+(other:Item)
RETURN collect(other.number), collect(length(p))""",
}
"""Ways to ask; what is fastest is tried, and differs with the version and the graph."""
SUBGRAPH: LiteralString = """
MATCH (start:Item {number: $start}) CALL apoc.path.subgraphNodes(start, {relationshipFilter: '<NEEDS', bfs: true})
YIELD node RETURN collect(node.number), []"""
APOC = ("org.neo4j.procedure:apoc-core:5.26.19", "org.neo4j.procedure:apoc-common:5.26.19")
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
        lambda line: print(f"\r{line} ", end="", file=sys.stderr), heap="2g", page_cache="1g", plugins=APOC
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


def asked(driver: neo4j.Driver, query: LiteralString, start: int) -> tuple[list[int], list[int]]:
    """Ask; give the numbers and the distances of what is reachable, in one row: many would cost more than the walk.

    Raises
    ------
    Slow
    """
    try:
        with driver.session(default_access_mode=neo4j.READ_ACCESS) as session:
            numbers, distances = session.run(neo4j.Query(query, timeout=SECONDS), start=start).single(strict=True)
    except neo4j.exceptions.ClientError as error:
        raise Slow from error
    return numbers, distances


def cypher(driver: neo4j.Driver, query: LiteralString, most: int) -> Rival:
    """Neo4j as one of the rivals; its answers have distances too."""

    def ask(start: int) -> dict[int, int]:
        found = dict(zip(*asked(driver, query, start), strict=True))
        found.pop(start, None)  # a circle leads back to it
        return found

    return Rival("Neo4j", ask, lambda found, _start: set(found), most, time.perf_counter_ns)


def apoc(driver: neo4j.Driver, most: int) -> Rival:
    """APOC's ``subgraphNodes``, which visits each item once and tells no distances."""

    def ask(start: int) -> list[int]:
        return asked(driver, SUBGRAPH, start)[0]

    return Rival("APOC", ask, lambda found, start: set(found) - {start}, most, time.perf_counter_ns)
