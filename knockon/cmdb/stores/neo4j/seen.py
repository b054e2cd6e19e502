"""When sources last said something of things."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from knockon.cmdb.stores.neo4j.cypher import Transaction

CHUNK = 20_000
SCOPES: LiteralString = "MATCH (s:_Scope) RETURN collect([s.source, s.name, s.seen])"
RECORDS: LiteralString = """
MATCH (r:_Record) WHERE r.k > $low
WITH r ORDER BY r.k LIMIT $chunk
RETURN collect([r.k, r.entity, r.source, coalesce(r.scope, ''), r.seen, coalesce(r.present, true)])"""


async def last_seen(tx: Transaction) -> dict[str, str]:
    """Read it for each thing that a present record is of."""
    ((scopes,),) = await run(tx, SCOPES, {})
    together = {(source, name): seen for source, name, seen in scopes}
    found: dict[str, str] = {}
    low = ""
    while True:
        ((rows,),) = await run(tx, RECORDS, {"low": low, "chunk": CHUNK})
        for _, entity, source, scope, seen, present in rows:
            if present:
                found[entity] = max(found.get(entity, ""), seen, together.get((source, scope)) or "")
        if len(rows) < CHUNK:
            return found
        low = max(row[0] for row in rows)
