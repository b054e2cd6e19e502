"""How one request shares the event loop with others, and reads for many fields at once all the same."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Sequence

K = TypeVar("K", bound="Hashable")
T = TypeVar("T")

ROWS = 100
"""Rows of lists that a request answers, and fields that go on with what was read, before others have their turn."""
QUIET = 8
"""Turns of the event loop between an answer and what is asked for with it, at most."""
_BATCH = 1_000


class Pace:
    """What a request answers in parts of ROWS, one after the other: after each part the event loop goes round."""

    def __init__(self) -> None:
        self.waiting = 0
        """Lists, and answers to fields, of which some part has not had its turn yet."""
        self._reading = 0
        """Calls to the store that are under way: what they answer may want more of what is wanted already."""
        self._wanting: dict[Loader[Any, Any], None] = {}
        self._looking = self._grown = False
        self._turn = asyncio.Lock()
        self._rows = 0
        self._giving: set[asyncio.Task[None]] = set()

    async def answer(self, rows: Sequence[T]) -> Sequence[T | Awaitable[T]]:
        """Wait for the turn of a list, and give its members; of a long one the later ones come each in its own turn."""
        self.waiting += 1
        try:
            await self._room(min(len(rows), ROWS))
        finally:
            self.waiting -= 1
        if len(rows) <= ROWS:
            return rows
        later: list[tuple[asyncio.Future[T], T]] = [(asyncio.Future(), row) for row in rows[ROWS:]]
        task = asyncio.create_task(self.give(later))
        self._giving.add(task)
        task.add_done_callback(self._giving.discard)
        return [*rows[:ROWS], *(future for future, _ in later)]

    async def give(self, answers: Sequence[tuple[asyncio.Future[T], T]]) -> None:
        """Give those who wait their answers, each part of them in its own turn."""
        self.waiting += 1
        try:
            for start in range(0, len(answers), ROWS):
                part = answers[start : start + ROWS]
                await self._room(len(part))
                for future, answer in part:
                    if not future.done():
                        future.set_result(answer)
        finally:
            self.waiting -= 1

    async def read(self, call: Awaitable[T]) -> T:
        """Wait for a call to the store: until it is answered nothing that is wanted begins to be read."""
        self._reading += 1
        try:
            return await call
        finally:
            self._reading -= 1
            self._look_on()

    def want(self, loader: Loader[Any, Any]) -> None:
        """Let a loader read once no more is known to come: all that want to begin together, and so see each other."""
        self._wanting[loader] = None
        self._grown = True
        self._look_on()

    def _look_on(self) -> None:
        if self._wanting and not self._looking and not self._reading:
            self._looking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self, quiet: int = 0) -> None:
        """Let all read once nothing more was wanted for QUIET turns of the loop, and no list is left to be answered."""
        grown, self._grown = self._grown, False
        if self._reading:
            self._looking = False  # the last call that is answered looks on
        elif self.waiting or grown or quiet < QUIET:
            asyncio.get_running_loop().call_soon(self._look, 0 if grown else quiet + 1)
        else:
            wanting, self._wanting, self._looking = self._wanting, {}, False
            for loader in wanting:
                loader.begin()

    async def _room(self, rows: int) -> None:
        """Wait for the turn of so many rows, ROWS at most; the caller then answers them without waiting again."""
        async with self._turn:
            self._rows += rows
            if self._rows > ROWS:
                self._rows = rows
                await asyncio.sleep(0)


class Loader(Generic[K, T]):
    """Reads what many ask for in one call, as a DataLoader does, but waits until no more of it is known to come.

    A library's would read at the next turn of the loop, and so once for each part of a long answer, and for each of
    the calls whose answers want the same. What was asked for once is not read again.
    """

    def __init__(self, read: Callable[[list[K]], Awaitable[Sequence[T]]], pace: Pace) -> None:
        """``read`` gives a value for each key, in their order; it gets at most 1,000 of them."""
        self._read = read
        self._pace = pace
        self._answers: dict[K, asyncio.Future[T]] = {}
        self._waiting: dict[K, list[asyncio.Future[T]]] = {}
        """Who asked for what is not there yet; each waits for itself, so that not all go on at once."""
        self._wanted: list[K] = []
        self._reading: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> asyncio.Future[T]:
        """Give what will be the value of a key."""
        loop = asyncio.get_running_loop()
        if key not in self._answers:
            self._answers[key] = loop.create_future()
            self._wanted.append(key)
            self._pace.want(self)
        answer = self._answers[key]
        if not answer.done():
            answer = loop.create_future()
            self._waiting.setdefault(key, []).append(answer)
        return answer

    def begin(self) -> None:
        """Read what is wanted."""
        loop = asyncio.get_running_loop()
        wanted, self._wanted = self._wanted, []
        for start in range(0, len(wanted), _BATCH):
            task = loop.create_task(self._fill(wanted[start : start + _BATCH]))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    async def _fill(self, keys: list[K]) -> None:
        try:
            values = await self._pace.read(self._read(keys))
        except asyncio.CancelledError:
            for each in self._asked(keys):
                each.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is theirs who asked
            for each in self._asked(keys):
                if not each.done():
                    each.set_exception(error)
            for key in keys:
                self._answers[key].exception()  # perhaps nobody asks for it again
        else:
            for key, value in zip(keys, values, strict=True):
                self._answers[key].set_result(value)
            await self._pace.give(
                [(each, value) for key, value in zip(keys, values, strict=True) for each in self._waiting.pop(key)]
            )

    def _asked(self, keys: list[K]) -> list[asyncio.Future[T]]:
        return [each for key in keys for each in (self._answers[key], *self._waiting.pop(key))]
