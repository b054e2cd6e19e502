"""Rows as Neo4j keeps them, and back.

An attribute is a property of its own name where Neo4j can hold the value. One that it cannot hold
(a mapping, a list of lists, a mixed list) is kept as JSON text under that name, and ``_json`` lists
such names; a name in ``_json`` without a property is a null.
"""

from __future__ import annotations

import hashlib
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
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import Values

Properties = dict[str, Any]

_NATIVE = frozenset({str, int, float, bool})
_LONGEST_KEY = 1_000  # an index takes about 8,000 bytes
_KEPT = 100  # characters of a key that is longer


def key(*parts: str) -> str:
    """Join the parts of an identity into one indexed text; a long one is kept by its hash."""
    text = orjson.dumps(parts).decode() if len(parts) > 1 else parts[0]
    return text if len(text) <= _LONGEST_KEY else f"{text[:_KEPT]}#{hashlib.blake2b(text.encode()).hexdigest()}"


def begins(source: str) -> str:
    """Give what the keys of all records of a source begin with; others' may, too."""
    return f"{orjson.dumps([source]).decode()[:-1]},"[:_KEPT]


def _is_native(value: Any) -> bool:
    if type(value) is list:
        kinds = {type(member) for member in value}
        return not kinds or (len(kinds) == 1 and kinds <= _NATIVE)
    return type(value) in _NATIVE


def to_properties(values: Values) -> Properties:
    """Give the properties that hold these attributes."""
    properties = {name: value for name, value in values.items() if _is_native(value)}
    if len(properties) < len(values):
        others = {name: value for name, value in values.items() if name not in properties}
        properties["_json"] = list(others)
        properties |= {name: orjson.dumps(value).decode() for name, value in others.items() if value is not None}
    return properties


def to_values(properties: Properties) -> Values:
    """Give the attributes that these properties hold."""
    values = {name: value for name, value in properties.items() if name[0] != "_"}
    for name in properties.get("_json", ()):
        values[name] = orjson.loads(values[name]) if name in values else None
    return values


def entity_properties(row: Entity, revision: int) -> Properties:
    """Give the properties of an entity's node."""
    own = {"_id": row.id, "_class": row.class_name, "_name": row.name, "_order": row.order, "_revision": revision}
    if row.split_from:
        own["_split_from"] = row.split_from
    if row.disputed:
        own["_disputed"] = True
    return to_properties(row.attributes) | own


def to_entity(properties: Properties, *, retired: bool = False) -> Entity:
    """Read an entity's node back."""
    return Entity(
        properties["_id"],
        properties["_class"],
        properties["_name"],
        properties["_order"],
        to_values(properties),
        retired,
        properties["_revision"],
        properties.get("_split_from", ""),
        properties.get("_disputed", False),
    )


def edge_properties(row: Edge) -> Properties:
    """Give the properties of a relationship."""
    return to_properties(row.attributes) | {"_group": row.key.group}


def to_edge(type_name: str, source: str, target: str, properties: Properties, *, retired: bool = False) -> Edge:
    """Read a relationship back; its ends and type are not among its properties."""
    return Edge(EdgeKey(type_name, source, target, properties["_group"]), to_values(properties), retired)


def record_properties(row: Record) -> Properties:
    """Give the properties of a ``_Record`` node."""
    return {
        "k": key(row.source, row.key),
        "source": row.source,
        "key": row.key,
        "entity": row.entity_id,
        "class": row.class_name,
        "attributes": orjson.dumps(row.attributes).decode(),
        "seen": row.seen,
        "digest": row.digest,
        "scope": row.scope,
        "present": row.present,
        "claims": orjson.dumps(dict(row.claims)).decode(),
        "partial": partial_text(row),
    }


def to_record(kept: Properties) -> Record:
    """Read a ``_Record`` node back."""
    attributes = orjson.loads(kept["attributes"])
    return Record(
        kept["source"], kept["key"], kept["entity"], kept["class"], attributes, kept["seen"], kept["digest"],
        kept.get("scope", ""), kept.get("present", True), orjson.loads(kept.get("claims", "{}")),
        *partial_of(kept.get("partial")),
    )  # fmt: skip


def edge_record_properties(row: EdgeRecord) -> Properties:
    """Give the properties of an ``_EdgeRecord`` node; None where it has none."""
    source, type_name, from_ref, to_ref, group = row.key
    return {
        "k": key(*row.key),
        "source": source,
        "type": type_name,
        "from": from_ref,
        "to": to_ref,
        "group": group,
        "attributes": orjson.dumps(row.attributes).decode(),
        "seen": row.seen,
        "digest": row.digest,
        "edge": key(*row.edge) if row.edge else None,
        "because": row.because,
        "known_from": row.known[0],
        "known_to": row.known[1],
        "watches": list(row.watches),
        "scope": row.scope,
        "at_from": key(source, from_ref),
        "at_to": key(source, to_ref),
    }


