"""Finding by words, on both stores: what is found, in which order, and that writes keep it current."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.cmdb.contract.words import sought, words
from knockon.errors import BadUsage, StoreFailed
from tests.cmdb.contract.estate import CLASSES, SEPARATOR, commit, entity, ids, small_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from knockon.cmdb.contract.rows import Entity, Found
    from knockon.cmdb.contract.store import Store
    from tests.cmdb.conftest import Connect

ROWS = [
    entity("a", "Server", "db-01.example.com", serial_number="SN/4711-X"),
    entity("b", "Server", "db-010", serial_number="4711"),
    entity("c", "Server", "00:1A:2B:3C:4D:5E"),
    entity("d", "ServerRoom", "Łódź Straße, Raum É1"),
    entity("e", "Application", "DB 01"),
    entity("f", "Application", "Ärger OR (NOT)"),
    entity("g", "Application", "10.0.0.1"),
    entity("h", "Application", "10.0.1.0", text="never looked at"),
    entity("i", "Application", "東京 サーバー 😀"),
    entity("j", "Application", "!!!"),
    entity("z", "Server", "db-01 gone", retired=True),
]
CASES = [
    ("db-01", "eab"),
    ("DB 01", "eab"),
    ("db01", "eab"),
    ("01.example", "a"),
    ("db-01.example.com", "a"),
    ("dbexample", ""),
    ("b-01", ""),
    ("4711", "ba"),
    ("sn4711", "a"),
    ("4711 db", "ab"),
    ("001a2b", "c"),
    ("00-1a-2B", "c"),
    ("lodz", "d"),
    ("STRASSE raum", "d"),
    ("łódź", "d"),
    ("e1", "d"),
    ("E\u0301", "eda"),
    ("arger", "f"),
    ("or not", "f"),
    ("10.0.0.1", "g"),
    ("10.0", "gh"),
    ("never", ""),
    ("東京", "i"),
    ("サーバー", "i"),
    ("server", ""),
]
TRAPS = ['"', "*", "a*", "db*", "-db", "+db", "(db", "db)", "db:01", "terms:db", "NEAR(db 01)", "db^2", "db~", "a AND",
         "{x TO y}", "[a", "/db/", "\\", "db\\", "' OR 1=1 --", "db && 01", "|| db", "?", "d?b", "$terms"]  # fmt: skip


async def search(store: Store, text: str, classes: Iterable[str] = CLASSES, limit: int = 100) -> list[Found]:
    found = await store.search(sought(text), list(classes), limit=limit)
    assert found == sorted(found, key=lambda each: each.place)
    return found


def found_ids(found: Iterable[Found]) -> str:
    return "".join(ids(each.entity for each in found))


async def test_what_is_found(store: Store) -> None:
    await commit(store, *ROWS)
    wrong = []
    for text, expected in CASES:
        found = found_ids(await search(store, text))
        if set(found) != set(expected):
            wrong.append((text, found))
        assert await store.count_found(sought(text), CLASSES) == len(found)
    assert wrong == []


async def test_the_best_comes_first(store: Store) -> None:
    rows = [
        entity("word", name="new db"),
        entity("begins", name="DB-server"),
        entity("number", name="other", serial_number="Db"),
        entity("exact", name="dB", serial_number="x"),
        entity("within", name="adb"),
    ]
    await commit(store, *rows)
    found = await search(store, "db")
    assert [(each.rank, each.entity.id) for each in found] == [(0, "exact"), (1, "number"), (4, "begins"), (5, "word")]


async def test_only_the_classes_asked_for(store: Store) -> None:
    await commit(store, *ROWS)
    assert found_ids(await search(store, "db", ["Application"])) == "e"
    assert await store.count_found(sought("db"), ["Application"]) == 1
    assert await search(store, "db", []) == []


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_pages_run_through_what_is_found_in_both_directions(store: Store, limit: int) -> None:
    rows = [entity(f"e{i}", CLASSES[i % 3], ("db", "x db", "db x", "\uff5e db", "😀 db")[i % 5]) for i in range(9)]
    await commit(store, *rows)
    every = await search(store, "db")
    assert len(every) == 9
    forward: list[Found] = []
    backward: list[Found] = []
    while page := await store.search(sought("db"), CLASSES, after=forward[-1].place if forward else None, limit=limit):
        forward += page
    while page := await store.search(
        sought("db"), CLASSES, before=backward[0].place if backward else None, limit=limit, backward=True
    ):
        backward = page + backward
    assert forward == every == backward
    between = await store.search(sought("db"), CLASSES, after=every[1].place, before=every[5].place, limit=99)
    assert between == every[2:5]


async def test_writes_keep_it_current(store: Store) -> None:
    await commit(store, entity("a", name="alpha"), entity("b", name="alphabet"))
    await commit(store, entity("a", name="beta"))
    assert found_ids(await search(store, "alpha")) == "b"
    assert found_ids(await search(store, "beta")) == "a"
    await commit(store, entity("a", name="beta", retired=True), entity("b", name="alphabet", size=1))
    assert await search(store, "beta") == []
    assert found_ids(await search(store, "alpha")) == "b"
    await commit(store, entity("a", name="beta"))
    assert found_ids(await search(store, "beta")) == "a"


async def test_what_is_rolled_back_is_not_found(store: Store) -> None:
    await commit(store, entity("a", name="alpha"))
    with pytest.raises(StoreFailed):  # for want of a journal entry
        async with store.write() as write:
            await write.put_entities([entity("a", name="beta")])
    assert await search(store, "beta") == []
    assert found_ids(await search(store, "alpha")) == "a"


async def test_a_native_key_is_found(store: Store) -> None:
    row = entity("a", name="alpha")
    await commit(store, replace(row, order=SEPARATOR.join(("Server", "alpha", "survey:arn:aws:ec2/i-0abc"))))
    for text in ("i-0abc", "arn:aws:ec2/i-0", "ec2"):
        assert found_ids(await search(store, text)) == "a"
    assert await search(store, "survey") == []


async def test_another_model_makes_the_words_anew(connect: Connect) -> None:
    await commit(await connect(), entity("a", text="some words", serial_number="S1"))
    store = await connect()
    # opened again by a process with another model: the contract has no word for a store's model, both stores have it
    store._model = without_serials()  # type: ignore[attr-defined]
    await store.close()
    await store.open()
    assert await search(store, "S1") == []
    again = await connect()
    assert found_ids(await search(again, "S1")) == "a"


def without_serials() -> object:
    """Give the suite's model with serial numbers that nobody is to look for."""
    model = small_model()
    classes = {}
    for name, each in model.classes.items():
        attribute = each.attributes["serial_number"]
        hidden = replace(attribute, spec=attribute.spec.model_copy(update={"sensitive": True}))
        classes[name] = replace(each, attributes={**each.attributes, "serial_number": hidden})
    return replace(model, classes=classes)


