"""The start order, against the rule itself: an item can start once it would not be DOWN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.planning.recovery import BootstrapLoop, RecoveryOrder, deadlocks, needed_by, recovery_order
from knockon.impact.topology.network import Item, Network
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact import oracle
from tests.impact.networks import SOFT, needs, network_of, networks

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject


def startable(network: Network, started: set[str], item: str) -> bool:
    """Ask the oracle: what would this item's state be, if nothing but what is started served?

    Started items are pinned, and the item is not a seed itself: its state is what its needs make it.
    """
    others = {each.id for each in network.items} - started - {item}
    verdict = oracle.judge(network, dict.fromkeys(others, State.DOWN), frozenset(started - {item}), frozenset())
    return verdict.states[item] is not State.DOWN


def check(network: Network, order: RecoveryOrder) -> None:
    """Each item stands once, in the earliest layer that its needs allow, or breaks a loop where nothing can start."""
    by_hand = {loop.breaker: loop for loop in order.loops}
    ids = {item.id for item in network.items}
    started: set[str] = set()
    for number, layer in enumerate(order.layers):
        ready = {item for item in ids - started if startable(network, started, item)}
        if ready:
            assert set(layer) == ready
        else:
            loops = [loop for loop in order.loops if loop.layer == number]
            assert set(layer) == {loop.breaker for loop in loops}
            assert loops
        started |= set(layer)
        assert list(layer) == sorted(layer, key={item.id: item.order for item in network.items}.__getitem__)
    assert started == ids
    assert sum(map(len, order.layers)) == len(ids)
    assert len(by_hand) == len(order.loops)


@given(networks(max_items=10))
@settings(max_examples=scaled(200), deadline=None)
def test_every_item_starts_as_soon_as_its_needs_are_met(network: Network) -> None:
    check(network, recovery_order(network))


@given(networks(max_items=10))
@settings(max_examples=scaled(200), deadline=None)
def test_a_loop_is_closed_and_its_breaker_frees_its_followers(network: Network) -> None:
    order = recovery_order(network)
    for loop in order.loops:
        started = {item for layer in order.layers[: loop.layer] for item in layer}
        members = set(loop.members)
        assert len(members) > 1
        assert not members & started
        assert all(needed and set(needed) <= members for needed in loop.needs.values())
        outside = {item.id for item in network.items} - members

        def freed(breaker: str, members: set[str] = members, outside: set[str] = outside) -> set[str]:
            """Start the breaker, then whatever of the loop can: all outside of it is no obstacle."""
            begun = outside | {breaker}
            while more := {each for each in members - begun if startable(network, begun, each)}:
                begun |= more
            return begun & members - {breaker}

        assert set(loop.followers) == freed(loop.breaker)
        most = max(len(freed(member)) for member in members)
        assert len(loop.followers) == most
        assert len(loop.without) == min(len(loop.needs[each]) for each in members if len(freed(each)) == most)


@given(networks(max_items=10), st.data())
@settings(max_examples=scaled(100), deadline=None)
def test_what_some_items_need_starts_in_the_same_layers_as_in_the_whole(network: Network, data: DataObject) -> None:
    wanted = data.draw(st.sets(st.sampled_from([item.id for item in network.items]), min_size=1))
    part, whole = needed_by(network, wanted), recovery_order(network)
    assert wanted <= {item.id for item in part.items}
    if whole.loops:
        check(part, recovery_order(network, wanted))
    else:
        ids = {item.id for item in part.items}
        layers = [tuple(item for item in layer if item in ids) for layer in whole.layers]
        assert recovery_order(network, wanted).layers == tuple(layer for layer in layers if layer)


def test_a_pair_needs_one_and_a_soft_supplier_none() -> None:
    network = network_of(
        *needs("shop", "db-1", "db-2", group="db"), *needs("db-2", "late"), *needs("late", "later"),
        *needs("shop", "mail", effect=SOFT), *needs("mail", "late"),
    )  # fmt: skip
    assert recovery_order(network).layers == (("db-1", "later"), ("late", "shop"), ("db-2", "mail"))


def test_a_percentage_of_weights_is_counted_as_the_engine_counts_it() -> None:
    network = network_of(
        *needs("farm", "big", group="g", weight=3, min_up="60%"), *needs("farm", "small", group="g", weight=2),
        *needs("big", "iron"),
    )  # fmt: skip
    assert recovery_order(network).layers == (("iron", "small"), ("big",), ("farm",))


def test_hosts_that_look_up_names_on_what_they_carry_are_a_loop() -> None:
    network = network_of(
        *needs("host-1", "names"), *needs("host-2", "names"), *needs("names", "host-1", "host-2", group="hosts"),
        *needs("shop", "host-1"),
    )  # fmt: skip
    order = recovery_order(network)
    assert order.layers == (("host-1",), ("names", "shop"), ("host-2",))
    members = ("host-1", "host-2", "names")
    waits = {"host-1": ("names",), "host-2": ("names",), "names": ("host-1", "host-2")}
    assert order.loops == (BootstrapLoop(members, waits, "host-1", ("host-2", "names"), 0),)
    assert order.loops[0].without == ("names",)


def test_two_knots_in_one_loop_are_two_loops_one_after_the_other() -> None:
    network = network_of(*needs("a", "b", "c"), *needs("b", "a", "d"), *needs("c", "d"), *needs("d", "c"))
    order = recovery_order(network)
    assert [(loop.members, loop.breaker, loop.followers) for loop in order.loops] == [
        (("c", "d"), "c", ("d",)),
        (("a", "b"), "a", ("b",)),
    ]
    check(network, order)


def test_a_loop_that_one_start_does_not_undo_is_reported_again() -> None:
    network = network_of(*needs("a", "b", "c"), *needs("b", "a", "c"), *needs("c", "a", "b"))
    order = recovery_order(network)
    assert [(loop.members, loop.breaker, loop.followers) for loop in order.loops] == [
        (("a", "b", "c"), "a", ()),
        (("b", "c"), "b", ("c",)),
    ]
    assert order.layers == (("a",), ("b",), ("c",))


def test_a_spare_way_in_breaks_a_circle() -> None:
    network = network_of(*needs("a", "b", "spare", group="g"), *needs("b", "a"))
    assert recovery_order(network) == RecoveryOrder((("spare",), ("a",), ("b",)), ())


def test_an_unknown_item_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        recovery_order(Network([Item("a", "a")]), ["b"])


@given(st.dictionaries(st.integers(0, 7), st.sets(st.integers(0, 7)), max_size=8))
def test_deadlocks_are_the_sets_that_reach_each_other_and_nothing_else(written: dict[int, set[int]]) -> None:
    nodes = sorted(written)
    waits = {str(node): [str(each) for each in sorted(written[node]) if each in written] for node in nodes}

    def reach(node: str) -> set[str]:
        found, queue = {node}, [node]
        while queue:
            new = set(waits[queue.pop()]) - found
            found |= new
            queue += new
        return found

    closed = {frozenset(reach(node)) for node in waits if all(node in reach(each) for each in reach(node))}
    assert {frozenset(each) for each in deadlocks(waits)} == closed
