"""Cases worked out by hand from DESIGN.md section 4, asked of the oracle and of both kernels of the engine.

A group's arithmetic is written ``up/full/solid of total``; a group is DOWN if ``up < min_up``, else DEGRADED if
``full < full_up``, else AT_RISK if a member is lost and ``full`` less its largest weight is below ``full_up``, or if
a member is AT_RISK and ``solid < full_up``. ``full_up`` is ``min_up`` unless given, ``min_up`` is 1 unless given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.impact.topology.network import Dependency, Item, Network
from knockon.schema.states import State
from tests.impact.judges import JUDGES
from tests.impact.networks import SOFT, Case, needs, network_of
from tests.impact.oracle import Survivor

if TYPE_CHECKING:
    from tests.impact.judges import Judge
    from tests.impact.oracle import Verdict

OPERATIONAL, AT_RISK, DEGRADED, DOWN = State

pytestmark = pytest.mark.parametrize("judge", JUDGES)


def hits(verdict: Verdict) -> dict[str, State]:
    """The items that are not OPERATIONAL, in the verdict's order."""
    return {item: verdict.states[item] for item in verdict.order}


def route(verdict: Verdict, item: str) -> list[str]:
    return [step.supplier for step in verdict.paths[item]]


def cluster(size: int, **settings: object) -> Network:
    """A cluster ``c`` of members ``m1`` to ``m<size>``."""
    return network_of(*needs("c", *(f"m{number}" for number in range(1, size + 1)), group="g", **settings))


def test_three_of_three_degraded(judge: Judge) -> None:
    # 3/0/0 of 3: up 3 >= 1, so not DOWN; full 0 < 1, so DEGRADED. All three members produced it; m1 is first by order.
    verdict = judge(Case(cluster(3), dict.fromkeys(["m1", "m2", "m3"], DEGRADED)))
    assert hits(verdict) == {"m1": DEGRADED, "m2": DEGRADED, "m3": DEGRADED, "c": DEGRADED}
    assert verdict.order == ["m1", "m2", "m3", "c"]  # all DEGRADED: by distance 0, 0, 0, 1
    assert verdict.causes["c"] == {"m1", "m2", "m3"}
    assert route(verdict, "c") == ["m1"]
    assert verdict.survivors == {Survivor("c", "g", 3, up=3, full=0, solid=0, lost=3, margin=0, min_up=1, full_up=1)}


def test_one_of_two_down(judge: Judge) -> None:
    # 1/1/1 of 2: up 1 >= 1, full 1 >= 1; a member is lost and 1 - 1 = 0 < 1, so AT_RISK, with no margin left.
    verdict = judge(Case(cluster(2), {"m2": DOWN}))
    assert hits(verdict) == {"m2": DOWN, "c": AT_RISK}
    assert verdict.causes == {"m2": frozenset(), "c": {"m2"}}
    assert (verdict.distances["c"], route(verdict, "c")) == (1, ["m2"])
    assert verdict.survivors == {Survivor("c", "g", 2, up=1, full=1, solid=1, lost=1, margin=0, min_up=1, full_up=1)}


def test_two_of_two_down(judge: Judge) -> None:
    # 0/0/0 of 2: up 0 < 1, so DOWN; a group that is DOWN is no survivor.
    verdict = judge(Case(cluster(2), {"m1": DOWN, "m2": DOWN}))
    assert hits(verdict) == {"m1": DOWN, "m2": DOWN, "c": DOWN}
    assert not verdict.survivors


def test_one_down_and_one_degraded_of_two(judge: Judge) -> None:
    # 1/0/0 of 2: up 1 >= 1, full 0 < 1, so DEGRADED. Both members are lost, so both are causes; m2 is the worse.
    verdict = judge(Case(cluster(2), {"m1": DEGRADED, "m2": DOWN}))
    assert hits(verdict) == {"m2": DOWN, "m1": DEGRADED, "c": DEGRADED}
    assert verdict.causes["c"] == {"m1", "m2"}
    assert route(verdict, "c") == ["m2"]


