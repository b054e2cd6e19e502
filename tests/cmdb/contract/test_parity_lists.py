"""Orders and searches give the same on both stores, and the same as a slow reading of what was written."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from knockon.cmdb.stores import opened
from knockon.cmdb.words import Query, searched, text_of
from knockon.errors import BadUsage
from tests.cmdb.conftest import neo4j_store, sqlite_store
from tests.cmdb.contract.estate import CLASSES, MODEL, commit, entity, ids
from tests.cmdb.contract.test_parity import BY, TYPED, wipe, words

if TYPE_CHECKING:
    from knockon.cmdb.contract import Store
    from knockon.cmdb.ordering import OrderBy
    from knockon.cmdb.rows import Entity

phrases = st.lists(words | st.sampled_from(["esx-1", "Café", "10.0.0.1", "ẞ", "ﬁ", "x"]), min_size=1, max_size=3).map(
    " ".join
)
values = st.fixed_dictionaries(
    {}, optional={name: each | st.none() for name, each in TYPED.items()} | {"serial_number": phrases}
)


@st.composite
def estates(draw: st.DrawFn) -> list[Entity]:
    """Give things, few of whose values differ."""
    some = draw(st.lists(values, min_size=1, max_size=8))
    names = draw(st.lists(phrases.filter(str.strip), min_size=1, max_size=5))
    return [
        replace(
            entity(f"e{number}", draw(st.sampled_from(CLASSES)), draw(st.sampled_from(names))),
            attributes={**draw(st.sampled_from(some)), **draw(st.sampled_from(some))},
        )
        for number in range(draw(st.integers(5, 25)))
    ]


def slowly(rows: list[Entity], by: OrderBy) -> list[str]:
    groups: dict[Any, list[Entity]] = {}
    for row in rows:
        groups.setdefault(row.name if by.name == "name" else row.attributes.get(by.name), []).append(row)
    absent = groups.pop(None, [])
    lists = [groups[each] for each in sorted(groups, reverse=by.descending)]
    return [row.id for group in [*lists, absent] for row in sorted(group, key=lambda row: row.order)]


async def in_order(store: Store, by: OrderBy, limit: int, backward: bool) -> list[str]:
    found: list[str] = []
    place = None
    while True:
        cursor: Any = {"before" if backward else "after": place}
        rows = await store.page(CLASSES, None, by=by, limit=limit, backward=backward, **cursor)
        if not rows:
            return found
        found = [*ids(rows), *found] if backward else [*found, *ids(rows)]
        place = by.place(rows[0] if backward else rows[-1])


async def found_by(store: Store, text: str) -> list[str] | None:
    try:
        return ids(await store.search(text, CLASSES, 100))
    except BadUsage:
        return None


def found_slowly(rows: list[Entity], text: str) -> list[str] | None:
    try:
        query = Query(text)
    except BadUsage:
        return None
    ranks = {row.id: query.rank(text_of(row, (), searched(MODEL))) for row in rows}
    fits = [row for row in rows if ranks[row.id] is not None]
    return [row.id for row in sorted(fits, key=lambda row: (ranks[row.id], row.order))]


@settings(
    max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(
    rows=estates(),
    later=estates(),
    limit=st.integers(2, 7),
    backward=st.booleans(),
    texts=st.lists(phrases, min_size=1, max_size=5),
)
async def test_lists_and_searches_are_alike(
    wiped_neo4j: str, neo4j_auth: tuple[str, str], rows: list[Entity], later: list[Entity], limit: int,
    backward: bool, texts: list[str],
) -> None:  # fmt: skip
    await wipe(wiped_neo4j, neo4j_auth)
    now = list({row.id: row for row in [*rows, *later]}.values())
    asked = {*texts, *(row.name for row in now), *(row.name[:3] for row in now)}
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            for store in (sqlite_store(Path(folder) / "estate.db"), neo4j_store(wiped_neo4j, neo4j_auth)):
                await stack.enter_async_context(opened(store))
                await commit(store, *rows)
                await commit(store, *later)
                for by in BY:
                    assert await in_order(store, by, limit, backward) == slowly(now, by), (type(store), by)
                for text in sorted(asked):
                    assert await found_by(store, text) == found_slowly(now, text), (type(store), text)
