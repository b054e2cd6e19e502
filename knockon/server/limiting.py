"""How much is answered at once: what is beyond is refused right away, and not kept waiting."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from knockon.errors import TooBusy, TooManyAtOnce
from knockon.server.guard import OPEN
from knockon.server.problems import refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from knockon.cmdb.access import Principal
    from knockon.errors import Overloaded

WATCHED = OPEN | {"/metrics"}
"""Paths that are answered most of all when there is too much to do."""
RETRY_AFTER = "1"
"""Seconds."""


class Concurrency:
    """Lets at most so many requests in at once, and fewer of one caller; whoever watches over the service always.

    So one caller with many heavy requests leaves room for the others. Two tokens of one name are two callers.
    """

    def __init__(self, app: ASGIApp, most: int, most_of_one: int) -> None:
        self._app = app
        self._most = most
        self._most_of_one = most_of_one
        self._running: Counter[Principal] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        caller: Principal | None = scope.get("state", {}).get("principal")
        # without a caller it is what the guard shows to anybody
        if scope["type"] != "http" or scope["path"] in WATCHED or caller is None:
            await self._app(scope, receive, send)
            return
        if error := self._full(caller):
            refusal = refused(scope, error.http_status, error.code, str(error), {"Retry-After": RETRY_AFTER})
            await refusal(scope, receive, send)
            return
        self._running[caller] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running[caller] -= 1
            if not self._running[caller]:
                del self._running[caller]

    def _full(self, caller: Principal) -> Overloaded | None:
        """Say why one more request of a caller is not answered now."""
        if self._running[caller] >= self._most_of_one:
            return TooManyAtOnce(
                f"{self._most_of_one} requests of yours are being answered; send the next one when one has ended."
            )
        if self._running.total() >= self._most:
            return TooBusy(f"{self._most} requests are being answered; try again in a moment.")
        return None
