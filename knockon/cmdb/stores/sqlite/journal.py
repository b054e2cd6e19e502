"""The journal in the embedded store: a revision's entries are one compressed value, and what they touch is indexed."""

# ruff: noqa: D103 - what each promises stands in journal.py of cmdb

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING

import orjson

from knockon.cmdb.contract.rows import things_of, touching
from knockon.cmdb.stores.sqlite import reads
from knockon.cmdb.stores.sqlite.images import images
from knockon.cmdb.stores.sqlite.rows import ENTITY, asked, entity_of, head_row, packed, revision_of, unpacked
from knockon.errors import JournalCompacted
from knockon.schema import values

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import Entity, JournalEntry, Revision, RevisionHead
    from knockon.cmdb.stores.sqlite.database import Database

HORIZON = "SELECT value FROM meta WHERE key = 'horizon'"

REWRITTEN = "SELECT value FROM meta WHERE key = 'rewritten'"

FEED = "SELECT number, head, count, entries, written FROM revision WHERE number > ? ORDER BY number LIMIT ?"

# The time of writing never goes back, also where two writers' clocks disagree.
PUT_REVISION = """INSERT INTO revision (number, head, count, entries, written) VALUES (?, ?, ?, ?, max(?,
    coalesce((SELECT earlier.written FROM revision earlier WHERE earlier.number = ?), '')))"""

PUT_TOUCHED = "INSERT INTO touched SELECT a.value, ? FROM json_each(?) a"

REVISION_AT = "SELECT number FROM revision WHERE written <= ? ORDER BY written DESC, number DESC LIMIT 1"

WRITTEN_AT = "SELECT written FROM revision WHERE number = ?"

COUNT_ENTRIES = "SELECT coalesce(sum(count), 0) FROM revision WHERE number > ? AND number <= ?"

ALIASES = f"""SELECT a.value, o.alias FROM json_each(?) a CROSS JOIN alias o
    ON o.entity_id = {reads.STANDS_FOR("a.value")}"""  # noqa: S608 - of constants

STOOD_FOR = f"SELECT a.value, {reads.STANDS_FOR('a.value')} FROM json_each(?) a"  # noqa: S608 - of constants

TOUCHED = """SELECT json_extract(a.value, '$[0]'), t.revision FROM json_each(?) a CROSS JOIN touched t
    ON t.thing = json_extract(a.value, '$[1]') AND t.revision > ? AND t.revision < ?"""

REVISIONS = """SELECT r.number, r.head, r.count, r.entries, r.written FROM json_each(?) a
    CROSS JOIN revision r ON r.number = a.value"""

RECORDED = """SELECT r.source, r.key, r.entity_id FROM json_each(?) a CROSS JOIN record r
    ON r.source = json_extract(a.value, '$[0]') AND r.key = json_extract(a.value, '$[1]')"""

RETIRED = f"SELECT {ENTITY} FROM entity n WHERE n.name = ? AND n.retired = 1 ORDER BY n.sort_key LIMIT ?"  # noqa: S608


ENTRIES = "SELECT entries FROM revision WHERE number = ?"

COMPACT = "UPDATE revision SET entries = x'' WHERE number = ?"

FORGET_TOUCHED = "DELETE FROM touched WHERE thing IN (SELECT value FROM json_each(?)) AND revision = ?"

MARK = "UPDATE meta SET value = max(value, ?) WHERE key = ?"


def touched_by(entries: bytes) -> str:
    """Give the JSON list of what packed entries touch; an SQL function while a file is migrated."""
    return asked(things_of(unpacked(entries)))


def put_revision(
    connection: sqlite3.Connection, number: int, head: RevisionHead, entries: Sequence[JournalEntry]
) -> None:
    now = values.now()
    connection.execute(PUT_REVISION, (number, head_row(head), len(entries), packed(entries), now, number - 1))
    connection.execute(PUT_TOUCHED, (number, asked(things_of(entries))))


def horizon(connection: sqlite3.Connection) -> int:
    ((number,),) = connection.execute(HORIZON)
    return int(number)


def rewritten(connection: sqlite3.Connection) -> int:
    ((number,),) = connection.execute(REWRITTEN)
    return int(number)


def compact(connection: sqlite3.Connection, until: int, revision: int) -> None:
    for number in range(horizon(connection) + 1, until + 1):
        ((entries,),) = connection.execute(ENTRIES, [number])
        connection.execute(FORGET_TOUCHED, [touched_by(entries), number])
        connection.execute(COMPACT, [number])
    connection.execute(MARK, [until, "horizon"])
    connection.execute(MARK, [revision, "rewritten"])


