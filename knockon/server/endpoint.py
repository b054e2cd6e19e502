"""GraphQL over HTTP: one POST, one answer."""

from __future__ import annotations

import asyncio
from email.message import Message
from typing import TYPE_CHECKING, Any

import orjson
from starlette.exceptions import HTTPException
from starlette.responses import Response
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.graphql import OperationType

from knockon.cmdb.access import AccessScope
from knockon.errors import BadUsage, QueryInvalid, TimedOut
from knockon.graphql.request import Request
from knockon.loaders import native

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request as HttpRequest

    from knockon.cmdb.access import Policy, Principal
    from knockon.graphql.asked import Asked
    from knockon.graphql.schema import ApiSchema
    from knockon.impact.topology.as_of import Pasts
    from knockon.impact.topology.topologies import Topologies

    Question = tuple[str, dict[str, Any] | None, str | None]

_JSON = "application/json"
_ANSWERED = (OperationType.QUERY, OperationType.MUTATION)
_GRAPHQL = "application/graphql-response+json"
_DEEPEST = 100
_INTROSPECTED = 4  # tools, each with a query of its own


def graphql_endpoint(
    schema: ApiSchema, topologies: Topologies, pasts: Pasts, policy: Policy, *, max_body: int, max_seconds: float
) -> Callable[[HttpRequest], Awaitable[Response]]:
    """Make the handler that answers a query sent as a JSON object.

    As GraphQL over HTTP has it: who accepts ``application/graphql-response+json``, and likes plain JSON no better, is
    answered in it, and there a query that is not executed at all has status 400; otherwise every well-formed request
    has 200. What takes longer than ``max_seconds`` is given up; what it began for others too (a topology) goes on.
    """
    introspected = Introspected()

    async def handle(http: HttpRequest) -> Response:
        principal: Principal = http.state.principal
        principal.require(AccessScope.VIEWER, to="read the estate")
        request = Request(topologies, pasts, principal=principal, policy=policy, reader=native.item)
        try:
            async with asyncio.timeout(max_seconds):
                question = await _read(http, max_body)
                if (known := introspected.find(question)) is not None:
                    request.asked, content = known
                    return Response(content, media_type=_spoken(http.headers.get("accept", "")))
                body = await _executed(schema, question, request)
        except TimeoutError:
            raise TimedOut(
                f"The request took longer than {max_seconds:g} seconds and was given up. Ask for less at once."
            ) from None
        finally:
            http.state.asked = request.asked
        http.state.codes = sorted({each["extensions"]["code"] for each in body.get("errors", ())})
        spoken = _spoken(http.headers.get("accept", ""))
        status = 400 if spoken == _GRAPHQL and "data" not in body else 200
        content = orjson.dumps(body)
        if request.asked and request.asked.fields == ("__schema",) and "errors" not in body:
            introspected.keep(question, request.asked, content)
        return Response(content, status, media_type=spoken)

    return handle


class Introspected:
    """Answers about the schema, which tools ask first and which take seconds; they are the same for everybody."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str | None], tuple[Asked, bytes]] = {}

    def find(self, question: Question) -> tuple[Asked, bytes] | None:
        """Give what this question asked for before, and the answer that it had."""
        query, variables, operation = question
        return None if variables else self._kept.get((query, operation))

    def keep(self, question: Question, asked: Asked, answer: bytes) -> None:
        """Keep an answer, in the place of the oldest where there are enough; none that has variables."""
        query, variables, operation = question
        if variables:
            return
        if len(self._kept) >= _INTROSPECTED:
            del self._kept[next(iter(self._kept))]
        self._kept[query, operation] = asked, answer


def _spoken(accept: str) -> str:
    """Give the better liked of the two media types; plain JSON unless the other one is named."""
    liked = {_JSON: 0.0, _GRAPHQL: 0.0}
    for each in accept.split(","):
        said = Message()
        said["content-type"] = each.strip()
        name = said.get_content_type()
        if name in liked:
            liked[name] = _quality(str(said.get_param("q", "1")))
    return _GRAPHQL if 0 < liked[_GRAPHQL] >= liked[_JSON] else _JSON


def _quality(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return 0


async def _executed(schema: ApiSchema, question: Question, request: Request) -> dict[str, Any]:
    """Execute a query, and give the body of its answer."""
    query, variables, operation = question
    try:
        result = await schema.execute(
            query, variable_values=variables, operation_name=operation, context_value=request,
            allowed_operation_types=_ANSWERED,
        )  # fmt: skip
    except InvalidOperationTypeError:
        return {"errors": [_refusal("Subscriptions are asked over a WebSocket, by graphql-transport-ws.")]}
    except CannotGetOperationTypeError as error:
        return {"errors": [_refusal(error.as_http_error_reason())]}
    except MissingQueryError:
        return {"errors": [_refusal("The query is empty.")]}
    executed = result.data is not None or not result.errors or any(e.path for e in result.errors)
    body: dict[str, Any] = {"data": result.data} if executed else {}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    return body


async def _read(http: HttpRequest, max_body: int) -> Question:
    require_json(http)
    try:
        body = orjson.loads(await body_of(http, max_body))
    except orjson.JSONDecodeError as error:
        raise BadUsage(f"The body is not JSON: {error}.") from None
    wanted = {"query": str, "variables": dict | None, "operationName": str | None, "extensions": dict | None}
    if not isinstance(body, dict) or not all(isinstance(body.get(name), type_) for name, type_ in wanted.items()):
        raise BadUsage(
            "Send a JSON object with query, a text, and if need be variables or extensions, objects, and operationName."
        )
    variables = body.get("variables")
    refuse_deep(variables)
    return body["query"], variables, body.get("operationName")


def refuse_deep(variables: dict[str, Any] | None) -> None:
    """Refuse variables that are nested deeper than anything that can be asked: reading them would take the stack.

    Raises
    ------
    BadUsage
    """
    level: list[Any] = [variables]
    for _ in range(_DEEPEST):
        nested = (each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list))
        level = [value for values in nested for value in values]
        if not level:
            return
    raise BadUsage(f"The variables are nested more than {_DEEPEST} levels deep; send flatter ones.")


def require_json(http: HttpRequest) -> None:
    """Refuse a body that does not say that it is JSON in UTF-8.

    A page of somebody else's cannot send that without asking first, and so makes no demo do anything.
    """
    sent = Message()
    sent["content-type"] = http.headers.get("content-type", "")
    if sent.get_content_type() != _JSON or sent.get_content_charset("utf-8") != "utf-8":
        raise HTTPException(415)


def refuse_coded(http: HttpRequest) -> None:
    """Refuse a body that is compressed: it would be taken for what it says."""
    coding = http.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise HTTPException(415, f"Send the body as it is, and not in Content-Encoding: {coding}.")


async def body_of(http: HttpRequest, most: int) -> bytes:
    """Read the body of a request, and no further than it may go."""
    refuse_coded(http)
    read = bytearray()
    async for part in http.stream():
        read += part
        if len(read) > most:
            raise HTTPException(413, f"The request may have {most:,} bytes.")
    return bytes(read)


def _refusal(message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": QueryInvalid.code}}
