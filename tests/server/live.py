"""A service on a real socket, and somebody who follows it."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from knockon.server.serving import Server
from tests.server.conftest import TOKEN

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from fastapi import FastAPI
    from websockets.asyncio.client import ClientConnection

WITHIN = 30.0
SPOKEN = Subprotocol("graphql-transport-ws")


class Live(Server):
    """A server that the test itself stops."""

    address: str

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def live(app: FastAPI) -> AsyncIterator[Live]:
    ready = asyncio.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        async with app.router.lifespan_context(app):
            config = uvicorn.Config(
                app, lifespan="off", log_config=None, access_log=False, ws_max_size=app.state.max_body,
                timeout_graceful_shutdown=10,
            )  # fmt: skip
            server = Live(config, ready.set, app.state.followers)
            server.address = f"127.0.0.1:{listener.getsockname()[1]}"
            task = asyncio.create_task(server.serve(sockets=[listener]))
            await ready.wait()
            try:
                yield server
            finally:
                server.should_exit = True
                await task


class Follower:
    """Speaks graphql-transport-ws, and expects what the protocol says."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self._ids = count(1)

    @classmethod
    @asynccontextmanager
    async def to(cls, server: Live, token: str | None = TOKEN, **how: Any) -> AsyncIterator[Self]:
        async with connect(f"ws://{server.address}/graphql", subprotocols=[SPOKEN], **how) as connection:
            this = cls(connection)
            if token is not None:
                await this.init({"Authorization": f"Bearer {token}"})
            yield this

    async def init(self, payload: Any = None) -> None:
        await self.say({"type": "connection_init"} | ({} if payload is None else {"payload": payload}))
        assert await self.hear() == {"type": "connection_ack"}

    async def say(self, message: Any) -> None:
        await self.connection.send(message if isinstance(message, str | bytes) else json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(WITHIN):
            return json.loads(await self.connection.recv())

    async def subscribe(self, query: str, **variables: Any) -> str:
        id_ = f"s{next(self._ids)}"
        await self.say({"type": "subscribe", "id": id_, "payload": {"query": query, "variables": variables}})
        return id_

    async def next(self) -> Any:
        """Give the next event, of the only field."""
        message = await self.hear()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        (event,) = message["payload"]["data"].values()
        return event

    async def refusal(self) -> tuple[str, str]:
        """Give the code and the message of the error that ends a subscription."""
        message = await self.hear()
        assert message["type"] == "error", message
        (error,) = message["payload"]
        return error["extensions"]["code"], error["message"]

    async def end(self) -> tuple[int, str]:
        """Wait for the end of the socket, and give its close code and reason."""
        async with asyncio.timeout(WITHIN):
            with suppress(ConnectionClosed):
                while True:
                    await self.connection.recv()
        assert self.connection.close_code is not None
        return self.connection.close_code, self.connection.close_reason or ""
