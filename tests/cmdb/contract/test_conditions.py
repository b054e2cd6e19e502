"""What each condition means, on both stores; each is asked together with its opposite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.filter import All, Any_, Compare, Condition, Not, Related
from tests.cmdb.contract.estate import CLASSES, commit, edge, entity, ids

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store

BIG = 2**53
ROWS = [
    entity("a", "Server", "alpha", text="", serial_number="S'1", size=0, load=0.0, monitored=True, tags=[], ports=[22]),
    entity(
        "b", "Server", "beta", text="it's", serial_number="s'1", size=-5, load=0.1, monitored=False, tags=["x", "y"]
    ),
    entity("c", "Server", "\uff5e", text='say "hi"', size=BIG, load=1e300, tags=["xy"], ports=[22, 80]),
    entity("d", "ServerRoom", "😀", text="\U00010000", size=BIG + 1, load=-0.1, tags=["it's", "😀"], labels={"k": [1]}),
    entity("e", "Application", "Alpha", size=2**63 - 1, load=1.0, started_at="2026-11-01T08:00:00Z", labels=[]),
    entity("f", "Application", "100%", text="a_b%c\\d", size=-(2**63), started_at="2026-11-02T00:00:00Z", labels="x"),
    entity("g", "Application", "alphabet", text=None, tags=None, started_at="2025-12-31T23:59:59Z"),
    entity("z", "Server", "gone", retired=True, size=0, text="", tags=["x"]),
]
EDGES = [
    edge("a", "b"), edge("a", "c", "g"), edge("b", "d", type_name="RUNS_ON"), edge("c", "c"), edge("e", "a"),
    edge("g", "z"), edge("f", "a", retired=True), edge("z", "f"),
]  # fmt: skip
HOLDS_FOR_ALL = All(())
HOLDS_FOR_NONE = Any_(())


def null(name: str, absent: bool = True, *, is_list: bool = False) -> Compare:
    return Compare(name, "is_null", absent, is_list)


def many(operator: Any, value: Any, name: str = "tags") -> Compare:
    return Compare(name, operator, value, many=True)


CASES: list[tuple[Condition, str]] = [
    (Compare("id", "eq", "a"), "a"),
    (Compare("id", "in", ("a", "e", "z", "nobody")), "ae"),
    (Compare("id", "gt", "d"), "efg"),
    (Compare("class", "eq", "Server"), "abc"),
    (Compare("class", "ne", "Server"), "defg"),
    (Compare("class", "starts_with", "Server"), "abcd"),
    (Compare("name", "eq", "alpha"), "a"),
    (Compare("name", "starts_with", "alpha"), "ag"),
    (Compare("name", "contains", "lpha"), "aeg"),
    (Compare("name", "contains", "%"), "f"),
    (Compare("name", "gte", "\uff5e"), "cd"),
    (Compare("name", "gt", "\uff5e"), "d"),
    (Compare("name", "lt", "A"), "f"),
    (null("name"), ""),
    (Compare("text", "eq", ""), "a"),
    (Compare("text", "ne", ""), "bcdefg"),
    (null("text"), "eg"),
    (null("text", absent=False), "abcdf"),
    (Compare("text", "eq", "it's"), "b"),
    (Compare("text", "contains", '"'), "c"),
    (Compare("text", "contains", ""), "abcdf"),
    (Compare("text", "starts_with", ""), "abcdf"),
    (Compare("text", "contains", "_"), "f"),
    (Compare("text", "contains", "\\"), "f"),
    (Compare("text", "contains", "B"), ""),
    (Compare("text", "starts_with", "\U00010000"), "d"),
    (Compare("text", "lt", "b"), "af"),
    (Compare("text", "lte", ""), "a"),
    (Compare("text", "gt", ""), "bcdf"),
    (Compare("text", "in", ("", "it's")), "ab"),
    (Compare("text", "in", ()), ""),
    (Compare("serial_number", "eq", "S'1"), "a"),
    (Compare("serial_number", "ne", "S'1"), "bcdefg"),
    (Compare("serial_number", "in", ("s'1", "S'1")), "ab"),
    (null("serial_number", absent=False), "ab"),
    (Compare("serial_number", "gt", "S"), "ab"),
    (Compare("size", "eq", 0), "a"),
    (Compare("size", "ne", 0), "bcdefg"),
    (Compare("size", "eq", BIG), "c"),
    (Compare("size", "gt", BIG), "de"),
    (Compare("size", "gte", BIG + 1), "de"),
    (Compare("size", "lt", 0), "bf"),
    (Compare("size", "lte", -(2**63)), "f"),
    (Compare("size", "eq", 2**63 - 1), "e"),
    (Compare("size", "in", (0, BIG + 1, 7)), "ad"),
    (null("size"), "g"),
    (Compare("load", "eq", 0.1), "b"),
    (Compare("load", "eq", 1), "e"),
    (Compare("load", "gt", 0.0), "bce"),
    (Compare("load", "lte", 0), "ad"),
    (Compare("load", "eq", 1e300), "c"),
    (Compare("load", "in", (0.1, 1e300)), "bc"),
    (Compare("monitored", "eq", value=True), "a"),
    (Compare("monitored", "eq", value=False), "b"),
    (Compare("monitored", "ne", value=True), "bcdefg"),
    (null("monitored"), "cdefg"),
    (Compare("started_at", "lt", "2026-11-01T08:00:00Z"), "g"),
    (Compare("started_at", "gte", "2026-11-01T08:00:00Z"), "ef"),
    (Compare("started_at", "starts_with", "2026-11"), "ef"),
    (null("labels"), "abcg"),
    (many("eq", "x"), "b"),
    (many("ne", "x"), "acdefg"),
    (many("in", ("y", "xy")), "bc"),
    (many("in", ()), ""),
    (many("contains", "x"), "bc"),
    (many("contains", "'"), "d"),
    (many("starts_with", "x"), "bc"),
    (many("starts_with", "😀"), "d"),
    (null("tags", is_list=True), "efg"),
    (null("tags", absent=False, is_list=True), "abcd"),
    (many("eq", 22, "ports"), "ac"),
    (many("in", (80, 81), "ports"), "c"),
    (null("ports", is_list=True), "bdefg"),
    (HOLDS_FOR_ALL, "abcdefg"),
    (HOLDS_FOR_NONE, ""),
    (All((Compare("class", "eq", "Server"), Compare("size", "gte", 0))), "ac"),
    (Any_((Compare("class", "eq", "Server"), Compare("size", "gte", 0))), "abcde"),
    (Any_((All((Compare("id", "eq", "a"), Compare("id", "eq", "b"))), Not(null("size", absent=False)))), "g"),
    (Not(Any_((Compare("text", "eq", ""), null("text")))), "bcdf"),
    (Not(Not(Compare("text", "eq", "it's"))), "b"),
    (Related("DEPENDS_ON", "out", None), "ace"),
    (Related("DEPENDS_ON", "in", None), "abc"),
    (Related("RUNS_ON", "out", None), "b"),
    (Related("RUNS_ON", "in", None), "d"),
    (Related("DEPENDS_ON", "out", Compare("name", "eq", "beta")), "a"),
    (Related("DEPENDS_ON", "out", Not(Compare("name", "eq", "beta"))), "ace"),
    (Related("DEPENDS_ON", "in", Compare("class", "eq", "Application")), "a"),
    (Related("DEPENDS_ON", "out", many("eq", "x")), "a"),
    (Related("DEPENDS_ON", "out", Related("DEPENDS_ON", "out", Compare("id", "eq", "b"))), "e"),
    (Related("DEPENDS_ON", "out", Related("RUNS_ON", "out", Related("RUNS_ON", "in", Compare("id", "eq", "b")))), "a"),
    (All((Related("DEPENDS_ON", "out", None), Not(Related("DEPENDS_ON", "in", None)))), "e"),
]


async def answers(store: Store, condition: Condition) -> set[str]:
    """Ask for a page and for the count; give the ids."""
    rows = await store.page(CLASSES, condition, limit=100)
    assert ids(rows) == ids(sorted(rows, key=lambda row: row.order))
    assert await store.count(CLASSES, condition) == len(rows)
    return set(ids(rows))


async def test_a_condition_and_its_opposite_part_the_entities(store: Store) -> None:
    await commit(store, *ROWS, *EDGES)
    wrong = []
    for condition, expected in CASES:
        held, not_held = await answers(store, condition), await answers(store, Not(condition))
        if (held, not_held) != (set(expected), set("abcdefg") - set(expected)):
            wrong.append((condition, sorted(held), sorted(not_held)))
    assert wrong == []


async def test_pages_run_through_what_fulfils_the_condition(store: Store) -> None:
    await commit(store, *ROWS, *EDGES)
    condition = null("size", absent=False)
    assert ids(await store.page(["Server"], condition, limit=9)) == ["a", "b", "c"]
    assert await store.count(["Server"], condition) == 3
    found: list[str] = []
    cursor = None
    while rows := await store.page(CLASSES, condition, after=cursor, limit=2):
        found += ids(rows)
        cursor = rows[-1].order
    assert found == ids(sorted((row for row in ROWS if row.id in set("abcdef")), key=lambda row: row.order))


@pytest.mark.parametrize("value", ["' OR 1=1 --", "$.x", "{n}", "`", "$value", "\\", "\n", "?", ":1"])
async def test_values_are_never_read_as_query_text(store: Store, value: str) -> None:
    await commit(store, entity("odd", name=value, text=value, tags=[value]), entity("plain", text="x", tags=["x"]))
    for condition in (
        Compare("name", "eq", value),
        Compare("text", "eq", value),
        Compare("text", "contains", value),
        Compare("text", "in", (value,)),
        many("eq", value),
        many("contains", value),
    ):
        assert ids(await store.page(CLASSES, condition, limit=9)) == ["odd"], condition
