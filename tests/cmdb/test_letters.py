"""The life of a dead letter: kept by a load, settled by a later word, replayed, dropped; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading import letters as keeping
from knockon.cmdb.loading.load import load
from knockon.cmdb.loading.replay import drop, every_letter, replay, unfit
from knockon.errors import BadUsage, ReferenceNotFound, RejectCode
from knockon.loaders.native import item
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from tests.cmdb.saying import MODEL

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import DeadLetter
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport
    from knockon.schema.model import Model
    from knockon.schema.observation import Item

MONDAY, TUESDAY, WEDNESDAY = (f"2026-11-0{day}T08:00:00.000000Z" for day in (2, 3, 4))


@pytest.fixture
def store_model() -> Model:
    return MODEL


def good(key: str, seen: str | None = MONDAY, **more: Any) -> Item:
    return EntityObservation("s", key, "Server", {"name": key, **more}, seen)


def bad(key: str, seen: str | None = MONDAY, *, partial: bool = False, **more: Any) -> Item:
    return EntityObservation("s", key, "Server", {"colour": "red", **more}, seen, "1", partial=partial)


def edge(start: str, kind: str, end: str, seen: str = MONDAY, **attributes: Any) -> Item:
    return RelationshipObservation("s", kind, start, end, attributes, seen)


def nameless(text: str = "{", seen: str = MONDAY) -> Item:
    return Reject(RejectCode.MALFORMED_RECORD, "no JSON.", "7", text, seen=seen)


async def say(store: Store, *items: Item, **how: Any) -> LoadReport:
    return await load(store, MODEL, items, source="s", actor="tester", **how)


async def kept(store: Store) -> list[DeadLetter]:
    return [each async for each in every_letter(store)]


async def abouts(store: Store) -> list[tuple[str, ...]]:
    return [each.about for each in await kept(store)]


async def again(store: Store, *changed: tuple[str, Any], dry_run: bool = False) -> list[LoadReport]:
    """Replay all letters; ``changed`` gives new values for attributes, None takes one away."""
    said = []
    for letter in await kept(store):
        record = {name: value for name, value in {**letter.record, **dict(changed)}.items() if value is not None}
        said.append((letter, item(record, letter.location, letter.source, letter.seen, partial=letter.partial)))
    return [each.report for each in await replay(store, MODEL, said, actor="mender", dry_run=dry_run)]


async def test_a_reject_is_kept_with_all_that_is_known_of_it(store: Store) -> None:
    report = await say(store, good("a"), bad("b"), scope="x", file="f.yaml")
    (letter,) = await kept(store)
    assert (letter.source, letter.scope, letter.kind, letter.words) == ("s", "x", "entity", "b")
    assert (letter.code, letter.message) == ("UNKNOWN_ATTRIBUTE", "Server: there is no attribute 'colour'.")
    assert letter.record == {"class": "Server", "key": "b", "colour": "red"}
    assert (letter.location, letter.seen, letter.by, letter.revision) == (
        "f.yaml:1", MONDAY, "tester", report.revision,
    )  # fmt: skip


async def test_a_letter_is_written_with_the_end_of_its_load_and_by_no_dry_run(store: Store) -> None:
    await say(store, bad("b"), dry_run=True)
    assert await kept(store) == []
    before = await store.revision()
    await say(store, bad("b"))
    assert await store.revision() == before + 1


async def test_the_same_again_is_the_same_letter_which_remembers_since_when(store: Store) -> None:
    await say(store, bad("b"), nameless(), edge("b", "LEANS", "c"))
    first = {each.id: each for each in await kept(store)}
    await say(store, bad("b"), nameless(), edge("b", "LEANS", "c"))
    later = {each.id: each for each in await kept(store)}
    assert first.keys() == later.keys()
    assert len(first) == 3
    for id_, letter in later.items():
        assert letter.since == first[id_].since < letter.at
        assert letter.revision > first[id_].revision


@pytest.mark.parametrize(
    ("word", "settles"),
    [
        (good("b", TUESDAY), True),
        (good("b", MONDAY), True),  # said later of the same moment
        (good("b", "2026-11-01T08:00:00.000000Z"), False),  # an older word does not speak for a newer one
        (good("c", TUESDAY), False),
        (EntityObservation("s", "b", "Server", {"note": "x"}, TUESDAY, partial=True), False),  # not all that it said
    ],
)
async def test_a_later_whole_word_of_the_same_settles_a_letter(store: Store, word: Item, settles: bool) -> None:
    await say(store, bad("b"))
    await say(store, word)
    assert (await kept(store) == []) is settles


async def test_another_source_settles_nothing(store: Store) -> None:
    await say(store, bad("b"))
    other = EntityObservation("t", "b", "Server", {"name": "b"}, TUESDAY)
    await load(store, MODEL, [other], source="t", actor="tester")
    assert await abouts(store) == [("b",)]


async def test_what_one_load_rejects_it_does_not_settle(store: Store) -> None:
    await say(store, bad("b"), good("b"))
    await say(store, bad("b"), good("b"))
    assert await abouts(store) == [("b",)]


async def test_every_record_of_a_load_is_kept_and_a_later_one_about_the_same_takes_its_place(store: Store) -> None:
    await say(store, bad("b", note="one"), bad("b", note="other"), bad("b", note="one"))
    assert [each.record["note"] for each in await kept(store)] == ["other", "one"]
    await say(store, bad("b", TUESDAY, note="newer"))
    assert [each.record["note"] for each in await kept(store)] == ["newer"]
    await say(store, bad("b", MONDAY, note="late"))
    assert [each.record["note"] for each in await kept(store)] == ["newer", "late"]


async def test_a_relationship_settles_by_its_inverse_name_too(store: Store) -> None:
    await say(store, good("a"), good("b"), edge("b", "NEEDED", "a", shade="x"), edge("b", "NEEDED", "b"))
    assert await abouts(store) == [("NEEDS", "a", "b", ""), ("NEEDS", "b", "b", "")]
    await say(store, edge("a", "NEEDS", "b", TUESDAY))
    assert await abouts(store) == [("NEEDS", "b", "b", "")]


async def test_partial_letters_each_stand_for_themselves(store: Store) -> None:
    await say(store, bad("b", partial=True), bad("b", partial=True, note="x"))
    assert await abouts(store) == [("b",), ("b",)]
    await say(store, good("b", TUESDAY))
    assert len(await kept(store)) == 2  # the whole word does not say what they said
    (report,) = await again(store, ("colour", None))
    assert (report.rejects, await kept(store)) == ([], [])
    (entity,) = await store.named("b")
    assert "note" not in entity.attributes  # seen before the whole word


async def test_a_complete_load_settles_all_that_its_scope_said_before(store: Store) -> None:
    await say(store, good("a"), bad("b"), nameless(), scope="x")
    await say(store, bad("elsewhere"), scope="y")
    await say(store, good("a", TUESDAY), bad("c", TUESDAY), scope="x", complete=True)
    assert sorted(await abouts(store)) == [("c",), ("elsewhere",)]


async def test_a_strict_load_keeps_what_it_does_not_let_wait(store: Store) -> None:
    await say(store, good("a"), edge("a", "NEEDS", "b"), strict=True)
    (letter,) = await kept(store)
    assert (letter.code, letter.strict, letter.about) == ("UNRESOLVED_REFERENCE", True, ("NEEDS", "a", "b", ""))
    (still,) = await again(store)
    assert [each.code for each in still.rejects] == ["UNRESOLVED_REFERENCE"]
    await say(store, good("b"))
    (now,) = await again(store)
    assert (now.relationships.created, await kept(store)) == (1, [])


async def test_a_mended_letter_is_taken_as_seen_then_and_is_no_letter_any_more(store: Store) -> None:
    await say(store, bad("b"), scope="x")
    (planned,) = await again(store, ("colour", None), ("name", "bee"), dry_run=True)
    assert planned.plan is not None
    assert [each.change for each in planned.plan] == ["create"]
    assert await abouts(store) == [("b",)]
    (report,) = await again(store, ("colour", None), ("name", "bee"))
    assert (report.entities.created, await kept(store)) == (1, [])
    record = (await store.records([("s", "b")]))["s", "b"]
    assert (record.seen, record.scope, record.attributes) == (MONDAY, "x", {"name": "bee"})


async def test_a_replay_does_not_stand_against_what_its_source_has_said_since(store: Store) -> None:
    await say(store, bad("b", MONDAY, partial=True))
    await say(store, good("b", TUESDAY))
    (report,) = await again(store, ("colour", None), ("note", "late"))
    assert [each.code.value for each in report.findings] == ["OUTDATED"]
    assert await kept(store) == []
    assert [each.attributes for each in await store.named("b")] == [{"name": "b"}]


async def test_what_is_still_wrong_stays_with_its_new_reason(store: Store) -> None:
    await say(store, bad("b"))
    (before,) = await kept(store)
    await again(store)
    assert [(each.id, each.since, each.by) for each in await kept(store)] == [(before.id, before.since, "mender")]
    (report,) = await again(store, ("class", "Computers"))
    (letter,) = await kept(store)
    assert [each.code for each in report.rejects] == ["UNKNOWN_CLASS"]
    assert (letter.code, letter.location, letter.seen) == ("UNKNOWN_CLASS", before.location, before.seen)
    await again(store, ("key", "bb"))  # mended in its key, and still wrong: one letter, not two
    assert await abouts(store) == [("bb",)]


async def test_a_nameless_letter_is_settled_by_its_replay(store: Store) -> None:
    await say(store, Reject(RejectCode.MISSING_IDENTIFIER, "no key.", "3", {"class": "Server"}, seen=MONDAY))
    assert await abouts(store) == [()]
    (report,) = await again(store, ("key", "found"))
    assert (report.entities.created, await kept(store)) == (1, [])


async def test_very_many_rejects_are_kept_in_several_transactions(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST", 2)
    await say(store, *(bad(f"b{number}") for number in range(5)))
    assert await abouts(store) == [(f"b{number}",) for number in range(5)]
    assert [each.head.kind for each in await store.feed(0)] == ["letters", "letters", "run"]


async def test_a_record_that_is_too_long_is_kept_by_its_beginning(store: Store) -> None:
    await say(store, bad("b", note="x" * keeping.LONGEST), nameless("y" * 3))
    long, line = sorted(await kept(store), key=lambda each: not each.cut)
    assert long.cut
    assert long.record.startswith('{"class":"Server","key":"b"')
    assert len(long.record) < keeping.BEGINNING + 10
    assert unfit(long)
    assert unfit(line)  # no record as it stands


async def test_a_dropped_letter_is_gone_and_it_is_recorded_who_did_so(store: Store) -> None:
    await say(store, bad("b"), bad("c"))
    first, second = await kept(store)
    with pytest.raises(BadUsage, match="say why"):
        await drop(store, MODEL, [first.id], by="ann", reason=" ")
    with pytest.raises(ReferenceNotFound, match="nobody"):
        await drop(store, MODEL, [first.id, "nobody"], by="ann", reason="x")
    before = await store.revision()
    assert await drop(store, MODEL, [first.id], by="ann", reason="scrapped") == [first]
    assert await kept(store) == [second]
    (told,) = await store.feed(before)
    assert (told.head.actor, told.head.kind, told.head.note["reason"]) == ("ann", "letters", "scrapped")
    assert [each["id"] for each in told.head.note["dropped"]] == [first.id]
