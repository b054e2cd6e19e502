"""Forgetting the past: what is kept is as before, and what is not is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.past.changes import changes_between, moment_of, past_scan
from knockon.cmdb.past.history import histories
from knockon.cmdb.stewardship.compaction import compact
from knockon.errors import BadUsage, JournalCompacted
from tests.cmdb.contract.estate import MODEL
from tests.cmdb.test_load import TUESDAY, link, say, thing

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store


async def test_the_past_since_the_horizon_is_as_it_was(store: Store) -> None:
    await say(store, thing("s", name="web", size=1), thing("app", "Application"), link("app", "s"))
    middle = await store.revision()
    await say(store, thing("s", name="web", size=2, seen=TUESDAY))
    newest = await store.revision()
    before = {number: await past_scan(store, MODEL, number) for number in (middle, newest)}
    done = await compact(store, MODEL, str(middle), actor="ann")
    assert (done.horizon, done.entries, done.revision) == (middle, 3, newest + 1)
    for number, scan in before.items():
        assert await past_scan(store, MODEL, number) == scan
    for number in range(middle):
        with pytest.raises(JournalCompacted):
            await past_scan(store, MODEL, number)
        with pytest.raises(JournalCompacted):
            await changes_between(store, number, newest)
    (head,) = [each.head for each in await store.feed(newest)]
    assert (head.kind, head.actor, head.note) == ("compact", "ann", {"horizon": middle, "entries": 3})
    (web,) = await store.named("web")
    assert [each.changes[0].change for each in (await histories(store, MODEL, [web.id], limit=9))[web.id]] == [
        "changed"
    ]


async def test_what_is_compacted_already_or_not_yet_past_is_refused(store: Store) -> None:
    await say(store, thing("s"))
    newest = await store.revision()
    for before in ("0", "99", "2020-01-01T00:00:00Z"):
        with pytest.raises(BadUsage):
            await compact(store, MODEL, before, actor="ann")
    moment = await store.written_at(newest)
    assert moment is not None
    assert (await compact(store, MODEL, moment, actor="ann")).horizon == (await moment_of(store, moment)).revision
    with pytest.raises(BadUsage, match="already"):
        await compact(store, MODEL, moment, actor="ann")
