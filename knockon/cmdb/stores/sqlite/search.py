"""Full text: an FTS5 index over words that ``knockon.cmdb.contract.words`` made, so that SQLite folds and cuts nothing.

``searchable`` holds the words of each live entity, and ``search`` is the index over it. The numbers are its
own: those of ``entity`` are SQLite's to change.
"""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import SEPARATOR, Found
from knockon.cmdb.contract.words import fingerprint, rank_of, searchable, sought_by
from knockon.cmdb.stores.sqlite.rows import ENTITY, asked, entity_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.words import Query
    from knockon.schema.model import Model

TABLES = (
    """CREATE TABLE searchable (
        number INTEGER PRIMARY KEY, entity_id TEXT NOT NULL UNIQUE, terms TEXT NOT NULL, wholes TEXT NOT NULL)""",
    # The tokeniser takes every character beyond ASCII for a part of a word; ours hold letters, digits and - only.
    """CREATE VIRTUAL TABLE search USING fts5(
        terms, content = 'searchable', content_rowid = 'number', detail = none, columnsize = 0,
        tokenize = "ascii tokenchars '-'")""",
    "INSERT INTO meta VALUES ('search', 0)",
)
_BATCH = 2_000

KEPT = """SELECT w.entity_id, w.terms, w.wholes FROM json_each(?) a
    CROSS JOIN searchable w ON w.entity_id = a.value"""

FORGET = """INSERT INTO search (search, rowid, terms) SELECT 'delete', w.number, w.terms FROM json_each(?) a
    CROSS JOIN searchable w ON w.entity_id = a.value"""

DROP = "DELETE FROM searchable WHERE entity_id IN (SELECT value FROM json_each(?))"

KEEP = "INSERT INTO searchable (entity_id, terms, wholes) VALUES (?, ?, ?)"

LEARN = """INSERT INTO search (rowid, terms) SELECT w.number, w.terms FROM json_each(?) a
    CROSS JOIN searchable w ON w.entity_id = a.value"""

ENTITIES = f"SELECT {ENTITY} FROM json_each(?) a CROSS JOIN entity n ON n.id = a.value"

REFERENCES = """SELECT r.entity_id, r.source || ':' || r.key FROM json_each(?) a
    CROSS JOIN record r ON r.entity_id = a.value AND r.present = 1"""

FOUND = """search CROSS JOIN searchable w ON w.number = search.rowid CROSS JOIN entity n ON n.id = w.entity_id
    WHERE search MATCH ?1 AND n.retired = 0 AND n.class_name IN (SELECT value FROM json_each(?2))"""

LAST = "n.class_name IN (SELECT value FROM json_each(?10))"
RANK = f"""CASE WHEN substr(w.wholes, 1, length(?3)) = ?3 THEN {{}} WHEN instr(w.wholes, ?3) > 0 THEN {{}}
    WHEN substr(w.wholes, 1, length(?4)) = ?4 THEN {{}} ELSE {{}} END + CASE WHEN {LAST} THEN {rank_of(0, last=True)}
    ELSE 0 END""".format(*(rank_of(each, last=False) for each in range(4)))

COUNT = f"SELECT count(*) FROM {FOUND}"


def put(connection: sqlite3.Connection, rows: Collection[Entity], model: Model) -> None:
    """Keep the words of entities as they are now, none of those that are retired; costs little where none changed."""
    by = {name: sought_by(model, name) for name in {row.class_name for row in rows}}
    known = references(connection, [row.id for row in rows])
    now = {row.id: None if row.retired else searchable(row, by[row.class_name], known.get(row.id, ())) for row in rows}
    kept = {id_: rest for id_, *rest in connection.execute(KEPT, [asked(now)])}
    changed = {id_: each for id_, each in now.items() if kept.get(id_) != (each and [each.terms, each.wholes])}
    gone = [asked(id_ for id_ in changed if id_ in kept)]
    connection.execute(FORGET, gone)
    connection.execute(DROP, gone)
    connection.executemany(KEEP, ((id_, each.terms, each.wholes) for id_, each in changed.items() if each))
    connection.execute(LEARN, [asked(id_ for id_, each in changed.items() if each)])


def put_again(connection: sqlite3.Connection, ids: Iterable[str], model: Model) -> None:
    """Keep the words of entities that are written already."""
    put(connection, [entity_of(row) for row in connection.execute(ENTITIES, [asked(ids)])], model)


def references(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, list[str]]:
    """Read the ``source:key`` of the present records of entities, by id."""
    found: dict[str, list[str]] = {}
    for id_, reference in connection.execute(REFERENCES, [asked(ids)]):
        found.setdefault(id_, []).append(reference)
    return found


def renew(connection: sqlite3.Connection, model: Model) -> None:
    """Make the index anew if it was made by another model, or has never been."""
    wanted = fingerprint(model)
    if _made_by(connection) == wanted:
        return
    connection.execute("BEGIN IMMEDIATE")
    if _made_by(connection) != wanted:  # asked again: another process may have been first
        ids = [id_ for (id_,) in connection.execute("SELECT id FROM entity WHERE retired = 0")]
        for start in range(0, len(ids), _BATCH):
            put_again(connection, ids[start : start + _BATCH], model)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'search'", [wanted])
    connection.execute("COMMIT")


def _made_by(connection: sqlite3.Connection) -> int:
    ((made_by,),) = connection.execute("SELECT value FROM meta WHERE key = 'search'")
    return int(made_by)


def search_statement(*, backward: bool) -> str:
    """Give the statement that reads the first or last ``?9`` of what is found between two places."""
    down = " DESC" if backward else ""
    # The attributes are fetched for what is within the limit only: very much may be found.
    return f"""WITH place AS (
            SELECT rank, id FROM (SELECT {RANK} AS rank, n.id AS id, n.sort_key AS sort_key FROM {FOUND})
            WHERE (rank, sort_key) > (?5, ?6) AND (rank, sort_key) < (?7, ?8)
            ORDER BY rank{down}, sort_key{down} LIMIT ?9)
        SELECT place.rank, {ENTITY} FROM place CROSS JOIN entity n ON n.id = place.id
        ORDER BY place.rank, n.sort_key"""


def search(
    connection: sqlite3.Connection, sought: Query, classes: Collection[str], *,
    last: Collection[str], after: str | None, before: str | None, limit: int, backward: bool,
) -> list[Found]:  # fmt: skip
    """Find entities by their words; see ``contract.Store.search``."""
    begins = SEPARATOR + sought.whole
    parameters = [
        *_asked(sought, classes), begins + SEPARATOR, begins, *_place(after or "-1"), *_place(before or "9"), limit,
        asked(last),
    ]  # fmt: skip
    rows = connection.execute(search_statement(backward=backward), parameters)
    return [Found(rank, entity_of(tuple(row))) for rank, *row in rows]


def count_found(connection: sqlite3.Connection, sought: Query, classes: Collection[str]) -> int:
    """Count them."""
    ((number,),) = connection.execute(COUNT, _asked(sought, classes))
    return int(number)


def _asked(sought: Query, classes: Collection[str]) -> list[Any]:
    """Give the question in FTS5's words; a piece has letters, digits and ``-`` only, so nothing in it is syntax."""
    text = " AND ".join(f'"{piece}" *' for piece in sought.pieces)
    return [f'({text}) OR "{sought.reference}"' if sought.reference else text, asked(classes)]


def _place(place: str) -> tuple[int, str]:
    rank, _, order = place.partition(SEPARATOR)
    return int(rank), order
