"""How a write finds things again: aliases, names, watches, sayings, and what was seen when."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import WITHDRAWN, Alias, EdgeKey, EdgeRecordKey
from tests.cmdb.contract.estate import commit, edge, entity, head, put, record, saying

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store


async def test_aliases_resolve_for_ever(store: Store) -> None:
    await commit(store, *(entity(each) for each in "abc"), record("ka", "a"))
    async with store.write() as write:
        await put(write, entity("a", retired=True))
        await write.put_alias(Alias("a", "b"))
        await write.put_alias(Alias("older", "a"))
        assert await write.resolve(["i:a", "i:older"]) == {"i:a": ["b"], "i:older": ["b"]}
        await write.journal(head(), [])
    async with store.write() as write:
        await put(write, entity("b", retired=True))
        await write.put_alias(Alias("b", "c"))
        read = await write.entities(["a", "b", "c", "older"])
        assert {asked: each.id for asked, each in read.items()} == dict.fromkeys(["a", "b", "c", "older"], "c")
        await write.journal(head(), [])
    asked = await store.entities(["a", "b", "c", "older", "never"])
    assert {key: each.id for key, each in asked.items()} == dict.fromkeys(["a", "b", "c", "older"], "c")
    tokens = ["i:a", "i:b", "i:c", "i:older", "k:test:ka"]
    assert await store.resolve(tokens) == {token: ["c"] for token in tokens}


async def test_name_tokens_are_replaced_on_rename(store: Store) -> None:
    await commit(store, entity("a", name="old"), entity("b", name="old"))
    await commit(store, entity("a", name="new"))
    asked = ["n:Server:old", "n:Entity:old", "n:Server:new", "n:Entity:new", "n:Application:new"]
    assert await store.resolve(asked) == {
        "n:Server:old": ["b"], "n:Entity:old": ["b"], "n:Server:new": ["a"], "n:Entity:new": ["a"],
    }  # fmt: skip


async def test_resolve_gives_at_most_three_live_ids_in_order(store: Store) -> None:
    many = [entity(each, name="same") for each in ("e", "c", "d", "b")]
    await commit(store, entity("a", name="same", retired=True), *many, record("x:y", "e"))
    tokens = ["n:Server:same", "n:Entity:same", "k:test:x:y", "k:test:x", "n:Server:nobody", "i:a"]
    expected = {"n:Server:same": ["b", "c", "d"], "n:Entity:same": ["b", "c", "d"], "k:test:x:y": ["e"]}
    assert await store.resolve(tokens) == expected
    async with store.write() as write:
        assert await write.resolve(tokens) == expected
        await write.journal(head(), [])


async def test_odd_names_resolve(store: Store) -> None:
    odd = ["it's", 'a"b', "a:b:c", "😀", "a\\b", "{x}", "%", "a b"]
    await commit(store, *(entity(f"e{i}", name=name) for i, name in enumerate(odd)))
    found = await store.resolve([f"n:Server:{name}" for name in odd])
    assert found == {f"n:Server:{name}": [f"e{i}"] for i, name in enumerate(odd)}
    assert [[each.id for each in await store.named(name)] for name in odd] == [[f"e{i}"] for i in range(len(odd))]


async def test_watching_gives_each_edge_record_once(store: Store) -> None:
    key = EdgeKey("DEPENDS_ON", "a", "b", "")
    one = saying("a", "b", key, watches=("w1", "w2", "it's"))
    two = saying("c", "d", watches=("w2", "w3"))
    three = saying("c", "d", watches=(), source="other")
    await commit(store, one, two, three)
    async with store.write() as write:
        assert await write.watching(["w1", "w2", "w1"]) in ([one, two], [two, one])
        assert await write.watching(["w3", "none"]) == [two]
        assert await write.watching(["it's"]) == [one]
        await write.journal(head(), [])


async def test_sayings_are_all_that_resolve_to_an_edge(store: Store) -> None:
    plain, grouped = EdgeKey("DEPENDS_ON", "a", "b", ""), EdgeKey("DEPENDS_ON", "a", "b", "g")
    first, second = saying("a", "b", plain), saying("n:Server:a", "b", plain, source="other", note={"x": 1})
    third, waiting = saying("a", "b", grouped), saying("a", "nowhere")
    await commit(store, first, second, third, waiting)
    async with store.write() as write:
        found = await write.sayings([plain, grouped, EdgeKey("RUNS_ON", "a", "b", "")])
        assert {key: {row.key for row in rows} for key, rows in found.items() if rows} == {
            plain: {first.key, second.key}, grouped: {third.key},
        }  # fmt: skip
        assert sorted(found[plain], key=lambda row: row.key) == sorted([first, second], key=lambda row: row.key)
        await write.journal(head(), [])
    outside = await store.sayings([plain, grouped, EdgeKey("RUNS_ON", "a", "b", "")])
    assert {key: {row.key for row in rows} for key, rows in outside.items() if rows} == {
        plain: {first.key, second.key}, grouped: {third.key},
    }  # fmt: skip
    assert not await store.sayings([])
    nobody = replace(first, key=first.key._replace(source="nobody"))
    gone = replace(waiting, edge=None, because=WITHDRAWN, key=waiting.key._replace(to_ref="gone"))
    await commit(store, gone)
    asked = [row.key for row in (first, second, third, waiting, gone, nobody)]
    assert await store.edge_records(asked) == {row.key: row for row in (first, second, third, waiting, gone)}
    assert await store.edge_records([]) == {}


async def test_touching_gives_what_knows_one_of_these_ends_once(store: Store) -> None:
    both = saying("a", "b", EdgeKey("DEPENDS_ON", "a", "b", ""))
    half = replace(saying("a", "nowhere"), known=("a", None))
    other_half = replace(saying("nowhere", "c"), known=(None, "c"))
    loop = replace(saying("a", "n:Server:a", because="SELF_LOOP"), known=("a", "a"))
    await commit(store, entity("a"), entity("b"), edge("a", "b"), both, half, other_half, loop, saying("x", "y"))
    async with store.write() as write:
        found = [row.key for row in await write.touching(["a", "b", "a"])]
        assert sorted(found) == sorted([both.key, half.key, loop.key])
        assert await write.touching(["c", "nowhere"]) == [other_half]
        assert await write.touching([]) == []
        await write.journal(head(), [])


async def test_touch_makes_seen_newer_and_never_older(store: Store) -> None:
    old, mid, new = "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
    said = saying("a", "b", seen=mid)
    await commit(store, record("k", "a", seen=mid), record("k", "a", "other", seen=mid), said)
    for seen, expected in ((old, mid), (new, new), (mid, new)):
        async with store.write() as write:
            await write.touch("test", seen, [("k", "d1"), ("unknown", "d1")], [(said.key, "d1")])
            read = await write.records([("test", "k"), ("other", "k")])
            assert {key: row.seen for key, row in read.items()} == {("test", "k"): expected, ("other", "k"): mid}
            assert (await write.edge_records([said.key]))[said.key].seen == expected
            await write.journal(head(kind="run"), [])


async def test_touch_leaves_alone_what_has_another_digest_by_now(store: Store) -> None:
    said = saying("a", "b", digest="d2")
    rows = (record("k", "a", digest="d2"), record("l", "a", digest="d1"))
    await commit(store, *rows, said)
    async with store.write() as write:
        await write.touch("test", "2027-01-01T00:00:00Z", [("k", "d1"), ("l", "d1")], [(said.key, "d1")])
        assert await write.records([("test", "k")]) == {("test", "k"): rows[0]}
        assert await write.records([("test", "l")]) == {("test", "l"): replace(rows[1], seen="2027-01-01T00:00:00Z")}
        assert await write.edge_records([said.key]) == {said.key: said}
        await write.journal(head(), [])


async def test_edge_record_identity_is_who_and_in_which_words(store: Store) -> None:
    base = EdgeRecordKey("s", "DEPENDS_ON", "a", "b", "")
    keys = [base, base._replace(source="t"), base._replace(type_name="RUNS_ON"), base._replace(from_ref="a:b"),
            base._replace(to_ref="it's"), base._replace(group="g")]  # fmt: skip
    rows = {key: replace(saying("a", "b"), key=key, attributes={"weight": i}) for i, key in enumerate(keys)}
    await commit(store, *rows.values())
    async with store.write() as write:
        assert await write.edge_records(keys) == rows
        await write.journal(head(), [])
