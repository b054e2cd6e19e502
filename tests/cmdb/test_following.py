"""The journal, change by change: whoever follows from anywhere comes to have the estate, and is told nothing twice."""

from __future__ import annotations

import asyncio
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from knockon.cmdb.past.following import Place, entity_changes
from knockon.cmdb.past.news import News
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadCursor
from tests.cmdb.driving import load_into
from tests.cmdb.histories import histories
from tests.cmdb.identity import MODEL, without_identity
from tests.cmdb.test_load import say, thing
from tests.conftest import wipe

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.past.following import EntityChange
    from tests.cmdb.histories import History

BARE = without_identity(MODEL)
HISTORIES = histories(partial=False, rejects=False, decided=False, most=5)


async def changes_after(store: Store, place: Place) -> list[EntityChange]:
    found: list[EntityChange] = []
    seen, told = place.whole, place.told or 0
    while revisions := await store.feed(seen, 1):
        found += [each for each in entity_changes(revisions[0]) if each.number > told]
        seen, told = revisions[0].number, 0
    return found


async def whoever_follows_has_the_estate(store: Store, history: History) -> None:
    for load in history.loads:
        await load_into(store, BARE, load)
    copy: dict[str, Any] = {}
    changes = await changes_after(store, Place(0))
    for each in changes:
        assert copy.get(each.id) == each.before
        if each.after is None:
            del copy[each.id]
        else:
            copy[each.id] = each.after
    scan = await store.scan(BARE.concrete("Entity"))
    assert {id_: (each["class"], each["name"], each["attributes"]) for id_, each in copy.items()} == {
        each.id: (each.class_name, each.name, each.attributes) for each in scan.entities
    }
    for number, each in enumerate(changes):
        assert await changes_after(store, Place.read(str(each.place))) == changes[number + 1 :]


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
async def test_on_sqlite(history: History) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", BARE)) as store:
            await whoever_follows_has_the_estate(store, history)


@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate], suppress_health_check=list(HealthCheck))
@given(history=HISTORIES)
async def test_on_neo4j(wiped_neo4j: str, neo4j_auth: tuple[str, str], history: History) -> None:
    await wipe(wiped_neo4j, neo4j_auth)
    user, password = neo4j_auth
    async with opened(store_at(wiped_neo4j, BARE, user=user, password=password)) as store:
        await whoever_follows_has_the_estate(store, history)


@given(st.integers(0, 10**12), st.none() | st.integers(0, 10**6))
def test_a_place_reads_as_it_was_written(revision: int, told: int | None) -> None:
    assert Place.read(str(Place(revision, told))) == Place(revision, told)


@pytest.mark.parametrize("text", ["", ".", "1.", ".1", "-1", "1.-1", "1.2.3", "1 ", "²", "1.²", "x", "9" * 30 + "x"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(BadCursor):
        Place.read(text)


async def test_news_come_to_all_who_wait_and_none_are_old(store: Store) -> None:
    news = News(store, every=0.01)
    async with news.watching():
        await say(store, thing("a"))
        first = await store.revision()
        assert await news.other(0) == first
        assert await news.other(first, within=0.05) == first
        waiting = [asyncio.create_task(news.other(first)) for _ in range(3)]
        await say(store, thing("b"))
        newest = await store.revision()
        assert all(first < each <= newest for each in await asyncio.gather(*waiting))
        # seen last was an older one than the caller knows: that must not be taken for news
        await news.other(0)
        await say(store, thing("c"))
        latest = await store.revision()
        assert await news.other(latest, within=0.05) == latest
        assert await news.other(latest + 5) == latest, "a store that was restored"
