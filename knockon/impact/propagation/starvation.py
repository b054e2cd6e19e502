"""Starvation: what sees no traffic any more because whatever called it is down, though nothing is wrong with it.

Demand flows along DEPENDS_ON and ROUTES_TO as they are stored, from the caller to what it calls. It
begins at the demand roots, and what is DOWN passes none on. An item is starved if demand reached it
before, does not reach it now, and it is not DOWN itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from knockon.impact.topology.supports import reach
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topology import Topology

DEMAND_TYPES = frozenset({"DEPENDS_ON", "ROUTES_TO"})


class _Calls(NamedTuple):
    """Who calls whom, by number, in order of the caller."""

    caller: Any
    called: Any

    def but_from(self, silent: Any) -> _Calls:
        """Leave out the calls of what is silent."""
        kept = ~silent[self.caller]
        return _Calls(self.caller[kept], self.called[kept])

    def turned(self) -> _Calls:
        """Turn every call round."""
        order = np.argsort(self.called, kind="stable")
        return _Calls(self.called[order], self.caller[order])


_KEPT: WeakKeyDictionary[Topology, _Calls] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Starved:
    """A starved item, and who called it before, by id, in order: each is DOWN now, or no demand reaches it."""

    id: str
    callers: tuple[str, ...]


class Starvation:
    """What one difference does to demand; every question is linear in the estate."""

    def __init__(self, before: Evaluation, after: Evaluation) -> None:
        """Take two evaluations of one topology, ``after`` with more failed than ``before``."""
        self._topology = after.topology
        calls = _calls(self._topology)
        self._before_down, self._after_down = _down(before), _down(after)
        self._before = calls.but_from(self._before_down)
        self._after = calls.but_from(self._after_down)

    def undecided(self, roots: Collection[str]) -> list[str]:
        """List, in order, whatever has to be known to be a root or not, beyond ``roots``; empty if it changes nothing.

        These are the callers left, over however many steps, of what something that fell silent called and no root
        reaches now; and all callers before of those among it that no root is known to have reached at all.
        """
        suspects = (
            self._reached(self._before, np.flatnonzero(self._after_down & ~self._before_down)) & ~self._after_down
        )
        if not suspects.any():
            return []
        known = self._numbers(roots)
        suspects &= ~self._reached(self._after, known)
        if not suspects.any():
            return []
        asked = self._reached(self._after.turned(), np.flatnonzero(suspects))
        unserved = suspects & ~self._reached(self._before, known)
        if unserved.any():
            asked |= self._reached(self._before.turned(), np.flatnonzero(unserved))
        return [id_ for id_ in self._named(asked) if id_ not in roots]

    def starved(self, roots: Collection[str]) -> list[Starved]:
        """List what is starved, in order, if demand begins at ``roots`` and nowhere else."""
        known = self._numbers(roots)
        served = self._reached(self._before, known)
        numbers = np.flatnonzero(served & ~self._reached(self._after, known) & ~self._after_down)
        ids, back = self._topology.ids, self._before.turned()
        begins, ends = (np.searchsorted(back.caller, places).tolist() for places in (numbers, numbers + 1))
        return [
            Starved(
                ids[number],
                tuple(ids[each] for each in sorted(set(back.called[begin:end].tolist()))),
            )
            for number, begin, end in zip(numbers.tolist(), begins, ends, strict=True)
        ]

    def _named(self, chosen: Any) -> list[str]:
        return [self._topology.ids[number] for number in np.flatnonzero(chosen).tolist()]

    def _numbers(self, ids: Iterable[str]) -> list[int]:
        return self._topology.ids.numbers(list(ids))

    def _reached(self, calls: _Calls, starts: Any) -> Any:
        """Tell of each item whether calls lead to it; the starts are reached."""
        size = len(self._topology.ids)
        rows = np.searchsorted(calls.caller, np.arange(size + 1)).astype(np.int32)
        distance, _, _ = reach(self._topology, starts, rows, calls.called, calls.caller)
        return distance >= 0


def _down(evaluation: Evaluation) -> Any:
    topology = evaluation.topology
    found = np.zeros(len(topology.ids), bool)
    found[evaluation.numbers(State.DOWN)] = True
    return found


def _calls(topology: Topology) -> _Calls:
    """Give the demand among an estate's dependencies; it is kept as long as the topology."""
    if topology not in _KEPT:
        _KEPT[topology] = _found_calls(topology)
    return _KEPT[topology]


def _found_calls(topology: Topology) -> _Calls:
    graph, signatures = topology.graph, topology.signatures
    demand = np.array([each.type_name in DEMAND_TYPES for each in signatures], bool)
    turned = np.array([each.reversed for each in signatures], bool)
    folded = [(arc, code) for arc, codes in topology.folded.items() for code in codes]
    more = np.array(folded, np.int64).reshape(-1, 2)
    arcs = np.concatenate((np.arange(len(graph.consumer)), more[:, 0]))
    codes = np.concatenate((topology.signature, more[:, 1])).astype(np.int64)
    kept = demand[codes] if len(codes) else np.zeros(0, bool)
    arcs, codes = arcs[kept], codes[kept]
    consumer, supplier = graph.consumer[arcs], graph.supplier[arcs]
    caller = np.where(turned[codes], supplier, consumer) if len(codes) else consumer
    called = np.where(turned[codes], consumer, supplier) if len(codes) else supplier
    order = np.argsort(caller, kind="stable")
    return _Calls(caller[order].astype(np.int32), called[order].astype(np.int32))
