"""How far items are from several starts, each by itself, measured for all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.impact.topology.rows import Seen, entries

if TYPE_CHECKING:
    from collections.abc import Sequence


def distances(items: Any, consumer: Any, supplier: Any, starts: Sequence[int]) -> Any:
    """Count the fewest steps from each start, a row, to each of the items, a column; -1 where no steps lead there.

    A step leads from a consumer to its supplier. Starts and ends are among the items, which are sorted. Linear in what
    is reached from each start, and in the size of the table.
    """
    width = len(items)
    consumer, supplier = np.searchsorted(items, consumer), np.searchsorted(items, supplier)
    ranked = np.argsort(consumer, kind="stable")
    first, supplier = np.searchsorted(consumer[ranked], np.arange(width + 1)), supplier[ranked]
    found = np.full(len(starts) * width, -1, np.int32)
    seen = Seen(np.zeros(len(found), bool))
    level = seen.new(np.arange(len(starts)) * width + np.searchsorted(items, starts))
    steps = 0
    while len(level):
        found[level] = steps
        steps += 1
        item = level % width
        level = seen.new(np.repeat(level - item, first[item + 1] - first[item]) + supplier[entries(first, item)])
    return found.reshape(-1, width)