def to_edge_record(kept: Properties) -> EdgeRecord:
    """Read an ``_EdgeRecord`` node back: an edge has its record's type and group, and its known ends."""
    known = source, target = (kept.get("known_from"), kept.get("known_to"))
    return EdgeRecord(
        EdgeRecordKey(kept["source"], kept["type"], kept["from"], kept["to"], kept["group"]),
        orjson.loads(kept["attributes"]),
        kept["seen"],
        kept["digest"],
        EdgeKey(kept["type"], source, target, kept["group"]) if source and target and "edge" in kept else None,
        kept.get("because"),
        known,
        tuple(kept["watches"]),
        kept.get("scope", ""),
    )


def scope_properties(row: Scope) -> Properties:
    """Give the properties of a ``_Scope`` node."""
    kept = {"source": row.source, "name": row.name, "seen": row.seen, "complete": row.complete}
    rejected = sorted(row.rejected, key=lambda each: (isinstance(each, tuple), each))
    return {"k": key(row.source, row.name), **kept, "rejected": orjson.dumps(rejected, default=tuple).decode()}


def to_scope(kept: Properties) -> Scope:
    """Read a ``_Scope`` node back."""
    keys = orjson.loads(kept.get("rejected", "[]"))
    rejected = frozenset(each if isinstance(each, str) else EdgeRecordKey(*each) for each in keys)
    return Scope(kept["source"], kept["name"], kept["seen"], kept["complete"], rejected)


def finding_properties(row: IdentityFinding) -> Properties:
    """Give the properties of a ``_Finding`` node."""
    records = orjson.dumps([list(each) for each in row.records]).decode()
    return {
        "id": row.id, "code": row.code, "records": records, "what": row.what, "veto": row.veto, "token": row.token,
    }  # fmt: skip


def to_finding(kept: Properties) -> IdentityFinding:
    """Read a ``_Finding`` node back."""
    records = tuple((source, key) for source, key in orjson.loads(kept["records"]))
    return IdentityFinding(kept["id"], kept["code"], records, kept["what"], kept["veto"], kept["token"])


def decision_properties(row: Decision) -> Properties:
    """Give the properties of a ``_Decision`` node; ``a`` and ``b`` are the keys of its records' nodes."""
    return {
        "id": row.id,
        "kind": row.kind,
        "a": key(*row.a),
        "b": key(*row.b),
        "records": [*row.a, *row.b],
        "at": row.at,
        "by": row.by,
        "reason": row.reason,
        "taken_back": row.taken_back,
    }


def to_decision(kept: Properties) -> Decision:
    """Read a ``_Decision`` node back."""
    a_source, a_key, b_source, b_key = kept["records"]
    return Decision(
        kept["id"], kept["kind"], (a_source, a_key), (b_source, b_key), kept["at"], kept["by"], kept["reason"],
        kept["taken_back"],
    )  # fmt: skip


def alias_properties(row: Alias) -> Properties:
    """Give the properties of an ``_Alias`` node."""
    records = orjson.dumps([list(each) for each in row.records]).decode()
    return {"id": row.alias, "entity": row.entity_id, "records": records, "since": row.since}


def to_alias(kept: Properties) -> Alias:
    """Read an ``_Alias`` node back."""
    records = tuple((source, key) for source, key in orjson.loads(kept.get("records", "[]")))
    return Alias(kept["id"], kept["entity"], records, kept.get("since", 0))


def revision_properties(number: int, head: RevisionHead, entries: Sequence[JournalEntry]) -> Properties:
    """Give the properties of a ``_Revision`` node."""
    return {
        "n": number,
        "actor": head.actor,
        "kind": head.kind,
        "source": head.source,
        "at": head.at,
        "model_version": head.model_version,
        "note": orjson.dumps(head.note).decode(),
        "count": len(entries),
        "entries": from_entries(entries),
    }


def from_entries(entries: Sequence[JournalEntry]) -> str:
    """Give a revision's entries as JSON text."""
    return orjson.dumps([[each.kind, each.id, each.before, each.after] for each in entries]).decode()


def to_revision(kept: Properties) -> Revision:
    """Read a ``_Revision`` node back."""
    note = orjson.loads(kept["note"])
    head = RevisionHead(kept["actor"], kept["kind"], kept["source"], kept["at"], kept["model_version"], note)
    return Revision(kept["n"], head, kept["count"], to_entries(kept["entries"]), kept["written"])


def to_entries(text: str) -> tuple[JournalEntry, ...]:
    """Read a revision's entries back; none where it was compacted."""
    return tuple(JournalEntry(*each) for each in orjson.loads(text))
