"""The whole live estate at one revision, out of a database that only promises read committed.

A commit shows bit by bit to those who read at the same time. A writer takes the lock on ``_Commit``
just before its commit, and loses it when all of the commit shows. So: take that lock for a moment and
read the revision, scan, do it again; if the revision is the same, nothing was committed in between. If
writers are too busy for that, scan while holding the lock: they go on, but commit afterwards.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, LiteralString

import orjson

from knockon.cmdb.contract.edges import EdgeKind, Gathering
from knockon.cmdb.contract.rows import Scan
from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.stores.neo4j.pages import ranges

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from neo4j import AsyncSession

    from knockon.cmdb.contract.rows import EdgeRecord, Entity
    from knockon.cmdb.stores.neo4j.cypher import Transaction

LOCK: LiteralString = "MATCH (c:_Commit {id: 0}) SET c.held = true"
COMMITTED: LiteralString = "MATCH (c:_Commit {id: 0}) RETURN c.rev"

ATTEMPTS = 3
CHUNK = 5_000

ENTITIES: LiteralString = """
MATCH (n:_Live)
WHERE n._order > $low AND n._order < $high
WITH n ORDER BY n._order LIMIT $chunk
RETURN collect(n {.*, _terms: null, _wholes: null})"""

EDGES: LiteralString = """
MATCH (n:_Live)
WHERE n._order >= $first AND n._order <= $last
MATCH (n)-[r]->(m:_Live)
WHERE m._class IN $classes AND r._type IS NULL
RETURN collect(type(r)), collect(n._id), collect(m._id), collect(properties(r))"""

WAITING: LiteralString = """
MATCH (r:_Waiting)
WHERE r.k > $low
WITH r ORDER BY r.k LIMIT $chunk
RETURN collect(properties(r))"""


async def scan(session: AsyncSession, classes: Collection[str]) -> Scan:
    """Read all live entities of these classes, the live edges between them, and what waits."""
    for _ in range(ATTEMPTS):
        before = await _settled_revision(session)
        found = await session.execute_read(_read, classes, before)
        if await _settled_revision(session) == before:
            return found
    async with _no_commit(session) as (tx, before):
        return await _read(tx, classes, before)


async def _settled_revision(session: AsyncSession) -> int:
    async with _no_commit(session) as (_, revision):
        return revision


@asynccontextmanager
async def _no_commit(session: AsyncSession) -> AsyncIterator[tuple[Transaction, int]]:
    """Hold up commits and give the newest revision, all of which can be seen; changes nothing."""
    async with await session.begin_transaction() as tx:
        await run(tx, LOCK, {})
        rows = await run(tx, COMMITTED, {})  # a statement of its own: LOCK may have looked before it waited
        yield tx, int(rows[0][0])
        await tx.rollback()  # left to itself the driver would commit


async def _read(tx: Transaction, classes: Collection[str], revision: int) -> Scan:
    entities: list[Entity] = []
    chunks: list[tuple[str, str]] = []  # of entities: the first and the last order
    for low, high in ranges(classes, None, None):
        while rows := await _chunk(tx, low, high):
            entities += rows
            chunks.append((rows[0].order, low := rows[-1].order))
            if len(rows) < CHUNK:
                break
    gathering = Gathering([each.id for each in entities], _kind)
    for first, last in chunks:
        (columns,) = await run(tx, EDGES, {"first": first, "last": last, "classes": list(classes)})
        gathering.take(
            ((type_name, orjson.dumps(properties)), source, target)
            for type_name, source, target, properties in zip(*columns, strict=True)
        )
    return Scan(revision, entities, gathering.edges(), await _waiting(tx))


def _kind(said: tuple[str, bytes]) -> EdgeKind:
    type_name, properties = said[0], orjson.loads(said[1])
    return EdgeKind(type_name, properties["_group"], forms.to_values(properties))


async def _chunk(tx: Transaction, low: str, high: str) -> list[Entity]:
    ((found,),) = await run(tx, ENTITIES, {"low": low, "high": high, "chunk": CHUNK})
    return sorted(map(forms.to_entity, found), key=lambda row: row.order)


async def _waiting(tx: Transaction) -> list[EdgeRecord]:
    waiting: list[EdgeRecord] = []
    low = ""
    while True:
        ((found,),) = await run(tx, WAITING, {"low": low, "chunk": CHUNK})
        waiting += map(forms.to_edge_record, found)
        if len(found) < CHUNK:
            return waiting
        low = max(each["k"] for each in found)
