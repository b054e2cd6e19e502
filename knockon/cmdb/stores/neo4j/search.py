"""The words by which entities are found, kept with them, and finding by them.

The text of ``words.text_of`` is the property ``_words``. A text index answers CONTAINS for it exactly, so nothing that
a person writes becomes part of a query's syntax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.words import text_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from neo4j import AsyncSession, AsyncTransaction

    from knockon.cmdb.rows import Entity
    from knockon.cmdb.stores.neo4j.cypher import Transaction
    from knockon.cmdb.words import Query

OWNERS: LiteralString = """
UNWIND $keys AS k
MATCH (r:_Record {k: k})
RETURN collect(DISTINCT r.entity)"""
UNREAD: LiteralString = """
UNWIND $ids AS id
MATCH (n:_Entity {_id: id}) WHERE n:_Live
RETURN collect(properties(n))"""
KEYS: LiteralString = """
UNWIND $ids AS id
MATCH (r:_Record {entity: id}) WHERE coalesce(r.present, true)
RETURN id, collect(r.key)"""
ATTRIBUTES: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN coalesce(m.searched, [])"
PUT_WORDS: LiteralString = """
UNWIND $rows AS row
MATCH (n:_Entity {_id: row[0]})
SET n._words = row[1]"""
LIVE: LiteralString = """
MATCH (n:_Live) WHERE n._order > $order
WITH n ORDER BY n._order LIMIT 1000
RETURN n._id, n._order"""
# The lock on this node makes writers take turns; see write.py.
SEARCHED: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.searched = $attributes"
READY: LiteralString = "MATCH (m:_Meta {id: 0}) RETURN coalesce(m.words, [])"
SET_READY: LiteralString = "MATCH (m:_Meta {id: 0}) SET m.words = $attributes"


async def prepare(session: AsyncSession, attributes: frozenset[str]) -> None:
    """Let things be found by these attributes; the words of all are made anew where one of them is new to the store.

    None is ever taken away: another process may have another model, and what each of them writes is found by both.
    Cut off in the middle, it begins again the next time.
    """
    wanted = attributes | {"name"}  # so that a store without any words gets them, whatever the model
    ((ready,),) = await session.execute_read(run, READY, {})
    if wanted <= set(ready):
        return
    ((kept,),) = await session.execute_read(run, ATTRIBUTES, {})
    every = sorted(wanted | set(kept))
    await session.execute_write(run, SEARCHED, {"attributes": every})  # from now on all writers go by these
    order = ""
    while rows := await session.execute_read(run, LIVE, {"order": order}):
        await session.execute_write(_anew, [id_ for id_, _ in rows], every)
        order = rows[-1][1]
    await session.execute_write(run, SET_READY, {"attributes": every})


async def _anew(tx: Transaction, ids: Sequence[str], attributes: Collection[str]) -> None:
    await run(tx, SEARCHED, {"attributes": attributes})  # for its lock: nobody writes these things meanwhile
    await refresh(tx, dict.fromkeys(ids))


async def owners(tx: AsyncTransaction, keys: Collection[tuple[str, str]]) -> set[str]:
    """Give the ids of the entities that these records belong to, by (source, key)."""
    ((found,),) = await run(tx, OWNERS, {"keys": [forms.key(*each) for each in set(keys)]})
    return set(found)


async def refresh(tx: Transaction, written: Mapping[str, Entity | None]) -> None:
    """Make the words of these entities what they should be; None: one that is to be read."""
    ((attributes,),) = await run(tx, ATTRIBUTES, {})
    rows = {id_: row for id_, row in written.items() if row is not None}
    if unread := [id_ for id_ in written if id_ not in rows]:
        ((found,),) = await run(tx, UNREAD, {"ids": unread})
        rows |= {row.id: row for row in map(forms.to_entity, found)}
    live = {id_: row for id_, row in rows.items() if not row.retired}
    keys: dict[str, list[str]] = dict(await run(tx, KEYS, {"ids": list(live)}))
    put = [[id_, text_of(row, keys.get(id_, ()), frozenset(attributes))] for id_, row in live.items()]
    await run(tx, PUT_WORDS, {"rows": put})


def statement(query: Query) -> LiteralString:
    """Give the statement that finds what fits, best first.

    The index finds what has the longest word; of these the text tells whether the others are in it too.
    """
    further = "".join(f" AND n._words CONTAINS $parts[{number}]" for number in range(1, len(query.parts)))
    return f"""
MATCH (n:_Live) USING TEXT INDEX n:_Live(_words)
WHERE n._words CONTAINS $part{further} AND n._class IN $classes
WITH n, CASE WHEN n._words STARTS WITH $exact THEN 0 WHEN n._words STARTS WITH $name THEN 1 ELSE 2 END AS rank
ORDER BY rank, n._order LIMIT $limit
RETURN properties(n)"""


async def search(tx: Transaction, query: Query, classes: Collection[str], limit: int) -> list[Entity]:
    """Find what fits; see ``contract.Store.search``."""
    parameters: dict[str, Any] = {
        "part": query.parts[0], "parts": query.parts, "classes": list(classes), "exact": query.exact,
        "name": query.name, "limit": limit,
    }  # fmt: skip
    return [forms.to_entity(properties) for (properties,) in await run(tx, statement(query), parameters)]
