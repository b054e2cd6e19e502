"""Full text: an index over words that ``knockon.cmdb.contract.words`` made, so that Neo4j folds and cuts nothing.

They stand in ``_terms`` and ``_wholes`` of each live node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.rows import SEPARATOR, Found
from knockon.cmdb.contract.words import fingerprint, rank_of, searchable, sought_by
from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.stores.neo4j.where import compared

if TYPE_CHECKING:
    from collections.abc import Collection

    from neo4j import AsyncManagedTransaction, AsyncSession

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.words import Query
    from knockon.cmdb.stores.neo4j.cypher import Transaction
    from knockon.schema.model import Model

INDEX = "knockon_terms"
# Words stand between spaces, and are what they are: nothing is folded or left out.
CREATE_INDEX: LiteralString = """
CREATE FULLTEXT INDEX knockon_terms IF NOT EXISTS FOR (n:_Live) ON EACH [n._terms]
OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: false}}"""

FOUND: LiteralString = """
CALL db.index.fulltext.queryNodes('knockon_terms', $terms) YIELD node AS n
WITH n WHERE n._class IN $classes"""
RANKED: LiteralString = f"""{FOUND}
WITH n, CASE WHEN n._wholes STARTS WITH $exact THEN $ranks[0] WHEN n._wholes CONTAINS $exact THEN $ranks[1]
  WHEN n._wholes STARTS WITH $begins THEN $ranks[2] ELSE $ranks[3] END
  + CASE WHEN n._class IN $last THEN $later ELSE 0 END AS rank"""
COUNT: LiteralString = f"{FOUND} RETURN count(n)"

MADE_BY: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN m.search"
# Takes the lock that makes writers take turns, so that no words are written over newer ones.
HOLD: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.search = -1"
DONE: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.search = $made_by"
NEXT: LiteralString = """
MATCH (n:_Live) WHERE n._order > $low
WITH n ORDER BY n._order LIMIT $limit
RETURN collect(properties(n))"""
REFERENCES: LiteralString = """
UNWIND $ids AS id
MATCH (r:_Record {entity: id}) WHERE coalesce(r.present, true)
RETURN id, collect(r.source + ':' + r.key)"""
KEEP: LiteralString = """
UNWIND $rows AS row
MATCH (n:_Entity {_id: row._id})
SET n += row"""
_BATCH = 2_000


def search_properties(model: Model, row: Entity, known: Collection[str]) -> dict[str, str]:
    """Give the properties that a live entity is found by; ``known`` are the references of its present records."""
    found = searchable(row, sought_by(model, row.class_name), known)
    return {"_terms": found.terms, "_wholes": found.wholes}


async def references(tx: Transaction, ids: Collection[str]) -> dict[str, list[str]]:
    """Read the ``source:key`` of the present records of entities, by id."""
    return dict(await run(tx, REFERENCES, {"ids": list(ids)}))


async def put_again(tx: Transaction, rows: Collection[Entity], model: Model) -> None:
    """Keep the words of live entities that are written already."""
    known = await references(tx, [row.id for row in rows])
    put = [{"_id": row.id, **search_properties(model, row, known.get(row.id, ()))} for row in rows]
    await run(tx, KEEP, {"rows": put})


async def renew(session: AsyncSession, model: Model) -> None:
    """Make the words anew if they were made by another model, or have never been; in steps, beside writers."""
    wanted = fingerprint(model)
    if (await session.execute_read(run, MADE_BY, {}))[0][0] == wanted:
        return
    low: str | None = ""
    while low is not None:
        low = await session.execute_write(_renew_some, model, low)
    await session.execute_write(run, DONE, {"made_by": wanted})


async def _renew_some(tx: AsyncManagedTransaction, model: Model, low: str) -> str | None:
    await run(tx, HOLD, {})
    ((found,),) = await run(tx, NEXT, {"low": low, "limit": _BATCH})
    rows = [forms.to_entity(each) for each in found]
    await put_again(tx, rows, model)
    return max(row.order for row in rows) if rows else None


def search_statement(place: LiteralString, *, backward: bool) -> LiteralString:
    """Give the statement that reads the first or last ``$limit`` of what is found that pass the test ``place``."""
    down: LiteralString = " DESC" if backward else ""
    return f"""{RANKED}
WITH n, rank WHERE {place}
WITH n, rank ORDER BY rank{down}, n._order{down} LIMIT $limit
RETURN collect([rank, properties(n)])"""


async def search(tx: Transaction, sought: Query, classes: Collection[str], last: Collection[str], *,
                 after: str | None, before: str | None, limit: int, backward: bool) -> list[Found]:  # fmt: skip
    """Find entities by their words; see ``contract.Store.search``."""
    begins = SEPARATOR + sought.whole
    parameters = _asked(sought, classes) | {
        "limit": limit, "begins": begins, "exact": begins + SEPARATOR, "last": list(last),
        "ranks": [rank_of(each, last=False) for each in range(4)], "later": rank_of(0, last=True),
    }  # fmt: skip
    place = f"{_beyond('gt', after, parameters)} AND {_beyond('lt', before, parameters)}"
    ((found,),) = await run(tx, search_statement(place, backward=backward), parameters)
    rows = [Found(rank, forms.to_entity(properties)) for rank, properties in found]
    return sorted(rows, key=lambda row: row.place)


async def count_found(tx: Transaction, sought: Query, classes: Collection[str]) -> int:
    """Count them."""
    ((number,),) = await run(tx, COUNT, _asked(sought, classes))
    return int(number)


def _asked(sought: Query, classes: Collection[str]) -> dict[str, Any]:
    """Give the question in Lucene's words; a piece has letters, digits and ``-`` only, and ``-`` is escaped."""
    *pieces, reference = (each.replace("-", "\\-") for each in (*sought.pieces, sought.reference))
    terms = " AND ".join(f"{piece}*" for piece in pieces)
    return {"terms": f"({terms}) OR {reference}" if reference else terms, "classes": list(classes)}


def _beyond(operator: Any, place: str | None, parameters: dict[str, Any]) -> LiteralString:
    if place is None:
        return "true"
    rank, _, order = place.partition(SEPARATOR)
    further = compared("rank", operator, int(rank), parameters)
    same = compared("rank", "eq", int(rank), parameters)
    return f"({further} OR ({same} AND {compared('n._order', operator, order, parameters)}))"
