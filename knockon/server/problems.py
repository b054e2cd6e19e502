"""Errors over HTTP: problem details of RFC 9457, with knockon's stable ``code``."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from knockon.errors import InternalError, KnockonError
from knockon.graphql.wording import in_api

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.types import Scope

PRIVATE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer: nobody keeps it, nobody guesses at its type."""


GONE = 499
"""Status in the log of a request whose caller went away before all of it was sent: no failure of ours."""

_REFUSALS = {
    404: ("NOT_FOUND", "There is nothing here."),
    405: ("METHOD_NOT_ALLOWED", "This path does not take that method."),
    413: ("CONTENT_TOO_LARGE", "The request is too large."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Send Content-Type: application/json."),
}


def problem(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Make a problem answer."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail, "code": code}
    return Response(orjson.dumps(body), status, {**PRIVATE, **(headers or {})}, media_type="application/problem+json")


def refused(scope: Scope, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Make a problem answer in a middleware, and note its code for the audit."""
    scope.setdefault("state", {})["codes"] = [code]
    return problem(status, code, detail, headers)


def install(app: FastAPI) -> None:
    """Let every error of an application be told as a problem."""
    app.add_exception_handler(KnockonError, _told)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


async def _told(request: Request, error: Any) -> Response:
    request.state.codes = [error.code]
    return problem(error.http_status, error.code, in_api(str(error)))


async def _refused(request: Request, error: Any) -> Response:
    phrase = HTTPStatus(error.status_code).phrase
    code, detail = _REFUSALS.get(error.status_code, (f"HTTP_{error.status_code}", phrase))
    request.state.codes = [code]
    return problem(error.status_code, code, detail if error.detail == phrase else error.detail, error.headers)


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=GONE)


async def _unexpected(_request: Request, _error: Exception) -> Response:
    return problem(500, InternalError.code, "Something went wrong here; the log of the server says what.")
