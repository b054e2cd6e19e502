"""Who says what, and when: read in a write, or outside of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import EdgeKey, EdgeRecord, EdgeRecordKey, Scope
    from knockon.cmdb.stores.neo4j.cypher import Transaction


EDGE_RECORDS: LiteralString = "UNWIND $keys AS k MATCH (r:_EdgeRecord {k: k}) RETURN collect(properties(r))"
SAYINGS: LiteralString = """
UNWIND $keys AS k
MATCH (r:_EdgeRecord {edge: k})
RETURN k, collect(properties(r))"""
SCOPES: LiteralString = """
UNWIND $sources AS source
MATCH (s:_Scope {source: source})
RETURN collect(properties(s))"""


async def edge_records(tx: Transaction, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
    """Read edge records by key; unknown keys are absent."""
    ((kept,),) = await run(tx, EDGE_RECORDS, {"keys": [forms.key(*each) for each in set(keys)]})
    return {row.key: row for row in map(forms.to_edge_record, kept)}


async def sayings(tx: Transaction, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
    """Read all edge records that resolve to each of these edges."""
    asked = {forms.key(*each): each for each in keys}
    rows = await run(tx, SAYINGS, {"keys": list(asked)})
    return {asked[k]: [forms.to_edge_record(each) for each in kept] for k, kept in rows}


async def scopes(tx: Transaction, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
    """Read what is known of the scopes of these sources."""
    ((kept,),) = await run(tx, SCOPES, {"sources": list(set(sources))})
    return {(each.source, each.name): each for each in map(forms.to_scope, kept)}
