"""What a write transaction promises."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.rows import Alias, EdgeKey, JournalEntry
from knockon.errors import StoreFailed
from tests.cmdb.contract.estate import SEEN, commit, edge, entity, entry, head, put, record, saying

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store

ODD_VALUES: list[Any] = [
    "", "plain", "it's \"quoted\" `so` \\ {$x} -- ;", "\t\n", "naïve", "\uff5e", "😀", "e\u0301",
    "2026-11-01T08:00:00Z", "00123", "null", 0, -1, 2**53 + 1, 2**63 - 1, -(2**63),
    0.0, 1.0, 0.1, 1e-300, 1.7976931348623157e308, True, False, None,
    [], [""], ["a", "b"], [1, 2], [True, None, "x", 1.5], {}, {"a": None, "b": [], "c": {"d": [{}, {"e": "😀"}]}},
]  # fmt: skip


async def test_an_empty_store_is_at_revision_0(store: Store) -> None:
    assert await store.revision() == 0
    assert await store.feed(0) == []
    scan = await store.scan(["Server"])
    assert (scan.revision, scan.entities, scan.edges, scan.waiting) == (0, [], [], [])


async def test_a_write_takes_the_next_number_and_shows_it_at_commit(store: Store) -> None:
    async with store.write() as write:
        assert write.revision == 1
        await put(write, entity("a"))
        await write.journal(head(), [])
        assert await store.revision() == 0
        assert await store.entities(["a"]) == {}
    assert await store.revision() == 1
    assert await store.entities(["a"]) == {"a": replace(entity("a"), revision=1)}


async def test_an_exception_rolls_everything_back_and_gives_the_number_back(store: Store) -> None:
    await commit(store, entity("kept", size=1), saying("kept", "x", watches=("w",)))

    async def failing() -> None:
        async with store.write() as write:
            rows = (entity("kept", name="other", size=2), entity("new"), edge("kept", "new"), record("new", "new"))
            await put(write, *rows, saying("kept", "y", watches=("w",)))
            await write.put_alias(Alias("old", "kept"))
            await write.touch("test", "2027-01-01T00:00:00Z", [], [(saying("kept", "x").key, "d1")])
            await write.journal(head(), [entry("new")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert await store.revision() == 1
    assert await store.entities(["kept", "new", "old"]) == {"kept": replace(entity("kept", size=1), revision=1)}
    assert await store.resolve(["n:Server:other", "n:Server:kept", "k:test:new"]) == {"n:Server:kept": ["kept"]}
    assert (await store.scan(["Server"])).edges == []
    async with store.write() as write:
        assert write.revision == 2
        assert await write.watching(["w"]) == [saying("kept", "x", watches=("w",))]
        await write.journal(head(), [])
    assert [each.number for each in await store.feed(0)] == [1, 2]


async def test_a_cancelled_write_leaves_nothing_and_holds_up_nobody(store: Store) -> None:
    begun = asyncio.Event()

    async def endless() -> None:
        async with store.write() as write:
            await put(write, entity("a"))
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(endless())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await commit(store, entity("b")) == 1
    assert await store.entities(["a", "b"]) == {"b": replace(entity("b"), revision=1)}


async def test_who_gives_up_waiting_for_a_turn_holds_up_nobody(store: Store) -> None:
    async with store.write() as write:
        waiting = [asyncio.create_task(commit(store, entity(f"w{i}"))) for i in range(4)]
        await asyncio.sleep(0.05)
        waiting[0].cancel()
        waiting[2].cancel()
        await asyncio.sleep(0.05)
        await write.journal(head(), [])
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert sorted(each for each in results if isinstance(each, int)) == [2, 3]
    assert await store.revision() == 3


@pytest.mark.parametrize("times", [0, 2])
async def test_each_write_has_exactly_one_journal_entry(store: Store, times: int) -> None:
    async def write_it() -> None:
        async with store.write() as write:
            await put(write, entity("a"))
            for _ in range(times):
                await write.journal(head(), [])

    with pytest.raises(StoreFailed):
        await write_it()
    assert await store.revision() == 0
    assert await store.entities(["a"]) == {}


async def test_a_write_reads_what_it_wrote(store: Store) -> None:
    key = EdgeKey("DEPENDS_ON", "a", "b", "")
    rows = (record("ka", "a", size=1), entity("a"), entity("b"), edge("a", "b", weight=2))
    async with store.write() as write:
        await put(write, *rows, saying("ka", "kb", key, watches=("k:test:kb",)))
        assert await write.records([("test", "ka"), ("test", "nothing")]) == {("test", "ka"): rows[0]}
        assert set(await write.entities(["a", "b", "c"])) == {"a", "b"}
        assert await write.edges([key, EdgeKey("RUNS_ON", "a", "b", "")]) == {key: rows[3]}
        said = saying("ka", "kb", key, watches=("k:test:kb",))
        assert await write.edge_records([said.key, saying("x", "y").key]) == {said.key: said}
        assert await write.sayings([key]) == {key: [said]}
        assert await write.watching(["k:test:kb"]) == [said]
        assert await write.resolve(["k:test:ka", "n:Entity:b", "i:a", "i:zzz"]) == {
            "k:test:ka": ["a"], "n:Entity:b": ["b"], "i:a": ["a"],
        }  # fmt: skip
        await write.journal(head(), [])


async def test_nothing_asked_is_nothing_done(store: Store) -> None:
    async with store.write() as write:
        assert await write.records([]) == {}
        assert await write.edge_records([]) == {}
        assert await write.watching([]) == []
        assert await write.resolve([]) == {}
        assert await write.entities([]) == {}
        assert await write.edges([]) == {}
        assert await write.sayings([]) == {}
        await put(write)
        await write.touch("test", SEEN, [], [])
        await write.journal(head(), [])
    assert await store.resolve([]) == {}
    assert await store.entities([]) == {}


async def test_json_values_come_back_as_they_were(store: Store) -> None:
    things = [entity(f"e{i}", labels=value) for i, value in enumerate(ODD_VALUES)]
    links = [edge(each.id, "e0", note=value) for each, value in zip(things, ODD_VALUES, strict=True)]
    rows = [record(each.id, each.id, odd=value) for each, value in zip(things, ODD_VALUES, strict=True)]
    said = [saying(each.id, "b", note=value) for each, value in zip(things, ODD_VALUES, strict=True)]
    changes = [JournalEntry("entity", each.id, {"x": each.attributes["labels"]}, None) for each in things]
    await commit(store, *things, *links, *rows, *said, entries=changes)
    async with store.write() as write:
        read_rows = await write.records([(row.source, row.key) for row in rows])
        read_said = await write.edge_records([row.key for row in said])
        read_links = await write.edges([row.key for row in links])
        await write.journal(head(), [])
    read_things = await store.entities([row.id for row in things])
    (revision,) = await store.feed(0, limit=1)
    for i, value in enumerate(ODD_VALUES):
        read = [read_rows["test", rows[i].key].attributes["odd"], read_said[said[i].key].attributes["note"],
                read_links[links[i].key].attributes["note"], read_things[things[i].id].attributes["labels"],
                (revision.entries[i].before or {})["x"]]  # fmt: skip
        assert [repr(each) for each in read] == [repr(value)] * 5


async def test_attributes_of_the_models_types_come_back_as_they_were(store: Store) -> None:
    values: dict[str, Any] = {
        "text": "",
        "serial_number": "S'1",
        "size": 2**63 - 1,
        "load": 1.0,
        "monitored": False,
        "tags": ["b", "a"],
    }
    typed = entity("typed", started_at="2026-11-01T08:00:00.5Z", ports=[], labels={"a": [1, None]}, **values)
    typed = replace(typed, attributes={"name": "typed", **typed.attributes})
    empty = entity("empty", text=None, tags=[], ports=None, labels=None)
    await commit(store, typed, empty)
    read = await store.entities(["typed", "empty"])
    assert {key: each.attributes for key, each in read.items()} == {
        "typed": typed.attributes,
        "empty": empty.attributes,
    }
    assert type(read["typed"].attributes["load"]) is float
    assert read["typed"].attributes["monitored"] is False


async def test_rows_that_are_put_replace_those_of_the_same_identity(store: Store) -> None:
    key = EdgeKey("DEPENDS_ON", "a", "b", "g")
    await commit(
        store, entity("a", size=1, text="old"), entity("b"), edge("a", "b", "g", weight=1), record("k", "a", size=1)
    )
    await commit(store, saying("a", "b", key, watches=("w1", "w2")))
    changed = (entity("a", size=2), edge("a", "b", "g", strength="soft"), record("k", "b", digest="d2", text="x"))
    said = replace(
        saying("a", "b", key, watches=("w2", "w3"), digest="d2"), edge=None, because="WAITING", known=("a", None)
    )
    await commit(store, *changed, said)
    async with store.write() as write:
        assert await write.records([("test", "k")]) == {("test", "k"): changed[2]}
        assert await write.edges([key]) == {key: changed[1]}
        assert await write.edge_records([said.key]) == {said.key: said}
        assert await write.sayings([key]) in ({}, {key: []})
        assert await write.watching(["w1"]) == []
        assert await write.watching(["w1", "w2", "w3"]) == [said]
        await write.journal(head(), [])
    assert await store.entities(["a"]) == {"a": replace(entity("a", size=2), revision=3)}


async def test_a_class_can_change(store: Store) -> None:
    await commit(store, entity("a", "Server"), entity("b"), edge("a", "b"), edge("b", "a"))
    await commit(store, entity("a", "Application"))
    scan = await store.scan(["Application", "Server"])
    assert {(each.id, each.class_name) for each in scan.entities} == {("a", "Application"), ("b", "Server")}
    assert {each.key for each in scan.edges} == {edge("a", "b").key, edge("b", "a").key}
    assert await store.page(["Server"], None, limit=9) == [replace(entity("b"), revision=1)]
    assert await store.resolve(["n:Server:a", "n:Application:a"]) == {"n:Application:a": ["a"]}


async def test_an_entity_bears_the_revision_that_last_changed_it(store: Store) -> None:
    await commit(store, entity("a"), replace(entity("b"), revision=77))
    await commit(store, entity("b"))
    assert {key: each.revision for key, each in (await store.entities(["a", "b"])).items()} == {"a": 1, "b": 2}


async def test_retired_things_are_read_in_a_write_only(store: Store) -> None:
    gone, kept = edge("a", "b", retired=True, weight=1), edge("a", "c")
    await commit(store, entity("a"), entity("b", retired=True), entity("c"), gone, kept, record("kb", "b"))
    async with store.write() as write:
        read = await write.entities(["a", "b"])
        assert {each.id: each.retired for each in read.values()} == {"a": False, "b": True}
        assert await write.edges([gone.key, kept.key]) == {gone.key: gone, kept.key: kept}
        assert await write.resolve(["i:b", "n:Server:b", "k:test:kb", "i:a"]) == {"i:a": ["a"]}
        await write.journal(head(), [])
    await commit(store, entity("b"), edge("a", "b"))
    assert set(await store.entities(["a", "b"])) == {"a", "b"}
    assert {each.key for each in (await store.scan(["Server"])).edges} == {gone.key, kept.key}


async def test_many_rows_at_once(store: Store) -> None:
    count = 1500
    things = [entity(f"e{i:05}", size=i) for i in range(count)]
    links = [edge(f"e{i:05}", f"e{(i * 7 + 1) % count:05}") for i in range(count)]
    said = [saying(each.key.source_id, each.key.target_id, each.key, watches=(f"w{i}", "all"))
            for i, each in enumerate(links)]  # fmt: skip
    rows = [record(each.id, each.id, size=i) for i, each in enumerate(things)]
    await commit(store, *things, *links, *said, *rows)
    async with store.write() as write:
        assert await write.records([("test", row.key) for row in rows]) == {("test", row.key): row for row in rows}
        assert await write.edges([each.key for each in links]) == {each.key: each for each in links}
        assert await write.edge_records([each.key for each in said]) == {each.key: each for each in said}
        assert {row.key for row in await write.watching(["all"])} == {row.key for row in said}
        assert await write.resolve([f"k:test:{i}" for i in ("e00001", "e01499")]) == {
            "k:test:e00001": ["e00001"], "k:test:e01499": ["e01499"],
        }  # fmt: skip
        await write.journal(head(), [])
    scan = await store.scan(["Server"])
    assert [each.id for each in scan.entities] == [each.id for each in things]
    assert {each.key for each in scan.edges} == {each.key for each in links}


async def test_rows_said_to_be_new_are_kept_as_any(store: Store) -> None:
    key = EdgeKey("DEPENDS_ON", "a", "b", "g")
    things = [entity("a", size=1), entity("b", retired=True)]
    kept = replace(record("ka", "a", size=1), claims={"set": "t1"})
    said = [saying("ka", "kb", key, watches=("w1",)), saying("ka", "kc", watches=("w1", "w2"))]
    links = [edge("a", "b", "g", weight=2), edge("a", "b", retired=True)]
    async with store.write() as write:
        await write.put_records([kept], new=[("test", "ka")])
        await write.put_entities(things, new=["a", "b"])
        await write.put_edges(links, new=[each.key for each in links])
        await write.put_edge_records(said, new=[each.key for each in said])
        await write.journal(head(), [])
    async with store.write() as write:
        assert await write.records([("test", "ka")]) == {("test", "ka"): kept}
        assert await write.claimants(["t1"], 9) == {"t1": [("test", "ka")]}
        assert await write.entities(["a", "b"]) == {each.id: replace(each, revision=1) for each in things}
        assert await write.classes(["a", "b", "c"]) == {"a": "Server", "b": "Server"}
        assert await write.resolve(["n:Server:a", "n:Server:b"]) == {"n:Server:a": ["a"]}
        assert await write.edges([each.key for each in links]) == {each.key: each for each in links}
        assert {each.key: each for each in await write.watching(["w1"])} == {each.key: each for each in said}
        assert await write.sayings([key]) == {key: [said[0]]}
        await write.journal(head(), [])
