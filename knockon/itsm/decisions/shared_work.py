"""Work that several wait for is done once, and goes on for as long as one of them waits."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable


class _Work:
    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.waiting = 0

    async def result(self) -> Any:
        self.waiting += 1
        try:
            await asyncio.wait([self.task])  # who goes away does not end it for the others
        finally:
            self.waiting -= 1
            if not self.waiting:
                self.task.cancel()
        return self.task.result()


class SharedWork:
    """Keeps the last few results by what they are of; what fails or is given up is begun anew by who asks next."""

    def __init__(self, kept: int) -> None:
        self._most = kept
        self._kept: OrderedDict[Hashable, _Work] = OrderedDict()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def result(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Give what work comes to: that which is kept or under way under this key, else this one's, which is begun."""
        if key not in self._kept or self._kept[key].task.cancelling():
            self._kept[key] = self._begun(work())
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        shared = self._kept[key]
        try:
            return await shared.result()
        except BaseException:
            # what others still wait for is kept
            if shared.task.cancelling() or (shared.task.done() and shared.task.exception()):
                self._drop(key, shared)
            raise

    def forget(self, key: Hashable) -> None:
        """Keep a result no longer; who asks next begins anew."""
        self._kept.pop(key, None)

    @property
    def waiting(self) -> int:
        """Count those who wait for what is kept."""
        return sum(each.waiting for each in self._kept.values())

    @property
    def under_way(self) -> int:
        """Count what is being done."""
        return len(self._tasks)

    async def close(self) -> None:
        """End all work; who waits for it is cancelled."""
        tasks = list(self._tasks)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, work: Coroutine[Any, Any, Any]) -> _Work:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return _Work(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it any more

    def _drop(self, key: Hashable, work: _Work) -> None:
        if self._kept.get(key) is work:
            del self._kept[key]
