"""Running the application with uvicorn, quietly, until somebody stops it."""

from __future__ import annotations

import asyncio
import gc
import math
import signal
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import uvicorn

from knockon.errors import BadUsage
from knockon.server.loopback import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from knockon.server.followers import Followers

_STOPS = (signal.SIGINT, signal.SIGTERM)


def run_server(app: FastAPI, *, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or a polite kill, then finish running requests, close the store and return.

    New connections are refused meanwhile; a second Ctrl-C waits for nothing.

    Parameters
    ----------
    port
        0 takes a free one.
    announce
        Is told the address, such as ``http://127.0.0.1:8080``, once requests are answered.

    Raises
    ------
    BadUsage
        The address cannot be listened on; or a demo would be open to other machines.
    NotAuthenticated
        Nobody has a token.
    StoreError
    """
    if app.state.demo and not is_loopback(host):
        raise BadUsage("A demo is served on this machine only: use 127.0.0.1, or knockon serve.")
    with _listening(host, port) as listener:
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        # what is here stays: to look through it for garbage again and again would hold up all requests
        gc.collect()
        gc.freeze()
        with suppress(KeyboardInterrupt):  # before the server has begun to listen to signals
            asyncio.run(_serve(app, listener, lambda: announce(address)))


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise BadUsage(f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port.") from error
    with listener:
        # connections inherit it; asyncio sets it on sockets of its own only, and else the body of each answer waits
        # 40 ms for the caller to acknowledge the head
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield listener


async def _serve(app: FastAPI, listener: socket.socket, ready: Callable[[], None]) -> None:
    # the store is opened and closed here, and not by uvicorn, so that its errors reach the caller as they are
    async with app.router.lifespan_context(app):
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, server_header=False,
            ws_max_size=app.state.max_body, timeout_graceful_shutdown=math.ceil(app.state.max_seconds) + 1,
        )  # fmt: skip
        await Server(config, ready, app.state.followers).serve(sockets=[listener])


class Server(uvicorn.Server):
    """Says when it is ready, and takes a signal to stop as the end of its work, not as an error."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], followers: Followers) -> None:
        super().__init__(config)
        self._ready = ready
        self._followers = followers

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._followers.leave()  # else uvicorn would close their sockets in the middle
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield  # only the main thread may listen to signals
            return
        before = {number: signal.signal(number, self.handle_exit) for number in _STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
