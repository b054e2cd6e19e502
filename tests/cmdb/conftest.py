"""Stores to test with: ``store`` runs a test against each, ``connect`` opens more on the same database."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cmdb.contract.estate import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

    Connect = Callable[[], Awaitable[Store]]


@pytest.fixture
def store_model() -> Model:
    """Give the model of the stores; a module may have its own."""
    return MODEL


def sqlite_store(path: Path, model: Model = MODEL) -> Store:
    from knockon.cmdb.stores.sqlite import SqliteStore  # noqa: PLC0415 - each half of a run loads its own driver only

    return SqliteStore(path, model)


def neo4j_store(uri: str, auth: tuple[str, str], model: Model = MODEL) -> Store:
    from knockon.cmdb.stores.neo4j import Neo4jStore  # noqa: PLC0415 - each half of a run loads its own driver only

    return Neo4jStore(uri, *auth, model)


@asynccontextmanager
async def connecting(make: Callable[[], Store]) -> AsyncIterator[Connect]:
    async with AsyncExitStack() as stack:

        async def connect() -> Store:
            store = make()
            stack.push_async_callback(store.close)
            await store.open()
            return store

        yield connect


@pytest.fixture(params=["sqlite", "neo4j"])
def make(request: pytest.FixtureRequest, tmp_path: Path, store_model: Model) -> Callable[[], Store]:
    """Give what makes store objects on one database, which is empty."""
    if request.param == "sqlite":
        return lambda: sqlite_store(tmp_path / "estate.db", store_model)
    uri: str = request.getfixturevalue("wiped_neo4j")
    auth: tuple[str, str] = request.getfixturevalue("neo4j_auth")
    return lambda: neo4j_store(uri, auth, store_model)


@pytest.fixture
async def connect(make: Callable[[], Store]) -> AsyncIterator[Connect]:
    async with connecting(make) as connect:
        yield connect


@pytest.fixture
async def store(connect: Connect) -> Store:
    return await connect()


@pytest.fixture
async def sqlite_connect(tmp_path: Path) -> AsyncIterator[Connect]:
    async with connecting(lambda: sqlite_store(tmp_path / "estate.db")) as connect:
        yield connect
