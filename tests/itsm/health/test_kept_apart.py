"""What persons decided counts in health: what is kept apart, what is accepted; on both stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.past.changes import Moment
from knockon.cmdb.stewardship.decisions import accept, decide, take_back
from knockon.cmdb.stores import opened, store_at
from knockon.itsm.health.health import examine, examine_past
from knockon.schema.observation import EntityObservation
from tests.itsm.health.estate import MODEL, missed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store

SEEN = "2026-11-01T08:00:00Z"


@pytest.fixture(params=["sqlite", "neo4j"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Give a store of each kind that knows the shipped model."""
    if request.param == "sqlite":
        return store_at(f"sqlite:///{tmp_path}/estate.db", MODEL)
    uri: str = request.getfixturevalue("wiped_neo4j")
    user, password = request.getfixturevalue("neo4j_auth")
    return store_at(uri, MODEL, user=user, password=password)


@pytest.fixture
async def store(made: Store) -> AsyncIterator[Store]:
    async with opened(made) as store:
        yield store


async def duplicates(store: Store, revision: int | None = None) -> set[str]:
    """Name the CIs that have a duplicate, now or at a revision."""
    if revision is None:
        found = await examine(store, MODEL, [])
    else:
        found = await examine_past(store, MODEL, [], Moment(revision, SEEN))
    return {found.ground.entities[each].name for each in missed(found, "duplicates")}


async def test_what_a_person_keeps_apart_is_no_duplicate_until_the_decision_is_taken_back(store: Store) -> None:
    rows = [EntityObservation("t", key, "Server", {"name": key, "serial_number": "S1"}, SEEN) for key in ("a", "b")]
    written = (await load(store, MODEL, rows, source="t", actor="tests")).revision
    assert await duplicates(store) == {"a", "b"}
    made, _ = await decide(store, MODEL, "apart", ("t", "a"), ("t", "b"), by="ann")
    assert await duplicates(store) == set()
    assert await duplicates(store, written) == set()  # by today's decisions
    await take_back(store, MODEL, made.id, by="ann")
    assert await duplicates(store) == {"a", "b"}


async def test_of_three_only_the_two_that_are_kept_apart_are_none(store: Store) -> None:
    rows = [EntityObservation("t", key, "Server", {"name": key, "serial_number": "S1"}, SEEN) for key in "abc"]
    await load(store, MODEL, rows, source="t", actor="tests")
    await decide(store, MODEL, "apart", ("t", "a"), ("t", "b"), by="ann")
    assert await duplicates(store) == {"a", "b", "c"}
    await decide(store, MODEL, "apart", ("t", "a"), ("t", "c"), by="ann")
    assert await duplicates(store) == {"b", "c"}
    await decide(store, MODEL, "apart", ("t", "c"), ("t", "b"), by="ann")
    assert await duplicates(store) == set()
    await decide(store, MODEL, "link", ("t", "a"), ("t", "b"), by="bob")  # the newer word; and now they are one
    assert await duplicates(store) == set()


async def test_two_that_a_person_accepted_to_have_one_identifier_are_no_duplicates(store: Store) -> None:
    rows = [EntityObservation("t", key, "Server", {"name": key, "serial_number": "S1"}, SEEN) for key in ("a", "b")]
    written = (await load(store, MODEL, rows, source="t", actor="tests")).revision
    (finding,) = await store.findings("DUPLICATE_IDENTIFIER")
    made, _ = await accept(store, MODEL, finding.id, by="ann", reason="one chassis")
    assert await duplicates(store) == await duplicates(store, written) == set()
    await take_back(store, MODEL, made.id, by="ann")
    assert await duplicates(store) == {"a", "b"}


async def test_what_is_seen_against_its_status_is_missed_until_a_person_accepts_it(store: Store) -> None:
    async def against() -> set[str]:
        found = await examine(store, MODEL, [])
        return {found.ground.entities[each].name for each in missed(found, "status")}

    papers = [EntityObservation("p", "a", "Server", {"name": "a", "serial_number": "S1", "status": "in_stock"}, SEEN)]
    scanned = [EntityObservation("t", "a", "Server", {"name": "a", "serial_number": "S1"}, SEEN)]
    await load(store, MODEL, papers, source="p", actor="tests")
    assert await against() == set()
    await load(store, MODEL, scanned, source="t", actor="tests")
    assert await against() == {"a"}
    (finding,) = await store.findings("PRESENT_AGAINST_STATUS")
    made, _ = await accept(store, MODEL, finding.id, by="ann", reason="burn-in")
    assert await against() == set()
    await take_back(store, MODEL, made.id, by="ann")
    assert await against() == {"a"}
