"""The embedded store: one SQLite file, for trying knockon out and for one machine."""

from knockon.cmdb.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
