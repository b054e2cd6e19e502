"""What search finds comes in the order in which it is of use, and a reference is found, on both stores alike."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.words import sought
from knockon.cmdb.loading.load import load
from knockon.cmdb.past.store import PastStore
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Found
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

MODEL = installed_model()
ALL = MODEL.concrete("Entity")


@pytest.fixture
def store_model() -> Model:
    return MODEL


async def say(store: Store, *rows: tuple[str, str, str], source: str = "t", **more: str) -> None:
    items = [EntityObservation(source, key, kind, {"name": name, **more}, None) for kind, key, name in rows]
    random.Random(1).shuffle(items)
    report = await load(store, MODEL, items, source=source, actor="tests")
    assert not report.rejects, report.rejects


async def found(store: Store, text: str, below: str = "Entity") -> list[str]:
    rows = await store.search(sought(text), MODEL.concrete(below), limit=99)
    assert await store.count_found(sought(text), MODEL.concrete(below)) == len(rows)
    return [each.entity.name for each in rows]


async def test_what_is_exact_comes_first_and_records_after_what_they_are_about(store: Store) -> None:
    await say(
        store,
        ("Change", "c1", "db 7 is patched"),
        ("Incident", "i1", "db 7"),
        ("Incident", "i2", "db 7 is slow"),
        ("Incident", "i3", "slow db 7"),
        ("Server", "s1", "db 7 old"),
        ("Server", "s2", "old db 7"),
        ("Server", "s3", "db-7"),
        ("Person", "p1", "db 7 admin"),
        ("Server", "db-7", "by its key"),
    )  # fmt: skip
    expected = [
        "db-7", "by its key", "db 7", "db 7 admin", "db 7 old", "old db 7",
        "db 7 is patched", "db 7 is slow", "slow db 7",
    ]  # fmt: skip
    assert await found(store, "DB 7") == expected
    assert await found(store, "db 7", "Record") == [each for each in expected if each in {
        "db 7", "db 7 is patched", "db 7 is slow", "slow db 7",
    }]  # fmt: skip
    past = await PastStore.at(store, MODEL, await store.revision())
    then = await past.search(sought("DB 7"), ALL, limit=99)
    assert [each.entity.name for each in then] == expected
    forward, backward = list["Found"](), list["Found"]()
    while page := await store.search(sought("db 7"), ALL, after=forward[-1].place if forward else None, limit=2):
        forward += page
    while page := await store.search(
        sought("db 7"), ALL, before=backward[0].place if backward else None, limit=2, backward=True
    ):
        backward = page + backward
    assert [each.entity.name for each in forward] == [each.entity.name for each in backward] == expected


async def test_a_reference_is_found_whole_and_nothing_by_its_source(store: Store) -> None:
    await say(store, ("Server", "srv-1", "one"), ("Server", "srv-10", "ten"), source="survey")
    await say(store, ("Server", "vm:17", "other"), source="cloud")
    await say(store, ("Server", "a:b", "survey srv"), source="cloud")
    assert await found(store, "survey:srv-1") == ["one"]
    assert await found(store, "Survey:SRV-1") == ["one"]
    assert await found(store, "cloud:vm:17") == ["other"]
    assert await found(store, "survey") == ["survey srv"]
    assert await found(store, "survey:srv") == ["survey srv"], "words with a colon between them are still words"
    assert await found(store, "cloud:srv-1") == []
    (first,) = await store.search(sought("survey:srv-1"), ALL, limit=9)
    assert first.rank == 1, "a whole value of it"
    long = "k" * 300
    await say(store, ("Server", long, "long"), source="survey")
    assert await found(store, f"survey:{long}") == ["long"]


async def test_each_record_of_a_thing_is_a_reference_to_it(store: Store) -> None:
    await say(store, ("Server", "a1", "one"), source="a", serial_number="S1")
    await say(store, ("Server", "b1", "one"), source="b", serial_number="S1")
    for text in ("a:a1", "b:b1"):
        assert await found(store, text) == ["one"]
    assert await found(store, "a:b1") == []
