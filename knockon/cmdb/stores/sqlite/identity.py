"""What identification reads and keeps: records, claims, decisions, findings."""


# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

from knockon.cmdb.contract.rows import WITHDRAWN
from knockon.cmdb.stores.sqlite.reads import ASKED_RECORDS, RECORDS
from knockon.cmdb.stores.sqlite.rows import (
    DECISION,
    EDGE_RECORD,
    FINDING,
    RECORD,
    asked,
    decision_of,
    decision_row,
    edge_record_of,
    finding_of,
    finding_row,
    record_of,
    record_row,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence

    from knockon.cmdb.contract.rows import Decision, EdgeRecord, EdgeRecordKey, IdentityFinding, Record

T = TypeVar("T")

MEMBERS = f"SELECT {RECORD} FROM json_each(?) a CROSS JOIN record r ON r.entity_id = a.value AND r.present = 1"

# A value that everybody has may be claimed by very many records.
CLAIMANTS = """SELECT a.value, c.source, c.key FROM json_each(?) a CROSS JOIN claim c ON c.token = a.value
    AND (c.source, c.key) IN (SELECT l.source, l.key FROM claim l WHERE l.token = a.value LIMIT ?)"""

DISPUTED = f"""SELECT DISTINCT n.id FROM {ASKED_RECORDS} CROSS JOIN entity n ON n.id = r.entity_id
    WHERE n.disputed = 1 AND n.retired = 0"""

DECISIONS = f"""SELECT {DECISION} FROM decision d WHERE d.id IN (
    SELECT x.id FROM json_each(?) a CROSS JOIN decision x
        ON x.a_source = json_extract(a.value, '$[0]') AND x.a_key = json_extract(a.value, '$[1]')
    UNION SELECT y.id FROM json_each(?) a CROSS JOIN decision y
        ON y.b_source = json_extract(a.value, '$[0]') AND y.b_key = json_extract(a.value, '$[1]'))"""

EVERY_DECISION = f"SELECT {DECISION} FROM decision d ORDER BY d.at, d.id"

FINDINGS = f"SELECT {FINDING} FROM finding f WHERE (f.code, f.id) > (?, ?) ORDER BY f.code, f.id LIMIT ?"

FINDINGS_OF = f"SELECT {FINDING} FROM finding f WHERE f.code = ? AND f.id > ? ORDER BY f.id LIMIT ?"

FINDINGS_ABOUT = f"""SELECT DISTINCT {FINDING} FROM json_each(?) a CROSS JOIN finding_about o
    ON o.source = json_extract(a.value, '$[0]') AND o.key = json_extract(a.value, '$[1]')
    CROSS JOIN finding f ON f.id = o.finding"""

# Each statement is asked with the keys and the relationship types.
SAID_AT = {
    at_source: f"""SELECT {EDGE_RECORD} FROM json_each(?) a CROSS JOIN edge_record s
        ON s.source = json_extract(a.value, '$[0]') AND s.{end} = json_extract(a.value, '$[1]')
        WHERE s.type_name IN (SELECT value FROM json_each(?))
        AND (s.because IS NULL OR s.because != '{WITHDRAWN}')"""
    for at_source, end in ((True, "from_ref"), (False, "to_ref"))
}

FORGET_CLAIMS = f"""DELETE FROM claim WHERE (token, source, key) IN (
    SELECT c.value, r.source, r.key FROM {ASKED_RECORDS} CROSS JOIN json_each(r.claims) c)"""

PUT_RECORD = "INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

PUT_CLAIM = "INSERT OR IGNORE INTO claim VALUES (?, ?, ?)"

PUT_DECISION = "INSERT OR REPLACE INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

FORGET_FINDINGS = """DELETE FROM finding WHERE id IN (
    SELECT o.finding FROM json_each(?) a CROSS JOIN finding_about o
        ON o.source = json_extract(a.value, '$[0]') AND o.key = json_extract(a.value, '$[1]')
    UNION SELECT f.id FROM json_each(?) a CROSS JOIN finding f ON f.token = a.value AND f.records = '[]')
    AND code IN (SELECT value FROM json_each(?)) RETURNING id"""

FORGET_ABOUT = "DELETE FROM finding_about WHERE finding IN (SELECT value FROM json_each(?))"

PUT_FINDING = "INSERT OR REPLACE INTO finding VALUES (?, ?, ?, ?, ?, ?)"

PUT_ABOUT = "INSERT OR IGNORE INTO finding_about VALUES (?, ?, ?)"


class IdentityReads(ABC):
    """Reads that a store and its writes share."""

    @abstractmethod
    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read on a connection of the store, or of the write at hand."""

    async def records(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Record]:
        return await self._read(lambda c: {row[:2]: record_of(row) for row in c.execute(RECORDS, [asked(keys)])})

    async def members(self, ids: Collection[str]) -> list[Record]:
        return await self._read(lambda c: [record_of(row) for row in c.execute(MEMBERS, [asked(ids)])])

    async def claimants(self, tokens: Collection[str], most: int) -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for token, source, key in await self._read(lambda c: c.execute(CLAIMANTS, [asked(tokens), most]).fetchall()):
            found.setdefault(token, []).append((source, key))
        return found

    async def decisions(self, keys: Collection[tuple[str, str]] | None = None) -> list[Decision]:
        if keys is None:
            return await self._read(lambda c: [decision_of(row) for row in c.execute(EVERY_DECISION)])
        parameters = [asked(keys)] * 2
        return await self._read(lambda c: [decision_of(row) for row in c.execute(DECISIONS, parameters)])

    async def findings_about(self, keys: Collection[tuple[str, str]]) -> list[IdentityFinding]:
        return await self._read(lambda c: [finding_of(row) for row in c.execute(FINDINGS_ABOUT, [asked(keys)])])

    async def findings(
        self, code: str = "", after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> list[IdentityFinding]:
        first = max(after, (code, ""))
        if code and first[0] != code:  # all of this code are before that place
            return []
        statement = FINDINGS_OF if code else FINDINGS
        return await self._read(lambda c: [finding_of(row) for row in c.execute(statement, [*first, limit])])


def disputed(connection: sqlite3.Connection, keys: Collection[tuple[str, str]]) -> set[str]:
    """Find the ids of the disputed entities that these records belong to."""
    return {id_ for (id_,) in connection.execute(DISPUTED, [asked(keys)])}


def said_at(
    connection: sqlite3.Connection, keys: Collection[tuple[str, str]], ends: Collection[tuple[str, bool]]
) -> list[EdgeRecord]:
    """Read the present edge records that have one of these native keys at one of these ends."""
    found: dict[EdgeRecordKey, EdgeRecord] = {}
    for at_source, statement in SAID_AT.items():
        types = [name for name, source in ends if source == at_source]
        if types:
            rows = map(edge_record_of, connection.execute(statement, [asked(keys), asked(types)]))
            found |= {record.key: record for record in rows}
    return list(found.values())


def put_records(connection: sqlite3.Connection, rows: Sequence[Record], new: Collection[tuple[str, str]]) -> None:
    """Write records and their claims."""
    connection.execute(FORGET_CLAIMS, [asked(key for row in rows if (key := (row.source, row.key)) not in new)])
    connection.executemany(PUT_RECORD, map(record_row, rows))
    claims = ((token, row.source, row.key) for row in rows for token in row.claims.values())
    connection.executemany(PUT_CLAIM, claims)


def put_decision(connection: sqlite3.Connection, row: Decision) -> None:
    """Write a decision, in place of the one of its id."""
    connection.execute(PUT_DECISION, decision_row(row))


def put_findings(
    connection: sqlite3.Connection,
    about: Collection[tuple[str, str]],
    tokens: Collection[str],
    rows: Sequence[IdentityFinding],
    *,
    of: Collection[str],
) -> None:
    """Write findings in place of those, of these codes, about one of these records or tokens."""
    gone = [id_ for (id_,) in connection.execute(FORGET_FINDINGS, [asked(about), asked(tokens), asked(of)])]
    if gone:
        connection.execute(FORGET_ABOUT, [asked(gone)])
    connection.executemany(PUT_FINDING, map(finding_row, rows))
    connection.executemany(PUT_ABOUT, ((*key, row.id) for row in rows for key in row.records))
