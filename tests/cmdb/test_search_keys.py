"""Search finds a thing by the native key of each of its present records, on both stores, whatever became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract import words
from knockon.cmdb.contract.words import sought
from knockon.cmdb.loading.load import load
from knockon.cmdb.moving.copying import copy
from knockon.cmdb.stewardship.decisions import decide, take_back
from knockon.cmdb.stewardship.undo import undo_load, undo_source
from knockon.cmdb.stores import opened, store_at
from knockon.schema.observation import EntityObservation
from tests.cmdb.identity import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model
    from tests.cmdb.conftest import Connect

MONDAY, TUESDAY, WEDNESDAY = (f"2026-11-0{day}T08:00:00.000000Z" for day in (2, 3, 4))


@pytest.fixture
def store_model() -> Model:
    return MODEL


async def say(store: Store, source: str, *keys: str, seen: str = MONDAY, **said: str) -> int:
    """Let a source report all that it has: one server that the others know too, and perhaps ``another``."""
    own = [
        EntityObservation(source, key, "Server", {} if key == "another" else {"serial": "S1", **said}, seen)
        for key in keys
    ]
    return (await load(store, MODEL, own, source=source, actor="tests", complete=True, allow_retire=True)).revision


async def found(store: Store, text: str) -> list[str]:
    return [each.entity.id for each in await store.search(sought(text), MODEL.concrete("Entity"), limit=9)]


async def test_by_the_key_of_each_of_its_records(store: Store) -> None:
    await say(store, "a", "vm-17")
    (one,) = await found(store, "vm-17")
    before = await store.entities([one])
    await say(store, "b", "i-0abc")  # which adds nothing but its key
    assert await found(store, "i-0abc") == await found(store, "VM 17") == [one]
    (first,) = await store.search(sought("i-0abc"), ["Server"], limit=9)
    assert first.rank == 1  # a whole value of it
    assert await store.entities([one]) == before  # it is what it was, to the revision that changed it last


async def test_a_record_that_is_withdrawn_takes_its_key_along_and_brings_it_back(store: Store) -> None:
    await say(store, "a", "vm-17")
    await say(store, "b", "i-0abc", "another")
    await say(store, "b", "another", seen=TUESDAY)
    assert (await found(store, "i-0abc"), len(await found(store, "vm-17"))) == ([], 1)
    await say(store, "b", "i-0abc", "another", seen=WEDNESDAY)
    assert await found(store, "i-0abc") == await found(store, "vm-17") != []


async def test_what_is_undone_is_not_found(store: Store) -> None:
    await say(store, "a", "vm-17")
    written = await say(store, "b", "i-0abc")
    await undo_load(store, MODEL, written, of="b", by="ann")
    assert await found(store, "i-0abc") == []
    await say(store, "c", "x-9")
    await undo_source(store, MODEL, "c", by="ann")
    assert (await found(store, "x-9"), len(await found(store, "vm-17"))) == ([], 1)


async def test_of_things_that_part_each_keeps_its_own_and_joined_they_have_both(store: Store) -> None:
    await say(store, "a", "vm-17")
    await say(store, "b", "i-0abc")
    made, _ = await decide(store, MODEL, "apart", ("a", "vm-17"), ("b", "i-0abc"), by="ann")
    one, other = await found(store, "vm-17"), await found(store, "i-0abc")
    assert (len(one), len(other), one == other) == (1, 1, False)
    await take_back(store, MODEL, made.id, by="ann")
    assert await found(store, "vm-17") == await found(store, "i-0abc") == one


async def test_a_store_that_an_older_version_wrote_is_found_by_all_keys_when_it_is_opened(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await connect()
    with monkeypatch.context() as older:
        older.setattr(words, "VERSION", words.VERSION - 1)
        for module in ("sqlite", "neo4j"):
            older.setattr(f"knockon.cmdb.stores.{module}.search.searchable", by_the_smallest_key)
        await store.close()
        await store.open()
        await say(store, "a", "vm-17")
        await say(store, "b", "i-0abc")
        assert (await found(store, "i-0abc"), len(await found(store, "vm-17"))) == ([], 1)
    again = await connect()
    assert await found(again, "i-0abc") == await found(again, "vm-17") != []


def by_the_smallest_key(entity: Entity, by: Iterable[str], _keys: object) -> words.Searchable:
    return words.searchable(entity, by, ())


async def test_a_store_that_is_filled_finds_by_all_keys(store: Store, tmp_path: Path) -> None:
    async with opened(store_at(f"sqlite:///{tmp_path}/here.db", MODEL)) as here:
        await say(here, "a", "vm-17", name="n")
        await say(here, "b", "i-0abc")
        await copy(here, store)
    assert await found(store, "i-0abc") == await found(store, "vm-17") != []
