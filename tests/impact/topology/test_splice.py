"""A topology that was changed in part is the one that is built from scratch, column by column."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.impact.topology.ids import Ids
from knockon.impact.topology.network import Item, Network
from knockon.impact.topology.renumbering import Renumbering
from knockon.impact.topology.splice import splice
from knockon.impact.topology.topology import Topology
from tests.impact.networks import needs, network_of, networks


def changed(old: Topology, before: Network, after: Network) -> Topology:
    """Splice what differs between two networks, as the view of a store does."""
    was, now = ({item.id: item for item in each.items} for each in (before, after))
    moved = {each for each in was.keys() & now.keys() if was[each].order != now[each].order}
    gone, come = was.keys() - now.keys() | moved, now.keys() - was.keys() | moved
    orders = sorted(item.order for item in before.items)
    change = None
    if gone or come:
        coming = sorted((now[each] for each in come), key=lambda item: item.order)
        change = Renumbering.of(
            len(was), [old.index(each) for each in gone], [(bisect_left(orders, c.order), c.id) for c in coming]
        )
    said_before, said_after = (
        {each: sorted((e for e in n.dependencies if e.consumer == each), key=repr) for each in was.keys() | now.keys()}
        for n in (before, after)
    )
    touched = {each for each in said_before if said_before[each] != said_after[each] or was.get(each) != now.get(each)}
    touched |= {edge.consumer for edge in before.dependencies if edge.supplier in gone}
    consumers = [now[each] for each in touched if each in now]
    return splice(
        old, change, [old.index(each) for each in touched if each in was], consumers,
        [edge for edge in after.dependencies if edge.consumer in touched],
    )  # fmt: skip


def same(one: Topology, other: Topology) -> None:
    assert list(one.ids) == list(other.ids)
    assert [one.index(each) for each in one.ids] == list(range(len(one.ids)))
    for mine, theirs in zip(one.graph, other.graph, strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(one.needs, other.needs)
    np.testing.assert_array_equal(one.needs_start, other.needs_start)
    for arc in range(len(other.graph.consumer)):
        back = [[each.dependency(arc, kind) for kind in each.dependencies(arc)] for each in (one, other)]
        assert back[0] == back[1]
    assert list(one.signatures) == sorted(one.signatures)


@given(st.lists(networks(), min_size=2, max_size=4))
def test_any_row_of_changes_ends_where_building_from_scratch_does(stages: list[Network]) -> None:
    topology = Topology.of(stages[0])
    for before, after in pairwise(stages):
        topology = changed(topology, before, after)
        same(topology, Topology.of(after))


@given(networks(), st.data())
def test_a_few_edges_and_items_of_an_estate_change(network: Network, data: st.DataObject) -> None:
    edges = [edge for edge in network.dependencies if data.draw(st.integers(0, 4))]
    ends = {end for edge in edges for end in (edge.consumer, edge.supplier)}
    items = [item for item in network.items if item.id in ends or data.draw(st.booleans())]
    smaller = Network([*items, Item("new", "05x")], edges)
    same(changed(Topology.of(network), network, smaller), Topology.of(smaller))
    same(changed(Topology.of(smaller), smaller, network), Topology.of(network))


def test_the_old_topology_stays_as_it_was() -> None:
    before = network_of(*needs("a", "b", "c", group="g"), *needs("b", "d"))
    old = Topology.of(before)
    changed(old, before, network_of(*needs("a", "b", group="g"), *needs("e", "d")))
    same(old, Topology.of(before))


@given(st.sets(st.uuids().map(str), min_size=1), st.sets(st.uuids().map(str) | st.text("abc-", min_size=1)))
def test_ids_are_found_by_value(ids: set[str], others: set[str]) -> None:
    kept = Ids.of(sorted(ids, reverse=True))
    assert kept.raw.dtype.itemsize == 16
    assert [kept.number(each) for each in kept] == list(range(len(kept)))
    for each in others - ids | {"", str(UUID(int=0)) + " "}:
        with pytest.raises(KeyError):
            kept.number(each)
    assert kept.numbers(list(kept)) == list(range(len(kept)))
    both = Ids.of([*ids, *others - ids])
    assert [both.number(each) for each in both] == list(range(len(both)))


def test_many_ids_are_found_together() -> None:
    ids = [str(UUID(int=number * 7919 << 64)) for number in range(3_000)]
    kept = Ids.of(ids)
    assert kept.numbers(ids[::-1]) == list(range(3_000))[::-1]
    for missing in (str(UUID(int=1)), str(UUID(int=(1 << 128) - 1)), "no UUID"):
        with pytest.raises(KeyError, match=missing):
            kept.numbers([*ids, missing])


@given(st.integers(0, 12), st.data())
def test_a_renumbering_is_what_lists_would_do(size: int, data: st.DataObject) -> None:
    numbers = list(range(size))
    gone = data.draw(st.sets(st.sampled_from(numbers))) if size else set()
    before = sorted(data.draw(st.lists(st.integers(0, size), max_size=40)))
    expected = []
    for number in (*numbers, size):
        expected += [size + rank for rank, place in enumerate(before) if place == number]
        expected += [number] if number in numbers and number not in gone else []
    change = Renumbering.of(size, gone, [(place, "") for place in before])
    column = np.array(numbers, np.int32)
    found = change.column(column, [size + rank for rank in range(len(before))])
    assert found.tolist() == expected
    assert change.come.tolist() == [expected.index(size + rank) for rank in range(len(before))]
    kept = np.array([number for number in numbers if number not in gone] + [-1], np.int32)
    assert change.moved(kept).tolist() == [*(expected.index(each) for each in kept[:-1].tolist()), -1]
    old, was_there = change.old(np.arange(len(expected)))
    assert was_there.tolist() == [each < size for each in expected]
    assert old.tolist() == [each if each < size else before[each - size] for each in expected]
