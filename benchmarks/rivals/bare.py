"""What a service asks its store, written down while it answers, and asked once more with nothing but the driver."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch

import neo4j

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Statement(NamedTuple):
    """One statement with its parameters."""

    text: str
    parameters: Any


@contextmanager
def written_down() -> Iterator[list[Statement]]:
    """Note every statement that a store opened in this block is asked from now on."""
    noted: list[Statement] = []

    class Noting(sqlite3.Connection):
        def execute(self, text: str, parameters: Any = (), /) -> sqlite3.Cursor:
            if text.lstrip()[:4].upper() in {"SELE", "WITH"}:
                noted.append(Statement(text, parameters))
            return super().execute(text, parameters)

    connect, run = sqlite3.connect, neo4j.AsyncTransaction.run

    async def running(self: Any, query: Any, parameters: Any = None, **more: Any) -> Any:
        noted.append(Statement(query, {**(parameters or {}), **more}))
        return await run(self, query, parameters, **more)

    with (
        patch("sqlite3.connect", lambda *args, **more: connect(*args, **more, factory=Noting)),
        patch("neo4j.AsyncManagedTransaction.run", running),
    ):
        yield noted


class BareSqlite:
    """The statements over connections of one's own, one for each client."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA cache_size = -16000")

    def ask(self, statements: list[Statement]) -> None:
        """Run the statements in one read transaction and fetch all rows."""
        self._connection.execute("BEGIN")
        for each in statements:
            self._connection.execute(each.text, each.parameters).fetchall()
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class BareNeo4j:
    """The statements over a session of one's own, one for each client."""

    def __init__(self, driver: neo4j.Driver) -> None:
        self._session = driver.session(default_access_mode=neo4j.READ_ACCESS, database="neo4j")

    def ask(self, statements: list[Statement]) -> None:
        """Run each statement as the service does, in a read transaction, and fetch all rows."""
        for each in statements:
            self._session.execute_read(lambda tx, asked=each: tx.run(asked.text, asked.parameters).values())

    def close(self) -> None:
        """Close the session."""
        self._session.close()
