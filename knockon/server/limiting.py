"""How much is answered at once: what is beyond is refused right away, and not kept waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.errors import TooBusy
from knockon.server.guard import OPEN
from knockon.server.problems import refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

WATCHED = OPEN | {"/metrics"}
"""Paths that are answered most of all when there is too much to do."""
RETRY_AFTER = "1"
"""Seconds."""


class Concurrency:
    """Lets at most so many requests in at once; whoever watches over the service always."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http" or scope["path"] in WATCHED:
            await self._app(scope, receive, send)
            return
        if self._running >= self._most:
            why = f"{self._most} requests are being answered; try again in a moment."
            refusal = refused(scope, TooBusy.http_status, TooBusy.code, why, {"Retry-After": RETRY_AFTER})
            await refusal(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._running -= 1
