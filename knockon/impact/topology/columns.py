"""The columns that a topology is laid out in."""

from __future__ import annotations

from typing import Any, NamedTuple

# The columns of ``terms``, TERMS for each group: what a group is.
OWNER, TOTAL, MIN_UP, FULL_UP, FIRST, END, TERMS = 0, 1, 2, 3, 4, 5, 6


class Graph(NamedTuple):
    """Arcs in order of supplier, then consumer; and redundancy groups in order of consumer, then name.

    ``effect`` packs an effect map into a byte: ``(effect >> 2 * state) & 3``. ``group`` is -1 for a
    plain supplier. ``member`` lists the arcs of each group, heaviest first, from FIRST to END.
    """

    start: Any  # item -> its first arc; one longer than the items
    supplier: Any
    consumer: Any
    effect: Any
    group: Any
    weight: Any
    terms: Any
    member: Any
