"""The oracle and the two kernels of the engine behind one face, so that every law and case is asked of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.topology.topology import Topology
from tests.impact import oracle
from tests.impact.oracle import Step, Survivor, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.impact.networks import Case

    Judge = Callable[[Case], Verdict]


def by_oracle(case: Case) -> Verdict:
    return oracle.judge(case.network, case.seeds, case.pins, case.removed)


def interpreted(case: Case) -> Verdict:
    return by_engine(case, compiled=False)


def compiled(case: Case) -> Verdict:
    return by_engine(case, compiled=True)


JUDGES: list[Judge] = [by_oracle, interpreted, compiled]


def by_engine(case: Case, *, compiled: bool | None) -> Verdict:
    """The engine's evaluation in the oracle's words."""
    network = case.network
    found = evaluate(Topology.of(network), case.seeds, pins=case.pins, removed=case.removed, compiled=compiled)
    hit = found.settled()
    return Verdict(
        states={item.id: found.state(item.id) for item in network.items},
        order=list(hit),
        distances={item: found.distance(item) for item in hit},
        paths={
            item: tuple(Step(edge.consumer, edge.supplier, edge.type_name) for edge in found.path(item)) for item in hit
        },
        causes={item: frozenset(found.causes(item)) for item in hit},
        survivors=frozenset(
            Survivor(**{field: getattr(survivor, field) for field in Survivor._fields})
            for survivor in found.survivors()
        ),
    )
