"""Statements whose labels, types or property names are known only at run time, and how they are run.

Neo4j takes values as parameters, but not identifiers. The only way into a statement's text is
``identifier``, and what goes there comes from the model.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, LiteralString

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neo4j import AsyncManagedTransaction, AsyncTransaction

    Transaction = AsyncTransaction | AsyncManagedTransaction

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def identifier(name: str) -> LiteralString:
    """Quote a class, type or attribute name of the model for the text of a statement."""
    if not _IDENTIFIER.fullmatch(name):
        raise ValueError(f"{name!r} is not a name that a model may have")
    return f"`{name}`"


async def run(tx: Transaction, statement: LiteralString, parameters: Mapping[str, Any]) -> list[Any]:
    """Run a statement to its end and give its rows, each a list."""
    result = await tx.run(statement, dict(parameters))
    return await result.values()
