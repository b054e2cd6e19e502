"""Who may ask: callers with the token, or, without one, callers on this machine only."""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from knockon.errors import NotAuthenticated
from knockon.server.problems import PRIVATE, problem

if TYPE_CHECKING:
    from pydantic import SecretStr
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

OPEN = frozenset({"/healthz", "/readyz"})
"""Paths that need no token; they say no more than that the service is there."""
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


class Guard:
    """Lets requests through that may be answered, and keeps answers out of caches and frames.

    Without a token (demo mode) the Host header must name this machine: a page of somebody else's
    cannot then reach the service by letting its own name resolve to it.
    """

    def __init__(self, app: ASGIApp, token: SecretStr | None) -> None:
        self._app = app
        self._token = token.get_secret_value().encode() if token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update({**PRIVATE, "Content-Security-Policy": _NO_PAGE, "Referrer-Policy": "no-referrer"})
            await send(message)

        headers = Headers(scope=scope)
        if scope["path"] in OPEN or self._may_ask(headers):
            await self._app(scope, receive, send_guarded)
        elif self._token is None:
            refusal = problem(421, "MISDIRECTED_REQUEST", "This service answers to the names of this machine only.")
            await refusal(scope, receive, send_guarded)
        else:
            why = "Send the token as Authorization: Bearer TOKEN."
            refusal = problem(401, NotAuthenticated.code, why, {"WWW-Authenticate": 'Bearer realm="knockon"'})
            await refusal(scope, receive, send_guarded)

    def _may_ask(self, headers: Headers) -> bool:
        if self._token is None:
            return is_loopback(host_of(headers.get("host", "")))
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # compared in bytes, since compare_digest takes no text beyond ASCII
        same = hmac.compare_digest(given.strip().encode(), self._token)
        return same and scheme.lower() == "bearer"


def host_of(header: str) -> str:
    """Give the host of a Host header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]


def is_loopback(host: str) -> bool:
    """Tell whether a host name or address means this machine and no other."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
