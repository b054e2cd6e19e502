"""Who follows: how many sockets each caller has, and the end of all of them when the service stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from knockon.errors import TooBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.cmdb.access import Principal

UNKNOWN_AT_ONCE = 64
"""Sockets at once of callers who have not said yet who they are; each has a few seconds to do so."""


class Followers:
    """The open sockets of one process; ``most`` is how many one caller may have."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._by: Counter[str | None] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.leaving = asyncio.Event()
        """Set when the service stops."""

    @contextmanager
    def place_for(self, principal: Principal | None) -> Iterator[None]:
        """Give a place to a socket; without a principal to one that waits to hear who it is.

        Raises
        ------
        TooBusy
        """
        name = f"{principal.by} {principal.name}" if principal else None
        most = self._most if name else UNKNOWN_AT_ONCE
        if self._by[name] >= most:
            whose = "you have" if name else "of callers who are not known yet are"
            raise TooBusy(f"{most} sockets {whose} open, and no more may be.")
        self._by[name] += 1
        try:
            yield
        finally:
            self._by[name] -= 1
            if not self._by[name]:
                del self._by[name]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the task at hand as one that has to come to its end before the service does."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def leave(self) -> None:
        """Let every socket finish the event that it is sending, say goodbye and end."""
        self.leaving.set()
        if self._tasks:
            await asyncio.wait(self._tasks)
