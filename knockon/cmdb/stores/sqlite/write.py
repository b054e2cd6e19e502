"""One write transaction of the embedded store."""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from knockon.cmdb.rows import WITHDRAWN
from knockon.cmdb.stores.sqlite import reads, search
from knockon.cmdb.stores.sqlite.rows import (
    asked,
    decision_row,
    edge_record_row,
    edge_row,
    entity_row,
    head_row,
    packed,
    record_row,
    scope_row,
)
from knockon.errors import StoreFailed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

    from knockon.cmdb.rows import (
        Decision,
        Edge,
        EdgeKey,
        EdgeRecord,
        EdgeRecordKey,
        Entity,
        Held,
        JournalEntry,
        Record,
        RevisionHead,
        Scope,
    )

T = TypeVar("T")

TAKE_REVISION = "UPDATE meta SET value = value + 1 WHERE key = 'revision'"

FORGET_CLAIMS = f"""DELETE FROM claim WHERE (token, source, key) IN (
    SELECT c.value, r.source, r.key FROM {reads.ASKED_RECORDS} CROSS JOIN json_each(r.claims) c)"""

PUT_RECORD = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

PUT_CLAIM = "INSERT OR IGNORE INTO claim VALUES (?, ?, ?)"

PUT_DECISION = "INSERT OR REPLACE INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

FORGET_NAMES = """DELETE FROM entity_name WHERE (token, entity_id) IN (
    SELECT t.value, n.id FROM json_each(?) a CROSS JOIN entity n ON n.id = a.value CROSS JOIN json_each(n.names) t)"""

PUT_ENTITY = """INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    class_name = excluded.class_name, name = excluded.name, sort_key = excluded.sort_key,
    attributes = excluded.attributes, retired = excluded.retired, revision = excluded.revision,
    names = excluded.names, split_from = excluded.split_from, disputed = excluded.disputed"""

PUT_NAME = "INSERT OR IGNORE INTO entity_name VALUES (?, ?)"

FORGET_VALUES = """DELETE FROM attribute_value WHERE (attribute, value, entity_id) IN (
    SELECT k.key, k.atom, n.id FROM json_each(?) a CROSS JOIN entity n ON n.id = a.value
    CROSS JOIN json_each(n.attributes) k WHERE k.atom IS NOT NULL)"""

# Those that the file has an index of, whatever this process's model says: see schema.index.
PUT_VALUES = """INSERT INTO attribute_value SELECT k.key, k.atom, n.id FROM json_each(?) a
    CROSS JOIN entity n ON n.id = a.value CROSS JOIN json_each(n.attributes) k
    WHERE n.retired = 0 AND k.atom IS NOT NULL AND k.key IN (SELECT attribute FROM attribute_index)"""

PUT_EDGE = """INSERT OR REPLACE INTO edge
    (type_name, source_id, target_id, redundancy_group, attributes, retired) VALUES (?, ?, ?, ?, ?, ?)"""

FORGET_WATCHES = f"""DELETE FROM watch WHERE (token, edge_record) IN (
    SELECT t.value, s.number FROM {reads.ASKED_EDGE_RECORDS} CROSS JOIN json_each(s.watches) t)"""

PUT_EDGE_RECORD = """INSERT INTO edge_record
    (source, type_name, from_ref, to_ref, redundancy_group,
    attributes, seen, digest, because, from_id, to_id, watches, scope) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (source, from_ref, to_ref, type_name, redundancy_group) DO UPDATE SET
    attributes = excluded.attributes, seen = excluded.seen, digest = excluded.digest, because = excluded.because,
    from_id = excluded.from_id, to_id = excluded.to_id, watches = excluded.watches,
    scope = excluded.scope"""

PUT_WATCHES = f"""INSERT OR IGNORE INTO watch
    SELECT t.value, s.number FROM {reads.ASKED_EDGE_RECORDS} CROSS JOIN json_each(s.watches) t"""

PUT_SCOPE = "INSERT OR REPLACE INTO scope VALUES (?, ?, ?, ?, ?)"

SPREAD_RECORDS = "UPDATE record SET seen = max(seen, ?) WHERE source = ? AND scope = ? AND present = 1"

SPREAD_EDGE_RECORDS = f"""UPDATE edge_record SET seen = max(seen, ?) WHERE source = ? AND scope = ?
    AND (because IS NULL OR because != '{WITHDRAWN}')"""

TOUCH_RECORD = "UPDATE record SET seen = ? WHERE source = ? AND key = ? AND digest = ? AND seen < ?"

TOUCH_EDGE_RECORD = """UPDATE edge_record SET seen = ? WHERE source = ? AND type_name = ? AND from_ref = ?
    AND to_ref = ? AND redundancy_group = ? AND digest = ? AND seen < ?"""


