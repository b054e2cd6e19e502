"""An application on a small estate, asked without a network."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.graphql.limits import STANDARD
from knockon.graphql.schema import build_schema
from knockon.itsm.health.checks import rules_of
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation
from knockon.server import create_app
from knockon.server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from fastapi import FastAPI

    from knockon.graphql.limits import QueryLimits
    from knockon.graphql.schema import ApiSchema
    from knockon.itsm.health.rules import Rule
    from knockon.schema.model import Model
    from knockon.schema.observation import Item

MODEL = installed_model()
TOKEN = "correct horse battery staple"
SENT = {"Authorization": f"Bearer {TOKEN}"}
SEEN = "2026-11-01T08:00:00Z"


@pytest.fixture(scope="session")
async def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Load an estate of two and give its URL; nobody writes to it."""
    path = tmp_path_factory.mktemp("served") / "estate.db"
    store = SqliteStore(path, MODEL)
    await store.open()
    items: list[Item] = [
        EntityObservation("t", "shop", "BusinessService", {"name": "shop"}, SEEN),
        EntityObservation("t", "box", "Server", {"name": "box"}, SEEN),
        RelationshipObservation("t", "DEPENDS_ON", "shop", "box", {}, SEEN),
    ]
    await load(store, MODEL, items, source="t", actor="tester")
    await store.close()
    return f"sqlite://{path}"


def settings(url: str, token: str | None = TOKEN) -> Settings:
    given: dict[str, Any] = {"store": url, "token": token}
    return Settings(**given)


@asynccontextmanager
async def asking(app: FastAPI, base: str = "http://knockon.example.org") -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url=base) as client:
        yield client


@pytest.fixture(scope="session")
async def client(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with asking(create_app(settings(url), MODEL)) as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def one_schema() -> Iterator[None]:
    """Build the schema of the shipped model once for all applications: it takes longer than most tests."""
    shipped = rules_of((), MODEL)
    schema = build_schema(MODEL, shipped)

    def built(model: Model, rules: Sequence[Rule], limits: QueryLimits) -> ApiSchema:
        usual = model is MODEL and rules == shipped and limits == STANDARD
        return schema if usual else build_schema(model, rules, limits)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knockon.server.app.build_schema", built)
        yield


@pytest.fixture(params=["sqlite", "neo4j"])
def both(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty store of each kind."""
    if request.param == "sqlite":
        return f"sqlite://{tmp_path / 'estate.db'}"
    user, password = request.getfixturevalue("neo4j_auth")
    parts = urlsplit(request.getfixturevalue("wiped_neo4j"))
    return f"{parts.scheme}://{user}:{password or 'none'}@{parts.netloc}"
