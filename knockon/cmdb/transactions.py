"""The transactions of one run: each written and journaled whole, or all of them rehearsed and rolled back."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, TypeVar

from knockon.cmdb.contract.rows import things_of
from knockon.cmdb.planned import plan
from knockon.errors import StoreBusy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from knockon.cmdb.contract.rows import JournalEntry, RevisionHead
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.planned import Planned

T = TypeVar("T")

ATTEMPTS = 6


class _NothingToWrite(Exception):
    """Rolls a transaction back, so that work without changes uses no revision."""


class _Rehearsed(Exception):
    """Rolls a rehearsal back."""


class Transactions:
    """Does work in transactions of a store, journaled under ``head``; ``revision`` is the last one written."""

    def __init__(self, store: Store, head: RevisionHead) -> None:
        self.head = head
        self.revision = 0
        self._store = store
        self._rehearsal: Write | None = None
        self._entries: list[JournalEntry] = []

    @property
    def reader(self) -> Store | Write:
        """What to read from, to see what was written so far."""
        return self._rehearsal or self._store

    @property
    def is_rehearsal(self) -> bool:
        """Whether all is rolled back at the end."""
        return self._rehearsal is not None

    async def write(self, work: Callable[[Write], Awaitable[tuple[T, list[JournalEntry], bool]]]) -> T:
        """Do work in one transaction: again when the store is busy, rolled back when it changed nothing.

        The work gives its result, the journal entries, and whether it changed anything.
        """
        if self._rehearsal:
            result, entries, _ = await work(self._rehearsal)
            self._entries += entries
            return result
        for attempt in range(ATTEMPTS):
            try:
                async with self._store.write() as write:
                    result, entries, changed = await work(write)
                    if not changed:
                        raise _NothingToWrite
                    await write.journal(self.head, entries)
                    self.revision = write.revision
            except _NothingToWrite:
                return result
            except StoreBusy:
                if attempt == ATTEMPTS - 1:
                    raise
                await _pause(attempt)
            else:
                return result
        raise AssertionError("unreachable")

    async def rehearse(self, work: Callable[[], Awaitable[None]]) -> list[Planned]:
        """Do work that calls ``write`` all in one transaction, roll it back, and tell what it would have changed.

        Waits for its turn as ``write`` does. The work is done once: when the turn has come, nobody else is in its way.
        """
        planned: list[Planned] = []
        for attempt in range(ATTEMPTS):
            self.revision = await self._store.revision()
            try:
                async with self._store.write() as write:
                    self._rehearsal = write
                    await work()
                    planned = await self._planned(write)
                    raise _Rehearsed
            except _Rehearsed:
                return planned
            except StoreBusy:
                if self._rehearsal or attempt == ATTEMPTS - 1:
                    raise
                await _pause(attempt)
            finally:
                self._rehearsal = None
        raise AssertionError("unreachable")

    async def _planned(self, write: Write) -> list[Planned]:
        return plan(self._entries, await write.entities(things_of(self._entries)))


async def _pause(attempt: int) -> None:
    """Wait after a busy store refused an attempt, counted from 0: each time about twice as long."""
    await asyncio.sleep(random.uniform(0.5, 1) * 0.1 * 2**attempt)  # noqa: S311 - jitter
