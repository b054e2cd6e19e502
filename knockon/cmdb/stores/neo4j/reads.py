"""What is read, within a transaction that someone else opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, LiteralString

from knockon.cmdb.contract.reads import MOST_ANSWERS
from knockon.cmdb.contract.rows import SEPARATOR, EdgeRecordKey, Held, Neighbour
from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import identifier, run
from knockon.cmdb.stores.neo4j.where import compared
from knockon.errors import StoreUnfinished

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Direction
    from knockon.cmdb.stores.neo4j.cypher import Transaction


# Hints, where one look-up follows another: a plan made while there is hardly anything, and kept for a while, would
# otherwise go through all entities for each key.
ENTITIES: LiteralString = """
UNWIND $ids AS id
OPTIONAL MATCH (alias:_Alias {id: id})
MATCH (n:_Entity {_id: coalesce(alias.entity, id)}) USING INDEX SEEK n:_Entity(_id)
WHERE n:_Live OR $retired
RETURN collect([id, n:_Retired, properties(n)])"""

BY_KEY: LiteralString = """
UNWIND $keys AS k
MATCH (r:_Record {k: k[0]}) WHERE coalesce(r.present, true)
OPTIONAL MATCH (alias:_Alias {id: r.entity})
MATCH (n:_Entity:_Live {_id: coalesce(alias.entity, r.entity)}) USING INDEX SEEK n:_Entity(_id)
RETURN k[1], [n._id]"""

# An entity answers by its name under each of its labels.
BY_NAME: LiteralString = """
UNWIND $names AS name
CALL (name) {
  MATCH (n:_Live {_name: name[1]})
  WHERE name[0] IN labels(n)
  WITH n._id AS id ORDER BY id LIMIT $most
  RETURN collect(id) AS ids
}
WITH name, ids WHERE size(ids) > 0
RETURN name[2], ids"""

NAMED: LiteralString = """
MATCH (n:_Live {_name: $name})
WITH n ORDER BY n._order LIMIT $limit
RETURN collect(properties(n))"""


def of_held_records(then: LiteralString) -> LiteralString:
    """Do something with ``r``, each present record of ``of(source, scope)``."""
    return f"""
MATCH (r:_Record) WHERE r.k STARTS WITH $begins AND r.source = $source
AND coalesce(r.scope, '') = $scope AND coalesce(r.present, true) {then}"""


def of_held_edge_records(then: LiteralString) -> LiteralString:
    """Do something with ``r``, each present edge record of ``of(source, scope)``."""
    return f"""
MATCH (r:_EdgeRecord) WHERE r.k STARTS WITH $begins AND r.source = $source
AND coalesce(r.scope, '') = $scope AND coalesce(r.because, '') <> 'WITHDRAWN' {then}"""


RECKONED: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN coalesce(m.reckoned, '')"
EVERY_RECORD: LiteralString = """
MATCH (r:_Record) WHERE r.k >= '' AND coalesce(r.present, true)
RETURN collect([r.class, r.source, r.key])"""
EVERY_EDGE_RECORD: LiteralString = """
MATCH (r:_EdgeRecord) WHERE r.k >= '' AND coalesce(r.because, '') <> 'WITHDRAWN'
RETURN collect([r.source, r.type, r.from, r.to, r.group])"""
KNOWN_RECORDS: LiteralString = """
MATCH (r:_Record) WHERE r.k STARTS WITH $begins AND r.source = $source AND r.digest <> ''
RETURN collect(r.key)"""
KNOWN_EDGE_RECORDS: LiteralString = """
MATCH (r:_EdgeRecord) WHERE r.k STARTS WITH $begins AND r.source = $source AND r.digest <> ''
RETURN collect([r.source, r.type, r.from, r.to, r.group])"""
HELD_RECORDS: LiteralString = of_held_records("RETURN collect(r.key)")
HELD_EDGE_RECORDS: LiteralString = of_held_edge_records("RETURN collect([r.source, r.type, r.from, r.to, r.group])")
COUNT_HELD_RECORDS: LiteralString = of_held_records("RETURN count(r)")
COUNT_HELD_EDGE_RECORDS: LiteralString = of_held_edge_records("RETURN count(r)")

REVISION: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN m.rev"


async def entities(tx: Transaction, ids: Collection[str], *, retired: bool) -> dict[str, Entity]:
    """Read entities by id or alias; without ``retired`` the live ones only."""
    ((found,),) = await run(tx, ENTITIES, {"ids": list(set(ids)), "retired": retired})
    return {asked: forms.to_entity(properties, retired=gone) for asked, gone, properties in found}


async def resolve(tx: Transaction, tokens: Collection[str]) -> dict[str, list[str]]:
    """Find what tokens mean; see ``knockon.schema.reference`` for their shape."""
    keys: list[list[str]] = []
    names: list[list[str]] = []
    ids: list[str] = []
    for token in set(tokens):
        kind, _, rest = token.partition(":")
        before, _, after = rest.partition(":")
        if kind == "k":
            keys.append([forms.key(before, after), token])
        elif kind == "n":
            names.append([before, after, token])
        elif kind == "i":
            ids.append(rest)
    found: dict[str, list[str]] = {}
    if keys:
        found |= dict(await run(tx, BY_KEY, {"keys": keys}))
    if names:
        found |= dict(await run(tx, BY_NAME, {"names": names, "most": MOST_ANSWERS}))
    if ids:
        found |= {f"i:{asked}": [row.id] for asked, row in (await entities(tx, ids, retired=False)).items()}
    return found


def of_source(source: str, scope: str = "") -> dict[str, str]:
    """Give what the statements about records of a source are asked with; the index of their keys leads to them."""
    return {"source": source, "begins": forms.begins(source), "scope": scope}


async def held(tx: Transaction, source: str, scope: str) -> Held:
    """Read the keys of all present records of a source in a scope."""
    of = of_source(source, scope)
    ((keys,),) = await run(tx, HELD_RECORDS, of)
    ((edge_keys,),) = await run(tx, HELD_EDGE_RECORDS, of)
    return Held(frozenset(keys), frozenset(EdgeRecordKey(*each) for each in edge_keys))


async def reported_by(tx: Transaction, source: str) -> Held:
    """Read the keys of all records of a source, withdrawn ones too."""
    of = of_source(source)
    ((keys,),) = await run(tx, KNOWN_RECORDS, of)
    ((edge_keys,),) = await run(tx, KNOWN_EDGE_RECORDS, of)
    return Held(frozenset(keys), frozenset(EdgeRecordKey(*each) for each in edge_keys))


async def reckoned(tx: Transaction) -> str:
    """Read which rules the estate was reckoned by."""
    ((found,),) = await run(tx, RECKONED, {})
    return str(found)


async def every_record(tx: Transaction) -> tuple[dict[str, list[tuple[str, str]]], list[EdgeRecordKey]]:
    """Read the keys of all present records, by class, and of all present edge records."""
    keys: dict[str, list[tuple[str, str]]] = {}
    ((found,),) = await run(tx, EVERY_RECORD, {})
    for class_name, source, key in found:
        keys.setdefault(class_name, []).append((source, key))
    ((edge_keys,),) = await run(tx, EVERY_EDGE_RECORD, {})
    return keys, [EdgeRecordKey(*each) for each in edge_keys]


async def count_held(tx: Transaction, source: str, scope: str) -> tuple[int, int]:
    """Count them."""
    of = of_source(source, scope)
    ((records,),) = await run(tx, COUNT_HELD_RECORDS, of)
    ((edge_records,),) = await run(tx, COUNT_HELD_EDGE_RECORDS, of)
    return records, edge_records


async def named(tx: Transaction, name: str, limit: int) -> list[Entity]:
    """Read the entities of exactly this name."""
    ((found,),) = await run(tx, NAMED, {"name": name, "limit": limit})
    return sorted(map(forms.to_entity, found), key=lambda row: row.order)


def _arrow(type_name: str, direction: Direction) -> LiteralString:
    kind = identifier(type_name)
    return f"-[r:{kind}]->" if direction == "out" else f"<-[r:{kind}]-"


def neighbours_statement(
    type_name: str, direction: Direction, place: LiteralString, *, backward: bool
) -> LiteralString:
    """Give the statement that reads neighbours of ``$ids`` that pass the test ``place``."""
    down: LiteralString = " DESC" if backward else ""
    return f"""
