"""Answers about the estate as it stands, as drawings and as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.itsm.formats.drawing import drawing_of
from knockon.itsm.formats.sheet import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.itsm.formats.drawing import Drawing, Named
    from knockon.itsm.structure.answer import CommonAnswer, DependenciesAnswer, PathsAnswer, PointsAnswer
    from knockon.itsm.values import Ci

_CI = ("id", "class", "name")


def dependencies_drawing(answer: DependenciesAnswer) -> Drawing:
    """Draw what something needs, and one way to each."""
    needs: list[Named] = [(each.ci, None, "") for each in answer.needs]
    return drawing_of([(answer.ci, None, "asked"), *needs], (each.path for each in answer.needs))


def dependencies_sheet(answer: DependenciesAnswer) -> Sheet:
    """Give a line for each thing that is needed, with what it is to the one that needs it."""
    rows = [
        (*_ci(each.ci), each.distance, "yes" if each.plain else "no", " ".join(each.groups), *_ci(each.consumer))
        for each in answer.needs
    ]
    head = (*_CI, "distance", "plain", "groups", "consumer_id", "consumer_class", "consumer_name")
    return Sheet(head, rows)


def common_sheet(answer: CommonAnswer) -> Sheet:
    """Give a line for each candidate, the best explanation first, with the distance from each and its state."""
    numbers = range(1, len(answer.cis) + 1)
    columns = (f"{what}_{number}" for what in ("distance", "state") for number in numbers)
    head = (*_CI, "explained", "others_down", "others_degraded", "lowest", *columns)
    rows = [
        (
            *_ci(each.ci), *map(_known, (each.explained, each.others_down, each.others_degraded)),
            "yes" if each.lowest else "no", *map(_known, each.distances),
            *(("",) * len(answer.cis) if each.states is None else (state.name for state in each.states)),
        )
        for each in answer.common
    ]  # fmt: skip
    return Sheet(head, rows)


def paths_drawing(answer: PathsAnswer) -> Drawing:
    """Draw all ways."""
    ends: list[Named] = [(answer.consumer, None, "consumer"), (answer.supplier, None, "supplier")]
    return drawing_of(ends, (each.steps for each in answer.paths))


def paths_sheet(answer: PathsAnswer) -> Sheet:
    """Give a line for each step, as it is stored, by number of path and step."""
    rows = [
        (number, place, *_ci(step.source), step.type_name, *_ci(step.target))
        for number, path in enumerate(answer.paths, 1)
        for place, step in enumerate(path.steps, 1)
    ]
    ends = [f"{end}_{name}" for end in ("from", "to") for name in _CI]
    return Sheet(("path", "step", *ends[:3], "type", *ends[3:]), rows)


def points_drawing(answer: PointsAnswer) -> Drawing:
    """Draw the service, its single points, each in the state that it gives the service, and one way to each."""
    points = (*answer.down, *answer.degraded)
    named: list[Named] = [(each.ci, each.state, f"single point, weight {each.weight}") for each in points]
    return drawing_of([(answer.ci, None, "asked"), *named], (each.path for each in points))


def points_sheet(answer: PointsAnswer) -> Sheet:
    """Give a line for each single point, the heaviest first; what makes the service DOWN before what degrades it."""
    rows = [
        (*_ci(each.ci), each.state.name, each.weight, each.services, each.distance)
        for each in (*answer.down, *answer.degraded)
    ]
    return Sheet((*_CI, "state", "weight", "services", "distance"), rows)


def analysis_sheet(analysis: str, rows: list[dict[str, Any]]) -> Sheet:
    """Give the rows of an estate-wide analysis; of ``spof`` a line for each service and point."""
    if analysis == "spof":
        head = (*(f"service_{name}" for name in _CI), "service_weight", *_CI, "weight")
        pairs = [(row, point) for row in rows for point in row["points"]]
        return Sheet(head, [(*_row(row), row["weight"], *_row(point), point["weight"]) for row, point in pairs])
    states = ("DOWN", "DEGRADED", "AT_RISK")
    head = (*_CI, "weight", *states, *(f"services_{state}" for state in states))
    return Sheet(
        head,
        [
            (*_row(row), row["weight"], *_counts(row["counts"], states), *_counts(row["services"], states))
            for row in rows
        ],
    )


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in _CI)


def _counts(counts: Mapping[str, int], states: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(counts[state] for state in states)


def _known(number: int | None) -> int | str:
    return "" if number is None else number


def _ci(ci: Ci) -> tuple[str, str, str]:
    return ci.id, ci.class_name, ci.name
