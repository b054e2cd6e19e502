"""What a question for the health of the estate is answered with, the same for command line and API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.itsm.formats.sheet import Sheet
from knockon.itsm.values import ci_json

if TYPE_CHECKING:
    from knockon.itsm.health.checks import Check
    from knockon.itsm.health.scoring import Tally
    from knockon.itsm.values import Ci


@dataclass(frozen=True, slots=True)
class CheckScore:
    """What one check says of what was asked about. It passes where nothing was asked."""

    check: Check
    tally: Tally
    needed: float

    @property
    def passes(self) -> bool:
        """Tell whether enough is met, exactly."""
        return 100 * self.tally.met >= self.needed * self.tally.asked


@dataclass(frozen=True, slots=True)
class AreaScore:
    """One area: its score is None where nothing was asked."""

    name: str
    score: float | None
    checks: tuple[CheckScore, ...]


@dataclass(frozen=True, slots=True)
class PartScore:
    """The health of one class, or of the CIs of one service or owner (``ci``)."""

    name: str
    ci: Ci | None
    cis: int
    score: float | None
    areas: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A check that could not be made."""

    name: str
    because: str


@dataclass(frozen=True, slots=True)
class Before:
    """Scores of a past revision beside today's, from those checks alone that could be made then; ``name`` as asked.

    ``scores`` and ``today`` are by area; ``checks`` are those of then, by name.
    """

    name: str
    revision: int
    as_of: str
    cis: int
    score: float | None
    score_today: float | None
    scores: dict[str, float | None]
    today: dict[str, float | None]
    checks: dict[str, Tally]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """The health of the estate, or of a part of it, at a revision and as of a moment."""

    revision: int
    as_of: str
    about: str
    cis: int
    score: float | None
    areas: tuple[AreaScore, ...]
    parts: tuple[PartScore, ...]
    by: str
    truncated: bool
    left_out: tuple[LeftOut, ...]
    against: Before | None = None
    trend: tuple[Before, ...] | None = None

    @property
    def checks(self) -> list[CheckScore]:
        return [each for area in self.areas for each in area.checks]

    @property
    def passes(self) -> bool:
        return all(each.passes for each in self.checks)


@dataclass(frozen=True, slots=True)
class Failing:
    """A CI that misses something of a check; ``ci`` is None for relationships of which neither end is known."""

    ci: Ci | None
    asked: int
    missed: int
    because: str


@dataclass(frozen=True, slots=True)
class FailingAnswer:
    """The CIs behind a number: ``failing`` are the first of ``score.tally.failing``."""

    revision: int
    as_of: str
    about: str
    score: CheckScore
    failing: tuple[Failing, ...]
    truncated: bool


def percent(score: float | None) -> float | None:
    """Round a score down to a tenth of a percent, so that 100 means that nothing is missed."""
    return None if score is None else int(score * 10 + 1e-9) / 10


def check_json(each: CheckScore) -> dict[str, Any]:
    """Give the JSON form of what a check says."""
    return {
        "name": each.check.name, "area": each.check.area, "score": percent(each.tally.score), "met": each.tally.met,
        "asked": each.tally.asked, "failing": each.tally.failing, "needed": each.needed, "passes": each.passes,
        "says": each.check.says,
    }  # fmt: skip


def health_json(answer: HealthAnswer) -> dict[str, Any]:
    """Give the JSON form of the health of the estate."""
    areas = [
        {"name": area.name, "score": percent(area.score), "checks": [check_json(each) for each in area.checks]}
        for area in answer.areas
    ]
    parts = [
        {
            **(ci_json(part.ci) if part.ci else {"name": part.name}), "cis": part.cis, "score": percent(part.score),
            "areas": {name: percent(score) for name, score in part.areas.items()},
        }
        for part in answer.parts
    ]  # fmt: skip
    return {
        "revision": answer.revision, "asOf": answer.as_of, "about": answer.about, "cis": answer.cis,
        "score": percent(answer.score), "passes": answer.passes, "areas": areas, "by": answer.by, "parts": parts,
        "truncated": answer.truncated,
        "leftOut": _left_out_json(answer.left_out),
        **({"against": _before_json(answer.against)} if answer.against else {}),
        **({"trend": [_before_json(each) for each in answer.trend]} if answer.trend is not None else {}),
    }  # fmt: skip


def _before_json(before: Before) -> dict[str, Any]:
    areas = [
        {"name": name, "score": percent(score), "scoreToday": percent(before.today[name])}
        for name, score in before.scores.items()
    ]
    checks = [
        {"name": name, "score": percent(tally.score), "met": tally.met, "asked": tally.asked, "failing": tally.failing}
        for name, tally in before.checks.items()
    ]
    return {
        "name": before.name, "revision": before.revision, "asOf": before.as_of, "cis": before.cis,
        "score": percent(before.score), "scoreToday": percent(before.score_today), "areas": areas, "checks": checks,
        "leftOut": _left_out_json(before.left_out),
    }  # fmt: skip


def _left_out_json(left_out: tuple[LeftOut, ...]) -> list[dict[str, str]]:
    return [{"name": each.name, "because": each.because} for each in left_out]


def failing_json(answer: FailingAnswer) -> dict[str, Any]:
    """Give the JSON form of the CIs behind a number."""
    return {
        "revision": answer.revision, "asOf": answer.as_of, "about": answer.about, **check_json(answer.score),
        "cis": [
            {
                **(ci_json(each.ci) if each.ci else {}), "asked": each.asked, "missed": each.missed,
                "because": each.because,
            }
            for each in answer.failing
        ],
        "truncated": answer.truncated,
    }  # fmt: skip


def health_sheet(answer: HealthAnswer) -> Sheet:
    """Give a line for each check."""
    head = ("area", "check", "score", "met", "asked", "failing", "needed", "passes")
    return Sheet(
        head,
        [
            (
                each.check.area, each.check.name, percent(each.tally.score), each.tally.met, each.tally.asked,
                each.tally.failing, each.needed, "yes" if each.passes else "no",
            )
            for each in answer.checks
        ],
    )  # fmt: skip


def failing_sheet(answer: FailingAnswer) -> Sheet:
    """Give a line for each CI behind a number."""
    rows = [
        (*((each.ci.id, each.ci.class_name, each.ci.name) if each.ci else ("", "", "")), each.missed, each.because)
        for each in answer.failing
    ]
    return Sheet(("id", "class", "name", "missed", "because"), rows)
