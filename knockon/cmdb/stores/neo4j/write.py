"""One write transaction. Statements take whole batches; there is one for each relationship type at most."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.rows import WITHDRAWN, EdgeKey
from knockon.cmdb.stores.neo4j import baselines, forms, identity, letters, reads, said
from knockon.cmdb.stores.neo4j.cypher import identifier, run
from knockon.cmdb.stores.neo4j.errors import driver_errors
from knockon.cmdb.stores.neo4j.images import forget_images, put_images, redact_images
from knockon.cmdb.stores.neo4j.journal import compact, put_revision
from knockon.cmdb.stores.neo4j.redaction import redact, redacted
from knockon.cmdb.stores.neo4j.search import put_again, references, search_properties
from knockon.cmdb.stores.neo4j.tokens import TokenReads, put_tokens
from knockon.errors import StoreFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from neo4j import AsyncTransaction

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import (
        Alias,
        Baseline,
        DeadLetter,
        Decision,
        Edge,
        EdgeRecord,
        EdgeRecordKey,
        Entity,
        Held,
        IdentityFinding,
        JournalEntry,
        Record,
        RevisionHead,
        Scope,
    )
    from knockon.cmdb.contract.tokens import Token
    from knockon.schema.model import Model

# The lock on this node, held to the end, makes writers take turns.
TAKE_REVISION: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.rev = m.rev + 1 RETURN m.rev"
# The lock on this one, taken last, is held while a commit becomes visible and no longer: see scan.py.
BEFORE_COMMIT: LiteralString = "MATCH (c:_Commit {id: 0}) SET c.rev = $revision"

WATCHING: LiteralString = """
UNWIND $tokens AS token
MATCH (:_Watch {token: token})<-[:_WATCHES]-(r:_EdgeRecord)
WITH DISTINCT r
RETURN collect(properties(r))"""
WAITING_AT: LiteralString = """
UNWIND $ids AS id
CALL (id) {
  MATCH (r:_Waiting {known_from: id}) RETURN r
  UNION
  MATCH (r:_Waiting {known_to: id}) RETURN r
}
WITH DISTINCT r
RETURN collect(properties(r))"""
EDGES_AT: LiteralString = """
UNWIND $ids AS id
MATCH (n:_Entity {_id: id})-[r]-(:_Entity)
RETURN collect(DISTINCT [coalesce(r._type, type(r)), startNode(r)._id, endNode(r)._id, r._group])"""
CONTESTED: LiteralString = """
UNWIND $keys AS k
MATCH (r:_EdgeRecord {edge: k})
WITH k, count(r) AS found WHERE found > 1
RETURN collect(k)"""
PUT_RECKONED: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.reckoned = $rules"
PUT_SCOPE: LiteralString = "MERGE (s:_Scope {k: $row.k}) SET s = $row"
SPREAD_RECORDS: LiteralString = reads.of_held_records("AND r.seen < $seen SET r.seen = $seen")
SPREAD_EDGE_RECORDS: LiteralString = reads.of_held_edge_records("AND r.seen < $seen SET r.seen = $seen")
CLASSES: LiteralString = "UNWIND $ids AS id MATCH (n:_Entity {_id: id}) RETURN collect([id, n._class])"
# The hints bind both ends first. A plan made while there is hardly anything, and kept for a while, would otherwise
# read all relationships for each key.
EDGES: LiteralString = """
UNWIND $keys AS k
MATCH (a:_Entity {_id: k[1]}) USING INDEX SEEK a:_Entity(_id)
MATCH (b:_Entity {_id: k[2]}) USING INDEX SEEK b:_Entity(_id)
WITH k, a, b
MATCH (a)-[r]->(b)
WHERE r._group = k[3] AND coalesce(r._type, type(r)) = k[0]
RETURN collect([k[0], k[1], k[2], type(r) = '_RETIRED', properties(r)])"""

PUT_RECORDS: LiteralString = "UNWIND $rows AS row MERGE (r:_Record {k: row.k}) SET r = row"
PUT_NEW_RECORDS: LiteralString = "UNWIND $rows AS row CREATE (r:_Record) SET r = row"
PUT_NEW_ENTITIES: LiteralString = "UNWIND $rows AS row CREATE (n:_Entity) SET n:$(row[1]) SET n = row[0]"
PUT_ENTITIES: LiteralString = """
UNWIND $rows AS row
MERGE (n:_Entity {_id: row[0]._id})
WITH n, row, [label IN labels(n) WHERE NOT label IN row[1]] AS old
REMOVE n:$(old)
SET n:$(row[1])
SET n = row[0]"""
UNWATCH: LiteralString = """
UNWIND $keys AS k
MATCH (:_EdgeRecord {k: k})-[old:_WATCHES]->(w:_Watch)
DELETE old
WITH DISTINCT w WHERE NOT EXISTS { (w)<-[:_WATCHES]-() }
DELETE w"""
PUT_SETTLED: LiteralString = "UNWIND $rows AS row MERGE (r:_EdgeRecord {k: row.k}) SET r = row REMOVE r:_Waiting"
PUT_WAITING: LiteralString = "UNWIND $rows AS row MERGE (r:_EdgeRecord {k: row.k}) SET r = row SET r:_Waiting"
PUT_NEW_SETTLED: LiteralString = "UNWIND $rows AS row CREATE (r:_EdgeRecord) SET r = row"
PUT_NEW_WAITING: LiteralString = "UNWIND $rows AS row CREATE (r:_EdgeRecord:_Waiting) SET r = row"
WATCH: LiteralString = """
UNWIND $rows AS watch
MATCH (r:_EdgeRecord {k: watch[0]})
MERGE (w:_Watch {token: watch[1]})
CREATE (r)-[:_WATCHES]->(w)"""
FORGET_RETIRED: LiteralString = """
UNWIND $rows AS row
MATCH (a:_Entity {_id: row[0]})
MATCH (b:_Entity {_id: row[1]})
CALL (row, a, b) {
  MATCH (a)-[r:_RETIRED {_type: row[2], _group: row[3]}]->(b)
  RETURN r
}
DELETE r"""
PUT_ALIAS: LiteralString = """
OPTIONAL MATCH (further:_Alias {id: $entity})
WITH coalesce(further.entity, $entity) AS entity
MERGE (a:_Alias {id: $alias}) SET a.entity = entity, a.records = $records, a.since = $since
WITH entity
MATCH (earlier:_Alias {entity: $alias}) SET earlier.entity = entity"""
DROP_ALIASES: LiteralString = "UNWIND $ids AS id MATCH (a:_Alias {id: id}) DELETE a"
STANDING_FOR: LiteralString = """
UNWIND $ids AS id
MATCH (a:_Alias {entity: id}) USING INDEX SEEK a:_Alias(entity)
RETURN a {.*}"""
TOUCH_RECORDS: LiteralString = """
UNWIND $rows AS row
MATCH (r:_Record {k: row[0]}) WHERE r.digest = row[1] AND r.seen < $seen
SET r.seen = $seen"""
TOUCH_EDGE_RECORDS: LiteralString = """
UNWIND $rows AS row
MATCH (r:_EdgeRecord {k: row[0]}) WHERE r.digest = row[1] AND r.seen < $seen
SET r.seen = $seen"""


def put_new_edges_statement(type_name: str) -> LiteralString:
    """Give the statement that writes live edges of one type that are not there, not as retired ones either."""
    return f"""
