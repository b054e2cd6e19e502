"""What the fields of one request share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from knockon.cmdb.access import Policy
from knockon.errors import QueryTooCostly
from knockon.graphql.batching import BatchedStore
from knockon.graphql.pace import Pace
from knockon.impact.topology.as_of import KEPT, Pasts
from knockon.impact.topology.one_revision import OneRevision

if TYPE_CHECKING:
    from graphql.pyutils import Path

    from knockon.cmdb.access import Principal
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.past.news import News
    from knockon.graphql.asked import Asked
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.decisions.following_states import FollowedStates
    from knockon.schema.observation import Item


Answer = Literal["begins", "taken"]
Reader = Callable[..., "Item"]


@dataclass(frozen=True, slots=True)
class Following:
    """What all who follow one estate share."""

    news: News
    states: FollowedStates


class Request:
    """What the fields of one request share; a new one for each.

    A field of the query that asks about the past has a request of its own, of that moment, for itself and all below.
    A subscription has one for all of its events, which is as new for each.
    """

    def __init__(
        self, topologies: Topologies, pasts: Pasts | None = None, *, principal: Principal, policy: Policy | None = None,
        following: Following | None = None, on_event: Callable[[Answer], None] = lambda _how: None,
        reader: Reader | None = None,
    ) -> None:  # fmt: skip
        self.principal = principal
        self.reader = reader
        """Reads a record as the native loader does: who replays dead letters needs it."""
        self.asked: Asked | None = None  # noted when it is executed
        self.policy = policy or Policy(topologies.model)
        self.sight = self.policy.sight(principal)
        self.shared = topologies
        self.pace = Pace()
        self.following = following
        self.on_event = on_event
        """Is told when the answer to an event of a subscription begins, and when it was taken."""
        # nothing in a query writes, so the reading half is all of a store that is needed
        self.store = cast("Store", BatchedStore(topologies.store, self.pace))
        self.topologies = OneRevision(topologies, self.store, self.pace.read)
        self._pasts = pasts or Pasts(topologies)
        self._moments: dict[str, asyncio.Future[Request]] = {}
        self._then: dict[str | int, Request] = {}  # by the name that a field of the query has in the answer

    @property
    def today(self) -> Topologies:
        """Give the estate as it is, also where the request is of a moment of the past."""
        return self._pasts.today

    def of(self, path: Path) -> Request:
        """Give the request that a field belongs to."""
        return self._then.get(_top(path), self) if self._then else self

    async def then(self, path: Path, moment: str) -> Request:
        """Let a field of the query, and all below it, be answered as of a moment.

        Raises
        ------
        QueryTooCostly
            More different moments than are kept at hand.
        """
        if moment not in self._moments:
            if len(self._moments) == KEPT:
                raise QueryTooCostly(f"One query may ask about {KEPT} different moments of the past.")
            self._moments[moment] = asyncio.ensure_future(self._at(moment))
        request = await self._moments[moment]
        self._then[_top(path)] = request
        return request

    def anew(self, path: Path) -> Request:
        """Give the request of a field that writes, and of all below it: nothing that was read before counts."""
        self._then[_top(path)] = request = copy(self)
        request.store = cast("Store", BatchedStore(self.shared.store, self.pace))
        request.topologies = OneRevision(self.shared, request.store, self.pace.read)
        return request

    def renew(self) -> None:
        """Begin the next event of a subscription: nothing that was read before counts."""
        self.store = cast("Store", BatchedStore(self.shared.store, self.pace))
        self.topologies = OneRevision(self.shared, self.store, self.pace.read)

    async def _at(self, moment: str) -> Request:
        return Request(await self._pasts.at(moment), self._pasts, principal=self.principal, policy=self.policy)


def _top(path: Path) -> str | int:
    while path.prev:
        path = path.prev
    return path.key
