"""Topologies of the past: every question that can be put to the estate as it is can be put to it as it was."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, cast

from knockon.cmdb.past.changes import moment_of
from knockon.cmdb.past.store import PastStore
from knockon.impact.topology.topologies import Topologies

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.past.changes import Moment
    from knockon.impact.topology.topologies import View

KEPT = 2
"""Pasts at hand: each holds its whole estate in memory, some 4 kB for a thing and its relationships."""


class AsOf(Topologies):
    """The topologies of one moment of the past; what is read beside them is read from the same revision."""

    def __init__(self, shared: Topologies, moment: Moment) -> None:
        super().__init__(shared.store, shared.model)
        self._shared = shared
        self.moment = moment

    async def current(self, exclude: frozenset[str] = frozenset(), *, max_lag: float = 0.0) -> View:
        """As ``Topologies.current``: the newest revision is the one of the moment."""
        return await self._shared.current(exclude, max_lag=max_lag)


class Pasts:
    """The pasts of an estate; the last few that were asked about are kept, and one at a time is made of each."""

    def __init__(self, now: Topologies) -> None:
        self._now = now
        self._kept: OrderedDict[Any, asyncio.Task[Topologies]] = OrderedDict()
        self._turn = asyncio.Lock()

    @property
    def today(self) -> Topologies:
        """Give the estate as it is."""
        return self._now

    async def at(self, text: str) -> AsOf:
        """Give the estate at a revision number, or at a point in time such as 2026-11-01T08:00:00Z.

        Raises
        ------
        BadUsage
            It is neither, or has not come yet.
        PastTooFar, JournalCompacted
            The journal says too much since then, or does not reach back so far.
        """
        store = self._now.store
        moment = await moment_of(store, text)
        # the same number is another revision in a store that was made anew; a past may have been redacted since
        written, rewritten = await asyncio.gather(store.written_at(moment.revision), store.rewritten())
        key = (moment.revision, written, rewritten)
        if key not in self._kept:
            self._kept[key] = asyncio.create_task(self._made(moment.revision))
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        try:
            return AsOf(await asyncio.shield(self._kept[key]), moment)
        except Exception:
            self._kept.pop(key, None)
            raise

    async def _made(self, revision: int) -> Topologies:
        # nothing in a question writes, so the reading half is all of a store that is needed
        async with self._turn:
            past = cast("Store", await PastStore.at(self._now.store, self._now.model, revision))
        return Topologies(past, self._now.model)
