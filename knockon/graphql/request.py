"""What the fields of one request share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from knockon.graphql.batching import BatchedStore
from knockon.impact.topology.topologies import Topologies

if TYPE_CHECKING:
    from knockon.cmdb.contract import Store
    from knockon.impact.topology.topologies import View


class RequestTopologies(Topologies):
    """The shared topologies, but everything that one request asks is answered at one revision."""

    def __init__(self, shared: Topologies, store: Store) -> None:
        super().__init__(store, shared.model)
        self._shared = shared
        self._seen: dict[frozenset[str], asyncio.Future[View]] = {}

    async def current(self, exclude: frozenset[str] = frozenset(), *, max_lag: float = 0.0) -> View:
        """As ``Topologies.current``, the same for the whole request."""
        if exclude not in self._seen:
            self._seen[exclude] = asyncio.ensure_future(self._shared.current(exclude, max_lag=max_lag))
        return await self._seen[exclude]


class Request:
    """What the fields of one request share; a new one for each."""

    def __init__(self, topologies: Topologies) -> None:
        self.shared = topologies
        # nothing in a query writes, so the reading half is all of a store that is needed
        self.store = cast("Store", BatchedStore(topologies.store))
        self.topologies = RequestTopologies(topologies, self.store)
