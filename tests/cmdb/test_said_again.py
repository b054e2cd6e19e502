"""A complete run that says the same again needs no revision, unless that matters; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.loading.load import load
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport
    from knockon.schema.model import Model
    from knockon.schema.observation import Item

MODEL = installed_model()
BOX = EntityObservation("t", "box", "Server", {"name": "box", "serial_number": "S1"})
SPARE = EntityObservation("t", "spare", "Server", {"name": "spare"})
LINK = RelationshipObservation("t", "DEPENDS_ON", "box", "spare", {})
WAITS = RelationshipObservation("t", "DEPENDS_ON", "box", "nowhere", {})
ALL = (BOX, SPARE, LINK, WAITS)


@pytest.fixture
def store_model() -> Model:
    return MODEL


async def say(store: Store, *items: Item, source: str = "t", complete: bool = True) -> LoadReport:
    return await load(
        store, MODEL, items, source=source, scope="s", actor="tests", complete=complete, allow_retire=True,
        skip_unchanged=True,
    )  # fmt: skip


async def test_the_same_again_is_answered_at_the_revision_that_there_is(store: Store) -> None:
    first = await say(store, *ALL)
    newest = await store.revision()
    assert first.revision == newest > 0
    for _ in range(2):
        again = await say(store, *ALL)
        assert (again.revision, await store.revision()) == (newest, newest)
        assert (again.entities.unchanged, again.relationships.unchanged, again.relationships.waiting) == (2, 1, 1)
        assert [each.code for each in again.findings] == [each.code for each in first.findings]


async def test_whatever_is_new_is_written(store: Store) -> None:
    newest = (await say(store, *ALL)).revision
    bad = EntityObservation("t", "bad", "Server", {"no_such": "x"})
    for items in (
        ALL[:3],
        ALL,
        (SPARE, LINK, WAITS),
        ALL,
        (*ALL, bad),  # rejected, and kept as a letter
        ALL,  # which settles it
    ):
        report = await say(store, *items)
        assert report.revision > newest, items
        newest = report.revision
    assert (await say(store, *ALL)).revision == newest
    partly = await say(store, *ALL, complete=False)
    assert partly.revision > newest, "only what is complete in itself"


async def test_where_others_say_something_else_each_moment_counts(store: Store) -> None:
    await say(store, *ALL)
    agreeing = EntityObservation("u", "b", "Server", {"serial_number": "S1", "name": "box"})
    await say(store, agreeing, source="u")
    newest = await store.revision()
    assert (await say(store, *ALL)).revision == newest
    other = EntityObservation("u", "b", "Server", {"serial_number": "S1", "name": "crate"})
    newest = (await say(store, other, source="u")).revision
    assert (await store.named("crate"))[0].name == "crate"
    assert (await say(store, *ALL)).revision > newest
    assert (await store.named("box"))[0].name == "box", "the later word counts"


async def test_after_a_day_it_is_fresher(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    newest = (await say(store, *ALL)).revision
    monkeypatch.setattr("knockon.cmdb.reconciliation.again.AGAIN", 0.0)
    assert (await say(store, *ALL)).revision > newest
