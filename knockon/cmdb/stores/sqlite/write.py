"""One write transaction of the embedded store."""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from knockon.cmdb.contract.rows import WITHDRAWN
from knockon.cmdb.stores.sqlite import baselines, identity, letters, reads, search, values
from knockon.cmdb.stores.sqlite.images import forget_images, put_images, redact_images
from knockon.cmdb.stores.sqlite.journal import compact, put_revision
from knockon.cmdb.stores.sqlite.redaction import redact, redacted
from knockon.cmdb.stores.sqlite.rows import (
    ALIAS,
    alias_of,
    alias_row,
    asked,
    edge_record_row,
    edge_row,
    entity_row,
    scope_row,
)
from knockon.cmdb.stores.sqlite.tokens import TokenReads, put_tokens
from knockon.errors import StoreFailed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Collection, Sequence

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import (
        Alias,
        Baseline,
        DeadLetter,
        Decision,
        Edge,
        EdgeKey,
        EdgeRecord,
        EdgeRecordKey,
        Entity,
        Held,
        IdentityFinding,
        JournalEntry,
        Record,
        RevisionHead,
        Scope,
    )
    from knockon.cmdb.contract.tokens import Token
    from knockon.schema.model import Model

T = TypeVar("T")

TAKE_REVISION = "UPDATE meta SET value = value + 1 WHERE key = 'revision'"

KNOWN = """SELECT n.id, n.sort_key, n.attributes, n.retired
    FROM json_each(?) a CROSS JOIN entity n ON n.id = a.value"""

PUT_ENTITY = """INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
    class_name = excluded.class_name, name = excluded.name, sort_key = excluded.sort_key,
    attributes = excluded.attributes, retired = excluded.retired, revision = excluded.revision,
    split_from = excluded.split_from, disputed = excluded.disputed"""

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

# The column is of integers: a hash of digits only would become a number, but for the letter before it.
PUT_RECKONED = "INSERT OR REPLACE INTO meta VALUES ('reckoned', 'r' || ?)"

PUT_SCOPE = "INSERT OR REPLACE INTO scope VALUES (?, ?, ?, ?, ?)"

SPREAD_RECORDS = "UPDATE record SET seen = max(seen, ?) WHERE source = ? AND scope = ? AND present = 1"

SPREAD_EDGE_RECORDS = f"""UPDATE edge_record SET seen = max(seen, ?) WHERE source = ? AND scope = ?
    AND (because IS NULL OR because != '{WITHDRAWN}')"""

AROUND = """SELECT e.target_id, e.source_id FROM json_each(?) a
    CROSS JOIN edge e ON e.target_id = a.value AND e.type_name = ? WHERE e.retired = 0"""

PUT_ALIAS = f"INSERT OR REPLACE INTO alias VALUES (?1, {reads.STANDS_FOR('?2')}, ?3, ?4)"

DROP_ALIASES = "DELETE FROM alias WHERE alias IN (SELECT value FROM json_each(?))"

STANDING_FOR = f"SELECT {ALIAS} FROM json_each(?) e CROSS JOIN alias a ON a.entity_id = e.value"

TOUCH_RECORD = "UPDATE record SET seen = ? WHERE source = ? AND key = ? AND digest = ? AND seen < ?"

TOUCH_EDGE_RECORD = """UPDATE edge_record SET seen = ? WHERE source = ? AND type_name = ? AND from_ref = ?
    AND to_ref = ? AND redundancy_group = ? AND digest = ? AND seen < ?"""


