"""A small shop in a real store, and a way to ask it in GraphQL that counts what the store is asked."""

from __future__ import annotations

from collections import Counter
from copy import copy
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import LOCAL, AccessScope, Policy, Principal
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.graphql.request import Request
from knockon.graphql.schema import ApiSchema, build_schema
from knockon.impact.topology.as_of import Pasts
from knockon.impact.topology.topologies import Topologies
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.observation import Item

MODEL = installed_model()
SEEN = "2026-11-01T08:00:00Z"


def thing(key: str, class_name: str, **attributes: Any) -> EntityObservation:
    return EntityObservation("t", key, class_name, {"name": key, **attributes}, SEEN)


def link(start: str, kind: str, end: str, **attributes: Any) -> Item:
    return RelationshipObservation("t", kind, start, end, attributes, SEEN)


SHOP: list[Item] = [
    thing("shop", "BusinessService", criticality=1, user_count=999),
    thing("intranet", "BusinessService", criticality=4),
    thing("web", "Application", environment="production"),
    thing("wiki", "Application", environment="test"),
    thing("farm", "Cluster", min_up="1"),
    thing("esx-1", "Hypervisor"),
    thing("esx-2", "Hypervisor"),
    thing("srv-1", "Server", serial_number="S1"),
    thing("srv-2", "Server", serial_number="S2"),
    thing("box", "Server", serial_number="T1"),
    thing("ann", "Person"),
    link("shop", "DEPENDS_ON", "web", evidence="observed"),
    link("web", "HOSTED_ON", "farm"),
    link("esx-1", "MEMBER_OF", "farm"),
    link("esx-2", "MEMBER_OF", "farm", weight=2),
    link("esx-1", "RUNS_ON", "srv-1"),
    link("esx-2", "RUNS_ON", "srv-2"),
    link("intranet", "DEPENDS_ON", "wiki", strength="soft"),
    link("wiki", "RUNS_ON", "box"),
    link("wiki", "DEPENDS_ON", "nowhere:to-be-found"),
    link("ann", "USES", "intranet"),
    thing("inc-1", "Incident", kind="outage", state="new", opened_at="2026-11-01T09:00:00Z"),
    thing("inc-2", "Incident", kind="outage", state="closed", opened_at="2026-10-01T09:00:00+02:00"),
    link("inc-1", "AFFECTS", "box"),
    link("inc-2", "AFFECTS", "srv-1"),
    thing("chg-1", "Change", state="planned"),
    link("chg-1", "CHANGES", "srv-1", effect="down"),
    link("chg-1", "CHANGES", "srv-2", effect="down"),
]


class Counted:
    """A store that counts what it is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            return found(*args, **kwargs)

        return counted


class Api:
    """Asks one estate."""

    def __init__(self, store: Store, schema: ApiSchema) -> None:
        self.principal = LOCAL
        self.policy = Policy(MODEL)
        self.store: Any = Counted(store)
        self.schema = schema
        self.topologies = Topologies(self.store, MODEL)
        self.pasts = Pasts(self.topologies)

    def seen_by(self, *scopes: AccessScope, **readers: list[AccessScope]) -> Api:
        """Give the same for somebody with these scopes, where these may read what is sensitive."""
        other = copy(self)
        other.principal = Principal("somebody", frozenset(scopes))
        other.policy = Policy(MODEL, {name.replace("__", "."): each for name, each in readers.items()})
        return other

    async def load(self, *items: Item) -> None:
        report = await load(self.store, MODEL, items, source="t", actor="tester")
        assert not report.rejects, report.rejects

    async def result(self, query: str, **variables: Any) -> Any:
        return await self.schema.execute(
            query,
            variable_values=variables,
            context_value=Request(self.topologies, self.pasts, principal=self.principal, policy=self.policy),
        )

    async def ask(self, query: str, **variables: Any) -> Any:
        result = await self.result(query, **variables)
        assert result.errors is None, result.errors
        return result.data

    async def code(self, query: str, **variables: Any) -> tuple[str, str]:
        """Give the code and the message of the one error."""
        result = await self.result(query, **variables)
        (error,) = result.errors
        return error.extensions["code"], error.message

    async def calls(self, query: str, **variables: Any) -> dict[str, int]:
        self.store.calls.clear()
        await self.ask(query, **variables)
        return dict(self.store.calls)


@pytest.fixture(scope="session")
def schema() -> ApiSchema:
    return build_schema(MODEL)


@pytest.fixture
async def empty(tmp_path: Path, schema: ApiSchema) -> AsyncIterator[Api]:
    store = SqliteStore(tmp_path / "estate.db", MODEL)
    await store.open()
    yield Api(store, schema)
    await store.close()


@pytest.fixture
async def api(empty: Api) -> Api:
    await empty.load(*SHOP)
    return empty


def names(connection: Any) -> list[str]:
    return [edge["node"]["name"] for edge in connection["edges"]]


def rows(connection: Any, read: Callable[[Any], Any]) -> list[Any]:
    return [read(edge) for edge in connection["edges"]]
