"""What processes tell each other: a row for each name."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from knockon.cmdb.stores.sqlite.database import Database

TABLES = (
    "CREATE TABLE lease (name TEXT PRIMARY KEY, value TEXT NOT NULL, until REAL NOT NULL) WITHOUT ROWID",
    "CREATE INDEX lease_by_end ON lease (until)",
)
FREE = "DELETE FROM lease WHERE until <= ?"
LEASE = """INSERT INTO lease VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, until = excluded.until
    WHERE value = excluded.value OR value = ?"""
STANDING = "SELECT value FROM lease WHERE name = ? AND until > ?"


class SqliteLeases(ABC):
    """A ``contract.Leases``; every process of one file is on one machine, so its clock is the store's."""

    @property
    @abstractmethod
    def _database(self) -> Database:
        """Give the open file."""

    async def lease(self, name: str, value: str, *, seconds: float, instead_of: str = "") -> str:
        def work(connection: sqlite3.Connection) -> str:
            connection.execute("BEGIN IMMEDIATE")
            now = time.time()
            connection.execute(FREE, [now])
            connection.execute(LEASE, [name, value, now + seconds, instead_of])
            found = connection.execute(STANDING, [name, now]).fetchone()
            connection.execute("COMMIT")
            return str(found[0]) if found else value

        database = self._database
        # whoever asks in vain, and often, does not keep writers waiting
        standing = await database.read(lambda connection: connection.execute(STANDING, [name, time.time()]).fetchone())
        if standing and standing[0] not in (value, instead_of):
            return str(standing[0])
        async with database.turn():
            return await database.write(work)
