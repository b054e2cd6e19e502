"""Which attributes have an index goes by the model, also when it changes, and in a store that is older than indexes."""

from __future__ import annotations

import sqlite3
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.cmdb.contract.filter import All, Any_, Compare, Condition, Not
from knockon.cmdb.contract.indexing import EQUALITIES, anchor, indexed
from knockon.cmdb.contract.ordering import OrderBy
from knockon.cmdb.stores.sqlite import SqliteStore, values
from knockon.cmdb.stores.sqlite.schema import MIGRATIONS
from knockon.errors import ScanTooLarge
from tests.cmdb.conftest import neo4j_store
from tests.cmdb.contract.estate import CLASSES, MODEL, commit, entity, ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

    Open = Callable[[Model], Awaitable[Store]]


def with_size_indexed() -> Model:
    """Give the suite's model as an extension file would make it that asks for one more index."""
    classes = {}
    for name, each in MODEL.classes.items():
        size = each.attributes["size"]
        size = replace(size, spec=size.spec.model_copy(update={"indexed": True}))
        classes[name] = replace(each, attributes={**each.attributes, "size": size})
    return replace(MODEL, classes=classes)


WIDER = with_size_indexed()
BY_SIZE = OrderBy("size")


@pytest.fixture(params=["sqlite", "neo4j"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Model], Store]:
    """Give what makes a store of one database with any model."""
    if request.param == "sqlite":
        return lambda model: SqliteStore(tmp_path / "estate.db", model)
    uri: str = request.getfixturevalue("wiped_neo4j")
    auth: tuple[str, str] = request.getfixturevalue("neo4j_auth")
    return lambda model: neo4j_store(uri, auth, model)


@pytest.fixture
async def opening(databases: Callable[[Model], Store]) -> AsyncIterator[Open]:
    """Give what opens it."""
    async with AsyncExitStack() as stack:

        async def open_with(model: Model) -> Store:
            store = databases(model)
            stack.push_async_callback(store.close)
            await store.open()
            return store

        yield open_with


async def test_a_model_that_asks_for_an_index_gets_one_and_all_writers_keep_it(opening: Open) -> None:
    assert indexed(WIDER) == indexed(MODEL) | {"size"}
    older = await opening(MODEL)
    await commit(older, entity("a", size=3), entity("b", size=1), entity("c"))
    with pytest.raises(ScanTooLarge):
        await older.page(CLASSES, None, by=BY_SIZE, limit=9, bound=0)
    newer = await opening(WIDER)
    assert ids(await newer.page(CLASSES, None, by=BY_SIZE, limit=9, bound=0)) == ["b", "a", "c"]
    assert ids(await newer.page(CLASSES, Compare("size", "gt", 1), limit=9, bound=0)) == ["a"]
    await commit(older, entity("b", size=5), entity("d", size=4))  # by who has opened it with the older model
    assert ids(await newer.page(CLASSES, None, by=BY_SIZE, limit=9, bound=0)) == ["a", "d", "b", "c"]
    assert await newer.count(CLASSES, Compare("size", "eq", 1), bound=0) == 0
    again = await opening(MODEL)
    await commit(again, entity("a", size=9), entity("d", retired=True, size=4))
    assert ids(await newer.page(CLASSES, None, by=BY_SIZE, limit=9, bound=0)) == ["b", "a", "c"]


async def test_a_file_of_before_there_were_indexes_gets_them(tmp_path: Path) -> None:
    path = tmp_path / "estate.db"
    store = SqliteStore(path, MODEL)
    await store.open()
    await commit(store, entity("a", serial_number="s2"), entity("b", serial_number="s1"), entity("c", "Application"),
                 entity("gone", serial_number="s0", retired=True))  # fmt: skip
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        before = MIGRATIONS.index(values.TABLES)
        connection.executescript(
            "DROP TABLE attribute_value; DROP TABLE attribute_index; DROP TABLE token; DROP TABLE lease;"
            "CREATE TABLE entity_name (token TEXT); ALTER TABLE entity ADD COLUMN names TEXT"
        )
        connection.executescript("ALTER TABLE alias DROP COLUMN records; ALTER TABLE alias DROP COLUMN since")
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [before])
    await store.open()
    by = OrderBy("serial_number", descending=True)
    assert ids(await store.page(CLASSES, None, by=by, limit=9, bound=0)) == ["a", "b", "c"]
    assert ids(await store.page(CLASSES, Compare("serial_number", "eq", "s1"), limit=9)) == ["b"]
    await store.close()


