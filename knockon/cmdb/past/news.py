"""That something was written, told to all who wait for it: one look at the store for all of them."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from knockon.errors import KnockonError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store

log = logging.getLogger("knockon.news")


class News:
    """Looks for new revisions of a store every so many seconds, and only while somebody waits for one."""

    def __init__(self, store: Store, *, every: float) -> None:
        self._store = store
        self._every = every
        self._newest = -1
        self._begun = self._ended = 0  # looks, by number
        self._waiting = 0
        self._wanted = asyncio.Event()
        self._told = asyncio.Event()

    async def other(self, than: int, within: float | None = None) -> int:
        """Wait until the newest revision is another one, and give it; after ``within`` seconds it may be the same.

        It is an older one where the store was restored from a backup, or made anew.
        """
        begun = self._begun
        self._waiting += 1
        self._wanted.set()
        try:
            async with asyncio.timeout(within):
                # what was seen before the call may be older than what the caller has seen, and is not so now
                while self._newest <= than and (self._ended <= begun or self._newest == than):
                    await self._told.wait()
        except TimeoutError:
            return than
        finally:
            self._waiting -= 1
        return self._newest

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look for as long as the block lasts; a store that cannot be reached is asked again."""
        over = asyncio.Event()
        task = asyncio.create_task(self._watch(over))
        try:
            yield
        finally:
            over.set()  # a look that is under way ends by itself: cut off, it would leave its connection behind
            self._wanted.set()
            await task

    async def _watch(self, over: asyncio.Event) -> None:
        while not over.is_set():
            if self._waiting:
                await self._look()
            else:
                self._wanted.clear()
                await self._wanted.wait()
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), self._every)

    async def _look(self) -> None:
        self._begun += 1
        number = self._begun
        try:
            self._newest = await self._store.revision()
        except KnockonError as error:
            log.warning("New revisions cannot be seen: %s", error)
        except Exception:
            log.exception("New revisions cannot be seen.")
        else:
            self._ended = number
            self._told.set()
            self._told = asyncio.Event()
