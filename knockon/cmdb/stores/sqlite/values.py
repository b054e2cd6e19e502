"""The index of attributes: their values in order, each with the place of its entity, so that a list is a range of it.

It has the live entities' values of every attribute that a model called ``indexed`` when the file was opened. None is
ever taken away: another process may have another model, and what each of them writes is found by both.
"""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.stores.sqlite.rows import asked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import Entity

TABLES = (
    # `value` has no type of its own: a number is kept as a number.
    """CREATE TABLE attribute_value (attribute TEXT, value, sort_key TEXT, entity_id TEXT,
        PRIMARY KEY (attribute, value, sort_key, entity_id)) WITHOUT ROWID""",
    "CREATE TABLE attribute_index (attribute TEXT PRIMARY KEY) WITHOUT ROWID",
)

_OF_ASKED = """FROM json_each(?) a CROSS JOIN entity n ON n.id = a.value AND n.retired = 0
    CROSS JOIN json_each(n.attributes) k
    WHERE k.atom IS NOT NULL AND k.key IN (SELECT attribute FROM attribute_index)"""

FORGET = f"""DELETE FROM attribute_value WHERE (attribute, value, sort_key, entity_id) IN (
    SELECT k.key, k.atom, n.sort_key, n.id {_OF_ASKED})"""

KEEP = f"INSERT INTO attribute_value SELECT k.key, k.atom, n.sort_key, n.id {_OF_ASKED}"

FILL = """INSERT INTO attribute_value SELECT k.key, k.atom, n.sort_key, n.id FROM entity n, json_each(n.attributes) k
    WHERE n.retired = 0 AND k.atom IS NOT NULL AND k.key IN (SELECT value FROM json_each(?))"""


def forget(connection: sqlite3.Connection, rows: Sequence[Entity]) -> None:
    """Take away the values that these entities had; before they are written."""
    connection.execute(FORGET, [asked(row.id for row in rows)])


def keep(connection: sqlite3.Connection, rows: Sequence[Entity]) -> None:
    """Add the values that these entities have; after they were written."""
    connection.execute(KEEP, [asked(row.id for row in rows if not row.retired)])


def prepare(connection: sqlite3.Connection, attributes: frozenset[str]) -> None:
    """Give these attributes an index, where the file has none of them yet."""
    if attributes <= _present(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    missing = attributes - _present(connection)  # asked again: another process may have been first
    connection.execute(FILL, [asked(missing)])
    connection.executemany("INSERT INTO attribute_index VALUES (?)", ([name] for name in sorted(missing)))
    connection.execute("COMMIT")


def _present(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT attribute FROM attribute_index")}