@pytest.mark.parametrize("text", TRAPS)
async def test_nothing_that_is_typed_is_syntax(store: Store, text: str) -> None:
    await commit(store, *ROWS)
    if not words(text):
        with pytest.raises(BadUsage):
            sought(text)
        return
    expected = {row.id for row in ROWS if not row.retired and naive(text, row)}
    assert set(found_ids(await search(store, text))) == expected


def naive(text: str, row: Entity) -> bool:
    """Find as a person would: each piece begins at a word of a value, whatever the punctuation."""
    values = [row.name, row.order.rpartition(SEPARATOR)[2].partition(":")[2], row.attributes.get("serial_number") or ""]
    return all(any(begins(words(piece), words(value)) for value in values) for piece in text.split() if words(piece))


def begins(piece: list[str], value: list[str]) -> bool:
    starts = [value[at:] for at in range(len(value))]
    at_a_word = any("-".join(start).startswith("-".join(piece)) for start in starts)
    return at_a_word or (len(piece) == 1 and "".join(value).startswith(piece[0]))


def test_pieces() -> None:
    assert sought("  DB-01  db/01 É ").pieces == ("db-01", "e")
    with pytest.raises(BadUsage):
        sought(" ".join(map(str, range(17))))


@given(st.text())
def test_folding_is_blind_to_case_accents_and_its_own_doing(text: str) -> None:
    once = words(text)
    assert all(word.isalnum() for word in once)
    assert words(" ".join(once)) == once


@pytest.mark.parametrize("change", [str.upper, str.lower, str.title], ids=["upper", "lower", "title"])
def test_case_does_not_count(change: Callable[[str], str]) -> None:
    text = "Łódź Straße ÉCOLE ﬁn œuf"
    assert words(change(text)) == words(text) == ["lodz", "strasse", "ecole", "fin", "oeuf"]