def test_one_of_four_down_with_min_up_1(judge: Judge) -> None:
    # 3/3/3 of 4: 3 - 1 = 2 >= 1, so OPERATIONAL. A second and a third may still go: 3 - 2 = 1 >= 1, 3 - 3 = 0 < 1.
    verdict = judge(Case(cluster(4, min_up="1"), {"m3": DOWN}))
    assert hits(verdict) == {"m3": DOWN}
    assert verdict.survivors == {Survivor("c", "g", 4, up=3, full=3, solid=3, lost=1, margin=2, min_up=1, full_up=1)}


def test_min_up_above_the_member_count(judge: Judge) -> None:
    # min_up 5 is clamped to the total, 3: every member is needed. One DOWN: up 2 < 3, DOWN. One DEGRADED: up 3 >= 3,
    # full 2 < 3, DEGRADED. None: OPERATIONAL, not DOWN for ever.
    network = cluster(3, min_up="5")
    assert hits(judge(Case(network, {"m1": DOWN}))) == {"m1": DOWN, "c": DOWN}
    verdict = judge(Case(network, {"m1": DEGRADED}))
    assert hits(verdict) == {"m1": DEGRADED, "c": DEGRADED}
    assert verdict.survivors == {Survivor("c", "g", 3, up=3, full=2, solid=2, lost=1, margin=0, min_up=3, full_up=3)}
    assert hits(judge(Case(network, {}))) == {}


def weighted(**settings: object) -> Network:
    """A cluster of members that weigh 3, 2 and 1: 6 in all."""
    edges = [Dependency("c", f"m{weight}", group="g", weight=weight, **settings) for weight in (3, 2, 1)]  # type: ignore[arg-type]  # settings are a dependency's own
    return network_of(*edges)


def test_weights_with_half_needed(judge: Judge) -> None:
    # 50 % of 6 is 3. m3 DOWN: 3/3/3 of 6, 3 - 2 = 1 < 3, AT_RISK. m1 DOWN: 5/5/5, 5 - 3 = 2 < 3, AT_RISK too: the
    # largest could be the next. m3 and m1 DOWN: up 2 < 3, DOWN.
    network = weighted(min_up="50%")
    assert hits(judge(Case(network, {"m3": DOWN}))) == {"m3": DOWN, "c": AT_RISK}
    assert hits(judge(Case(network, {"m1": DOWN}))) == {"m1": DOWN, "c": AT_RISK}
    assert hits(judge(Case(network, {"m1": DOWN, "m3": DOWN}))) == {"m1": DOWN, "m3": DOWN, "c": DOWN}


def test_a_percentage_is_met_in_full_not_nearly(judge: Judge) -> None:
    # 34 % of 6 is 2.04: a weight of 2 gives 200 < 204, so 3 is needed. m3 and m1 DOWN: up 2 < 3, DOWN.
    # 33 % of 6 is 1.98: 2 gives 200 >= 198. The same failure: up 2, full 2 >= 2, 2 - 2 = 0 < 2, AT_RISK.
    failed = {"m1": DOWN, "m3": DOWN}
    assert judge(Case(weighted(min_up="34%"), failed)).states["c"] == DOWN
    assert judge(Case(weighted(min_up="33%"), failed)).states["c"] == AT_RISK


def test_weights_with_all_needed_for_full_service(judge: Judge) -> None:
    # min_up 2, full_up 100 % = 6. m1 DOWN: up 5 >= 2, full 5 < 6, DEGRADED. m3 and m2 DOWN: up 1 < 2, DOWN.
    network = weighted(min_up="2", full_up="100%")
    verdict = judge(Case(network, {"m1": DOWN}))
    assert hits(verdict) == {"m1": DOWN, "c": DEGRADED}
    assert verdict.survivors == {Survivor("c", "g", 6, up=5, full=5, solid=5, lost=1, margin=0, min_up=2, full_up=6)}
    assert judge(Case(network, {"m2": DOWN, "m3": DOWN})).states["c"] == DOWN


def test_margin_counts_members_largest_weight_first(judge: Judge) -> None:
    # Weights 4, 2, 2, 1, 1 = 10, min_up 3; one of weight 1 DOWN: 9/9/9 of 10. 9 - 4 = 5 >= 3, 5 - 2 = 3 >= 3,
    # 3 - 2 = 1 < 3: two further losses leave it in full service, the third does not.
    edges = [
        Dependency("c", name, group="g", weight=weight, min_up="3")
        for name, weight in {"a": 4, "b": 2, "d": 2, "e": 1, "f": 1}.items()
    ]
    verdict = judge(Case(network_of(*edges), {"f": DOWN}))
    assert hits(verdict) == {"f": DOWN}
    assert verdict.survivors == {Survivor("c", "g", 10, up=9, full=9, solid=9, lost=1, margin=2, min_up=3, full_up=3)}


