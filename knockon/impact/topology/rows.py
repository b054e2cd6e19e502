"""Rows of a topology's columns: what stands for many items at once."""

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
