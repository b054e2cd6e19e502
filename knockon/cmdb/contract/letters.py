"""What a store keeps of records that were not taken: its part of the contract."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Protocol

import orjson

from knockon.cmdb.contract.rows import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.rows import Open


class LetterReads(Protocol):
    """Dead letters, in a write transaction or outside one."""

    async def letters(self, source: str = "", code: str = "", *, after: str = "", limit: int) -> list[DeadLetter]:
        """Read ``limit`` dead letters at most with ``place > after``, by place; of a source, of a code, or all."""
        ...

    async def count_letters(self, source: str = "", code: str = "") -> int:
        """Count what ``letters`` would run through."""
        ...

    async def letters_with(self, ids: Collection[str]) -> dict[str, DeadLetter]:
        """Read dead letters by id; unknown ones are absent."""
        ...

    async def open_letters(self, source: str) -> list[Open]:
        """Read what settles each dead letter of a source."""
        ...


class LetterWrites(LetterReads, Protocol):
    """Dead letters in a write transaction."""

    async def put_letters(self, rows: Sequence[DeadLetter]) -> None: ...

    async def drop_letters(self, ids: Collection[str]) -> None: ...


def letter_text(letter: DeadLetter) -> str:
    """Give a letter as one JSON text, for a store."""
    return orjson.dumps({each.name: getattr(letter, each.name) for each in fields(letter)}).decode()


def letter_of(text: str) -> DeadLetter:
    """Read it back."""
    kept = orjson.loads(text)
    return DeadLetter(**kept | {"about": tuple(kept["about"])})
