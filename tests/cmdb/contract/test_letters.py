"""Dead letters are kept, read by page, told what settles them, and dropped, the same in every store."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.rows import DeadLetter, Open
from tests.cmdb.contract.estate import head

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store

MONDAY, TUESDAY = "2026-11-02T08:00:00.000000Z", "2026-11-03T08:00:00.000000Z"
LETTER = DeadLetter(
    "l1", "hr", "", "entity", ("p1",), "UNKNOWN_CLASS", "there is no class 'X'.", "f.yaml:3", {"class": "X", "n": [1]},
    cut=False, format="native", seen=MONDAY, partial=False, strict=False, by="ann", at=MONDAY, since=MONDAY,
    revision=4, number=0,
)  # fmt: skip
EDGE = replace(LETTER, id="l2", kind="relationship", about=("LEANS_ON", "a", "b", ""), number=1, record="\x00 \ue000")
OTHER = replace(LETTER, id="l0", source="dcim", about=(), code="MALFORMED_RECORD", record=None, at=TUESDAY, number=7)


async def keep(store: Store, *rows: DeadLetter, drop: tuple[str, ...] = ()) -> None:
    async with store.write() as write:
        await write.put_letters(rows)
        await write.drop_letters(drop)
        await write.journal(head(), [])


async def test_letters_are_read_back_whole_by_load_and_number(store: Store) -> None:
    await keep(store, OTHER, EDGE, LETTER)
    assert await store.letters(limit=9) == [LETTER, EDGE, OTHER]
    assert await store.letters(limit=2) == [LETTER, EDGE]
    assert await store.letters(after=EDGE.place, limit=2) == [OTHER]
    assert await store.letters("hr", limit=9) == [LETTER, EDGE]
    assert await store.letters("hr", after=LETTER.place, limit=9) == [EDGE]
    assert await store.letters(code="MALFORMED_RECORD", limit=9) == [OTHER]
    assert await store.letters("hr", "MALFORMED_RECORD", limit=9) == []
    counts = [await store.count_letters(*asked) for asked in ((), ("hr",), ("", "UNKNOWN_CLASS"), ("dcim", "X"))]
    assert counts == [3, 2, 2, 0]


async def test_letters_are_found_by_id(store: Store) -> None:
    await keep(store, LETTER, EDGE)
    assert await store.letters_with(["l2", "l2", "nobody"]) == {"l2": EDGE}
    assert await store.letters_with([]) == {}


async def test_a_letter_tells_what_settles_it(store: Store) -> None:
    await keep(store, LETTER, EDGE, OTHER)
    assert set(await store.open_letters("hr")) == {
        Open("l1", "entity", ("p1",), "", MONDAY, partial=False),
        Open("l2", "relationship", ("LEANS_ON", "a", "b", ""), "", MONDAY, partial=False),
    }
    assert await store.open_letters("dcim") == [Open("l0", "entity", (), "", MONDAY, partial=False)]
    assert await store.open_letters("nobody") == []


async def test_a_letter_of_the_same_id_takes_its_place_and_a_dropped_one_is_gone(store: Store) -> None:
    await keep(store, LETTER, EDGE)
    await keep(store, later := replace(LETTER, code="TYPE_MISMATCH", at=TUESDAY), drop=("l2", "nobody"))
    assert await store.letters(limit=9) == [later]
    assert await store.letters(code="UNKNOWN_CLASS", limit=9) == []


async def test_a_write_reads_its_own_letters_and_one_that_fails_keeps_none(store: Store) -> None:
    async def fail() -> None:
        async with store.write() as write:
            await write.put_letters([LETTER])
            assert await write.letters(limit=1) == [LETTER]
            assert [each.id for each in await write.open_letters("hr")] == ["l1"]
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await store.letters(limit=1) == []
