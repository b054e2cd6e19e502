"""The description of the HTTP API, for programs and for the page that shows it."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import orjson
import yaml
from starlette.responses import Response

from knockon import __version__
from knockon.server.changes import ChangeSent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request


def description() -> dict[str, Any]:
    """Give the OpenAPI document of this version."""
    found: dict[str, Any] = yaml.safe_load(files("knockon.server").joinpath("openapi.yaml").read_text("utf-8"))
    found["info"]["version"] = __version__
    schemas = found["components"]["schemas"]
    change = ChangeSent.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= change.pop("$defs")
    schemas["ChangeSent"] = change
    return found


def openapi_endpoint() -> Callable[[Request], Awaitable[Response]]:
    """Make the handler that gives the document."""
    body = orjson.dumps(description())

    async def openapi(_request: Request) -> Response:
        return Response(body, media_type="application/json")

    return openapi
