"""The embedded store."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from knockon.cmdb.contract.indexing import indexed
from knockon.cmdb.contract.words import shown_last
from knockon.cmdb.stores.sqlite import baselines, pages, reads, search, values
from knockon.cmdb.stores.sqlite.database import Database
from knockon.cmdb.stores.sqlite.identity import IdentityReads
from knockon.cmdb.stores.sqlite.journal import SqliteJournal
from knockon.cmdb.stores.sqlite.leases import SqliteLeases
from knockon.cmdb.stores.sqlite.letters import LetterReads
from knockon.cmdb.stores.sqlite.moving import SqliteMoving
from knockon.cmdb.stores.sqlite.schema import migrate
from knockon.cmdb.stores.sqlite.seen import last_seen
from knockon.cmdb.stores.sqlite.tokens import TokenReads
from knockon.cmdb.stores.sqlite.write import SqliteWrite, begin
from knockon.errors import StoreUnreachable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Collection
    from pathlib import Path

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import (
        Baseline,
        EdgeKey,
        EdgeRecord,
        EdgeRecordKey,
        Entity,
        Found,
        Held,
        Neighbour,
        Scan,
        Scope,
    )
    from knockon.cmdb.contract.store import Direction, Way
    from knockon.cmdb.contract.words import Query
    from knockon.schema.model import Model

T = TypeVar("T")


class SqliteStore(IdentityReads, LetterReads, TokenReads, SqliteLeases, SqliteJournal, SqliteMoving):
    """A ``contract.Store`` in one SQLite file, for any number of tasks and processes on one machine.

    What is committed survives the death of the process; a power cut may take the last moments with
    it, never part of a write. A writer waits ``busy_timeout`` seconds for its turn, then raises
    StoreBusy. ``open`` creates the file, in a folder that is there already. Attributes are kept as JSON; those that
    the model calls ``indexed`` have an index, and a condition on another one reads the entities of the asked classes in
    order until the page is full. Opened with another model, a store makes the indexes that it asks for, and its
    index of words anew.
    """

    def __init__(self, path: Path, model: Model, *, busy_timeout: float = 30.0) -> None:
        self._path = path
        self._model = model
        self._indexes = indexed(model)
        self._busy_timeout = busy_timeout
        self._opened: Database | None = None

    async def open(self) -> None:
        def opening() -> Database:
            if not self._path.parent.is_dir():
                raise StoreUnreachable(
                    f"{self._path}: there is no folder {self._path.parent}; make it, or mend the path."
                )
            return Database(self._path, self._busy_timeout, self._prepare)

        self._opened = await asyncio.to_thread(opening)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        migrate(connection)
        values.prepare(connection, self._indexes)
        search.renew(connection, self._model)

    async def close(self) -> None:
        database, self._opened = self._opened, None
        if database:
            await asyncio.to_thread(database.close)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[SqliteWrite]:
        database = self._database
        async with database.turn():
            writing = SqliteWrite(database.write, await database.write(begin), self._model)
            yield writing
            writing.check()
            await database.write(lambda connection: connection.execute("COMMIT"))

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._database.read(work)

    async def revision(self) -> int:
        return await self._database.read(reads.revision)

    async def scan(self, classes: Collection[str]) -> Scan:
        return await self._database.read(partial(reads.scan, classes=classes))

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        return await self._database.read(partial(reads.resolve, tokens=tokens, model=self._model))

    async def edge_records(self, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
        return await self._database.read(partial(reads.edge_records, keys=keys))

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        return await self._database.read(partial(reads.sayings, keys=keys))

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        return await self._database.read(partial(reads.scopes, sources=sources))

    async def baselines(self) -> list[Baseline]:
        return await self._database.read(baselines.baselines)

    async def last_seen(self) -> dict[str, str]:
        return await self._database.read(last_seen)

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        return await self._database.read(partial(reads.count_held, of=(source, scope)))

    async def reported_by(self, source: str) -> Held:
        return await self._database.read(partial(reads.reported_by, source=source))

    async def reckoned(self) -> str:
        return await self._database.read(reads.reckoned)

    async def every_record(self) -> tuple[dict[str, list[tuple[str, str]]], list[EdgeRecordKey]]:
        return await self._database.read(reads.every_record)

    async def held(self, source: str, scope: str) -> Held:
        return await self._database.read(partial(reads.held, of=(source, scope)))

    async def named(self, name: str, limit: int = 10) -> list[Entity]:
        return await self._database.read(partial(reads.named, name=name, limit=limit))

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        return await self._database.read(partial(reads.live_entities, ids=ids))

    async def page(
        self,
        classes: Collection[str],
        where: Condition | None,
        *,
        by: OrderBy | None = None,
        after: str | None = None,
        before: str | None = None,
        limit: int,
        backward: bool = False,
        bound: int | None = None,
    ) -> list[Entity]:
        read = partial(
            pages.page, sought=pages.Sought(classes, where, self._indexes), by=by, after=after, before=before,
            limit=limit, backward=backward, bound=bound,
        )  # fmt: skip
        return await self._database.read(read)

    async def count(self, classes: Collection[str], where: Condition | None, *, bound: int | None = None) -> int:
        sought = pages.Sought(classes, where, self._indexes)
        return await self._database.read(partial(pages.count, sought=sought, bound=bound))

    async def search(
        self,
        sought: Query,
        classes: Collection[str],
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int,
        backward: bool = False,
    ) -> list[Found]:
        read = partial(
            search.search, sought=sought, classes=classes, last=shown_last(self._model), after=after, before=before,
            limit=limit, backward=backward,
        )  # fmt: skip
        return await self._database.read(read)

    async def count_found(self, sought: Query, classes: Collection[str]) -> int:
        return await self._database.read(partial(search.count_found, sought=sought, classes=classes))

    async def neighbours(
        self,
        ids: Collection[str],
        type_name: str,
        direction: Direction,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int,
        backward: bool = False,
    ) -> dict[str, list[Neighbour]]:
        read = partial(
            reads.neighbours, ids=ids, type_name=type_name, direction=direction,
            after=after, before=before, limit=limit, backward=backward,
        )  # fmt: skip
        return await self._database.read(read)

    async def count_neighbours(self, ids: Collection[str], type_name: str, direction: Direction) -> dict[str, int]:
        read = partial(reads.count_neighbours, ids=ids, type_name=type_name, direction=direction)
        return await self._database.read(read)

    async def count_related(self, ids: Collection[str]) -> dict[str, dict[Way, int]]:
        return await self._database.read(partial(reads.count_related, ids=ids))

    @property
    def _database(self) -> Database:
        if self._opened is None:
            raise StoreUnreachable(f"{self._path}: the store is not open.")
        return self._opened
