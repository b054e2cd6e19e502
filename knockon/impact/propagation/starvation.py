"""Starvation: what sees no traffic any more because whatever called it is down, though nothing is wrong with it.

Demand flows along DEPENDS_ON and ROUTES_TO as they are stored, from the caller to what it calls. It
begins at the demand roots, and what is DOWN passes none on. An item is starved if demand reached it
before, does not reach it now, and it is not DOWN itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.impact.topology.rows import entries
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topology import Topology

DEMAND_TYPES = frozenset({"DEPENDS_ON", "ROUTES_TO"})
_STRAIGHT, _TURNED = 1, 2  # a demand edge whose caller is the consumer, or the supplier, of its arc


@dataclass(frozen=True, slots=True)
class Starved:
    """A starved item, and who called it before, by id, in order: each is DOWN now, or no demand reaches it."""

    id: str
    callers: tuple[str, ...]


class Starvation:
    """What one difference does to demand. Linear in the demand around what fell silent, not in the estate."""

    def __init__(self, before: Evaluation, after: Evaluation) -> None:
        """Take two evaluations of one topology, ``after`` with more failed than ``before``."""
        self._topology = after.topology
        self._calls = _Calls(self._topology)
        self._before_down, self._after_down = _down(before), _down(after)
        silenced = np.flatnonzero(self._after_down & ~self._before_down)
        called = self._calls.called(silenced, self._before_down)
        self._suspects = called[~self._after_down[called]]
        """What was called, over however many steps, by what fell silent: nothing else can be starved."""

    @property
    def possible(self) -> bool:
        """Tell whether anything can be starved at all."""
        return len(self._suspects) > 0

    def undecided(self, roots: Any) -> list[str]:
        """List, in order, whatever has to be known to be a root or not, beyond ``roots``; empty if it changes nothing.

        ``roots`` has a truth for each item, by number.

        These are the callers left, over however many steps, of what something that fell silent called and no root
        reaches now; and all callers before of those among it that no root is known to have reached at all.
        """
        suspects = self._unserved(self._suspects, roots, self._after_down)
        asked = self._calls.callers(suspects, self._after_down)
        unserved = self._unserved(suspects, roots, self._before_down)
        asked = np.union1d(asked, self._calls.callers(unserved, self._before_down))
        return [self._topology.ids[number] for number in asked[~roots[asked]].tolist()]

    def starved(self, roots: Any) -> list[Starved]:
        """List what is starved, in order, if demand begins at ``roots``, as in ``undecided``, and nowhere else."""
        silent = self._unserved(self._suspects, roots, self._after_down)
        starved = np.setdiff1d(silent, self._unserved(silent, roots, self._before_down))
        ids = self._topology.ids
        return [
            Starved(ids[number], tuple(ids[each] for each in self._calls.direct(number, self._before_down)))
            for number in starved.tolist()
        ]

    def _unserved(self, suspects: Any, roots: Any, silent: Any) -> Any:
        """Give those that no root reaches; whoever reaches one is among its callers, so no one else is looked at."""
        callers = self._calls.callers(suspects, silent)
        served = self._calls.called(callers[roots[callers]], silent, within=callers)
        return np.setdiff1d(suspects, served)


class _Calls:
    """Who calls whom, as the arcs of a topology say."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        demand = [each.type_name in DEMAND_TYPES for each in topology.signatures]
        self._ways = np.array(
            [
                (_TURNED if each.reversed else _STRAIGHT) if counts else 0
                for each, counts in zip(topology.signatures, demand, strict=True)
            ],
            np.uint8,
        )
        self._folded = np.array(sorted(topology.folded), np.int64)

    def called(self, starts: Any, silent: Any, within: Any = None) -> Any:
        """Give what these call over however many steps, themselves too; what is silent calls nothing."""
        return self._walked(starts, silent, forward=True, within=within)

    def callers(self, starts: Any, silent: Any) -> Any:
        """Give who calls these over however many steps, themselves too; what is silent calls nothing."""
        return self._walked(starts, silent, forward=False)

    def direct(self, number: int, silent: Any) -> list[int]:
        """List who calls one, in order."""
        found = np.unique(self._steps(np.array([number]), forward=False))
        callers: list[int] = found[~silent[found]].tolist()
        return callers

    def _walked(self, starts: Any, silent: Any, *, forward: bool, within: Any = None) -> Any:
        seen = np.zeros(len(self._topology.ids), bool)
        if within is not None:
            seen[:] = True
            seen[within] = False
        level = np.unique(starts)
        found = [level]
        seen[level] = True
        while len(level):
            level = self._steps(level[~silent[level]] if forward else level, forward=forward)
            level = np.unique(level[~(seen[level] if forward else seen[level] | silent[level])])
            seen[level] = True
            found.append(level)
        return np.sort(np.concatenate(found))

    def _steps(self, numbers: Any, *, forward: bool) -> Any:
        """Give the other ends of all calls of, or to, some items."""
        graph, needs, starts = self._topology.graph, self._topology.needs, self._topology.needs_start
        as_consumer = needs[entries(starts, numbers)]
        as_supplier = entries(graph.start, numbers)
        own, other = (_STRAIGHT, _TURNED) if forward else (_TURNED, _STRAIGHT)
        return np.concatenate((
            graph.supplier[as_consumer[self._way(as_consumer) & own > 0]],
            graph.consumer[as_supplier[self._way(as_supplier) & other > 0]],
        ))  # fmt: skip

    def _way(self, arcs: Any) -> Any:
        """Tell for each arc which way it calls, if at all; one that stands for several may do both."""
        found = self._ways[self._topology.signature[arcs]]
        if len(self._folded):
            for place in np.flatnonzero(np.isin(arcs, self._folded)).tolist():
                for code in self._topology.folded[int(arcs[place])]:
                    found[place] |= self._ways[code]
        return found


def _down(evaluation: Evaluation) -> Any:
    topology = evaluation.topology
    found = np.zeros(len(topology.ids), bool)
    found[evaluation.numbers(State.DOWN)] = True
    return found
