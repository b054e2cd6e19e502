"""Margins of groups, touched or not, against counting members away until full service ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.propagation.margins import Holding, holding
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact import oracle
from tests.impact.networks import SOFT, Case, cases, needs, network_of

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject


def by_hand(case: Case, consumer: str, name: str) -> Holding:
    """Ask the oracle, which counts by the definition."""
    states = oracle.judge(case.network, case.seeds, case.pins, case.removed).states
    (item,) = [each for each in case.network.items if each.id == consumer]
    (group,) = [each for each in oracle.groups_of(case.network, states, item) if each.name == name]
    holds = group.result is not State.DOWN
    return Holding(holds, group.margin if holds else 0)


def felt(case: Case, consumer: str, name: str) -> bool:
    """Tell whether the failure of any member would be a loss to the group."""
    edges = [each for each in case.network.dependencies if (each.consumer, each.group) == (consumer, name)]
    return any(each.effect[State.DOWN] >= State.DEGRADED for each in edges)


@given(cases(max_items=8), st.data())
@settings(max_examples=scaled(300), deadline=None)
def test_the_margin_is_the_members_that_fit_into_what_is_to_spare(case: Case, data: DataObject) -> None:
    topology = Topology.of(case.network)
    named = [(item.id, group) for item in case.network.items for group in topology.groups(item.id)]
    assume(named)
    consumer, group = data.draw(st.sampled_from(named))
    found = evaluate(topology, case.seeds, pins=case.pins, removed=case.removed)
    if felt(case, consumer, group):
        assert holding(found, consumer, group) == by_hand(case, consumer, group)
    else:
        assert holding(found, consumer, group).holds


@pytest.mark.parametrize(
    ("down", "expected"),
    [
        ([], Holding(holds=True, margin=2)),
        (["x"], Holding(holds=True, margin=2)),
        (["a"], Holding(holds=True, margin=1)),
        (["a", "b"], Holding(holds=True, margin=0)),
        (["a", "b", "c"], Holding(holds=True, margin=0)),
        (["a", "b", "c", "d"], Holding(holds=False, margin=0)),
    ],
)
def test_a_group_of_four_that_needs_one_and_two_in_full(down: list[str], expected: Holding) -> None:
    network = network_of(*needs("farm", *"abcd", group="g", min_up="1", full_up="2"), *needs("farm", "x", effect=SOFT))
    found = evaluate(Topology.of(network), dict.fromkeys(down, State.DOWN))
    assert holding(found, "farm", "g") == expected


def test_a_pair_that_needs_both_has_no_margin_although_nothing_is_lost() -> None:
    found = evaluate(Topology.of(network_of(*needs("farm", "a", "b", group="g", min_up="2"))), {})
    assert holding(found, "farm", "g") == Holding(holds=True, margin=0)


def test_heavy_members_go_first() -> None:
    network = network_of(
        *needs("farm", "big", group="g", weight=5, min_up="3"), *needs("farm", "s1", "s2", "s3", group="g")
    )
    assert holding(evaluate(Topology.of(network), {}), "farm", "g").margin == 1


def test_a_group_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        holding(evaluate(Topology.of(network_of(*needs("a", "b"))), {}), "a", "g")