ADDRESSES = ["10.0.0.1", "10.0.0.10", "a b", "b a", "a  b", 'x"y\\z', "(x) AND *", "-1", "a:b~2^", "1" * 300, "1" * 301,
             "a " * 9000 + "b", "A", "Å", "A\u030a", "東京", " x ", "x"]  # fmt: skip


async def test_one_of_several_values_is_found_by_its_index(opening: Open) -> None:
    store = await opening(MODEL)
    rows = [entity(f"e{i:02}", CLASSES[i % 3], addresses=[each, "z", each]) for i, each in enumerate(ADDRESSES)]
    await commit(store, *rows, entity("gone", addresses=["10.0.0.1"], retired=True), entity("old", addresses="b"))
    for row, each in zip(rows, ADDRESSES, strict=True):
        one = Compare("addresses", "eq", each, many=True)
        assert ids(await store.page(CLASSES, one, limit=9, bound=0)) == [row.id], each
        assert ids(await store.page(CLASSES, one, by=OrderBy("size"), limit=9, bound=1)) == [row.id]
        assert await store.count(CLASSES, All((one, Compare("text", "is_null", value=False))), bound=0) == 0
    some = Compare("addresses", "in", (ADDRESSES[0], ADDRESSES[5], "z z"), many=True)
    assert sorted(ids(await store.page(CLASSES, some, limit=9, bound=0))) == ["e00", "e05"]
    assert ids(await store.page(CLASSES, Compare("addresses", "eq", "b", many=True), limit=9, bound=0)) == ["old"]
    every = Compare("addresses", "in", ("z", "10.0.0.1"), many=True)
    assert await store.count(CLASSES, every, bound=0) == len(ADDRESSES)
    assert len(ids(await store.page(["Server"], every, limit=99, bound=0))) == len(ADDRESSES) / 3
    for unknown in (Compare("addresses", "eq", "!", many=True), Compare("addresses", "contains", "10", many=True)):
        with pytest.raises(ScanTooLarge):
            await store.page(CLASSES, unknown, limit=9, bound=3)
    await commit(store, entity("e00", addresses=["10.0.0.2"]), entity("e01", addresses=[]))
    assert await store.count(CLASSES, Compare("addresses", "in", tuple(ADDRESSES[:2]), many=True), bound=0) == 0


compares = st.builds(
    Compare, st.sampled_from(["id", "name", "x", "y", "z"]),
    st.sampled_from(["eq", "in", "ne", "lt", "gte", "starts_with", "contains"]), st.just(""), st.booleans(),
)  # fmt: skip
conditions: st.SearchStrategy[Condition] = st.recursive(
    compares,
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple).map(All)
        | st.lists(inner, max_size=3).map(tuple).map(Any_)
        | inner.map(Not)
    ),
    max_leaves=8,
)


def implied(where: Condition) -> list[Compare]:
    """List what must hold of a single attribute, whatever else is asked."""
    if isinstance(where, All):
        return [found for each in where.members for found in implied(each)]
    return [where] if isinstance(where, Compare) else []


@given(conditions)
def test_an_anchor_is_implied_is_of_one_index_and_is_found_where_there_is_one(where: Condition) -> None:
    found = anchor(where, {"x", "y"})
    usable = [each for each in implied(where) if each.name in {"id", "name", "x", "y"} and not each.many]
    usable = [each for each in usable if each.operator not in {"ne", "contains"}]
    assert set(found) <= set(usable)
    assert bool(found) == bool(usable)
    assert len({each.name for each in found}) <= 1
    equalities = [each for each in usable if each.operator in EQUALITIES]
    assert found == (equalities[0],) if equalities else all(each.operator not in EQUALITIES for each in found)
