"""The words by which entities are found, kept with them, and finding by them."""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.stores.sqlite import reads
from knockon.cmdb.stores.sqlite.rows import ENTITY, asked, entity_of
from knockon.cmdb.words import LONGEST_WORD, text_of, words_in

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping

    from knockon.cmdb.rows import Entity
    from knockon.cmdb.words import Query

_CHUNK = 1_000

OWNERS = f"SELECT DISTINCT r.entity_id FROM {reads.ASKED_RECORDS}"
KEYS = "SELECT r.entity_id, r.key FROM json_each(?) a CROSS JOIN record r ON r.entity_id = a.value AND r.present = 1"
TEXTS = "SELECT t.entity_id, t.text FROM json_each(?) a CROSS JOIN search_text t ON t.entity_id = a.value"
ATTRIBUTES = "SELECT attribute FROM search_attribute"
LIVE = "SELECT n.id FROM entity n WHERE n.retired = 0"

FORGET_TEXT = "DELETE FROM search_text WHERE entity_id = ?"
FORGET_WORD = "DELETE FROM search_word WHERE word = ? AND entity_id = ?"
PUT_TEXT = "INSERT OR REPLACE INTO search_text VALUES (?, ?)"
PUT_WORD = "INSERT INTO search_word VALUES (?, ?)"


def prepare(connection: sqlite3.Connection, attributes: frozenset[str]) -> None:
    """Let things be found by these attributes; the words of all are made anew where one of them is new to the file.

    As with ``schema.index``, none is ever taken away.
    """
    attributes |= {"name"}  # so that a file without any words gets them, whatever the model
    if attributes <= _attributes(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT OR IGNORE INTO search_attribute VALUES (?)", [[each] for each in attributes])
    ids = [id_ for (id_,) in connection.execute(LIVE)]
    for start in range(0, len(ids), _CHUNK):
        refresh(connection, dict.fromkeys(ids[start : start + _CHUNK]))
    connection.execute("COMMIT")


def owners(connection: sqlite3.Connection, keys: Collection[tuple[str, str]]) -> set[str]:
    """Give the ids of the entities that these records belong to, by (source, key)."""
    return {id_ for (id_,) in connection.execute(OWNERS, [asked(keys)])}


def refresh(connection: sqlite3.Connection, written: Mapping[str, Entity | None]) -> None:
    """Make the words of these entities what they should be; None: one that is to be read."""
    ids = asked(written)
    rows = {id_: row for id_, row in written.items() if row is not None}
    unread = [id_ for id_ in written if id_ not in rows]
    rows |= {row.id: row for row in reads.entities(connection, unread).values() if row.id not in rows}
    keys: dict[str, list[str]] = {}
    for id_, key in connection.execute(KEYS, [ids]):
        keys.setdefault(id_, []).append(key)
    before: dict[str, str] = dict(connection.execute(TEXTS, [ids]).fetchall())
    attributes = _attributes(connection)
    after = {
        id_: text_of(rows[id_], keys.get(id_, ()), attributes)
        for id_ in written
        if id_ in rows and not rows[id_].retired
    }
    gone = [(word, id_) for id_, text in before.items() for word in _less(text, after.get(id_))]
    new = [(word, id_) for id_, text in after.items() for word in _less(text, before.get(id_))]
    connection.executemany(FORGET_WORD, gone)
    connection.executemany(FORGET_TEXT, [[id_] for id_ in before if id_ not in after])
    connection.executemany(PUT_WORD, new)
    connection.executemany(PUT_TEXT, [(id_, text) for id_, text in after.items() if text != before.get(id_)])


def _less(text: str, other: str | None) -> list[str]:
    """Give the words of a text that the other does not have."""
    if text == other:
        return []
    without = set(words_in(other)) if other else set()
    return [word for word in words_in(text) if word not in without]


def _attributes(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute(ATTRIBUTES))


def statement(query: Query, classes: Collection[str], limit: int) -> tuple[str, list[Any]]:
    """Give the statement that finds what fits, best first, and its parameters.

    The index finds what has the longest word; of these the text tells whether the others are in it too.
    """
    first, *others = query.words
    beyond = first if len(first) == 1 else first + reads.BEYOND * (LONGEST_WORD + 1)
    further = "".join(" AND instr(t.text, ?) > 0" for _ in others)
    text = f"""SELECT {ENTITY} FROM search_text t CROSS JOIN entity n ON n.id = t.entity_id
        WHERE t.entity_id IN (SELECT w.entity_id FROM search_word w WHERE w.word >= ? AND w.word <= ?){further}
        AND n.class_name IN (SELECT value FROM json_each(?))
        ORDER BY CASE 1 WHEN instr(t.text, ?) THEN 0 WHEN instr(t.text, ?) THEN 1 ELSE 2 END, n.sort_key LIMIT ?"""
    return text, [first, beyond, *query.parts[1:], asked(classes), query.exact, query.name, limit]


def search(connection: sqlite3.Connection, query: Query, classes: Collection[str], limit: int) -> list[Entity]:
    """Find what fits; see ``contract.Store.search``."""
    return [entity_of(row) for row in connection.execute(*statement(query, classes, limit))]
