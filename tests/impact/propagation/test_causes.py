"""The causes of all at once are those of each by itself, and so are the sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given, settings

from knockon.impact.propagation.causes import causes_of
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.propagation.explanation import Explanations, explain
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact.networks import Case, cases
from tests.impact.propagation.test_worsening import differences

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation


def alike(found: Evaluation) -> None:
    topology, causes = found.topology, causes_of(found)
    said = Explanations(found, lambda number: topology.ids[number])
    assert [topology.ids[each] for each in causes.row] == found.settled()
    for number, row in causes.row.items():
        id_ = topology.ids[number]
        step = (causes.arc[row], causes.signature[row])
        assert (None if causes.arc[row] < 0 else step) == found.step(number)
        assert State(causes.states[row]) is found.state(id_)
        assert said.because(number) == explain(found, id_)
        if causes.arc[row] >= 0:
            assert causes.supplier[row] == topology.graph.supplier[causes.arc[row]]
            assert causes.group[row] == topology.graph.group[causes.arc[row]]


@settings(max_examples=scaled(300))
@given(cases())
def test_the_causes_of_all_are_those_of_each(case: Case) -> None:
    alike(evaluate(Topology.of(case.network), case.seeds, pins=case.pins, removed=case.removed))


@settings(max_examples=scaled(200))
@given(differences())
def test_so_they_are_where_something_is_known_already(case: tuple[Evaluation, Evaluation, dict[str, State]]) -> None:
    before, after, _ = case
    alike(after.since(before))
