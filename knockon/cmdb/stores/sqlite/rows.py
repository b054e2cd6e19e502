"""Between the rows of the tables and the values of ``cmdb/contract/rows.py``."""

# ruff: noqa: D103 - each is what its name says

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.contract.partial import partial_of, partial_text
from knockon.cmdb.contract.rows import (
    Alias,
    Decision,
    Edge,
    EdgeKey,
    EdgeRecord,
    EdgeRecordKey,
    Entity,
    IdentityFinding,
    JournalEntry,
    Record,
    Revision,
    RevisionHead,
    Scope,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

RECORD = (
    "r.source, r.key, r.entity_id, r.class_name, r.attributes, r.seen, r.digest,"
    " r.scope, r.present, r.claims, r.partial"
)
ENTITY = "n.id, n.class_name, n.name, n.sort_key, n.attributes, n.retired, n.revision, n.split_from, n.disputed"
FINDING = "f.id, f.code, f.records, f.what, f.veto, f.token"
DECISION = "d.id, d.kind, d.a_source, d.a_key, d.b_source, d.b_key, d.at, d.made_by, d.reason, d.taken_back"
ALIAS = "a.alias, a.entity_id, a.records, a.since"
EDGE = "e.type_name, e.source_id, e.target_id, e.redundancy_group, e.attributes, e.retired"
EDGE_RECORD = (
    "s.source, s.type_name, s.from_ref, s.to_ref, s.redundancy_group,"
    " s.attributes, s.seen, s.digest, s.because, s.from_id, s.to_id, s.watches, s.scope"
)
"""What to select, by the names that the tables go by in every statement: r, n, f, d, a, e and s."""


def dumped(value: Any) -> str:
    """Give the JSON text of a value."""
    return orjson.dumps(value).decode()


def asked(values: Iterable[str] | Iterable[tuple[str, ...]]) -> str:
    """Give the JSON list, each once and in order, by which a statement is told what to look for."""
    return orjson.dumps(sorted(set(values)), default=tuple).decode()


def record_of(row: tuple[Any, ...]) -> Record:
    source, key, entity_id, class_name, attributes, seen, digest, scope, present, claims, partial = row
    said, tokens = orjson.loads(attributes), orjson.loads(claims)
    parts = partial_of(partial)
    return Record(source, key, entity_id, class_name, said, seen, digest, scope, bool(present), tokens, *parts)


def record_row(record: Record) -> tuple[Any, ...]:
    return (
        record.source,
        record.key,
        record.entity_id,
        record.class_name,
        dumped(record.attributes),
        record.seen,
        record.digest,
        record.scope,
        record.present,
        dumped(record.claims),
        partial_text(record),
    )


def entity_of(row: tuple[Any, ...]) -> Entity:
    id_, class_name, name, order, attributes, retired, revision, split_from, disputed = row
    values = orjson.loads(attributes)
    return Entity(id_, class_name, name, order, values, bool(retired), revision, split_from, bool(disputed))


def entity_row(entity: Entity, revision: int) -> tuple[Any, ...]:
    return (
        entity.id,
        entity.class_name,
        entity.name,
        entity.order,
        dumped(entity.attributes),
        entity.retired,
        revision,
        entity.split_from,
        entity.disputed,
    )


def decision_of(row: tuple[Any, ...]) -> Decision:
    id_, kind, a_source, a_key, b_source, b_key, at, by, reason, taken_back = row
    return Decision(id_, kind, (a_source, a_key), (b_source, b_key), at, by, reason, taken_back)


def decision_row(decision: Decision) -> tuple[Any, ...]:
    made = (decision.at, decision.by, decision.reason, decision.taken_back)
    return (decision.id, decision.kind, *decision.a, *decision.b, *made)


def alias_of(row: tuple[Any, ...]) -> Alias:
    alias, entity_id, records, since = row
    return Alias(alias, entity_id, tuple((source, key) for source, key in orjson.loads(records)), since)


def alias_row(alias: Alias) -> tuple[Any, ...]:
    return (alias.alias, alias.entity_id, dumped(alias.records), alias.since)


def finding_of(row: tuple[Any, ...]) -> IdentityFinding:
    id_, code, records, what, veto, token = row
    return IdentityFinding(id_, code, tuple((source, key) for source, key in orjson.loads(records)), what, veto, token)


def finding_row(finding: IdentityFinding) -> tuple[Any, ...]:
    return (finding.id, finding.code, dumped(finding.records), finding.what, finding.veto, finding.token)


def scope_of(row: tuple[Any, ...]) -> Scope:
    source, name, seen, complete, rejected = row
    keys = frozenset(each if isinstance(each, str) else EdgeRecordKey(*each) for each in orjson.loads(rejected))
    return Scope(source, name, seen, complete, keys)


def scope_row(scope: Scope) -> tuple[Any, ...]:
    keys = sorted(scope.rejected, key=lambda each: (isinstance(each, tuple), each))
    return (scope.source, scope.name, scope.seen, scope.complete, orjson.dumps(keys, default=tuple).decode())


def edge_of(row: tuple[Any, ...]) -> Edge:
    type_name, source_id, target_id, group, attributes, retired = row
    return Edge(EdgeKey(type_name, source_id, target_id, group), orjson.loads(attributes), bool(retired))


def edge_row(edge: Edge) -> tuple[Any, ...]:
    return (*edge.key, dumped(edge.attributes), edge.retired)


def edge_record_of(row: tuple[Any, ...]) -> EdgeRecord:
    *key, attributes, seen, digest, because, from_id, to_id, watches, scope = row
    identity = EdgeRecordKey(*key)
    edge = EdgeKey(identity.type_name, from_id, to_id, identity.group) if because is None else None
    said = {} if attributes == "{}" else orjson.loads(attributes)  # that of most
    tokens = () if watches == "[]" else tuple(orjson.loads(watches))
    return EdgeRecord(identity, said, seen, digest, edge, because, (from_id, to_id), tokens, scope)


def edge_record_row(record: EdgeRecord) -> tuple[Any, ...]:
    if record.edge != (None if record.because else (record.key.type_name, *record.known, record.key.group)):
        raise ValueError(f"{record}: an edge record resolves to the edge between its known ends, or says why not")
    attributes, watches = dumped(record.attributes), dumped(record.watches)
    return (*record.key, attributes, record.seen, record.digest, record.because, *record.known, watches, record.scope)


def packed(entries: Collection[JournalEntry]) -> bytes:
    """Give the journal entries of one revision as one compressed value."""
    rows = [(entry.kind, entry.id, entry.before, entry.after) for entry in entries]
    return zlib.compress(orjson.dumps(rows, default=dict), 1)


def revision_of(row: tuple[Any, ...]) -> Revision:
    number, head, count, entries, written = row
    return Revision(number, RevisionHead(*orjson.loads(head)), count, unpacked(entries), written)


def unpacked(entries: bytes) -> tuple[JournalEntry, ...]:
    """Give back what ``packed`` took; nothing where the revision was compacted."""
    return tuple(JournalEntry(*each) for each in orjson.loads(zlib.decompress(entries))) if entries else ()


def head_row(head: RevisionHead) -> str:
    return dumped((head.actor, head.kind, head.source, head.at, head.model_version, head.note))
