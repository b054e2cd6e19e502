"""Moves from state to state, and bringing back what was retired; on both stores."""

from __future__ import annotations

import asyncio
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.cmdb.loading.load import load
from knockon.cmdb.stewardship.edits import Editor
from knockon.cmdb.stewardship.undo import undo_load
from knockon.cmdb.stores import opened, store_at
from knockon.errors import EditConflict, EditInvalid, IllegalMove, KeptElsewhere, ReferenceNotFound
from knockon.schema.installed import installed_model, read_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store

MODEL = installed_model()


@pytest.fixture
async def store(place: tuple[str, Any]) -> AsyncIterator[Store]:
    url, (user, password) = place
    async with opened(store_at(url, MODEL, user=user, password=password)) as one:
        yield one


async def scan(
    store: Store, *things: tuple[str, str, dict[str, Any]], seen: str = "2020-01-01T08:00:00Z", complete: bool = False
) -> None:
    items: list[EntityObservation | RelationshipObservation] = [
        EntityObservation("scan", key, class_name, said, seen) for key, class_name, said in things
    ]
    scope = {"scope": "all", "complete": True} if complete else {"scope": "all"}
    assert not (await load(store, MODEL, items, source="scan", actor="tester", **scope)).rejects


async def test_an_incident_goes_its_way_and_each_move_is_journaled(store: Store) -> None:
    anna, bob = Editor(store, MODEL, "anna"), Editor(store, MODEL, "bob", reason="it runs again")
    made = await anna.create("Incident", {"name": "INC1", "number": "INC1"})
    assert made.entity.attributes["state"] == "new"  # the only state that an incident begins in
    with pytest.raises(IllegalMove, match="moved to assigned, in_progress, resolved, cancelled") as refused:
        await anna.move("INC1", "closed")
    assert refused.value.legal == ("assigned", "in_progress", "resolved", "cancelled")
    with pytest.raises(IllegalMove, match="There is no state 'done'"):
        await anna.move("INC1", "done")
    assert await store.revision() == made.revision
    moved = await bob.move("INC1", "resolved", expected=made.revision)
    assert (moved.entity.attributes["state"], moved.outweighed) == ("resolved", [])
    (written,) = await store.feed(made.revision)
    assert (written.head.actor, written.head.source, written.head.note) == (
        "bob",
        "person/bob",
        {"edit": "move", "reason": "it runs again"},
    )
    assert (await anna.move("INC1", "resolved", expected=made.revision)).revision == moved.revision  # no move
    with pytest.raises(EditConflict, match="'new' -> 'resolved' \\(by bob"):
        await anna.move("INC1", "closed", expected=made.revision)
    assert (await anna.move("INC1", "closed")).entity.attributes["state"] == "closed"
    with pytest.raises(IllegalMove, match="final"):
        await bob.move("INC1", "in_progress")
    await undo_load(store, MODEL, await store.revision(), of="person/anna", by="anna")  # says: it was never made
    assert (await store.entities([made.entity.id]))[made.entity.id].attributes["state"] == "resolved"


async def test_things_begin_where_their_lifecycle_begins(store: Store) -> None:
    anna = Editor(store, MODEL, "anna")
    with pytest.raises(IllegalMove, match="may begin in draft"):
        await anna.create("Change", {"name": "C1", "number": "C1", "state": "approved"})
    with pytest.raises(IllegalMove, match="ordered, received, in_stock, in_use"):
        await anna.create("Server", {"name": "s", "status": "on fire"})
    assert await store.revision() == 0
    server = await anna.create("Server", {"name": "s"})
    assert "status" not in server.entity.attributes  # it may begin in several states, and nobody says in which
    with pytest.raises(IllegalMove, match="has no status yet"):
        await anna.move("s", "retired")
    assert (await anna.move("s", "in_use")).entity.attributes["status"] == "in_use"
    assert (await anna.create("Printer", {"name": "p", "status": "ordered"})).entity.attributes["status"] == "ordered"
    with pytest.raises(EditInvalid, match="has no lifecycle"):
        await anna.move((await anna.create("Site", {"name": "Ulm"})).entity.id, "in_use")


