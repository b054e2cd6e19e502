"""Who needs a parent and names none is told of, until one is named, on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.reconciliation.explaining import things_of
from knockon.cmdb.stewardship.edits import Editor
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.cmdb.identity import MODEL

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

DAYS = tuple(f"2026-11-0{day}T08:00:00Z" for day in range(1, 5))
DATABASE = EntityObservation("cmdb", "d1", "Database", {"name": "orders"})
INSIDE = RelationshipObservation("cmdb", "CONTAINED_IN", "d1", "i1", {})
SAYS = (
    "cmdb:d1 is a Database (CONTAINED_IN DatabaseInstance), which only its parent tells from others, and names none. "
    "Load that relationship too, with the record's own key at its end."
)


@pytest.fixture
def store_model() -> Model:
    return MODEL


async def say(store: Store, *items: Any, day: int = 0, **how: Any) -> list[tuple[str, str]]:
    dated = [type(each)(**{**_fields(each), "seen": DAYS[day], "location": str(n)}) for n, each in enumerate(items)]
    report = await load(store, MODEL, dated, source="cmdb", actor="tests", allow_retire=True, **how)
    return [(each.code.value, each.location) for each in report.findings if each.code != "WAITING_REFERENCE"]


def _fields(item: Any) -> dict[str, Any]:
    return {name: getattr(item, name) for name in item.__dataclass_fields__}


async def kept(store: Store) -> list[str]:
    return [each.code for each in await store.findings()]


async def test_it_is_told_with_the_record_and_goes_when_a_parent_is_named_that_is_not_there_yet(store: Store) -> None:
    assert await say(store, DATABASE) == [("MISSING_PARENT", "0")]
    (finding,) = await store.findings()
    assert (finding.records, finding.token) == ((("cmdb", "d1"),), "")
    assert [each.name for each in (await things_of(store, [finding]))[finding.id]] == ["orders"]
    assert await say(store, INSIDE, day=1) == []
    assert await kept(store) == []


async def test_it_is_not_told_where_the_same_load_names_the_parent_and_comes_when_that_is_withdrawn(
    store: Store,
) -> None:
    assert await say(store, DATABASE, INSIDE, complete=True) == []
    assert await say(store, DATABASE, day=1, complete=True) == [("MISSING_PARENT", "")]
    assert await kept(store) == ["MISSING_PARENT"]
    assert await say(store, EntityObservation("cmdb", "m1", "Server", {}), day=2, complete=True) == []
    assert await kept(store) == []


async def test_a_strict_load_that_does_not_write_the_relationship_leaves_the_finding(store: Store) -> None:
    assert await say(store, DATABASE, INSIDE, strict=True) == [("MISSING_PARENT", "")]
    assert await kept(store) == ["MISSING_PARENT"]


async def test_another_end_than_its_own_key_names_no_parent(store: Store) -> None:
    by_name = RelationshipObservation("cmdb", "CONTAINED_IN", "Database:orders", "i1", {})
    elsewhere = RelationshipObservation("cmdb", "CONTAINED_IN", "d1", "Server:web", {})
    assert await say(store, DATABASE, by_name, elsewhere) == [("MISSING_PARENT", "0")]


async def test_what_a_person_enters_is_not_asked_for_it(store: Store) -> None:
    await Editor(store, MODEL, "ann").create("Database", {"name": "orders"})
    assert await kept(store) == []


async def test_the_sentence_names_the_way(store: Store) -> None:
    report = await load(store, MODEL, [DATABASE], source="cmdb", actor="tests")
    assert [each.message for each in report.findings] == [SAYS]
