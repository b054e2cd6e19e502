"""The arithmetic: outcomes to counts, counts to scores, for the whole estate or any part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from knockon.itsm.health.checks import Check
    from knockon.itsm.health.ground import Outcome


class Tally(NamedTuple):
    """How much was asked, how much of that is missed, and by how many CIs."""

    asked: int
    missed: int
    failing: int

    @property
    def met(self) -> int:
        return self.asked - self.missed

    @property
    def score(self) -> float | None:
        """Give the percentage that is met; None where nothing was asked."""
        return 100 * self.met / self.asked if self.asked else None


@dataclass(frozen=True)
class Result:
    """What a check found: columns by the place of a CI, and what is known of no CI, each with its reason."""

    check: Check
    asked: Any
    missed: Any
    because: Mapping[int, str]
    loose: Tally
    loose_because: str

    @classmethod
    def of(cls, check: Check, outcomes: Iterable[Outcome], number: Mapping[str, int]) -> Result:
        """Add outcomes up; several of one CI count together."""
        asked, missed = np.zeros(len(number), np.int64), np.zeros(len(number), np.int64)
        because: dict[int, str] = {}
        loose, loose_because = [0, 0], ""
        for id_, more_asked, more_missed, why in outcomes:
            if id_ == "":
                loose[0] += more_asked
                loose[1] += more_missed
                loose_because = why or loose_because
                continue
            place = number[id_]
            asked[place] += more_asked
            if more_missed:
                missed[place] += more_missed
                because[place] = f"{because[place]}; {why}" if place in because else why
        return cls(check, asked, missed, because, Tally(loose[0], loose[1], 0), loose_because)

    def tally(self, places: Any | None = None) -> Tally:
        """Count for the CIs at these places, each once; None: for everything, also what is known of no CI."""
        if places is None:
            asked, missed = int(self.asked.sum()), int(self.missed.sum())
            return Tally(asked + self.loose.asked, missed + self.loose.missed, len(self.because))
        missed = self.missed[places]
        return Tally(int(self.asked[places].sum()), int(missed.sum()), int(np.count_nonzero(missed)))

    def failing(self, places: Any | None = None) -> list[int]:
        """Give the places of the CIs that miss something, in order."""
        found = self.missed if places is None else self.missed[places]
        where = np.flatnonzero(found)
        return [int(each) for each in (where if places is None else np.asarray(places)[where])]


def weighted(parts: Sequence[tuple[int, float | None]]) -> float | None:
    """Give the mean of scores by weight; one that is None has no part in it, and of none there is none."""
    known = [(weight, score) for weight, score in parts if score is not None]
    total = sum(weight for weight, _ in known)
    return sum(weight * score for weight, score in known) / total if total else None


def area_scores(tallies: Sequence[tuple[Check, Tally]]) -> dict[str, float | None]:
    """Give the score of each area, in the order of its first check."""
    parts: dict[str, list[tuple[int, float | None]]] = {}
    for check, tally in tallies:
        parts.setdefault(check.area, []).append((check.weight, tally.score))
    return {area: weighted(each) for area, each in parts.items()}


def overall(areas: Mapping[str, float | None]) -> float | None:
    """Give the score over all areas, which count alike."""
    return weighted([(1, score) for score in areas.values()])
