"""All that the embedded store keeps, read at one snapshot; and an empty file filled with it, in one transaction."""

# ruff: noqa: S608 - the text is made of constants of this package; values are parameters

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.contract.letters import letter_of
from knockon.cmdb.contract.moving import Redaction, State, Thing
from knockon.cmdb.contract.rows import Baseline, things_of
from knockon.cmdb.stores.sqlite import identity, images, journal, letters, reads, search, values, write
from knockon.cmdb.stores.sqlite.rows import (
    ALIAS,
    DECISION,
    EDGE,
    EDGE_RECORD,
    ENTITY,
    FINDING,
    RECORD,
    alias_of,
    alias_row,
    asked,
    decision_of,
    decision_row,
    edge_of,
    edge_record_of,
    edge_record_row,
    edge_row,
    entity_of,
    entity_row,
    finding_of,
    head_row,
    packed,
    record_of,
    record_row,
    revision_of,
    scope_of,
    scope_row,
)
from knockon.errors import ModelInvalid, StoreFailed, StoreNotEmpty

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from knockon.cmdb.contract.moving import Filling, Reading
    from knockon.cmdb.contract.rows import Edge, EdgeRecord, IdentityFinding, Record, Revision
    from knockon.cmdb.stores.sqlite.database import Database
    from knockon.schema.model import Model

    Put = Callable[[sqlite3.Connection, Sequence[Any], Model], object]
    Read = Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]

SCOPE = "c.source, c.name, c.seen, c.complete, c.rejected"
BASELINE = "b.name, b.revision, b.at, b.made_by, b.reason"
REVISION = "v.number, v.head, v.count, v.entries, v.written"
_SOME = 2_000
_FEW = 20  # revisions: each has up to 2,000 entries, of about 1 kB


@dataclass(frozen=True)
class Kind:
    """In which table the rows of one kind lie, in which columns, and how they are read and put."""

    table: str
    columns: str
    of: Callable[[tuple[Any, ...]], Any]
    put: Put
    at_once: int = _SOME


def _put_things(connection: sqlite3.Connection, rows: Sequence[Thing], model: Model) -> None:
    entities = [row.entity for row in rows]
    for each in entities:
        if not each.retired and each.class_name not in model.classes:
            raise ModelInvalid.lacks("things of the class", each.class_name)
    put = (entity_row(each, each.revision) for each in entities)
    connection.executemany("INSERT INTO entity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", put)
    search.put(connection, entities, model)
    values.keep(connection, entities)


def _put_edge_records(connection: sqlite3.Connection, rows: Sequence[EdgeRecord], _model: Model) -> None:
    try:
        put = [edge_record_row(row) for row in rows]
    except ValueError as error:
        raise StoreFailed(f"{error}.") from error
    connection.executemany(f"INSERT{write.PUT_EDGE_RECORD[6:].partition('ON CONFLICT')[0]}", put)
    connection.execute(write.PUT_WATCHES, [asked(row.key for row in rows if row.watches)])


def _put_edges(connection: sqlite3.Connection, rows: Sequence[Edge], model: Model) -> None:
    for row in rows:
        if not row.retired and row.key.type_name not in model.relationships:
            raise ModelInvalid.lacks("relationships of the type", row.key.type_name)
    columns = "type_name, source_id, target_id, redundancy_group, attributes, retired"
    connection.executemany(f"INSERT INTO edge ({columns}) VALUES (?, ?, ?, ?, ?, ?)", map(edge_row, rows))


def _put_records(connection: sqlite3.Connection, rows: Sequence[Record], model: Model) -> None:
    connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", map(record_row, rows))
    claims = ((token, row.source, row.key) for row in rows for token in row.claims.values())
    connection.executemany(identity.PUT_CLAIM, claims)
    known = search.references(connection, {row.entity_id for row in rows if row.present})
    search.put_again(connection, [id_ for id_, keys in known.items() if len(keys) > 1], model)  # one: has its words


def _put_findings(connection: sqlite3.Connection, rows: Sequence[IdentityFinding], _model: Model) -> None:
    identity.put_findings(connection, (), (), rows, of=())


def _put_revisions(connection: sqlite3.Connection, rows: Sequence[Revision], _model: Model) -> None:
    for row in rows:
        compacted = row.count and not row.entries
        if not compacted and row.count != len(row.entries):
            raise StoreFailed(
                f"Revision {row.number} says that it has {row.count} entries, and has {len(row.entries)}."
            )
        entries = b"" if compacted else packed(row.entries)
        put = (row.number, head_row(row.head), row.count, entries, row.written)
        connection.execute("INSERT INTO revision (number, head, count, entries, written) VALUES (?, ?, ?, ?, ?)", put)
        connection.execute(journal.PUT_TOUCHED, (row.number, asked(things_of(row.entries))))


def _insert(table: str, row: Callable[[Any], Sequence[Any]], width: int) -> Put:
    statement = f"INSERT INTO {table} VALUES ({', '.join('?' * width)})"
    return lambda connection, rows, _model: connection.executemany(statement, map(row, rows))


def _to_thing(row: tuple[Any, ...]) -> Thing:
    entity = entity_of(row)
    return Thing(entity, answers=not entity.retired)


