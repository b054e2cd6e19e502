"""What identification reads and keeps: records, claims, decisions, findings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from neo4j import AsyncTransaction

    from knockon.cmdb.contract.rows import Decision, EdgeRecord, IdentityFinding, Record
    from knockon.cmdb.stores.neo4j.cypher import Transaction

RECORDS: LiteralString = "UNWIND $keys AS k MATCH (r:_Record {k: k}) RETURN collect(properties(r))"
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
EVERY_DECISION: LiteralString = """
MATCH (d:_Decision) WHERE d.at >= ''
WITH d ORDER BY d.at, d.id
RETURN collect(properties(d))"""
FINDINGS_OF: LiteralString = """
MATCH (f:_Finding) USING INDEX f:_Finding(code, id)
WHERE f.code = $code AND f.id > $id
WITH f ORDER BY f.code, f.id LIMIT $limit
RETURN collect(properties(f))"""
FINDINGS: LiteralString = """
CALL () {
  MATCH (f:_Finding) USING INDEX f:_Finding(code, id)
  WHERE f.code = $code AND f.id > $id
  RETURN f ORDER BY f.code, f.id LIMIT $limit
  UNION ALL
  MATCH (f:_Finding) USING INDEX f:_Finding(code, id)
  WHERE f.code > $code AND f.id >= ''
  RETURN f ORDER BY f.code, f.id LIMIT $limit
}
WITH f ORDER BY f.code, f.id LIMIT $limit
RETURN collect(properties(f))"""
FINDINGS_ABOUT: LiteralString = """
UNWIND $keys AS k
MATCH (a:_About {record: k})
MATCH (f:_Finding {id: a.finding})
WITH DISTINCT f
RETURN collect(properties(f))"""
FORGET_FINDINGS: LiteralString = """
UNWIND $keys AS k
MATCH (a:_About {record: k})
WITH DISTINCT a.finding AS id
MATCH (f:_Finding {id: id}) WHERE f.code IN $of
OPTIONAL MATCH (about:_About {finding: id})
DELETE f, about"""
FORGET_OF_TOKENS: LiteralString = """
UNWIND $tokens AS token
MATCH (f:_Finding {token: token}) WHERE f.records = '[]' AND f.code IN $of
DELETE f"""
PUT_FINDINGS: LiteralString = "UNWIND $rows AS row MERGE (f:_Finding {id: row.id}) SET f = row"
PUT_ABOUT: LiteralString = """
UNWIND $rows AS row
CREATE (:_About {record: row[0], finding: row[1]})"""
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


class IdentityReads(ABC):
    """Reads that a store and its writes share."""

    @abstractmethod
    async def _look(self, statement: LiteralString, parameters: dict[str, Any]) -> list[Any]:
        """Read on a connection of the store, or of the write at hand."""

    async def records(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Record]:
        ((kept,),) = await self._look(RECORDS, {"keys": [forms.key(*each) for each in set(keys)]})
        return {(row.source, row.key): row for row in map(forms.to_record, kept)}

    async def members(self, ids: Collection[str]) -> list[Record]:
        ((kept,),) = await self._look(MEMBERS, {"ids": list(set(ids))})
        return [forms.to_record(each) for each in kept]

    async def claimants(self, tokens: Collection[str], most: int) -> dict[str, list[tuple[str, str]]]:
        rows = await self._look(CLAIMANTS, {"tokens": list(set(tokens)), "most": most})
        return {token: [(source, key) for source, key in found] for token, found in rows}

    async def decisions(self, keys: Collection[tuple[str, str]] | None = None) -> list[Decision]:
        if keys is None:
            ((kept,),) = await self._look(EVERY_DECISION, {})
        else:
            ((kept,),) = await self._look(DECISIONS, {"keys": [forms.key(*each) for each in set(keys)]})
        return [forms.to_decision(each) for each in kept]

    async def findings_about(self, keys: Collection[tuple[str, str]]) -> list[IdentityFinding]:
        ((kept,),) = await self._look(FINDINGS_ABOUT, {"keys": [forms.key(*each) for each in set(keys)]})
        return [forms.to_finding(each) for each in kept]

    async def findings(
        self, code: str = "", after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> list[IdentityFinding]:
        first = max(after, (code, ""))
        if code and first[0] != code:  # all of this code are before that place
            return []
        asked = {"code": first[0], "id": first[1], "limit": limit}
        ((kept,),) = await self._look(FINDINGS_OF if code else FINDINGS, asked)
        return [forms.to_finding(each) for each in kept]


async def disputed(tx: AsyncTransaction, keys: Collection[tuple[str, str]]) -> set[str]:
    """Find the ids of the disputed entities that these records belong to."""
    return set(await _collected(tx, DISPUTED, keys=[forms.key(*each) for each in set(keys)]))


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


async def put_claims(tx: Transaction, new: Sequence[Record], known: Sequence[Record] = ()) -> None:
    """Write the claims of records; of known ones in place of those that they had."""
    if known:
        await run(tx, FORGET_CLAIMS, {"keys": [forms.key(row.source, row.key) for row in known]})
    keys = {forms.key(row.source, row.key): row for row in (*new, *known)}
    claims = [[token, k, row.source, row.key] for k, row in keys.items() for token in row.claims.values()]
    if claims:
        await run(tx, PUT_CLAIMS, {"rows": claims})


async def put_findings(
    tx: Transaction,
    about: Collection[tuple[str, str]],
    tokens: Collection[str],
    rows: Sequence[IdentityFinding],
    *,
    of: Collection[str],
) -> None:
    """Write findings in place of those, of these codes, about one of these records or tokens."""
    if about:
        await run(tx, FORGET_FINDINGS, {"keys": [forms.key(*each) for each in set(about)], "of": list(of)})
    if tokens:
        await run(tx, FORGET_OF_TOKENS, {"tokens": list(set(tokens)), "of": list(of)})
    if rows:
        await run(tx, PUT_FINDINGS, {"rows": [forms.finding_properties(row) for row in rows]})
        named = [[forms.key(*key), row.id] for row in rows for key in row.records]
        await run(tx, PUT_ABOUT, {"rows": named})


async def put_decision(tx: AsyncTransaction, row: Decision) -> None:
    """Write a decision, in place of the one of its id."""
    await run(tx, PUT_DECISION, {"row": forms.decision_properties(row)})


async def _collected(tx: AsyncTransaction, statement: LiteralString, **parameters: Any) -> list[Any]:
    ((found,),) = await run(tx, statement, parameters)
    return list(found)
