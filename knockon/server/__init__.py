"""The HTTP service. Its parts are imported when they are used: most commands need the settings only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from knockon.server.app import create_app
    from knockon.server.serving import run_server

__all__ = ["create_app", "run_server"]


def __getattr__(name: str) -> Any:
    if name == "create_app":
        from knockon.server.app import create_app  # noqa: PLC0415 - it brings GraphQL with it

        return create_app
    if name == "run_server":
        from knockon.server.serving import run_server  # noqa: PLC0415 - it brings the web server with it

        return run_server
    raise AttributeError(name)
