"""When sources last said something of things."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

LAST_SEEN = """SELECT r.entity_id, max(max(r.seen, coalesce(c.seen, '')))
    FROM record r LEFT JOIN scope c ON c.source = r.source AND c.name = r.scope
    WHERE r.present = 1 GROUP BY r.entity_id"""


def last_seen(connection: sqlite3.Connection) -> dict[str, str]:
    """Read it for each thing that a present record is of."""
    return dict(connection.execute(LAST_SEEN))
