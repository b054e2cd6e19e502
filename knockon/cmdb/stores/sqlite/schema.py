"""The tables of the embedded store, and how an older file becomes a newer one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.stores.sqlite import images, leases, letters, search, tokens, values
from knockon.cmdb.stores.sqlite.journal import touched_by
from knockon.errors import StoreTooNew, StoreUnreachable

if TYPE_CHECKING:
    import sqlite3

# A migration, once released, is never edited: the next change is a new one at the end.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        "INSERT INTO meta VALUES ('schema', 0), ('revision', 0)",
        """CREATE TABLE record (
            source TEXT NOT NULL, key TEXT NOT NULL, entity_id TEXT NOT NULL, class_name TEXT NOT NULL,
            attributes TEXT NOT NULL, seen TEXT NOT NULL, digest TEXT NOT NULL,
            PRIMARY KEY (source, key)) WITHOUT ROWID""",
        # `names` repeats the entity's tokens, so that a rename finds the rows of entity_name to delete.
        """CREATE TABLE entity (
            id TEXT PRIMARY KEY, class_name TEXT NOT NULL, name TEXT NOT NULL, sort_key TEXT NOT NULL,
            attributes TEXT NOT NULL, retired INTEGER NOT NULL, revision INTEGER NOT NULL, names TEXT NOT NULL)""",
        "CREATE INDEX entity_by_order ON entity (class_name, sort_key) WHERE retired = 0",
        "CREATE INDEX entity_by_name ON entity (name) WHERE retired = 0",
        "CREATE TABLE entity_name (token TEXT, entity_id TEXT, PRIMARY KEY (token, entity_id)) WITHOUT ROWID",
        "CREATE TABLE alias (alias TEXT PRIMARY KEY, entity_id TEXT NOT NULL) WITHOUT ROWID",
        "CREATE INDEX alias_by_entity ON alias (entity_id)",
        """CREATE TABLE edge (
            source_id TEXT NOT NULL, type_name TEXT NOT NULL, target_id TEXT NOT NULL, redundancy_group TEXT NOT NULL,
            attributes TEXT NOT NULL, retired INTEGER NOT NULL,
            PRIMARY KEY (source_id, type_name, target_id, redundancy_group)) WITHOUT ROWID""",
        "CREATE INDEX edge_by_target ON edge (target_id, type_name)",
        # `because` is NULL where the record resolves; its edge is then (type_name, from_id, to_id, redundancy_group).
        """CREATE TABLE edge_record (
            number INTEGER PRIMARY KEY,
            source TEXT NOT NULL, type_name TEXT NOT NULL, from_ref TEXT NOT NULL, to_ref TEXT NOT NULL,
            redundancy_group TEXT NOT NULL, attributes TEXT NOT NULL, seen TEXT NOT NULL, digest TEXT NOT NULL,
            because TEXT, from_id TEXT, to_id TEXT, watches TEXT NOT NULL,
            UNIQUE (source, from_ref, to_ref, type_name, redundancy_group))""",
        "CREATE INDEX edge_record_by_from ON edge_record (from_id, to_id) WHERE from_id IS NOT NULL",
        "CREATE INDEX edge_record_by_to ON edge_record (to_id) WHERE to_id IS NOT NULL",
        "CREATE INDEX edge_record_waiting ON edge_record (number) WHERE because IS NOT NULL",
        "CREATE TABLE watch (token TEXT, edge_record INTEGER, PRIMARY KEY (token, edge_record)) WITHOUT ROWID",
        """CREATE TABLE revision (
            number INTEGER PRIMARY KEY, head TEXT NOT NULL, count INTEGER NOT NULL, entries BLOB NOT NULL)""",
    ),
    (
        "ALTER TABLE record ADD COLUMN scope TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE record ADD COLUMN present INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE edge_record ADD COLUMN scope TEXT NOT NULL DEFAULT ''",
        """CREATE TABLE scope (source TEXT NOT NULL, name TEXT NOT NULL, seen TEXT NOT NULL, complete TEXT NOT NULL,
            PRIMARY KEY (source, name)) WITHOUT ROWID""",
    ),
    (
        "ALTER TABLE record ADD COLUMN claims TEXT NOT NULL DEFAULT '{}'",
        # registers, latest, whole; NULL where all reports are whole
        "ALTER TABLE record ADD COLUMN partial TEXT",
        "CREATE INDEX record_by_entity ON record (entity_id) WHERE present = 1",
        "CREATE TABLE claim (token TEXT, source TEXT, key TEXT, PRIMARY KEY (token, source, key)) WITHOUT ROWID",
        "ALTER TABLE entity ADD COLUMN split_from TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE entity ADD COLUMN disputed INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX edge_record_by_to_ref ON edge_record (source, to_ref)",
        "ALTER TABLE scope ADD COLUMN rejected TEXT NOT NULL DEFAULT '[]'",
        """CREATE TABLE decision (
            id TEXT PRIMARY KEY, kind TEXT NOT NULL, a_source TEXT NOT NULL, a_key TEXT NOT NULL,
            b_source TEXT NOT NULL, b_key TEXT NOT NULL, at TEXT NOT NULL, made_by TEXT NOT NULL, reason TEXT NOT NULL,
            taken_back TEXT NOT NULL)""",
        "CREATE INDEX decision_by_a ON decision (a_source, a_key)",
        "CREATE INDEX decision_by_b ON decision (b_source, b_key)",
        """CREATE TABLE finding (
            id TEXT PRIMARY KEY, code TEXT NOT NULL, records TEXT NOT NULL, what TEXT NOT NULL, veto TEXT NOT NULL,
            token TEXT NOT NULL)""",
        "CREATE INDEX finding_by_code ON finding (code, id)",
        "CREATE INDEX finding_by_token ON finding (token)",
        """CREATE TABLE finding_about (source TEXT, key TEXT, finding TEXT, PRIMARY KEY (source, key, finding))
            WITHOUT ROWID""",
        "CREATE INDEX finding_about_by_finding ON finding_about (finding)",
    ),
    (
        # a withdrawn record waits for nothing, and there may be as many of them as there ever were relationships
        "DROP INDEX edge_record_waiting",
        """CREATE INDEX edge_record_waiting ON edge_record (number)
            WHERE because IS NOT NULL AND because != 'WITHDRAWN'""",
    ),
    (
        "INSERT INTO meta VALUES ('horizon', 0), ('rewritten', 0)",
        "ALTER TABLE revision ADD COLUMN written TEXT NOT NULL DEFAULT ''",
        """UPDATE revision SET written = known.written FROM (
            SELECT number, max(json_extract(head, '$[3]')) OVER (ORDER BY number) AS written FROM revision) known
            WHERE known.number = revision.number""",
        "CREATE INDEX revision_by_time ON revision (written)",
        # which revisions changed a thing, or a relationship of it
        "CREATE TABLE touched (thing TEXT, revision INTEGER, PRIMARY KEY (thing, revision)) WITHOUT ROWID",
        "INSERT INTO touched SELECT t.value, r.number FROM revision r, json_each(touched_by(r.entries)) t",
        "CREATE INDEX entity_by_former_name ON entity (name) WHERE retired = 1",
        """CREATE TABLE redaction (source TEXT NOT NULL, key TEXT NOT NULL, attributes TEXT NOT NULL,
            PRIMARY KEY (source, key)) WITHOUT ROWID""",
    ),
    search.TABLES,
    (
        """CREATE TABLE baseline (
            name TEXT PRIMARY KEY, revision INTEGER NOT NULL, at TEXT NOT NULL, made_by TEXT NOT NULL,
            reason TEXT NOT NULL) WITHOUT ROWID""",
    ),
    images.TABLES,
    letters.TABLES,
    values.TABLES,
    tokens.TABLES,
    leases.TABLES,
    (
        "ALTER TABLE alias ADD COLUMN records TEXT NOT NULL DEFAULT '[]'",
        "ALTER TABLE alias ADD COLUMN since INTEGER NOT NULL DEFAULT 0",
    ),
    (
        # what a thing answers to is its name under each of its classes: an index of names tells it
        "DROP TABLE entity_name",
        "ALTER TABLE entity DROP COLUMN names",
        "DROP INDEX entity_by_name",
        "CREATE INDEX entity_by_name ON entity (name, class_name, id) WHERE retired = 0",
        # one that resolves has an edge, which leads to it by its ends
        "DROP INDEX edge_record_by_to",
        "CREATE INDEX edge_record_by_to ON edge_record (to_id) WHERE to_id IS NOT NULL AND because IS NOT NULL",
    ),
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to the newest schema.

    Raises
    ------
    StoreTooNew, StoreUnreachable
        The file was written by a newer knockon, or is another program's database.
    """
    if _version(connection) == len(MIGRATIONS):
        return
    connection.create_function("touched_by", 1, touched_by, deterministic=True)
    connection.execute("BEGIN IMMEDIATE")
    for migration in MIGRATIONS[_version(connection) :]:  # asked again: another process may have been first
        for statement in migration:
            connection.execute(statement)
    connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [len(MIGRATIONS)])
    connection.execute("COMMIT")


def _version(connection: sqlite3.Connection) -> int:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        return 0
    if "meta" not in tables:
        raise StoreUnreachable("The file is a database of another program; name another file.")
    ((version,),) = connection.execute("SELECT value FROM meta WHERE key = 'schema'")
    if version > len(MIGRATIONS):
        raise StoreTooNew(
            f"The store has schema {version}, this knockon knows up to {len(MIGRATIONS)}; use a newer knockon."
        )
    return int(version)
