"""What questions to the estate as it stands are answered with: plain values, the same for command line and API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.itsm.values import ci_json, path_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.itsm.values import Ci, Step
    from knockon.schema.states import State


@dataclass(frozen=True, slots=True)
class NeededCi:
    """What a CI needs: ``plain`` and ``groups`` tell what it is to ``consumer``, the last before it on the path."""

    ci: Ci
    distance: int
    plain: bool
    groups: tuple[str, ...]
    consumer: Ci
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class DependenciesAnswer:
    """What a CI needs, nearest first; ``total`` counts all, ``truncated`` tells of a cut at a distance."""

    revision: int
    ci: Ci
    needs: tuple[NeededCi, ...]
    total: int
    truncated: bool


@dataclass(frozen=True, slots=True)
class CommonCi:
    """What at least two of several CIs need, and how well its failure by itself would explain that they are ill.

    ``distances`` and ``states`` have one for each of them: how far (None: it does not need this), and what the
    failure makes of it. ``explained`` of them would be DEGRADED or DOWN, and so would so many others, of which
    ``examples`` names some. ``lowest``: nothing else that the same ones need needs it. All that the engine says is
    None where it was not asked any more.
    """

    ci: Ci
    distances: tuple[int | None, ...]
    lowest: bool
    explained: int | None
    states: tuple[State, ...] | None
    others_down: int | None
    others_degraded: int | None
    examples: tuple[Ci, ...]
    because: str


@dataclass(frozen=True, slots=True)
class CommonAnswer:
    """What several CIs have in common, the best explanation first; ``truncated``: not everything was tried."""

    revision: int
    cis: tuple[Ci, ...]
    common: tuple[CommonCi, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class Path:
    """One way from a consumer to what it needs, and how many steps it has."""

    length: int
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class PathsAnswer:
    """Ways by which ``consumer`` needs ``supplier``, shortest first.

    ``direction``: forward if the first that was named is the consumer, backward if it is the supplier, none
    if neither needs the other. ``truncated``: there may be more.
    """

    revision: int
    consumer: Ci
    supplier: Ci
    direction: str
    paths: tuple[Path, ...]
    truncated: bool


@dataclass(frozen=True, slots=True)
class SinglePoint:
    """A CI whose failure alone gives the service this state.

    ``services`` it takes DOWN, of ``weight`` together; ``path`` runs from the service back to it.
    """

    ci: Ci
    state: State
    weight: int
    services: int
    distance: int
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SharedFate:
    """Members of a redundancy group that one failure takes; ``state`` is what the group alone then gives ``ci``."""

    ci: Ci
    group: str
    cause: Ci
    members: tuple[Ci, ...]
    state: State
    because: str


@dataclass(frozen=True, slots=True)
class PointsAnswer:
    """Where one failure is enough for a service to be DOWN, or DEGRADED; the heaviest first."""

    revision: int
    ci: Ci
    down: tuple[SinglePoint, ...]
    degraded: tuple[SinglePoint, ...]
    fates: tuple[SharedFate, ...]
    truncated: bool


def dependencies_json(answer: DependenciesAnswer) -> dict[str, Any]:
    """Give the JSON form of what a CI needs."""
    needs = [
        {
            **ci_json(each.ci), "distance": each.distance, "plain": each.plain, "groups": list(each.groups),
            "consumer": ci_json(each.consumer), "path": path_json(each.path),
        }
        for each in answer.needs
    ]  # fmt: skip
    return {
        "revision": answer.revision, **ci_json(answer.ci), "needs": needs, "total": answer.total,
        "truncated": answer.truncated, **_graph([answer.ci], (each.path for each in answer.needs)),
    }  # fmt: skip


def common_json(answer: CommonAnswer) -> dict[str, Any]:
    """Give the JSON form of a common upstream."""
    return {
        "revision": answer.revision,
        "cis": [ci_json(each) for each in answer.cis],
        "common": [
            {
                **ci_json(each.ci), "distances": list(each.distances), "lowest": each.lowest,
                "explained": each.explained,
                "states": None if each.states is None else [state.name for state in each.states],
                "othersDown": each.others_down, "othersDegraded": each.others_degraded,
                "examples": [ci_json(other) for other in each.examples], "because": each.because,
            }
            for each in answer.common
        ],
        "truncated": answer.truncated,
    }  # fmt: skip


def paths_json(answer: PathsAnswer) -> dict[str, Any]:
    """Give the JSON form of paths."""
    return {
        "revision": answer.revision,
        "consumer": ci_json(answer.consumer),
        "supplier": ci_json(answer.supplier),
        "direction": answer.direction,
        "paths": [{"length": each.length, "steps": path_json(each.steps)} for each in answer.paths],
        "truncated": answer.truncated,
        **_graph([answer.consumer, answer.supplier], (each.steps for each in answer.paths)),
    }


def points_json(answer: PointsAnswer) -> dict[str, Any]:
    """Give the JSON form of single points of failure."""

    def point(each: SinglePoint) -> dict[str, Any]:
        return {
            **ci_json(each.ci), "state": each.state.name, "weight": each.weight, "services": each.services,
            "distance": each.distance, "path": path_json(each.path),
        }  # fmt: skip

    return {
        "revision": answer.revision,
        **ci_json(answer.ci),
        "down": [point(each) for each in answer.down],
        "degraded": [point(each) for each in answer.degraded],
        "sharedFates": [
            {
                **ci_json(each.ci), "group": each.group, "cause": ci_json(each.cause), "state": each.state.name,
                "members": [ci_json(member) for member in each.members], "because": each.because,
            }
            for each in answer.fates
        ],
        "truncated": answer.truncated,
        **_graph([answer.ci], (each.path for each in (*answer.down, *answer.degraded))),
    }  # fmt: skip


def _graph(first: Iterable[Ci], paths: Iterable[tuple[Step, ...]]) -> dict[str, Any]:
    """Give all that paths pass as plain nodes and edges, each once, in the order of the paths."""
    nodes, edges = {ci.id: ci for ci in first}, dict[tuple[str, str, str], None]()
    for path in paths:
        for step in path:
            nodes.setdefault(step.source.id, step.source)
            nodes.setdefault(step.target.id, step.target)
            edges[step.source.id, step.type_name, step.target.id] = None
    return {
        "nodes": [ci_json(each) for each in nodes.values()],
        "edges": [{"from": source, "type": type_name, "to": target} for source, type_name, target in edges],
    }
