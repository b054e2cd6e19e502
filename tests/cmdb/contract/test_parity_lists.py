"""Orders give the same on both stores, and the same as a slow reading of what was written."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from knockon.cmdb.stores import opened
from tests.cmdb.conftest import neo4j_store, sqlite_store
from tests.cmdb.contract.estate import CLASSES, commit, entity, ids
from tests.cmdb.contract.test_parity import BY, TYPED, wipe, words

if TYPE_CHECKING:
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store

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


@settings(
    max_examples=12, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(
    rows=estates(),
    later=estates(),
    limit=st.integers(2, 7),
    backward=st.booleans(),
)
async def test_lists_in_order_are_alike(
    wiped_neo4j: str, neo4j_auth: tuple[str, str], rows: list[Entity], later: list[Entity], limit: int,
    backward: bool,
) -> None:  # fmt: skip
    await wipe(wiped_neo4j, neo4j_auth)
    now = list({row.id: row for row in [*rows, *later]}.values())
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            for store in (sqlite_store(Path(folder) / "estate.db"), neo4j_store(wiped_neo4j, neo4j_auth)):
                await stack.enter_async_context(opened(store))
                await commit(store, *rows)
                await commit(store, *later)
                for by in BY:
                    assert await in_order(store, by, limit, backward) == slowly(now, by), (type(store), by)
