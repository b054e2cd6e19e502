"""What answers remember over writes is what they would read: whole answers, against those of a process that begins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.itsm.conftest import MODEL, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
HOURS = {"rrule": "FREQ=DAILY;BYHOUR=8", "duration": "PT9H", "time_zone": "Europe/Berlin", "start": "2026-01-01"}
CLASSES: dict[str, list[dict[str, Any]]] = {
    "BusinessService": [{"criticality": 1}, {"criticality": 2, "user_count": 5}],
    "Server": [{}],
    "Person": [{}],
    "SupportGroup": [{}],
    "Customer": [{}],
    "ServiceLevelAgreement": [{"availability_target": 99}, {"resolution_time": "PT4H"}, {"valid_until": "2026-11-25"}],
    "Calendar": [HOURS, HOURS | {"duration": "PT2H"}],
}
KINDS = {
    "DEPENDS_ON": "Server", "OWNED_BY": "Person", "SUPPORTED_BY": "SupportGroup", "CONSUMED_BY": "Customer",
    "COVERED_BY": "ServiceLevelAgreement", "HAS_CALENDAR": "Calendar",
}  # fmt: skip


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "estate.db", MODEL)
    await store.open()
    yield store
    await store.close()


Said = EntityObservation | RelationshipObservation


def keys(class_name: str, count: int = 3) -> list[str]:
    return [f"{class_name.lower()}-{number}" for number in range(count)]


def thing(key: str, class_name: str, seen: str = "2026-11-01T08:00:00Z", **attributes: Any) -> EntityObservation:
    return EntityObservation("t", key, class_name, {"name": key, **attributes}, seen)


def link(start: str, kind: str, end: str) -> RelationshipObservation:
    return RelationshipObservation("t", kind, start, end, {}, "2026-11-01T08:00:00Z")


def said(random: Random) -> list[Said]:
    """Say a few things at random, each of which may be so already."""
    items: dict[Any, Said] = {}
    for _ in range(random.randint(1, 4)):
        service = random.choice(keys("BusinessService"))
        if random.random() < 0.4:
            class_name = random.choice(list(CLASSES))
            key, own = random.choice(keys(class_name, 5)), random.choice(CLASSES[class_name])
            items[key] = thing(key, class_name, **{"name": random.choice([key, f"{key}-b"]), **own})
        elif random.random() < 0.2:
            user = random.choice(keys("Person", 5))
            items[user, service] = link(user, "USES", service)
        else:
            kind = random.choice(list(KINDS))
            end = random.choice(["", "u:"]) + random.choice(keys(KINDS[kind], 5))
            items[service, kind, end] = link(service, kind, end)
    return list(items.values())


@pytest.mark.parametrize("seed", range(8))
async def test_answers_after_writes_are_those_of_a_new_process(store: SqliteStore, seed: int) -> None:
    random = Random(seed)
    everything = [thing(key, class_name, **owns[0]) for class_name, owns in CLASSES.items() for key in keys(class_name)]
    needs = [link(key, "DEPENDS_ON", "server-0") for key in keys("BusinessService")]
    await say(store, *everything, *needs)
    kept = Topologies(store, MODEL)
    for minute in range(25):
        seen = f"2026-11-02T09:{minute:02}:00Z"
        some = [replace(each, seen=seen) for each in said(random)]
        if random.random() < 0.3:  # what another source says comes and goes
            await load(
                store, MODEL, [replace(each, source="u") for each in some], source="u", actor="tester", scope="all",
                complete=True, allow_retire=True,
            )  # fmt: skip
        else:
            await load(store, MODEL, some, source="t", actor="tester")
        for server in keys("Server"):
            answers = [
                impact_json(await blast_radius(each, [Ask(f"t:{server}")], now=NOW))
                for each in (kept, Topologies(store, MODEL))
            ]
            assert answers[0] == answers[1]


class Counting(SqliteStore):
    """Counts the ids that relationships are read of."""

    read = 0

    async def neighbours(self, ids: Any, type_name: str, *args: Any, **more: Any) -> Any:
        self.read += len(ids) if type_name in KINDS else 0
        return await super().neighbours(ids, type_name, *args, **more)


async def test_only_what_a_write_touched_is_read_again(tmp_path: Path) -> None:
    store = Counting(tmp_path / "estate.db", MODEL)
    await store.open()
    await say(
        store, thing("shop", "BusinessService"), thing("desk", "BusinessService"), thing("box", "Server"),
        thing("ann", "Person"), thing("bob", "Person"), link("shop", "DEPENDS_ON", "box"),
        link("shop", "OWNED_BY", "ann"), link("desk", "DEPENDS_ON", "box"), link("desk", "OWNED_BY", "bob"),
    )  # fmt: skip
    topologies = Topologies(store, MODEL)

    async def read_by(store: Store) -> int:
        assert isinstance(store, Counting)
        store.read = 0
        await blast_radius(topologies, [Ask("box")], now=NOW)
        return store.read

    whole = await read_by(store)
    assert await read_by(store) == 0
    await say(store, thing("late", "Server"), thing("incident", "Incident"))
    assert await read_by(store) == 0
    await say(store, thing("ann", "Person", "2026-11-02T08:00:00Z", email="ann@example.org"))
    assert 0 < await read_by(store) < whole  # of the shop alone
    await store.close()
