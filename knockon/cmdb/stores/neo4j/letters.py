"""Records that were not taken: a ``_Letter`` node each."""

# ruff: noqa: D103 - what each promises stands in contract/letters.py

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.letters import letter_of, letter_text
from knockon.cmdb.contract.rows import Open
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.rows import DeadLetter
    from knockon.cmdb.stores.neo4j.cypher import Transaction

LETTERS: LiteralString = """
MATCH (l:_Letter) WHERE l.place > $after AND ($code = '' OR l.code = $code)
WITH l ORDER BY l.place LIMIT $limit
RETURN collect(l.body)"""
LETTERS_OF: LiteralString = """
MATCH (l:_Letter {source: $source}) WHERE l.place > $after AND ($code = '' OR l.code = $code)
WITH l ORDER BY l.place LIMIT $limit
RETURN collect(l.body)"""
COUNT_LETTERS: LiteralString = """
MATCH (l:_Letter) WHERE l.place > '' AND ($source = '' OR l.source = $source) AND ($code = '' OR l.code = $code)
RETURN count(l)"""
LETTERS_WITH: LiteralString = "UNWIND $ids AS id MATCH (l:_Letter {id: id}) RETURN collect(l.body)"
OPEN_LETTERS: LiteralString = """
MATCH (l:_Letter {source: $source})
RETURN collect([l.id, l.kind, l.about, l.scope, l.seen, l.partial])"""
PUT_LETTERS: LiteralString = "UNWIND $rows AS row MERGE (l:_Letter {id: row.id}) SET l = row"
DROP_LETTERS: LiteralString = "UNWIND $ids AS id MATCH (l:_Letter {id: id}) DELETE l"


class LetterReads(ABC):
    """Reads that a store and its writes share."""

    @abstractmethod
    async def _look(self, statement: LiteralString, parameters: dict[str, Any]) -> list[Any]:
        """Read on a connection of the store, or of the write at hand."""

    async def letters(self, source: str = "", code: str = "", *, after: str = "", limit: int) -> list[DeadLetter]:
        asked = {"source": source, "code": code, "after": after, "limit": limit}
        ((found,),) = await self._look(LETTERS_OF if source else LETTERS, asked)
        return [letter_of(body) for body in found]

    async def count_letters(self, source: str = "", code: str = "") -> int:
        ((count,),) = await self._look(COUNT_LETTERS, {"source": source, "code": code})
        return int(count)

    async def letters_with(self, ids: Collection[str]) -> dict[str, DeadLetter]:
        ((found,),) = await self._look(LETTERS_WITH, {"ids": list(set(ids))})
        return {each.id: each for each in map(letter_of, found)}

    async def open_letters(self, source: str) -> list[Open]:
        ((found,),) = await self._look(OPEN_LETTERS, {"source": source})
        return [Open(id_, kind, tuple(about), scope, seen, partial) for id_, kind, about, scope, seen, partial in found]


async def put_letters(tx: Transaction, rows: Sequence[DeadLetter]) -> None:
    await run(tx, PUT_LETTERS, {"rows": [_properties(row) for row in rows]})


async def drop_letters(tx: Transaction, ids: Collection[str]) -> None:
    await run(tx, DROP_LETTERS, {"ids": list(set(ids))})


def _properties(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id, "place": letter.place, "source": letter.source, "code": letter.code, "kind": letter.kind,
        "about": list(letter.about), "scope": letter.scope, "seen": letter.seen, "partial": letter.partial,
        "body": letter_text(letter),
    }  # fmt: skip
