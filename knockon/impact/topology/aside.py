"""Long work beside the requests of a process: in a thread, on an event loop and by a way to the store of its own."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from knockon.cmdb.remembered import Memory
from knockon.cmdb.stores import opened
from knockon.impact.topology.topologies import Topologies

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import View

T = TypeVar("T")

AT_ONCE = 8
"""Works at once in one process; those that come then wait for one to end."""
_THREADS = ThreadPoolExecutor(AT_ONCE, "aside")  # not the loop's own ones, which short work wants


class Beside(Topologies):
    """The topologies of another event loop, asked from this one; what is read besides is read of a store of its own."""

    def __init__(self, shared: Topologies, store: Store) -> None:
        super().__init__(store, shared.model)
        self.moment = shared.moment
        self._shared = shared
        self._home = asyncio.get_running_loop()

    async def current(self, exclude: frozenset[str] = frozenset(), *, max_lag: float = 0.0) -> View:
        """As ``Topologies.current``; what is read for the view is remembered here only."""
        asked = asyncio.run_coroutine_threadsafe(self._shared.current(exclude, max_lag=max_lag), self._home)
        return replace(await asyncio.wrap_future(asked), memory=Memory())


async def aside(topologies: Topologies, work: Callable[[Topologies], Awaitable[T]]) -> T:
    """Do work that would keep the event loop busy where it keeps nobody waiting, and give what it comes to.

    The work gets topologies of the same estate for a loop of its own, and may use nothing else that belongs to this
    one. Where no other way to the store is known, it is done here. Whoever is cancelled cancels the work too, where it
    waits next, and does not wait for that.
    """
    if topologies.connect is None:
        return await work(topologies)
    there = Beside(topologies, topologies.connect())
    given_up = threading.Event()
    begun: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def doing() -> T:
        async with opened(there.store):
            return await work(there)

    def apart() -> T:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            task = loop.create_task(doing())
            begun.append((loop, task))
            if given_up.is_set():
                task.cancel()
            return loop.run_until_complete(task)

    try:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, copy_context().run, apart)
    except asyncio.CancelledError:
        given_up.set()
        for loop, task in begun:
            with suppress(RuntimeError):  # it has ended just now
                loop.call_soon_threadsafe(task.cancel)
        raise
