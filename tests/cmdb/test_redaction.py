"""A person is redacted everywhere, on both stores, and on the record."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import neo4j
import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.past.history import histories
from knockon.cmdb.stewardship.redaction import redact
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadUsage, ReferenceNotFound, RejectCode
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.observation import Item

MODEL = installed_model()
MONDAY, TUESDAY, WEDNESDAY = (f"2026-11-0{day}T08:00:00Z" for day in (2, 3, 4))
SECRETS = ("Ann Example", "ann@example.com", "+49 40 1", "E-4711")
ANN: dict[str, Any] = {
    "name": "Ann Example", "email": "ann@example.com", "phone": "+49 40 1", "employee_number": "E-4711",
    "job_title": "operator",
}  # fmt: skip


@pytest.fixture(params=["sqlite", "neo4j"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Any]:
    """Give the URL of an empty store, and what gives the whole of what it keeps as one text."""
    if request.param == "sqlite":
        path = tmp_path / "estate.db"

        async def text() -> str:
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return path.read_bytes().decode("latin-1")

        return f"sqlite:///{path}", text
    uri: str = request.getfixturevalue("wiped_neo4j")
    auth: tuple[str, str] = request.getfixturevalue("neo4j_auth")

    async def everything() -> str:
        async with neo4j.AsyncGraphDatabase.driver(uri, auth=auth) as driver:
            found = await driver.execute_query("MATCH (n) RETURN properties(n) AS p")
            return "\n".join(str(row["p"]) for row in found.records)

    return uri, everything


@pytest.fixture
async def kept(place: tuple[str, Any], neo4j_auth: tuple[str, str]) -> AsyncIterator[tuple[Store, Any]]:
    async with opened(store_at(place[0], MODEL, user=neo4j_auth[0], password=neo4j_auth[1])) as store:
        yield store, place[1]


def person(seen: str = MONDAY, key: str = "p1", **changed: Any) -> Item:
    return EntityObservation("hr", key, "Person", {**ANN, **changed}, seen)


def link(start: str, kind: str, end: str) -> Item:
    return RelationshipObservation("hr", kind, start, end, {}, MONDAY)


async def say(store: Store, *items: Item) -> None:
    report = await load(store, MODEL, items, source="hr", actor="tester")
    assert not report.rejects


async def shop(store: Store) -> None:
    service = EntityObservation("hr", "shop", "BusinessService", {"name": "Shop"}, MONDAY)
    await say(
        store, person(), service, link("p1", "USES", "shop"), person(key="p2", name="Bob", email="bob@example.com")
    )
    await say(store, person(TUESDAY, phone="+49 40 2"))


async def test_nothing_of_a_redacted_person_is_left_and_all_else_is(kept: tuple[Store, Any]) -> None:
    store, text = kept
    await shop(store)
    middle, newest = 1, await store.revision()
    done = await redact(store, MODEL, "hr:p1", reason="asked for it", actor="dpo")
    assert (done.records, done.references, done.revision) == (("hr:p1",), 0, newest + 1)
    assert done.attributes == ("email", "employee_number", "name", "phone")
    found = (await store.entities([done.id]))[done.id]
    assert (found.name, found.attributes) == ("p1", {"job_title": "operator"})
    assert (await store.count_neighbours([done.id], "USES", "out")) == {done.id: 1}
    assert await store.named("Ann Example") == []
    assert {each.name for each in await store.page(["Person"], None, limit=9)} == {"p1", "Bob"}
    then = {each.id: each for each in (await past_scan(store, MODEL, middle)).entities}
    assert (then[done.id].name, then[done.id].attributes) == ("p1", {"job_title": "operator"})
    assert {each.name for each in then.values()} == {"p1", "Bob", "Shop"}
    whole = await text()
    for secret in (*SECRETS[:2], "+49 40 2"):
        assert secret not in whole
    assert whole.count("E-4711") >= 1  # Bob's


async def test_it_is_on_the_record_and_those_who_follow_are_told(kept: tuple[Store, Any]) -> None:
    store, _ = kept
    await shop(store)
    newest = await store.revision()
    done = await redact(store, MODEL, "Person:Ann Example", reason="asked for it", actor="dpo")
    (told,) = await store.feed(newest)
    assert (told.head.actor, told.head.kind) == ("dpo", "redact")
    assert told.head.note == {"id": done.id, "attributes": list(done.attributes), "reason": "asked for it"}
    (entry,) = told.entries
    assert (entry.id, entry.before) == (done.id, entry.after)
    assert entry.after is not None
    assert (entry.after["name"], entry.after["attributes"]) == ("p1", {"job_title": "operator"})
    assert await store.rewritten() == done.revision
    events = (await histories(store, MODEL, [done.id], limit=9))[done.id]
    assert [each.revision.head.kind for each in events] == ["redact", "load", "load", "load"]
    assert [each.name for each in events[-1].changes[0].altered] == ["class", "name", "job_title"]


async def test_the_same_load_again_brings_nothing_back(kept: tuple[Store, Any]) -> None:
    store, _ = kept
    await shop(store)
    done = await redact(store, MODEL, "hr:p1", reason="asked for it", actor="dpo")
    await say(store, person(WEDNESDAY, phone="+49 40 2"))
    assert (await store.entities([done.id]))[done.id].attributes == {"job_title": "operator"}
    async with store.write() as write:
        assert await write.redacted([("hr", "p1"), ("hr", "p2")]) == {("hr", "p1"): frozenset(done.attributes)}
        await write.journal(replace((await store.feed(0))[0].head, kind="test"), ())


async def test_a_load_that_says_something_new_brings_only_that(kept: tuple[Store, Any]) -> None:
    store, text = kept
    await shop(store)
    done = await redact(store, MODEL, "hr:p1", reason="asked for it", actor="dpo")
    await say(store, person(WEDNESDAY, phone="+49 40 3", job_title="manager"))
    found = (await store.entities([done.id]))[done.id]
    assert (found.name, found.attributes) == ("p1", {"job_title": "manager"})
    assert "+49 40 3" not in await text()


async def test_what_was_redacted_is_not_kept_from_who_said_nothing_before(kept: tuple[Store, Any]) -> None:
    store, _ = kept
    await shop(store)
    await redact(store, MODEL, "hr:p1", reason="asked for it", actor="dpo")
    heard = EntityObservation("payroll", "p9", "Person", ANN, WEDNESDAY)
    await load(store, MODEL, [heard], source="payroll", actor="t")
    (found,) = await store.named("Ann Example")
    assert found.attributes == ANN


@pytest.fixture
async def store_with_ann(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened(store_at(f"sqlite:///{tmp_path}/estate.db", MODEL)) as store:
        await shop(store)
        yield store


async def test_redacting_twice_and_after_retirement(kept: tuple[Store, Any]) -> None:
    store, text = kept
    await shop(store)
    await load(store, MODEL, [person(WEDNESDAY, "p2")], source="hr", actor="t", complete=True, allow_retire=True)
    done = await redact(store, MODEL, "hr:p1", reason="left", actor="dpo")
    again = await redact(store, MODEL, done.id, reason="once more", actor="dpo")
    assert (again.records, again.id) == (done.records, done.id)
    assert (await store.known([done.id]))[done.id].retired
    assert await store.entities([done.id]) == {}
    assert "+49 40 2" not in await text()


async def test_who_named_a_person_by_name_waits_and_is_counted(store_with_ann: Store) -> None:
    store = store_with_ann
    await say(store, link("Person:Ann Example", "MEMBER_OF", "team"),
              EntityObservation("hr", "team", "SupportGroup", {"name": "Team"}, MONDAY))  # fmt: skip
    assert (await redact(store, MODEL, "hr:p1", reason="x", actor="dpo")).references == 1


@pytest.mark.parametrize(
    ("reference", "reason", "error"),
    [("Shop", "x", BadUsage), ("hr:p1", " ", BadUsage), ("nobody", "x", ReferenceNotFound)],
)
async def test_only_a_person_and_only_with_a_reason(
    store_with_ann: Store, reference: str, reason: str, error: type[Exception]
) -> None:
    newest = await store_with_ann.revision()
    with pytest.raises(error):
        await redact(store_with_ann, MODEL, reference, reason=reason, actor="dpo")
    assert await store_with_ann.revision() == newest


async def test_dead_letters_that_speak_of_the_person_are_gone_and_later_ones_do_not(kept: tuple[Store, Any]) -> None:
    store, text = kept
    await shop(store)
    wrong: dict[str, Any] = {"colour": "red"}
    rejected: list[Item] = [
        person(**wrong),
        EntityObservation("desk", "t1", "Incident", {"name": "x", "opened_for": "Ann Example"}, MONDAY),
        Reject(RejectCode.MALFORMED_RECORD, "no JSON.", "7", '{"email": "ANN@example.com"', seen=MONDAY),
        EntityObservation("desk", "t2", "Incident", {"name": "kept", **wrong}, MONDAY),
    ]
    for each in rejected:
        source = "hr" if each is rejected[0] else "desk"
        await load(store, MODEL, [each], source=source, actor="tester")
    assert await store.count_letters() == 4
    done = await redact(store, MODEL, "hr:p1", reason="asked for it", actor="dpo")
    assert done.letters == 3
    assert [each.words for each in await store.letters(limit=9)] == ["t2"]
    await load(store, MODEL, [person(TUESDAY, **wrong)], source="hr", actor="tester")
    (letter,) = await store.letters("hr", limit=9)
    assert letter.record == {"class": "Person", "key": "p1", "job_title": "operator", **wrong}
    whole = (await text()).casefold()
    assert "ann@example.com" not in whole
    assert "ann example" not in whole
