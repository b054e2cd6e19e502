"""Single points of failure: against one question of the oracle for every item."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.structure.dominators import dominators
from knockon.impact.structure.single_points import Budget, Question, single_points
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact.networks import SOFT, Case, cases, needs, network_of
from tests.impact.oracle import judge

if TYPE_CHECKING:
    from knockon.impact.topology.network import Network

WORSE = [State.AT_RISK, State.DEGRADED, State.DOWN]


def state(network: Network, asked: Question, target: str, failed: str | None = None) -> State:
    """What the oracle says of a target when one more thing fails."""
    seeds = {**asked.seeds, failed: State.DOWN} if failed else dict(asked.seeds)
    return judge(network, seeds, asked.pins - {failed or ""}, frozenset()).states[target]


def by_hand(network: Network, asked: Question, target: str, least: State) -> set[str]:
    """Fail every item by itself."""
    if state(network, asked, target) >= least:
        return set()
    others = {item.id for item in network.items} - asked.pins - {target}
    return {each for each in others if state(network, asked, target, each) >= least}


@settings(max_examples=scaled(300))
@given(cases(), st.sampled_from(WORSE), st.data())
def test_what_is_listed_is_what_each_failure_by_itself_shows(case: Case, least: State, data: st.DataObject) -> None:
    target = data.draw(st.sampled_from([item.id for item in case.network.items]))
    asked = Question(case.seeds, case.pins)
    found = single_points(Topology.of(case.network), target, least=least, question=asked)
    assert not found.cut
    assert len(found.ids) == len(set(found.ids))
    assert set(found.ids) == by_hand(case.network, asked, target, least)


@settings(max_examples=scaled(150))
@given(cases(), st.integers(0, 6))
def test_a_limit_leaves_out_and_never_invents(case: Case, limit: int) -> None:
    target = case.network.items[0].id
    asked = Question(case.seeds, case.pins)
    whole = by_hand(case.network, asked, target, State.DOWN)
    found = single_points(Topology.of(case.network), target, question=asked, limit=limit)
    assert set(found.ids) <= whole
    assert found.cut or set(found.ids) == whole


@settings(max_examples=scaled(150))
@given(cases(), st.integers(0, 40))
def test_a_limit_of_items_leaves_out_and_never_invents(case: Case, items: int) -> None:
    target = case.network.items[0].id
    asked = Question(case.seeds, case.pins)
    whole = by_hand(case.network, asked, target, State.DOWN)
    found = single_points(Topology.of(case.network), target, question=asked, limit=Budget(1_000, items))
    assert set(found.ids) <= whole
    assert found.cut or set(found.ids) == whole


def test_what_all_members_hang_on_is_one_and_the_members_are_none() -> None:
    network = network_of(
        *needs("shop", "a", "b", group="g"), *needs("a", "ups"), *needs("b", "pdu"), *needs("pdu", "ups"),
        *needs("shop", "mail", effect=SOFT),
    )  # fmt: skip
    topology = Topology.of(network)
    assert single_points(topology, "shop").ids == ["ups"]
    assert single_points(topology, "shop", least=State.DEGRADED).ids == ["mail", "ups"]


def test_a_long_chain_needs_no_run_of_the_engine() -> None:
    chain = [f"c{number:04}" for number in range(3000)]
    network = network_of(*(edge for one, other in pairwise(chain) for edge in needs(one, other)))
    assert single_points(Topology.of(network), "c0000", limit=0) == (chain[1:], False)


def test_the_private_suppliers_of_a_member_need_no_run_of_their_own() -> None:
    below = [edge for side in "ab" for number in range(50) for edge in needs(side, f"{side}{number}")]
    network = network_of(*needs("shop", "a", "b", group="g"), *below)
    assert single_points(Topology.of(network), "shop", limit=2) == ([], False)


@pytest.mark.parametrize("size", [1, 5, 9])
@given(st.data())
def test_a_dominator_is_on_every_way(size: int, data: st.DataObject) -> None:
    nodes = st.integers(0, size - 1)
    following = {each: data.draw(st.lists(nodes, unique=True, max_size=3)) for each in range(size)}
    found = dominators(0, following)

    def reached(without: int) -> set[int]:
        seen: set[int] = set()
        stack = [0]
        while stack:
            if (node := stack.pop()) not in seen and node != without:
                seen.add(node)
                stack += following[node]
        return seen

    assert found.keys() == reached(-1)
    for node in found.keys() - {0}:
        chain, above = set(), node
        while above != 0:
            above = found[above]
            chain.add(above)
        assert chain == {0} | {each for each in found.keys() - {0, node} if node not in reached(each)}
