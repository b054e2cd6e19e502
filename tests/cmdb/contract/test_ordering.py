"""Lists by an attribute: one order on both stores, whole under any cursors, stable while others write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.filter import All, Compare, Not
from knockon.cmdb.contract.ordering import OrderBy
from knockon.errors import BadCursor, ScanTooLarge
from tests.cmdb.contract.estate import CLASSES, commit, entity, ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store

VALUES: dict[str, list[Any]] = {
    "serial_number": ["", "A", "a", "a b", "ab", "é", "\ud7ff", "\ue000", "\uff5e", "\U00010000", "😀"],
    "text": ["10", "9", "B", "a", "\ue000x", "😀"],
    "size": [-(2**63), -1, 0, 1, 2, 10, 2**63 - 1],
    "load": [-1.5, 0.0, 0.1, 0.30000000000000004, 2.0, 1e300],
    "monitored": [False, True],
    "started_at": ["2026-10-31T23:00:00Z", "2026-11-01T08:00:00Z"],
}


def estate(name: str) -> list[Entity]:
    """Give things of several classes: two of each value, in no order, and some without any."""
    rows = []
    for number, value in enumerate([*VALUES[name], None] * 2):
        class_name = CLASSES[number * 5 % 3]
        given = {} if value is None and number % 2 else {name: value}  # one that is not there, one that is null
        rows.append(entity(f"e{number * 7 % 23}-{number}", class_name, f"n{number % 4}", **given))
    return rows


def expected(rows: Sequence[Entity], by: OrderBy) -> list[str]:
    """Say it naively: by value, then in order; what has none at the end."""
    groups: dict[Any, list[Entity]] = {}
    for row in rows:
        groups.setdefault(row.name if by.name == "name" else row.attributes.get(by.name), []).append(row)
    absent = groups.pop(None, [])
    lists = [groups[each] for each in sorted(groups, reverse=by.descending)]
    return [row.id for group in [*lists, absent] for row in sorted(group, key=lambda row: row.order)]


async def walk(
    store: Store, by: OrderBy, limit: int, *, backward: bool = False, where: Condition | None = None,
    classes: Sequence[str] = CLASSES,
) -> list[str]:  # fmt: skip
    """Read everything by pages."""
    found: list[str] = []
    place: str | None = None
    for _ in range(100):
        cursor: Any = {"before" if backward else "after": place}
        rows = await store.page(classes, where, by=by, limit=limit, backward=backward, **cursor)
        if not rows:
            return found
        assert len(rows) <= limit
        found = [*ids(rows), *found] if backward else [*found, *ids(rows)]
        place = by.place(rows[0] if backward else rows[-1])
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize("name", [*VALUES, "name"])
async def test_pages_run_through_everything_once_by_value_in_both_directions(store: Store, name: str) -> None:
    rows = estate("size" if name == "name" else name)
    await commit(store, *rows, entity("gone", "Server", "n1", retired=True, size=1, serial_number="a"))
    for by in (OrderBy(name), OrderBy(name, descending=True)):
        whole = expected(rows, by)
        for limit in (1, 3, 100):
            assert await walk(store, by, limit) == whole
            assert await walk(store, by, limit, backward=True) == whole
        servers = expected([row for row in rows if row.class_name == "Server"], by)
        assert await walk(store, by, 2, classes=["Server"]) == servers


@pytest.mark.parametrize("name", ["serial_number", "load", "monitored"])
async def test_a_page_lies_strictly_between_its_places(store: Store, name: str) -> None:
    rows = {row.id: row for row in estate(name)}
    await commit(store, *rows.values())
    for by in (OrderBy(name), OrderBy(name, descending=True)):
        whole = expected(list(rows.values()), by)
        every = range(0, len(whole), 3)
        for low in every:
            for high in every:
                after, before = by.place(rows[whole[low]]), by.place(rows[whole[high]])
                between = whole[low + 1 : high]
                found = await store.page(CLASSES, None, by=by, after=after, before=before, limit=2)
                assert ids(found) == between[:2]
                last = await store.page(CLASSES, None, by=by, after=after, before=before, limit=2, backward=True)
                assert ids(last) == between[-2:]


@pytest.mark.parametrize("name", ["serial_number", "size", "name"])
async def test_what_is_asked_for_is_what_is_put_in_order(store: Store, name: str) -> None:
    rows = [
        entity(f"e{i}", CLASSES[i % 3], f"n{i % 3}", size=i * 7 % 10, serial_number=f"s{i % 4}", text="xy"[i % 2])
        for i in range(24)
    ]
    await commit(store, *rows)
    conditions: list[tuple[Condition, Any]] = [
        (Compare("serial_number", "eq", "s1"), lambda row: row.attributes["serial_number"] == "s1"),
        (Compare("serial_number", "in", ("s1", "s2", "s1")),
         lambda row: row.attributes["serial_number"] in {"s1", "s2"}),
        (Compare("name", "eq", "n2"), lambda row: row.name == "n2"),
        (Compare("id", "in", ("e3", "e9", "e20", "?")), lambda row: row.id in {"e3", "e9", "e20"}),
        (All((Compare("text", "eq", "x"), Compare("name", "eq", "n1"))),
         lambda row: row.attributes["text"] == "x" and row.name == "n1"),
        (Not(Compare("size", "lt", 5)), lambda row: row.attributes["size"] >= 5),
        (Compare("serial_number", "in", ()), lambda _row: False),
        (Compare("serial_number", "gt", "s1"), lambda row: row.attributes["serial_number"] > "s1"),
        (All((Compare("serial_number", "lte", "s2"), Compare("size", "gt", 2), Compare("serial_number", "gte", "s1"),
              Compare("serial_number", "gt", "s0"))),
         lambda row: "s1" <= row.attributes["serial_number"] <= "s2" and row.attributes["size"] > 2),
        (Compare("serial_number", "starts_with", "s2"), lambda row: row.attributes["serial_number"] == "s2"),
        (Compare("serial_number", "starts_with", ""), lambda _row: True),
        (Compare("name", "starts_with", "n1"), lambda row: row.name == "n1"),
    ]  # fmt: skip
    for condition, holds in conditions:
        wanted = [row for row in rows if holds(row)]
        assert await store.count(CLASSES, condition) == len(wanted)
        plain = await store.page(CLASSES, condition, limit=50)
        assert ids(plain) == [row.id for row in sorted(wanted, key=lambda row: row.order)]
        for by in (OrderBy(name), OrderBy(name, descending=True)):
            assert await walk(store, by, 2, where=condition) == expected(wanted, by)


async def test_a_page_goes_on_where_the_last_one_ended_whatever_was_written_meanwhile(store: Store) -> None:
    rows = [entity(f"e{i}", "Server", size=i // 2, serial_number=f"s{i // 2}") for i in range(12)]
    await commit(store, *rows)
    for by in (OrderBy("size"), OrderBy("serial_number", descending=True)):
        whole = expected(rows, by)
        first = await store.page(CLASSES, None, by=by, limit=5)
        await commit(store, entity("before", "Server", size=-1, serial_number="s9"),
                     entity("after", "Server", size=9, serial_number="r"),
                     entity(whole[4], "Server", size=77, serial_number="q"),  # the one that the page ended with moves
                     entity(whole[1], "Server", size=1, serial_number="s1", retired=True))  # fmt: skip
        more = await store.page(CLASSES, None, by=by, after=by.place(first[-1]), limit=50)
        assert [each for each in ids(more) if each not in {"after", whole[4]}] == whole[5:]
        assert "before" not in ids(more)
        await commit(store, *rows, entity("before", retired=True), entity("after", retired=True))


@pytest.mark.parametrize("begins", ["", "a", "ab", "\ud7ff", "\uffff", "\U0010ffff", "a\U0010ffff", "😀"])
async def test_a_beginning_is_a_range(store: Store, begins: str) -> None:
    some = ["", "a", "a\U0010ffff", "a\U0010ffffz", "ab", "b", "\ud7ff", "\ud7ffz", "\ue000", "\uffff", "\uffffz",
            "😀", "😁", "\U0010ffff", "\U0010ffff0"]  # fmt: skip
    rows = [entity(f"e{i}", "Server", "n", serial_number=value) for i, value in enumerate(some)]
    await commit(store, *rows)
    by = OrderBy("serial_number")
    wanted = [row for row in by.sorted(rows) if row.attributes["serial_number"].startswith(begins)]
    found = await walk(store, by, 2, where=Compare("serial_number", "starts_with", begins))
    assert found == [row.id for row in wanted]


async def test_a_class_with_few_things_is_found_among_many(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [entity(f"e{i}", CLASSES[i % 7 == 0], f"n{i % 5}", serial_number=f"s{i % 3}") for i in range(40)]
    await commit(store, *rows)
    few = [row for row in rows if row.class_name == CLASSES[True]]
    for most in (5_000, 0):
        for kind in ("sqlite", "neo4j"):
            monkeypatch.setattr(f"knockon.cmdb.stores.{kind}.pages.FEW", most)
        for by in (OrderBy("name", descending=True), OrderBy("serial_number")):
            assert await walk(store, by, 4, classes=[CLASSES[True]]) == expected(few, by)


@pytest.mark.parametrize("place", ["", "x", "5", "[]", '["a"]', '["a", 1]', '[["a"], "b"]', '[{}, "b"]', "null"])
async def test_a_place_that_is_none_is_refused(store: Store, place: str) -> None:
    with pytest.raises(BadCursor):
        await store.page(CLASSES, None, by=OrderBy("size"), after=place, limit=1)


async def test_what_no_index_answers_is_refused_when_there_is_too_much_to_look_at(store: Store) -> None:
    await commit(store, *(entity(f"e{i}", CLASSES[i % 2], f"n{i % 2}", serial_number=f"s{i % 3}") for i in range(8)),
                 entity("gone", retired=True))  # fmt: skip
    text, serial = Compare("text", "eq", "x"), Compare("serial_number", "eq", "s1")
    refused: list[tuple[Condition | None, OrderBy | None]] = [
        (None, OrderBy("text")), (text, None), (Not(serial), None), (text, OrderBy("serial_number")),
        (Compare("serial_number", "contains", "s"), None), (All((text, Compare("serial_number", "gte", "s"))), None),
    ]  # fmt: skip
    for condition, by in refused:
        with pytest.raises(ScanTooLarge, match="more than 7 things"):
            await store.page(CLASSES, condition, by=by, limit=1, bound=7)
        await store.page(CLASSES, condition, by=by, limit=1, bound=8)
        await store.page(["Server"], condition, by=by, limit=1, bound=4)
    begins = Compare("serial_number", "starts_with", "s1")
    for by in (None, OrderBy("serial_number"), OrderBy("name")):
        await store.page(CLASSES, begins, by=by, limit=1, bound=0)
        for condition in (None, serial, All((text, serial)), Compare("id", "in", ("e1", "e2"))):
            if condition is None or by is None:
                await store.page(CLASSES, condition, by=by, limit=1, bound=0)
    await store.page(CLASSES, serial, by=OrderBy("text"), limit=1, bound=3)
    with pytest.raises(ScanTooLarge, match="by text"):
        await store.page(CLASSES, serial, by=OrderBy("text"), limit=1, bound=2)
    for condition in (begins, All((All((begins,)), Compare("serial_number", "lt", "s2"), text))):
        await store.page(CLASSES, condition, by=OrderBy("size"), limit=1, bound=3)
        with pytest.raises(ScanTooLarge, match="by size"):
            await store.page(CLASSES, condition, by=OrderBy("size"), limit=1, bound=2)
    with pytest.raises(ScanTooLarge):
        await store.count(CLASSES, text, bound=7)
    assert await store.count(CLASSES, None, bound=0) == 8
    assert await store.count(CLASSES, serial, bound=0) == 3


async def test_an_index_follows_what_is_written(store: Store) -> None:
    by = OrderBy("serial_number")
    await commit(store, entity("a", serial_number="s1"), entity("b", serial_number="s2"))
    await commit(store, entity("a", serial_number="s3"), entity("c", serial_number=None))
    assert await walk(store, by, 1) == ["b", "a", "c"]
    assert await store.page(CLASSES, Compare("serial_number", "eq", "s1"), limit=5) == []
    await commit(store, entity("a", serial_number="s3", retired=True), entity("b"))
    assert await walk(store, by, 1) == ["b", "c"]
    await commit(store, entity("a", serial_number="s0"))
    assert ids(await store.page(CLASSES, Compare("serial_number", "eq", "s0"), limit=5)) == ["a"]
