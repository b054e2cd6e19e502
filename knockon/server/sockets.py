"""Subscriptions over a WebSocket, as graphql-transport-ws has them: one socket, several subscriptions."""

from __future__ import annotations

import asyncio
import logging
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

import orjson
from starlette.datastructures import Headers
from starlette.websockets import WebSocketDisconnect, WebSocketState

from knockon.cmdb.access import LOCAL, AccessScope
from knockon.errors import BadUsage, InternalError, KnockonError, NotAllowed, NotAuthenticated, TooBusy
from knockon.server.endpoint import refuse_deep
from knockon.server.subscription import Operation, Subscription

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.websockets import WebSocket

    from knockon.cmdb.access import Principal
    from knockon.server.authentication import Authentication
    from knockon.server.followers import Followers
    from knockon.server.subscription import Answering

log = logging.getLogger("knockon.sockets")
PROTOCOL = "graphql-transport-ws"
INIT_WITHIN = 10.0
"""Seconds that a caller has to say who it is."""
TOKEN_EVERY = 10.0
"""Seconds between looks whether a token still counts, where nothing is sent."""
TOKEN_FRESH = 1.0
"""Seconds for which such a look is good enough to send one more event."""
_GOODBYE_WITHIN = 5.0  # seconds for a caller to take what is being sent, and the end
_LONGEST_REASON = 120  # bytes; a control frame has few more

# close codes of WebSockets, and of the protocol
_DONE, _GOING, _LARGE, _OURS, _LATER = 1000, 1001, 1009, 1011, 1013
_WRONG, _UNKNOWN, _FORBIDDEN, _SPEECH, _NO_INIT, _TWICE, _AGAIN = 4400, 4401, 4403, 4406, 4408, 4409, 4429


class _GoodbyeError(Exception):
    """The socket ends with this close code; ``code`` is ours, and empty where nothing is wrong."""

    def __init__(self, close: int, code: str, text: str) -> None:
        super().__init__(text)
        self.close = close
        self.code = code


@dataclass(frozen=True)
class Sockets:
    """What all sockets of an application share, and their limits."""

    answering: Answering
    authentication: Authentication | None
    followers: Followers
    max_subscriptions: int
    max_body: int


def socket_endpoint(shared: Sockets) -> Callable[[WebSocket], Awaitable[None]]:
    """Make the handler of a WebSocket that the guard has let in."""

    async def handle(websocket: WebSocket) -> None:
        with shared.followers.running():
            await _Socket(shared, websocket).serve()

    return handle


