"""All that Neo4j keeps of an estate, read while no writer has the turn; and an empty database filled with it.

A filling takes many transactions. While it lasts, ``_Meta`` has no ``rev``, so that nobody reads a revision or takes
the next one, and has ``filling``, the mark of the one who fills: who opens the store is refused. Each transaction first
takes the lock on that node and looks whether the mark is still its own, so that of two who fill one of them ends at
once. The last transaction takes the mark away and gives the revision.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, LiteralString

from neo4j import WRITE_ACCESS
from uuid_utils import uuid7

from knockon.cmdb.contract.letters import letter_of
from knockon.cmdb.contract.moving import Redaction, State, Thing
from knockon.cmdb.contract.rows import WITHDRAWN, Baseline, things_of
from knockon.cmdb.stores.neo4j import forms, identity, images, letters, reads, write
from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.stores.neo4j.errors import driver_errors
from knockon.cmdb.stores.neo4j.search import put_again, references, search_properties
from knockon.errors import ModelInvalid, StoreError, StoreFailed, StoreNotEmpty, StoreUnfinished

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from neo4j import AsyncManagedTransaction, AsyncSession

    from knockon.cmdb.contract.moving import Filling, Reading
    from knockon.cmdb.contract.rows import Edge, EdgeRecord, Record, Revision
    from knockon.cmdb.stores.neo4j.cypher import Transaction
    from knockon.cmdb.stores.neo4j.forms import Properties
    from knockon.schema.model import Model

    Put = Callable[[Transaction, Sequence[Any], Model], Awaitable[None]]

LONGEST_READING = 6 * 3_600.0
"""Seconds after which the server ends a reading: a lost client keeps writers waiting no longer."""
_SOME = 2_000
_FEW = 20  # revisions: each has up to 2,000 entries, of about 1 kB
_HUBS = 200  # entities whose relationships are read at once

HOLD_TURN: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.held = true"
STATE: LiteralString = """
MATCH (m:_Meta {id: 0})
RETURN m.rev, coalesce(m.horizon, 0), coalesce(m.rewritten, 0), coalesce(m.reckoned, '')"""
FILLED: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN m.rev, m.filling"
MARK: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.filling = $mark REMOVE m.rev"
FINISH: LiteralString = """
MATCH (m:_Meta {id: 0})
MATCH (c:_Commit {id: 0})
SET m.rev = $revision, m.horizon = $horizon, m.rewritten = $rewritten, c.rev = $revision
SET m.reckoned = CASE $reckoned WHEN '' THEN null ELSE $reckoned END
REMOVE m.filling, m.held"""
EMPTY: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.rev = 0 REMOVE m.filling, m.held"
EDGES: LiteralString = """
MATCH (a:_Entity) WHERE a._id > $low
WITH a ORDER BY a._id LIMIT $chunk
OPTIONAL MATCH (a)-[r]->(b:_Entity)
RETURN max(a._id), collect(CASE WHEN r IS NULL THEN null
  ELSE [coalesce(r._type, type(r)), a._id, b._id, properties(r), type(r) = '_RETIRED'] END)"""
COUNT_EDGES: LiteralString = "MATCH (:_Entity)-[r]->(:_Entity) RETURN count(r)"
PUT_RETIRED: LiteralString = """
UNWIND $rows AS row
MATCH (a:_Entity {_id: row[0]})
MATCH (b:_Entity {_id: row[1]})
MERGE (a)-[r:_RETIRED {_type: row[2]._type, _group: row[2]._group}]->(b)
SET r = row[2]
RETURN count(r)"""
CREATE_ENTITIES: LiteralString = "UNWIND $rows AS row CREATE (n:$(row[1])) SET n = row[0]"
CREATE_EDGE_RECORDS: LiteralString = """
UNWIND $rows AS row
CREATE (r:_EdgeRecord) SET r = row[0]
FOREACH (_ IN CASE WHEN row[1] THEN [1] ELSE [] END | SET r:_Waiting)"""


def page_of(label: LiteralString, key: LiteralString, shown: LiteralString = "properties(r)") -> LiteralString:
    """Give the statement that reads some nodes of a label after ``$low``, by the order of an index."""
    return f"""
