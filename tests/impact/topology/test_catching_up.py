"""What turns the impact of a thing's relationships on or off is followed by reading its neighbours, on either store."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.rows import SEPARATOR, Edge, EdgeKey, Entity, JournalEntry, RevisionHead
from knockon.cmdb.loading.load import load
from knockon.cmdb.reconciliation.reconciled import entity_image
from knockon.cmdb.stores import opened, store_at
from knockon.impact.topology import catching_up
from knockon.impact.topology.topologies import Topologies, view_of
from knockon.schema.installed import read_model
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.impact.topology.test_kept_current import alike

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model
    from knockon.schema.observation import Item

LEANING = """
relationships:
  LEANS_ON:
    inverse: HOLDS
    description: A relationship that what its ends are for may leave without impact.
    ends: [[ConfigurationItem, ConfigurationItem]]
    group: type
    impact:
      - {name: carries, flows: target_to_source}
      - name: tried
        flows: none
        ends: [ConfigurationItem, ConfigurationItem]
        when: {source: {environment: test}}
        because: a test may fail
"""
CLASSES = ["Application", "Server", "Cluster", "TechnicalService", "Person"]
KEYS = [f"k{number}" for number in range(9)]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    (tmp_path / "model.yaml").write_text(LEANING)
    return read_model(extra=[tmp_path / "model.yaml"])


@pytest.fixture
async def store(place: tuple[str, Any], model: Model) -> AsyncIterator[Store]:
    url, (user, password) = place
    async with opened(store_at(url, model, user=user, password=password)) as store:
        yield store


class Reads:
    """Counts the questions that following a write puts to a store; the scan of what waits is not one of the whole."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        for name in ("scan", "feed", "entities", "count_related", "neighbours"):
            self._count(store, name, monkeypatch)

    def _count(self, store: Store, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        real = getattr(store, name)

        async def counted(*args: Any, **options: Any) -> Any:
            self.asked.append("whole" if name == "scan" and args[0] else name)
            return await real(*args, **options)

        monkeypatch.setattr(store, name, counted)

    def taken(self) -> list[str]:
        asked, self.asked = self.asked, []
        return asked


class Turning:
    """Things that come and go, change their class, go on order and become a test at random; what they need stays."""

    def __init__(self, store: Store, model: Model, seed: int) -> None:
        self.store, self.model, self.random = store, model, Random(seed)
        self.hour = 0
        self.things: dict[str, dict[str, Any]] = {}
        for key in KEYS:
            self.things[key] = {"class": self.random.choice(CLASSES[:4]), "there": True, "name": key}

    @property
    def seen(self) -> str:
        return f"2026-11-{self.hour // 24 + 1:02}T{self.hour % 24:02}:00:00Z"

    async def begin(self) -> None:
        words: dict[Any, Item] = {}
        for _ in range(30):
            (one, other), kind = self.random.sample(KEYS, 2), self.random.choice(["DEPENDS_ON", "LEANS_ON", "LEANS_ON"])
            group = self.random.choice(["", "", "g"])
            own = {"redundancy_group": group} if group else {}
            words[kind, one, other, group] = RelationshipObservation(
                "e", kind, f"t:{one}", f"t:{other}", own, self.seen
            )
        await self.said()
        await load(self.store, self.model, words.values(), source="e", actor="tester")

    async def turn(self) -> None:
        self.hour += 1
        for key in self.random.sample(KEYS, self.random.randint(1, 2)):
            thing = self.things[key]
            match self.random.randint(0, 4):
                case 0:
                    thing["class"] = self.random.choice(CLASSES)
                case 1:
                    thing["there"] = not thing["there"]
                case 2:
                    thing["name"] = self.random.choice([key, f"a-{key}", f"z-{key}"])
                case 3:
                    thing["status"] = self.random.choice(["ordered", "in_use"])
                case 4:
                    thing["environment"] = self.random.choice(["test", "production"])
        await self.said()

    async def said(self) -> None:
        own = ("name", "status", "environment")
        said = [
            EntityObservation(
                "t", key, thing["class"],
                {name: thing[name] for name in own if name in thing and (name == "name" or thing["class"] != "Person")},
                self.seen,
            )
            for key, thing in self.things.items() if thing["there"]
        ]  # fmt: skip
        report = await load(
            self.store, self.model, said, source="t", actor="tester", scope="all", complete=True, allow_retire=True
        )
        assert not report.rejects


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_turns_the_topology_is_the_one_built_from_scratch(
    store: Store, model: Model, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    turning = Turning(store, model, seed)
    await turning.begin()
    topologies = Topologies(store, model)
    await topologies.current()
    reads = Reads(store, monkeypatch)
    for _ in range(15):
        await turning.turn()
        view = await topologies.current()
        assert "whole" not in reads.taken()
        alike(view, view_of(model, await store.scan(model.topology_classes)))
        reads.taken()


async def say(store: Store, model: Model, *said: Item) -> None:
    assert not (await load(store, model, said, source="t", actor="tester")).rejects


def server(hour: int, **own: Any) -> EntityObservation:
    return EntityObservation("t", "s", "Server", {"name": "s", **own}, f"2026-11-01T{hour:02}:00:00Z")


@pytest.mark.parametrize("around", [2, 40])
async def test_what_is_put_into_use_costs_a_bounded_number_of_reads(
    store: Store, model: Model, around: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    applications = [f"a{number}" for number in range(around)]
    at = server(8).seen
    await say(
        store, model, server(8, status="ordered"), EntityObservation("t", "ups", "UPS", {"name": "ups"}, at),
        *(EntityObservation("t", each, "Application", {"name": each}, at) for each in applications),
        *(RelationshipObservation("t", "RUNS_ON", each, "s", {}, at) for each in applications),
        RelationshipObservation("t", "POWERED_BY", "s", "ups", {}, at),
    )  # fmt: skip
    topologies = Topologies(store, model)
    assert not len((await topologies.current()).topology.graph.consumer)
    reads = Reads(store, monkeypatch)
    for hour, status, arcs in ((9, "in_use", around + 1), (10, "ordered", 0)):
        await say(store, model, server(hour, status=status))
        reads.taken()
        assert len((await topologies.current()).topology.graph.consumer) == arcs
        # two types lead to it or from it; then it is read itself, and what waits once more
        assert sorted(reads.taken()) == [
            "count_related",
            "entities",
            "feed",
            "neighbours",
            "neighbours",
            "scan",
            "scan",
        ]


@pytest.mark.parametrize("away", ["retired", "a person"])
async def test_what_returns_has_the_relationships_that_stayed(
    store: Store, model: Model, away: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def server_is(class_name: str, *, retired: bool = False) -> Entity:
        order = SEPARATOR.join((class_name, "s", "t:s"))
        return Entity("00000000-0000-0000-0000-000000000001", class_name, "s", order, {}, retired)

    here = server_is("Server")
    there = server_is("Server", retired=True) if away == "retired" else server_is("Person")
    application = Entity("00000000-0000-0000-0000-000000000002", "Application", "a", f"Application{SEPARATOR}a", {})
    runs = Edge(EdgeKey("RUNS_ON", application.id, here.id, ""), {})
    topologies = Topologies(store, model)
    reads = Reads(store, monkeypatch)
    arcs = []
    for rows, edges, before, after in (
        ([here, application], [runs], None, here), ([there], [], here, there), ([here], [], there, here),
    ):  # fmt: skip
        entry = JournalEntry("entity", here.id, entity_image(before) if before else None, entity_image(after))
        async with store.write() as write:
            await write.put_entities(rows)
            await write.put_edges(edges)
            await write.journal(RevisionHead("tester", "load", "t", "2026-11-01T08:00:00Z", model.version, {}), [entry])
        view = await topologies.current()
        arcs.append(len(view.topology.graph.consumer))
        assert ("whole" in reads.taken()) == (before is None)
        alike(view, view_of(model, await store.scan(model.topology_classes)))
        reads.taken()
    assert arcs == [1, 0, 1]


async def test_very_many_relationships_are_read_as_a_whole(
    store: Store, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = server(8).seen
    await say(
        store, model, server(8, status="ordered"),
        *(EntityObservation("t", each, "Application", {"name": each}, at) for each in ("a", "b", "c")),
        *(RelationshipObservation("t", "RUNS_ON", each, "s", {}, at) for each in ("a", "b", "c")),
    )  # fmt: skip
    topologies = Topologies(store, model)
    await topologies.current()
    monkeypatch.setattr(catching_up, "MOST_EDGES", 2)
    reads = Reads(store, monkeypatch)
    await say(store, model, server(9, status="in_use"))
    reads.taken()
    view = await topologies.current()
    assert "neighbours" not in (asked := reads.taken())
    assert asked.count("whole") == 1
    alike(view, view_of(model, await store.scan(model.topology_classes)))


async def test_a_commit_between_the_reads_is_noticed(
    store: Store, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    turning = Turning(store, model, 3)
    await turning.begin()
    topologies = Topologies(store, model)
    await topologies.current()
    turning.things["k0"]["status"] = "ordered"
    turning.hour += 1
    await turning.said()
    real, others = store.neighbours, ["k1", "k2"]

    async def late(*args: Any, **options: Any) -> Any:
        if others:
            turning.things[others.pop()]["status"] = "ordered"
            turning.hour += 1
            await turning.said()
        return await real(*args, **options)

    monkeypatch.setattr(store, "neighbours", late)
    view = await topologies.current()
    assert not others
    alike(view, view_of(model, await store.scan(model.topology_classes)))
