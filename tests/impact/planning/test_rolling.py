"""Waves of maintenance, against every way to split the items, judged by the oracle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.planning.rolling import RollingOrder, rolling_order
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact import oracle
from tests.impact.networks import needs, network_of, networks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from hypothesis.strategies import DataObject

    from knockon.impact.topology.network import Network


def down(network: Network, seeds: dict[str, State], pins: Collection[str]) -> set[str]:
    states = oracle.judge(network, seeds, frozenset(pins), frozenset()).states
    return {item for item, state in states.items() if state is State.DOWN}


def partitions(items: Sequence[str]) -> Iterator[list[list[str]]]:
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        yield [[items[0]], *rest]
        for place, block in enumerate(rest):
            yield [*rest[:place], [items[0], *block], *rest[place + 1 :]]


@given(networks(max_items=9), st.data())
@settings(max_examples=scaled(150), deadline=None)
def test_no_wave_takes_a_watched_item_down_and_there_are_no_fewer_waves(network: Network, data: DataObject) -> None:
    ids = sorted(item.id for item in network.items)
    watched = data.draw(st.sets(st.sampled_from(ids)), "watched")
    items = data.draw(st.lists(st.sampled_from(ids), max_size=5), "items")
    base = data.draw(st.dictionaries(st.sampled_from(ids), st.sampled_from(State), max_size=2), "base")
    pins = data.draw(st.sets(st.sampled_from(ids), max_size=1), "pins") - base.keys()
    order = rolling_order(Topology.of(network), items, watched, base=base, pins=pins)

    def taken(wave: Collection[str]) -> set[str]:
        seeds = {**base, **dict.fromkeys(wave, State.DOWN)}
        return (down(network, seeds, pins - set(wave)) - down(network, base, pins)) & watched

    assert {item: set(found) for item, found in order.alone.items()} == {
        item: found for item in set(items) if (found := taken([item]))
    }
    assert sorted([*order.alone, *(each for wave in order.waves for each in wave)]) == sorted(set(items))
    assert not [wave for wave in order.waves if taken(wave)]
    free = sorted(set(items) - order.alone.keys())
    fewest = min(len(split) for split in partitions(free) if not any(taken(block) for block in split))
    assert len(order.waves) == order.lower_bound == fewest
    assert order.optimal
    assert rolling_order(Topology.of(network), items[::-1], watched, base=base, pins=pins) == order


def cluster(size: int, min_up: str) -> Network:
    """A service over one cluster of so many members."""
    return network_of(
        *needs("service", "cluster"),
        *needs("cluster", *(f"m{number:02}" for number in range(size)), group="g", min_up=min_up),
    )


def waves_of(size: int, min_up: str) -> RollingOrder:
    members = [f"m{number:02}" for number in range(size)]
    return rolling_order(Topology.of(cluster(size, min_up)), members, ["service"])


@pytest.mark.parametrize(
    ("size", "min_up", "waves"),
    [(2, "1", 2), (5, "2", 2), (12, "9", 4), (30, "29", 30), (20, "10", 2), (12, "1", 2)],
)
def test_a_cluster_takes_as_many_waves_as_its_spare_members_ask_for(size: int, min_up: str, waves: int) -> None:
    order = waves_of(size, min_up)
    assert (len(order.waves), order.lower_bound, order.alone) == (waves, waves, {})


def test_a_bound_below_the_waves_is_said_where_the_search_is_too_large() -> None:
    order = waves_of(25, "20")
    assert (len(order.waves), order.lower_bound, order.optimal) == (5, 3, False)


def test_what_cannot_go_alone_is_told_with_what_goes_down() -> None:
    network = network_of(*needs("s1", "app"), *needs("s2", "app"), *needs("app", "x"))
    order = rolling_order(Topology.of(network), ["x", "s1"], ["s1", "s2"])
    assert order == RollingOrder((), {"s1": ("s1",), "x": ("s1", "s2")}, 0)


def test_two_that_are_far_apart_but_share_a_pair_are_not_down_together() -> None:
    network = network_of(
        *needs("service", "db-1", "db-2", group="db"), *needs("db-1", "esx-1"), *needs("esx-1", "ups-a"),
        *needs("db-2", "ups-b"), *needs("other", "ups-c"),
    )  # fmt: skip
    order = rolling_order(Topology.of(network), ["ups-a", "ups-b", "ups-c", "other"], ["service"])
    assert order.waves == (("other", "ups-a", "ups-c"), ("ups-b",))


def test_what_is_lost_already_counts_in_every_wave() -> None:
    network = cluster(3, "1")
    order = rolling_order(Topology.of(network), ["m00", "m01"], ["service"], base={"m02": State.DOWN})
    assert order.waves == (("m00",), ("m01",))
    assert rolling_order(Topology.of(network), ["m00", "m01"], ["service"]).waves == (("m00", "m01"),)


def test_what_is_down_already_is_not_blamed_on_the_work() -> None:
    network = network_of(*needs("service", "app"))
    order = rolling_order(Topology.of(network), ["app"], ["service"], base={"service": State.DOWN})
    assert (order.waves, order.alone) == ((("app",),), {})