UNWIND $ids AS id
CALL (id) {{
  MATCH (:_Entity:_Live {{_id: id}}){_arrow(type_name, direction)}(m:_Live)
  WHERE {place}
  WITH r, m ORDER BY m._order{down}, r._group{down} LIMIT $limit
  RETURN collect([properties(r), properties(m)]) AS found
}}
RETURN id, found"""


async def neighbours(tx: Transaction, ids: Collection[str], type_name: str, direction: Direction, *,
                     after: str | None, before: str | None, limit: int,
                     backward: bool) -> dict[str, list[Neighbour]]:  # fmt: skip
    """Read at most ``limit`` neighbours of each id."""
    parameters: dict[str, Any] = {"ids": list(set(ids)), "limit": limit}
    place = f"{_beyond('gt', after, parameters)} AND {_beyond('lt', before, parameters)}"
    rows = await run(tx, neighbours_statement(type_name, direction, place, backward=backward), parameters)
    return {asked: [_neighbour(asked, type_name, direction, *each) for each in _sorted(found)] for asked, found in rows}


def _beyond(operator: Literal["gt", "lt"], cursor: str | None, parameters: dict[str, Any]) -> LiteralString:
    """Give the test that the neighbour ``m`` over the edge ``r`` lies beyond a cursor."""
    if cursor is None:
        return "true"
    order, _, group = cursor.rpartition(SEPARATOR)
    further = compared("m._order", operator, order, parameters)
    same = compared("m._order", "eq", order, parameters)
    return f"({further} OR ({same} AND {compared('r._group', operator, group, parameters)}))"


def _sorted(found: list[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    return sorted(found, key=lambda each: (each[1]["_order"], each[0]["_group"]))


def _neighbour(asked: str, type_name: str, direction: Direction, edge: dict[str, Any],
               other: dict[str, Any]) -> Neighbour:  # fmt: skip
    source, target = (asked, other["_id"]) if direction == "out" else (other["_id"], asked)
    return Neighbour(forms.to_edge(type_name, source, target, edge), forms.to_entity(other))


def count_neighbours_statement(type_name: str, direction: Direction) -> LiteralString:
    """Give the statement that counts the neighbours of ``$ids``."""
    return f"""
UNWIND $ids AS id
RETURN id, COUNT {{ MATCH (:_Entity:_Live {{_id: id}}){_arrow(type_name, direction)}(:_Live) }}"""


async def count_neighbours(
    tx: Transaction, ids: Collection[str], type_name: str, direction: Direction
) -> dict[str, int]:
    """Count the neighbours of each id."""
    statement = count_neighbours_statement(type_name, direction)
    return dict(await run(tx, statement, {"ids": list(set(ids))}))


async def revision(tx: Transaction) -> int:
    """Give the newest revision; a store that is being filled has none."""
    rows = await run(tx, REVISION, {})
    if rows and rows[0][0] is None:
        raise StoreUnfinished.anew()
    return int(rows[0][0]) if rows else 0
