"""Who may ask: callers who are known, or, in demo mode, callers on this machine only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from knockon.cmdb.access import LOCAL
from knockon.errors import KnockonError, NotAllowed, NotAuthenticated
from knockon.server.loopback import is_loopback
from knockon.server.problems import PRIVATE, refused

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from knockon.cmdb.access import Principal
    from knockon.server.authentication import Authentication

log = logging.getLogger("knockon.guard")
OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token; they say no more than that the service is there."""
SOCKET = "/graphql"
"""The only path that has a WebSocket."""
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Guard:
    """Lets requests through that may be answered, with who asks, and keeps answers out of caches and frames.

    Without ``authentication`` (demo mode) the Host header must name this machine: a page of somebody else's
    cannot then reach the service by letting its own name resolve to it. What is behind the guard finds who asks in
    ``request.state.principal``.
    """

    def __init__(self, app: ASGIApp, authentication: Authentication | None, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = origins
        self._authentication = authentication

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "websocket":
            await (self._app if await self._may_speak(scope) else _closed)(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**PRIVATE, "Content-Security-Policy": _NO_PAGE, "Referrer-Policy": "no-referrer"})
            await send(message)

        # a browser sends no token with an address; a demo asks every page for the name of this machine instead
        start = self._authentication is not None and scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        answer = self._app if start or scope["path"] in OPEN else await self._known(scope)
        await answer(scope, receive, send_guarded)

    async def _may_speak(self, scope: Scope) -> bool:
        """Tell whether a WebSocket is begun.

        Only for subscriptions, from a page of this service or one whose origin is named, if from a page at all, and
        by who is known, or says nothing yet: a browser cannot, and then the first message has to.
        """
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        strange = origin is not None and origin not in self._origins and not _same(origin, headers.get("host", ""))
        if scope["path"] != SOCKET or strange:
            scope.setdefault("state", {})["codes"] = [NotAllowed.code]
            return False
        silent = self._authentication is not None and "authorization" not in headers
        return silent or await self._known(scope) is self._app

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


def _same(origin: str, host: str) -> bool:
    """Tell whether an origin is where a request went to; TLS may end before this service."""
    parts = urlsplit(origin)
    ports = ("", ":443") if parts.scheme == "https" else ("", ":80")
    bare = parts.netloc.lower().removesuffix(ports[1])
    return bool(bare) and host.lower() in {parts.netloc.lower(), *(f"{bare}{port}" for port in ports)}


def host_of(header: str) -> str:
    """Give the host of a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
