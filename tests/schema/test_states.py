from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.schema.states import IDENTITY, State, effect_map, is_monotone_and_reductive

OPERATIONAL, AT_RISK, DEGRADED, DOWN = State
WORSE = [AT_RISK, DEGRADED, DOWN]


@pytest.mark.parametrize(
    ("written", "complete"),
    [
        ({}, IDENTITY),
        ({DOWN: DEGRADED}, (OPERATIONAL, AT_RISK, DEGRADED, DEGRADED)),
        ({DOWN: AT_RISK}, (OPERATIONAL, AT_RISK, AT_RISK, AT_RISK)),
        ({DOWN: OPERATIONAL}, (OPERATIONAL, OPERATIONAL, OPERATIONAL, OPERATIONAL)),
        ({DEGRADED: OPERATIONAL}, (OPERATIONAL, OPERATIONAL, OPERATIONAL, DOWN)),
        ({AT_RISK: OPERATIONAL}, (OPERATIONAL, OPERATIONAL, DEGRADED, DOWN)),
    ],
)
def test_a_missing_entry_is_the_state_but_no_worse_than_the_next(
    written: dict[State, State], complete: tuple[State, ...]
) -> None:
    assert effect_map(written) == complete


@given(st.dictionaries(st.sampled_from(WORSE), st.sampled_from(State)))
def test_completion_follows_the_definition(written: dict[State, State]) -> None:
    complete = effect_map(written)
    assert complete[OPERATIONAL] is OPERATIONAL
    for state in WORSE:
        if state in written:
            assert complete[state] is written[state]
        elif state is DOWN:
            assert complete[state] is DOWN
        else:
            assert complete[state] is min(state, complete[state + 1])


@given(st.dictionaries(st.sampled_from(WORSE), st.sampled_from(State)))
def test_what_is_sound_as_written_stays_sound_when_completed(written: dict[State, State]) -> None:
    grows = all(written[a] <= written[b] for a, b in pairwise(sorted(written)))
    reductive = all(effect <= state for state, effect in written.items())
    assert is_monotone_and_reductive(effect_map(written)) == (grows and reductive)