def begin(connection: sqlite3.Connection) -> int:
    """Begin a write and take its revision; other processes wait here until this one is done."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(TAKE_REVISION)
    return reads.revision(connection)


class SqliteWrite(identity.IdentityReads, letters.LetterReads, TokenReads):
    """A ``contract.Write``; ``do`` runs work on the writing connection."""

    def __init__(
        self, do: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]], revision: int, model: Model
    ) -> None:
        self.revision = revision
        self._model = model
        self._do = do
        self._journals = 0

    async def disputed(self, keys: Collection[tuple[str, str]]) -> set[str]:
        return await self._read(lambda connection: identity.disputed(connection, keys))

    async def edge_records(self, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
        return await self._read(lambda c: reads.edge_records(c, keys))

    async def watching(self, tokens: Collection[str]) -> list[EdgeRecord]:
        return await self._read(lambda c: reads.watching(c, tokens))

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        return await self._read(lambda c: reads.resolve(c, tokens, self._model))

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        return await self._read(lambda c: reads.entities(c, ids))

    async def classes(self, ids: Collection[str]) -> dict[str, str]:
        return await self._read(lambda c: dict(c.execute(reads.CLASSES, [asked(ids)])))

    async def edges(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, Edge]:
        return await self._read(lambda c: reads.edges(c, keys))

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        return await self._read(lambda c: reads.sayings(c, keys))

    async def touching(self, ids: Collection[str]) -> list[EdgeRecord]:
        return await self._read(lambda c: reads.touching(c, ids))

    async def said_at(self, keys: Collection[tuple[str, str]], ends: Collection[tuple[str, bool]]) -> list[EdgeRecord]:
        return await self._read(lambda connection: identity.said_at(connection, keys, ends))

    async def around(self, ids: Collection[str], type_name: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for inner, outer in await self._read(lambda c: c.execute(AROUND, [asked(ids), type_name]).fetchall()):
            found.setdefault(inner, set()).add(outer)
        return found

    async def contested(self, keys: Collection[EdgeKey]) -> set[EdgeKey]:
        return await self._read(lambda c: reads.contested(c, keys))

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        return await self._read(lambda c: reads.scopes(c, sources))

    async def held(self, source: str, scope: str) -> Held:
        return await self._read(lambda c: reads.held(c, (source, scope)))

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        return await self._read(lambda c: reads.count_held(c, (source, scope)))

    async def put_scope(self, row: Scope) -> None:
        await self._do(lambda c: c.execute(PUT_SCOPE, scope_row(row)))

    async def spread_seen(self, row: Scope) -> None:
        def put(connection: sqlite3.Connection) -> None:
            connection.execute(SPREAD_RECORDS, (row.seen, row.source, row.name))
            connection.execute(SPREAD_EDGE_RECORDS, (row.seen, row.source, row.name))
            connection.execute(PUT_SCOPE, scope_row(replace(row, seen=row.complete)))

        await self._do(put)

    async def put_records(self, rows: Sequence[Record], *, new: Collection[tuple[str, str]] = ()) -> None:
        await self._do(lambda c: identity.put_records(c, rows, new))

    async def put_reckoned(self, rules: str) -> None:
        await self._do(lambda c: c.execute(PUT_RECKONED, [rules]))

    async def put_decision(self, row: Decision) -> None:
        await self._do(lambda c: identity.put_decision(c, row))

    async def put_findings(
        self,
        about: Collection[tuple[str, str]],
        tokens: Collection[str],
        rows: Sequence[IdentityFinding],
        *,
        of: Collection[str],
    ) -> None:
        await self._do(lambda c: identity.put_findings(c, about, tokens, rows, of=of))

    async def put_baseline(self, row: Baseline) -> None:
        await self._do(lambda c: baselines.put_baseline(c, row))

    async def drop_baseline(self, name: str) -> None:
        await self._do(lambda c: baselines.drop_baseline(c, name))

    async def put_tokens(self, rows: Sequence[Token]) -> None:
        await self._do(lambda c: put_tokens(c, rows))

    async def put_letters(self, rows: Sequence[DeadLetter]) -> None:
        await self._do(lambda c: letters.put_letters(c, rows))

    async def drop_letters(self, ids: Collection[str]) -> None:
        await self._do(lambda c: letters.drop_letters(c, ids))

    async def put_entities(self, rows: Sequence[Entity], *, new: Collection[str] = ()) -> None:
        def put(connection: sqlite3.Connection) -> None:
            asked_for = [asked(row.id for row in rows if row.id not in new)]
            before = {id_: rest for id_, *rest in connection.execute(KNOWN, asked_for)}
            put = [entity_row(row, self.revision) for row in rows]
            # what another source says again changes few values, and nothing is dearer than their index
            changed = {id_ for id_, _, _, *rest, _, _, _ in put if before.get(id_) != rest}
            if before:
                values.forget(connection, changed & before.keys())
            connection.executemany(PUT_ENTITY, put)
            values.keep(connection, [row for row in rows if row.id in changed])
            search.put(connection, rows, self._model)

        await self._do(put)

    async def put_words(self, ids: Collection[str]) -> None:
        await self._do(lambda c: search.put_again(c, ids, self._model))

    async def put_edge_records(self, rows: Sequence[EdgeRecord], *, new: Collection[EdgeRecordKey] = ()) -> None:
        def put(connection: sqlite3.Connection) -> None:
            connection.execute(FORGET_WATCHES, [asked(row.key for row in rows if row.key not in new)])
            connection.executemany(PUT_EDGE_RECORD, map(edge_record_row, rows))
            connection.execute(PUT_WATCHES, [asked(row.key for row in rows if row.watches)])

        await self._do(put)

    async def put_edges(self, rows: Sequence[Edge], *, new: Collection[EdgeKey] = ()) -> None:  # noqa: ARG002 - one way
        await self._do(lambda c: c.executemany(PUT_EDGE, map(edge_row, rows)))

    async def put_alias(self, row: Alias) -> None:
        def put(connection: sqlite3.Connection) -> None:
            # An alias never leads to an alias: the new one is followed now, earlier ones are turned.
            connection.execute(PUT_ALIAS, alias_row(row))
            connection.execute("UPDATE alias SET entity_id = ? WHERE entity_id = ?", [row.entity_id, row.alias])

        await self._do(put)

    async def drop_aliases(self, ids: Collection[str]) -> None:
        await self._do(lambda c: c.execute(DROP_ALIASES, [asked(ids)]))

    async def standing_for(self, ids: Collection[str]) -> list[Alias]:
        return await self._read(lambda c: [alias_of(row) for row in c.execute(STANDING_FOR, [asked(ids)])])

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

    async def put_images(self, rows: Sequence[Image]) -> None:
        await self._do(lambda connection: put_images(connection, self.revision, rows))

    async def compact(self, horizon: int) -> None:
        def put(connection: sqlite3.Connection) -> None:
            compact(connection, horizon, self.revision)
            forget_images(connection, horizon)

        await self._do(put)

    async def redact(self, ids: Collection[str], attributes: Collection[str], name: str) -> list[tuple[str, str]]:
        def put(connection: sqlite3.Connection) -> list[tuple[str, str]]:
            found = redact(connection, ids, attributes, name, self.revision)
            redact_images(connection, set(found))
            return found

        return await self._read(put)

    async def redacted(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], frozenset[str]]:
        return await self._read(lambda connection: redacted(connection, keys))

    async def journal(self, head: RevisionHead, entries: Sequence[JournalEntry]) -> None:
        await self._do(lambda connection: put_revision(connection, self.revision, head, entries))
        self._journals += 1

    def check(self) -> None:
        """Hold the caller to its one journal entry: without it the feed would stop here for ever."""
        if self._journals != 1:
            raise StoreFailed("A write must call journal() exactly once; nothing was written.")

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._do(work)
        return result
