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
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.rows import Entity

TABLES = (
    # `value` has no type of its own: a number is kept as a number.
    """CREATE TABLE attribute_value (attribute TEXT, value, sort_key TEXT, entity_id TEXT,
        PRIMARY KEY (attribute, value, sort_key, entity_id)) WITHOUT ROWID""",
    "CREATE TABLE attribute_index (attribute TEXT PRIMARY KEY) WITHOUT ROWID",
)

_VALUES = "k.key, k.atom, n.sort_key, n.id"
_MEMBERS = "DISTINCT k.key || '[]', m.atom, n.sort_key, n.id"
_ASKED = """FROM json_each(?1) a CROSS JOIN entity n ON n.id = a.value AND n.retired = 0
    CROSS JOIN json_each(n.attributes) k"""
_EVERY = "FROM entity n CROSS JOIN json_each(n.attributes) k"
# one that an older model had alone counts as a list of one
_EACH = "CROSS JOIN json_each(iif(k.type = 'array', k.value, json_array(k.atom))) m"
_KEPT = "(SELECT attribute FROM attribute_index)"
_NEW = "(SELECT value FROM json_each(?1))"

_OF_ASKED = f"SELECT {_VALUES} {_ASKED} WHERE k.atom IS NOT NULL AND k.key IN {_KEPT}"
_MEMBERS_OF_ASKED = f"SELECT {_MEMBERS} {_ASKED} {_EACH} WHERE k.key || '[]' IN {_KEPT} AND m.atom IS NOT NULL"

# two statements: SQLite would look through the table for what is in a UNION
FORGET, FORGET_MEMBERS = (
    f"DELETE FROM attribute_value WHERE (attribute, value, sort_key, entity_id) IN ({those})"
    for those in (_OF_ASKED, _MEMBERS_OF_ASKED)
)

KEEP = f"INSERT INTO attribute_value {_OF_ASKED} UNION ALL {_MEMBERS_OF_ASKED}"

FILL = f"""INSERT INTO attribute_value
    SELECT {_VALUES} {_EVERY} WHERE n.retired = 0 AND k.atom IS NOT NULL AND k.key IN {_NEW}
    UNION ALL SELECT {_MEMBERS} {_EVERY} {_EACH}
        WHERE n.retired = 0 AND k.key || '[]' IN {_NEW} AND m.atom IS NOT NULL"""


def forget(connection: sqlite3.Connection, entities: Collection[str]) -> None:
    """Take away the values that these entities had, by id; before they are written."""
    ids = [asked(entities)]
    connection.execute(FORGET, ids)
    connection.execute(FORGET_MEMBERS, ids)


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
