"""What an answer says of each thing: its name, why it is in its state, and by which way; made when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.impact.propagation.explanation import STATES, Explanations
from knockon.itsm.blast_radius.answer import Affected
from knockon.itsm.values import Ci, Step

if TYPE_CHECKING:
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.propagation.explanation import Because
    from knockon.impact.topology.topologies import View


class Reasons:
    """Names, sentences and paths of everything that a failure affects. Things go by number."""

    def __init__(self, view: View, evaluation: Evaluation) -> None:
        self._view = view
        self._said = Explanations(evaluation, lambda number: self.ci(number).name)
        self._causes = self._said.causes
        self._cis: dict[int, Ci] = view.words
        self._paths: dict[int, tuple[Step, ...]] = {}

    def ci(self, number: int) -> Ci:
        """Name something."""
        found = self._cis.get(number)
        if found is None:
            found = self._cis[number] = Ci(self._view.topology.ids[number], *self._view.entities.called(number))
        return found

    def because(self, number: int) -> Because:
        """Say why something is in its state."""
        return self._said.because(number)

    def path(self, number: int) -> tuple[Step, ...]:
        """Give the way back to a seed; ways run together, so each is one step and the rest of another."""
        found, begun, causes = self._paths, [], self._causes
        while number not in found:
            row = causes.row[number]
            if causes.arc[row] < 0:
                found[number] = ()
            else:
                begun.append((number, causes.supplier[row], causes.signature[row]))
                number = causes.supplier[row]
        way = found[number]
        for consumer, supplier, signature in reversed(begun):
            way = found[consumer] = (self._step(consumer, supplier, signature), *way)
        return way

    def _step(self, consumer: int, supplier: int, signature: int) -> Step:
        kind = self._view.topology.signatures[signature]
        one, other = self.ci(consumer), self.ci(supplier)
        return Step(other, kind.type_name, one) if kind.reversed else Step(one, kind.type_name, other)

    def first_steps(self, numbers: list[int]) -> list[tuple[int, int]]:
        """Give the arc and the signature by which each way begins, of those that have one."""
        rows, arcs, signatures = self._causes.row, self._causes.arc, self._causes.signature
        return [(arcs[row], signatures[row]) for row in map(rows.__getitem__, numbers) if arcs[row] >= 0]

    def affected(self, number: int, distance: int) -> Affected:
        """Tell of something that is affected, and how far it is."""
        state = STATES[self._causes.states[self._causes.row[number]]]
        return Affected(self.ci(number), state, distance, self.because(number), self.path(number))
