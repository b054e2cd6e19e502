"""What one load says, sorted on disk: memory holds a batch of it, however much it is.

A temporary SQLite database, which spills from memory into a file by itself and is gone when it is closed.
"""

from __future__ import annotations

import pickle
import sqlite3
from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.contract.rows import EdgeRecordKey
from knockon.cmdb.reconciliation.taken import Taken
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import EdgeKey
    from knockon.cmdb.identity.finding_parents import Placings

_TABLES = """
CREATE TABLE entity (number INTEGER PRIMARY KEY, place TEXT UNIQUE, key TEXT, layer INTEGER, said BLOB);
CREATE TABLE relationship (number INTEGER PRIMARY KEY, place TEXT UNIQUE, said BLOB);
CREATE TABLE placing (child TEXT, number INTEGER, PRIMARY KEY (child, number)) WITHOUT ROWID;
CREATE TABLE hinted (child TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE again (number INTEGER PRIMARY KEY, seen TEXT, image BLOB, edge BLOB);
"""
_SOME = 2_000


class Spool:
    """Observations of one source that were taken, one for each place; a place is a key, or says more."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {_TABLES}")
        self._sorted = False

    def close(self) -> None:
        """Let go of all of it."""
        self._db.close()

    def keep_entity(self, place: str, layer: int, taken: Taken[EntityObservation]) -> Taken[EntityObservation] | None:
        """Keep the newer ``(seen, digest)`` of a place; give the other one if there was one."""
        row = (place, taken.said.key, layer, _packed(taken))
        if self._db.execute("INSERT OR IGNORE INTO entity (place, key, layer, said) VALUES (?, ?, ?, ?)", row).rowcount:
            return None
        ((said,),) = self._db.execute("SELECT said FROM entity WHERE place = ?", [place])
        other = _entity(said)
        if (taken.seen, taken.digest) > (other.seen, other.digest):
            self._db.execute("UPDATE entity SET layer = ?, said = ? WHERE place = ?", [layer, _packed(taken), place])
        return other

    def keep_relationship(
        self, key: EdgeRecordKey, children: Collection[str], taken: Taken[RelationshipObservation]
    ) -> Taken[RelationshipObservation] | None:
        """As ``keep_entity``; ``children`` are the keys of the records that it places in a parent."""
        place = orjson.dumps(key, default=tuple).decode()
        row = (place, _packed(taken))
        put = self._db.execute("INSERT OR IGNORE INTO relationship (place, said) VALUES (?, ?)", row)
        if put.rowcount:
            for child in children:
                self._db.execute("INSERT INTO placing VALUES (?, ?)", [child, put.lastrowid])
            return None
        ((said,),) = self._db.execute("SELECT said FROM relationship WHERE place = ?", [place])
        other = _relationship(said)
        if (taken.seen, taken.digest) > (other.seen, other.digest):
            self._db.execute("UPDATE relationship SET said = ? WHERE place = ?", [_packed(taken), place])
        return other

    @property
    def counts(self) -> tuple[int, int]:
        """How many observations there are: of things, of relationships."""
        ((entities,),) = self._db.execute("SELECT count(*) FROM entity")
        ((relationships,),) = self._db.execute("SELECT count(*) FROM relationship")
        return entities, relationships

    def entities(self) -> Iterator[Taken[EntityObservation]]:
        """Give observations of things, those of the lower layer first, else as they came."""
        if not self._sorted:
            self._db.execute("CREATE INDEX entity_by_layer ON entity (layer)")
            self._sorted = True
        return (_entity(said) for (said,) in self._db.execute("SELECT said FROM entity ORDER BY layer, number"))

    def relationships(self) -> Iterator[Taken[RelationshipObservation]]:
        """Give observations of relationships as they came."""
        return (_relationship(said) for (said,) in self._db.execute("SELECT said FROM relationship ORDER BY number"))

    def keys(self) -> Iterator[str]:
        """Give the native keys of the things, perhaps several times."""
        return (key for (key,) in self._db.execute("SELECT key FROM entity"))

    def edge_keys(self) -> Iterator[EdgeRecordKey]:
        """Give the keys of the relationships."""
        return (EdgeRecordKey(*orjson.loads(place)) for (place,) in self._db.execute("SELECT place FROM relationship"))

    def placings(self, source: str, keys: Collection[str]) -> Placings:
        """Give the relationships that place these records of a source in a parent."""
        found: Placings = {}
        rows = self._db.execute(
            "SELECT a.value, r.place FROM json_each(?) a CROSS JOIN placing p ON p.child = a.value"
            " CROSS JOIN relationship r ON r.number = p.number",
            [_asked(keys)],
        )
        for child, place in rows:
            found.setdefault((source, child), []).append(EdgeRecordKey(*orjson.loads(place)))
        return found

    def hint(self, keys: Iterable[str]) -> None:
        """Note records that were taken with a parent in view that the store did not have yet."""
        self._db.executemany("INSERT OR IGNORE INTO hinted VALUES (?)", ((key,) for key in keys))

    def hinted(self, keys: Collection[str]) -> set[str]:
        """Give those of these records that were noted."""
        rows = self._db.execute(
            "SELECT h.child FROM json_each(?) a CROSS JOIN hinted h ON h.child = a.value", [_asked(keys)]
        )
        return {key for (key,) in rows}

    def see_again(self, seen: Iterable[tuple[Image, EdgeKey | None]]) -> None:
        """Note unchanged records that were seen again: their images, and the edges that they speak of."""
        rows = ((image.after[0], pickle.dumps(image), edge and pickle.dumps(edge)) for image, edge in seen)
        self._db.executemany("INSERT INTO again (seen, image, edge) VALUES (?, ?, ?)", rows)

    def seen_again(self, size: int) -> Iterator[list[tuple[Image, EdgeKey | None]]]:
        """Give what was noted as seen again, in parts of at most ``size``, by the order in which it came."""
        rows = self._db.execute("SELECT image, edge FROM again ORDER BY number")
        while some := rows.fetchmany(size):
            yield [(pickle.loads(image), edge and pickle.loads(edge)) for image, edge in some]  # noqa: S301 - our own


def _asked(keys: Collection[str]) -> str:
    return orjson.dumps(sorted(keys)).decode()


def _packed(taken: Taken[Any]) -> bytes:
    """Give an observation as bytes; of a thing without the record as it was written, which nobody asks for again."""
    said = taken.said
    if isinstance(said, EntityObservation):
        own: tuple[Any, ...] = (said.source, said.key, said.class_name, said.attributes, said.seen, said.location)
        return pickle.dumps((*own, said.partial, taken.seen, taken.digest), pickle.HIGHEST_PROTOCOL)
    own = (said.source, said.type_name, said.from_ref, said.to_ref, said.attributes, said.seen, said.location)
    return pickle.dumps((*own, said.record, taken.seen, taken.digest), pickle.HIGHEST_PROTOCOL)


def _entity(packed: bytes) -> Taken[EntityObservation]:
    source, key, class_name, attributes, at, location, partial, seen, digest = pickle.loads(packed)  # noqa: S301 - ours
    return Taken(EntityObservation(source, key, class_name, attributes, at, location, None, partial), seen, digest)


def _relationship(packed: bytes) -> Taken[RelationshipObservation]:
    *own, seen, digest = pickle.loads(packed)  # noqa: S301 - this process packed it a moment ago
    return Taken(RelationshipObservation(*own), seen, digest)