class _Socket:
    """One connection from its beginning to its end."""

    def __init__(self, shared: Sockets, websocket: WebSocket) -> None:
        self._shared = shared
        self._socket = websocket
        self._headers = Headers(scope=websocket.scope)
        self._state = websocket.scope.setdefault("state", {})
        self._principal: Principal | None = self._state.get("principal")
        self._checked = 0.0  # when the token was looked at last; 0 before connection_init
        self._running: dict[str, asyncio.Task[None]] = {}
        self._over: asyncio.Future[_GoodbyeError] = asyncio.get_running_loop().create_future()
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Speak with the caller until one of both ends it."""
        spoken = PROTOCOL in self._socket.scope.get("subprotocols", ())
        await self._socket.accept(subprotocol=PROTOCOL if spoken else None)
        if not spoken:
            await self._close(_GoodbyeError(_SPEECH, BadUsage.code, f"Speak {PROTOCOL} here."))
            return
        sockets = self._shared.answering.metrics.sockets
        sockets.inc()
        with ExitStack() as places:
            tasks = [asyncio.create_task(each) for each in (self._listen(places), self._watch(), self._leave())]
            try:
                await asyncio.wait([self._over])
            finally:
                tasks += self._running.values()
                for each in tasks:
                    each.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                sockets.dec()
        await self._close(self._over.result())

    def _end(self, close: int, code: str = "", text: str = "") -> None:
        if not self._over.done():
            self._over.set_result(_GoodbyeError(close, code, text))

    async def _close(self, goodbye: _GoodbyeError) -> None:
        if goodbye.code:
            self._state["codes"] = [goodbye.code]
        if self._socket.application_state is WebSocketState.CONNECTED:
            reason = f"{goodbye.code}: {goodbye}" if goodbye.code else str(goodbye)
            cut = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")
            with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):  # it is gone, or takes nothing
                async with asyncio.timeout(_GOODBYE_WITHIN):
                    await self._socket.close(goodbye.close, cut)

    async def _leave(self) -> None:
        """End the socket when the service stops, once what is being sent is sent."""
        await self._shared.followers.leaving.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GOODBYE_WITHIN):
                await self._sending.acquire()  # for good: nothing more is sent
        self._end(_GOING, text="The service stops. Come again, after the place of the last event.")

    async def _watch(self) -> None:
        """End the socket of whoever does not say who it is, or whose token counts no more."""
        await asyncio.sleep(INIT_WITHIN)
        if not self._checked:
            self._end(_NO_INIT, NotAuthenticated.code, "No connection_init came in time.")
        while True:
            await self._check()
            await asyncio.sleep(TOKEN_EVERY)

    async def _check(self) -> None:
        """Look whether the token still counts."""
        authentication = self._shared.authentication
        try:
            if authentication and await authentication.principal(self._headers) is None:
                self._end(_FORBIDDEN, NotAuthenticated.code, "Your token is in use no more.")
        except KnockonError as error:
            log.warning("A token cannot be looked at: %s", error)
            self._end(_LATER, error.code, "Your token cannot be looked at now; come again in a moment.")
        self._checked = monotonic()

    async def _init(self, payload: Any, places: ExitStack) -> None:
        if self._checked:
            raise _GoodbyeError(_AGAIN, BadUsage.code, "connection_init came twice.")
        if not isinstance(payload, dict | None):
            raise _GoodbyeError(_WRONG, BadUsage.code, "The payload of connection_init is an object.")
        principal = self._principal or await self._recognised(payload or {})
        self._state["principal"] = principal
        try:
            principal.require(AccessScope.VIEWER, to="read the estate")
        except NotAllowed as error:
            raise _GoodbyeError(_FORBIDDEN, error.code, str(error)) from None
        places.close()  # the place of somebody who is not known
        places.enter_context(self._shared.followers.place_for(principal))
        self._principal, self._checked = principal, monotonic()
        await self._send({"type": "connection_ack"})

    async def _recognised(self, payload: dict[str, Any]) -> Principal:
        authentication = self._shared.authentication
        if authentication is None:
            return LOCAL
        given = next((each for name, each in payload.items() if name.lower() == "authorization"), None)
        principal = None
        if isinstance(given, str):
            self._headers = Headers(raw=[(b"authorization", given.encode())])
            try:
                principal = await authentication.principal(self._headers)
            except KnockonError as error:
                log.warning("Nobody can be let in: %s", error)
                raise _GoodbyeError(_LATER, error.code, "Nobody can be let in now; come again in a moment.") from None
        if principal is None:
            why = 'Send a token that is in use in connection_init: {"Authorization": "Bearer TOKEN"}.'
            raise _GoodbyeError(_FORBIDDEN, NotAuthenticated.code, why)
        return principal

    async def _listen(self, places: ExitStack) -> None:
        try:
            if self._principal is None:
                places.enter_context(self._shared.followers.place_for(None))
            while True:
                await self._heard(await self._socket.receive(), places)
        except _GoodbyeError as goodbye:
            self._end(goodbye.close, goodbye.code, str(goodbye))
        except TooBusy as error:
            self._end(_LATER, error.code, str(error))
        except Exception:
            log.exception("A socket failed in a way that knockon does not know")
            self._end(_OURS, InternalError.code, "Something went wrong here; the log of the server says what.")

    async def _heard(self, message: Any, places: ExitStack) -> None:
        match _said(message, self._shared.max_body):
            case {"type": "connection_init", **more}:
                await self._init(more.get("payload"), places)
            case {"type": "ping"}:
                await self._send({"type": "pong"})
            case {"type": "pong"}:
                pass
            case {"type": "subscribe", "id": str(id_), "payload": {"query": str(query)} as payload}:
                await self._subscribe(id_, query, payload)
            case {"type": "complete", "id": str(id_)}:
                if task := self._running.pop(id_, None):
                    task.cancel()
            case _:
                raise _GoodbyeError(_WRONG, BadUsage.code, f"That is no message of {PROTOCOL}.")

    async def _subscribe(self, id_: str, query: str, payload: dict[str, Any]) -> None:
        if not self._checked or self._principal is None:
            raise _GoodbyeError(_UNKNOWN, NotAuthenticated.code, "Send connection_init first.")
        if id_ in self._running:
            raise _GoodbyeError(_TWICE, BadUsage.code, "There is a subscriber of this id already.")
        variables, name = payload.get("variables"), payload.get("operationName")
        if not isinstance(variables, dict | None) or not isinstance(name, str | None):
            raise _GoodbyeError(_WRONG, BadUsage.code, "variables are an object, and operationName is a text.")
        try:
            refuse_deep(variables)
        except BadUsage as error:
            raise _GoodbyeError(_WRONG, error.code, str(error)) from None
        if len(self._running) >= self._shared.max_subscriptions:
            text = f"{self._shared.max_subscriptions} subscriptions run on this socket, and no more may."
            refusal = {"message": text, "extensions": {"code": TooBusy.code}}
            self._shared.answering.metrics.errors.labels(TooBusy.code).inc()
            await self._send({"id": id_, "type": "error", "payload": [refusal]})
            return
        subscription = Subscription(self._shared.answering, self._principal, id_, self._send)
        task = self._running[id_] = asyncio.create_task(subscription.run(Operation(query, variables, name)))

        def ended(_task: object) -> None:
            if self._running.get(id_) is task:
                del self._running[id_]

        task.add_done_callback(ended)

    async def _send(self, message: dict[str, Any]) -> None:
        async with self._sending:
            if message["type"] == "next" and monotonic() - self._checked > TOKEN_FRESH:
                await self._check()
            if self._over.done():
                return
            try:
                await self._socket.send_text(orjson.dumps(message).decode())
            except (WebSocketDisconnect, RuntimeError):  # it is gone
                self._end(_DONE)


def _said(message: Any, most: int) -> Any:
    """Read what a caller sent; whatever is no JSON is None."""
    if message["type"] == "websocket.disconnect":
        raise _GoodbyeError(_DONE, "", "")
    text = message.get("text") or ""
    if len(text) > most:
        raise _GoodbyeError(_LARGE, BadUsage.code, f"A message may have {most:,} bytes.")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
