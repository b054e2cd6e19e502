"""What a store tells of its own past: which revisions changed a thing, when they were written, what is retired."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import neo4j
import pytest

from knockon.cmdb.contract.rows import Alias, EdgeKey, JournalEntry
from knockon.cmdb.stores.neo4j import Neo4jStore
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.cmdb.stores.sqlite import schema as sqlite_schema
from knockon.cmdb.stores.sqlite.rows import head_row, packed
from knockon.errors import JournalCompacted, StoreFailed
from knockon.schema import values
from knockon.schema.values import instant
from tests.cmdb.contract.estate import MODEL, commit, entity, head, record

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.cmdb.contract.store import Store


def of(thing: str) -> JournalEntry:
    return JournalEntry("entity", thing, None, {"name": thing})


def between(one: str, other: str, group: str = "") -> JournalEntry:
    return JournalEntry("edge", " ".join(EdgeKey("DEPENDS_ON", one, other, group)), None, {"from": one, "to": other})


async def numbers(store: Store, thing: str, *, since: int = 0, before: int | None = None, limit: int = 9) -> list[int]:
    return [each.number for each in (await store.history([thing], since=since, before=before, limit=limit))[thing]]


async def alias(store: Store, old: str, new: str) -> None:
    async with store.write() as write:
        await write.put_alias(Alias(old, new))
        await write.journal(head(), ())


async def test_history_is_of_a_thing_and_its_relationships(store: Store) -> None:
    await commit(store, entries=[of("a"), of("b"), of("c")], note="first")
    await commit(store, entries=[between("a", "b"), between("b", "c", "d a")])
    await commit(store, entries=[between("c", "a")])
    await commit(store)
    found = await store.history(["a", "b", "nobody"], limit=9)
    assert {id_: [each.number for each in told] for id_, told in found.items()} == {
        "a": [3, 2, 1], "b": [2, 1], "nobody": [],
    }  # fmt: skip
    assert [[entry.id for entry in each.entries] for each in found["a"]] == [
        ["DEPENDS_ON c a "], ["DEPENDS_ON a b "], ["a"],
    ]  # fmt: skip
    assert [each.id for each in found["b"][0].entries] == ["DEPENDS_ON a b ", "DEPENDS_ON b c d a"]
    first = found["a"][-1]
    assert (first.count, first.head) == (3, head("first"))
    assert await store.history([], limit=9) == {}


async def test_history_is_read_in_parts(store: Store) -> None:
    for _ in range(5):
        await commit(store, entries=[of("a")])
    assert await numbers(store, "a", limit=2) == [5, 4]
    assert await numbers(store, "a", limit=2, before=4) == [3, 2]
    assert await numbers(store, "a", since=3) == [5, 4]
    assert await numbers(store, "a", since=1, before=4) == [3, 2]
    assert await numbers(store, "a", limit=0) == []


async def test_history_is_the_union_over_aliases(store: Store) -> None:
    await commit(store, entity("a"), entity("b"), entity("c"), entries=[of("a"), of("b")])
    await commit(store, entries=[between("b", "x")])
    await alias(store, "a", "b")
    await commit(store, entries=[of("b")])
    await alias(store, "b", "c")
    await commit(store, entries=[of("c")])
    everything = [6, 4, 2, 1]
    for id_ in ("a", "b", "c"):
        assert await numbers(store, id_) == everything
    found = await store.history(["a", "c"], limit=9)
    assert {entry.id for entry in found["a"][-1].entries} == {"a", "b"}
    assert found["a"] == found["c"]
    same = frozenset("abc")
    assert await store.aliases(["a", "b", "c", "d"]) == {"a": same, "b": same, "c": same, "d": frozenset("d")}


async def test_ids_are_whole_words_whatever_is_in_them(store: Store) -> None:
    odd = ['say "x"', "back\\", "a OR b", "e-1", "e", "E", "*", "+e"]
    for id_ in odd:
        await commit(store, entries=[of(id_)])
    assert {id_: await numbers(store, id_) for id_ in odd} == {id_: [n] for n, id_ in enumerate(odd, start=1)}


async def test_what_is_retired_is_found_by_id_key_and_name(store: Store) -> None:
    await commit(store, entity("a", name="web", size=1), entity("b", name="web"), record("k", "a"), record("l", "b"))
    await commit(store, entity("a", name="web", size=1, retired=True))
    await alias(store, "old", "a")
    known = await store.known(["a", "b", "old", "c"])
    assert {id_: (each.id, each.retired) for id_, each in known.items()} == {
        "a": ("a", True), "b": ("b", False), "old": ("a", True),
    }  # fmt: skip
    assert known["a"].attributes == {"size": 1}
    assert await store.recorded([("test", "k"), ("test", "l"), ("test", "m"), ("x", "k")]) == {
        ("test", "k"): "a", ("test", "l"): "b",
    }  # fmt: skip
    assert [(each.id, each.retired) for each in await store.retired("web")] == [("a", True)]
    assert await store.retired("b") == []


async def test_a_moment_is_that_of_the_newest_revision_written_by_then(store: Store) -> None:
    assert await store.revision_at(instant("2999-01-01T00:00:00Z")) == 0
    for _ in range(3):
        await commit(store)
    times = [await store.written_at(number) for number in (1, 2, 3)]
    assert times == sorted(times, key=str)
    assert [each.written for each in await store.feed(0)] == times
    assert await store.written_at(4) is await store.written_at(0) is None
    newest = {time: number for number, time in enumerate(times, start=1) if time}
    for time, number in newest.items():
        assert await store.revision_at(time) == number
    assert await store.revision_at(instant("2001-01-01T00:00:00Z")) == 0
    assert await store.revision_at(instant("2999-01-01T00:00:00Z")) == 3


async def test_the_time_of_writing_does_not_go_back_with_a_writers_clock(store: Store) -> None:
    await commit(store)
    past = instant((datetime.now(UTC) - timedelta(days=1)).isoformat())
    with patch.object(values, "now", return_value=past) as clock:
        await commit(store)
    clock.assert_called()
    first, second = await store.feed(0)
    assert first.written == second.written
    assert await store.revision_at(first.written) == 2


async def test_entries_are_counted(store: Store) -> None:
    for size in (2, 0, 3):
        await commit(store, entries=[of(f"e{n}") for n in range(size)])
    assert [await store.count_entries(since, until) for since, until in ((0, 3), (1, 3), (1, 2), (3, 3), (0, 9))] == [
        5, 3, 0, 0, 5,
    ]  # fmt: skip
    assert await store.horizon() == 0


OLD = [
    (replace(head(), at="2026-11-01T08:00:00.000000Z"), [of("a"), between("a", "b")]),
    (replace(head("late"), at="2026-11-03T08:00:00.000000Z"), [of("b")]),
    (replace(head("early"), at="2026-11-02T08:00:00.000000Z"), [of("b")]),
]


async def look_migrated(store: Store) -> None:
    assert await numbers(store, "a") == [1]
    assert await numbers(store, "b") == [3, 2, 1]
    found = [each.written[:10] for each in await store.feed(0)]
    assert found == ["2026-11-01", "2026-11-03", "2026-11-03"]
    assert await store.revision_at("2026-11-02T09:00:00.000000Z") == 1
    assert (await store.horizon(), await store.rewritten()) == (0, 0)
    await commit(store, entries=[of("a")])
    assert await numbers(store, "a") == [4, 1]


async def test_a_file_of_before_is_brought_forward(tmp_path: Path) -> None:
    path = tmp_path / "estate.db"
    ours = next(n for n, each in enumerate(sqlite_schema.MIGRATIONS) if any("TABLE touched" in one for one in each))
    earlier = patch.object(sqlite_schema, "MIGRATIONS", sqlite_schema.MIGRATIONS[:ours])
    with earlier, closing(sqlite3.connect(path, isolation_level=None)) as connection:
        sqlite_schema.migrate(connection)
        for number, (written_by, entries) in enumerate(OLD, start=1):
            row = (number, head_row(written_by), len(entries), packed(entries))
            connection.execute("INSERT INTO revision (number, head, count, entries) VALUES (?, ?, ?, ?)", row)
        connection.execute("UPDATE meta SET value = ? WHERE key = 'revision'", [len(OLD)])
    store = SqliteStore(path, MODEL)
    await store.open()
    await look_migrated(store)
    await store.close()


async def test_a_database_of_before_is_brought_forward(wiped_neo4j: str, neo4j_auth: tuple[str, str]) -> None:
    store = Neo4jStore(wiped_neo4j, *neo4j_auth, MODEL)
    await store.open()
    for written_by, entries in OLD:
        async with store.write() as write:
            await write.journal(written_by, entries)
    await store.close()
    async with neo4j.AsyncGraphDatabase.driver(wiped_neo4j, auth=neo4j_auth) as driver:
        await driver.execute_query("MATCH (r:_Revision) SET r.touched = null, r.written = null")
        await driver.execute_query("MATCH (m:_Meta) SET m.schema = 2")
    await store.open()
    await look_migrated(store)
    await store.close()


@pytest.mark.parametrize("limit", [1, 30])
async def test_history_reads_many_revisions_of_many_things(store: Store, limit: int) -> None:
    for number in range(25):
        await commit(store, entries=[of("a"), of(f"e{number}")])
    found = await store.history(["a", *(f"e{number}" for number in range(25))], limit=limit)
    assert [each.number for each in found["a"]] == list(range(25, 0, -1))[:limit]
    assert all([each.number for each in found[f"e{number}"]] == [number + 1] for number in range(25))


async def compacted(store: Store, horizon: int) -> None:
    async with store.write() as write:
        await write.compact(horizon)
        await write.journal(head("cut"), ())


async def test_what_was_compacted_is_refused_and_what_came_after_is_whole(store: Store) -> None:
    for number in range(4):
        await commit(store, entries=[of("a"), of(f"e{number}")])
    whole = await store.feed(0)
    await compacted(store, 2)
    assert (await store.horizon(), await store.rewritten(), await store.revision()) == (2, 5, 5)
    for since in (0, 1):
        with pytest.raises(JournalCompacted, match="revision 2 is the oldest"):
            await store.feed(since)
        with pytest.raises(JournalCompacted):
            await store.count_entries(since, 4)
    assert (await store.feed(2))[:2] == whole[2:]
    assert await store.count_entries(2, 5) == 4
    assert await numbers(store, "a") == [4, 3]
    assert await numbers(store, "e0") == []
    assert await store.revision_at(whole[0].written) == 1
    await compacted(store, 4)
    assert await numbers(store, "a") == []
    await compacted(store, 1)
    assert (await store.horizon(), await store.rewritten()) == (4, 7)
    assert [each.number for each in await store.feed(4)] == [5, 6, 7]


async def test_a_compaction_that_fails_forgets_nothing(store: Store) -> None:
    await commit(store, entries=[of("a")])
    with pytest.raises(StoreFailed):  # it has no entry
        async with store.write() as write:
            await write.compact(1)
    assert await store.horizon() == 0
    assert await numbers(store, "a") == [1]
    assert len((await store.feed(0))[0].entries) == 1
