"""What people write: an observation by each, and never an update lost; on both stores."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stewardship.edits import Editor
from knockon.cmdb.stewardship.undo import undo_load
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadUsage, EditConflict, EditInvalid, ReferenceNotFound, StillReported
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store

MODEL = installed_model()
PAST, FUTURE = "2020-01-01T08:00:00Z", "2999-01-01T08:00:00Z"


@pytest.fixture
async def pair(place: tuple[str, Any]) -> AsyncIterator[tuple[Store, Store]]:
    """Give two stores on one database: two writers."""
    url, (user, password) = place
    one, other = (store_at(url, MODEL, user=user, password=password) for _ in range(2))
    async with opened(one) as first, opened(other) as second:
        yield first, second


async def scanned(store: Store, seen: str = PAST, **attributes: Any) -> None:
    said = {"name": "web-1", "description": "rack 7", **attributes}
    items = [EntityObservation("scan", "r1", "Server", said, seen), EntityObservation("scan", "r2", "Server", {}, seen)]
    edge = RelationshipObservation("scan", "DEPENDS_ON", "r1", "r2", {}, seen)
    assert not (await load(store, MODEL, [*items, edge], source="scan", actor="tester")).rejects


async def test_a_change_is_a_word_of_that_person_and_journaled_with_who_and_why(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store)
    before = (await store.resolve(["k:scan:r1"]))["k:scan:r1"]
    done = await Editor(store, MODEL, "anna", reason="moved").change("scan:r1", {"description": "rack 9"})
    assert ([done.entity.id], done.entity.attributes["description"], done.outweighed) == (before, "rack 9", [])
    assert {(each.source, each.key) for each in await store.members(before)} == {("scan", "r1"), ("person/anna", "r1")}
    (written,) = await store.feed(done.revision - 1)
    assert (written.head.actor, written.head.kind, written.head.note["reason"]) == ("anna", "edit", "moved")
    back = await Editor(store, MODEL, "anna").change("scan:r1", {"description": None})
    assert back.entity.attributes["description"] == "rack 7"
    assert back.outweighed == [], "a word that was taken back is none"


async def test_a_thing_without_a_name_keeps_what_it_is_called(pair: tuple[Store, Store]) -> None:
    await scanned(pair[0])
    assert (await Editor(pair[0], MODEL, "anna").change("scan:r2", {"description": "spare"})).entity.name == "r2"


async def test_a_word_that_does_not_count_is_told(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store, FUTURE)
    done = await Editor(store, MODEL, "anna").change("scan:r1", {"description": "rack 9"})
    assert done.entity.attributes["description"] == "rack 7"
    assert [str(each) for each in done.outweighed] == ["kept, but scan's word counts for description: 'rack 7'."]


async def test_of_two_concurrent_edits_of_one_value_one_wins_and_the_other_is_told(pair: tuple[Store, Store]) -> None:
    await scanned(pair[0])
    looked = await pair[0].revision()
    editors = Editor(pair[0], MODEL, "anna"), Editor(pair[1], MODEL, "bob")
    ended = await asyncio.gather(
        *(each.change("scan:r1", {"description": f"by {each.by}"}, expected=looked) for each in editors),
        return_exceptions=True,
    )
    (lost,) = (each for each in ended if isinstance(each, EditConflict))
    (won,) = (each for each in ended if not isinstance(each, BaseException))
    words = won.entity.attributes["description"]
    assert f"description: 'rack 7' -> {words!r} ({words} at " in str(lost)
    assert (await pair[0].entities([won.entity.id]))[won.entity.id].attributes["description"] == words


async def test_edits_of_different_values_do_not_conflict_and_later_words_count(pair: tuple[Store, Store]) -> None:
    await scanned(pair[0])
    looked = await pair[0].revision()
    anna, bob = Editor(pair[0], MODEL, "anna"), Editor(pair[1], MODEL, "bob")
    await anna.change("scan:r1", {"description": "x"}, expected=looked)
    done = await bob.change("scan:r1", {"serial_number": "S1"}, expected=looked)
    assert (done.entity.attributes["description"], done.entity.attributes["serial_number"]) == ("x", "S1")
    assert (await bob.change("scan:r1", {"description": "x"}, expected=looked)).outweighed == []
    with pytest.raises(EditConflict, match="by anna"):
        await bob.change("scan:r1", {"description": "y"}, expected=looked)
    assert (await bob.change("scan:r1", {"description": "y"})).entity.attributes["description"] == "y"


async def test_what_people_made_can_be_retired_and_what_others_report_cannot(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store)
    anna = Editor(store, MODEL, "anna")
    made = await anna.create("Server", {"name": "db-1", "serial_number": "S7"})
    with pytest.raises(EditConflict, match=made.entity.id):
        await anna.create("Server", {"name": "db-1", "serial_number": "S7"})
    await anna.relate("scan:r1", "DEPENDS_ON", made.entity.id, {})
    assert (await store.count_neighbours([made.entity.id], "DEPENDS_ON", "in"))[made.entity.id] == 1
    await Editor(store, MODEL, "bob").unrelate(made.entity.id, "DEPENDENCY_OF", "scan:r1")
    assert (await store.count_neighbours([made.entity.id], "DEPENDS_ON", "in"))[made.entity.id] == 0
    for refused in (anna.retire("scan:r1"), anna.unrelate("scan:r1", "DEPENDS_ON", "scan:r2")):
        with pytest.raises(StillReported, match="scan"):
            await refused
    plan = (await Editor(store, MODEL, "anna", dry_run=True).retire(made.entity.id)).plan
    assert plan is not None
    assert [(each.change, each.what) for each in plan] == [("retire", "Server:db-1")]
    assert (await anna.retire(made.entity.id)).entity.retired
    with pytest.raises(ReferenceNotFound):
        await anna.change(made.entity.id, {"description": "x"})


async def test_what_the_model_does_not_take_is_refused_and_nothing_is_written(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store)
    before, anna = await store.revision(), Editor(store, MODEL, "anna")
    for refused in (
        anna.create("Sever", {}),
        anna.change("scan:r1", {"colour": "red"}),
        anna.relate("scan:r1", "LIKES", "scan:r2", {}),
        anna.relate("scan:r1", "CONSUMED_BY", "scan:r2", {}),
        Editor(store, MODEL, "a:b").change("scan:r1", {"description": "x"}),
    ):
        with pytest.raises(EditInvalid):
            await refused
    assert await store.revision() == before


async def test_a_relationship_that_is_not_allowed_is_told_with_the_ones_that_are(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store)
    anna = Editor(store, MODEL, "anna")
    await anna.create("BusinessService", {"name": "shop"})
    before = await store.revision()
    with pytest.raises(EditInvalid, match=r"MEMBER_OF from a BusinessService to a Server, .* It goes from an? ") as no:
        await anna.relate("shop", "MEMBER_OF", "scan:r1", {})
    with pytest.raises(EditInvalid) as loop:
        await anna.relate("scan:r1", "DEPENDS_ON", "scan:r1", {})
    with pytest.raises(EditInvalid) as unknown:
        await anna.unrelate("scan:r1", "LIKES", "scan:r2")
    codes = [each.value.reject for each in (no, loop, unknown)]
    assert codes == ["RELATIONSHIP_NOT_ALLOWED", "SELF_LOOP", "UNKNOWN_RELATIONSHIP_TYPE"]
    assert await store.revision() == before


async def test_what_nobody_could_tell_from_others_is_not_created(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    anna = Editor(store, MODEL, "anna")
    for class_name, said, lacks in (
        ("Server", {}, "give name"),
        ("Server", {"serial_number": "S7"}, "give name"),
        ("IPAddress", {"description": "x"}, "give address"),
    ):
        with pytest.raises(EditInvalid, match=lacks) as refused:
            await anna.create(class_name, said)
        assert refused.value.reject == "MISSING_IDENTIFIER"
    assert await store.revision() == 0
    assert (await anna.create("Server", {"name": "db-1"})).entity.name == "db-1"


async def edges_since(store: Store, revision: int) -> list[tuple[str, dict[str, Any]]]:
    """Give who wrote a relationship after a revision, and which attributes it then had; oldest first."""
    return [
        (each.head.actor, dict(entry.after["attributes"]))
        for each in await store.feed(revision)
        for entry in each.entries
        if entry.kind == "edge" and entry.after
    ]


async def test_a_name_is_not_taken_away_from_what_is_told_apart_by_it(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    anna = Editor(store, MODEL, "anna")
    made = await anna.create("BusinessService", {"name": "shop", "description": "x"})
    with pytest.raises(EditInvalid, match=r"this BusinessService could not be told from others: give name") as refused:
        await anna.change(made.entity.id, {"name": None})
    assert refused.value.reject == "MISSING_IDENTIFIER"
    assert await store.revision() == made.revision
    bob = Editor(store, MODEL, "bob")
    assert (await bob.change(made.entity.id, {"name": "webshop"})).entity.name == "webshop"
    assert (await bob.change(made.entity.id, {"name": None})).entity.name == "shop", "that is anna's word"


async def test_of_two_concurrent_edits_of_one_relationship_one_wins(pair: tuple[Store, Store]) -> None:
    await scanned(pair[0])
    looked = await pair[0].revision()
    said: dict[str, dict[str, Any]] = {"anna": {"strength": "soft"}, "bob": {"strength": "hard", "weight": 2}}
    ended = await asyncio.gather(
        *(
            Editor(store, MODEL, by).relate("scan:r1", "DEPENDS_ON", "scan:r2", said[by], expected=looked)
            for store, by in zip(pair, said, strict=True)
        ),
        return_exceptions=True,
    )
    (lost,) = (each for each in ended if isinstance(each, EditConflict))
    ((won, attributes),) = await edges_since(pair[0], looked)
    assert attributes.items() >= said[won].items()
    assert f"(by {won} at " in str(lost)
    assert "Server:web-1 DEPENDS_ON Server:r2 has changed" in str(lost)


async def test_what_an_edit_of_a_relationship_conflicts_with(pair: tuple[Store, Store]) -> None:
    store, other = pair
    await scanned(store)
    anna, bob = Editor(store, MODEL, "anna"), Editor(other, MODEL, "bob")
    looked, there = await store.revision(), ("scan:r2", "DEPENDS_ON", "scan:r1")
    done = await anna.relate(*there, {"strength": "soft"}, expected=looked)
    assert (await bob.relate(*there, {"strength": "soft"}, expected=looked)).outweighed == []  # they agree
    with pytest.raises(EditConflict, match=rf"strength: nothing -> 'soft' .by anna .* --expect {done.revision}, or"):
        await bob.relate(*there, {"strength": "hard"}, expected=looked)
    with pytest.raises(EditConflict, match="the relationship: nothing -> 'there'"):
        await bob.unrelate(*there, expected=looked)
    await bob.relate("scan:r1", "DEPENDENCY_OF", "scan:r2", {"strength": "hard"}, expected=done.revision)
    seen = await store.revision()
    await bob.unrelate(*there, expected=seen)
    before = await store.revision()
    with pytest.raises(EditConflict, match=r"the relationship: 'there' -> nothing .by bob"):
        await anna.relate(*there, {"strength": "hard"}, expected=seen)
    assert await store.revision() == before
    assert (await anna.relate(*there, {"strength": "hard"}, expected=before)).changes.related.created == 1


async def test_the_later_word_of_two_people_on_a_relationship_counts(
    pair: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = pair
    await scanned(store)
    anna, bob = Editor(store, MODEL, "anna"), Editor(store, MODEL, "bob")
    told: tuple[tuple[Editor, str, str], ...] = (
        (anna, "soft", "2026-01-01T08:00:00.000009Z"), (bob, "hard", "2026-01-01T08:00:00.000001Z"),
        (anna, "soft", "2026-01-01T08:00:00.000002Z"), (bob, "hard", "2026-01-01T08:00:00.000003Z"),
    )  # fmt: skip
    for editor, strength, clock in told:  # clocks differ, and do not decide
        monkeypatch.setattr("knockon.schema.values.now", lambda clock=clock: clock)
        done = await editor.relate("scan:r1", "DEPENDS_ON", "scan:r2", {"strength": strength})
        assert done.edge is not None
        assert (done.edge.attributes["strength"], done.outweighed) == (strength, [])
    again = await bob.relate("scan:r1", "DEPENDS_ON", "scan:r2", {"strength": "hard"})
    assert again.revision == done.revision  # what is so already is not written again
    await undo_load(store, MODEL, done.revision, of="person/bob", by="bob", dry_run=False)
    ((_, attributes),) = await edges_since(store, done.revision)
    assert attributes["strength"] == "soft"  # a word said again is taken back like any other


async def test_a_word_that_was_taken_back_can_be_said_again_whatever_the_clock_says(
    pair: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = pair
    await scanned(store)
    anna, there = Editor(store, MODEL, "anna"), ("scan:r2", "DEPENDS_ON", "scan:r1")
    monkeypatch.setattr("knockon.schema.values.now", lambda: "2026-01-01T08:00:00.000009Z")
    await anna.relate(*there, {})
    await anna.unrelate(*there)
    monkeypatch.setattr("knockon.schema.values.now", lambda: "2026-01-01T08:00:00.000001Z")
    assert (await anna.relate(*there, {})).changes.related.created == 1


async def test_a_word_on_a_relationship_that_does_not_count_is_told(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store, FUTURE)
    done = await Editor(store, MODEL, "anna").relate("scan:r1", "DEPENDS_ON", "scan:r2", {"strength": "soft"})
    assert done.edge is not None
    assert done.edge.attributes.get("strength") != "soft"
    assert [(each.attribute, each.said, each.source) for each in done.outweighed] == [("strength", "soft", "scan")]
    assert str(done.outweighed[0]).startswith("kept, but scan's word counts for strength: ")


async def test_a_revision_that_is_not_there_yet_protects_from_nothing_and_is_refused(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store)
    newest = await store.revision()
    anna = Editor(store, MODEL, "anna")
    for edit in (
        anna.change("scan:r1", {"description": "x"}, expected=newest + 1),
        anna.relate("scan:r1", "DEPENDS_ON", "scan:r2", {}, expected=newest + 1),
        anna.retire("scan:r1", expected=newest + 1),
    ):
        with pytest.raises(BadUsage, match=f"the newest is {newest}"):
            await edit
    assert await store.revision() == newest


async def test_there_is_no_revision_before_the_first(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store)
    anna = Editor(store, MODEL, "anna")
    made = await anna.create("BusinessService", {"name": "shop"})
    for edit in (
        anna.change("scan:r1", {"description": "x"}, expected=-1),
        anna.retire(made.entity.id, expected=-1),
        anna.restore(made.entity.id, expected=-1),
        anna.relate("scan:r1", "DEPENDS_ON", "scan:r2", {}, expected=-1),
    ):
        with pytest.raises(BadUsage, match="no revision -1"):
            await edit
    assert await store.revision() == made.revision


async def test_a_word_that_stands_is_said_again_without_a_revision(pair: tuple[Store, Store]) -> None:
    store, _ = pair
    await scanned(store)
    anna = Editor(store, MODEL, "anna")
    done = await anna.change("scan:r1", {"manufacturer": "acme", "name": "web-1"})
    members = await store.members(done.entity.id)
    for said in ({"manufacturer": "acme"}, {"name": "web-1", "manufacturer": "acme"}, {"model": None}, {}):
        again = await anna.change("scan:r1", said, expected=done.revision)
        assert (again.revision, again.entity.id, again.outweighed) == (done.revision, done.entity.id, [])
        assert (again.changes.updated, again.changes.stored) == (0, 0)
    assert await store.revision() == done.revision
    assert await store.members(done.entity.id) == members, "when it was said is as it was"
    nothing = await Editor(store, MODEL, "ben").change("scan:r1", {"model": None})
    assert nothing.revision == done.revision, "who has said nothing has nothing to take back"


async def test_a_word_counts_again_where_it_makes_a_difference(
    pair: tuple[Store, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = pair
    await scanned(store)
    anna, ben = (Editor(store, MODEL, each) for each in ("anna", "ben"))
    newest = (await anna.change("scan:r1", {"manufacturer": "acme", "description": "rack 9"})).revision
    for editor, said in (
        (ben, {"manufacturer": "acme"}),  # another person confirms it
        (anna, {"description": "rack 9"}),  # the scan says something else
        (anna, {"manufacturer": None}),
        (anna, {"manufacturer": "acme"}),
        (ben, {"manufacturer": "other"}),
        (anna, {"manufacturer": "acme"}),  # and is believed again
    ):
        done = await editor.change("scan:r1", said)
        assert done.revision > newest, said
        newest = done.revision
    assert done.entity.attributes["manufacturer"] == "acme"
    await anna.change("scan:r1", {"model": "M1"})
    stood = await store.revision()
    monkeypatch.setattr("knockon.cmdb.reconciliation.again.AGAIN", 0.0)  # a day later
    assert (await anna.change("scan:r1", {"model": "M1"})).revision > stood, "it is fresher now"