def _refuse_compacted(connection: sqlite3.Connection, since: int) -> None:
    if since < (oldest := horizon(connection)):
        raise JournalCompacted.before(oldest)


def images_of_revision(connection: sqlite3.Connection, number: int) -> list[Image]:
    _refuse_compacted(connection, number - 1)
    return images(connection, number)


def feed(connection: sqlite3.Connection, since: int, limit: int) -> list[Revision]:
    _refuse_compacted(connection, since)
    return [revision_of(row) for row in connection.execute(FEED, [since, limit])]


def revision_at(connection: sqlite3.Connection, moment: str) -> int:
    found = connection.execute(REVISION_AT, [moment]).fetchone()
    return int(found[0]) if found else 0


def written_at(connection: sqlite3.Connection, number: int) -> str | None:
    found = connection.execute(WRITTEN_AT, [number]).fetchone()
    return str(found[0]) if found else None


def count_entries(connection: sqlite3.Connection, since: int, until: int) -> int:
    _refuse_compacted(connection, since)
    ((number,),) = connection.execute(COUNT_ENTRIES, [since, until])
    return int(number)


def aliases(connection: sqlite3.Connection, ids: Collection[str]) -> dict[str, frozenset[str]]:
    found = {id_: {id_, thing} for id_, thing in connection.execute(STOOD_FOR, [asked(ids)])}
    for id_, alias in connection.execute(ALIASES, [asked(ids)]):
        found[id_].add(alias)
    return {id_: frozenset(own) for id_, own in found.items()}


def history(
    connection: sqlite3.Connection, ids: Collection[str], since: int, before: int | None, limit: int
) -> dict[str, list[Revision]]:
    parts = aliases(connection, ids)
    pairs = [(id_, part) for id_, own in parts.items() for part in own]
    numbers: dict[str, set[int]] = {id_: set() for id_ in ids}
    beyond = 1 << 62 if before is None else before
    for id_, number in connection.execute(TOUCHED, [asked(pairs), since, beyond]):
        numbers[id_].add(number)
    newest = {id_: sorted(found, reverse=True)[:limit] for id_, found in numbers.items()}
    wanted = sorted({number for found in newest.values() for number in found})
    told: dict[tuple[str, int], Revision] = {}
    for row in connection.execute(REVISIONS, [orjson.dumps(wanted).decode()]):
        revision = revision_of(row)
        told |= {
            (id_, revision.number): touching(revision, parts[id_])
            for id_, found in newest.items()
            if revision.number in found
        }
    return {id_: [told[id_, number] for number in found] for id_, found in newest.items()}


def recorded(connection: sqlite3.Connection, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    return {(source, key): id_ for source, key, id_ in connection.execute(RECORDED, [asked(keys)])}


def retired(connection: sqlite3.Connection, name: str, limit: int) -> list[Entity]:
    return [entity_of(row) for row in connection.execute(RETIRED, [name, limit])]


class SqliteJournal(ABC):
    """See ``knockon.cmdb.journal.Journal``."""

    @property
    @abstractmethod
    def _database(self) -> Database:
        """Read on a connection of the store, or of the write at hand."""

    async def horizon(self) -> int:
        return await self._database.read(horizon)

    async def rewritten(self) -> int:
        return await self._database.read(rewritten)

    async def feed(self, since: int, limit: int = 100) -> list[Revision]:
        return await self._database.read(partial(feed, since=since, limit=limit))

    async def revision_at(self, moment: str) -> int:
        return await self._database.read(partial(revision_at, moment=moment))

    async def written_at(self, revision: int) -> str | None:
        return await self._database.read(partial(written_at, number=revision))

    async def images(self, revision: int) -> list[Image]:
        return await self._database.read(partial(images_of_revision, number=revision))

    async def count_entries(self, since: int, until: int) -> int:
        return await self._database.read(partial(count_entries, since=since, until=until))

    async def history(
        self, ids: Collection[str], *, since: int = 0, before: int | None = None, limit: int
    ) -> dict[str, list[Revision]]:
        return await self._database.read(partial(history, ids=ids, since=since, before=before, limit=limit))

    async def aliases(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        return await self._database.read(partial(aliases, ids=ids))

    async def known(self, ids: Collection[str]) -> dict[str, Entity]:
        return await self._database.read(partial(reads.entities, ids=ids))

    async def recorded(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        return await self._database.read(partial(recorded, keys=keys))

    async def retired(self, name: str, limit: int = 10) -> list[Entity]:
        return await self._database.read(partial(retired, name=name, limit=limit))