MATCH (r:{label}) WHERE r.{key} > $low
WITH r ORDER BY r.{key} LIMIT $chunk
RETURN collect({shown}), max(r.{key})"""


def create(label: LiteralString) -> LiteralString:
    """Give the statement that makes nodes of a label."""
    return f"UNWIND $rows AS row CREATE (r:{label}) SET r = row"


@dataclass(frozen=True)
class Kind:
    """How the rows of one kind lie in nodes of a label, in the order of ``key``; how they are read and put."""

    label: LiteralString
    key: LiteralString
    of: Callable[[Any], Any]
    put: Put
    shown: LiteralString = "properties(r)"
    first: Any = ""
    at_once: int = _SOME

    @property
    def page(self) -> LiteralString:
        return page_of(self.label, self.key, self.shown)

    @property
    def count(self) -> LiteralString:
        return f"MATCH (r:{self.label}) RETURN count(r)"


def _nodes(label: LiteralString, form: Callable[[Any], Properties]) -> Put:
    async def put(tx: Transaction, rows: Sequence[Any], _model: Model) -> None:
        await run(tx, create(label), {"rows": [form(row) for row in rows]})

    return put


async def _put_things(tx: Transaction, rows: Sequence[Thing], model: Model) -> None:
    put = []
    for row in rows:
        properties = forms.entity_properties(row.entity, row.entity.revision)
        labels = ["_Entity", "_Retired"]
        if not row.entity.retired:
            if row.entity.class_name not in model.classes:
                raise ModelInvalid.lacks("things of the class", row.entity.class_name)
            labels = ["_Entity", "_Live", *model.classes[row.entity.class_name].lineage]
            properties |= search_properties(model, row.entity, ())
        put.append([properties, labels])
    await run(tx, CREATE_ENTITIES, {"rows": put})


async def _put_edges(tx: Transaction, rows: Sequence[Edge], model: Model) -> None:
    sorted_out: defaultdict[tuple[bool, str], list[list[Any]]] = defaultdict(list)
    for row in rows:
        kind, source, target, _ = row.key
        if not row.retired and kind not in model.relationships:
            raise ModelInvalid.lacks("relationships of the type", kind)
        own = {"_type": kind} if row.retired else {}
        sorted_out[row.retired, "" if row.retired else kind].append([source, target, forms.edge_properties(row) | own])
    for (retired, kind), put in sorted(sorted_out.items()):
        statement = PUT_RETIRED if retired else write.put_edges_statement(kind)
        ((written,),) = await run(tx, statement, {"rows": put})
        if written != len(put):
            raise StoreFailed("A relationship was to be written whose ends are not both there.")


async def _put_records(tx: Transaction, rows: Sequence[Record], model: Model) -> None:
    await run(tx, create("_Record"), {"rows": [forms.record_properties(row) for row in rows]})
    await identity.put_claims(tx, rows)
    known = await references(tx, {row.entity_id for row in rows if row.present})
    several = await reads.entities(tx, [id_ for id_, keys in known.items() if len(keys) > 1], retired=False)
    await put_again(tx, list(several.values()), model)  # those with one record have its words


async def _put_edge_records(tx: Transaction, rows: Sequence[EdgeRecord], _model: Model) -> None:
    put = [forms.edge_record_properties(row) for row in rows]
    waits = [[each, each["edge"] is None and each["because"] != WITHDRAWN] for each in put]
    await run(tx, CREATE_EDGE_RECORDS, {"rows": waits})
    watches = [[each["k"], forms.key(token)] for each in put for token in each["watches"]]
    await run(tx, write.WATCH, {"rows": watches})


async def _put_findings(tx: Transaction, rows: Sequence[Any], _model: Model) -> None:
    await identity.put_findings(tx, (), (), rows, of=())


def _revision_properties(row: Revision) -> Properties:
    properties = forms.revision_properties(row.number, row.head, row.entries)
    return properties | {"count": row.count, "written": row.written, "touched": sorted(things_of(row.entries))}


def _redaction_properties(row: Redaction) -> Properties:
    return {
        "k": forms.key(row.source, row.key), "source": row.source, "key": row.key, "attributes": list(row.attributes),
    }  # fmt: skip


def _to_thing(kept: Any) -> Thing:
    retired, properties = kept
    return Thing(forms.to_entity(properties, retired=retired), answers=not retired)


def _to_redaction(kept: Properties) -> Redaction:
    return Redaction(kept["source"], kept["key"], tuple(sorted(kept["attributes"])))


KINDS: Mapping[str, Kind] = {
    "scope": Kind("_Scope", "k", forms.to_scope, _nodes("_Scope", forms.scope_properties)),
    "decision": Kind("_Decision", "id", forms.to_decision, _nodes("_Decision", forms.decision_properties)),
    "entity": Kind(
        "_Entity", "_id", _to_thing, _put_things, shown="[r:_Retired, r {.*, _terms: null, _wholes: null}]"
    ),
    "alias": Kind(
        "_Alias", "id", forms.to_alias, _nodes("_Alias", forms.alias_properties),
    ),
    "record": Kind("_Record", "k", forms.to_record, _put_records),
    "edge": Kind("_Entity", "_id", lambda kept: forms.to_edge(*kept[:4], retired=kept[4]), _put_edges, at_once=_HUBS),
    "edge_record": Kind("_EdgeRecord", "k", forms.to_edge_record, _put_edge_records),
    "finding": Kind("_Finding", "id", forms.to_finding, _put_findings),
    "redaction": Kind("_Redaction", "k", _to_redaction, _nodes("_Redaction", _redaction_properties)),
    "baseline": Kind("_Baseline", "name", lambda kept: Baseline(**kept), _nodes("_Baseline", asdict)),
    "revision": Kind(
        "_Revision", "n", forms.to_revision, _nodes("_Revision", _revision_properties),
        shown="r {.*, touched: null}", first=0, at_once=_FEW,
    ),
    "image": Kind("_Image", "k", images.to_part, _nodes("_Image", images.part_properties), at_once=_FEW),
    "letter": Kind(
        "_Letter", "id", lambda kept: letter_of(kept["body"]), lambda tx, rows, _model: letters.put_letters(tx, rows)
    ),
}  # fmt: skip
"""Each kind of ``contract.moving`` in its nodes; edges are the relationships out of entities."""

DERIVED = ("_Claim", "_Watch", "_About")
"""Labels of nodes that are made of the others while a store is filled. ``_Meta`` and ``_Commit`` are the state;
``_Live``, ``_Retired`` and ``_Waiting`` stand on nodes of other labels."""

STAYS = ("_Token", "_Lease")
"""Labels of nodes that no copy has: who may ask one store, or does something there, may not therefore elsewhere."""


class Neo4jReading:
    """See ``contract.moving.Reading``; all in the transaction that holds the turn."""

    def __init__(self, tx: Transaction, state: State, counts: Mapping[str, int]) -> None:
        self.state = state
        self.counts = counts
        self._tx = tx

    async def rows(self, kind: str) -> AsyncIterator[Sequence[Any]]:
        how = KINDS[kind]
        low: Any = how.first
        while low is not None:
            found, low = await self._page(kind, how, low)
            if found:
                yield [how.of(each) for each in found]

    async def _page(self, kind: str, how: Kind, low: Any) -> tuple[list[Any], Any]:
        with driver_errors():
            parameters = {"low": low, "chunk": how.at_once}
            if kind == "edge":
                ((high, found),) = await run(self._tx, EDGES, parameters)
            else:
                ((found, high),) = await run(self._tx, how.page, parameters)
            return found, high


class Neo4jFilling:
    """See ``contract.moving.Filling``."""

    def __init__(self, session: AsyncSession, model: Model, mark: str) -> None:
        self.finished = False
        self._session = session
        self._model = model
        self._mark = mark
        self._edges = 0

    async def put(self, kind: str, rows: Sequence[Any]) -> None:
        for start in range(0, len(rows), _SOME):
            await self._do(KINDS[kind].put, rows[start : start + _SOME], self._model)
        self._edges += len(rows) if kind == "edge" else 0

    async def finish(self, state: State) -> None:
        if await self._do(_count, "edge") != self._edges:  # no constraint sees to that
            raise StoreFailed("A relationship was to be written twice.")
        await self._do(run, FINISH, asdict(state))
        self.finished = True

    async def clear(self) -> None:
        """Take everything out again, some of it at a time."""
        for label in (*DERIVED, *(kind.label for kind in KINDS.values())):
            statement: LiteralString = f"MATCH (n:{label}) WITH n LIMIT {_SOME} DETACH DELETE n RETURN count(*)"
            while (await self._do(run, statement, {}))[0][0]:
                pass

    async def give_up(self) -> None:
        """Leave the store empty if that can be done; else it stays marked as unfinished."""
        with suppress(StoreError):
            await self.clear()
            await self._do(run, EMPTY, {})

    async def _do(self, work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        async def marked(tx: AsyncManagedTransaction) -> Any:
            await run(tx, HOLD_TURN, {})
            ((_, mark),) = await run(tx, FILLED, {})  # a statement of its own, as in _mark
            if mark != self._mark:
                raise StoreUnfinished("Another copy or import into this store has begun; this one is given up.")
            return await work(tx, *args)

        with driver_errors():
            return await self._session.execute_write(marked)


async def _mark(tx: Transaction, mark: str) -> bool:
    """Take a store for a filling; tell whether an earlier one left something in it."""
    await run(tx, HOLD_TURN, {})
    ((revision, filling),) = await run(tx, FILLED, {})  # a statement of its own: it looks when the lock is there
    if revision:
        raise StoreNotEmpty("The store that is to be filled holds an estate already; name an empty one.")
    await run(tx, MARK, {"mark": mark})
    return filling is not None


class Neo4jMoving(ABC):
    """See ``contract.moving.Movable``."""

    _model: Model

    @abstractmethod
    def _session(self, access: str = ...) -> AsyncSession:
        """Begin a session."""

    @abstractmethod
    async def _open(self, *, unfinished: bool) -> None:
        """Connect, create or migrate; refuse an unfinished store unless told otherwise."""

    async def open_to_fill(self) -> None:
        await self._open(unfinished=True)

    @asynccontextmanager
    async def everything(self) -> AsyncIterator[Reading]:
        with driver_errors():
            async with (
                self._session(WRITE_ACCESS) as session,
                await session.begin_transaction(timeout=LONGEST_READING) as tx,
            ):
                await run(tx, HOLD_TURN, {})
                ((revision, *rest),) = await run(tx, STATE, {})
                if revision is None:
                    raise StoreUnfinished.anew()
                counts = {name: await _count(tx, name) for name in KINDS}
                yield Neo4jReading(tx, State(revision, *rest), counts)
                await tx.rollback()  # left to itself the driver would commit

    @asynccontextmanager
    async def filling(self) -> AsyncIterator[Filling]:
        mark = str(uuid7())
        async with self._session(WRITE_ACCESS) as session:
            with driver_errors():
                left = await session.execute_write(_mark, mark)
            filling = Neo4jFilling(session, self._model, mark)
            try:
                if left:
                    await filling.clear()
                yield filling
            except Exception:
                await filling.give_up()
                raise
            if not filling.finished:
                await filling.give_up()


async def _count(tx: Transaction, kind: str) -> int:
    ((number,),) = await run(tx, COUNT_EDGES if kind == "edge" else KINDS[kind].count, {})
    return int(number)
