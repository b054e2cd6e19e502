"""Starvation, against its definition: demand reached it before, does not reach it now, and it is not DOWN."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.propagation.starvation import Starvation
from knockon.impact.topology.network import Network
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.impact.networks import Case, cases, needs, network_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.impact.propagation.evaluation import Evaluation


def calls(network: Network) -> set[tuple[str, str]]:
    """Who calls whom, as stored: the source of a demand edge calls its target."""
    return {
        (edge.supplier, edge.consumer) if edge.reversed else (edge.consumer, edge.supplier)
        for edge in network.dependencies
        if edge.type_name in {"DEPENDS_ON", "ROUTES_TO"}
    }


def demanded(network: Network, evaluation: Evaluation, roots: Collection[str]) -> set[str]:
    """What demand reaches: the roots, and what anything reached that is not DOWN calls."""
    found = set(roots)
    for _ in network.items:
        found |= {
            called
            for caller, called in calls(network)
            if caller in found and evaluation.state(caller) is not State.DOWN
        }
    return found


def marked(topology: Topology, ids: Collection[str]) -> Any:
    """Tell of each item whether it is among these."""
    return np.array([each in ids for each in topology.ids], bool)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Case, Evaluation, Evaluation, frozenset[str]]:
    case = draw(cases())
    names = draw(st.sampled_from([("DEPENDS_ON", "MEMBER_OF"), ("DEPENDS_ON", "ROUTES_TO"), ("RUNS_ON", "ROUTES_TO")]))
    turned = dict(zip(("DEPENDS_ON", "MEMBER_OF"), names, strict=True))
    edges = [replace(edge, type_name=turned[edge.type_name]) for edge in case.network.dependencies]
    network = Network(case.network.items, edges)
    topology = Topology.of(network)
    ids = st.sampled_from([item.id for item in network.items])
    known = draw(st.dictionaries(ids, st.just(State.DOWN), max_size=1))
    known = {each: state for each, state in known.items() if each not in case.pins}
    before = evaluate(topology, known, pins=case.pins)
    after = evaluate(topology, {**case.seeds, **known}, pins=case.pins)
    return replace(case, network=network), before, after, draw(st.frozensets(ids, max_size=4))


@given(questions())
def test_starved_is_what_demand_no_longer_reaches(
    question: tuple[Case, Evaluation, Evaluation, frozenset[str]],
) -> None:
    case, before, after, roots = question
    served = demanded(case.network, before, roots)
    expected = {each for each in served - demanded(case.network, after, roots) if after.state(each) is not State.DOWN}
    found = Starvation(before, after, marked(after.topology, roots)).starved()
    assert {each.id for each in found} == expected
    order = {item.id: item.order for item in case.network.items}
    assert [each.id for each in found] == sorted(expected, key=order.__getitem__)
    for each in found:
        callers = {caller for caller, called in calls(case.network) if called == each.id}
        assert set(each.callers) == {caller for caller in callers if before.state(caller) is not State.DOWN}
        assert each.callers


@given(questions(), st.data())
def test_only_the_undecided_can_change_the_answer(
    question: tuple[Case, Evaluation, Evaluation, frozenset[str]], data: st.DataObject
) -> None:
    _, before, after, roots = question
    sure = frozenset(data.draw(st.sets(st.sampled_from(sorted(roots))))) if roots else roots
    starvation = Starvation(before, after, marked(after.topology, sure))
    some = starvation.starved(sorted(roots & set(starvation.undecided())))
    every = Starvation(before, after, marked(after.topology, roots)).starved()
    assert [each.id for each in some] == [each.id for each in every]


def test_a_database_that_only_a_failed_application_calls_is_starved() -> None:
    network = network_of(
        *needs("shop", "web"),
        *needs("web", "db", "mail"),
        *needs("wiki", "mail"),
        *needs("web", "host", type_name="RUNS_ON"),
    )
    topology = Topology.of(network)
    shop, both = (
        Starvation(evaluate(topology, {}), evaluate(topology, {"host": State.DOWN}), marked(topology, roots))
        for roots in ({"shop"}, {"shop", "wiki"})
    )
    assert shop.undecided() == ["db", "mail", "wiki"]
    assert [(each.id, each.callers) for each in both.starved()] == [("db", ("web",))]
    assert [each.id for each in shop.starved()] == ["db", "mail"]
    assert shop.starved(["wiki"]) == both.starved()
