"""Constraints, indexes and the version of the layout: everything that ``open`` sees to."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString

from neo4j.exceptions import ClientError

from knockon.cmdb.contract.indexing import indexed, of_members
from knockon.cmdb.stores.neo4j import search
from knockon.cmdb.stores.neo4j.cypher import identifier, run
from knockon.cmdb.stores.neo4j.forms import key
from knockon.cmdb.stores.neo4j.journal import MAKE_TOUCHED_INDEX, TOUCHED_INDEX, note_touched
from knockon.cmdb.stores.neo4j.pages import member_index
from knockon.errors import StoreTooNew, StoreUnfinished

if TYPE_CHECKING:
    from neo4j import AsyncManagedTransaction, AsyncSession

    from knockon.schema.model import Model

VERSION = 3
_SINCE = 3  # the layout that notes what a revision touched, and native keys at the ends of edge records

# IF NOT EXISTS looks before it takes its lock, so another one that opens the store may be faster
_MADE_MEANWHILE = frozenset({
    "Neo.ClientError.Schema.EquivalentSchemaRuleAlreadyExists",
    "Neo.ClientError.Schema.ConstraintAlreadyExists",
})  # fmt: skip

UNIQUE: tuple[tuple[LiteralString, LiteralString], ...] = (
    ("_Entity", "_id"), ("_Record", "k"), ("_EdgeRecord", "k"), ("_Watch", "token"), ("_Alias", "id"),
    ("_Revision", "n"), ("_Meta", "id"), ("_Commit", "id"), ("_Scope", "k"), ("_Decision", "id"), ("_Finding", "id"),
    ("_Redaction", "k"), ("_Baseline", "name"), ("_Image", "k"), ("_Letter", "id"),
    ("_Token", "id"), ("_Lease", "name"),
)  # fmt: skip
INDEXED: tuple[tuple[LiteralString, ...], ...] = (
    ("_Claim", "token"), ("_Claim", "record"), ("_Record", "entity"), ("_Decision", "a"), ("_Decision", "b"),
    ("_Decision", "at"), ("_Finding", "code", "id"), ("_Finding", "token"), ("_About", "record"), ("_About", "finding"),
    ("_EdgeRecord", "at_from"), ("_EdgeRecord", "at_to"),
    ("_Live", "_order"), ("_Live", "_name"), ("_EdgeRecord", "edge"), ("_Waiting", "k"), ("_Waiting", "known_from"),
    ("_Waiting", "known_to"), ("_Alias", "entity"), ("_Scope", "source"), ("_Image", "n"), ("_Revision", "written"),
    ("_Retired", "_name"), ("_Letter", "place"), ("_Letter", "source"),
    ("_Lease", "until"),
)  # fmt: skip
GONE: tuple[LiteralString, ...] = (
    "knockon_EdgeRecord_known_from", "knockon_EdgeRecord_known_to",
    "knockon_EdgeRecord_source", "knockon_Record_source",
)  # fmt: skip
"""Indexes of older programs, which nothing asks any more: each of them is paid for with every record."""
UNPLACED: LiteralString = """
MATCH (r:_EdgeRecord) WHERE r.at_from IS NULL
WITH r LIMIT 10000
RETURN r.k, r.source, r.from, r.to"""
PLACE: LiteralString = """
UNWIND $rows AS row
MATCH (r:_EdgeRecord {k: row[0]}) SET r.at_from = row[1], r.at_to = row[2]"""
BEGIN: LiteralString = """
MERGE (m:_Meta {id: 0}) ON CREATE SET m.rev = 0
MERGE (c:_Commit {id: 0}) ON CREATE SET c.rev = 0
SET m.schema = $version"""


async def migrate(session: AsyncSession, model: Model, *, unfinished: bool) -> None:
    """Bring a database to this version's layout; concurrent calls do no harm.

    Raises
    ------
    StoreTooNew
    StoreUnfinished
        Unless ``unfinished`` is expected.
    """
    found, filling = await session.execute_read(_version)
    if found > VERSION:
        raise StoreTooNew(
            f"This store has layout {found}, and this knockon knows layouts up to {VERSION}: use a newer knockon."
        )
    if filling and not unfinished:
        raise StoreUnfinished.anew()
    present = await session.execute_read(_present)
    wanted = statements(model)
    made = [wanted[name] for name in sorted(wanted.keys() - present)]
    for statement in (*made, *(drop_index(name) for name in GONE if name in present)):
        try:
            await session.execute_write(run, statement, {})
        except ClientError as error:
            if error.code not in _MADE_MEANWHILE:
                raise
    await session.execute_read(run, "CALL db.awaitIndexes(600)", {})
    if 0 < found < _SINCE:
        while rows := await session.execute_read(run, UNPLACED, {}):
            placed = [[k, key(source, start), key(source, end)] for k, source, start, end in rows]
            await session.execute_write(run, PLACE, {"rows": placed})
        await note_touched(session)
    if found < VERSION:  # else who holds the turn for long would keep others from opening
        await session.execute_write(run, BEGIN, {"version": VERSION})
    await search.renew(session, model)


def drop_index(name: LiteralString) -> LiteralString:
    """Give the statement that drops an index, if it is there still."""
    return f"DROP INDEX `{name}` IF EXISTS"


def statements(model: Model) -> dict[str, LiteralString]:
    """Give the statement that creates each constraint and each index, by name."""
    wanted: dict[str, LiteralString] = {search.INDEX: search.CREATE_INDEX}
    for label, name in UNIQUE:
        wanted[f"knockon{label}_{name}"] = (
            f"CREATE CONSTRAINT `knockon{label}_{name}` IF NOT EXISTS FOR (n:{label}) REQUIRE n.{name} IS UNIQUE"
        )
    named = [*INDEXED, *(("_Live", identifier(each)) for each in sorted(indexed(model)) if not of_members(each))]
    for label, *names in named:
        title: LiteralString = f"knockon{label}_{'_'.join(name.strip('`') for name in names)}"
        properties = ", ".join(f"n.{name}" for name in names)
        wanted[title] = f"CREATE INDEX `{title}` IF NOT EXISTS FOR (n:{label}) ON ({properties})"
    for name in sorted(filter(None, map(of_members, indexed(model)))):
        title = member_index(name)
        # it cuts texts at spaces, and long words: what is found has to be looked at, and no text is too long
        wanted[title] = (
            f"CREATE FULLTEXT INDEX `{title}` IF NOT EXISTS FOR (n:_Live) ON EACH [n.{identifier(name)}] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace', `fulltext.eventually_consistent`: false}}"
        )
    wanted[TOUCHED_INDEX] = MAKE_TOUCHED_INDEX
    return wanted


async def _version(tx: AsyncManagedTransaction) -> tuple[int, bool]:
    """Tell the layout, 0 where there is none yet, and whether the store is being filled."""
    rows = await run(tx, "MATCH (m:_Meta {id: 0}) RETURN m.schema, m.filling IS NOT NULL", {})
    return (int(rows[0][0]), rows[0][1]) if rows else (0, False)


async def _present(tx: AsyncManagedTransaction) -> set[str]:
    return {name for (name,) in await run(tx, "SHOW INDEXES YIELD name", {})}
