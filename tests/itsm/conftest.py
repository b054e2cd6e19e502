"""A small shop, written in the native format and loaded into a real store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.impact.topology.topologies import Topologies
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.observation import Item

MODEL = installed_model()


def thing(key: str, class_name: str, **attributes: Any) -> Item:
    return EntityObservation("t", key, class_name, {"name": key, **attributes}, "2026-11-01T08:00:00Z")


def link(start: str, kind: str, end: str, **attributes: Any) -> Item:
    return RelationshipObservation("t", kind, start, end, attributes, "2026-11-01T08:00:00Z")


async def say(store: Store, *items: Item) -> None:
    report = await load(store, MODEL, items, source="t", actor="tester")
    assert not report.rejects, report.rejects
    assert not [
        each
        for each in report.findings
        if each.code not in ("WAITING_REFERENCE", "DUPLICATE_IDENTIFIER", "UNKNOWN_STATE")
    ], report.findings


SHOP: list[Item] = [
    thing("shop", "BusinessService", criticality=1, user_count=999),
    thing("intranet", "BusinessService", criticality=4),
    thing("web-a", "Application"),
    thing("db-1", "Server"),
    thing("db-2", "Server"),
    thing("wiki", "Application"),
    thing("box", "Server"),
    thing("ann", "Person"),
    thing("bob", "Person"),
    link("shop", "DEPENDS_ON", "web-a"),
    link("web-a", "DEPENDS_ON", "db-1", redundancy_group="db"),
    link("web-a", "DEPENDS_ON", "db-2", redundancy_group="db"),
    link("intranet", "DEPENDS_ON", "wiki"),
    link("wiki", "RUNS_ON", "box"),
    link("ann", "USES", "intranet"),
    link("bob", "USES", "intranet"),
]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Topologies]:
    store = SqliteStore(tmp_path / "estate.db", MODEL)
    await store.open()
    await say(store, *SHOP)
    yield Topologies(store, MODEL)
    await store.close()
