"""Hidden shared fate: against one question of the oracle for every item, and the cases it is named for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.structure.shared_fate import shared_fates
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact.networks import needs, network_of, networks
from tests.impact.oracle import groups_of, judge
from tests.impact.structure.test_paths import steps

if TYPE_CHECKING:
    from knockon.impact.topology.network import Network


def by_hand(network: Network, target: str) -> dict[tuple[str, str, str], tuple[str, ...]]:
    """(consumer, group, cause) -> members taken, by failing every item."""
    relied, order = steps(network, target), {item.id: item.order for item in network.items}
    found = {}
    for cause in relied.keys() - {target}:
        states = judge(network, {cause: State.DOWN}, frozenset(), frozenset()).states
        for owner in (item for item in network.items if item.id in relied and item.id != cause):
            for group in groups_of(network, states, owner):
                taken = sorted({member.supplier for member in group.lost}, key=order.__getitem__)
                if (
                    len(group.members) > 1
                    and taken
                    and (len(taken) > 1 or group.up < group.min_up or group.full < group.full_up)
                ):
                    found[owner.id, group.name, cause] = tuple(taken)
    return found


@settings(max_examples=scaled(200))
@given(networks(), st.data())
def test_what_is_listed_is_what_each_failure_by_itself_shows(network: Network, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from([item.id for item in network.items]))
    found = shared_fates(Topology.of(network), target)
    assert not found.cut
    assert {(each.group.consumer, each.group.group, each.cause): each.members for each in found.found} == by_hand(
        network, target
    )


def test_both_feeds_hang_on_one_ups() -> None:
    network = network_of(
        *needs("shop", "rack"), *needs("rack", "feed-a", "feed-b", group="power"),
        *needs("feed-a", "ups"), *needs("feed-b", "ups"),
    )  # fmt: skip
    (fate,), cut = shared_fates(Topology.of(network), "shop")
    assert (fate.cause, fate.members, fate.state, cut) == ("ups", ("feed-a", "feed-b"), State.DOWN, False)
    assert (fate.group.consumer, fate.group.group) == ("rack", "power")


def test_two_of_five_that_fall_together_are_told_though_the_group_stands() -> None:
    network = network_of(*needs("shop", *"abcde", group="g"), *needs("a", "rack"), *needs("b", "rack"))
    (fate,), _ = shared_fates(Topology.of(network), "shop")
    assert (fate.cause, fate.members, fate.state) == ("rack", ("a", "b"), State.AT_RISK)


def test_a_limit_is_told() -> None:
    network = network_of(*needs("shop", "a", "b", group="g"))
    assert shared_fates(Topology.of(network), "shop", limit=1).cut
