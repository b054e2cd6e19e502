"""Everything that is asked together is answered at one revision."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from knockon.cmdb.remembered import Remembered
from knockon.impact.topology.topologies import Topologies

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.remembered import Waits
    from knockon.impact.topology.topologies import View


class OneRevision(Topologies):
    """The shared topologies, but all that is asked through this one is answered at one revision."""

    def __init__(self, shared: Topologies, store: Store, waits: Waits | None = None) -> None:
        """``waits`` as of ``Remembered``."""
        super().__init__(store, shared.model)
        self._waits = waits
        self.moment = shared.moment
        self._shared = shared
        self._seen: dict[frozenset[str], asyncio.Future[View]] = {}

    @property
    def reading(self) -> Store:
        """As ``Topologies.reading``: what a request has read by itself may be older than the topology."""
        return self._shared.reading

    def reads(self, view: View) -> Remembered:
        """As ``Topologies.reads``."""
        return Remembered(self.reading, view.memory, self._waits)

    async def current(self, exclude: frozenset[str] = frozenset(), *, max_lag: float = 0.0) -> View:
        """As ``Topologies.current``, the same from the first call on."""
        if exclude not in self._seen:
            self._seen[exclude] = asyncio.ensure_future(self._shared.current(exclude, max_lag=max_lag))
        return await self._seen[exclude]
