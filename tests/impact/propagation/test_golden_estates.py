"""Cases of whole estates worked out by hand from DESIGN.md section 4, in the notation of ``test_golden.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.schema.states import State
from tests.impact.judges import JUDGES
from tests.impact.networks import Case, needs, network_of
from tests.impact.oracle import Survivor

if TYPE_CHECKING:
    from knockon.impact.topology.network import Network
    from tests.impact.judges import Judge
    from tests.impact.oracle import Verdict

OPERATIONAL, AT_RISK, DEGRADED, DOWN = State

pytestmark = pytest.mark.parametrize("judge", JUDGES)


def hits(verdict: Verdict) -> dict[str, State]:
    """The items that are not OPERATIONAL, in the verdict's order."""
    return {item: verdict.states[item] for item in verdict.order}


def route(verdict: Verdict, item: str) -> list[str]:
    return [step.supplier for step in verdict.paths[item]]


ROLES = ["web", "app", "db", "switch"]


def test_a_dns_pair_on_hosts_that_need_dns(judge: Judge) -> None:
    # dns is a pair, each half runs on a host, each host needs dns.
    network = network_of(
        *needs("dns", "dns1", "dns2", group="g"), *needs("dns1", "host1"), *needs("dns2", "host2"),
        *needs("host1", "dns"), *needs("host2", "dns"),
    )  # fmt: skip
    # host1 DOWN: dns1 DOWN (1 edge); dns 1/1/0 of 2, AT_RISK by the lost dns1 (2); host2 needs it plainly, AT_RISK (3);
    # dns2 AT_RISK (4). The round closes there: dns counts dns2 in full, so nothing falls further.
    verdict = judge(Case(network, {"host1": DOWN}))
    assert hits(verdict) == {"host1": DOWN, "dns1": DOWN, "dns": AT_RISK, "host2": AT_RISK, "dns2": AT_RISK}
    assert verdict.order == ["host1", "dns1", "dns", "host2", "dns2"]
    assert route(verdict, "dns2") == ["host2", "dns", "dns1", "host1"]
    assert verdict.causes["dns"] == {"dns1"}  # lost, unlike dns2, which is AT_RISK because of dns itself
    assert verdict.survivors == {Survivor("dns", "g", 2, up=1, full=1, solid=0, lost=1, margin=0, min_up=1, full_up=1)}
    # Both hosts DOWN: both halves and so dns are DOWN, 2 edges from a host.
    both = judge(Case(network, {"host1": DOWN, "host2": DOWN}))
    assert set(hits(both).values()) == {DOWN}
    assert (both.distances["dns"], route(both, "dns")) == (2, ["dns1", "host1"])
    assert both.causes["host1"] == {"dns"}  # it would be DOWN even if it were not a seed
    assert hits(judge(Case(network, {}))) == {}


def two_clusters() -> Network:
    """Clusters ``a`` and ``b`` of two; each member needs the other cluster."""
    return network_of(
        *needs("a", "a1", "a2", group="g"), *needs("b", "b1", "b2", group="g"),
        *needs("a1", "b"), *needs("a2", "b"), *needs("b1", "a"), *needs("b2", "a"),
    )  # fmt: skip


def test_two_clusters_that_need_each_other(judge: Judge) -> None:
    # a1 DOWN: a AT_RISK by loss (1); b1, b2 AT_RISK (2); b: none lost, but both members AT_RISK, solid 0 < 1, AT_RISK
    # (3); a2 AT_RISK (4). No more: a counts a2 in full.
    one = judge(Case(two_clusters(), {"a1": DOWN}))
    assert hits(one) == {"a1": DOWN} | dict.fromkeys(["a", "b1", "b2", "b", "a2"], AT_RISK)
    assert one.order == ["a1", "a", "b1", "b2", "b", "a2"]
    assert route(one, "a2") == ["b", "b1", "a", "a1"]
    assert one.causes["b"] == {"b1", "b2"}
    assert {(group.consumer, group.margin) for group in one.survivors} == {("a", 0)}  # b lost no member
    # a1 and a2 DOWN: a, then b1 and b2, then b: all DOWN.
    both = judge(Case(two_clusters(), {"a1": DOWN, "a2": DOWN}))
    assert set(both.states.values()) == {DOWN}
    assert both.distances == {"a1": 0, "a2": 0, "a": 1, "b1": 2, "b2": 2, "b": 3}
    # All well: the least fixpoint does not have them hold each other down.
    assert hits(judge(Case(two_clusters(), {}))) == {}


