"""The laws of DESIGN.md section 4, each asked of the oracle and of both kernels of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from hypothesis import assume, given
from hypothesis import strategies as st

from knockon.impact.topology.network import Dependency, Network
from knockon.schema.states import State
from tests.impact.judges import JUDGES, by_oracle
from tests.impact.networks import Case, cases, networks

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypothesis.strategies import DrawFn, SearchStrategy

    from tests.impact.oracle import States

Threshold = Literal["min_up", "full_up"]


def never_helps(better: States, worse: States) -> bool:
    return all(worse[item] >= better[item] for item in better)


def clearly(states: States) -> States:
    """The states at DEGRADED or worse; what is only AT_RISK counts as OPERATIONAL."""
    return {item: state if state >= State.DEGRADED else State.OPERATIONAL for item, state in states.items()}


def changed(case: Case, change: Callable[[Dependency], Dependency | None]) -> Case:
    """The case with each dependency changed, or dropped where the change is None."""
    edges = [after for edge in case.network.dependencies if (after := change(edge)) is not None]
    return replace(case, network=Network(case.network.items, edges))


@st.composite
def grouped(draw: DrawFn, case: Case) -> tuple[str, str]:
    """A consumer in the case and one of its groups."""
    groups = sorted({(edge.consumer, edge.group) for edge in case.network.dependencies if edge.group is not None})
    assume(groups)
    return draw(st.sampled_from(groups))


def rising() -> SearchStrategy[tuple[str, str]]:
    """A lower and a higher threshold of the same form."""
    as_counts = st.tuples(st.integers(1, 9), st.integers(0, 9)).map(lambda pair: (str(pair[0]), str(sum(pair))))
    as_shares = st.tuples(st.integers(1, 100), st.integers(0, 100)).map(
        lambda pair: (f"{pair[0]}%", f"{min(100, sum(pair))}%")
    )
    return as_counts | as_shares


@given(networks(), st.data())
def test_nothing_failed_is_all_operational(network: Network, data: st.DataObject) -> None:
    pins = data.draw(st.frozensets(st.sampled_from([item.id for item in network.items])))
    for judge in JUDGES:
        verdict = judge(Case(network, {}, pins))
        assert set(verdict.states.values()) == {State.OPERATIONAL}, judge
        assert not verdict.order, judge
        assert not verdict.survivors, judge


@given(cases(), st.data())
def test_monotone_in_the_seeds(case: Case, data: st.DataObject) -> None:
    free = [item.id for item in case.network.items if item.id not in case.pins]
    assume(free)
    more = data.draw(st.dictionaries(st.sampled_from(free), st.sampled_from([State.DEGRADED, State.DOWN]), min_size=1))
    worse = {item: max(case.seeds.get(item, State.OPERATIONAL), state) for item, state in more.items()}
    for judge in JUDGES:
        assert never_helps(judge(case).states, judge(replace(case, seeds=case.seeds | worse)).states), judge


@given(cases())
def test_removed_is_at_least_as_bad_as_down(case: Case) -> None:
    gone = frozenset(item for item, state in case.seeds.items() if state == State.DOWN)
    for judge in JUDGES:
        down = judge(replace(case, removed=frozenset()))
        assert never_helps(down.states, judge(replace(case, removed=gone)).states), judge


@given(cases(), st.data())
def test_a_group_of_one_is_a_plain_supplier(case: Case, data: st.DataObject) -> None:
    edges = list(case.network.dependencies)
    assume(edges)
    chosen = data.draw(st.sampled_from(edges))
    alone = replace(chosen, group="alone")
    plain = replace(chosen, group=None)
    owners = [
        replace(item, own_group=data.draw(st.sampled_from([item.own_group, "alone"])))
        if item.id == chosen.consumer
        else item
        for item in case.network.items
    ]
    rest = [edge for edge in edges if edge is not chosen]
    for judge in JUDGES:
        one = judge(replace(case, network=Network(owners, [*rest, alone])))
        other = judge(replace(case, network=Network(owners, [*rest, plain])))
        assert one.states == other.states, judge
        assert (one.order, one.distances, one.paths, one.causes) == (
            other.order, other.distances, other.paths, other.causes,
        ), judge  # fmt: skip


@given(cases(), st.data())
def test_a_group_is_never_worse_than_plain_suppliers(case: Case, data: st.DataObject) -> None:
    group = data.draw(grouped(case))
    plain = changed(case, lambda edge: replace(edge, group=None) if (edge.consumer, edge.group) == group else edge)
    for judge in JUDGES:
        assert never_helps(judge(case).states, judge(plain).states), judge


@given(cases(), st.data())
def test_taking_an_operational_member_away_never_helps(case: Case, data: st.DataObject) -> None:
    # An edge may carry the group's own settings: taking the edge away would take them away, another question.
    edges = [edge for edge in case.network.dependencies if edge.group is not None]
    settled = {(edge.consumer, edge.supplier) for edge in edges if edge.min_up is not None or edge.full_up is not None}
    states = by_oracle(case).states
    leavers = [
        edge
        for edge in edges
        if states[edge.supplier] == State.OPERATIONAL and (edge.consumer, edge.supplier) not in settled
    ]
    assume(leavers)
    leaver = data.draw(st.sampled_from(leavers))
    consumer, group = leaver.consumer, leaver.group
    members = [edge for edge in edges if (edge.consumer, edge.group) == (consumer, group)]
    gone = {id(edge) for edge in members if edge.supplier == leaver.supplier}
    without = changed(case, lambda edge: None if id(edge) in gone else edge)
    item = next(item for item in case.network.items if item.id == consumer)
    written = [value for edge in members for value in (edge.min_up, edge.full_up)]
    written += [item.min_up, item.full_up, item.default_min_up, item.default_full_up]
    share = any(value is not None and value.endswith("%") for value in written)
    may_relax = share and len({edge.weight for edge in members}) > 1
    for judge in JUDGES:
        before, after = judge(case).states, judge(without).states
        assert never_helps(clearly(before), clearly(after)), judge
        assert may_relax or never_helps(before, after), judge


@given(cases(), rising(), st.sampled_from(["min_up", "full_up"]), st.data())
def test_raising_a_threshold_never_helps(
    case: Case, thresholds: tuple[str, str], which: Threshold, data: st.DataObject
) -> None:
    group = data.draw(grouped(case))

    def asking(value: str) -> Case:
        return changed(
            case,
            lambda edge: (
                edge
                if (edge.consumer, edge.group) != group
                else replace(edge, min_up=value)
                if which == "min_up"
                else replace(edge, full_up=value)
            ),
        )

    low, high = thresholds
    for judge in JUDGES:
        assert never_helps(judge(asking(low)).states, judge(asking(high)).states), judge


@given(cases())
def test_the_answer_used_as_seeds_gives_itself(case: Case) -> None:
    for judge in JUDGES:
        first = judge(case)
        seeds = {item: state for item, state in first.states.items() if state >= State.DEGRADED}
        again = judge(replace(case, seeds=seeds, removed=frozenset()))
        assert again.states == first.states, judge


@given(cases(), st.data())
def test_pins_block(case: Case, data: st.DataObject) -> None:
    """A pinned item stays OPERATIONAL, and all others fare as if it needed nothing."""
    free = [item.id for item in case.network.items if item.id not in case.seeds]
    assume(free)
    pins = data.draw(st.frozensets(st.sampled_from(free), min_size=1, max_size=3))
    independent = changed(replace(case, pins=frozenset()), lambda edge: None if edge.consumer in pins else edge)
    for judge in JUDGES:
        pinned, free_of_needs = judge(replace(case, pins=pins)), judge(independent)
        assert {pinned.states[item] for item in pins} == {State.OPERATIONAL}, judge
        assert pinned.states == free_of_needs.states, judge
        assert pinned.paths == free_of_needs.paths, judge


@given(cases())
def test_every_path_leads_back_to_a_seed_that_explains_it(case: Case) -> None:
    for judge in JUDGES:
        verdict = judge(case)
        assert set(verdict.order) == {item for item, state in verdict.states.items() if state > State.OPERATIONAL}
        for item in verdict.order:
            path = verdict.paths[item]
            ends = [item, *(step.supplier for step in path)]
            assert [step.consumer for step in path] == ends[:-1], judge
            assert len(path) == verdict.distances[item], judge
            assert case.seeds[ends[-1]] == verdict.states[ends[-1]], judge
            assert all(step.supplier in verdict.causes[step.consumer] for step in path), judge
