"""How fast loads are, beside the bare database in the same run.

python benchmarks/loads.py [--items 10000] [--neo4j]: first load, identical reload, a reload with 5 % changed, the same
as a complete load, and a second source about the same things. With ``--neo4j`` on a server that is started for it,
beside bare ``UNWIND ... MERGE`` batches of the same records, with a constraint on each key, through the same driver.
Processor time is that of this process, which says more than the clock where others are at work; Neo4j is another one.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sqlite3
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, LiteralString

import neo4j
import orjson

from knockon import loaders, sample
from knockon.cli.main import COLLECT_AFTER
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores import opened, store_at
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

sys.path.insert(0, str(Path(__file__).parents[1]))  # the tests know how to start a server
from benchmarks.rivals.machine import machine
from tests.neo4j_server import running_server

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model
    from knockon.schema.observation import Item


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000, help="configuration items of the estate")
    parser.add_argument("--neo4j", action="store_true", help="Neo4j instead of SQLite")
    asked = parser.parse_args()
    gc.set_threshold(*COLLECT_AFTER)  # as the command does
    print(machine())
    model = installed_model()
    with tempfile.TemporaryDirectory() as folder:
        estate = Path(folder, "estate")
        sample.write(estate, size=asked.items, seed=1, as_of=sample.AS_OF)
        began = time.perf_counter()
        items = list(loaders.read([estate], model=model).items)
        read = time.perf_counter() - began
        records = [each for each in items if isinstance(each, EntityObservation | RelationshipObservation)]
        print(f"{len(records):,} records of an estate of {asked.items:,} CIs; read and parsed in {read:.1f} s")
        if asked.neo4j:
            with running_server(print, heap="2g", page_cache="512m") as uri:
                bare = asyncio.run(bare_neo4j_rate(records, uri))
                print(f"{'bare UNWIND MERGE':<22}{bare:>10,.0f} records/s")
                asyncio.run(loads(model, records, uri, bare))
        else:
            bare = bare_rate(records, Path(folder, "bare.db"))
            print(f"{'bare executemany':<22}{bare:>10,.0f} records/s")
            asyncio.run(loads(model, records, f"sqlite://{folder}/estate.db", bare))


async def loads(model: Model, records: list[Any], url: str, bare: float) -> None:
    async with opened(store_at(url, model)) as store:
        first = await timed(store, model, records, "first load", bare, None)
        await timed(store, model, records, "identical reload", bare, first)
        await timed(store, model, changed(records), "5 % of CIs changed", bare, first)
        await timed(store, model, changed(records), "complete, identical", bare, first, complete=True)
        theirs = [replace(each, source="other") for each in records]
        await timed(store, model, theirs, "second source", bare, first, source="other")
        await timed(store, model, theirs, "its identical reload", bare, first, source="other")


async def timed(
    store: Store,
    model: Model,
    items: list[Item],
    name: str,
    bare: float,
    first: float | None,
    *,
    source: str = "sample",
    **how: Any,
) -> float:
    before = await store.revision()
    began, busy = time.perf_counter(), time.process_time()
    report = await load(store, model, items, source=source, actor="benchmark", **how)
    rate = len(items) / (time.perf_counter() - began)
    each = (time.process_time() - busy) / len(items) * 1e6
    written = await store.revision() - before
    times = "" if first is None else f", {rate / first:.1f} times the first"
    counts = f"{report.entities.created + report.relationships.created:,} created"
    counts += f", {report.entities.updated + report.relationships.updated:,} updated"
    print(
        f"{name:<22}{rate:>10,.0f} records/s, {each:>5.1f} us of processor each, {rate / bare:.2f} of bare{times}; "
        f"{counts}, {written} revisions"
    )
    return rate


def changed(records: list[Any]) -> list[Any]:
    """Change every twentieth record, and see all of them a day later."""
    found = []
    for number, each in enumerate(records):
        said = {**each.attributes, "description": "changed"} if isinstance(each, EntityObservation) else each.attributes
        found.append(
            replace(each, seen="2026-12-01T00:00:00.000000Z", attributes=each.attributes if number % 20 else said)
        )
    return found


def bare_rate(records: list[Any], path: Path) -> float:
    """Write the same records as plain rows with one index, in batches of 2,000."""
    with sqlite3.connect(path, isolation_level=None) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE record (k TEXT PRIMARY KEY, kind TEXT, body TEXT) WITHOUT ROWID")
        began = time.perf_counter()
        for start in range(0, len(records), 2_000):
            connection.execute("BEGIN")
            rows = [row(each) for each in records[start : start + 2_000]]
            connection.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", rows)
            connection.execute("COMMIT")
        return len(records) / (time.perf_counter() - began)


NODES = "UNWIND $rows AS row MERGE (n:Item {k: row.k}) SET n = row"
EDGES = """
UNWIND $rows AS row
MERGE (a:Item {k: row.a})
MERGE (b:Item {k: row.b})
MERGE (a)-[r:RELATED {kind: row.kind}]->(b) SET r.body = row.body"""


async def bare_neo4j_rate(records: list[Any], uri: str) -> float:
    """Merge the same records as nodes and relationships with one constraint, in batches of 2,000; then wipe them."""
    nodes, edges = [], []
    for each in records:
        k, kind, body = row(each)
        if isinstance(each, EntityObservation):
            nodes.append({"k": k, "kind": kind, "body": body})
        else:
            edges.append({"a": each.from_ref, "b": each.to_ref, "kind": kind, "body": body})
    async with neo4j.AsyncGraphDatabase.driver(uri, telemetry_disabled=True) as driver, driver.session() as session:
        await (await session.run("CREATE CONSTRAINT item FOR (n:Item) REQUIRE n.k IS UNIQUE")).consume()
        began = time.perf_counter()
        for statement, rows in ((NODES, nodes), (EDGES, edges)):
            for start in range(0, len(rows), 2_000):
                await session.execute_write(merged, statement, rows[start : start + 2_000])
        rate = len(records) / (time.perf_counter() - began)
        await (await session.run("DROP CONSTRAINT item")).consume()
        wipe = "MATCH (n) CALL (n) { DETACH DELETE n } IN TRANSACTIONS OF 5000 ROWS"
        await (await session.run(wipe)).consume()
    return rate


async def merged(tx: neo4j.AsyncManagedTransaction, statement: LiteralString, rows: list[dict[str, Any]]) -> None:
    await (await tx.run(statement, rows=rows)).consume()


def row(each: Any) -> tuple[str, str, str]:
    if isinstance(each, EntityObservation):
        return each.key, each.class_name, orjson.dumps(each.attributes).decode()
    key = f"{each.from_ref} {each.type_name} {each.to_ref} {each.attributes.get('redundancy_group')}"
    return key, each.type_name, orjson.dumps(each.attributes).decode()


if __name__ == "__main__":
    main()