UNWIND $rows AS row
MATCH (a:_Entity {{_id: row[0]}})
MATCH (b:_Entity {{_id: row[1]}})
CREATE (a)-[r:{identifier(type_name)}]->(b)
SET r = row[2]
RETURN count(r)"""


def put_edges_statement(type_name: str) -> LiteralString:
    """Give the statement that writes live edges of one type."""
    return f"""
UNWIND $rows AS row
MATCH (a:_Entity {{_id: row[0]}})
MATCH (b:_Entity {{_id: row[1]}})
MERGE (a)-[r:{identifier(type_name)} {{_group: row[2]._group}}]->(b)
SET r = row[2]
RETURN count(r)"""


def retire_edges_statement(type_name: str) -> LiteralString:
    """Give the statement that sets edges of one type apart from the live ones."""
    return f"""
UNWIND $rows AS row
MATCH (a:_Entity {{_id: row[0]}})
MATCH (b:_Entity {{_id: row[1]}})
CREATE (a)-[gone:_RETIRED]->(b) SET gone = row[2]
WITH a, b, row
OPTIONAL MATCH (a)-[r:{identifier(type_name)} {{_group: row[2]._group}}]->(b)
DELETE r
RETURN count(DISTINCT row)"""


def _waits(kept: Mapping[str, Any]) -> bool:
    return kept["edge"] is None and kept["because"] != WITHDRAWN


class Neo4jWrite(identity.IdentityReads, letters.LetterReads, TokenReads):
    """See ``knockon.cmdb.contract.Write``."""

    def __init__(self, tx: AsyncTransaction, model: Model, revision: int) -> None:
        self.revision = revision
        self.journaled = 0
        self._tx = tx
        self._model = model

    async def commit(self) -> None:
        """Make it visible; the store's own, not for those who write."""
        if self.journaled != 1:
            raise StoreFailed("A write needs its journal entry.")
        await self._run(BEFORE_COMMIT, revision=self.revision)
        with driver_errors():
            await self._tx.commit()

    async def _run(self, statement: LiteralString, **parameters: Any) -> list[Any]:
        with driver_errors():
            return await run(self._tx, statement, parameters)

    async def _look(self, statement: LiteralString, parameters: dict[str, Any]) -> list[Any]:
        return await self._run(statement, **parameters)

    async def _collected(self, statement: LiteralString, **parameters: Any) -> list[Any]:
        ((found,),) = await self._run(statement, **parameters)
        return list(found)

    async def disputed(self, keys: Collection[tuple[str, str]]) -> set[str]:
        with driver_errors():
            return await identity.disputed(self._tx, keys)

    async def said_at(self, keys: Collection[tuple[str, str]], ends: Collection[tuple[str, bool]]) -> list[EdgeRecord]:
        with driver_errors():
            return await identity.said_at(self._tx, keys, ends)

    async def put_reckoned(self, rules: str) -> None:
        await self._run(PUT_RECKONED, rules=rules)

    async def put_decision(self, row: Decision) -> None:
        with driver_errors():
            await identity.put_decision(self._tx, row)

    async def put_findings(
        self,
        about: Collection[tuple[str, str]],
        tokens: Collection[str],
        rows: Sequence[IdentityFinding],
        *,
        of: Collection[str],
    ) -> None:
        with driver_errors():
            await identity.put_findings(self._tx, about, tokens, rows, of=of)

    async def put_baseline(self, row: Baseline) -> None:
        with driver_errors():
            await baselines.put_baseline(self._tx, row)

    async def drop_baseline(self, name: str) -> None:
        with driver_errors():
            await baselines.drop_baseline(self._tx, name)

    async def put_tokens(self, rows: Sequence[Token]) -> None:
        with driver_errors():
            await put_tokens(self._tx, rows)

    async def put_letters(self, rows: Sequence[DeadLetter]) -> None:
        with driver_errors():
            await letters.put_letters(self._tx, rows)

    async def drop_letters(self, ids: Collection[str]) -> None:
        with driver_errors():
            await letters.drop_letters(self._tx, ids)

    async def edge_records(self, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
        with driver_errors():
            return await said.edge_records(self._tx, keys)

    async def watching(self, tokens: Collection[str]) -> list[EdgeRecord]:
        kept = await self._collected(WATCHING, tokens=[forms.key(each) for each in set(tokens)])
        return [forms.to_edge_record(each) for each in kept]

    async def touching(self, ids: Collection[str]) -> list[EdgeRecord]:
        asked = list(set(ids))
        waiting = [forms.to_edge_record(each) for each in await self._collected(WAITING_AT, ids=asked)]
        # one that resolves has an edge
        edges = [EdgeKey(*each) for each in await self._collected(EDGES_AT, ids=asked)]
        resolved = await self.sayings(edges) if edges else {}
        return [*waiting, *(each for said_of_it in resolved.values() for each in said_of_it)]

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        with driver_errors():
            return await reads.resolve(self._tx, tokens)

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        with driver_errors():
            return await reads.entities(self._tx, ids, retired=True)

    async def classes(self, ids: Collection[str]) -> dict[str, str]:
        return dict(await self._collected(CLASSES, ids=list(set(ids)))) if ids else {}

    async def edges(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, Edge]:
        found = [
            forms.to_edge(kind, source, target, kept, retired=retired)
            for kind, source, target, retired, kept in await self._collected(EDGES, keys=[list(k) for k in set(keys)])
        ]
        return {each.key: each for each in found}

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        with driver_errors():
            return await said.sayings(self._tx, keys)

    async def around(self, ids: Collection[str], type_name: str) -> dict[str, set[str]]:
        statement: LiteralString = f"""
UNWIND $ids AS id
MATCH (:_Entity {{_id: id}})<-[:{identifier(type_name)}]-(m:_Entity)
RETURN id, collect(DISTINCT m._id)"""
        return {inner: set(outer) for inner, outer in await self._run(statement, ids=sorted(ids))}

    async def contested(self, keys: Collection[EdgeKey]) -> set[EdgeKey]:
        asked = {forms.key(*each): each for each in keys}
        return {asked[k] for k in await self._collected(CONTESTED, keys=list(asked))}

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        with driver_errors():
            return await said.scopes(self._tx, sources)

    async def held(self, source: str, scope: str) -> Held:
        with driver_errors():
            return await reads.held(self._tx, source, scope)

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        with driver_errors():
            return await reads.count_held(self._tx, source, scope)

    async def put_scope(self, row: Scope) -> None:
        await self._run(PUT_SCOPE, row=forms.scope_properties(row))

    async def spread_seen(self, row: Scope) -> None:
        for statement in (SPREAD_RECORDS, SPREAD_EDGE_RECORDS):
            await self._run(statement, **reads.of_source(row.source, row.name), seen=row.seen)
        await self.put_scope(replace(row, seen=row.complete))

    async def _put(self, statement: LiteralString, rows: Collection[Any]) -> None:
        """Run a statement for rows, if there are any."""
        if rows:
            await self._run(statement, rows=rows)

    async def put_records(self, rows: Sequence[Record], *, new: Collection[tuple[str, str]] = ()) -> None:
        fresh = [row for row in rows if (row.source, row.key) in new]
        known = [row for row in rows if (row.source, row.key) not in new]
        await self._put(PUT_NEW_RECORDS, [forms.record_properties(row) for row in fresh])
        await self._put(PUT_RECORDS, [forms.record_properties(row) for row in known])
        with driver_errors():
            await identity.put_claims(self._tx, fresh, known)

    async def put_entities(self, rows: Sequence[Entity], *, new: Collection[str] = ()) -> None:
        put: list[list[Any]] = []
        with driver_errors():
            known = await references(self._tx, [row.id for row in rows])
        for row in rows:
            lineage = self._model.classes[row.class_name].lineage
            properties = forms.entity_properties(row, self.revision)
            if not row.retired:
                properties |= search_properties(self._model, row, known.get(row.id, ()))
            put.append([properties, ["_Entity", "_Retired"] if row.retired else ["_Entity", "_Live", *lineage]])
        await self._put(PUT_NEW_ENTITIES, [each for each in put if each[0]["_id"] in new])
        await self._put(PUT_ENTITIES, [each for each in put if each[0]["_id"] not in new])

    async def put_words(self, ids: Collection[str]) -> None:
        with driver_errors():
            found = await reads.entities(self._tx, ids, retired=False)
            await put_again(self._tx, list(found.values()), self._model)

    async def put_edge_records(self, rows: Sequence[EdgeRecord], *, new: Collection[EdgeRecordKey] = ()) -> None:
        fresh = [forms.edge_record_properties(row) for row in rows if row.key in new]
        known = [forms.edge_record_properties(row) for row in rows if row.key not in new]
        if known:
            await self._run(UNWATCH, keys=[each["k"] for each in known])
        for put, settle, wait in ((fresh, PUT_NEW_SETTLED, PUT_NEW_WAITING), (known, PUT_SETTLED, PUT_WAITING)):
            await self._put(settle, [each for each in put if not _waits(each)])
            await self._put(wait, [each for each in put if _waits(each)])
        await self._put(
            WATCH, [[each["k"], forms.key(token)] for each in (*fresh, *known) for token in each["watches"]]
        )

    async def put_edges(self, rows: Sequence[Edge], *, new: Collection[EdgeKey] = ()) -> None:
        fresh: defaultdict[str, list[list[Any]]] = defaultdict(list)
        live: defaultdict[str, list[list[Any]]] = defaultdict(list)
        retired: defaultdict[str, list[list[Any]]] = defaultdict(list)
        known = []
        for row in rows:
            kind, source, target, group = row.key
            properties = forms.edge_properties(row)
            if row.key not in new:
                known.append([source, target, kind, group])
            if row.retired:
                retired[kind].append([source, target, properties | {"_type": kind}])
            else:
                (fresh if row.key in new else live)[kind].append([source, target, properties])
        await self._put(FORGET_RETIRED, known)
        written = 0
        for kind, put in sorted(fresh.items()):
            written += (await self._run(put_new_edges_statement(kind), rows=put))[0][0]
        for kind, put in sorted(retired.items()):
            written += (await self._run(retire_edges_statement(kind), rows=put))[0][0]
        for kind, put in sorted(live.items()):
            written += (await self._run(put_edges_statement(kind), rows=put))[0][0]
        if written != len({row.key for row in rows}):
            raise StoreFailed("An edge was to be written whose ends are not both there.")

    async def put_alias(self, row: Alias) -> None:
        kept = forms.alias_properties(row)
        await self._run(PUT_ALIAS, alias=row.alias, entity=row.entity_id, records=kept["records"], since=row.since)

    async def drop_aliases(self, ids: Collection[str]) -> None:
        await self._run(DROP_ALIASES, ids=list(ids))

    async def standing_for(self, ids: Collection[str]) -> list[Alias]:
        return [forms.to_alias(kept) for (kept,) in await self._run(STANDING_FOR, ids=list(ids))]

    async def touch(self, source: str, seen: str, records: Sequence[tuple[str, str]],
                    edge_records: Sequence[tuple[EdgeRecordKey, str]]) -> None:  # fmt: skip
        await self._run(TOUCH_RECORDS, rows=[[forms.key(source, key), digest] for key, digest in records], seen=seen)
        rows = [[forms.key(*key), digest] for key, digest in edge_records]
        await self._run(TOUCH_EDGE_RECORDS, rows=rows, seen=seen)

    async def put_images(self, rows: Sequence[Image]) -> None:
        with driver_errors():
            await put_images(self._tx, self.revision, rows)

    async def compact(self, horizon: int) -> None:
        with driver_errors():
            await compact(self._tx, horizon, self.revision)
            await forget_images(self._tx, horizon)

    async def redact(self, ids: Collection[str], attributes: Collection[str], name: str) -> list[tuple[str, str]]:
        with driver_errors():
            found = await redact(self._tx, ids, attributes, name, self.revision)
            await redact_images(self._tx, set(found))
            return found

    async def redacted(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], frozenset[str]]:
        with driver_errors():
            return await redacted(self._tx, keys)

    async def journal(self, head: RevisionHead, entries: Sequence[JournalEntry]) -> None:
        self.journaled += 1
        if self.journaled > 1:
            raise StoreFailed("A write has one journal entry, and this one has it already.")
        with driver_errors():
            await put_revision(self._tx, self.revision, head, entries)
