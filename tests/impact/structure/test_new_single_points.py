"""New single points of failure: against one question of the oracle for every item, before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.structure import bits
from knockon.impact.structure.new_single_points import NewSinglePoints, new_single_points
from knockon.impact.structure.single_points import Question
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact.networks import Case, cases, needs, network_of
from tests.impact.structure.test_single_points import by_hand, state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.impact.topology.network import Network


def found_in(
    network: Network, before: Question, after: Question, services: Sequence[str], limit: int = 1_000
) -> NewSinglePoints:
    topology = Topology.of(network)
    was, now = (evaluate(topology, each.seeds, pins=each.pins) for each in (before, after))
    return new_single_points(was, now, services, limit)


@settings(max_examples=scaled(200))
@given(cases(), st.data())
def test_new_single_points_are_those_that_were_none_before(case: Case, data: st.DataObject) -> None:
    ids = [item.id for item in case.network.items]
    services = data.draw(st.lists(st.sampled_from(ids), unique=True, max_size=4))
    known = data.draw(st.sets(st.sampled_from(sorted(case.seeds)))) if case.seeds else set()
    also_pinned = data.draw(st.sets(st.sampled_from(ids), max_size=2)) - known
    before = Question({each: case.seeds[each] for each in known}, case.pins | also_pinned)
    after = Question(case.seeds, case.pins)
    found = found_in(case.network, before, after, services)
    assert not found.cut
    assert list(found.points) == services
    for service in services:
        expected = {
            each
            for each in by_hand(case.network, after, service, State.DOWN)
            if state(case.network, before, service) is not State.DOWN
            and state(case.network, before, each) is not State.DOWN
            and state(case.network, before, service, each) is not State.DOWN
        }
        assert set(found.points[service]) == expected


def test_the_second_of_two_becomes_one_when_the_first_fails() -> None:
    network = network_of(*needs("shop", "a", "b", group="g"), *needs("a", "ups"), *needs("b", "feed"))
    found = found_in(network, Question(), Question({"a": State.DOWN}), ["shop"])
    assert found == ({"shop": ["b", "feed"]}, False)


@settings(max_examples=scaled(200))
@given(cases(), st.integers(0, 12), st.data())
def test_a_limit_leaves_services_out_and_never_invents(case: Case, limit: int, data: st.DataObject) -> None:
    ids = [item.id for item in case.network.items]
    services = data.draw(st.lists(st.sampled_from(ids), unique=True, max_size=4))
    known = data.draw(st.sets(st.sampled_from(sorted(case.seeds)))) if case.seeds else set()
    before, after = Question({each: case.seeds[each] for each in known}, case.pins), Question(case.seeds, case.pins)
    whole = found_in(case.network, before, after, services)
    some = found_in(case.network, before, after, services, limit)
    assert all(some.points[each] in ([], whole.points[each]) for each in services)
    assert some.cut or some == whole


def test_a_limit_of_items_is_told() -> None:
    network = network_of(*needs("shop", "a", "b", group="g"))
    after = Question({"a": State.DOWN})
    assert found_in(network, Question(), after, ["shop"], 2) == ({"shop": []}, True)
    assert found_in(network, Question(), after, ["shop"], 3) == ({"shop": ["b"]}, False)


def test_points_come_nearest_first_for_each_service_by_itself() -> None:
    network = network_of(
        *needs("shop", "a", "b", group="g"), *needs("b", "z", "x"), *needs("x", "y"), *needs("y", "far"),
        *needs("desk", "shop", "y"),
    )  # fmt: skip
    found = found_in(network, Question(), Question({"a": State.DOWN}), ["shop", "desk"])
    assert found.points == {"shop": ["b", "x", "z", "y", "far"], "desk": ["b", "x", "z"]}


def test_a_cycle_is_walked_until_nothing_comes_in_addition() -> None:
    network = network_of(
        *needs("shop", "a", "b", group="g"), *needs("b", "dns"), *needs("dns", "box"), *needs("box", "dns", "feed"),
    )  # fmt: skip
    found = found_in(network, Question(), Question({"a": State.DOWN}), ["shop"])
    assert found == ({"shop": ["b", "dns", "box", "feed"]}, False)


@pytest.mark.parametrize("few", [0, 512])
@given(st.lists(st.tuples(st.integers(-1, 2**20), st.integers(1, 9)), min_size=1, max_size=9), st.integers(1, 40))
def test_what_is_enough_of_a_group_is_added_up(few: int, members: list[tuple[int, int]], weight: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bits, "_FEW", few)
        found = bits.enough_of(members, weight)  # both ways of counting have to agree with the definition
    for bit in range(22):
        assert bool(found >> bit & 1) == (sum(own for each, own in members if each >> bit & 1) >= weight)
