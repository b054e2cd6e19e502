"""How the numbers of items move when some go and others come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class Renumbering:
    """Some items go, others come; those that stay keep their order among themselves.

    ``map`` gives the new number of each old one, -1 where it went; ``come`` the new numbers of ``ids``.
    """

    keep: Any
    come: Any
    ids: Sequence[str]
    map: Any

    @classmethod
    def of(cls, size: int, gone: Sequence[int], come: Sequence[tuple[int, str]]) -> Renumbering:
        """Let the numbers ``gone`` go, and ids come in before given old numbers, in the order that they then have."""
        keep = np.ones(size, bool)
        keep[np.array(gone, np.int64)] = False
        kept_before = np.concatenate(([0], np.cumsum(keep)))
        fresh = kept_before[np.array([before for before, _ in come], np.int64)] + np.arange(len(come))
        moved = np.full(size, -1, np.int32)
        staying = np.ones(int(kept_before[-1]) + len(come), bool)
        staying[fresh] = False
        moved[keep] = np.flatnonzero(staying)
        return cls(keep, fresh, [each for _, each in come], moved)

    @property
    def size(self) -> int:
        """How many items there are now."""
        return int(np.count_nonzero(self.keep)) + len(self.come)

    def merged(self, kept: Any, come: Any) -> Any:
        """Put the values of those that came between those of the kept."""
        return merge(kept, come, self.come)

    def merged_list(self, kept: Sequence[Any], come: Sequence[Any]) -> list[Any]:
        """As ``merged``, of any values."""
        found: list[Any] = [None] * self.size
        fresh = set(self.come.tolist())
        for place, value in zip((n for n in range(self.size) if n not in fresh), kept, strict=True):
            found[place] = value
        for place, value in zip(self.come.tolist(), come, strict=True):
            found[place] = value
        return found


def merge(kept: Any, come: Any, places: Any) -> Any:
    """Give both in one array, ``come`` at these places of it, in rising order."""
    if not len(come):
        return kept
    return np.insert(kept, places - np.arange(len(places)), come, axis=0)
