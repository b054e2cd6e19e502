"""How one request shares the event loop with others, and reads for many fields at once all the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")

ROWS = 500
"""Rows of lists that a request answers before others have their turn; a page has no more either."""
QUIET = 2
"""Turns of the event loop between the answer of a list and what its members ask for, at most."""
_BATCH = 1_000


class Pace:
    """Lists of a request are answered one after the other, and the event loop goes round after every ROWS of theirs."""

    def __init__(self) -> None:
        self.waiting = 0
        """Lists that were read and are not answered yet."""
        self._turn = asyncio.Lock()
        self._rows = 0

    async def answer(self, rows: int) -> None:
        """Wait for the turn of a list with so many rows; the caller then answers it without waiting for anything."""
        self.waiting += 1
        try:
            async with self._turn:
                self._rows += rows
                if self._rows > ROWS:
                    self._rows = rows
                    await asyncio.sleep(0)
        finally:
            self.waiting -= 1


class Loader(Generic[K, T]):
    """Reads what many ask for in one call, as a DataLoader does, but waits until no list is left to be answered.

    A library's would read at the next turn of the loop, and so once for each part of a long answer. What was asked for
    once is not read again.
    """

    def __init__(self, read: Callable[[list[K]], Awaitable[Sequence[T]]], pace: Pace) -> None:
        """``read`` gives a value for each key, in their order; it gets at most 1,000 of them."""
        self._read = read
        self._pace = pace
        self._known: dict[K, asyncio.Future[T]] = {}
        self._wanted: list[K] = []
        self._reading: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> asyncio.Future[T]:
        """Give what will be the value of a key."""
        found = self._known.get(key)
        if found is None:
            loop = asyncio.get_running_loop()
            found = self._known[key] = loop.create_future()
            if not self._wanted:
                loop.call_soon(self._begin, 0)
            self._wanted.append(key)
        return found

    def _begin(self, before: int, quiet: int = 0) -> None:
        """Read what is wanted once no more of it came for QUIET turns of the loop, and no more is known to come."""
        loop = asyncio.get_running_loop()
        grown = len(self._wanted) > before
        if self._pace.waiting or grown or quiet < QUIET:
            loop.call_soon(self._begin, len(self._wanted), 0 if grown else quiet + 1)
            return
        wanted, self._wanted = self._wanted, []
        for start in range(0, len(wanted), _BATCH):
            task = loop.create_task(self._fill(wanted[start : start + _BATCH]))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def _fill(self, keys: list[K]) -> None:
        waiting = [self._known[key] for key in keys]
        try:
            values = await self._read(keys)
        except asyncio.CancelledError:
            for each in waiting:
                each.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is theirs who asked
            for each in waiting:
                if not each.done():
                    each.set_exception(error)
        else:
            for each, value in zip(waiting, values, strict=True):
                if not each.done():
                    each.set_result(value)
