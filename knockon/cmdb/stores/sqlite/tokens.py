"""Bearer tokens in the embedded store, hashed."""

# ruff: noqa: D103 - what each promises stands in contract/tokens.py

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from knockon.cmdb.contract.tokens import Token
from knockon.cmdb.stores.sqlite.rows import dumped

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

T = TypeVar("T")

TABLES = (
    """CREATE TABLE token (
        id TEXT PRIMARY KEY, digest TEXT NOT NULL, name TEXT NOT NULL, scopes TEXT NOT NULL, expires TEXT NOT NULL,
        made_by TEXT NOT NULL, at TEXT NOT NULL, revoked TEXT NOT NULL) WITHOUT ROWID""",
)
COLUMNS = "id, digest, name, scopes, expires, made_by, at, revoked"
TOKENS = f"SELECT {COLUMNS} FROM token ORDER BY at, id"  # noqa: S608 - constants of this module
TOKEN = f"SELECT {COLUMNS} FROM token WHERE id = ?"  # noqa: S608 - constants of this module
PUT_TOKEN = "INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S105 - a statement


class TokenReads(ABC):
    """Reads that a store and its writes share."""

    @abstractmethod
    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read on a connection of the store, or of the write at hand."""

    async def tokens(self) -> list[Token]:
        return await self._read(lambda connection: [_token_of(row) for row in connection.execute(TOKENS)])

    async def token(self, id_: str) -> Token | None:
        row = await self._read(lambda connection: connection.execute(TOKEN, [id_]).fetchone())
        return row and _token_of(row)


def put_tokens(connection: sqlite3.Connection, rows: Sequence[Token]) -> None:
    connection.executemany(PUT_TOKEN, map(_row, rows))


def _token_of(row: tuple[Any, ...]) -> Token:
    id_, digest, name, scopes, *rest = row
    return Token(id_, digest, name, tuple(orjson.loads(scopes)), *rest)


def _row(token: Token) -> tuple[str, ...]:
    return (token.id, token.digest, token.name, dumped(token.scopes), token.expires, token.by, token.at, token.revoked)
