"""Records that were not taken, in the embedded store."""

# ruff: noqa: D103 - what each promises stands in contract/letters.py

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, TypeVar

import orjson

from knockon.cmdb.contract.letters import letter_of, letter_text
from knockon.cmdb.contract.rows import Open
from knockon.cmdb.stores.sqlite.rows import asked, dumped

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence

    from knockon.cmdb.contract.rows import DeadLetter

T = TypeVar("T")

TABLES = (
    """CREATE TABLE letter (
        id TEXT PRIMARY KEY, place TEXT NOT NULL, source TEXT NOT NULL, code TEXT NOT NULL, kind TEXT NOT NULL,
        about TEXT NOT NULL, scope TEXT NOT NULL, seen TEXT NOT NULL, partial INTEGER NOT NULL, body TEXT NOT NULL)""",
    "CREATE INDEX letter_by_place ON letter (place)",
    "CREATE INDEX letter_by_source ON letter (source, place)",
)

LETTER = "l.body, l.id, l.place, l.source, l.code, l.kind, l.about, l.scope, l.seen, l.partial"

LETTERS = "SELECT l.body FROM letter l WHERE l.place > ? AND (? = '' OR l.code = ?) ORDER BY l.place LIMIT ?"

LETTERS_OF = """SELECT l.body FROM letter l WHERE l.source = ? AND l.place > ? AND (? = '' OR l.code = ?)
    ORDER BY l.place LIMIT ?"""

COUNT_LETTERS = "SELECT count(*) FROM letter l WHERE l.place > '' AND (? = '' OR l.code = ?)"

COUNT_LETTERS_OF = "SELECT count(*) FROM letter l WHERE l.source = ? AND (? = '' OR l.code = ?)"

LETTERS_WITH = "SELECT l.body FROM json_each(?) a CROSS JOIN letter l ON l.id = a.value"

OPEN_LETTERS = "SELECT l.id, l.kind, l.about, l.scope, l.seen, l.partial FROM letter l WHERE l.source = ?"

PUT_LETTER = "INSERT OR REPLACE INTO letter VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

DROP_LETTERS = "DELETE FROM letter WHERE id IN (SELECT value FROM json_each(?))"


class LetterReads(ABC):
    """Reads that a store and its writes share."""

    @abstractmethod
    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Read on a connection of the store, or of the write at hand."""

    async def letters(self, source: str = "", code: str = "", *, after: str = "", limit: int) -> list[DeadLetter]:
        of = (LETTERS_OF, (source,)) if source else (LETTERS, ())

        def read(connection: sqlite3.Connection) -> list[DeadLetter]:
            rows = connection.execute(of[0], (*of[1], after, code, code, limit))
            return [letter_of(body) for (body,) in rows]

        return await self._read(read)

    async def count_letters(self, source: str = "", code: str = "") -> int:
        of = (COUNT_LETTERS_OF, (source,)) if source else (COUNT_LETTERS, ())
        return int(await self._read(lambda connection: connection.execute(of[0], (*of[1], code, code)).fetchone()[0]))

    async def letters_with(self, ids: Collection[str]) -> dict[str, DeadLetter]:
        rows = await self._read(lambda connection: connection.execute(LETTERS_WITH, [asked(ids)]).fetchall())
        return {each.id: each for (body,) in rows for each in (letter_of(body),)}

    async def open_letters(self, source: str) -> list[Open]:
        rows = await self._read(lambda connection: connection.execute(OPEN_LETTERS, [source]).fetchall())
        return [
            Open(id_, kind, tuple(orjson.loads(about)), scope, seen, bool(partial))
            for id_, kind, about, scope, seen, partial in rows
        ]


def put_letters(connection: sqlite3.Connection, rows: Sequence[DeadLetter]) -> None:
    connection.executemany(PUT_LETTER, map(_row, rows))


def drop_letters(connection: sqlite3.Connection, ids: Collection[str]) -> None:
    connection.execute(DROP_LETTERS, [asked(ids)])


def _row(letter: DeadLetter) -> tuple[object, ...]:
    addressed = (letter.kind, dumped(letter.about), letter.scope, letter.seen, letter.partial)
    return (letter.id, letter.place, letter.source, letter.code, *addressed, letter_text(letter))
