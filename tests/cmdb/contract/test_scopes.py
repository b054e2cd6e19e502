"""Scopes: what a source holds in one, when that was seen, and what was withdrawn from it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import WITHDRAWN, Held, Scope
from tests.cmdb.contract.estate import CLASSES, commit, edge, entity, head, record, saying

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store

EARLY, LATE = "2026-11-02T08:00:00Z", "2026-11-03T08:00:00Z"
A, B = entity("a"), entity("b")
JOINED = edge("a", "b")


async def test_a_scope_holds_what_is_present_of_its_source(store: Store) -> None:
    mine = replace(saying("a", "b", JOINED.key), scope="x")
    waits = replace(saying("a", "nobody", watches=("k:test:nobody",)), scope="x")
    withdrawn = replace(saying("b", "a"), because=WITHDRAWN, scope="x")
    await commit(
        store, A, B, JOINED, mine, waits, withdrawn, replace(record("a", "a"), scope="x"), record("elsewhere", "b"),
        replace(record("b", "b"), scope="x", present=False), replace(record("o", "b", "other"), scope="x"),
    )  # fmt: skip
    wanted = Held(frozenset({"a"}), frozenset({mine.key, waits.key}))
    assert await store.held("test", "x") == wanted
    assert await store.count_held("test", "x") == (1, 2)
    assert await store.held("test", "") == Held(frozenset({"elsewhere"}), frozenset())
    assert await store.held("nobody", "x") == Held(frozenset(), frozenset())
    async with store.write() as write:
        assert await write.held("test", "x") == wanted
        assert await write.count_held("test", "x") == (1, 2)
        found = await write.records([("test", "a"), ("test", "b")])
        assert {key: (row.scope, row.present) for (_, key), row in found.items()} == {
            "a": ("x", True),
            "b": ("x", False),
        }
        assert (await write.edge_records([withdrawn.key]))[withdrawn.key] == withdrawn
        await write.journal(head(), [])


async def test_a_thing_was_last_seen_by_itself_or_with_a_scope(store: Store) -> None:
    await commit(
        store, A, B, entity("c"), entity("d"),
        record("a", "a", seen=EARLY), replace(record("a2", "a", "other", seen=LATE), scope="x"),
        replace(record("b", "b", seen=EARLY), scope="x"), replace(record("c", "c", seen=LATE), present=False),
    )  # fmt: skip
    assert await store.last_seen() == {"a": LATE, "b": EARLY}
    later = "2026-11-09T08:00:00Z"
    async with store.write() as write:
        await write.put_scope(Scope("test", "x", later, ""))
        await write.journal(head(), [])
    assert await store.last_seen() == {"a": LATE, "b": later}


async def test_what_is_withdrawn_speaks_of_nothing_and_waits_for_nothing(store: Store) -> None:
    said = saying("a", "b", JOINED.key)
    await commit(store, A, B, JOINED, said)
    await commit(store, replace(said, edge=None, because=WITHDRAWN, known=(None, None), watches=()))
    async with store.write() as write:
        assert await write.sayings([JOINED.key]) in ({}, {JOINED.key: []})
        assert await write.touching(["a", "b"]) == []
        await write.journal(head(), [])
    assert (await store.scan(CLASSES)).waiting == []
    await commit(store, said)
    async with store.write() as write:
        assert await write.sayings([JOINED.key]) == {JOINED.key: [said]}
        await write.journal(head(), [])


async def test_scopes_are_read_by_source_and_replaced(store: Store) -> None:
    rows = [Scope("test", "", EARLY), Scope("test", "x", EARLY, EARLY), Scope("other", "x", LATE, LATE)]
    async with store.write() as write:
        for row in rows:
            await write.put_scope(row)
        await write.put_scope(newer := Scope("test", "x", LATE, EARLY))
        assert await write.scopes(["test"]) == {("test", ""): rows[0], ("test", "x"): newer}
        assert await write.scopes(["test", "other", "nobody"]) == {
            ("test", ""): rows[0], ("test", "x"): newer, ("other", "x"): rows[2],
        }  # fmt: skip
        assert await write.scopes([]) == {}
        await write.journal(head(), [])


async def test_a_moment_of_a_scope_is_spread_over_its_records_and_makes_none_older(store: Store) -> None:
    old, new = replace(record("old", "a"), scope="x"), replace(record("new", "b", seen=LATE), scope="x")
    left, other = replace(record("left", "a"), scope="x", present=False), record("other", "b")
    said = replace(saying("a", "b", JOINED.key), scope="x")
    await commit(store, A, B, JOINED, old, new, left, other, said)
    async with store.write() as write:
        await write.put_scope(Scope("test", "x", EARLY, "2026-11-01T09:00:00Z"))
        await write.spread_seen(Scope("test", "x", EARLY, "2026-11-01T09:00:00Z"))
        found = await write.records([("test", each.key) for each in (old, new, left, other)])
        assert {key: row.seen for (_, key), row in found.items()} == {
            "old": EARLY, "new": LATE, "left": left.seen, "other": other.seen,
        }  # fmt: skip
        assert (await write.edge_records([said.key]))[said.key].seen == EARLY
        scopes = await write.scopes(["test"])
        assert scopes["test", "x"] == Scope("test", "x", "2026-11-01T09:00:00Z", "2026-11-01T09:00:00Z")
        await write.journal(head(), [])


async def test_an_edge_is_contested_when_several_present_records_speak_of_it(store: Store) -> None:
    back = edge("b", "a")
    mine, theirs = saying("a", "b", JOINED.key), saying("a", "b", JOINED.key, source="other")
    once = saying("b", "a", back.key)
    withdrawn = replace(saying("b", "a", source="other"), because=WITHDRAWN)
    await commit(store, A, B, JOINED, back, mine, theirs, once, withdrawn)
    async with store.write() as write:
        assert await write.contested([JOINED.key, back.key]) == {JOINED.key}
        assert await write.contested([]) == set()
        await write.journal(head(), [])
