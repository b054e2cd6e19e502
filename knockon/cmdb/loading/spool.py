"""What one load says, sorted on disk: memory holds a batch of it, however much it is.

A temporary SQLite database, which spills from memory into a file by itself and is gone when it is closed.
"""

# ruff: noqa: S608 - the text is made of constants of this module

from __future__ import annotations

import marshal
import sqlite3
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import orjson

from knockon.cmdb.contract.rows import EdgeRecordKey
from knockon.cmdb.reconciliation.taken import Said, Taken
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from knockon.cmdb.identity.finding_parents import Placings

_TABLES = """
CREATE TABLE entity (number INTEGER PRIMARY KEY, place TEXT UNIQUE, key TEXT, layer INTEGER, said BLOB);
CREATE TABLE relationship (number INTEGER PRIMARY KEY, place TEXT UNIQUE, said BLOB);
CREATE TABLE placing (child TEXT, place TEXT, PRIMARY KEY (child, place)) WITHOUT ROWID;
CREATE TABLE hinted (child TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE again (number INTEGER PRIMARY KEY, seen BLOB);
"""
_REPLACE = "ON CONFLICT (place) DO UPDATE SET said = excluded.said"
IN_MEMORY = 50_000_000
"""Bytes, about, of what a load says that are kept in memory; what it has more goes to disk."""
_MOST_AGAIN = 50_000
_APART = 500  # bytes of an observation without its texts, about

Place = TypeVar("Place")


class Again(NamedTuple):
    """An unchanged record that was seen again.

    ``key`` is (source, key), or that of an edge record, which has the edge that it means; ``before`` is when it
    had been seen.
    """

    key: tuple[str, ...]
    digest: str
    before: str
    seen: str
    edge: tuple[str, ...] | None = None


