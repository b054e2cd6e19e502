"""Availability by chance against the sum over all combinations, and that against arithmetic by hand."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knockon.impact.planning.availability import ENUMERATED, availability, wilson
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact import oracle
from tests.impact.networks import SOFT, needs, network_of, networks

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

    from knockon.impact.topology.network import Network


def by_hand(network: Network, item: str, own: dict[str, float], worst: State) -> float:
    """Sum over every combination of what fails, judged by the oracle."""
    total = 0.0
    for fails in product([False, True], repeat=len(own)):
        seeds = {each: State.DOWN for each, failed in zip(own, fails, strict=True) if failed}
        if oracle.judge(network, seeds, frozenset(), frozenset()).states[item] <= worst:
            total += prod(1 - share if failed else share for share, failed in zip(own.values(), fails, strict=True))
    return total


@given(networks(max_items=8), st.data())
@settings(max_examples=scaled(60), deadline=None)
def test_the_exact_value_is_the_sum_over_all_combinations(network: Network, data: DataObject) -> None:
    ids = [item.id for item in network.items]
    shares = st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0])
    own = data.draw(st.dictionaries(st.sampled_from(ids), shares, max_size=6))
    found = availability(Topology.of(network), ids[0], own, samples=10, seed=1)
    assert found.exact_up == pytest.approx(by_hand(network, ids[0], own, State.DEGRADED))
    assert found.exact_full == pytest.approx(by_hand(network, ids[0], own, State.AT_RISK))


NETWORK = network_of(
    *needs("shop", "app"), *needs("app", "db-1", "db-2", group="db"), *needs("shop", "mail", effect=SOFT),
    *needs("db-1", "rack"), *needs("db-2", "rack"),
)  # fmt: skip
OWN = {"app": 0.95, "db-1": 0.8, "db-2": 0.8, "mail": 0.9, "rack": 0.99}


def test_the_interval_covers_the_exact_value_as_often_as_it_promises() -> None:
    topology = Topology.of(NETWORK)
    exact = 0.95 * 0.99 * (1 - 0.2 * 0.2)
    runs = [availability(topology, "shop", OWN, samples=400, seed=seed) for seed in range(300)]
    assert all(run.exact_up == pytest.approx(exact) for run in runs)
    assert all(run.exact_full == pytest.approx(exact * 0.9) for run in runs)
    up = sum(run.up.low <= exact <= run.up.high for run in runs)
    full = sum(run.full.low <= exact * 0.9 <= run.full.high for run in runs)
    assert up >= 270  # 95 % of 300 are 285; fewer than 270 come up once in ten thousand such lists of seeds
    assert full >= 270


def test_the_same_seed_gives_the_same_answer_and_another_one_another() -> None:
    topology = Topology.of(NETWORK)
    one, again, other = (availability(topology, "shop", OWN, samples=5_000, seed=seed) for seed in (7, 7, 8))
    assert one == again
    assert one.up != other.up


def test_what_was_down_in_the_outages_is_counted() -> None:
    found = availability(Topology.of(NETWORK), "shop", {"app": 0.5, "mail": 0.999}, samples=2_000, seed=3)
    assert found.involved["app"] == 1
    assert found.involved.get("mail", 0) < 0.02
    assert next(iter(found.involved)) == "app"


def test_what_never_fails_is_always_up_and_the_interval_says_how_sure_that_is() -> None:
    found = availability(Topology.of(NETWORK), "shop", {"app": 1.0}, samples=1_000, seed=1)
    assert (found.up.estimate, found.up.high, found.exact_up, found.involved) == (1, 1, 1, {})
    assert 0.99 < found.up.low < 1


def test_too_many_combinations_are_left_to_chance() -> None:
    many = [f"m{number:02}" for number in range(ENUMERATED + 1)]
    topology = Topology.of(network_of(*needs("shop", *many)))
    own = dict.fromkeys(many, 0.99)
    found = availability(topology, "shop", own, samples=20_000, seed=1)
    assert (found.exact_up, found.exact_full) == (None, None)
    assert found.up.low <= 0.99**16 <= found.up.high
    del own[many[0]]
    assert availability(topology, "shop", own, samples=10, seed=1).exact_up == pytest.approx(0.99**15)


@pytest.mark.parametrize(
    ("hits", "samples", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_wilsons_interval_is_the_published_one(hits: int, samples: int, low: float, high: float) -> None:
    share = wilson(hits, samples)
    assert (share.estimate, share.low, share.high) == pytest.approx((hits / samples, low, high), abs=5e-5)
