"""Who may ask: callers who are known, or, in demo mode, callers on this machine only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from knockon.cmdb.access import LOCAL
from knockon.errors import KnockonError, NotAuthenticated
from knockon.server.loopback import is_loopback
from knockon.server.problems import PRIVATE, refused

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from knockon.cmdb.access import Principal
    from knockon.server.authentication import Authentication

log = logging.getLogger("knockon.guard")
OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token; they say no more than that the service is there."""
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Guard:
    """Lets requests through that may be answered, with who asks, and keeps answers out of caches and frames.

    Without ``authentication`` (demo mode) the Host header must name this machine: a page of somebody else's
    cannot then reach the service by letting its own name resolve to it. What is behind the guard finds who asks in
    ``request.state.principal``.
    """

    def __init__(self, app: ASGIApp, authentication: Authentication | None) -> None:
        self._app = app
        self._authentication = authentication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "websocket":
            # an application has none yet; one that gets them must not thereby get callers whom nobody knows
            await (self._app if await self._known(scope) is self._app else _closed)(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**PRIVATE, "Content-Security-Policy": _NO_PAGE, "Referrer-Policy": "no-referrer"})
            await send(message)

        answer = self._app if scope["path"] in OPEN else await self._known(scope)
        await answer(scope, receive, send_guarded)

    async def _known(self, scope: Scope) -> ASGIApp:
        """Note who asks, and give what answers: the application, or a refusal."""
        headers = Headers(scope=scope)
        if self._authentication is None:
            if not is_loopback(host_of(headers.get("host", ""))):
                return refused(
                    scope, 421, "MISDIRECTED_REQUEST", "This service answers to the names of this machine only."
                )
            principal: Principal | None = LOCAL
        else:
            try:
                principal = await self._authentication.principal(headers)
            except KnockonError as error:
                # whoever is not known yet is not told where the store is
                log.warning("Nobody can be let in: %s", error)
                return refused(scope, error.http_status, error.code, "Nobody can be let in now; the log says why.")
        if principal is None:
            why = "Send a token that is in use, as Authorization: Bearer TOKEN."
            return refused(scope, 401, NotAuthenticated.code, why, {"WWW-Authenticate": 'Bearer realm="knockon"'})
        scope.setdefault("state", {})["principal"] = principal
        return self._app


async def _closed(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Refuse a WebSocket before it is one: the caller sees status 403."""
    await send({"type": "websocket.close", "code": 1008})


def host_of(header: str) -> str:
    """Give the host of a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
