"""The store's own face: connections, sessions and transactions."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Concatenate, LiteralString, ParamSpec, TypeVar

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncGraphDatabase,
    NotificationDisabledClassification,
)

from knockon import __version__
from knockon.cmdb.contract.indexing import indexed
from knockon.cmdb.contract.words import shown_last
from knockon.cmdb.stores.neo4j import baselines, reads, said, schema, search, seen
from knockon.cmdb.stores.neo4j.cypher import run
from knockon.cmdb.stores.neo4j.errors import driver_errors
from knockon.cmdb.stores.neo4j.identity import IdentityReads
from knockon.cmdb.stores.neo4j.journal import Neo4jJournal
from knockon.cmdb.stores.neo4j.leases import Neo4jLeases
from knockon.cmdb.stores.neo4j.letters import LetterReads
from knockon.cmdb.stores.neo4j.moving import Neo4jMoving
from knockon.cmdb.stores.neo4j.pages import Wanted, count, page
from knockon.cmdb.stores.neo4j.scan import scan
from knockon.cmdb.stores.neo4j.tokens import TokenReads
from knockon.cmdb.stores.neo4j.write import TAKE_REVISION, Neo4jWrite
from knockon.errors import StoreFailed, StoreUnfinished, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection

    from neo4j import AsyncDriver, AsyncManagedTransaction, AsyncSession

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

P = ParamSpec("P")
T = TypeVar("T")

LONGEST_WRITE = 300.0
"""Seconds after which the server ends a write, waiting for its turn included: a lost client blocks nobody for ever."""


class Neo4jStore(IdentityReads, LetterReads, TokenReads, Neo4jLeases, Neo4jJournal, Neo4jMoving):
    """An estate in a Neo4j database, 5.26 or newer; see ``knockon.cmdb.contract.Store``.

    ``uri`` is ``neo4j://`` or ``bolt://`` (``+s`` for TLS). Belongs to the event loop that opened it.
    """

    def __init__(self, uri: str, user: str | None, password: str | None, model: Model, database: str = "neo4j") -> None:
        self._uri = uri
        self._auth = (user, password or "") if user else None
        self._model = model
        self._database = database
        self._indexed = indexed(model)
        self._opened: AsyncDriver | None = None
        # what this store wrote it reads again, from whatever member of a cluster
        self._bookmarks = AsyncGraphDatabase.bookmark_manager()

    async def open(self) -> None:
        await self._open(unfinished=False)

    async def _open(self, *, unfinished: bool) -> None:
        try:
            with driver_errors():
                self._opened = AsyncGraphDatabase.driver(
                    self._uri,
                    auth=self._auth,
                    telemetry_disabled=True,
                    user_agent=f"knockon/{__version__}",
                    # an estate without a single switch is no reason for a warning about "Switch"
                    notifications_disabled_classifications=[NotificationDisabledClassification.UNRECOGNIZED],
                )
                await self._opened.verify_connectivity()
                async with self._session(WRITE_ACCESS) as session:
                    await schema.migrate(session, self._model, unfinished=unfinished)
        except (OSError, ValueError) as error:  # an address that is none
            await self.close()
            raise StoreUnreachable(f"Neo4j could not be reached at {self._uri}: {error}.") from error
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._opened is not None:
            driver, self._opened = self._opened, None
            await driver.close()

    def _session(self, access: str = READ_ACCESS) -> AsyncSession:
        if self._opened is None:
            raise StoreUnreachable("This store is not open.")
        return self._opened.session(
            database=self._database, default_access_mode=access, bookmark_manager=self._bookmarks
        )

    async def _read(
        self,
        work: Callable[Concatenate[AsyncManagedTransaction, P], Awaitable[T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        with driver_errors():
            async with self._session() as session:
                return await session.execute_read(work, *args, **kwargs)

    async def _look(self, statement: LiteralString, parameters: dict[str, Any]) -> list[Any]:
        return await self._read(run, statement, parameters)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Neo4jWrite]:
        with driver_errors():
            async with (
                self._session(WRITE_ACCESS) as session,
                await session.begin_transaction(timeout=LONGEST_WRITE) as tx,
            ):
                taken = await run(tx, TAKE_REVISION, {})
                if not taken:
                    raise StoreFailed("The estate was removed from this database while it was open.")
                if taken[0][0] is None:
                    raise StoreUnfinished.anew()
                write = Neo4jWrite(tx, self._model, taken[0][0])
                yield write
                await write.commit()

    async def revision(self) -> int:
        return await self._read(reads.revision)

    async def scan(self, classes: Collection[str]) -> Scan:
        with driver_errors():
            async with self._session(WRITE_ACCESS) as session:
                return await scan(session, classes)

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        return await self._read(reads.resolve, tokens)

    async def edge_records(self, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
        return await self._read(said.edge_records, keys)

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        return await self._read(said.sayings, keys)

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        return await self._read(said.scopes, sources)

    async def baselines(self) -> list[Baseline]:
        return await self._read(baselines.baselines)

    async def last_seen(self) -> dict[str, str]:
        return await self._read(seen.last_seen)

    async def held(self, source: str, scope: str) -> Held:
        return await self._read(reads.held, source, scope)

    async def reported_by(self, source: str) -> Held:
        return await self._read(reads.reported_by, source)

    async def reckoned(self) -> str:
        return await self._read(reads.reckoned)

    async def every_record(self) -> tuple[dict[str, list[tuple[str, str]]], list[EdgeRecordKey]]:
        return await self._read(reads.every_record)

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        return await self._read(reads.count_held, source, scope)

    async def named(self, name: str, limit: int = 10) -> list[Entity]:
        return await self._read(reads.named, name, limit)

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        return await self._read(reads.entities, ids, retired=False)

    async def page(self, classes: Collection[str], where: Condition | None, *, by: OrderBy | None = None,
                   after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
                   bound: int | None = None) -> list[Entity]:  # fmt: skip
        wanted = Wanted(classes, where, self._indexed)
        return await self._read(
            page, wanted, by=by, after=after, before=before, limit=limit, backward=backward, bound=bound
        )

    async def count(self, classes: Collection[str], where: Condition | None, *, bound: int | None = None) -> int:
        return await self._read(count, Wanted(classes, where, self._indexed), bound)

    async def search(self, sought: Query, classes: Collection[str], *, after: str | None = None,
                     before: str | None = None, limit: int, backward: bool = False) -> list[Found]:  # fmt: skip
        return await self._read(
            search.search, sought, classes, shown_last(self._model), after=after, before=before, limit=limit,
            backward=backward,
        )  # fmt: skip

    async def count_found(self, sought: Query, classes: Collection[str]) -> int:
        return await self._read(search.count_found, sought, classes)

    async def neighbours(self, ids: Collection[str], type_name: str, direction: Direction, *,
                         after: str | None = None, before: str | None = None, limit: int,
                         backward: bool = False) -> dict[str, list[Neighbour]]:  # fmt: skip
        return await self._read(
            reads.neighbours, ids, type_name, direction, after=after, before=before, limit=limit, backward=backward
        )

    async def count_neighbours(self, ids: Collection[str], type_name: str, direction: Direction) -> dict[str, int]:
        return await self._read(reads.count_neighbours, ids, type_name, direction)

    async def count_related(self, ids: Collection[str]) -> dict[str, dict[Way, int]]:
        return await self._read(reads.count_related, ids)
