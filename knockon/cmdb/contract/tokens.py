"""What a store keeps of bearer tokens: its part of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token without its secret. Identity: ``id``."""

    id: str
    digest: str
    """SHA-256 of the whole token, hexadecimal: a secret of 256 random bits needs no slower one."""
    name: str
    scopes: tuple[str, ...]
    expires: str
    """The moment from which it is worth nothing; "" is never."""
    by: str
    at: str
    revoked: str
    """When it was revoked; "" if it was not."""


class TokenReads(Protocol):
    """Tokens, in a write transaction or outside one."""

    async def tokens(self) -> list[Token]:
        """Read all tokens, revoked and expired ones too, by moment, then id."""
        ...

    async def token(self, id_: str) -> Token | None:
        """Read one token by its id: one look into an index."""
        ...


class TokenWrites(TokenReads, Protocol):
    """Tokens in a write transaction. They are no part of the estate: no copy and no export has them."""

    async def put_tokens(self, rows: Sequence[Token]) -> None: ...