def test_margin_is_about_full_service(judge: Judge) -> None:
    # Five members, 1 needed to be up, 3 for full service; one DOWN: 4/4/4 of 5. 4 - 1 = 3 >= 3, 3 - 1 = 2 < 3.
    verdict = judge(Case(cluster(5, min_up="1", full_up="3"), {"m1": DOWN}))
    assert hits(verdict) == {"m1": DOWN}
    assert verdict.survivors == {Survivor("c", "g", 5, up=4, full=4, solid=4, lost=1, margin=1, min_up=1, full_up=3)}


def test_a_removed_member_stays_in_the_total(judge: Judge) -> None:
    # Two members, both needed. m1 removed: the total stays 2, up 1 < 2, DOWN. Once it is retired it is not in the
    # network: min_up is clamped to 1 and the cluster is OPERATIONAL.
    verdict = judge(Case(cluster(2, min_up="2"), {"m1": DOWN}, removed=frozenset({"m1"})))
    assert hits(verdict) == {"m1": DOWN, "c": DOWN}
    retired = network_of(*needs("c", "m2", group="g", min_up="2"))
    assert hits(judge(Case(retired, {}))) == {}


def test_a_removed_member_is_lost(judge: Judge) -> None:
    # 1/1/1 of 2 with min_up 1: as for a member that is DOWN, AT_RISK.
    verdict = judge(Case(cluster(2), {"m1": DOWN}, removed=frozenset({"m1"})))
    assert hits(verdict) == {"m1": DOWN, "c": AT_RISK}
    assert verdict.survivors == {Survivor("c", "g", 2, up=1, full=1, solid=1, lost=1, margin=0, min_up=1, full_up=1)}


@pytest.mark.parametrize("min_up", [None, "1", "7", "1%", "100%"])
@pytest.mark.parametrize("weight", [1, 3])
def test_a_group_of_one_is_a_plain_supplier(judge: Judge, min_up: str | None, weight: int) -> None:
    # Whatever it asks for, between 1 and its whole weight is needed. DOWN: up 0, DOWN. DEGRADED: up all, full 0,
    # DEGRADED. AT_RISK (m needs a group that lost one of two): full all, solid 0, AT_RISK.
    network = network_of(*needs("c", "m", group="g", min_up=min_up, weight=weight), *needs("m", "x", "y", group="h"))
    assert judge(Case(network, {"m": DOWN})).states["c"] == DOWN
    assert judge(Case(network, {"m": DEGRADED})).states["c"] == DEGRADED
    assert hits(judge(Case(network, {"x": DOWN}))) == {"x": DOWN, "m": AT_RISK, "c": AT_RISK}


def test_a_soft_supplier_alone(judge: Judge) -> None:
    # {down: degraded} completes to DOWN -> DEGRADED, DEGRADED -> DEGRADED, AT_RISK -> AT_RISK.
    network = network_of(*needs("app", "cache", effect=SOFT), *needs("cache", "x", "y", group="g"))
    assert hits(judge(Case(network, {"cache": DOWN}))) == {"cache": DOWN, "app": DEGRADED}
    assert hits(judge(Case(network, {"cache": DEGRADED}))) == {"cache": DEGRADED, "app": DEGRADED}
    assert hits(judge(Case(network, {"x": DOWN}))) == {"x": DOWN, "cache": AT_RISK, "app": AT_RISK}


def test_soft_suppliers_in_a_group(judge: Judge) -> None:
    # The map comes first, so a DOWN member counts as DEGRADED. One of two: 2/1/1 of 2, lost, 1 - 1 = 0 < 1, AT_RISK.
    # Two of two: 2/0/0: up 2 >= 1, full 0 < 1, DEGRADED; soft members never take the group DOWN.
    network = network_of(*needs("app", "cache1", "cache2", group="g", effect=SOFT))
    one = judge(Case(network, {"cache1": DOWN}))
    assert hits(one) == {"cache1": DOWN, "app": AT_RISK}
    assert one.survivors == {Survivor("app", "g", 2, up=2, full=1, solid=1, lost=1, margin=0, min_up=1, full_up=1)}
    two = judge(Case(network, {"cache1": DOWN, "cache2": DOWN}))
    assert hits(two) == {"cache1": DOWN, "cache2": DOWN, "app": DEGRADED}
    assert two.causes["app"] == {"cache1", "cache2"}
    assert two.survivors == {Survivor("app", "g", 2, up=2, full=0, solid=0, lost=2, margin=0, min_up=1, full_up=1)}


