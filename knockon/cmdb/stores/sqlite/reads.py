"""What can be read, as functions of a connection that is in a transaction.

Many things asked for at once come as one JSON list. ``json_each(?) CROSS JOIN`` keeps that list the
outer loop: with a plain JOIN SQLite may turn the loops round and scan the table for each member.
"""

# ruff: noqa: D103 - what each promises stands in contract.py
# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.contract.edges import EdgeKind, Gathering
from knockon.cmdb.contract.ordering import BEYOND
from knockon.cmdb.contract.reads import MOST_ANSWERS
from knockon.cmdb.contract.rows import SEPARATOR, WITHDRAWN, EdgeKey, EdgeRecordKey, Held, Neighbour, Scan
from knockon.cmdb.stores.sqlite.rows import (
    EDGE,
    EDGE_RECORD,
    ENTITY,
    RECORD,
    asked,
    dumped,
    edge_of,
    edge_record_of,
    entity_of,
    scope_of,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import Edge, EdgeRecord, Entity, Scope
    from knockon.cmdb.contract.store import Direction
    from knockon.schema.model import Model

REVISION = "SELECT value FROM meta WHERE key = 'revision'"

ASKED_RECORDS = """json_each(?) a CROSS JOIN record r
    ON r.source = json_extract(a.value, '$[0]') AND r.key = json_extract(a.value, '$[1]')"""

RECORDS = f"SELECT {RECORD} FROM {ASKED_RECORDS}"

EDGES = f"""SELECT {EDGE} FROM json_each(?) a CROSS JOIN edge e
    ON e.type_name = json_extract(a.value, '$[0]') AND e.source_id = json_extract(a.value, '$[1]')
    AND e.target_id = json_extract(a.value, '$[2]') AND e.redundancy_group = json_extract(a.value, '$[3]')"""

ASKED_EDGE_RECORDS = """json_each(?) a CROSS JOIN edge_record s
    ON s.source = json_extract(a.value, '$[0]') AND s.type_name = json_extract(a.value, '$[1]')
    AND s.from_ref = json_extract(a.value, '$[2]') AND s.to_ref = json_extract(a.value, '$[3]')
    AND s.redundancy_group = json_extract(a.value, '$[4]')"""

EDGE_RECORDS = f"SELECT {EDGE_RECORD} FROM {ASKED_EDGE_RECORDS}"

SAYINGS = f"""SELECT {EDGE_RECORD} FROM json_each(?) a CROSS JOIN edge_record s
    ON s.from_id = json_extract(a.value, '$[1]') AND s.to_id = json_extract(a.value, '$[2]')
    AND s.type_name = json_extract(a.value, '$[0]') AND s.redundancy_group = json_extract(a.value, '$[3]')
    WHERE s.because IS NULL"""

WATCHING = f"""SELECT {EDGE_RECORD} FROM edge_record s WHERE s.number IN (
    SELECT w.edge_record FROM json_each(?) a CROSS JOIN watch w ON w.token = a.value)"""

# The end of one that resolves is found by its edge, which is there for good.
TOUCHING = f"""SELECT {EDGE_RECORD} FROM edge_record s WHERE s.number IN (
    SELECT f.number FROM json_each(?1) a CROSS JOIN edge_record f ON f.from_id = a.value
    UNION SELECT t.number FROM json_each(?1) a CROSS JOIN edge e ON e.target_id = a.value
        CROSS JOIN edge_record t ON t.from_id = e.source_id AND t.to_id = a.value
    UNION SELECT w.number FROM json_each(?1) a
        CROSS JOIN edge_record w ON w.to_id = a.value AND w.because IS NOT NULL)"""

# An entity stands for every alias of it; an alias outlives the entity that once had the id.
STANDS_FOR = "coalesce((SELECT alias.entity_id FROM alias WHERE alias.alias = {0}), {0})".format

ENTITIES = f"""SELECT a.value, {ENTITY} FROM json_each(?) a
    CROSS JOIN entity n ON n.id = {STANDS_FOR("a.value")}"""

CLASSES = "SELECT n.id, n.class_name FROM json_each(?) a CROSS JOIN entity n ON n.id = a.value"

# The first of each class, so that of very many with one name a few are looked at.
BY_NAME = """SELECT json_extract(a.value, '$[0]'), n.id
    FROM json_each(?) a CROSS JOIN json_each(a.value, '$[2]') k CROSS JOIN entity n ON n.id IN (
        SELECT same.id FROM entity same WHERE same.name = json_extract(a.value, '$[1]')
        AND same.class_name = k.value AND same.retired = 0 ORDER BY same.id LIMIT ?) ORDER BY n.id"""

BY_KEY = f"""SELECT r.source, r.key, n.id FROM {ASKED_RECORDS}
    CROSS JOIN entity n ON n.id = {STANDS_FOR("r.entity_id")} WHERE r.present = 1 AND n.retired = 0"""

BY_ID = f"""SELECT a.value, n.id FROM json_each(?) a
    CROSS JOIN entity n ON n.id = {STANDS_FOR("a.value")} WHERE n.retired = 0"""

NAMED = f"SELECT {ENTITY} FROM entity n WHERE n.name = ? AND n.retired = 0 ORDER BY n.sort_key LIMIT ?"

# An order begins with its class, so class and order give the order of everything, and one index serves
# any number of classes without a sort.
SCANNED = f"""SELECT {ENTITY} FROM entity n WHERE n.retired = 0 AND n.class_name IN (SELECT value FROM json_each(?))
    ORDER BY n.class_name, n.sort_key"""

BETWEEN = """SELECT e.type_name, e.redundancy_group, e.attributes, e.source_id, e.target_id
    FROM edge e WHERE e.retired = 0"""

WAITING = f"SELECT {EDGE_RECORD} FROM edge_record s WHERE s.because IS NOT NULL AND s.because != '{WITHDRAWN}'"

# Most ends have one record between them, which the index alone tells.
CONTESTED = """SELECT json_extract(a.value, '$[0]'), json_extract(a.value, '$[1]'), json_extract(a.value, '$[2]'),
    json_extract(a.value, '$[3]') FROM json_each(?) a WHERE 1 < (
    SELECT count(*) FROM edge_record b WHERE b.from_id = json_extract(a.value, '$[1]')
    AND b.to_id = json_extract(a.value, '$[2]')) AND 1 < (
    SELECT count(*) FROM edge_record s WHERE s.from_id = json_extract(a.value, '$[1]')
    AND s.to_id = json_extract(a.value, '$[2]') AND s.type_name = json_extract(a.value, '$[0]')
    AND s.redundancy_group = json_extract(a.value, '$[3]') AND s.because IS NULL)"""

SCOPES = """SELECT c.source, c.name, c.seen, c.complete, c.rejected
    FROM json_each(?) a CROSS JOIN scope c ON c.source = a.value"""

# One source's rows lie side by side in both tables, by their keys.
HELD_RECORDS = "FROM record r WHERE r.source = ? AND r.scope = ? AND r.present = 1"
HELD_EDGE_RECORDS = f"""FROM edge_record s WHERE s.source = ? AND s.scope = ?
    AND (s.because IS NULL OR s.because != '{WITHDRAWN}')"""


def revision(connection: sqlite3.Connection) -> int:
    ((number,),) = connection.execute(REVISION)
    return int(number)


def edge_records(connection: sqlite3.Connection, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
    found = map(edge_record_of, connection.execute(EDGE_RECORDS, [asked(keys)]))
    return {record.key: record for record in found}


def watching(connection: sqlite3.Connection, tokens: Collection[str]) -> list[EdgeRecord]:
    return [edge_record_of(row) for row in connection.execute(WATCHING, [asked(tokens)])]


def touching(connection: sqlite3.Connection, ids: Collection[str]) -> list[EdgeRecord]:
    return [edge_record_of(row) for row in connection.execute(TOUCHING, [asked(ids)])]


def edges(connection: sqlite3.Connection, keys: Collection[EdgeKey]) -> dict[EdgeKey, Edge]:
    found = map(edge_of, connection.execute(EDGES, [asked(keys)]))
    return {edge.key: edge for edge in found}


def sayings(connection: sqlite3.Connection, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
    found: dict[EdgeKey, list[EdgeRecord]] = {}
    for row in connection.execute(SAYINGS, [asked(keys)]):
        record = edge_record_of(row)
        if record.edge:
            found.setdefault(record.edge, []).append(record)
    return found


def contested(connection: sqlite3.Connection, keys: Collection[EdgeKey]) -> set[EdgeKey]:
    return {EdgeKey(*row) for row in connection.execute(CONTESTED, [asked(keys)])}


def scopes(connection: sqlite3.Connection, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
    return {row[:2]: scope_of(row) for row in connection.execute(SCOPES, [asked(sources)])}


def held(connection: sqlite3.Connection, of: tuple[str, str]) -> Held:
    records = frozenset(key for (key,) in connection.execute(f"SELECT r.key {HELD_RECORDS}", of))
    columns = "s.source, s.type_name, s.from_ref, s.to_ref, s.redundancy_group"
    rows = connection.execute(f"SELECT {columns} {HELD_EDGE_RECORDS}", of)
    return Held(records, frozenset(EdgeRecordKey(*row) for row in rows))


def reported_by(connection: sqlite3.Connection, source: str) -> Held:
    records = frozenset(
        key for (key,) in connection.execute("SELECT key FROM record WHERE source = ? AND digest != ''", [source])
    )
    columns = "source, type_name, from_ref, to_ref, redundancy_group"
    rows = connection.execute(f"SELECT {columns} FROM edge_record WHERE source = ? AND digest != ''", [source])
    return Held(records, frozenset(EdgeRecordKey(*row) for row in rows))


def reckoned(connection: sqlite3.Connection) -> str:
    found = connection.execute("SELECT value FROM meta WHERE key = 'reckoned'").fetchone()
    return str(found[0]).removeprefix("r") if found else ""


def every_record(connection: sqlite3.Connection) -> tuple[dict[str, list[tuple[str, str]]], list[EdgeRecordKey]]:
    keys: dict[str, list[tuple[str, str]]] = {}
    for class_name, *key in connection.execute("SELECT class_name, source, key FROM record WHERE present = 1"):
        keys.setdefault(class_name, []).append((key[0], key[1]))
    columns = "source, type_name, from_ref, to_ref, redundancy_group"
    rows = connection.execute(f"SELECT {columns} FROM edge_record WHERE because IS NULL OR because != '{WITHDRAWN}'")
    return keys, [EdgeRecordKey(*row) for row in rows]


def count_held(connection: sqlite3.Connection, of: tuple[str, str]) -> tuple[int, int]:
    ((records,),) = connection.execute(f"SELECT count(*) {HELD_RECORDS}", of)
    ((edge_records,),) = connection.execute(f"SELECT count(*) {HELD_EDGE_RECORDS}", of)
    return records, edge_records


def entities(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, Entity]:
    """Read entities by id or alias, retired ones too."""
    return {id_: entity_of(row) for id_, *row in connection.execute(ENTITIES, [asked(ids)])}


def live_entities(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, Entity]:
    return {id_: entity for id_, entity in entities(connection, ids).items() if not entity.retired}


def resolve(connection: sqlite3.Connection, tokens: Collection[str], model: Model) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {"n": [], "k": [], "i": []}
    for token in tokens:
        kinds[token[0]].append(token)
    found: dict[str, list[str]] = {}
    for token, id_ in connection.execute(BY_NAME, [dumped(_names(kinds["n"], model)), MOST_ANSWERS]):
        if len(ids := found.setdefault(token, [])) < MOST_ANSWERS:
            ids.append(id_)
    keys = [token[2:].split(":", 1) for token in kinds["k"]]
    for source, key, id_ in connection.execute(BY_KEY, [asked((source, key) for source, key in keys)]):
        found[f"k:{source}:{key}"] = [id_]
    for asked_id, id_ in connection.execute(BY_ID, [asked(token[2:] for token in kinds["i"])]):
        found[f"i:{asked_id}"] = [id_]
    return found


def _names(tokens: Collection[str], model: Model) -> list[list[Any]]:
    """Part tokens of names: what each is, the name, the classes of what answers to it."""
    parts = (token.split(":", 2) for token in tokens)
    return [[f"n:{of}:{name}", name, model.concrete(of)] for _, of, name in parts if of in model.classes]


def named(connection: sqlite3.Connection, name: str, limit: int) -> list[Entity]:
    return [entity_of(row) for row in connection.execute(NAMED, [name, limit])]


def scan(connection: sqlite3.Connection, classes: Collection[str]) -> Scan:
    found = [entity_of(row) for row in connection.execute(SCANNED, [asked(classes)])]
    rows = connection.execute(BETWEEN) if found else ()
    said = (((type_name, group, own), source, target) for type_name, group, own, source, target in rows)
    gathering = Gathering([each.id for each in found], lambda kind: EdgeKind(kind[0], kind[1], orjson.loads(kind[2])))
    gathering.take(said)
    waiting = [edge_record_of(row) for row in connection.execute(WAITING)]
    return Scan(revision(connection), found, gathering.edges(), waiting)


def _near(direction: Direction) -> str:
    """Give the live edges of one type at each asked id, with the entity at their other end; both ends are live."""
    near, far = ("source_id", "target_id") if direction == "out" else ("target_id", "source_id")
    return f"""json_each(?) a CROSS JOIN entity own ON own.id = a.value AND own.retired = 0
        CROSS JOIN edge e ON e.{near} = a.value AND e.type_name = ? AND e.retired = 0
        CROSS JOIN entity n ON n.id = e.{far} AND n.retired = 0"""


def neighbours_statement(direction: Direction, *, backward: bool) -> str:
    down = " DESC" if backward else ""
    # The attributes are fetched for what is within the limit only: a hub has very many neighbours.
    return f"""WITH place AS (
            SELECT a.value AS id, e.source_id, e.target_id, e.redundancy_group, n.rowid AS entity,
                row_number() OVER (PARTITION BY a.value ORDER BY n.sort_key{down}, e.redundancy_group{down}) AS number
            FROM {_near(direction)}
            WHERE (n.sort_key, e.redundancy_group) > (?, ?) AND (n.sort_key, e.redundancy_group) < (?, ?))
        SELECT place.id, {EDGE}, {ENTITY} FROM place
        CROSS JOIN edge e ON e.source_id = place.source_id AND e.type_name = ? AND e.target_id = place.target_id
            AND e.redundancy_group = place.redundancy_group
        CROSS JOIN entity n ON n.rowid = place.entity
        WHERE place.number <= ? ORDER BY place.id, place.number{down}"""


def neighbours(
    connection: sqlite3.Connection, ids: Collection[str], type_name: str, direction: Direction, *,
    after: str | None, before: str | None, limit: int, backward: bool,
) -> dict[str, list[Neighbour]]:  # fmt: skip
    statement = neighbours_statement(direction, backward=backward)
    parameters: list[Any] = [asked(ids), type_name, *_place(after, ""), *_place(before, BEYOND), type_name, limit]
    found: dict[str, list[Neighbour]] = {id_: [] for id_ in ids}
    for id_, *row in connection.execute(statement, parameters):
        found[id_].append(Neighbour(edge_of(tuple(row[:6])), entity_of(tuple(row[6:]))))
    return found


def _place(cursor: str | None, default: str) -> tuple[str, str]:
    order, _, group = (cursor or default + SEPARATOR).rpartition(SEPARATOR)
    return order, group


def count_neighbours(
    connection: sqlite3.Connection, ids: Collection[str], type_name: str, direction: Direction
) -> dict[str, int]:
    statement = f"SELECT a.value, count(*) FROM {_near(direction)} GROUP BY a.value"
    return dict.fromkeys(ids, 0) | dict(connection.execute(statement, [asked(ids), type_name]))
