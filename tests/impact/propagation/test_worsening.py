"""Knowing what was so already: paths lead to what was added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.impact.networks import Case, cases, needs, network_of

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation


@st.composite
def differences(draw: st.DrawFn) -> tuple[Evaluation, Evaluation, dict[str, State]]:
    """Before and after, and the seeds that were added, which may also lift pins."""
    case: Case = draw(cases())
    topology = Topology.of(case.network)
    ids = st.sampled_from([item.id for item in case.network.items])
    own = draw(st.dictionaries(ids, st.sampled_from([State.DOWN, State.DEGRADED]), min_size=1, max_size=3))
    both = case.seeds | {each: max(state, case.seeds.get(each, state)) for each, state in own.items()}
    before = evaluate(topology, case.seeds, pins=case.pins)
    return before, evaluate(topology, both, pins=case.pins - own.keys()), own


def nearest(before: Evaluation, after: Evaluation, own: dict[str, State]) -> dict[str, int]:
    """Distances by definition: from the added seeds, over causes that got worse, until nothing gets nearer."""
    worse = {each for each in after.topology.ids if after.state(each) > before.state(each)}
    found = {each: 0 for each in worse & own.keys() if own[each] == after.state(each) or each in before.pins}
    while further := {
        each: min(known)
        for each in worse - found.keys()
        if (known := [found[cause] + 1 for cause in after.causes(each) & found.keys()])
    }:
        found |= {each: steps for each, steps in further.items() if steps == min(further.values())}
    return found


@given(differences())
def test_a_path_leads_over_what_got_worse_to_what_was_added(
    case: tuple[Evaluation, Evaluation, dict[str, State]],
) -> None:
    before, after, own = case
    traced, expected = after.since(before), nearest(*case)
    for each in after.topology.ids:
        assert traced.state(each) is after.state(each)
        if after.state(each) > before.state(each):
            path = traced.path(each)
            assert len(path) == traced.distance(each) == expected[each]
            here = each
            for step in path:
                assert step.consumer == here
                assert step.supplier in after.causes(here)
                assert after.state(step.supplier) > before.state(step.supplier)
                here = step.supplier
            assert own[here] == after.state(here) or here in before.pins
        elif after.state(each) is not State.OPERATIONAL:
            path, usual = traced.path(each), after.path(each)
            assert (traced.distance(each), path[:1]) == (after.distance(each), usual[:1])
            if all(after.state(step.supplier) is before.state(step.supplier) for step in usual):
                assert path == usual


@given(cases())
def test_since_nothing_is_the_evaluation_itself(case: Case) -> None:
    topology = Topology.of(case.network)
    after = evaluate(topology, case.seeds, pins=case.pins)
    nothing = evaluate(topology, {})
    traced = after.since(nothing)
    assert traced.settled() == after.settled()
    assert [traced.path(each) for each in after.settled()] == [after.path(each) for each in after.settled()]


def test_a_nearer_cause_that_was_so_already_is_passed_over() -> None:
    network = network_of(*needs("care", "db-1", group="db"), *needs("care", "db-2", group="db"), *needs("db-2", "host"))
    topology = Topology.of(network)
    before = evaluate(topology, {"db-1": State.DOWN})
    after = evaluate(topology, {"db-1": State.DOWN, "host": State.DOWN})
    assert [step.supplier for step in after.path("care")] == ["db-1"]
    traced = after.since(before)
    assert [step.supplier for step in traced.path("care")] == ["db-2", "host"]
    assert traced.distance("care") == 2
