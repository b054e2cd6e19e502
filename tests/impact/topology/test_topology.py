"""The layout of an estate, what leans on what, and the view that is kept current from a store."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.cmdb.loading.load import load
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.errors import BadUsage
from knockon.impact.compiling import COMPILE_ABOVE
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.propagation.explanation import explain
from knockon.impact.topology.network import Dependency, Item, Network
from knockon.impact.topology.supports import belongs, supported
from knockon.impact.topology.topologies import Topologies, View
from knockon.impact.topology.topology import Topology, resolve
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation
from knockon.schema.states import State
from tests.impact.networks import SOFT, needs, network_of, networks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.rows import Scan
    from knockon.cmdb.contract.store import Store

MODEL = installed_model()


# Layout


@given(networks())
def test_every_plain_dependency_comes_back_as_it_was(network: Network) -> None:
    topology = Topology.of(network)
    back = [
        topology.dependency(arc, signature)
        for arc in range(len(topology.graph.consumer))
        for signature in topology.dependencies(arc)
    ]
    assert sorted(back, key=repr) == sorted(network.dependencies, key=repr)


@given(networks())
def test_each_item_knows_the_arcs_that_it_needs(network: Network) -> None:
    topology = Topology.of(network)
    for number, item in enumerate(topology.ids):
        assert topology.index(item) == number
        suppliers = {topology.ids[topology.graph.supplier[arc]] for arc in topology.needed(number)}
        assert suppliers == {edge.supplier for edge in network.dependencies if edge.consumer == item}
        assert topology.groups(item) == sorted(
            {e.group for e in network.dependencies if e.consumer == item and e.group}
        )


@given(st.integers(1, 100), st.integers(1, 500))
def test_a_percentage_asks_the_smallest_weight_that_meets_it(percent: int, total: int) -> None:
    smallest = next(weight for weight in range(total + 1) if 100 * weight >= percent * total)
    assert resolve(f"{percent}%", total) == smallest


def test_a_number_is_clamped_to_the_group() -> None:
    assert [resolve(each, 3) for each in ("1", "3", "9")] == [1, 3, 3]


def test_columns_are_compact_and_cannot_be_written() -> None:
    topology = Topology.of(network_of(*needs("a", "b", "c", group="g"), *needs("b", "d")))
    assert [column.dtype for column in topology.graph] == 3 * [np.int32] + [np.uint8] + 2 * [np.int32] + [
        np.int64, np.int32,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="read-only"):
        topology.graph.effect[0] = 0


def test_a_weight_beyond_all_sense_does_not_overflow() -> None:
    topology = Topology.of(network_of(*needs("a", "b", "c", group="g", weight=2**62)))
    found = evaluate(topology, {"b": State.DOWN}, compiled=False)
    assert found.state("a") is State.AT_RISK


def test_an_effect_worse_than_the_failure_is_refused() -> None:
    worse = (State.OPERATIONAL, State.DOWN, State.DOWN, State.DOWN)
    with pytest.raises(AssertionError, match="reductive"):
        Topology.of(network_of(*needs("a", "b", effect=worse)))


# Words


def sentence(network: Network, seeds: dict[str, State], item: str) -> str:
    return explain(evaluate(Topology.of(network), seeds), item, str.upper).text


def test_a_sentence_names_what_failed_and_what_that_leaves() -> None:
    pool = needs("a", "b", "c", "d", group="db", min_up="2")
    down = State.DOWN
    assert sentence(network_of(*needs("a", "b")), {"b": down}, "a") == "B is down, which takes this down."
    assert sentence(network_of(*needs("a", "b", effect=SOFT)), {"b": down}, "a") == "B is down, which degrades this."
    assert sentence(network_of(*pool), {"b": down, "c": down}, "a") == (
        "B and C are down, which leaves 1 of 3 up in its group db; it needs 2."
    )
    assert sentence(network_of(*pool), {"b": down}, "a") == (
        "B is down, which leaves 2 of 3 in full service in its group db: enough, but the next loss could end that."
    )
    assert sentence(network_of(*pool), dict.fromkeys("bc", State.DEGRADED), "a") == (
        "B and C are degraded, which leaves 1 of 3 in full service in its group db; it needs 2."
    )
    assert sentence(network_of(*pool), dict.fromkeys("bc", State.AT_RISK), "a") == (
        "B and C are at risk, which leaves 1 of 3 free of risk in its group db; it needs 2."
    )
    heavy = network_of(*needs("a", "b", group="db", weight=3), *needs("a", "c", group="db", min_up="2"))
    assert "1 of 4 by weight" in sentence(heavy, {"b": down}, "a")
    many = network_of(*needs("a", "b", "c", "d", "e", "f"))
    assert sentence(many, dict.fromkeys("bcdef", down), "a").startswith("B and C and D are down (and 2 more)")


def test_seeds_pins_and_the_unharmed_have_their_sentences_too() -> None:
    topology = Topology.of(network_of(*needs("a", "b"), *needs("c", "b")))
    found = evaluate(topology, {"b": State.DOWN}, pins=["a"], removed=["b"])
    assert explain(found, "b").text == "Removed."
    assert explain(found, "a").text == "Assumed to be operational, whatever it needs."
    assert explain(evaluate(topology, {"a": State.DEGRADED}), "a").text == "Taken to be degraded."
    assert explain(evaluate(topology, {"a": State.DEGRADED}), "c").text == "Nothing that failed affects it."


# Who leans on whom


def steps_from(network: Network, starts: set[str]) -> dict[str, int]:
    """How far each consumer that can be reached is, a whole round of all edges at a time."""
    found = dict.fromkeys(starts, 0)
    for steps in range(len(network.items)):
        reached = {edge.consumer for edge in network.dependencies if found.get(edge.supplier) == steps}
        found |= dict.fromkeys(reached - found.keys(), steps + 1)
    return found


@given(networks(), st.data())
def test_supported_is_reachability_with_shortest_paths(network: Network, data: st.DataObject) -> None:
    ids = [item.id for item in network.items]
    order = {item.id: item.order for item in network.items}
    starts = data.draw(st.sets(st.sampled_from(ids), min_size=1, max_size=3))
    targets = data.draw(st.sets(st.sampled_from(ids)))
    lengths = steps_from(network, starts)
    found = supported(Topology.of(network), sorted(starts), targets)
    expected = {(each, lengths[each]) for each in targets - starts if each in lengths}
    assert [(each.id, each.distance) for each in found] == sorted(expected, key=lambda e: (e[1], order[e[0]]))
    for each in found:
        assert all(step in network.dependencies for step in each.path)
        assert [each.id, *(step.supplier for step in each.path)][:-1] == [step.consumer for step in each.path]
        assert each.path[-1].supplier in starts
        assert len(each.path) == each.distance


@given(networks(), st.data())
def test_an_item_belongs_if_a_service_is_reachable_from_it(network: Network, data: st.DataObject) -> None:
    ids = [item.id for item in network.items]
    services = data.draw(st.sets(st.sampled_from(ids)))
    reaching = {each for each in ids if services & steps_from(network, {each}).keys()}
    assert belongs(Topology.of(network), services) == reaching


def test_large_estates_walk_compiled_with_the_same_answer() -> None:
    size = COMPILE_ABOVE + 2
    ids = [f"i{number:06}" for number in range(size)]
    network = Network([Item(each, each) for each in ids], [Dependency(a, b) for a, b in pairwise(ids)])
    topology = Topology.of(network)
    (found,) = supported(topology, [ids[-1]], [ids[0]])
    assert found.distance == size - 1
    assert belongs(topology, [ids[5]]) == set(ids[5:])


# The view of a store


def thing(key: str, class_name: str, **attributes: Any) -> EntityObservation:
    return EntityObservation("t", key, class_name, {"name": key, **attributes}, "2026-11-01T08:00:00Z")


def link(start: str, kind: str, end: str, **attributes: Any) -> RelationshipObservation:
    return RelationshipObservation("t", kind, start, end, attributes, "2026-11-01T08:00:00Z")


async def say(store: Store, *said: EntityObservation | RelationshipObservation) -> None:
    report = await load(store, MODEL, said, source="t", actor="tester")
    assert not report.rejects


class CountingStore(SqliteStore):
    """A real store that counts how often all of it is read."""

    scans = 0

    async def scan(self, classes: Any) -> Scan:
        self.scans += bool(classes)
        return await super().scan(classes)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CountingStore]:
    store = CountingStore(tmp_path / "estate.db", MODEL)
    await store.open()
    await say(
        store,
        thing("shop", "BusinessService"), thing("web", "Application"), thing("farm", "Cluster"),
        thing("esx", "Hypervisor"), thing("lone", "Server"), thing("ann", "Person"),
        link("shop", "DEPENDS_ON", "web"), link("web", "RUNS_ON", "farm"), link("esx", "MEMBER_OF", "farm"),
    )  # fmt: skip
    yield store
    await store.close()


def named(view: View) -> dict[str, str]:
    return {entity.name: id_ for id_, entity in view.entities.items()}


async def test_a_view_holds_what_an_answer_needs(store: CountingStore) -> None:
    view = await Topologies(store, MODEL).current()
    ids = named(view)
    assert ids.keys() == {"shop", "web", "farm", "esx", "lone"}
    assert view.services == {ids["shop"]}
    assert {each for each in view.topology.ids if view.mapped(each)} == {
        ids[each] for each in ("shop", "web", "farm", "esx")
    }
    assert view.revision == await store.revision()
    found = evaluate(view.topology, {ids["esx"]: State.DOWN})
    assert [view.entities[each].name for each in found.settled()] == ["esx", "farm", "web", "shop"]


async def test_a_view_is_built_once_a_revision_whoever_asks(store: CountingStore) -> None:
    topologies = Topologies(store, MODEL)
    views = await asyncio.gather(*(topologies.current() for _ in range(20)))
    assert store.scans == 1
    assert all(view is views[0] for view in views)
    await say(store, thing("new", "Server"))
    assert "new" in named(await topologies.current())
    assert "new" not in named(views[0])
    assert store.scans == 1


async def test_who_asks_after_a_commit_sees_it_also_while_an_older_view_is_being_built(store: CountingStore) -> None:
    topologies = Topologies(store, MODEL)
    early = asyncio.create_task(topologies.current())
    await asyncio.sleep(0)
    await say(store, thing("new", "Server"))
    assert "new" in named(await topologies.current())
    await early


async def test_who_gives_up_does_not_spoil_the_build_for_others(store: CountingStore) -> None:
    topologies = Topologies(store, MODEL)
    impatient, patient = (asyncio.create_task(topologies.current()) for _ in range(2))
    await asyncio.sleep(0.001)
    impatient.cancel()
    assert (await patient).services


async def test_types_can_be_left_out_by_either_name(store: CountingStore) -> None:
    topologies = Topologies(store, MODEL)
    without = await topologies.current(frozenset({"HAS_MEMBER"}))
    assert without is await topologies.current(frozenset({"MEMBER_OF"}))
    assert without is not await topologies.current()
    ids = named(without)
    assert evaluate(without.topology, {ids["esx"]: State.DOWN}).settled() == [ids["esx"]]
    with pytest.raises(BadUsage):
        await topologies.current(frozenset({"EATS"}))


async def test_a_group_of_waiting_members_only_is_told(store: CountingStore) -> None:
    await say(
        store,
        link("lone", "POWERED_BY", "ups-1"), link("lone", "POWERED_BY", "ups-2"),
        link("esx-2", "MEMBER_OF", "farm"),  # the farm has a member that is there
        link("shop", "DEPENDS_ON", "mail", redundancy_group="mail"),
        link("web", "DEPENDS_ON", "cache"),  # no group
        link("web", "CONNECTS_TO", "router", redundancy_group="no impact"),
    )  # fmt: skip
    view = await Topologies(store, MODEL).current()
    told = {(view.entities[each.consumer].name, each.group) for each in view.empty_groups}
    assert told == {("lone", "POWERED_BY"), ("shop", "mail")}
    assert {record.key.to_ref for record in view.waiting} >= {"ups-1", "cache"}
    (power,) = (each for each in view.empty_groups if each.group == "POWERED_BY")
    assert power.because == "the group POWERED_BY has no effect: its 2 members wait for what is not there"
    await say(store, thing("ups-1", "UPS"))
    assert {each.group for each in (await Topologies(store, MODEL).current()).empty_groups} == {"mail"}
