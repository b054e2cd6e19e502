"""One subscription of a socket: what it is told, how long an answer may take, and the record of it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from strawberry.types.execution import PreExecutionError

from knockon.errors import InternalError, TimedOut
from knockon.graphql.request import Request
from knockon.server.logs import ABOUT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from knockon.cmdb.access import Policy, Principal
    from knockon.graphql.request import Answer, Following
    from knockon.graphql.schema import ApiSchema
    from knockon.impact.topology.as_of import Pasts
    from knockon.impact.topology.topologies import Topologies
    from knockon.server.metrics import Metrics

log = logging.getLogger("knockon.audit")


@dataclass(frozen=True)
class Answering:
    """What all subscriptions of an application are answered with; one answer may take ``max_seconds``."""

    schema: ApiSchema
    topologies: Topologies
    pasts: Pasts
    policy: Policy
    following: Following
    metrics: Metrics
    max_seconds: float


@dataclass(frozen=True, slots=True)
class Operation:
    """What a caller sends to subscribe."""

    query: str
    variables: dict[str, Any] | None
    name: str | None


class Subscription:
    """Sends the messages of one subscription by ``send``, which waits where the caller is slow."""

    def __init__(
        self, answering: Answering, principal: Principal, id_: str, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        self._answering = answering
        self._id = id_
        self._send = send
        self._events = 0
        self._codes: list[str] = []
        self._began = 0.0  # once it was accepted
        self._patience: asyncio.Timeout | None = None
        self._request = Request(
            answering.topologies, answering.pasts, principal=principal, policy=answering.policy,
            following=answering.following, on_event=self._on_event,
        )  # fmt: skip

    async def run(self, operation: Operation) -> None:
        """Answer until there is no more to tell, or whoever runs this cancels it."""
        try:
            async with asyncio.timeout(self._answering.max_seconds) as self._patience:
                await self._answer(operation)
        except TimeoutError:
            text = f"The answer took longer than {self._answering.max_seconds:g} seconds and was given up."
            await self._fail([_error(TimedOut.code, text)])
        except Exception:
            log.exception("A subscription failed in a way that knockon does not know")
            await self._fail(
                [_error(InternalError.code, "Something went wrong here; the log of the server says what.")]
            )
        finally:
            self._note_end()

    async def _answer(self, operation: Operation) -> None:
        assert self._patience is not None
        results: Any = await self._answering.schema.subscribe(
            operation.query, variable_values=operation.variables, context_value=self._request,
            operation_name=operation.name,
        )  # fmt: skip
        async with aclosing(results):
            async for result in results:
                self._patience.reschedule(None)  # who is slow to take an answer may be
                errors = [each.formatted for each in result.errors or ()]
                if isinstance(result, PreExecutionError) or (errors and result.data is None):
                    await self._fail(errors)
                    return
                payload = {"data": result.data} | ({"errors": errors} if errors else {})
                await self._send({"id": self._id, "type": "next", "payload": payload})
                self._events += 1
                for each in self._fields:
                    self._answering.metrics.events.labels(each).inc()
        await self._send({"id": self._id, "type": "complete"})

    async def _fail(self, errors: list[Any]) -> None:
        self._codes = sorted({each["extensions"]["code"] for each in errors})
        for code in self._codes:
            self._answering.metrics.errors.labels(code).inc()
        await self._send({"id": self._id, "type": "error", "payload": errors})

    def _on_event(self, how: Answer) -> None:
        """Bound how long an answer takes, and not how long it is waited for something to happen."""
        assert self._patience is not None
        if not self._began:
            self._note_begin()
        now = asyncio.get_running_loop().time()
        self._patience.reschedule(now + self._answering.max_seconds if how == "begins" else None)

    @property
    def _fields(self) -> tuple[str, ...]:
        return self._request.asked.fields if self._request.asked else ()

    def _note_begin(self) -> None:
        self._began = perf_counter()
        for each in self._fields:
            self._answering.metrics.subscriptions.labels(each).inc()
            self._answering.metrics.operations.labels("subscription", each).inc()
        log.info("subscription", extra={ABOUT: self._about()})

    def _note_end(self) -> None:
        if self._began:
            for each in self._fields:
                self._answering.metrics.subscriptions.labels(each).dec()
        seconds = round(perf_counter() - self._began, 4) if self._began else 0.0
        codes = {"codes": self._codes} if self._codes else {}
        log.info(
            "subscription ended", extra={ABOUT: self._about() | codes | {"events": self._events, "seconds": seconds}}
        )

    def _about(self) -> dict[str, Any]:
        principal, asked = self._request.principal, self._request.asked
        about: dict[str, Any] = {"principal": principal.name, "by": principal.by}
        return about | ({"name": asked.name, "fields": asked.fields} if asked else {})


def _error(code: str, message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code}}
