"""Full text: what is found, in which order, and that it is so at once after each write."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.stores import opened
from knockon.errors import BadUsage
from tests.cmdb.contract.estate import CLASSES, commit, entity, ids, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from knockon.cmdb.contract import Store


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("esx-host-1", ["esx-host-1", "esx-host-10", "other"]),  # its name, the beginning of it, a word
        ("ESX-HOST", ["esx-host-10", "esx-host-1", "other"]),
        ("host 1", ["esx-host-1", "other"]),  # one character is a whole word
        ("host", ["esx-host-10", "esx-host-1", "other"]),
        ("ost", []),
        ("sn42", ["esx-host-1"]),
        ("sn-4", []),
        ("10.0.0.7", ["ip"]),
        ("10.0", ["ip", "esx-host-10"]),
        ("0.0.7", ["ip"]),
        ("key77", ["esx-host-10"]),
        ("host key77", ["esx-host-10"]),
        ("key77 host, (esx)", ["esx-host-10"]),
        ("cafe", ["Café Zürich"]),
        ("zurich CAFÉ", ["Café Zürich"]),
        ("\uff23\uff21\uff26\uff25", ["Café Zürich"]),
        ("strasse", ["STRAẞE"]),
        ("free", []),  # free text is not searched
        ("retired", []),
        ("* OR name:x", []),
        ("\"esx' --", ["esx-host-10", "esx-host-1", "other"]),
    ],
)
async def test_what_is_found_and_in_which_order(store: Store, text: str, expected: list[str]) -> None:
    await commit(
        store,
        entity("esx-host-1", serial_number="SN42", text="free"),
        entity("esx-host-10", "Application", serial_number=None),
        entity("other", "Server", "see esx-host-1"),
        entity("ip", "Server", "10.0.0.7"),
        entity("Café Zürich", "ServerRoom"),
        entity("STRAẞE", "ServerRoom"),
        entity("gone", "Server", "retired esx-host-1", retired=True),
        record("key77", "esx-host-10"),
        record("10.0.20", "esx-host-10", "scanner"),
    )
    assert ids(await store.search(text, CLASSES, 10)) == expected
    assert ids(await store.search(text, CLASSES, 1)) == expected[:1]
    servers = [each for each in expected if each in {"esx-host-1", "other", "ip"}]
    assert ids(await store.search(text, ["Server"], 10)) == servers


@pytest.mark.parametrize("text", ["", " ", "-", '"*"', "_"])
async def test_a_text_without_a_word_is_refused(store: Store, text: str) -> None:
    with pytest.raises(BadUsage, match="letter"):
        await store.search(text, CLASSES, 10)


async def test_words_follow_each_write(store: Store) -> None:
    one = entity("one", name="alpha", serial_number="s-1")
    await commit(store, one, record("k-one", "one"))
    assert await store.search("alpha", CLASSES, 5) == [replace(one, revision=1)]
    await commit(store, record("second", "one", "scanner"))  # a source more that says nothing new
    assert ids(await store.search("second", CLASSES, 5)) == ["one"]
    await commit(store, entity("one", name="beta", serial_number="s-2"), entity("two", name="alpha"))
    assert ids(await store.search("alpha", CLASSES, 5)) == ["two"]
    assert ids(await store.search("s-1", CLASSES, 5)) == []
    assert ids(await store.search("s-2 k-one beta", CLASSES, 5)) == ["one"]
    await commit(store, record("second", "two", "scanner"))  # it belongs to another thing now
    assert ids(await store.search("second", CLASSES, 5)) == ["two"]
    await commit(store, replace(record("k-one", "one"), present=False))
    assert ids(await store.search("k-one", CLASSES, 5)) == []
    await commit(store, entity("two", name="alpha", retired=True))
    assert await store.search("alpha", CLASSES, 5) == []
    await commit(store, entity("two", name="alpha"))
    assert ids(await store.search("second", CLASSES, 5)) == ["two"]


async def test_what_is_rolled_back_is_not_found(store: Store) -> None:
    await commit(store, entity("one", name="alpha"))

    async def failing() -> None:
        async with store.write() as write:
            await write.put_entities([entity("one", name="beta")], {"one": ()})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await failing()
    assert ids(await store.search("alpha", CLASSES, 5)) == ["one"]
    assert await store.search("beta", CLASSES, 5) == []


async def test_many_and_long_words_are_kept_in_bounds(store: Store) -> None:
    tall = "\U00010348" * 70  # a letter of four bytes
    keys = [f"{i:03}{tall}" for i in range(120)]
    await commit(store, entity("a", name="many"), *(record(key, "a") for key in keys))
    assert ids(await store.search(keys[50], CLASSES, 5)) == ["a"]
    assert ids(await store.search(keys[50] + "x", CLASSES, 5)) == ["a"]  # 64 characters of a word count
    assert await store.search(keys[119], CLASSES, 5) == []  # and 100 words


async def test_a_model_that_searches_more_finds_it_in_what_is_there(
    make: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sqlite", "neo4j"):
        monkeypatch.setattr(f"knockon.cmdb.stores.{module}.store.searched", lambda _model: frozenset[str]())
    async with opened(make()) as store:
        await commit(store, *(entity(f"e{i}", name=f"n{i}", serial_number="SN42") for i in range(3)))
        assert await store.search("sn42", CLASSES, 5) == []
        assert ids(await store.search("n1", CLASSES, 5)) == ["e1"]
    monkeypatch.undo()
    async with opened(make()) as store:
        assert ids(await store.search("sn42", CLASSES, 5)) == ["e0", "e1", "e2"]
    for module in ("sqlite", "neo4j"):
        monkeypatch.setattr(f"knockon.cmdb.stores.{module}.store.searched", lambda _model: frozenset[str]())
    async with opened(make()) as store:  # an older one goes by what is there
        await commit(store, entity("e9", name="n9", serial_number="SN42"))
        assert len(await store.search("sn42", CLASSES, 5)) == 4
