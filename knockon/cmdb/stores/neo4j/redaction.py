"""Taking values out of everything that is kept, in Neo4j."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

import orjson

from knockon.cmdb.contract.partial import partial_without
from knockon.cmdb.contract.rows import without
from knockon.cmdb.stores.neo4j import forms, journal
from knockon.cmdb.stores.neo4j.cypher import run

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.stores.neo4j.cypher import Transaction

# No index leads from an entity to its records, withdrawn ones included: this is rare, and a load is not.
RECORDS_OF: LiteralString = """
MATCH (r:_Record) WHERE r.entity IN $ids
RETURN collect([r.k, r.source, r.key, r.attributes, r.partial])"""

STRIP_RECORDS: LiteralString = """
UNWIND $rows AS row
MATCH (r:_Record {k: row[0]})
SET r.attributes = row[1], r.partial = row[4]
MERGE (d:_Redaction {k: row[0]})
SET d.source = row[2], d.key = row[3],
    d.attributes = coalesce(d.attributes, []) + [each IN $attributes WHERE NOT each IN coalesce(d.attributes, [])]"""

REWRITE: LiteralString = """
UNWIND $rows AS row
MATCH (r:_Revision {n: row[0]})
SET r.entries = row[1]"""

MARK_REWRITTEN: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.rewritten = $revision"

REDACTED: LiteralString = """
UNWIND $keys AS k
MATCH (d:_Redaction {k: k})
RETURN collect([d.source, d.key, d.attributes])"""


async def redact(
    tx: Transaction, ids: Collection[str], attributes: Collection[str], name: str, revision: int
) -> list[tuple[str, str]]:
    """Take attributes out of the records and the journal of entities, and mark the records."""
    ((found,),) = await run(tx, RECORDS_OF, {"ids": list(ids)})
    rows = []
    for k, source, key, kept, partial in found:
        values = {each: value for each, value in orjson.loads(kept).items() if each not in attributes}
        rows.append([k, orjson.dumps(values).decode(), source, key, partial_without(partial, attributes)])
    await run(tx, STRIP_RECORDS, {"rows": rows, "attributes": sorted(attributes)})
    async for revisions in journal.revisions_of(tx, ids):
        rewritten = []
        for each in revisions:
            entries = [without(entry, ids, attributes, name) for entry in each.entries]
            rewritten.append([each.number, forms.from_entries(entries)])
        await run(tx, REWRITE, {"rows": rewritten})
    await run(tx, MARK_REWRITTEN, {"revision": revision})
    return sorted((source, key) for _, source, key, *_ in found)


async def redacted(tx: Transaction, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], frozenset[str]]:
    """Give what was taken out of records."""
    ((found,),) = await run(tx, REDACTED, {"keys": [forms.key(*each) for each in set(keys)]})
    return {(source, key): frozenset(attributes) for source, key, attributes in found}