async def test_a_state_is_not_set(store: Store) -> None:
    anna = Editor(store, MODEL, "anna")
    await anna.create("Server", {"name": "s", "status": "in_use"})
    made = await anna.create("Incident", {"name": "INC1", "number": "INC1"})
    for reference, said in (("s", {"status": "retired"}), ("INC1", {"state": "closed"}), ("INC1", {"state": None})):
        with pytest.raises(EditInvalid, match="use move"):
            await anna.change(reference, {"description": "x", **said})
    assert await store.revision() == made.revision


async def test_what_another_source_keeps_is_not_moved(store: Store, tmp_path: Path) -> None:
    await scan(
        store,
        ("i1", "Incident", {"name": "INC1", "state": "new"}),
        ("r1", "Server", {"name": "web-1"}),
        ("r2", "Server", {"name": "web-2", "status": "live"}),
    )
    anna = Editor(store, MODEL, "anna")
    for reference, state in (("INC1", "assigned"), ("INC1", "new"), ("web-2", "in_use")):
        with pytest.raises(KeptElsewhere, match="kept by scan"):
            await anna.move(reference, state)
    # who reports a thing and says nothing of its state does not keep that
    assert (await anna.move("web-1", "in_use")).entity.attributes["status"] == "in_use"

    ranks = tmp_path / "ranks.yaml"
    ranks.write_text("sources: {attributes: {Server: {status: [person/anna, scan, person/bob]}}}")
    ranked = read_model(extra=[ranks])
    with pytest.raises(KeptElsewhere, match="kept by scan"):
        await Editor(store, ranked, "bob").move("web-2", "in_use")
    moved = await Editor(store, ranked, "anna").move("web-2", "in_use")  # from a word of the tool's own
    assert moved.entity.attributes["status"] == "in_use"
    with pytest.raises(KeptElsewhere, match="kept by person/anna"):
        await Editor(store, ranked, "carl").move("web-1", "in_maintenance")
    assert await store.revision() == moved.revision


async def test_of_two_moves_out_of_one_state_one_is_made(store: Store) -> None:
    made = await Editor(store, MODEL, "anna").create("Change", {"name": "C1", "number": "C1"})
    await Editor(store, MODEL, "anna").move("C1", "planned")
    ended = await asyncio.gather(
        Editor(store, MODEL, "anna").move("C1", "approved"),
        Editor(store, MODEL, "bob").move("C1", "rejected"),
        return_exceptions=True,
    )
    (refused,) = (each for each in ended if isinstance(each, BaseException))
    assert isinstance(refused, IllegalMove)
    (won,) = (each for each in ended if not isinstance(each, BaseException))
    assert (await store.entities([made.entity.id]))[made.entity.id].attributes == won.entity.attributes


async def test_what_a_scan_no_longer_has_is_brought_back_by_a_person_and_stays(store: Store) -> None:
    web = ("r1", "Server", {"name": "web-1", "serial_number": "S1", "description": "rack 7"})
    spare = [("r2", "Server", {"name": "web-2"})]
    await scan(store, web, *spare)
    id_ = await named(store, "web-1")
    anna = Editor(store, MODEL, "anna")
    with pytest.raises(EditConflict, match="is not retired"):
        await anna.restore("web-1")
    await scan(store, *spare, seen="2020-01-02T08:00:00Z", complete=True)
    with pytest.raises(ReferenceNotFound):
        await anna.change("web-1", {"description": "x"})
    gone = (await store.known([id_]))[id_].revision
    with pytest.raises(EditConflict, match=f"retired at revision {gone}"):
        await anna.restore("web-1", expected=gone - 1)
    back = await anna.restore("Server:web-1", expected=gone)
    assert (back.entity.id, back.entity.retired) == (id_, False)
    assert back.entity.attributes == web[2]
    await scan(store, *spare, seen="2020-01-03T08:00:00Z", complete=True)
    assert await named(store, "web-1") == id_
    # the scan finds it again, under a name and a serial number that it did not have: it is the same all the same
    later = {"name": "web-one", "serial_number": "S9"}
    await scan(store, ("r1", "Server", later), *spare, seen="2999-01-04T08:00:00Z", complete=True)
    assert await named(store, "web-one") == id_
    assert {(each.source, each.key) for each in await store.members([id_])} == {("scan", "r1"), ("person/anna", "r1")}


