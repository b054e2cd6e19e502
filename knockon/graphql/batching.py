"""One request's view of the store: what many fields ask for at the same moment becomes one call.

Without it a list of 50 things with one relation each would cost 51 calls. Every read goes through
here, those of the impact answers too, so nothing has to be prepared or looked ahead for. What was
read once in a request is not read again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

from knockon.graphql.pace import Loader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import (
        DeadLetter,
        Decision,
        EdgeKey,
        EdgeRecord,
        Entity,
        Found,
        IdentityFinding,
        Neighbour,
        Record,
        Revision,
        Scan,
        Scope,
    )
    from knockon.cmdb.contract.store import Direction, Store, Way
    from knockon.cmdb.contract.words import Query
    from knockon.graphql.pace import Pace

K = TypeVar("K")
T = TypeVar("T")


class BatchedStore:
    """The reading half of ``Store``, batched and remembered for the length of one request.

    Results are the caller's own lists; the rows in them are shared.
    """

    def __init__(self, store: Store, pace: Pace) -> None:
        self._store = store
        self._pace = pace
        self._loaders: dict[Hashable, Loader[Any, Any]] = {}
        self._answers: dict[Hashable, asyncio.Future[Any]] = {}

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Store.entities``."""

        async def read(keys: list[str]) -> list[Entity | None]:
            found = await self._store.entities(keys)
            return [found.get(key) for key in keys]

        found = await self._each("entities", ids, read)
        return {id_: entity for id_, entity in found.items() if entity is not None}

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        """As ``Store.resolve``."""

        async def read(keys: list[str]) -> list[list[str]]:
            found = await self._store.resolve(keys)
            return [found.get(key, []) for key in keys]

        found = await self._each("resolve", tokens, read)
        return {token: list(ids) for token, ids in found.items() if ids}

    async def neighbours(
        self, ids: Collection[str], type_name: str, direction: Direction, *,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
    ) -> dict[str, list[Neighbour]]:  # fmt: skip
        """As ``Store.neighbours``."""

        async def read(keys: list[str]) -> list[list[Neighbour]]:
            found = await self._store.neighbours(
                keys, type_name, direction, after=after, before=before, limit=limit, backward=backward
            )
            return [found.get(key, []) for key in keys]

        kind = ("neighbours", type_name, direction, after, before, limit, backward)
        found = await self._each(kind, ids, read)
        return {id_: list(neighbours) for id_, neighbours in found.items()}

    async def count_neighbours(self, ids: Collection[str], type_name: str, direction: Direction) -> dict[str, int]:
        """As ``Store.count_neighbours``."""

        async def read(keys: list[str]) -> list[int]:
            found = await self._store.count_neighbours(keys, type_name, direction)
            return [found.get(key, 0) for key in keys]

        return await self._each(("count", type_name, direction), ids, read)

    async def count_related(self, ids: Collection[str]) -> dict[str, dict[Way, int]]:
        """As ``Store.count_related``."""

        async def read(keys: list[str]) -> list[dict[Way, int]]:
            found = await self._store.count_related(keys)
            return [found[key] for key in keys]

        return await self._each("related", ids, read)

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        """As ``Store.sayings``."""

        async def read(wanted: list[EdgeKey]) -> list[list[EdgeRecord]]:
            found = await self._store.sayings(wanted)
            return [found.get(key, []) for key in wanted]

        found = await self._each("sayings", keys, read)
        return {key: list(records) for key, records in found.items() if records}

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        """As ``Store.scopes``."""

        async def read(wanted: list[str]) -> list[list[Scope]]:
            found = await self._store.scopes(wanted)
            return [[each for (source, _), each in found.items() if source == one] for one in wanted]

        found = await self._each("scopes", sources, read)
        return {(each.source, each.name): each for scopes in found.values() for each in scopes}

    async def members(self, ids: Collection[str]) -> list[Record]:
        """As ``Store.members``."""

        async def read(keys: list[str]) -> list[list[Record]]:
            found: dict[str, list[Record]] = {}
            for each in await self._store.members(keys):
                found.setdefault(each.entity_id, []).append(each)
            return [found.get(key, []) for key in keys]

        found = await self._each("members", set(ids), read)
        return [each for records in found.values() for each in records]

    async def records(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Record]:
        """As ``Store.records``."""

        async def read(wanted: list[tuple[str, str]]) -> list[Record | None]:
            found = await self._store.records(wanted)
            return [found.get(key) for key in wanted]

        found = await self._each("records", keys, read)
        return {key: record for key, record in found.items() if record is not None}

    async def decisions(self, keys: Collection[tuple[str, str]] | None = None) -> list[Decision]:
        """As ``Store.decisions``."""
        if keys is None:
            return list(await self._once("decisions", self._store.decisions))

        async def read(wanted: list[tuple[str, str]]) -> list[list[Decision]]:
            found = await self._store.decisions(wanted)
            return [[each for each in found if key in (each.a, each.b)] for key in wanted]

        found = await self._each("decisions", keys, read)
        return list({each.id: each for some in found.values() for each in some}.values())

    async def findings_about(self, keys: Collection[tuple[str, str]]) -> list[IdentityFinding]:
        """As ``Store.findings_about``."""

        async def read(wanted: list[tuple[str, str]]) -> list[list[IdentityFinding]]:
            found: dict[tuple[str, str], list[IdentityFinding]] = {}
            for each in await self._store.findings_about(wanted):
                for key in each.records:
                    found.setdefault(key, []).append(each)
            return [found.get(key, []) for key in wanted]

        found = await self._each("findings about", keys, read)
        return list({each.id: each for some in found.values() for each in some}.values())

    async def findings(
        self, code: str = "", after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> list[IdentityFinding]:
        """As ``Store.findings``."""
        question = ("findings", code, after, limit)
        return list(await self._once(question, lambda: self._store.findings(code, after, limit)))

    async def letters(self, source: str = "", code: str = "", *, after: str = "", limit: int) -> list[DeadLetter]:
        """As ``Store.letters``."""
        question = ("letters", source, code, after, limit)
        return list(await self._once(question, lambda: self._store.letters(source, code, after=after, limit=limit)))

    async def count_letters(self, source: str = "", code: str = "") -> int:
        """As ``Store.count_letters``."""
        return await self._once(("count letters", source, code), lambda: self._store.count_letters(source, code))

    async def page(
        self, classes: Collection[str], where: Condition | None, *, by: OrderBy | None = None,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
        bound: int | None = None,
    ) -> list[Entity]:  # fmt: skip
        """As ``Store.page``."""
        found = await self._once(
            ("page", tuple(classes), where, by, after, before, limit, backward, bound),
            lambda: self._store.page(
                classes, where, by=by, after=after, before=before, limit=limit, backward=backward, bound=bound
            ),
        )
        return list(found)

    async def count(self, classes: Collection[str], where: Condition | None, *, bound: int | None = None) -> int:
        """As ``Store.count``."""
        question = ("total", tuple(classes), where, bound)
        return await self._once(question, lambda: self._store.count(classes, where, bound=bound))

    async def search(
        self, sought: Query, classes: Collection[str], *,
        after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
    ) -> list[Found]:  # fmt: skip
        """As ``Store.search``."""
        found = await self._once(
            ("search", sought, tuple(classes), after, before, limit, backward),
            lambda: self._store.search(
                sought, classes, after=after, before=before, limit=limit, backward=backward
            ),
        )  # fmt: skip
        return list(found)

    async def count_found(self, sought: Query, classes: Collection[str]) -> int:
        """As ``Store.count_found``."""
        return await self._once(
            ("found", sought, tuple(classes)), lambda: self._store.count_found(sought, classes)
        )  # fmt: skip

    async def named(self, name: str, limit: int = 10) -> list[Entity]:
        """As ``Store.named``."""
        return list(await self._once(("named", name, limit), lambda: self._store.named(name, limit)))

    async def history(
        self, ids: Collection[str], *, since: int = 0, before: int | None = None, limit: int
    ) -> dict[str, list[Revision]]:
        """As ``Journal.history``."""

        async def read(keys: list[str]) -> list[list[Revision]]:
            found = await self._store.history(keys, since=since, before=before, limit=limit)
            return [found[key] for key in keys]

        return await self._each(("history", since, before, limit), ids, read)

    async def aliases(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        """As ``Journal.aliases``."""

        async def read(keys: list[str]) -> list[frozenset[str]]:
            found = await self._store.aliases(keys)
            return [found[key] for key in keys]

        return await self._each("aliases", ids, read)

    async def known(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Journal.known``."""

        async def read(keys: list[str]) -> list[Entity | None]:
            found = await self._store.known(keys)
            return [found.get(key) for key in keys]

        found = await self._each("known", ids, read)
        return {id_: entity for id_, entity in found.items() if entity is not None}

    async def scan(self, classes: Collection[str]) -> Scan:
        """As ``Store.scan``."""
        return await self._once(("scan", tuple(sorted(classes))), lambda: self._store.scan(classes))

    async def _each(
        self, kind: Hashable, keys: Collection[K], read: Callable[[list[K]], Awaitable[Sequence[T]]]
    ) -> dict[K, T]:
        """Read one thing for each key, in one batch with everyone who asks for the same kind just now."""
        loader = self._loaders.get(kind)
        if loader is None:
            loader = self._loaders[kind] = Loader(read, self._pace)
        reading = {key: loader.load(key) for key in keys}
        try:
            # one after the other: what was asked for at once is there at once
            return {key: await future for key, future in reading.items()}
        except BaseException:
            for each in reading.values():  # each of them has failed, and wants to be looked at
                if each.done() and not each.cancelled():
                    each.exception()
            raise

    async def _once(self, question: Hashable, read: Callable[[], Awaitable[T]]) -> T:
        if question not in self._answers:
            self._answers[question] = asyncio.ensure_future(self._pace.read(read()))
        answer: T = await self._answers[question]
        return answer
