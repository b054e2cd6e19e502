"""What sources say of things, and when they last did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.stores.sqlite.rows import RECORD, record_of

if TYPE_CHECKING:
    import sqlite3

    from knockon.cmdb.contract.rows import Record

LAST_SEEN = """SELECT r.entity_id, max(max(r.seen, coalesce(c.seen, '')))
    FROM record r LEFT JOIN scope c ON c.source = r.source AND c.name = r.scope
    WHERE r.present = 1 GROUP BY r.entity_id"""

SAID_BY = f"""SELECT {RECORD} FROM record r
    WHERE r.source = ? AND r.key > ? AND r.present = 1 ORDER BY r.key LIMIT ?"""  # noqa: S608 - of constants


def last_seen(connection: sqlite3.Connection) -> dict[str, str]:
    """Read it for each thing that a present record is of."""
    return dict(connection.execute(LAST_SEEN))


def said_by(connection: sqlite3.Connection, source: str, after: str, limit: int) -> list[Record]:
    """Read a page of what a source says of things."""
    return [record_of(row) for row in connection.execute(SAID_BY, [source, after, limit])]
