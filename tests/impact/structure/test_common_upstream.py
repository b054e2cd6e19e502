"""Common upstream: the ranking against the naive oracle, and cases that a wrong ranking gets wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.structure.common_upstream import Candidate, common_upstream
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact.networks import needs, network_of, networks
from tests.impact.oracle import judge
from tests.impact.structure.test_paths import steps

if TYPE_CHECKING:
    from knockon.impact.topology.network import Network

SICK = {State.DEGRADED, State.DOWN}


def far(distances: tuple[int | None, ...]) -> tuple[int, int]:
    known = [each for each in distances if each is not None]
    return max(known), sum(known)


def check_effect(network: Network, starts: list[str], candidate: Candidate) -> tuple[int, int]:
    """Hold what a candidate says of its failure against the oracle; gives how much it explains, and how much else."""
    states = judge(network, {candidate.id: State.DOWN}).states
    others = {each: states[each] for each in states.keys() - {*starts, candidate.id} if states[each] in SICK}
    effect = candidate.effect
    assert effect is not None
    assert effect.states == tuple(states[each] for each in starts)
    down, degraded = (list(others.values()).count(each) for each in (State.DOWN, State.DEGRADED))
    assert (effect.others_down, effect.others_degraded) == (down, degraded)
    order = {item.id: item.order for item in network.items}
    assert list(effect.examples) == sorted(others, key=lambda each: (-others[each], order[each]))[:3]
    return sum(states[each] in SICK for each in starts), len(others)


@settings(max_examples=scaled(200))
@given(networks(), st.data())
def test_the_ranking_is_the_one_that_the_oracle_gives(network: Network, data: st.DataObject) -> None:
    ids = [item.id for item in network.items]
    starts = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=4, unique=True))
    order = {item.id: item.order for item in network.items}
    reach = {each: steps(network, each) for each in ids}
    needed = {each: tuple(reach[start].get(each) for start in starts) for each in ids}
    shared = {each: distances for each, distances in needed.items() if len(starts) - distances.count(None) > 1}
    found = common_upstream(Topology.of(network), starts)
    assert {each.id: each.distances for each in found.candidates} == shared
    assert not found.cut
    ranks = []
    for each in found.candidates:
        explained, others = check_effect(network, starts, each)
        ranks.append((-explained, others, *far(each.distances), order[each.id]))
    assert ranks == sorted(ranks)


@given(networks(), st.data())
def test_the_lowest_is_needed_by_no_other_that_the_same_ones_need(network: Network, data: st.DataObject) -> None:
    ids = [item.id for item in network.items]
    starts = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=4, unique=True))
    reach = {each: steps(network, each).keys() for each in ids}
    by = {each: {start for start in starts if each in reach[start]} for each in ids}
    found = common_upstream(Topology.of(network), starts).candidates
    assert {each.id for each in found if each.lowest} == {
        each.id for each in found
        if all(other in reach[each.id] for other in ids if by[other] == by[each.id] and each.id in reach[other])
    }  # fmt: skip


@given(networks(), st.data())
def test_a_limit_tries_first_what_most_need_then_the_nearest(network: Network, data: st.DataObject) -> None:
    ids = [item.id for item in network.items]
    starts = data.draw(st.lists(st.sampled_from(ids), min_size=1, max_size=4, unique=True))
    limit = data.draw(st.integers(0, 5))
    order = {item.id: item.order for item in network.items}
    whole = common_upstream(Topology.of(network), starts).candidates
    found = common_upstream(Topology.of(network), starts, limit=limit)
    turns = sorted(whole, key=lambda each: (each.distances.count(None), far(each.distances), order[each.id]))
    tried = {each.id for each in turns[:limit]}
    assert found.cut == (len(whole) > limit)
    assert found.candidates[: len(tried)] == [each for each in whole if each.id in tried]
    assert found.candidates[len(tried) :] == [each._replace(effect=None) for each in turns[limit:]]


def test_what_is_doubled_explains_less_than_what_is_not_though_it_is_nearer() -> None:
    network = network_of(
        *needs("a", "feed-1", "feed-2", group="feeds"), *needs("b", "feed-1", "feed-2", group="feeds"),
        *needs("feed-1", "ups"), *needs("feed-2", "ups"),
    )  # fmt: skip
    found = common_upstream(Topology.of(network), ["a", "b"]).candidates
    assert [(each.id, each.effect and each.effect.explained) for each in found] == [
        ("ups", 2), ("feed-1", 0), ("feed-2", 0),
    ]  # fmt: skip


def test_what_would_take_others_down_explains_less_well_than_what_would_not() -> None:
    network = network_of(
        *needs("a", "net"), *needs("b", "net"), *needs("well", "net"),
        *needs("a", "link"), *needs("link", "san"), *needs("b", "san"),
    )  # fmt: skip
    found = common_upstream(Topology.of(network), ["a", "b"]).candidates
    assert [each.id for each in found] == ["net", "san"]  # each makes one more ill: the nearer
    network = network_of(*network.dependencies, *needs("fine", "net"))
    found = common_upstream(Topology.of(network), ["a", "b"], foremost={"well"}).candidates
    assert [each.id for each in found] == ["san", "net"]
    assert found[1].effect is not None
    assert found[1].effect.examples == ("well", "fine")


def test_one_that_is_ill_by_chance_does_not_hide_what_the_others_share() -> None:
    network = network_of(*needs("a", "db"), *needs("b", "db"), *needs("lonely", "box"))
    (found,) = common_upstream(Topology.of(network), ["a", "lonely", "b", "unmapped"]).candidates
    assert (found.id, found.distances, found.lowest) == ("db", (1, None, 1, None), True)
    assert found.effect is not None
    assert found.effect.states == (State.DOWN, State.OPERATIONAL, State.DOWN, State.OPERATIONAL)