def test_a_soft_and_a_hard_member(judge: Judge) -> None:
    # hard DOWN, soft well: 1/1/1 of 2, AT_RISK. Both DOWN: effects DOWN and DEGRADED, 1/0/0, DEGRADED by both.
    network = network_of(*needs("app", "hard", group="g"), *needs("app", "soft", group="g", effect=SOFT))
    assert judge(Case(network, {"hard": DOWN})).states["app"] == AT_RISK
    both = judge(Case(network, {"hard": DOWN, "soft": DOWN}))
    assert both.states["app"] == DEGRADED
    assert both.causes["app"] == {"hard", "soft"}


def test_at_risk_over_one_hop_and_down_over_three(judge: Judge) -> None:
    # p DOWN puts the group {p, q} of x at AT_RISK one hop away, but x also needs z, which needs y, which needs p:
    # x is DOWN, and only z made it so. Distance and path follow that cause: three hops, not one.
    network = network_of(*needs("x", "p", "q", group="g"), *needs("x", "z"), *needs("z", "y"), *needs("y", "p"))
    verdict = judge(Case(network, {"p": DOWN}))
    assert hits(verdict) == {"p": DOWN, "y": DOWN, "z": DOWN, "x": DOWN}
    assert verdict.causes["x"] == {"z"}
    assert (verdict.distances["x"], route(verdict, "x")) == (3, ["z", "y", "p"])
    assert verdict.survivors == {Survivor("x", "g", 2, up=1, full=1, solid=1, lost=1, margin=0, min_up=1, full_up=1)}


def test_a_seed_that_passes_on_a_worse_state_is_no_end_of_a_path(judge: Judge) -> None:
    # m is seeded DEGRADED, but s takes it DOWN: what it passes on to c is the work of s. Only s explains itself.
    network = network_of(*needs("c", "m"), *needs("m", "s"))
    verdict = judge(Case(network, {"m": DEGRADED, "s": DOWN}))
    assert hits(verdict) == {"s": DOWN, "m": DOWN, "c": DOWN}
    assert verdict.distances == {"s": 0, "m": 1, "c": 2}
    assert route(verdict, "c") == ["m", "s"]
    # Seeded DOWN itself it ends the path, though s would have done it too.
    verdict = judge(Case(network, {"m": DOWN, "s": DOWN}))
    assert verdict.distances == {"s": 0, "m": 0, "c": 1}
    assert route(verdict, "m") == []
    assert verdict.causes["m"] == {"s"}


def test_equal_paths_go_by_the_worse_supplier_then_order_then_type(judge: Judge) -> None:
    # c is DEGRADED by three suppliers at distance 0: d1 and d2 hard and DEGRADED, s soft and DOWN. s is the worst.
    hard, soft = needs("c", "d1", "d2", type_name="RUNS_ON"), needs("c", "s", effect=SOFT)
    orders = [Item("c", order="1"), Item("d1", order="3"), Item("d2", order="2"), Item("s", order="9")]
    failed = {"d1": DEGRADED, "d2": DEGRADED, "s": DOWN}
    verdict = judge(Case(network_of(*hard, *soft, items=orders), failed))
    assert (verdict.states["c"], route(verdict, "c")) == (DEGRADED, ["s"])
    assert verdict.order == ["s", "d2", "d1", "c"]
    # Without s, d2 comes first by its order; a parallel edge to it of an earlier type name is the one walked.
    second = needs("c", "d2", type_name="HOSTED_ON")
    verdict = judge(Case(network_of(*hard, *second, items=orders), {"d1": DEGRADED, "d2": DEGRADED}))
    assert [(step.supplier, step.type_name) for step in verdict.paths["c"]] == [("d2", "HOSTED_ON")]