async def test_what_people_made_and_retired_is_brought_back_by_any_of_them(store: Store) -> None:
    anna, bob = Editor(store, MODEL, "anna"), Editor(store, MODEL, "bob")
    made = await anna.create("Server", {"name": "db-1", "serial_number": "S7"})
    await bob.change("db-1", {"description": "spare"})
    for who in (anna, bob, anna):
        assert (await who.retire("db-1")).entity.retired
        back = await who.restore(made.entity.id)
        assert (back.entity.id, back.entity.retired) == (made.entity.id, False)
        assert back.entity.attributes == {"name": "db-1", "serial_number": "S7", "description": "spare"}
    assert (await bob.change("db-1", {"description": "rack 9"})).entity.attributes["description"] == "rack 9"


async def test_a_retirement_is_taken_back_with_its_relationships(store: Store) -> None:
    anna = Editor(store, MODEL, "anna")
    made = await anna.create("Server", {"name": "db-1", "serial_number": "S7"})
    app = await anna.create("Application", {"name": "shop"})
    await anna.relate(app.entity.id, "RUNS_ON", made.entity.id, {})
    gone = await anna.retire("db-1")
    assert (await store.count_neighbours([app.entity.id], "RUNS_ON", "out"))[app.entity.id] == 0
    await undo_load(store, MODEL, gone.revision, of="person/anna", by="anna")
    assert (await store.entities([made.entity.id]))[made.entity.id].attributes == made.entity.attributes
    assert (await store.count_neighbours([app.entity.id], "RUNS_ON", "out"))[app.entity.id] == 1


async def test_what_is_there_under_another_id_is_not_brought_back(store: Store) -> None:
    anna, bob = Editor(store, MODEL, "anna"), Editor(store, MODEL, "bob")
    old = await anna.create("Server", {"name": "db-1", "serial_number": "S7"})
    await anna.retire("db-1")
    new = await anna.create("Server", {"name": "db-1", "serial_number": "S7"})
    assert new.entity.id != old.entity.id
    for who in (anna, bob):
        with pytest.raises(EditConflict, match="already"):
            await who.restore(old.entity.id)
    assert await store.revision() == new.revision
    plan = (await Editor(store, MODEL, "bob", dry_run=True).retire("db-1")).plan
    assert plan


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["anna", "bob", "eve"]), st.integers(0, 15)), max_size=12))
def test_whoever_moves_it_goes_only_where_its_lifecycle_leads(tries: list[tuple[str, int]]) -> None:
    states = MODEL.spec.lifecycles["change"].states

    async def go(store: Store) -> None:
        made = await Editor(store, MODEL, "anna").create("Change", {"name": "C1", "number": "C1"})
        way = ["draft"]
        for who, which in tries:
            legal = states[way[-1]].moves
            some = [*legal, *states, "done"]  # so that about half are legal
            state = some[which % len(some)]
            move = Editor(store, MODEL, who).move("C1", state)
            if state in (*legal, way[-1]):
                assert (await move).entity.attributes["state"] == state
                way += [state] if state != way[-1] else []
            else:
                with pytest.raises(IllegalMove) as refused:
                    await move
                assert refused.value.legal == legal
        entries = [each for revision in await store.feed(0) for each in revision.entries]
        went = [each.after["attributes"]["state"] for each in entries if each.id == made.entity.id and each.after]
        assert went == way

    async def begin(folder: str) -> None:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", MODEL)) as store:
            await go(store)

    with TemporaryDirectory() as folder:
        asyncio.run(begin(folder))


async def named(store: Store, name: str) -> str:
    (found,) = await store.named(name)
    return found.id
