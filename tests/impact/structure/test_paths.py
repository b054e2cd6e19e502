"""Paths and dependencies: against brute force on random networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.structure import paths as module
from knockon.impact.structure.paths import dependencies, paths
from knockon.impact.topology.topology import Topology
from tests.conftest import scaled
from tests.impact.networks import needs, network_of, networks

if TYPE_CHECKING:
    import pytest

    from knockon.impact.topology.network import Dependency, Network

MANY = 10_000


def suppliers(network: Network) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {item.id: set() for item in network.items}
    for edge in network.dependencies:
        found[edge.consumer].add(edge.supplier)
    return found


def steps(network: Network, start: str) -> dict[str, int]:
    """How far everything is that an item needs, by rounds over all edges."""
    found = {start: 0}
    for distance in range(len(network.items)):
        here = [each for each, at in found.items() if at == distance]
        for each in here:
            for supplier in suppliers(network)[each]:
                found.setdefault(supplier, distance + 1)
    return found


def simple(network: Network, chain: list[str], end: str) -> list[list[str]]:
    """All simple paths that go on from a chain."""
    if chain[-1] == end:
        return [chain]
    further = suppliers(network)[chain[-1]] - set(chain)
    return [found for each in further for found in simple(network, [*chain, each], end)]


def names(path: list[Dependency]) -> list[str]:
    """The items on a path; each step goes on where the one before ended."""
    chain = [path[0].consumer]
    for step in path:
        assert step.consumer == chain[-1]
        chain.append(step.supplier)
    return chain


@given(networks(), st.data())
def test_dependencies_are_all_that_is_needed_with_what_each_is(network: Network, data: st.DataObject) -> None:
    start = data.draw(st.sampled_from([item.id for item in network.items]))
    order = {item.id: item.order for item in network.items}
    expected = steps(network, start)
    found = dependencies(Topology.of(network), start)
    assert {start: 0, **{each.id: each.distance for each in found}} == expected
    assert [each.id for each in found] == sorted(
        expected.keys() - {start}, key=lambda each: (expected[each], order[each])
    )
    for each in found:
        chain = names(each.path)
        assert (chain[0], chain[-1], len(chain) - 1) == (start, each.id, each.distance)
        last = [edge for edge in network.dependencies if (edge.consumer, edge.supplier) == (chain[-2], each.id)]
        assert each.plain == any(edge.group is None for edge in last)
        assert each.groups == tuple(sorted({edge.group for edge in last if edge.group is not None}))
        types = {(edge.consumer, edge.supplier): set[str]() for edge in network.dependencies}
        for edge in network.dependencies:
            types[edge.consumer, edge.supplier].add(edge.type_name)
        assert all(step.type_name == min(types[step.consumer, step.supplier]) for step in each.path)
    near = dependencies(Topology.of(network), start, 2)
    assert near == [each for each in found if each.distance <= 2]


@settings(max_examples=scaled(200))
@given(networks(max_items=7), st.data())
def test_paths_are_all_simple_ones_shortest_first(network: Network, data: st.DataObject) -> None:
    ids = [item.id for item in network.items]
    one, other = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
    longest = data.draw(st.none() | st.integers(1, 7))
    order = {item.id: item.order for item in network.items}
    there, back = simple(network, [one], other), simple(network, [other], one)
    found = paths(Topology.of(network), one, other, MANY, longest)
    if one == other or not (there or back):
        assert found is None
        return
    assert found is not None
    assert (found.consumer, found.supplier) == ((one, other) if there else (other, one))
    expected = there or back
    shortest = min(map(len, expected))
    bound = max(shortest, longest + 1 if longest else 0)
    expected = [chain for chain in expected if len(chain) <= bound]
    expected.sort(key=lambda chain: (len(chain), [order[each] for each in chain]))
    assert [names(path) for path in found.paths] == expected
    assert not found.cut
    first = paths(Topology.of(network), one, other, 1, longest)
    assert first is not None
    assert (first.paths, first.cut) == (found.paths[:1], len(expected) > 1)


def test_a_search_that_would_take_for_ever_says_that_it_was_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEPS", 500)
    ladder = [f"r{rung:02}" for rung in range(20)]
    edges = [edge for each in ladder for edge in needs(each, *(set(ladder) - {each}))]
    found = paths(Topology.of(network_of(*edges)), "r00", "r19", MANY, 19)
    assert found is not None
    assert found.cut
    assert names(found.paths[0]) == ["r00", "r19"]


def test_the_way_that_exists_is_told() -> None:
    topology = Topology.of(network_of(*needs("shop", "web"), *needs("web", "db")))
    found = paths(topology, "db", "shop", 5)
    assert found is not None
    assert (found.consumer, found.supplier) == ("shop", "db")
