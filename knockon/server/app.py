"""The application: one estate, asked over HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, cast

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation at run time
from starlette.responses import HTMLResponse

from knockon import __version__
from knockon.cmdb.access import Policy
from knockon.cmdb.stores import opened, store_at
from knockon.graphql.limits import QueryLimits
from knockon.graphql.schema import build_schema
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.health.checks import rules_of
from knockon.server import problems
from knockon.server.auditing import HEADER, Audit
from knockon.server.authentication import Authentication
from knockon.server.callbacks import Callbacks
from knockon.server.changes import changes_endpoint
from knockon.server.endpoint import graphql_endpoint
from knockon.server.guard import OPEN, Guard
from knockon.server.health import healthz, metrics_endpoint, readiness
from knockon.server.limiting import Concurrency
from knockon.server.loading import load_endpoint
from knockon.server.loads import Loads
from knockon.server.metrics import MeasuredStore, Metrics
from knockon.server.oidc import verifier_of
from knockon.server.page import start_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model
    from knockon.server.settings import Settings


def create_app(settings: Settings, model: Model, store: Store | None = None, *, demo: bool = False) -> FastAPI:
    """Make the application that serves ``store``, or the one that the settings name.

    Callers must send a token of the store, or the settings' own. As a ``demo`` anybody may ask anything, but only under
    a name of this machine: whoever runs such an application binds it to loopback (``run_server`` refuses anything
    else). The store is opened when the application starts, and closed when it stops.

    Raises
    ------
    ModelInvalid
        Two names of the model would be the same name in the API.
    RulesInvalid, FileUnreadable, FileNotParsed
        The compliance rules have mistakes, or cannot be read.
    BadUsage
        The settings name readers of what is not sensitive.
    """
    password = settings.store_password.get_secret_value() if settings.store_password else None
    metrics = Metrics()

    def connect() -> Store:
        return store_at(settings.store_url, model, user=settings.store_user, password=password)

    served = cast("Store", MeasuredStore(store or connect(), metrics))
    topologies = Topologies(served, model, settings.cache_folder)
    loads = Loads(connect, topologies, metrics.loaded)
    callbacks = Callbacks(
        topologies, settings.callbacks, settings.callback_secret, every=settings.callback_seconds,
        counted=metrics.told,
    )  # fmt: skip
    verifier = None if demo else verifier_of(settings)
    authentication = None if demo else Authentication(served, settings.token, verifier)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with verifier or nullcontext():
            async with opened(served):
                if authentication:
                    await authentication.require_somebody()
                async with callbacks.watching():
                    yield
                await loads.finish()

    policy = Policy(model, settings.readers)
    limits = QueryLimits(settings.max_cost, settings.max_depth, settings.max_aliases, settings.max_query_tokens)
    schema = build_schema(model, rules_of(settings.rules, model), limits)
    app = FastAPI(
        title="knockon", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None,
        telemetry={"exclude": lambda scope: scope["path"] in OPEN},
    )  # fmt: skip
    app.state.demo = demo
    app.state.max_seconds = settings.max_seconds
    problems.install(app)
    # the last one added is the first to see a request
    app.add_middleware(Concurrency, most=settings.max_concurrent, most_of_one=settings.max_concurrent_of_one)
    app.add_middleware(Guard, authentication=authentication)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", HEADER], expose_headers=[HEADER], max_age=600,
        )  # fmt: skip
    app.add_middleware(Audit, metrics=metrics)
    endpoint = graphql_endpoint(
        schema, topologies, policy, max_body=settings.max_body, max_seconds=settings.max_seconds
    )
    app.add_route("/graphql", endpoint, methods=["POST"])
    app.add_route("/changes", changes_endpoint(topologies, callbacks, max_body=settings.max_body), methods=["POST"])
    app.add_route("/load", load_endpoint(loads, model, policy, settings.max_load), methods=["POST"])
    app.add_route("/healthz", healthz, methods=["GET"])
    app.add_route("/readyz", readiness(served, topologies), methods=["GET"])
    app.add_route("/metrics", metrics_endpoint(served, topologies, metrics), methods=["GET"])

    @app.get("/", include_in_schema=False)
    async def start(request: Request) -> HTMLResponse:
        """Say what this is, and three things to try."""
        return HTMLResponse(start_page(str(request.base_url), token=not demo))

    return app
