"""Estates as the acceptance tests see them: made, loaded, and compared up to ids."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon import loaders
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.neo4j import Neo4jStore
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.schema.installed import installed_model

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Entity, Revision, Scan
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport

MODEL = installed_model()
EVERYTHING = MODEL.concrete("Entity")
ROOT = Path(__file__).parents[2]


class Place(NamedTuple):
    """Where an estate is kept: as a command line names it, and as a program opens it."""

    url: str
    auth: tuple[str, str] = ("", "")

    def store(self) -> Store:
        if self.url.startswith("sqlite://"):
            return SqliteStore(Path(self.url.removeprefix("sqlite://")), MODEL)
        return Neo4jStore(self.url, *self.auth, MODEL)

    def environment(self) -> dict[str, str]:
        user, password = self.auth
        return {
            **os.environ,
            "KNOCKON_STORE": self.url,
            "KNOCKON_STORE_USER": user,
            "KNOCKON_STORE_PASSWORD": password,
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``knockon`` with these arguments in a process of its own."""
        return subprocess.run(
            knockon(*arguments), env=self.environment(), cwd=ROOT, capture_output=True, text=True, check=False
        )


def knockon(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from knockon.cli import main; main()", *arguments]


async def load_files(store: Store, *paths: Path, source: str | None = None) -> LoadReport:
    reading = loaders.read(paths, source=source, model=MODEL)
    return await load(store, MODEL, reading.items, source=reading.source, actor="acceptance")


class Estate(NamedTuple):
    """Everything that a store holds, with the place in every list (class, name, source:key) instead of ids."""

    entities: dict[str, dict[str, Any]]
    edges: dict[tuple[str, str, str, str], dict[str, Any]]
    waiting: set[tuple[Any, ...]]

    @classmethod
    def of(cls, scan: Scan) -> Estate:
        orders = orders_of(scan)
        entities = {each.order: {"name": each.name, **each.attributes} for each in scan.entities}
        edges = {}
        for each in scan.edges:
            kind, start, end, group = each.key
            edges[kind, orders[start], orders[end], group] = dict(each.attributes)
        assert len(entities) == len(scan.entities)
        assert len(edges) == len(scan.edges)
        waiting = {(each.key, each.because, up_to_ids(each.known, orders)) for each in scan.waiting}
        return cls(entities, edges, waiting)


async def estate(store: Store) -> Estate:
    return Estate.of(await store.scan(EVERYTHING))


def orders_of(scan: Scan) -> dict[str, str]:
    return {each.id: each.order for each in scan.entities}


def native_reference(entity: Entity) -> str:
    """Give the ``source:key`` of an entity of one source."""
    return entity.order.rpartition("\x1f")[2]


def up_to_ids(value: Any, orders: dict[str, str]) -> Any:
    """Replace every id in an answer by the place of its entity in every list."""
    if is_dataclass(value) and not isinstance(value, type):
        return up_to_ids(asdict(value), orders)
    if isinstance(value, dict):
        return {orders.get(name, name): up_to_ids(each, orders) for name, each in value.items()}
    if isinstance(value, list):
        return [up_to_ids(each, orders) for each in value]
    if isinstance(value, tuple):
        return tuple(up_to_ids(each, orders) for each in value)
    return orders.get(value, value) if isinstance(value, str) else value


async def whole_feed(store: Store) -> list[Revision]:
    """Read the journal to its end as a follower does, and hold it to the writer protocol: no gap, no half entry."""
    found: list[Revision] = []
    while part := await store.feed(len(found)):
        found += part
    assert [each.number for each in found] == list(range(1, await store.revision() + 1))
    assert all(each.count == len(each.entries) for each in found)
    return found


def replayed(feed: list[Revision]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give the live entities and edges that the journal adds up to; what was before an entry must be what it says."""
    now: dict[str, dict[str, Any]] = {"entity": {}, "edge": {}}
    for revision in feed:
        for entry in revision.entries:
            assert now[entry.kind].get(entry.id) == entry.before, (revision.number, entry)
            now[entry.kind][entry.id] = entry.after
    entities, edges = ({id_: image for id_, image in each.items() if not image["retired"]} for each in now.values())
    return entities, edges
