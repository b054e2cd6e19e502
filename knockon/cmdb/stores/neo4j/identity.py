"""What identification asks of a write transaction, and what it keeps: claims and decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from neo4j import AsyncTransaction

    from knockon.cmdb.rows import Decision, EdgeRecord, Record

MEMBERS: LiteralString = """
UNWIND $ids AS id
MATCH (r:_Record {entity: id}) WHERE coalesce(r.present, true)
RETURN collect(properties(r))"""
CLAIMANTS: LiteralString = """
UNWIND $tokens AS token
CALL (token) {
  MATCH (c:_Claim {token: token})
  WITH c LIMIT $most
  RETURN collect([c.source, c.key]) AS found
}
WITH token, found WHERE size(found) > 0
RETURN token, found"""
DISPUTED: LiteralString = """
UNWIND $keys AS k
MATCH (r:_Record {k: k})
MATCH (n:_Entity {_id: r.entity}) USING INDEX SEEK n:_Entity(_id)
WHERE n._disputed AND n:_Live
RETURN collect(DISTINCT n._id)"""
DECISIONS: LiteralString = """
UNWIND $keys AS k
CALL (k) {
  MATCH (d:_Decision {a: k}) RETURN d
  UNION
  MATCH (d:_Decision {b: k}) RETURN d
}
WITH DISTINCT d
RETURN collect(properties(d))"""
SAID_AT_SOURCE: LiteralString = """
UNWIND $keys AS k
MATCH (r:_EdgeRecord {at_from: k})
WHERE r.type IN $types AND coalesce(r.because, '') <> 'WITHDRAWN'
RETURN collect(properties(r))"""
SAID_AT_TARGET: LiteralString = """
UNWIND $keys AS k
MATCH (r:_EdgeRecord {at_to: k})
WHERE r.type IN $types AND coalesce(r.because, '') <> 'WITHDRAWN'
RETURN collect(properties(r))"""
FORGET_CLAIMS: LiteralString = "UNWIND $keys AS k MATCH (c:_Claim {record: k}) DELETE c"
PUT_CLAIMS: LiteralString = """
UNWIND $rows AS row
CREATE (:_Claim {token: row[0], record: row[1], source: row[2], key: row[3]})"""
PUT_DECISION: LiteralString = "MERGE (d:_Decision {id: $row.id}) SET d = $row"


async def members(tx: AsyncTransaction, ids: Collection[str]) -> list[Record]:
    """Read the present records of these entities."""
    return [forms.to_record(each) for each in await _collected(tx, MEMBERS, ids=list(set(ids)))]


async def claimants(tx: AsyncTransaction, tokens: Collection[str], most: int) -> dict[str, list[tuple[str, str]]]:
    """Find the records that claim each token."""
    rows = await run(tx, CLAIMANTS, {"tokens": list(set(tokens)), "most": most})
    return {token: [(source, key) for source, key in found] for token, found in rows}


async def disputed(tx: AsyncTransaction, keys: Collection[tuple[str, str]]) -> set[str]:
    """Find the ids of the disputed entities that these records belong to."""
    return set(await _collected(tx, DISPUTED, keys=[forms.key(*each) for each in set(keys)]))


async def decisions(tx: AsyncTransaction, keys: Collection[tuple[str, str]]) -> list[Decision]:
    """Read the decisions about any of these records."""
    kept = await _collected(tx, DECISIONS, keys=[forms.key(*each) for each in set(keys)])
    return [forms.to_decision(each) for each in kept]


async def said_at(
    tx: AsyncTransaction, keys: Collection[tuple[str, str]], ends: Collection[tuple[str, bool]]
) -> list[EdgeRecord]:
    """Read the present edge records that have one of these native keys at one of these ends."""
    asked = [forms.key(*each) for each in set(keys)]
    kept: list[Any] = []
    for statement, at_source in ((SAID_AT_SOURCE, True), (SAID_AT_TARGET, False)):
        types = [name for name, source in ends if source == at_source]
        if types:
            kept += await _collected(tx, statement, keys=asked, types=types)
    found = map(forms.to_edge_record, kept)
    return list({each.key: each for each in found}.values())


async def put_claims(tx: AsyncTransaction, rows: Sequence[Record]) -> None:
    """Write the claims of these records in place of those that they had."""
    keys = {forms.key(row.source, row.key): row for row in rows}
    await run(tx, FORGET_CLAIMS, {"keys": list(keys)})
    claims = [[token, k, row.source, row.key] for k, row in keys.items() for token in row.claims.values()]
    await run(tx, PUT_CLAIMS, {"rows": claims})


async def put_decision(tx: AsyncTransaction, row: Decision) -> None:
    """Write a decision, in place of the one of its id."""
    await run(tx, PUT_DECISION, {"row": forms.decision_properties(row)})


async def _collected(tx: AsyncTransaction, statement: LiteralString, **parameters: Any) -> list[Any]:
    ((found,),) = await run(tx, statement, parameters)
    return list(found)
