"""Views follow what loads really do, retirements and returns too, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stores import opened
from knockon.cmdb.stores.neo4j import Neo4jStore
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.impact.topology.topologies import Topologies, view_of
from tests.impact.topology.test_kept_current import Scribe, alike
from tests.impact.topology.test_topology import MODEL

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store


@pytest.fixture(params=["sqlite", "neo4j"])
def closed(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "sqlite":
        return SqliteStore(tmp_path / "estate.db", MODEL)
    user, password = request.getfixturevalue("neo4j_auth")
    return Neo4jStore(request.getfixturevalue("wiped_neo4j"), user, password, MODEL)


@pytest.fixture
async def store(closed: Store) -> AsyncIterator[Store]:
    async with opened(closed) as store:
        yield store


@pytest.mark.parametrize("seed", range(3))
async def test_a_view_follows_complete_loads(store: Store, seed: int) -> None:
    scribe, topologies = Scribe(seed), Topologies(store, MODEL)
    retired = returned = 0
    for turn in range(10):
        scope = scribe.random.choice(["north", "south"])
        report = await load(
            store, MODEL, scribe.batch(), source="t", actor="tester", scope=scope, complete=turn % 2 == 1
        )
        retired += report.entities.retired + report.relationships.retired
        returned += report.entities.created
        alike(await topologies.current(), view_of(MODEL, await store.scan(MODEL.topology_classes)))
    assert retired > 0
    assert returned > 0
