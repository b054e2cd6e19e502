"""Plans as drawings and as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.itsm.formats.drawing import drawing_of
from knockon.itsm.formats.sheet import Sheet

if TYPE_CHECKING:
    from knockon.itsm.formats.drawing import Drawing, Named
    from knockon.itsm.planning.availability import AvailabilityAnswer
    from knockon.itsm.planning.recovery import RecoveryAnswer
    from knockon.itsm.planning.rolling import RollingAnswer
    from knockon.itsm.planning.what_if import WhatIfAnswer
    from knockon.itsm.values import Ci

_CI = ("id", "class", "name")


def what_if_drawing(answer: WhatIfAnswer) -> Drawing:
    """Draw what fails, and what would be in another state than today, in that state; the worst case decides."""
    seeds: list[Named] = [(ci, None, f"asked: {asked}") for case in answer.cases for ci, asked in case.seeds]
    shifts = [shift for case in answer.cases for shift in (*case.worse, *case.better)]
    named: list[Named] = [(each.ci, each.after, f"today {each.before.name}") for each in shifts]
    return drawing_of([*seeds, *named], (each.path for each in shifts))


def what_if_sheet(answer: WhatIfAnswer) -> Sheet:
    """Give a line for each CI that a failure would leave in another state, with the number of the case."""
    rows = [
        (
            number, " ".join(f"{ci.class_name}:{ci.name}={asked}" for ci, asked in case.seeds), word, *_ci(each.ci),
            "yes" if each.service else "no", each.before.name, each.after.name, each.because,
        )
        for number, case in enumerate(answer.cases, 1)
        for word, shifts in (("worse", case.worse), ("better", case.better))
        for each in shifts
    ]  # fmt: skip
    return Sheet(("case", "fails", "change", *_CI, "service", "before", "after", "because"), rows)


def rolling_sheet(answer: RollingAnswer) -> Sheet:
    """Give a line for each CI: its wave from 1, or none where it takes a service DOWN, and the services it hurts."""
    rows = [
        (number, *_ci(ci), "; ".join(f"{each.ci.name} {each.state.name}" for each in wave.services))
        for number, wave in enumerate(answer.waves, 1)
        for ci in wave.cis
    ]
    alone = [
        (None, *_ci(ci), "; ".join(f"{each.service.name} DOWN" for each in outages)) for ci, outages in answer.alone
    ]
    return Sheet(("wave", *_CI, "services"), [*rows, *alone])


def recovery_sheet(answer: RecoveryAnswer) -> Sheet:
    """Give a line for each CI: its layer, from 1, and whether it is started by hand to break a loop."""
    by_hand = {loop.breaker.id for loop in answer.loops}
    rows = [
        (number, *_ci(ci), "yes" if ci.id in by_hand else "no")
        for number, layer in enumerate(answer.layers, 1)
        for ci in layer
    ]
    return Sheet(("layer", *_CI, "by_hand"), rows)


def availability_sheet(answer: AvailabilityAnswer) -> Sheet:
    """Give a line for each CI, by how often it had part in an outage."""
    rows = [(*_ci(each.ci), each.percent, each.involved, each.because) for each in answer.cis]
    return Sheet((*_CI, "availability", "involved", "because"), rows)


def _ci(ci: Ci) -> tuple[str, str, str]:
    return ci.id, ci.class_name, ci.name
