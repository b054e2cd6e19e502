"""Taking values out of everything that is kept, in the embedded store."""

# ruff: noqa: D103 - what each promises stands in contract.py

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from knockon.cmdb.contract.partial import partial_without
from knockon.cmdb.contract.rows import without
from knockon.cmdb.stores.sqlite.journal import ENTRIES, MARK
from knockon.cmdb.stores.sqlite.rows import asked, dumped, packed, unpacked

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

# No index leads from an entity to its records, withdrawn ones included: this is rare, and a load is not.
RECORDS_OF = """SELECT r.source, r.key, r.attributes, r.partial
    FROM record r WHERE r.entity_id IN (SELECT value FROM json_each(?))"""

STRIP_RECORD = "UPDATE record SET attributes = ?, partial = ? WHERE source = ? AND key = ?"

MARK_RECORD = """INSERT INTO redaction VALUES (?, ?, ?) ON CONFLICT (source, key) DO UPDATE SET
    attributes = (SELECT json_group_array(DISTINCT value) FROM (
        SELECT value FROM json_each(redaction.attributes) UNION SELECT value FROM json_each(excluded.attributes)))"""

REVISIONS_OF = "SELECT DISTINCT t.revision FROM json_each(?) a CROSS JOIN touched t ON t.thing = a.value"

REWRITE = "UPDATE revision SET entries = ? WHERE number = ?"

REDACTED = """SELECT d.source, d.key, d.attributes FROM json_each(?) a CROSS JOIN redaction d
    ON d.source = json_extract(a.value, '$[0]') AND d.key = json_extract(a.value, '$[1]')"""


def redact(
    connection: sqlite3.Connection, ids: Collection[str], attributes: Collection[str], name: str, revision: int
) -> list[tuple[str, str]]:
    # what is overwritten from now on, the entity itself included, leaves nothing in free pages of the file
    connection.execute("PRAGMA secure_delete = ON")
    keys = []
    for source, key, kept, partial in connection.execute(RECORDS_OF, [asked(ids)]).fetchall():
        values = {each: value for each, value in orjson.loads(kept).items() if each not in attributes}
        connection.execute(STRIP_RECORD, [dumped(values), partial_without(partial, attributes), source, key])
        connection.execute(MARK_RECORD, [source, key, asked(attributes)])
        keys.append((source, key))
    for (number,) in connection.execute(REVISIONS_OF, [asked(ids)]).fetchall():
        ((entries,),) = connection.execute(ENTRIES, [number])
        rewritten = [without(entry, ids, attributes, name) for entry in unpacked(entries)]
        connection.execute(REWRITE, [packed(rewritten), number])
    connection.execute(MARK, [revision, "rewritten"])
    return sorted(keys)


def redacted(
    connection: sqlite3.Connection, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], frozenset[str]]:
    rows = connection.execute(REDACTED, [asked(keys)])
    return {(source, key): frozenset(orjson.loads(attributes)) for source, key, attributes in rows}
