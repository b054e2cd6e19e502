"""Eight sources load at once, each speaking of what the others bring; the estate is as if they had taken turns."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from knockon import loaders
from knockon.cmdb.loading import run as load_run
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores import opened
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.acceptance.estates import EVERYTHING, MODEL, Estate, Place, estate, replayed, whole_feed

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport
    from knockon.schema.observation import Item

LOADS = 8
SOURCES = [f"source-{number}" for number in range(LOADS)]


@pytest.fixture(scope="module")
def told(sample_files: Path) -> dict[str, list[Item]]:
    """Share the sample estate out among eight sources: every one tells a part, and refers to the others' keys.

    A relationship is told by the source of its target, so that most of them name another source's key.
    """
    found: dict[str, list[Item]] = {source: [] for source in SOURCES}
    homes: dict[str, str] = {}
    for item in loaders.read([sample_files], model=MODEL).items:
        if isinstance(item, EntityObservation):
            home = homes[item.key] = SOURCES[len(homes) % LOADS]
            found[home].append(replace(item, source=home))
        else:
            assert isinstance(item, RelationshipObservation)
            start, end = (f"{homes[key]}:{key}" for key in (item.from_ref, item.to_ref))
            home = homes[item.to_ref]
            found[home].append(replace(item, source=home, from_ref=start, to_ref=end))
    return found


@pytest.fixture(scope="module")
async def in_turn(told: dict[str, list[Item]], tmp_path_factory: pytest.TempPathFactory) -> Estate:
    """Give the estate that comes of loading one source after the other."""
    place = Place(f"sqlite://{tmp_path_factory.mktemp('turns') / 'estate.db'}")
    async with opened(place.store()) as store:
        for source, items in told.items():
            await bring(store, source, items)
        found = await estate(store)
    assert len(found.entities) == sum(isinstance(each, EntityObservation) for items in told.values() for each in items)
    assert len(found.edges) == sum(len(items) for items in told.values()) - len(found.entities)
    assert found.waiting == set()
    return found


async def bring(store: Store, source: str, items: list[Item]) -> LoadReport:
    report = await load(store, MODEL, items, source=source, actor="acceptance")
    assert report.rejects == []
    assert {each.code for each in report.findings} <= {"WAITING_REFERENCE", "MISSING_PARENT"}
    return report


async def test_eight_loads_at_once_make_the_estate_of_eight_in_turn(
    place: Place, told: dict[str, list[Item]], in_turn: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_run, "BATCH", 50)  # so that the loads meet often
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(opened(place.store())) for _ in SOURCES]
        pairs = zip(stores, told.items(), strict=True)
        reports = await asyncio.gather(*(bring(store, *each) for store, each in pairs))
        feed = await whole_feed(stores[0])
        now = await estate(stores[-1])
        scan = await stores[-1].scan(EVERYTHING)
    assert now.entities == in_turn.entities
    assert now.edges == in_turn.edges
    assert now.waiting == set()
    # they really met: batches of different sources lie between each other, and references waited
    assert sum(one.head.source != other.head.source for one, other in pairwise(feed)) > LOADS
    assert sum(report.relationships.waiting for report in reports) > 0
    assert sum(report.entities.created for report in reports) == len(now.entities)
    assert sum(report.relationships.created for report in reports) == len(now.edges)
    entities, edges = replayed(feed)
    assert set(entities) == {each.id for each in scan.entities}
    assert set(edges) == {" ".join(each.key) for each in scan.edges}