def _to_redaction(row: tuple[Any, ...]) -> Redaction:
    source, key, attributes = row
    return Redaction(source, key, tuple(sorted(orjson.loads(attributes))))


def _redaction_row(row: Redaction) -> tuple[str, str, str]:
    return (row.source, row.key, asked(row.attributes))


KINDS: Mapping[str, Kind] = {
    "scope": Kind("scope c", SCOPE, scope_of, _insert("scope", scope_row, 5)),
    "decision": Kind("decision d", DECISION, decision_of, _insert("decision", decision_row, 10)),
    "entity": Kind("entity n", ENTITY, _to_thing, _put_things),
    "alias": Kind("alias a", ALIAS, alias_of, _insert("alias", alias_row, 4)),
    "record": Kind("record r", RECORD, record_of, _put_records),
    "edge": Kind("edge e", EDGE, edge_of, _put_edges),
    "edge_record": Kind("edge_record s", EDGE_RECORD, edge_record_of, _put_edge_records),
    "finding": Kind("finding f", FINDING, finding_of, _put_findings),
    "redaction": Kind("redaction d", "d.source, d.key, d.attributes", _to_redaction,
                      _insert("redaction", _redaction_row, 3)),
    "baseline": Kind("baseline b", BASELINE, lambda row: Baseline(*row), _insert("baseline", astuple, 5)),
    "revision": Kind("revision v", REVISION, revision_of, _put_revisions, _FEW),
    "image": Kind("image i", images.PARTS, images.part_of, _insert("image", images.part_row, 3), _FEW),
    "letter": Kind("letter l", letters.LETTER, lambda row: letter_of(row[0]),
                   lambda connection, rows, _model: letters.put_letters(connection, rows)),
}  # fmt: skip
"""Each kind of ``contract.moving``, its table and the name by which its columns go."""

DERIVED = frozenset({
    "attribute_index", "attribute_value", "claim", "finding_about", "search", "searchable", "touched",
    "watch",
})  # fmt: skip
"""Tables that are made of the others while they are filled. ``meta`` is the state, and what a file says of itself."""

STAYS = frozenset({"token", "lease"})
"""Tables that no copy has: who may ask one store, or does something there, may not therefore elsewhere."""

NO_ENDS = """SELECT count(*) FROM edge e WHERE NOT EXISTS (SELECT 1 FROM entity n WHERE n.id = e.source_id)
    OR NOT EXISTS (SELECT 1 FROM entity n WHERE n.id = e.target_id)"""


def _state(connection: sqlite3.Connection) -> State:
    return State(
        reads.revision(connection), journal.horizon(connection), journal.rewritten(connection),
        reads.reckoned(connection),
    )  # fmt: skip


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if reads.revision(connection):
        raise StoreNotEmpty("The store that is to be filled holds an estate already; name an empty one.")


def _finish(connection: sqlite3.Connection, state: State) -> None:
    ((loose,),) = connection.execute(NO_ENDS)
    if loose:
        raise StoreFailed(f"{loose} relationships were to be written whose ends are not both there.")
    for key, value in (("revision", state.revision), ("horizon", state.horizon), ("rewritten", state.rewritten)):
        connection.execute("UPDATE meta SET value = ? WHERE key = ?", [value, key])
    if state.reckoned:
        connection.execute(write.PUT_RECKONED, [state.reckoned])
    connection.execute("COMMIT")


class SqliteReading:
    """See ``contract.moving.Reading``."""

    def __init__(self, read: Read, state: State, counts: Mapping[str, int]) -> None:
        self.state = state
        self.counts = counts
        self._read = read

    async def rows(self, kind: str) -> AsyncIterator[Sequence[Any]]:
        how = KINDS[kind]
        cursor = await self._read(lambda c: c.execute(f"SELECT {how.columns} FROM {how.table}"))
        while found := await self._read(lambda _: [how.of(row) for row in cursor.fetchmany(how.at_once)]):
            yield found


class SqliteFilling:
    """See ``contract.moving.Filling``."""

    def __init__(self, database: Database, model: Model) -> None:
        self._database = database
        self._model = model

    async def put(self, kind: str, rows: Sequence[Any]) -> None:
        await self._database.write(lambda connection: KINDS[kind].put(connection, rows, self._model))

    async def finish(self, state: State) -> None:
        await self._database.write(partial(_finish, state=state))


class SqliteMoving(ABC):
    """See ``contract.moving.Movable``."""

    _model: Model

    @property
    @abstractmethod
    def _database(self) -> Database:
        """The open file."""

    @abstractmethod
    async def open(self) -> None: ...

    async def open_to_fill(self) -> None:
        await self.open()  # it is filled in one transaction, so nothing unfinished is ever seen

    @asynccontextmanager
    async def everything(self) -> AsyncIterator[Reading]:
        async with self._database.snapshot() as read:
            state = await read(_state)
            counts = {name: await read(partial(_count, kind=kind)) for name, kind in KINDS.items()}
            yield SqliteReading(read, state, counts)

    @asynccontextmanager
    async def filling(self) -> AsyncIterator[Filling]:
        database = self._database
        async with database.turn():
            await database.write(_begin)
            yield SqliteFilling(database, self._model)


def _count(connection: sqlite3.Connection, kind: Kind) -> int:
    ((number,),) = connection.execute(f"SELECT count(*) FROM {kind.table}")
    return int(number)
