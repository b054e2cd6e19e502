"""Whether the service lives, whether it can be asked, and its numbers."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import JSONResponse, Response

from knockon.cmdb.access import AccessScope
from knockon.errors import NotReady, StoreError, StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import Topologies
    from knockon.server.metrics import Metrics

log = logging.getLogger("knockon.health")
READY_WITHIN = 2.0
"""Seconds that a question whether the service is ready may take."""


async def healthz(_request: Request) -> Response:
    """Say that the process is alive; touches nothing."""
    return JSONResponse({"status": "alive"})


def readiness(store: Store, topologies: Topologies) -> Callable[[Request], Awaitable[Response]]:
    """Make the handler that says whether questions can be answered, and as of which revision.

    The store can be reached, its layout is ours (else it would not have been opened), and the topology is built once.
    The first call begins to build it, and it goes on when the caller has its answer.
    """

    async def readyz(_request: Request) -> Response:
        revision = None
        try:
            async with asyncio.timeout(READY_WITHIN):
                revision = await store.revision()
                await topologies.current(max_lag=math.inf)
        except StoreError as error:
            log.warning("Not ready: %s", error)  # anybody may ask, and is not told where the store is
            raise type(error)("The store cannot be asked; the log says why.") from None
        except TimeoutError:
            if revision is None:
                raise StoreUnreachable(f"The store did not answer within {READY_WITHIN:g} seconds.") from None
            raise NotReady("The topology is being built; ask again in a moment.") from None
        return JSONResponse({
            "status": "ready", "revision": revision, "store": "reachable", "schema": "current",
            "topology": topologies.built,
        })  # fmt: skip

    return readyz


def metrics_endpoint(
    store: Store, topologies: Topologies, metrics: Metrics
) -> Callable[[Request], Awaitable[Response]]:
    """Make the handler that gives the numbers for Prometheus; where the store is gone, the last ones known of it."""

    async def numbers(request: Request) -> Response:
        request.state.principal.require(AccessScope.VIEWER, to="read metrics")
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(READY_WITHIN):
                revision = await store.revision()
            metrics.store_revision.set(revision)
            metrics.lag.set(-1 if topologies.built is None else max(0, revision - topologies.built))
        return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_LATEST)

    return numbers
