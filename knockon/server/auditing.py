"""The record of who asked for what: one entry for each request, without secrets, values or texts of queries."""

from __future__ import annotations

import logging
import re
from time import perf_counter
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers, MutableHeaders
from uuid_utils import uuid7

from knockon.server.guard import OPEN
from knockon.server.logs import ABOUT, request_id
from knockon.telemetry import engine_recorder

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from knockon.server.metrics import Metrics

log = logging.getLogger("knockon.audit")
HEADER = "X-Request-Id"
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Audit:
    """Gives each request an id, counts and times it, and logs who asked for what and how that ended.

    An ``X-Request-Id`` that a caller sends is kept, if it is one word of at most 64 letters, digits, dots, dashes and
    underscores. Liveness and readiness are counted, and not logged.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = _name(scope)
        state = scope.setdefault("state", {})
        status = 500  # unless an answer begins

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        began = perf_counter()
        known, listening = request_id.set(name), engine_recorder.set(self._metrics.engine)
        self._metrics.running.inc()
        try:
            await self._app(scope, receive, send_named)
        finally:
            self._metrics.running.dec()
            seconds = perf_counter() - began
            self._count(scope, status, seconds)
            if scope["path"] not in OPEN:
                log.info("request", extra={ABOUT: _entry(scope, state, status, seconds)})
            engine_recorder.reset(listening)
            request_id.reset(known)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Note a WebSocket when it ends; what is asked over it has lines of its own."""
        closed = 1006  # unless one of both says how it ends

        async def send_noted(message: Message) -> None:
            nonlocal closed
            if message["type"] == "websocket.close":
                closed = message.get("code", 1000)
            await send(message)

        async def receive_noted() -> Message:
            nonlocal closed
            message = await receive()
            if message["type"] == "websocket.disconnect":
                closed = message.get("code", 1005)
            return message

        began = perf_counter()
        known, listening = request_id.set(_name(scope)), engine_recorder.set(self._metrics.engine)
        state = scope.setdefault("state", {})
        try:
            await self._app(scope, receive_noted, send_noted)
        finally:
            for code in state.get("codes", ()):
                self._metrics.errors.labels(code).inc()
            log.info("socket", extra={ABOUT: _entry(scope, state, closed, perf_counter() - began)})
            engine_recorder.reset(listening)
            request_id.reset(known)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        ours = scope["path"] in {getattr(each, "path", "") for each in scope["app"].routes}
        path = scope["path"] if ours else "other"
        self._metrics.requests.labels(path, str(status)).inc()
        self._metrics.request_seconds.labels(path).observe(seconds)
        state = scope["state"]
        if asked := state.get("asked"):
            for field in asked.fields:
                self._metrics.operations.labels(asked.kind, field).inc()
        for code in state.get("codes", ()):
            self._metrics.errors.labels(code).inc()


def _name(scope: Scope) -> str:
    given = Headers(scope=scope).get(HEADER, "")
    return given if _ID.fullmatch(given) else str(uuid7())


def _entry(scope: Scope, state: dict[str, Any], status: int, seconds: float) -> dict[str, Any]:
    principal, asked = state.get("principal"), state.get("asked")
    entry: dict[str, Any] = {
        "principal": principal.name if principal else None, "by": principal.by if principal else None,
        "client": scope["client"][0] if scope.get("client") else None, "method": scope.get("method"),
        "path": scope["path"][:200], "status": status, "seconds": round(seconds, 4),
    }  # fmt: skip
    if asked:
        entry |= {"operation": asked.kind, "name": asked.name, "fields": asked.fields}
    if load := state.get("load"):
        entry["load"] = load
    if codes := state.get("codes"):
        entry["codes"] = codes
    return entry
