"""Bearer tokens, hashed: a ``_Token`` node each."""

# ruff: noqa: D103 - what each promises stands in contract/tokens.py

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.tokens import Token
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.stores.neo4j.cypher import Transaction

TOKENS: LiteralString = "MATCH (t:_Token) RETURN collect(properties(t))"
TOKEN: LiteralString = "MATCH (t:_Token {id: $id}) RETURN collect(properties(t))"  # noqa: S105 - a statement
PUT_TOKENS: LiteralString = "UNWIND $rows AS row MERGE (t:_Token {id: row.id}) SET t = row"


class TokenReads(ABC):
    """Reads that a store and its writes share."""

    @abstractmethod
    async def _look(self, statement: LiteralString, parameters: dict[str, Any]) -> list[Any]:
        """Read on a connection of the store, or of the write at hand."""

    async def tokens(self) -> list[Token]:
        ((found,),) = await self._look(TOKENS, {})
        return sorted(map(_token_of, found), key=lambda each: (each.at, each.id))

    async def token(self, id_: str) -> Token | None:
        ((found,),) = await self._look(TOKEN, {"id": id_})
        return _token_of(found[0]) if found else None


async def put_tokens(tx: Transaction, rows: Sequence[Token]) -> None:
    await run(tx, PUT_TOKENS, {"rows": [asdict(row) | {"scopes": list(row.scopes)} for row in rows]})


def _token_of(kept: dict[str, Any]) -> Token:
    return Token(**kept | {"scopes": tuple(kept["scopes"])})
