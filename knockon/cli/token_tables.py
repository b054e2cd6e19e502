"""Tokens, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.markup import escape
from rich.table import Table

from knockon.cli.tables import Out
from knockon.cmdb.stewardship.tokens import in_use
from knockon.schema import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.tokens import Token


def print_tokens(found: Sequence[Token]) -> None:
    """Print all tokens."""
    out = Out()
    if not found:
        out.print("There are no tokens; knockon token create NAME --scope viewer makes one.")
        return
    now = values.now()
    table = Table("id", "name", "scopes", "in use", "made", "by", box=box.SIMPLE_HEAD)
    for each in found:
        row = (each.id, each.name, ", ".join(each.scopes), _use(each, now), f"{each.at[:10]}", each.by)
        table.add_row(*map(escape, row))
    out.print(table)


def _use(token: Token, now: str) -> str:
    if token.revoked:
        return f"revoked {token.revoked[:10]}"
    if not token.expires:
        return "for ever"
    return f"{'until' if in_use(token, now) else 'expired'} {token.expires[:10]}"
