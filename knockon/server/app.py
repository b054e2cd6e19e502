"""The application: one estate, asked over HTTP."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation at run time
from starlette.responses import HTMLResponse
from starlette.routing import WebSocketRoute

from knockon import __version__
from knockon.cmdb.access import Policy
from knockon.cmdb.past.news import News
from knockon.cmdb.stores import opened, store_at
from knockon.graphql.limits import QueryLimits
from knockon.graphql.request import Following
from knockon.graphql.schema import build_schema
from knockon.impact.topology.as_of import Pasts
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.decisions.following_states import FollowedStates
from knockon.itsm.health.checks import rules_of
from knockon.server import problems
from knockon.server.auditing import HEADER, Audit
from knockon.server.authentication import Authentication
from knockon.server.callbacks import Callbacks
from knockon.server.changes import changes_endpoint
from knockon.server.endpoint import graphql_endpoint
from knockon.server.followers import Followers
from knockon.server.guard import OPEN, SOCKET, Guard
from knockon.server.health import healthz, metrics_endpoint, readiness
from knockon.server.limiting import Concurrency
from knockon.server.loading import load_endpoint
from knockon.server.loads import Loads
from knockon.server.metrics import LoadCount, Metrics, measured
from knockon.server.oidc import verifier_of
from knockon.server.openapi import openapi_endpoint
from knockon.server.page import start_page
from knockon.server.pages import Pages, built
from knockon.server.sockets import Sockets, socket_endpoint
from knockon.server.subscription import Answering

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
        return measured(store_at(settings.store_url, model, user=settings.store_user, password=password), metrics)

    served = measured(store, metrics) if store else connect()
    topologies = Topologies(served, model, settings.cache_folder, connect)
    loads = Loads(topologies, lambda: LoadCount(metrics))
    pasts = Pasts(topologies)
    news = News(served, every=settings.follow_seconds)
    states = FollowedStates(topologies)
    following = Following(news, states)
    followers = Followers(settings.max_sockets)
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
                async with callbacks.watching(), news.watching():
                    yield
                    await followers.leave()
                await states.close()
                await loads.finish()

    policy = Policy(model, settings.readers)
    limits = QueryLimits(settings.max_cost, settings.max_depth, settings.max_aliases, settings.max_query_tokens)
    schema = build_schema(model, rules_of(settings.rules, model), limits)
    app = FastAPI(
        title="knockon", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None,
        telemetry={"exclude": lambda scope: scope["path"] in OPEN},
    )  # fmt: skip
    app.state.demo = demo
    app.state.followers = followers
    app.state.max_body = settings.max_body
    app.state.max_seconds = settings.max_seconds
    problems.install(app)
    _before_requests(app, settings, authentication, metrics)
    endpoint = graphql_endpoint(
        schema, topologies, pasts, policy, max_body=settings.max_body, max_seconds=settings.max_seconds
    )
    answering = Answering(schema, topologies, pasts, policy, following, metrics, settings.max_seconds)
    sockets = Sockets(answering, authentication, followers, settings.max_subscriptions, settings.max_body)
    app.add_route("/graphql", endpoint, methods=["POST"])
    app.router.routes.append(WebSocketRoute(SOCKET, socket_endpoint(sockets)))
    changes = changes_endpoint(
        topologies, callbacks, policy, max_body=settings.max_body, max_seconds=settings.max_seconds
    )
    app.add_route("/changes", changes, methods=["POST"])
    load = load_endpoint(loads, model, policy, most=settings.max_load, patience=settings.max_seconds)
    app.add_route("/load", load, methods=["POST"])
    app.add_route("/openapi.json", openapi_endpoint(), methods=["GET"])
    app.add_route("/healthz", healthz, methods=["GET"])
    app.add_route("/readyz", readiness(served, topologies), methods=["GET"])
    app.add_route("/metrics", metrics_endpoint(served, topologies, metrics), methods=["GET"])

    @app.get("/", include_in_schema=False)
    async def start(request: Request) -> HTMLResponse:
        """Say what this is, and three things to try."""
        return HTMLResponse(start_page(str(request.base_url), token=not demo, pages=settings.pages and built()))

    return app


def _before_requests(app: FastAPI, settings: Settings, authentication: Authentication | None, metrics: Metrics) -> None:
    """Set what sees a request before the application does."""
    # the last one added is the first to see a request
    app.add_middleware(Concurrency, most=settings.max_concurrent, most_of_one=settings.max_concurrent_of_one)
    app.add_middleware(Guard, authentication=authentication, origins=settings.origins)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=settings.origins, allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", HEADER],
            expose_headers=[HEADER], max_age=600,
        )  # fmt: skip
    if settings.pages:
        app.add_middleware(Pages)
    app.add_middleware(Audit, metrics=metrics)
