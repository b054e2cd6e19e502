"""The whole live estate at one revision, out of a database that only promises read committed.

A commit shows bit by bit to those who read at the same time. The lock that writers hold on
``_Meta`` goes only when all of it shows. So: take the lock for a moment and read the revision, scan,
do it again; if the revision is the same, nothing was committed in between. If writers are too busy for
that, scan while holding the lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from knockon.cmdb.rows import Scan
from knockon.cmdb.stores.neo4j import forms, reads
from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.stores.neo4j.write import TAKE_REVISION

if TYPE_CHECKING:
    from collections.abc import Collection

    from neo4j import AsyncSession

    from knockon.cmdb.rows import Edge, EdgeRecord, Entity
    from knockon.cmdb.stores.neo4j.cypher import Transaction

ATTEMPTS = 3
CHUNK = 5_000

ENTITIES: LiteralString = """
MATCH (n:_Live)
WHERE n._order > $low AND n._order < $high
WITH n ORDER BY n._order LIMIT $chunk
RETURN collect(properties(n))"""

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
    async with await session.begin_transaction() as tx:
        before = await _lock(tx)
        return await _read(tx, classes, before)  # and leave it: rolled back


async def _settled_revision(session: AsyncSession) -> int:
    async with await session.begin_transaction() as tx:
        return await _lock(tx)


async def _lock(tx: Transaction) -> int:
    """Take the writers' lock; give the revision that is committed now."""
    rows = await run(tx, TAKE_REVISION, {})
    return int(rows[0][0]) - 1


async def _read(tx: Transaction, classes: Collection[str], revision: int) -> Scan:
    entities: list[Entity] = []
    edges: list[Edge] = []
    for low, high in reads.ranges(classes, None, None):
        while rows := await _chunk(tx, low, high):
            entities += rows
            edges += await _edges_from(tx, rows[0].order, rows[-1].order, classes)
            low = rows[-1].order  # noqa: PLW2901 - the range shrinks from below
            if len(rows) < CHUNK:
                break
    return Scan(revision, entities, edges, await _waiting(tx))


async def _chunk(tx: Transaction, low: str, high: str) -> list[Entity]:
    ((found,),) = await run(tx, ENTITIES, {"low": low, "high": high, "chunk": CHUNK})
    return sorted(map(forms.to_entity, found), key=lambda row: row.order)


async def _edges_from(tx: Transaction, first: str, last: str, classes: Collection[str]) -> list[Edge]:
    (columns,) = await run(tx, EDGES, {"first": first, "last": last, "classes": list(classes)})
    return [forms.to_edge(*row) for row in zip(*columns, strict=True)]


async def _waiting(tx: Transaction) -> list[EdgeRecord]:
    waiting: list[EdgeRecord] = []
    low = ""
    while True:
        ((found,),) = await run(tx, WAITING, {"low": low, "chunk": CHUNK})
        waiting += map(forms.to_edge_record, found)
        if len(found) < CHUNK:
            return waiting
        low = max(each["k"] for each in found)
