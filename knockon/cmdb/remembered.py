"""What was read of a store while it was at one revision: asked for again, it is not read again.

After a write, what rests on nothing that changed still holds, and is recalled at the next revision.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable

    from knockon.cmdb.contract.rows import Entity, Neighbour
    from knockon.cmdb.contract.store import Direction, Store

K = TypeVar("K")
V = TypeVar("V")

_MOST = 50_000
"""Values that are kept; beyond that all are dropped, and read again where they are asked for."""

_OLDER = 8
"""Revisions whose memories are looked into, besides that of the own revision."""
Rests: TypeAlias = "Callable[[Any], Iterable[str]]"
"""Names the things, besides its key, whose change may change a value."""
Waits: TypeAlias = "Callable[[Awaitable[Any]], Awaitable[Any]]"


class Memory:
    """What was read at one revision. A new revision needs a new one, or the one ``after`` its changes."""

    def __init__(self) -> None:
        self.known: dict[Hashable, dict[Any, Any]] = {}
        self.asked: dict[Hashable, tuple[dict[Any, None], asyncio.Task[dict[Any, Any]]]] = {}
        self._older: list[tuple[dict[Hashable, dict[Any, Any]], frozenset[str]]] = []  # and what changed since

    def after(self, changed: frozenset[str]) -> Memory:
        """Give a memory that recalls what still holds when these things changed, or relationships of theirs did.

        It looks into what the last few revisions knew when it is asked, so this costs nothing for each value.
        """
        left, room = Memory(), _MOST
        for known, since in [(self.known, frozenset[str]()), *self._older][:_OLDER]:
            room -= sum(map(len, known.values()))
            if known and room >= 0:
                left._older.append((known, since | changed))
        return left

    def of(self, kind: Hashable, keys: Collection[Any], rests: Rests | None) -> dict[Any, Any]:
        """Give what is known of these keys; ``rests`` as in ``Remembered.worked_out``."""
        all_known = self.known.get(kind, {})
        known = {key: all_known[key] for key in keys if key in all_known}
        if not self._older or rests is None or len(known) == len(keys):
            return known
        recalled = dict[Any, Any]()
        missing = set(keys) - known.keys()
        for older, changed in self._older:
            there = older.get(kind, {})
            for key in (missing & there.keys()) - changed:
                if changed.isdisjoint(rests(there[key])):
                    recalled[key] = there[key]
            missing -= recalled.keys()
        self.keep(kind, recalled)
        return known | recalled

    def keep(self, kind: Hashable, found: dict[Any, Any]) -> None:
        """Remember what was read."""
        if sum(map(len, self.known.values())) + len(found) > _MOST:
            self.known.clear()
        self.known.setdefault(kind, {}).update(found)


class Remembered:
    """The reads of a store that answers make, with a memory; what several ask for at the same moment is one call.

    Whoever has a memory of a revision, and sees the store at that revision, knows that all in it is of that
    revision: what was read before is not older, and not newer, but for the order of things of one class and name, which
    the journal does not have. Rows and results are shared: they are not to be changed.
    """

    def __init__(self, store: Store, memory: Memory, waits: Waits | None = None) -> None:
        """``waits`` waits for a call in place of whoever asks, and so knows of it."""
        self._store = store
        self._memory = memory
        self._waits = waits

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        """As ``Store.entities``."""

        async def read(keys: list[str]) -> dict[str, Entity | None]:
            found = await self._store.entities(keys)
            return {each: found.get(each) for each in keys}

        found = await self._each("entities", ids, read, lambda each: (each.id,) if each else ())
        return {id_: each for id_, each in found.items() if each is not None}

    async def neighbours(
        self, ids: Collection[str], type_name: str, direction: Direction, *, after: str | None = None, limit: int
    ) -> dict[str, list[Neighbour]]:
        """As ``Store.neighbours``, from the first of each on; what comes later in very long lists is not remembered."""
        if after is not None:
            return await self._store.neighbours(ids, type_name, direction, after=after, limit=limit)

        async def read(keys: list[str]) -> dict[str, list[Neighbour]]:
            return await self._store.neighbours(keys, type_name, direction, limit=limit)

        found = await self._each(
            ("neighbours", type_name, direction, limit), ids, read, lambda rows: [each.entity.id for each in rows]
        )
        return {id_: list(rows) for id_, rows in found.items()}

    async def count_neighbours(self, ids: Collection[str], type_name: str, direction: Direction) -> dict[str, int]:
        """As ``Store.count_neighbours``."""
        return await self._each(
            ("count", type_name, direction), ids,
            lambda keys: self._store.count_neighbours(keys, type_name, direction), lambda _: (),
        )  # fmt: skip

    async def worked_out(
        self,
        kind: Hashable,
        keys: Collection[K],
        read: Callable[[Store, list[K]], Awaitable[dict[K, V]]],
        rests: Callable[[V], Iterable[str]] | None = None,
    ) -> dict[K, V]:
        """Give what follows, for each key by itself, from what is read of the store; worked out once.

        ``kind`` says what; ``read`` gives a value for every key. Where keys are ids, ``rests`` may name the things
        besides the key that a value follows from: then it is recalled after writes that touch none of these.
        """
        return await self._each(kind, keys, lambda some: read(self._store, some), rests)

    async def _each(
        self,
        kind: Hashable,
        keys: Collection[Any],
        read: Callable[[list[Any]], Awaitable[dict[Any, Any]]],
        rests: Rests | None,
    ) -> dict[Any, Any]:
        known = self._memory.of(kind, keys, rests)
        missing = [each for each in keys if each not in known]
        if not missing:
            return {each: known[each] for each in keys}
        found = known | await self._read(kind, missing, read)
        return {each: found[each] for each in keys}

    async def _read(
        self, kind: Hashable, keys: list[Any], read: Callable[[list[Any]], Awaitable[dict[Any, Any]]]
    ) -> dict[Any, Any]:
        """Join the call that is about to be made, or make one, when all that can go on at this moment has asked."""
        memory = self._memory

        async def at_once() -> dict[Any, Any]:
            await asyncio.sleep(0)
            asked, _ = memory.asked.pop(kind)
            found = await read(list(asked))
            memory.keep(kind, found)
            return found

        if kind not in memory.asked:
            memory.asked[kind] = ({}, asyncio.create_task(at_once()))
        asked, call = memory.asked[kind]
        asked.update(dict.fromkeys(keys))
        answer = asyncio.shield(call)
        return await (self._waits(answer) if self._waits else answer)
