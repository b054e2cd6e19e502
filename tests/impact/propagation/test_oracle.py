"""The oracle itself, checked by hand-worked cases and by trying every assignment of states."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from knockon.impact.topology.network import Dependency, Item
from knockon.schema.states import State
from tests.impact.networks import EFFECT_MAPS, SOFT, Case, cases, needs, network_of
from tests.impact.oracle import Survivor, groups_of, judge, one_pass, resolve

if TYPE_CHECKING:
    from knockon.impact.topology.network import Network

OPERATIONAL, AT_RISK, DEGRADED, DOWN = State


def thresholds(network: Network, consumer: str) -> dict[str, tuple[int, int]]:
    """The needed ``min_up`` and ``full_up`` of each group of the consumer."""
    item = next(item for item in network.items if item.id == consumer)
    well = dict.fromkeys((item.id for item in network.items), OPERATIONAL)
    return {group.name: (group.min_up, group.full_up) for group in groups_of(network, well, item)}


@given(cases(max_items=4))
def test_it_is_the_least_of_all_consistent_assignments(case: Case) -> None:
    ids = [item.id for item in case.network.items]
    consistent = [
        states
        for chosen in product(State, repeat=len(ids))
        if one_pass(case.network, states := dict(zip(ids, chosen, strict=True)), case.seeds, case.pins) == states
    ]
    least = {item: min(states[item] for states in consistent) for item in ids}
    assert least in consistent
    assert judge(case.network, case.seeds, case.pins, case.removed).states == least


def test_there_are_fourteen_monotone_reductive_maps() -> None:
    # AT_RISK to OPERATIONAL: DEGRADED to OPERATIONAL, AT_RISK or itself leaves DOWN 4, 3 or 2 choices; AT_RISK to
    # itself: DEGRADED to AT_RISK or itself leaves 3 or 2.
    assert len(set(EFFECT_MAPS)) == len(EFFECT_MAPS) == 4 + 3 + 2 + 3 + 2


@pytest.mark.parametrize(
    ("written", "total", "weight"),
    [
        ("1", 4, 1), ("4", 4, 4), ("9", 4, 4),
        ("50%", 4, 2), ("51%", 4, 3), ("1%", 4, 1), ("100%", 4, 4),
        ("33%", 3, 1),  # 0.99 of 3
        ("34%", 3, 2),  # 1.02 of 3
        ("67%", 3, 3),  # 2.01 of 3
        ("29%", 100, 29),  # floats make it 28.999999999999996
        ("55%", 100, 55),  # and this one 55.00000000000001
    ],
)  # fmt: skip
def test_thresholds_resolve_to_the_smallest_weight_that_meets_them(written: str, total: int, weight: int) -> None:
    assert resolve(written, total) == weight


def test_without_settings_one_is_enough() -> None:
    assert thresholds(network_of(*needs("c", "a", "b", group="g")), "c") == {"g": (1, 1)}


def test_own_settings_count_for_the_own_group_only_and_before_the_class_default() -> None:
    edges = [*needs("c", "a", "b", "d", group="g"), *needs("c", "a", "b", "d", group="h")]
    both = Item("c", "c", own_group="g", min_up="2", default_min_up="3", default_full_up="3")
    assert thresholds(network_of(*edges, items=[both]), "c") == {"g": (2, 3), "h": (1, 1)}
    default = Item("c", "c", own_group="g", default_min_up="3")
    assert thresholds(network_of(*edges, items=[default]), "c") == {"g": (3, 3), "h": (1, 1)}
    nowhere = Item("c", "c", own_group=None, min_up="2")
    assert thresholds(network_of(*edges, items=[nowhere]), "c") == {"g": (1, 1), "h": (1, 1)}


def test_an_edges_setting_comes_before_the_items_own_even_if_it_asks_for_less() -> None:
    edges = [Dependency("c", "a", group="g", min_up="2"), *needs("c", "b", "d", group="g")]
    item = Item("c", "c", own_group="g", min_up="3")
    assert thresholds(network_of(*edges, items=[item]), "c") == {"g": (2, 2)}


def test_of_disagreeing_edges_the_stricter_counts_after_resolving() -> None:
    def asking(*written: str | None) -> tuple[int, int]:
        edges = [Dependency("c", f"m{i}", group="g", min_up=text) for i, text in enumerate(written)]
        return thresholds(network_of(*edges), "c")["g"]

    assert asking("1", "2", None, None) == (2, 2)
    assert asking("2", "75%", None, None) == (3, 3)  # 75 % of 4 is 3
    assert asking("3", "50%", None, None) == (3, 3)  # 50 % of 4 is 2


def test_full_up_below_min_up_is_raised() -> None:
    edges = needs("c", "a", "b", "d", group="g", min_up="2", full_up="1")
    assert thresholds(network_of(*edges), "c") == {"g": (2, 2)}


def test_parallel_edges_of_one_supplier_count_once() -> None:
    # Worst effect and largest weight: a weighs 3 and is DOWN for c, though one of its edges is soft. 1/1/1 of 4.
    edges = [
        Dependency("c", "a", group="g", weight=1),
        Dependency("c", "a", group="g", weight=3, effect=SOFT),
        Dependency("c", "b", group="g"),
    ]
    verdict = judge(network_of(*edges), {"a": DOWN})
    assert verdict.states["c"] == AT_RISK
    assert verdict.survivors == {Survivor("c", "g", 4, up=1, full=1, solid=1, lost=1, margin=0, min_up=1, full_up=1)}


def test_of_a_members_parallel_edges_the_path_takes_one_that_would_have_done_it() -> None:
    # a DOWN alone: DOWN, which the soft edge cannot have done. With b beside it: AT_RISK by the lost a; DEGRADED over
    # the soft edge it would be lost as well, so both edges are causes, and the type name decides.
    soft_and_hard = [
        Dependency("c", "a", group="g", type_name="BACKED_BY", effect=SOFT),
        Dependency("c", "a", group="g", type_name="RUNS_ON"),
    ]
    alone = judge(network_of(*soft_and_hard), {"a": DOWN})
    assert alone.states["c"] == DOWN
    assert [step.type_name for step in alone.paths["c"]] == ["RUNS_ON"]
    paired = judge(network_of(*soft_and_hard, *needs("c", "b", group="g")), {"a": DOWN})
    assert paired.states["c"] == AT_RISK
    assert [step.type_name for step in paired.paths["c"]] == ["BACKED_BY"]


def test_plain_parallel_edges_each_act() -> None:
    edges = [Dependency("c", "a", effect=SOFT, type_name="A"), Dependency("c", "a", type_name="B")]
    verdict = judge(network_of(*edges), {"a": DOWN})
    assert (verdict.states["c"], verdict.paths["c"][0].type_name) == (DOWN, "B")


def test_several_groups_and_single_suppliers_are_as_bad_as_the_worst() -> None:
    edges = [*needs("c", "a", "b", group="g"), *needs("c", "d", "e", group="h"), *needs("c", "f", effect=SOFT)]
    assert judge(network_of(*edges), {"a": DOWN}).states["c"] == AT_RISK
    assert judge(network_of(*edges), {"a": DOWN, "f": DOWN}).states["c"] == DEGRADED
    verdict = judge(network_of(*edges), {"a": DOWN, "d": DOWN, "e": DOWN, "f": DOWN})
    assert verdict.states["c"] == DOWN
    assert verdict.causes["c"] == {"d", "e"}
    assert {survivor.group for survivor in verdict.survivors} == {"g"}


def test_at_risk_by_members_names_all_that_are_not_operational() -> None:
    # Members a, b, d, e need 2 in full. a DOWN, b AT_RISK (through its own pair), d AT_RISK, e well: 3/3/1 of 4.
    # Lost, but 3 - 1 = 2 >= 2; solid 1 < 2, so AT_RISK by a, b and d, with a margin of one full loss.
    edges = [*needs("c", "a", "b", "d", "e", group="g", min_up="2"), *needs("b", "x", "y", group="p"), *needs("d", "b")]
    verdict = judge(network_of(*edges), {"a": DOWN, "x": DOWN})
    assert verdict.states["c"] == AT_RISK
    assert verdict.causes["c"] == {"a", "b", "d"}
    assert verdict.distances["c"] == 1
    assert Survivor("c", "g", 4, up=3, full=3, solid=1, lost=1, margin=1, min_up=2, full_up=2) in verdict.survivors


def test_a_map_that_blocks_keeps_a_failure_from_the_consumer() -> None:
    blocks = (OPERATIONAL, OPERATIONAL, OPERATIONAL, AT_RISK)
    plain = network_of(*needs("c", "a", effect=blocks))
    assert judge(plain, {"a": DEGRADED}).states["c"] == OPERATIONAL
    # Lost is judged on the effect: a is AT_RISK to its group, not lost, and solid 1 >= 1 absorbs it. Removed or not.
    group = network_of(*needs("c", "a", "b", group="g", effect=blocks))
    for removed in (frozenset[str](), frozenset({"a"})):
        verdict = judge(group, {"a": DOWN}, removed=removed)
        assert (verdict.states["c"], verdict.survivors) == (OPERATIONAL, frozenset())


def test_a_survivor_of_a_pinned_or_seeded_consumer_is_still_listed() -> None:
    network = network_of(*needs("c", "a", "b", group="g"))
    pinned = judge(network, {"a": DOWN}, pins=frozenset({"c"}))
    seeded = judge(network, {"a": DOWN, "c": DOWN})
    assert pinned.states["c"] == OPERATIONAL
    assert seeded.causes["c"] == frozenset()  # its group is only AT_RISK: the seed alone explains it
    assert pinned.survivors == seeded.survivors
    assert {survivor.consumer for survivor in pinned.survivors} == {"c"}


def test_removed_alone_is_a_seed() -> None:
    assert judge(network_of(*needs("c", "a")), {}, removed=frozenset({"a"})).states == {"a": DOWN, "c": DOWN}


def test_a_seed_and_a_pin_on_one_item_is_refused() -> None:
    with pytest.raises(ValueError, match="both seed and pin"):
        judge(network_of(*needs("c", "a")), {"a": DOWN}, pins=frozenset({"a"}))