class Spool:
    """Observations of one source that were taken, one for each place: the newer ``(seen, digest)``.

    ``layer`` says of a class which things are read first; ``twice`` is told of two of one place, the later one first.
    First all is kept, then it is read.
    """

    def __init__(self, layer: Callable[[str], int], twice: Callable[[Taken[Any], Taken[Any]], None]) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; {_TABLES}")
        self._layer = layer
        self._twice = twice
        self._entities: dict[str, Taken[EntityObservation]] = {}
        self._relationships: dict[EdgeRecordKey, Taken[RelationshipObservation]] = {}
        self._children: dict[str, list[EdgeRecordKey]] = {}
        self._again: list[Again] = []
        self._weight = 0
        self._put_away = False

    def close(self) -> None:
        """Let go of all of it."""
        self._db.close()

    def keep_entity(self, place: str, taken: Taken[EntityObservation]) -> None:
        """Keep what is said of a thing."""
        self._keep(self._entities, place, taken)
        if self._weight > IN_MEMORY:
            self._put_all()

    def keep_relationship(
        self, key: EdgeRecordKey, children: Collection[str], taken: Taken[RelationshipObservation]
    ) -> None:
        """Keep what is said of a relationship; ``children`` are the keys of the records that it places in a parent."""
        if children and key not in self._relationships:
            for child in children:
                self._children.setdefault(child, []).append(key)
        self._keep(self._relationships, key, taken)
        if self._weight > IN_MEMORY:
            self._put_all()

    def _keep(self, fresh: dict[Place, Taken[Said]], place: Place, taken: Taken[Said]) -> None:
        other = fresh.get(place)
        if other is not None:
            self._twice(taken, other)
        self._weight += _APART
        if said := taken.said.attributes:
            self._weight += sum([len(each) for each in said.values() if isinstance(each, str)])
        if other is None or taken.age > other.age:
            fresh[place] = taken

    def _put_all(self) -> None:
        """Put what is in memory away, in place of older ones."""
        self._put_entities()
        self._put_relationships()
        self._weight = 0
        self._put_away = True

    def _put_entities(self) -> None:
        statement = (
            f"INSERT INTO entity (place, key, layer, said) VALUES (?, ?, ?, ?) {_REPLACE}, layer = excluded.layer"
        )
        rows = self._newer(self._entities, "entity", _entity)
        self._db.executemany(
            statement,
            ((place, each.said.key, self._layer(each.said.class_name), _packed(each)) for place, each in rows),
        )
        self._entities.clear()

    def _put_relationships(self) -> None:
        rows = self._newer(
            {_place(key): each for key, each in self._relationships.items()}, "relationship", _relationship
        )
        put = ((place, _packed(each)) for place, each in rows)
        self._db.executemany(f"INSERT INTO relationship (place, said) VALUES (?, ?) {_REPLACE}", put)
        placed = ((child, _place(key)) for child, keys in self._children.items() for key in keys)
        self._db.executemany("INSERT OR IGNORE INTO placing VALUES (?, ?)", placed)
        self._relationships.clear()
        self._children.clear()

    def _newer(
        self, fresh: dict[str, Taken[Said]], table: str, read: Callable[[bytes], Taken[Said]]
    ) -> list[tuple[str, Taken[Said]]]:
        """Give those that are not older than what has been put away of their place."""
        asked = f"SELECT k.place, k.said FROM json_each(?) a CROSS JOIN {table} k ON k.place = a.value"
        older: set[str] = set()
        for place, said in self._db.execute(asked, [orjson.dumps(list(fresh)).decode()]).fetchall():
            other = read(said)
            self._twice(fresh[place], other)
            if fresh[place].age <= other.age:
                older.add(place)
        return [(place, each) for place, each in fresh.items() if place not in older]

    def seal(self) -> None:
        """End the keeping; what fits into memory stays there."""
        if self._put_away:
            self._put_all()
            self._db.execute("CREATE INDEX entity_by_layer ON entity (layer)")

    @property
    def counts(self) -> tuple[int, int]:
        """How many observations there are: of things, of relationships."""
        if not self._put_away:
            return len(self._entities), len(self._relationships)
        ((entities,),) = self._db.execute("SELECT count(*) FROM entity")
        ((relationships,),) = self._db.execute("SELECT count(*) FROM relationship")
        return entities, relationships

    def entities(self) -> Iterator[Taken[EntityObservation]]:
        """Give observations of things, those of the lower layer first, else as they came."""
        if not self._put_away:
            return iter(sorted(self._entities.values(), key=lambda each: self._layer(each.said.class_name)))
        return (_entity(said) for (said,) in self._db.execute("SELECT said FROM entity ORDER BY layer, number"))

    def relationships(self) -> Iterator[Taken[RelationshipObservation]]:
        """Give observations of relationships as they came."""
        if not self._put_away:
            return iter(self._relationships.values())
        return (_relationship(said) for (said,) in self._db.execute("SELECT said FROM relationship ORDER BY number"))

    def keys(self) -> Iterator[str]:
        """Give the native keys of the things, perhaps several times."""
        if not self._put_away:
            return (each.said.key for each in self._entities.values())
        return (key for (key,) in self._db.execute("SELECT key FROM entity"))

    def edge_keys(self) -> Iterator[EdgeRecordKey]:
        """Give the keys of the relationships."""
        if not self._put_away:
            return iter(self._relationships)
        return (EdgeRecordKey(*orjson.loads(place)) for (place,) in self._db.execute("SELECT place FROM relationship"))

    def placings(self, source: str, keys: Collection[str]) -> Placings:
        """Give the relationships that place these records of a source in a parent."""
        if not self._put_away:
            return {(source, key): self._children[key] for key in keys if key in self._children}
        found: Placings = {}
        asked = "SELECT a.value, p.place FROM json_each(?) a CROSS JOIN placing p ON p.child = a.value"
        for child, place in self._db.execute(asked, [_asked(keys)]):
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

    def see_again(self, seen: Iterable[Again]) -> None:
        """Note unchanged records that were seen again."""
        self._again += seen
        if len(self._again) >= _MOST_AGAIN:
            self._db.execute(
                "INSERT INTO again (seen) VALUES (?)", [marshal.dumps([tuple(each) for each in self._again])]
            )
            self._again.clear()

    def seen_again(self, size: int) -> Iterator[list[Again]]:
        """Give what was noted as seen again, in parts of at most ``size``, in the order in which it came."""
        blobs = self._db.execute("SELECT seen FROM again ORDER BY number")
        away = (Again(*row) for (blob,) in blobs for row in marshal.loads(blob))  # noqa: S302 - our own, as below
        rows = chain(away, self._again)
        while some := list(islice(rows, size)):
            yield some


def _place(key: EdgeRecordKey) -> str:
    return orjson.dumps(key, default=tuple).decode()


def _asked(keys: Collection[str]) -> str:
    return orjson.dumps(sorted(keys)).decode()


def _packed(taken: Taken[Any]) -> bytes:
    """Give an observation as bytes; of a thing without the record as it was written, which nobody asks for again.

    Attributes are JSON values by now; a record that is none is left out.
    """
    said = taken.said
    if isinstance(said, EntityObservation):
        own: tuple[Any, ...] = (said.source, said.key, said.class_name, said.attributes, said.seen, said.location)
        return marshal.dumps((own, said.partial, taken.seen, taken.digest))
    own = (said.source, said.type_name, said.from_ref, said.to_ref, said.attributes, said.seen, said.location)
    try:
        return marshal.dumps((own, said.record, taken.seen, taken.digest))
    except ValueError:
        return marshal.dumps((own, None, taken.seen, taken.digest))


def _entity(packed: bytes) -> Taken[EntityObservation]:
    (source, key, class_name, attributes, at, location), partial, seen, digest = marshal.loads(packed)  # noqa: S302 - ours
    return Taken(EntityObservation(source, key, class_name, attributes, at, location, None, partial), seen, digest)


def _relationship(packed: bytes) -> Taken[RelationshipObservation]:
    own, record, seen, digest = marshal.loads(packed)  # noqa: S302 - this process packed it a moment ago
    source, type_name, from_ref, to_ref, attributes, at, location = own
    said = RelationshipObservation(source, type_name, from_ref, to_ref, attributes, at, location, record)
    return Taken(said, seen, digest)
