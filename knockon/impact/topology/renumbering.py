"""How numbers move when some entries of a row go and others come in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

FEW = 16
"""Steps up to which numbers are moved step by step; beyond, a table of all numbers is faster."""
BLOCK = 1 << 16  # numbers that are moved at a time, so that they stay in the processor's cache


class Piece(NamedTuple):
    """A run of entries as they stand one after the other now; ``fresh``: of those that came, else of the old ones."""

    first: int
    end: int
    fresh: bool = False


@dataclass(frozen=True, eq=False)
class Renumbering:
    """Some entries go, others come; those that stay keep their order among themselves.

    ``gone`` are old numbers, rising. ``before`` says of each that comes which old number it comes before (``size``: at
    the end), rising too; several before one number stay in their order. Where few come and go, everything is
    copied in whole runs, at the speed of memory. ``ids`` are of the items that come.
    """

    size: int
    gone: Any
    before: Any
    ids: Sequence[str] = ()

    @classmethod
    def of(cls, size: int, gone: Collection[int], come: Sequence[tuple[int, str]]) -> Renumbering:
        """Let the numbers ``gone`` go, and ids come in before given old numbers, in the order that they then have."""
        before = np.array([number for number, _ in come], np.int64)
        return cls(size, np.array(sorted(gone), np.int64), before, [each for _, each in come])

    @cached_property
    def come(self) -> Any:
        """The new numbers of those that come."""
        return self.before - np.searchsorted(self.gone, self.before) + np.arange(len(self.before))

    @cached_property
    def pieces(self) -> list[Piece]:
        """What stands where now, in as few runs as there are."""
        found: list[Piece] = []
        done = first = 0  # of the old ones, and of those that come
        last = np.searchsorted(self.before, self.gone, side="right").tolist()
        for gone, end in [*zip(self.gone.tolist(), last, strict=True), (self.size, len(self.before))]:
            while first < end:
                place = int(self.before[first])
                next_ = int(np.searchsorted(self.before, place, side="right"))
                found += [Piece(done, place), Piece(first, next_, fresh=True)]
                done, first = place, next_
            found.append(Piece(done, gone))
            done = gone + 1
        return [each for each in found if each.first < each.end]

    def column(self, old: Any, come: Any) -> Any:
        """Give a column of the old entries as it is now, with these values of those that come."""
        if not len(self.gone) and not len(self.before):
            return old
        come = np.asarray(come, old.dtype)
        pieces = [(come if fresh else old)[first:end] for first, end, fresh in self.pieces]
        return np.concatenate(pieces) if pieces else old[:0].copy()

    def moved(self, numbers: Any) -> Any:
        """Give the new numbers of old ones that stay, and anything for those that go; -1 stays -1."""
        steps = self._steps
        if not len(steps[0]):
            return numbers
        if len(steps[0]) > FEW:
            found = self._table[numbers]
            return found.astype(numbers.dtype, copy=False)
        found = np.empty_like(numbers)
        for first in range(0, len(numbers), BLOCK):
            block, own = numbers[first : first + BLOCK], found[first : first + BLOCK]
            own[:] = block
            for at, by in zip(*steps, strict=True):
                own += (block >= at) * by
        return found

    def old(self, numbers: Any) -> tuple[Any, Any]:
        """Give the old numbers of new ones, and whether each was there; of one that came, what it came before."""
        rank = np.searchsorted(self.come, numbers)
        fresh = np.isin(numbers, self.come)
        kept = numbers - rank
        found = kept + np.searchsorted(self.gone - np.arange(len(self.gone)), kept, side="right")
        found[fresh] = self.before[rank[fresh]]
        return found, ~fresh

    @cached_property
    def _steps(self) -> tuple[Any, Any]:
        """From which old numbers on by how much more the new ones are."""
        at, place = np.unique(np.concatenate((self.gone + 1, self.before)), return_inverse=True)
        by = np.zeros(len(at), np.int64)
        np.add.at(by, place, np.repeat([-1, 1], [len(self.gone), len(self.before)]))
        counts = (by != 0) & (at < self.size)
        return at[counts].astype(np.int32), by[counts].astype(np.int32)

    @cached_property
    def _table(self) -> Any:
        at, by = self._steps
        shift = np.zeros(self.size, np.int32)
        shift[at] = by
        moved = np.arange(self.size, dtype=np.int32) + np.cumsum(shift, dtype=np.int32)
        return np.append(moved, np.int32(-1))  # for -1
