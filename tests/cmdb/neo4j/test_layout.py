"""What a person sees who looks into the database with Neo4j Browser, and what ``open`` sees to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import neo4j
import pytest

from knockon.cmdb.contract.filter import Compare
from knockon.cmdb.contract.rows import WITHDRAWN
from knockon.cmdb.stores.neo4j import Neo4jStore, schema
from knockon.cmdb.stores.neo4j.cypher import identifier
from knockon.errors import StoreFailed, StoreTooNew
from tests.cmdb.contract.estate import CLASSES, MODEL, commit, edge, entity, head, ids, record, saying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Ask = Callable[..., Awaitable[list[list[Any]]]]


@pytest.fixture
async def ask(wiped_neo4j: str, neo4j_auth: tuple[str, str]) -> AsyncIterator[Ask]:
    async with (
        neo4j.AsyncGraphDatabase.driver(wiped_neo4j, auth=neo4j_auth) as driver,
        driver.session(database="neo4j") as session,
    ):

        async def ask(statement: Any, **parameters: Any) -> list[list[Any]]:
            return await (await session.run(statement, parameters)).values()

        yield ask


@pytest.fixture
async def store(wiped_neo4j: str, neo4j_auth: tuple[str, str]) -> AsyncIterator[Neo4jStore]:
    store = Neo4jStore(wiped_neo4j, *neo4j_auth, MODEL)
    await store.open()
    yield store
    await store.close()


async def test_the_estate_is_a_natural_graph(store: Neo4jStore, ask: Ask) -> None:
    rows = (entity("a", "Application", "shop", size=3, tags=["x"]), entity("s", "Server", "web-1"))
    await commit(store, *rows, edge("a", "s", type_name="RUNS_ON", weight=2))
    assert await ask("MATCH (a:Application)-[r:RUNS_ON]->(s:Server) RETURN a.size, a.tags, r.weight, s._name") == [
        [3, ["x"], 2, "web-1"]
    ]
    found = await ask("MATCH (n:ConfigurationItem) RETURN n._id, labels(n) ORDER BY n._id")
    assert [[each, sorted(labels)] for each, labels in found] == [
        ["a", ["Application", "ConfigurationItem", "Entity", "_Entity", "_Live"]],
        ["s", ["ConfigurationItem", "Entity", "Server", "_Entity", "_Live"]],
    ]
    ((names,),) = await ask("MATCH (n:Application) RETURN keys(n)")
    assert {name for name in names if not name.startswith("_")} == {"size", "tags"}


async def test_what_is_withdrawn_is_not_among_what_waits(store: Neo4jStore, ask: Ask) -> None:
    await commit(store, saying("a", "b"), saying("a", "c"))
    await commit(store, saying("a", "b", because=WITHDRAWN))
    assert await ask("MATCH (r:_Waiting) RETURN r.to") == [["c"]]
    assert await ask("MATCH (r:_EdgeRecord) RETURN count(r)") == [[2]]
    await commit(store, saying("a", "b"))
    assert await ask("MATCH (r:_Waiting) RETURN count(r)") == [[2]]


async def test_what_is_retired_shows_apart(store: Neo4jStore, ask: Ask) -> None:
    await commit(store, entity("a"), entity("b"), edge("a", "b", "g", weight=1))
    await commit(store, entity("b", retired=True), edge("a", "b", "g", weight=1, retired=True))
    assert await ask("MATCH (n:Server) RETURN n._id") == [["a"]]
    assert await ask("MATCH (n:_Retired) RETURN n._id, n._class, labels(n)") == [
        ["b", "Server", ["_Entity", "_Retired"]]
    ]
    assert await ask("MATCH (a)-[r]->(b) RETURN type(r), r._type, r.weight") == [["_RETIRED", "DEPENDS_ON", 1]]
    await commit(store, entity("b"), edge("a", "b", "g", weight=5))
    assert await ask("MATCH (a:Server)-[r]->(b:Server) RETURN type(r), r._type, r.weight") == [["DEPENDS_ON", None, 5]]
    assert await ask("MATCH (n:_Retired) RETURN n") == []


async def test_the_labels_follow_the_class(store: Neo4jStore, ask: Ask) -> None:
    await commit(store, entity("a", "Server"))
    await commit(store, entity("a", "Application"))
    ((labels,),) = await ask("MATCH (n:_Entity {_id: 'a'}) RETURN labels(n)")
    assert set(labels) == {"_Entity", "_Live", "Application", "ConfigurationItem", "Entity"}


async def test_watches_that_nobody_needs_are_gone(store: Neo4jStore, ask: Ask) -> None:
    await commit(store, saying("a", "b", watches=("w1", "w2")), saying("a", "c", watches=("w2",)))
    await commit(store, saying("a", "b", watches=("w3",)))
    assert sorted(await ask("MATCH (w:_Watch) RETURN w.token")) == [["w2"], ["w3"]]


async def test_very_long_keys_are_kept(store: Neo4jStore) -> None:
    long = ["k" * 4096, "\U0001f600" * 4095 + "a", "\U0001f600" * 4095 + "b"]
    rows = [record(each, "a") for each in long]
    said = [saying(each, each, watches=(f"k:test:{each}",)) for each in long]
    await commit(store, entity("a"), *rows, *said)
    async with store.write() as write:
        assert await write.records([("test", each) for each in long]) == {("test", row.key): row for row in rows}
        assert await write.edge_records([each.key for each in said]) == {each.key: each for each in said}
        assert await write.watching([f"k:test:{long[1]}"]) == [said[1]]
        await write.journal(head(), [])
    assert await store.resolve([f"k:test:{each}" for each in long]) == {f"k:test:{each}": ["a"] for each in long}


@pytest.mark.parametrize("operator", ["lt", "lte", "gt", "gte"])
async def test_texts_compare_by_code_point(store: Neo4jStore, operator: Any) -> None:
    parts = ["", "a", "\ud7ff", "\ue000", "\uff5e", "\uffff", "\U00010000", "\U0001f600", "\U0010ffff", "\n.*"]
    texts = [first + second for first in parts for second in parts]
    rows = {f"e{i:03}": text for i, text in enumerate(texts)}
    await commit(store, *(entity(each, text=text, tags=[text]) for each, text in rows.items()))
    holds = {"lt": str.__lt__, "lte": str.__le__, "gt": str.__gt__, "gte": str.__ge__}[operator]
    for value in texts:
        expected = {each for each, text in rows.items() if holds(text, value)}
        assert set(ids(await store.page(CLASSES, Compare("text", operator, value), limit=999))) == expected, value


async def test_neighbours_page_by_code_point(store: Neo4jStore) -> None:
    names = ["a", "\uff5e", "\uff5e\U0001f600", "\U0001f600", "\U0001f600\uff5e", "\U0001f600\U0001f600"]
    rows = [entity(f"e{i}", name=name) for i, name in enumerate(names)]
    await commit(store, entity("hub"), *rows, *(edge("hub", row.id, "\uff5e") for row in rows))
    await commit(store, *(edge("hub", row.id, "\U0001f600") for row in rows))
    whole = (await store.neighbours(["hub"], "DEPENDS_ON", "out", limit=99))["hub"]
    places = [f"{each.entity.order}\x1f{each.edge.key.group}" for each in whole]
    assert len(places) == 12
    for at, place in enumerate(places):
        after = await store.neighbours(["hub"], "DEPENDS_ON", "out", after=place, limit=2)
        assert after["hub"] == whole[at + 1 : at + 3]
        before = await store.neighbours(["hub"], "DEPENDS_ON", "out", before=place, limit=2, backward=True)
        assert before["hub"] == whole[max(0, at - 2) : at]


async def test_opening_again_and_at_once_changes_nothing(
    wiped_neo4j: str, neo4j_auth: tuple[str, str], ask: Ask
) -> None:
    for (name,) in await ask("SHOW CONSTRAINTS YIELD name"):
        await ask(f"DROP CONSTRAINT `{name}`")
    for (name,) in await ask("SHOW INDEXES YIELD name, type WHERE type <> 'LOOKUP' RETURN name"):
        await ask(f"DROP INDEX `{name}`")
    stores = [Neo4jStore(wiped_neo4j, *neo4j_auth, MODEL) for _ in range(4)]
    await asyncio.gather(*(each.open() for each in stores))
    assert await commit(stores[0], entity("a")) == 1
    await stores[1].close()
    await stores[1].open()
    assert await stores[1].revision() == 1
    await asyncio.gather(*(each.close() for each in stores))
    present = {name for (name,) in await ask("SHOW INDEXES YIELD name, state WHERE state = 'ONLINE' RETURN name")}
    assert schema.statements(MODEL).keys() <= present


async def test_a_newer_store_is_refused(
    store: Neo4jStore, wiped_neo4j: str, neo4j_auth: tuple[str, str], ask: Ask
) -> None:
    await ask("MATCH (m:_Meta) SET m.schema = $v", v=schema.VERSION + 1)
    with pytest.raises(StoreTooNew, match="newer knockon"):
        await Neo4jStore(wiped_neo4j, *neo4j_auth, MODEL).open()


async def test_an_estate_that_was_removed_takes_no_writes(store: Neo4jStore, ask: Ask) -> None:
    await ask("MATCH (n) DETACH DELETE n")
    with pytest.raises(StoreFailed, match="removed"):
        await commit(store, entity("a"))


async def test_an_edge_needs_both_its_ends(store: Neo4jStore) -> None:
    with pytest.raises(StoreFailed, match="ends"):
        await commit(store, entity("a"), edge("a", "nobody"))
    assert await store.revision() == 0


async def test_a_scan_holds_while_writers_never_pause(store: Neo4jStore) -> None:
    done = asyncio.Event()

    async def writing() -> int:
        turn = 0
        while not done.is_set():
            turn += 1
            await commit(store, *(entity(f"e{turn}-{i}") for i in range(5)), edge(f"e{turn}-0", f"e{turn}-1"))
        return turn

    writer = asyncio.create_task(writing())
    for _ in range(15):
        scan = await store.scan(CLASSES)
        assert (len(scan.entities), len(scan.edges)) == (5 * scan.revision, scan.revision)
    done.set()
    assert await writer > 0


@pytest.mark.parametrize("name", ["", "a`b", "a b", "1a", "_a", "a\n", "é"])
def test_only_names_of_a_model_get_into_a_statement(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        identifier(name)