def begin(connection: sqlite3.Connection) -> int:
    """Begin a write and take its revision; other processes wait here until this one is done."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(TAKE_REVISION)
    return reads.revision(connection)


class SqliteWrite:
    """A ``contract.Write``; ``do`` runs work on the writing connection."""

    def __init__(self, do: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]], revision: int) -> None:
        self.revision = revision
        self._do = do
        self._journals = 0
        self._written: dict[str, Entity | None] = {}  # whose words may be others now; None: put was only a record

    async def records(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Record]:
        return await self._read(reads.records, keys)

    async def members(self, ids: Collection[str]) -> list[Record]:
        return await self._read(reads.members, ids)

    async def claimants(self, tokens: Collection[str], most: int) -> dict[str, list[tuple[str, str]]]:
        return await self._read(lambda connection, these: reads.claimants(connection, these, most), tokens)

    async def disputed(self, keys: Collection[tuple[str, str]]) -> set[str]:
        return await self._read(reads.disputed, keys)

    async def decisions(self, keys: Collection[tuple[str, str]]) -> list[Decision]:
        return await self._read(reads.decisions, keys)

    async def edge_records(self, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
        return await self._read(reads.edge_records, keys)

    async def watching(self, tokens: Collection[str]) -> list[EdgeRecord]:
        return await self._read(reads.watching, tokens)

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        return await self._read(reads.resolve, tokens)

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        return await self._read(reads.entities, ids)

    async def edges(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, Edge]:
        return await self._read(reads.edges, keys)

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        return await self._read(reads.sayings, keys)

    async def touching(self, ids: Collection[str]) -> list[EdgeRecord]:
        return await self._read(reads.touching, ids)

    async def said_at(self, keys: Collection[tuple[str, str]], ends: Collection[tuple[str, bool]]) -> list[EdgeRecord]:
        return await self._read(lambda connection, these: reads.said_at(connection, these, ends), keys)

    async def contested(self, keys: Collection[EdgeKey]) -> set[EdgeKey]:
        return await self._read(reads.contested, keys)

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        return await self._read(reads.scopes, sources)

    async def held(self, source: str, scope: str) -> Held:
        return await self._read(reads.held, (source, scope))

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        return await self._read(reads.count_held, (source, scope))

    async def put_scope(self, row: Scope) -> None:
        await self._do(lambda c: c.execute(PUT_SCOPE, scope_row(row)))

    async def spread_seen(self, row: Scope) -> None:
        def put(connection: sqlite3.Connection) -> None:
            connection.execute(SPREAD_RECORDS, (row.seen, row.source, row.name))
            connection.execute(SPREAD_EDGE_RECORDS, (row.seen, row.source, row.name))
            connection.execute(PUT_SCOPE, scope_row(replace(row, seen=row.complete)))

        await self._do(put)

    async def put_records(self, rows: Sequence[Record]) -> None:
        def put(connection: sqlite3.Connection) -> None:
            theirs = search.owners(connection, [(row.source, row.key) for row in rows])
            self._written = dict.fromkeys(theirs.union(row.entity_id for row in rows)) | self._written
            connection.execute(FORGET_CLAIMS, [asked((row.source, row.key) for row in rows)])
            connection.executemany(PUT_RECORD, map(record_row, rows))
            claims = ((token, row.source, row.key) for row in rows for token in row.claims.values())
            connection.executemany(PUT_CLAIM, claims)

        await self._do(put)

    async def put_decision(self, row: Decision) -> None:
        await self._do(lambda c: c.execute(PUT_DECISION, decision_row(row)))

    async def put_entities(self, rows: Sequence[Entity], names: Mapping[str, tuple[str, ...]]) -> None:
        def put(connection: sqlite3.Connection) -> None:
            ids = [asked(row.id for row in rows)]
            connection.execute(FORGET_NAMES, ids)
            connection.execute(FORGET_VALUES, ids)
            connection.executemany(PUT_ENTITY, (entity_row(row, self.revision, names.get(row.id, ())) for row in rows))
            connection.executemany(PUT_NAME, ((token, row.id) for row in rows for token in names.get(row.id, ())))
            connection.execute(PUT_VALUES, ids)
            self._written |= {row.id: row for row in rows}

        await self._do(put)

    async def put_edge_records(self, rows: Sequence[EdgeRecord]) -> None:
        def put(connection: sqlite3.Connection) -> None:
            connection.execute(FORGET_WATCHES, [asked(row.key for row in rows)])
            connection.executemany(PUT_EDGE_RECORD, map(edge_record_row, rows))
            connection.execute(PUT_WATCHES, [asked(row.key for row in rows if row.watches)])

        await self._do(put)

    async def put_edges(self, rows: Sequence[Edge]) -> None:
        await self._do(lambda c: c.executemany(PUT_EDGE, map(edge_row, rows)))

    async def put_alias(self, alias: str, entity_id: str) -> None:
        def put(connection: sqlite3.Connection) -> None:
            # An alias never leads to an alias: the new one is followed now, earlier ones are turned.
            connection.execute(f"INSERT OR REPLACE INTO alias VALUES (?, {reads.STANDS_FOR('?2')})", [alias, entity_id])
            connection.execute("UPDATE alias SET entity_id = ? WHERE entity_id = ?", [entity_id, alias])

        await self._do(put)

    async def touch(
        self,
        source: str,
        seen: str,
        records: Sequence[tuple[str, str]],
        edge_records: Sequence[tuple[EdgeRecordKey, str]],
    ) -> None:
        def put(connection: sqlite3.Connection) -> None:
            connection.executemany(TOUCH_RECORD, ((seen, source, key, digest, seen) for key, digest in records))
            connection.executemany(TOUCH_EDGE_RECORD, ((seen, *key, digest, seen) for key, digest in edge_records))

        await self._do(put)

    async def journal(self, head: RevisionHead, entries: Sequence[JournalEntry]) -> None:
        def put(connection: sqlite3.Connection) -> None:
            row = (self.revision, head_row(head), len(entries), packed(entries))
            connection.execute("INSERT INTO revision VALUES (?, ?, ?, ?)", row)

        await self._do(put)
        self._journals += 1

    def check(self) -> None:
        """Hold the caller to its one journal entry: without it the feed would stop here for ever."""
        if self._journals != 1:
            raise StoreFailed("A write must call journal() exactly once; nothing was written.")

    async def refresh_words(self) -> None:
        """Let what was written be found by the words that it has now; the last act before the commit."""
        written, self._written = self._written, {}
        if written:
            await self._do(lambda connection: search.refresh(connection, written))

    async def _read(self, read: Callable[[sqlite3.Connection, Any], T], these: Collection[Any]) -> T:
        result: T = await self._do(lambda connection: read(connection, these))
        return result
