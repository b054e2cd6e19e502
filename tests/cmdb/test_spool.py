"""What a load says lies on disk where there is much of it, and is loaded as if it had never been there."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.loading import spool
from knockon.cmdb.loading.intake import take_in
from knockon.schema.observation import EntityObservation
from tests.cmdb.contract.estate import MODEL
from tests.cmdb.test_complete_loads import edges, names, say, whole
from tests.cmdb.test_load import MONDAY, TUESDAY, estate, link, thing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.cmdb.contract.store import Store
    from knockon.schema.observation import Item

SAID = [
    *(thing(key, text="first") for key in "abcdefg"),
    thing("c", text="second", seen=TUESDAY),
    thing("d", text="older", seen="2026-10-01T08:00:00.000000Z"),
    thing("e", text="first"),
    *(link(start, end) for start, end in zip("abcdef", "bcdefg", strict=True)),
    link("a", "b", seen=TUESDAY),
    link("g", "nowhere"),
]


@pytest.mark.parametrize("size", [0, 600, 2_000, 50_000_000])
async def test_a_load_of_any_size_makes_the_same_estate_and_tells_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(spool, "IN_MEMORY", size)
    monkeypatch.setattr(spool, "_MOST_AGAIN", 2)
    report = await say(store, *SAID)
    entities, relationships = await estate(store)
    texts = {name: dict(attributes)["text"] for _, name, attributes in entities}
    assert texts == {**dict.fromkeys("abcdefg", "first"), "c": "second"}
    assert len(relationships) == 6
    twice = [each.message.split()[0] for each in report.findings if each.code == "DUPLICATE_RECORD"]
    assert sorted(twice) == ["a", "c", "d", "e"]
    again = await say(store, *SAID)
    assert (again.entities.unchanged, again.relationships.unchanged) == (7, 6)
    await whole(store, thing("a", seen="2026-12-01T08:00:00.000000Z"), allow_retire=True)
    assert (await names(store), await edges(store)) == ({"a"}, 0)


def test_memory_does_not_grow_with_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def said(count: int) -> Iterator[Item]:
        for n in range(count):
            yield EntityObservation("s", f"k{n}", "Server", {"name": f"n{n}", "text": "x" * 500}, MONDAY, str(n))

    def peak(count: int) -> int:
        tracemalloc.start()
        with take_in(MODEL, said(count), MONDAY) as intake:
            assert sum(1 for _ in intake.spool.entities()) == count
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    monkeypatch.setattr(spool, "IN_MEMORY", 500_000)
    peak(600)  # what is imported and cached the first time
    assert peak(8_000) < 1.5 * peak(2_000)
