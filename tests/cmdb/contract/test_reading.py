"""What reading promises: names, pages, neighbours, the feed and the scan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.rows import JournalEntry, Neighbour, RevisionHead
from tests.cmdb.contract.estate import CLASSES, SEPARATOR, commit, edge, entity, entry, head, ids, saying

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store

BY_CODE_POINT = [
    "",
    " ",
    "A",
    "Z",
    "a",
    "a b",
    "ab",
    "z",
    "é",
    "\ud7ff",
    "\ue000",
    "\uff5e",
    "\U00010000",
    "😀",
    "\U0010ffff",
]


async def walk(store: Store, classes: tuple[str, ...], limit: int, *, backward: bool = False) -> list[Entity]:
    """Read everything by pages."""
    found: list[Entity] = []
    edge_of: str | None = None
    for _ in range(1000):
        cursor: Any = {"before" if backward else "after": edge_of}
        rows = await store.page(classes, None, limit=limit, backward=backward, **cursor)
        if not rows:
            return found
        assert len(rows) <= limit
        found = [*rows, *found] if backward else [*found, *rows]
        edge_of = rows[0].order if backward else rows[-1].order
    raise AssertionError("the pages do not end")


async def test_named_reads_exactly_this_name_of_any_class_in_order(store: Store) -> None:
    rows = [entity("s", "Server", "Mail"), entity("a", "Application", "Mail"), entity("b", "Application", "Mail")]
    await commit(store, *rows, entity("m", "Server", "mail"), entity("x", "Server", "Mail2"),
                 entity("r", "Server", "Mail", retired=True))  # fmt: skip
    assert ids(await store.named("Mail")) == ["a", "b", "s"]
    assert ids(await store.named("Mail", limit=2)) == ["a", "b"]
    assert await store.named("Mai") == []


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_pages_run_through_everything_once_in_order(store: Store, limit: int, backward: bool) -> None:
    rows = [entity(f"{c}{i}", c, f"n{i % 4}") for c in CLASSES for i in range(8)]
    await commit(store, *rows, entity("gone", "Server", "n1", retired=True))
    for classes in (CLASSES, ("Application",), ("ServerRoom", "Server")):
        expected = sorted((row for row in rows if row.class_name in classes), key=lambda row: row.order)
        found = await walk(store, classes, limit, backward=backward)
        assert found == [replace(row, revision=1) for row in expected]
        assert await store.count(classes, None) == len(expected)
    assert await store.page((), None, limit=5) == []
    assert await store.count((), None) == 0


async def test_a_page_lies_strictly_between_its_cursors(store: Store) -> None:
    rows = sorted((entity(f"e{i}", CLASSES[i % 3]) for i in range(9)), key=lambda row: row.order)
    await commit(store, *rows)
    for low in range(9):
        for high in range(low, 9):
            after, before = rows[low].order, rows[high].order
            between = ids(rows[low + 1 : high])
            assert ids(await store.page(CLASSES, None, after=after, before=before, limit=99)) == between
            assert ids(await store.page(CLASSES, None, after=after, before=before, limit=2)) == between[:2]
            assert (
                ids(await store.page(CLASSES, None, after=after, before=before, limit=2, backward=True)) == between[-2:]
            )
    assert ids(await store.page(CLASSES, None, after="Server", limit=1)) == ids(
        [row for row in rows if row.class_name == "Server"][:1]
    )


async def test_order_is_by_code_point(store: Store) -> None:
    rows = [entity(f"e{i:02}", "Server", name) for i, name in enumerate(BY_CODE_POINT) if name]
    expected = ids(sorted(rows, key=lambda row: row.order))
    assert expected == ids(rows)
    await commit(store, *reversed(rows), entity("hub", "Application"), *(edge("hub", row.id) for row in rows))
    for limit in (1, 4, 100):
        assert ids(await walk(store, ("Server",), limit)) == expected
    near = await store.neighbours(["hub"], "DEPENDS_ON", "out", limit=100)
    assert [each.entity.id for each in near["hub"]] == expected
    assert ids((await store.scan(["Server"])).entities) == expected


@pytest.mark.parametrize("backward", [False, True])
async def test_pages_hold_while_others_insert_and_rename(store: Store, backward: bool) -> None:
    still = [entity(f"s{i:02}", "Server", f"n{i:02}") for i in range(12)]
    moving = [entity(f"m{i:02}", "Server", f"n{i:02}x") for i in range(12)]
    await commit(store, *still, *moving)
    seen: list[str] = []
    cursor: str | None = None
    for turn in range(100):
        beyond: Any = {"before" if backward else "after": cursor}
        rows = await store.page(["Server"], None, limit=3, backward=backward, **beyond)
        if not rows:
            break
        seen += ids(reversed(rows) if backward else rows)
        cursor = rows[0].order if backward else rows[-1].order
        renamed = replace(entity(f"m{turn % 12:02}", "Server", f"n{(turn * 5) % 12:02}y"))
        await commit(store, entity(f"new{turn}", "Server", f"n{(turn * 7) % 12:02}z"), renamed)
    assert [each for each in seen if each.startswith("s")] == ids(reversed(still) if backward else still)
    fresh = [each for each in seen if each.startswith("new")]
    assert len(fresh) == len(set(fresh))


async def test_entities_reads_live_ones_by_id(store: Store) -> None:
    await commit(store, entity("a"), entity("b'\""), entity("gone", retired=True))
    assert await store.entities(["a", "b'\"", "gone", "never", "a"]) == {
        "a": replace(entity("a"), revision=1),
        "b'\"": replace(entity("b'\""), revision=1),
    }


async def hub(store: Store) -> list[Neighbour]:
    """Write a hub with parallel edges and things that must not show; give what its neighbours are."""
    near = [entity("n2", "Application", "x"), entity("n1", "Application", "x"), entity("n3", "Server", "a")]
    links = [edge("hub", each.id, group, weight=i) for i, each in enumerate(near) for group in ("", "g1", "g2")]
    hidden = [
        edge("hub", "gone"),
        edge("gone", "n1"),
        edge("hub", "n1", "old", retired=True),
        edge("hub", "n1", type_name="RUNS_ON"),
    ]
    others = [edge("n1", "hub"), edge("hub", "hub", "self"), edge("n1", "n2"), edge("n1", "n3")]
    rows = [entity("hub", "ServerRoom"), entity("gone", "Server", "gone", retired=True), entity("alone")]
    await commit(store, *rows, *near, *links, *hidden, *others)
    things = {each.id: replace(each, revision=1) for each in (*rows, *near)}
    expected = [Neighbour(each, things[each.key.target_id]) for each in (*links, others[1])]
    return sorted(expected, key=lambda each: (each.entity.order, each.edge.key.group))


async def test_neighbours_come_by_order_then_group(store: Store) -> None:
    expected = await hub(store)
    found = await store.neighbours(["hub", "n1", "alone", "never", "gone"], "DEPENDS_ON", "out", limit=99)
    assert found["hub"] == expected
    assert [each.entity.id for each in found["n1"]] == ["n2", "n3", "hub"]
    assert (found["alone"], found["never"], found["gone"]) == ([], [], [])
    into = await store.neighbours(["hub", "n1", "n3"], "DEPENDS_ON", "in", limit=99)
    assert [(each.entity.id, each.edge.key.group) for each in into["hub"]] == [("n1", ""), ("hub", "self")]
    assert [(each.entity.id, each.edge.key.group) for each in into["n1"]] == [("hub", ""), ("hub", "g1"), ("hub", "g2")]
    assert [each.edge.key.source_id for each in into["n3"]] == ["n1", "hub", "hub", "hub"]
    assert await store.count_neighbours(["hub", "n1", "alone", "never"], "DEPENDS_ON", "out") == {
        "hub": len(expected), "n1": 3, "alone": 0, "never": 0,
    }  # fmt: skip
    assert await store.count_neighbours(["hub", "n1"], "DEPENDS_ON", "in") == {"hub": 2, "n1": 3}
    assert await store.count_neighbours(["hub", "n1", "gone"], "RUNS_ON", "in") == {"hub": 0, "n1": 1, "gone": 0}
    assert await store.count_neighbours(["gone"], "DEPENDS_ON", "out") == {"gone": 0}
    assert await store.neighbours([], "DEPENDS_ON", "in", limit=1) == {}
    assert await store.count_related(["hub", "n1", "alone", "never", "gone"]) == {
        "hub": {("DEPENDS_ON", "out"): len(expected), ("DEPENDS_ON", "in"): 2, ("RUNS_ON", "out"): 1},
        "n1": {("DEPENDS_ON", "out"): 3, ("DEPENDS_ON", "in"): 3, ("RUNS_ON", "in"): 1},
        "alone": {}, "never": {}, "gone": {},
    }  # fmt: skip
    assert await store.count_related([]) == {}


@pytest.mark.parametrize("limit", [1, 2, 4])
async def test_neighbours_page_both_ways(store: Store, limit: int) -> None:
    expected = await hub(store)
    places = [each.entity.order + SEPARATOR + each.edge.key.group for each in expected]

    async def part(backward: bool, **cursors: str | None) -> list[Neighbour]:
        rows = await store.neighbours(["hub"], "DEPENDS_ON", "out", limit=limit, backward=backward, **cursors)
        return rows["hub"]

    for i, place in enumerate(places):
        assert await part(backward=False, after=place) == expected[i + 1 : i + 1 + limit]
        assert await part(backward=True, before=place) == expected[max(0, i - limit) : i]
        for j in range(i, len(places)):
            between = expected[i + 1 : j]
            assert await part(backward=False, after=place, before=places[j]) == between[:limit]
            assert await part(backward=True, after=place, before=places[j]) == between[-limit:]
    assert await part(backward=False) == expected[:limit]
    assert await part(backward=True) == expected[-limit:]


async def test_a_batch_of_ids_has_a_limit_for_each(store: Store) -> None:
    leaves = [entity(f"leaf{i:02}", "Server") for i in range(20)]
    hubs = [entity(f"hub{i}", "Application") for i in range(5)]
    links = [edge(each.id, leaf.id) for n, each in enumerate(hubs) for leaf in leaves[: n * 5]]
    await commit(store, *leaves, *hubs, *links)
    found = await store.neighbours(ids(hubs), "DEPENDS_ON", "out", limit=7)
    assert {key: [each.entity.id for each in rows] for key, rows in found.items()} == {
        each.id: ids(leaves)[: min(7, n * 5)] for n, each in enumerate(hubs)
    }
    last = await store.neighbours(ids(hubs), "DEPENDS_ON", "out", limit=7, backward=True)
    assert {key: [each.entity.id for each in rows] for key, rows in last.items()} == {
        each.id: ids(leaves)[: n * 5][-7:] for n, each in enumerate(hubs)
    }


async def test_scan_is_the_live_estate_of_these_classes(store: Store) -> None:
    rows = [entity("s1", "Server"), entity("s2", "Server"), entity("a", "Application"), entity("r", "ServerRoom")]
    kept = [edge("a", "s1", "g", weight=3), edge("s1", "s2"), edge("s1", "s2", type_name="RUNS_ON"), edge("s1", "s1")]
    left_out = [edge("a", "r"), edge("r", "s1"), edge("s1", "gone"), edge("gone", "a"), edge("s2", "s1", retired=True)]
    waits = [saying("s1", "nowhere", watches=("k:test:nowhere",)), saying("r", "x", because="AMBIGUOUS_REFERENCE")]
    settled = saying("a", "s1", kept[0].key)
    await commit(store, *rows, entity("gone", "Server", retired=True), *kept, *left_out, *waits, settled)
    scan = await store.scan(["Server", "Application"])
    assert scan.revision == 1
    assert ids(scan.entities) == ["a", "s1", "s2"]
    assert scan.entities[0] == replace(rows[2], revision=1)
    assert sorted(scan.edges, key=lambda each: each.key) == sorted(kept, key=lambda each: each.key)
    assert sorted(scan.waiting, key=lambda each: each.key) == sorted(waits, key=lambda each: each.key)
    assert (await store.scan([])).entities == []


async def test_the_feed_gives_whole_revisions_in_a_run(store: Store) -> None:
    said = RevisionHead(
        "ann", "load", "survey", "2026-11-01T08:00:00.25Z", "abc", {"files": ["a.yaml"], "n": {"x": None}}
    )
    changes = [
        JournalEntry("entity", "a", None, {"name": "a", "tags": []}),
        JournalEntry("edge", "T a b ", {"w": 1}, None),
    ]
    async with store.write() as write:
        await write.journal(said, changes)
    for number in range(2, 6):
        await commit(store, note=str(number), entries=[entry(f"e{i}") for i in range(number)])
    first = (await store.feed(0))[0]
    assert (first.number, first.head, first.count, first.entries) == (1, said, 2, tuple(changes))
    assert [each.number for each in await store.feed(0)] == [1, 2, 3, 4, 5]
    assert [each.number for each in await store.feed(0, limit=2)] == [1, 2]
    assert [(each.number, each.count, len(each.entries)) for each in await store.feed(3)] == [(4, 4, 4), (5, 5, 5)]
    assert await store.feed(5) == []
    assert await store.feed(9) == []


async def test_a_revision_without_changes_is_in_the_feed(store: Store) -> None:
    async with store.write() as write:
        await write.journal(head(kind="run"), [])
    (only,) = await store.feed(0)
    assert (only.number, only.count, only.entries, only.head.kind) == (1, 0, (), "run")
