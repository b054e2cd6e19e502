"""One load is taken back, on both stores; the law of it is among the laws of loading (test_estate_laws.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading import run as load_run
from knockon.cmdb.loading.load import load
from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.reconciliation.unsaying import unsay
from knockon.cmdb.stewardship.compaction import compact
from knockon.cmdb.stewardship.undo import undo_load
from knockon.errors import BadUsage, JournalCompacted
from tests.cmdb.contract.estate import MODEL
from tests.cmdb.test_complete_loads import edges, names, say, whole
from tests.cmdb.test_load import MONDAY, TUESDAY, WEDNESDAY, estate, link, thing

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.stewardship.undo import Undone

FUTURE = "2999-01-01T00:00:00.000000Z"


async def back(store: Store, revision: int, **how: Any) -> Undone:
    return await undo_load(store, MODEL, revision, of="a", by="tester", **how)


async def test_what_a_complete_load_withdrew_comes_back_with_its_id(store: Store) -> None:
    await whole(store, thing("s"), thing("t"), link("s", "t"))
    before = await estate(store)
    report = await whole(store, thing("s", name="other", seen=TUESDAY))
    assert (await names(store), await edges(store)) == ({"other"}, 0)
    done = await back(store, report.revision)
    assert await estate(store) == before
    assert (done.changes.created, done.changes.updated, done.changes.related.created, done.kept) == (1, 1, 1, 0)
    (written,) = await store.feed(done.revision - 1, 1)
    assert (written.head.kind, written.head.source, written.head.actor) == ("undo", "a", "tester")
    assert written.head.note == {"load": report.revision}


async def test_a_later_complete_load_counts_without_the_one_before_it(store: Store) -> None:
    wrong = await whole(store, thing("s"), thing("t"))
    await whole(store, thing("s", seen=TUESDAY))
    done = await back(store, wrong.revision)
    assert (await names(store), done.kept) == ({"s"}, 1)  # of s nothing stands that was not said again


async def test_any_revision_of_a_load_names_all_of_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_run, "BATCH", 2)
    await say(store, thing("z"))
    began = await store.revision()
    report = await say(store, *(thing(key) for key in "abcde"), link("a", "b"))
    assert report.revision - began > 3
    await say(store, thing("y", source="b"), source="b")
    await back(store, began + 1)
    assert (await names(store), await edges(store)) == ({"y", "z"}, 0)


async def test_a_dry_run_tells_and_writes_nothing(store: Store) -> None:
    report = await say(store, thing("s"))
    before, newest = await estate(store), await store.revision()
    done = await back(store, report.revision, dry_run=True)
    assert [(each.change, each.what) for each in done.plan or []] == [("retire", "Server:s")]
    assert (await estate(store), await store.revision()) == (before, newest)


async def test_what_cannot_be_taken_back_is_refused_and_nothing_is_written(store: Store) -> None:
    report = await say(store, thing("s"))
    again = await back(store, report.revision)
    newest = await store.revision()
    with pytest.raises(BadUsage, match="stands any more"):
        await back(store, report.revision)
    with pytest.raises(BadUsage, match="no revision 99"):
        await back(store, 99)
    with pytest.raises(BadUsage, match="a load of a, not of b"):
        await undo_load(store, MODEL, report.revision, of="b", by="tester")
    assert await store.revision() == newest
    await back(store, again.revision)
    assert await names(store) == {"s"}


async def test_what_was_compacted_cannot_be_taken_back(store: Store) -> None:
    report = await say(store, thing("s"))
    await say(store, thing("t"))
    await compact(store, MODEL, str(await store.revision()), actor="tester")
    with pytest.raises(JournalCompacted):
        await back(store, report.revision)
    with pytest.raises(JournalCompacted):
        await store.images(report.revision)


async def test_a_load_of_a_clock_that_was_ahead_leaves_no_moment_behind(store: Store) -> None:
    await say(store, thing("s"), thing("t"))
    ahead = await say(store, thing("s", seen=FUTURE), thing("t", seen=FUTURE))
    report = await say(store, thing("s", name="new", seen=TUESDAY))
    assert [each.code for each in report.findings] == ["OUTDATED"]  # and now each record has its moment for itself
    await back(store, ahead.revision)
    assert set((await store.last_seen()).values()) == {MONDAY}
    await say(store, thing("s", name="new", seen=TUESDAY))
    assert await names(store) == {"new", "t"}


async def test_whose_word_counts_is_weighed_anew(store: Store) -> None:
    await say(store, thing("s", serial_number="1", text="north"))
    await say(store, thing("s", source="b", seen=TUESDAY, serial_number="1", text="south"), source="b")
    report = await say(store, thing("s", seen=WEDNESDAY, serial_number="1", text="north"))

    async def text() -> str:
        (only,) = (await store.scan(MODEL.concrete("Entity"))).entities
        return str(only.attributes["text"])

    assert await text() == "north"
    await back(store, report.revision)
    assert await text() == "south"


async def test_an_undo_that_was_cut_off_is_done_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = await estate(store)
    monkeypatch.setattr(load_run, "BATCH", 1)
    report = await say(store, *(thing(key) for key in "abc"), link("a", "b"))
    with monkeypatch.context() as patched:
        calls = 0

        async def cut(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == 3:
                raise KeyboardInterrupt
            return await unsay(*args)

        patched.setattr("knockon.cmdb.stewardship.undo.unsay", cut)
        with pytest.raises(KeyboardInterrupt):
            await back(store, report.revision)
    assert await names(store) == {"a", "b"}  # the relationship and c were first
    await back(store, report.revision)
    assert await estate(store) == before


async def test_the_past_is_still_told_as_it_was(store: Store) -> None:
    report = await say(store, thing("s"))
    await back(store, report.revision)
    then = await past_scan(store, MODEL, report.revision)
    assert [each.name for each in then.entities] == ["s"]


async def test_a_load_of_nothing_new_is_taken_back_too(store: Store) -> None:
    await load(store, MODEL, [thing("s"), thing("t")], source="a", actor="tester")
    seen = await store.last_seen()
    report = await load(store, MODEL, [thing("s", seen=TUESDAY)], source="a", actor="tester")
    assert await store.last_seen() != seen
    await back(store, report.revision)
    assert await store.last_seen() == seen