def test_a_pin_stops_the_fall(judge: Judge) -> None:
    # a2 also DOWN, but somebody knows that a works: nothing beyond it is hit. The pinned group still lost members, but
    # it is DOWN and so no survivor.
    verdict = judge(Case(two_clusters(), {"a1": DOWN, "a2": DOWN}, pins=frozenset({"a"})))
    assert hits(verdict) == {"a1": DOWN, "a2": DOWN}
    assert not verdict.survivors


def estate() -> Network:
    """Two racks with two PDUs each; a dual-fed server of each role and a dual-fed switch in each.

    Every role is a cluster across the racks, reached over the pair of switches; a service needs all the clusters.
    """
    edges = []
    for rack in "1", "2":
        for device in "web", "app", "db", "switch":
            edges += needs(f"{device}{rack}", f"pdu{rack}a", f"pdu{rack}b", group="power", type_name="POWERED_BY")
    edges += needs("network", "switch1", "switch2", group="pair")
    for role in "web", "app", "db":
        edges += needs(role, f"{role}1", f"{role}2", group="members", type_name="MEMBER_OF")
        edges += [*needs(f"{role}1", "network"), *needs(f"{role}2", "network")]
    edges += needs("service", "web", "app", "db")
    return network_of(*edges)


@pytest.mark.parametrize("pdu", ["pdu1a", "pdu1b", "pdu2a", "pdu2b"])
def test_one_pdu_of_a_dual_estate_raises_no_false_alarm(judge: Judge, pdu: str) -> None:
    # Each device of the rack has one of two feeds left: AT_RISK. Every pair above has one such member and one
    # OPERATIONAL one in the other rack: none lost, solid 1 >= 1, so OPERATIONAL, and so is the service.
    rack = pdu[3]
    verdict = judge(Case(estate(), {pdu: DOWN}))
    assert hits(verdict) == {pdu: DOWN} | dict.fromkeys([f"{role}{rack}" for role in ROLES], AT_RISK)
    assert {group.consumer for group in verdict.survivors} == {f"{role}{rack}" for role in ROLES}


def test_one_pdu_in_each_rack_puts_the_service_at_risk(judge: Judge) -> None:
    # Now both members of every pair are AT_RISK: solid 0 < 1, so every pair is, and the service over plain edges.
    verdict = judge(Case(estate(), {"pdu1a": DOWN, "pdu2b": DOWN}))
    assert verdict.states["service"] == AT_RISK
    assert DEGRADED not in verdict.states.values()
    # network is AT_RISK over switch1 (2 edges), as web is over web1 (2): service is 3 from the PDU, over app by order.
    assert route(verdict, "service") == ["app", "app1", "pdu1a"]


def test_a_whole_rack_leaves_the_service_at_risk_and_its_margins_spent(judge: Judge) -> None:
    # Both PDUs of rack 1: its devices are DOWN, every pair has lost one of two: AT_RISK; the service carries it.
    verdict = judge(Case(estate(), {"pdu1a": DOWN, "pdu1b": DOWN}))
    assert [item for item, state in hits(verdict).items() if state == DOWN] == [
        "pdu1a", "pdu1b", "app1", "db1", "switch1", "web1",
    ]  # fmt: skip
    assert verdict.states["service"] == AT_RISK
    assert {(group.consumer, group.margin) for group in verdict.survivors} == {
        ("network", 0), ("web", 0), ("app", 0), ("db", 0),
    }  # fmt: skip
