"""Starvation: what sees no traffic any more because whatever called it is down, though nothing is wrong with it.

Demand flows along DEPENDS_ON and ROUTES_TO as they are stored, from the caller to what it calls. It
begins at the demand roots, and what is DOWN passes none on. An item is starved if demand reached it
before, does not reach it now, and it is not DOWN itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.impact.topology.rows import Seen, among, entries
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topology import Topology

DEMAND_TYPES = frozenset({"DEPENDS_ON", "ROUTES_TO"})
_STRAIGHT, _TURNED = 0, 1  # a demand edge whose caller is the consumer, or the supplier, of its arc
_SIDES = {True: (_STRAIGHT, _TURNED), False: (_TURNED, _STRAIGHT)}
"""Which way an item calls over the arcs by which it needs others, and by which it is needed; and which it is called."""


@dataclass(frozen=True, slots=True)
class Starved:
    """A starved item, and who called it before, by id, in order: each is DOWN now, or no demand reaches it."""

    id: str
    callers: tuple[str, ...]


class Starvation:
    """What one difference does to demand. Linear in the demand around what fell silent, not in the estate."""

    def __init__(self, before: Evaluation, after: Evaluation, roots: Any) -> None:
        """Take two evaluations of one topology, ``after`` with more failed than ``before``.

        Demand begins at ``roots``, which has a truth for each item, by number.
        """
        self._topology = after.topology
        self._calls = _Calls(self._topology)
        self._before_down, self._after_down = _down(before), _down(after)
        self._roots = roots
        silenced = np.flatnonzero(self._after_down & ~self._before_down)
        called = self._calls.called(silenced, self._before_down)
        # what was called, over however many steps, by what fell silent: nothing else can be starved
        self._suspects = called[~self._after_down[called]]
        silent = self._common(self._suspects, self._left_without(self._suspects, self._after_down))
        self._unserved = self._calls.callers(silent, self._after_down)
        self._unserved_before = self._left_without(silent, self._before_down)

    def undecided(self) -> list[str]:
        """List, in order, whatever has to be known to be a root too, or not; empty if it changes nothing.

        These are all that no root reaches now of what something that fell silent called, and of their callers; and all
        that no root is known to have reached at all of the former, and of their callers before.
        """
        asked = np.union1d(self._unserved, self._unserved_before)
        return [self._topology.ids[number] for number in asked.tolist()]

    def starved(self, more: Sequence[str] = ()) -> list[Starved]:
        """List what is starved, in order, if demand begins at these of the undecided too, and nowhere else."""
        ids = self._topology.ids
        roots = np.array(ids.numbers(more), np.int64)
        unserved = self._without(self._unserved, roots, self._after_down)
        before = self._without(self._unserved_before, roots, self._before_down)
        starved = self._rest(self._common(self._suspects, unserved), before)
        return [
            Starved(ids[number], tuple([ids[each] for each in callers]))
            for number, callers in zip(starved.tolist(), self._calls.direct(starved, self._before_down), strict=True)
        ]

    def _left_without(self, suspects: Any, silent: Any) -> Any:
        """Give those of the suspects, and of all who call them, that no root reaches: who calls these is one of them.

        The nearest root, and all between, are found among the callers.
        """
        callers = self._calls.callers(suspects, silent, until=self._roots)
        return self._without(callers, callers[self._roots[callers]], silent)

    def _without(self, unserved: Any, roots: Any, silent: Any) -> Any:
        """Leave out what these roots reach after all."""
        roots = self._common(roots, unserved)
        return self._rest(unserved, self._calls.called(roots, silent, within=unserved)) if len(roots) else unserved

    def _common(self, numbers: Any, others: Any) -> Any:
        return numbers[among(numbers, others, len(self._roots))]

    def _rest(self, numbers: Any, others: Any) -> Any:
        return numbers[~among(numbers, others, len(self._roots))]


class _Calls:
    """Who calls whom, as the arcs of a topology say."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        demand = np.array([each.type_name in DEMAND_TYPES for each in topology.signatures], bool)
        turned = np.array([each.reversed for each in topology.signatures], bool)
        self._ways = demand & ~turned, demand & turned  # by _STRAIGHT and _TURNED, of each signature
        self._folded = np.array(sorted(topology.folded), np.int64)

    def called(self, starts: Any, silent: Any, within: Any = None) -> Any:
        """Give what these call over however many steps, themselves too; what is silent calls nothing."""
        barred = np.full(len(self._topology.ids), within is not None)
        if within is not None:
            barred[within] = False
        return self._walked(starts, barred, lambda level: self._steps(level[~silent[level]], forward=True))

    def callers(self, starts: Any, silent: Any, until: Any = None) -> Any:
        """Give who calls these over however many steps, themselves too; what is silent calls nothing.

        Who calls one of ``until`` is not looked for.
        """

        def step(level: Any) -> Any:
            return self._steps(level if until is None else level[~until[level]], forward=False)

        return self._walked(starts, silent, step)

    def direct(self, numbers: Any, silent: Any) -> Iterator[list[int]]:
        """Give of each who calls it, in order; the numbers are sorted."""
        as_consumer, as_supplier = self._arcs(numbers)
        graph, (own, other) = self._topology.graph, _SIDES[False]
        called = np.concatenate((graph.consumer[as_consumer], graph.supplier[as_supplier]))
        callers = np.concatenate((graph.supplier[as_consumer], graph.consumer[as_supplier]))
        calls = np.concatenate((self._calling(as_consumer, own), self._calling(as_supplier, other)))
        kept = calls & ~silent[callers]
        rows, callers = np.searchsorted(numbers, called[kept]), callers[kept]
        ranked = np.lexsort((callers, rows))
        ends = np.searchsorted(rows[ranked], np.arange(len(numbers) + 1)).tolist()
        found = callers[ranked].tolist()
        return (list(dict.fromkeys(found[first:end])) for first, end in pairwise(ends))

    @staticmethod
    def _walked(starts: Any, barred: Any, step: Callable[[Any], Any]) -> Any:
        """Walk, a level at a time, over what is not barred; the starts are walked from in any case."""
        seen = Seen(barred)
        seen.mask[starts] = False
        level = seen.new(starts)
        found = [level]
        while len(level):
            level = seen.new(step(level))
            found.append(level)
        return np.sort(np.concatenate(found))

    def _steps(self, numbers: Any, *, forward: bool) -> Any:
        """Give the other ends of all calls of, or to, some items."""
        as_consumer, as_supplier = self._arcs(numbers)
        graph, (own, other) = self._topology.graph, _SIDES[forward]
        return np.concatenate((
            graph.supplier[as_consumer[self._calling(as_consumer, own)]],
            graph.consumer[as_supplier[self._calling(as_supplier, other)]],
        ))  # fmt: skip

    def _arcs(self, numbers: Any) -> tuple[Any, Any]:
        """Give the arcs of some items, those by which they need others and those by which they are needed."""
        topology = self._topology
        return topology.needs[entries(topology.needs_start, numbers)], entries(topology.graph.start, numbers)

    def _calling(self, arcs: Any, way: int) -> Any:
        """Tell for each arc whether it calls this way; one that stands for several may do both."""
        found = self._ways[way][self._topology.signature[arcs]]
        if len(self._folded):
            for place in np.flatnonzero(np.isin(arcs, self._folded)).tolist():
                for code in self._topology.folded[int(arcs[place])]:
                    found[place] |= self._ways[way][code]
        return found


def _down(evaluation: Evaluation) -> Any:
    topology = evaluation.topology
    found = np.zeros(len(topology.ids), bool)
    found[evaluation.numbers(State.DOWN)] = True
    return found
