"""Rows of a topology's columns: what stands for many items at once, and walks over them, a level at a time."""

from __future__ import annotations

from typing import Any

import numpy as np


def entries(start: Any, rows: Any) -> Any:
    """Give the places that belong to these rows, one row after the other; row n is from ``start[n]`` on.

    Linear in what it gives, whatever there is besides.
    """
    first = start[rows].astype(np.int64)
    lengths = start[rows + 1] - first
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(first - ends + lengths, lengths)


def among(numbers: Any, others: Any, size: int) -> Any:
    """Tell of each number whether it is one of the others; all are below ``size``. Linear, without sorting."""
    mark = np.zeros(size, bool)
    mark[others] = True
    return mark[numbers]


class Seen:
    """Which items a walk has seen, a truth for each; those that are barred count as seen from the start."""

    def __init__(self, barred: Any) -> None:
        self.mask = barred.copy()
        self._place = np.empty(len(barred), np.int32)

    def new(self, numbers: Any) -> Any:
        """Give those that were not seen yet, each once, and see them. Linear in what it is given, without sorting."""
        numbers = numbers[~self.mask[numbers]]
        places = np.arange(len(numbers), dtype=np.int32)
        self._place[numbers] = places  # of equal ones the last written stays
        numbers = numbers[self._place[numbers] == places]
        self.mask[numbers] = True
        return numbers
