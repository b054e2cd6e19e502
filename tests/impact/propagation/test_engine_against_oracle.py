"""The engine says what the oracle says, whatever the order of its input and whichever kernel runs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.errors import BadUsage
from knockon.schema.states import State
from tests.impact.judges import by_engine, by_oracle, compiled, interpreted
from tests.impact.networks import Case, cases, large_case, needs, network_of, shuffled


@given(cases())
def test_interpreted_engine_equals_the_oracle_in_every_field(case: Case) -> None:
    assert interpreted(case) == by_oracle(case)


@given(cases())
def test_compiled_engine_equals_the_oracle_in_every_field(case: Case) -> None:
    assert compiled(case) == by_oracle(case)


@given(cases())
def test_the_engines_own_choice_of_kernel_changes_nothing(case: Case) -> None:
    assert by_engine(case, compiled=None) == interpreted(case) == compiled(case)


@given(cases(), st.data())
def test_the_order_of_the_input_changes_nothing(case: Case, data: st.DataObject) -> None:
    other = data.draw(shuffled(case))
    assert by_oracle(other) == by_oracle(case)
    assert interpreted(other) == interpreted(case)
    assert compiled(other) == compiled(case)


@pytest.mark.parametrize("seed", range(3))
def test_longer_ways_than_small_networks_have(seed: int) -> None:
    case = large_case(150, seed)
    expected = by_oracle(case)
    assert max(expected.distances.values()) > 5
    assert interpreted(case) == expected
    assert compiled(case) == expected


def test_in_a_large_network_the_kernels_still_agree() -> None:
    case = large_case(10_000, seed=0)
    assert by_engine(case, compiled=None) == interpreted(case) == compiled(case)


@pytest.mark.parametrize("kernel", [False, True, None])
def test_a_seed_and_a_pin_on_one_item_is_wrong_use(kernel: bool | None) -> None:
    case = Case(network_of(*needs("a", "b")), {"b": State.DOWN}, pins=frozenset({"b"}))
    with pytest.raises(BadUsage):
        by_engine(case, compiled=kernel)
    with pytest.raises(BadUsage):
        by_engine(replace(case, removed=frozenset({"b"})), compiled=kernel)
