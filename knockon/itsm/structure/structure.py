"""Questions to the estate as it stands: what something needs, by which ways, and where one failure is enough.

``max_lag`` in seconds: a revision that was the newest this long ago will do.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from knockon.cmdb.lookup import find, find_all
from knockon.errors import BadUsage
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.structure import common_upstream as shared
from knockon.impact.structure import paths as ways
from knockon.impact.structure.shared_fate import shared_fates
from knockon.impact.structure.single_points import RUNS, single_points
from knockon.itsm.services.facts import facts_of
from knockon.itsm.structure.answer import (
    CommonAnswer,
    DependenciesAnswer,
    NeededCi,
    Path,
    PathsAnswer,
    PointsAnswer,
    SharedFate,
    SinglePoint,
)
from knockon.itsm.structure.explaining import common_ci
from knockon.itsm.values import Ci, steps
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.impact.structure.shared_fate import SharedFate as Fate
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topologies import Topologies, View

WEIGHTS = {1: 8, 2: 4, 3: 2, 4: 1}
"""What a service counts by its criticality; one of unknown criticality counts as the least critical."""

NAMED = 3
"""How many members a sentence names before it counts the others."""

PATHS = 20
"""How many paths are given unless told otherwise."""


def weight_of(criticality: int | None) -> int:
    """Give what a service counts."""
    return WEIGHTS.get(criticality or 4, 1)


async def dependencies(
    topologies: Topologies, reference: str, *, max_distance: int | None = None, max_lag: float = 0.0
) -> DependenciesAnswer:
    """Tell what something needs, over how many steps, and what each is to what needs it: the other direction.

    Raises
    ------
    BadUsage
        A distance below 1.
    ReferenceNotFound, ReferenceAmbiguous
    """
    if max_distance is not None and max_distance < 1:
        raise BadUsage("A distance is counted in steps, from 1.")
    view = await topologies.current(max_lag=max_lag)
    entity = await find(topologies.store, topologies.model, reference)
    known = entity.id in view.topology

    def worded() -> tuple[tuple[NeededCi, ...], int]:
        found = ways.dependencies(view.topology, entity.id) if known else []
        shown = [each for each in found if max_distance is None or each.distance <= max_distance]
        needed = tuple(
            NeededCi(
                Ci.of(view.entities[each.id]), each.distance, each.plain, each.groups,
                Ci.of(view.entities[each.path[-1].consumer]), steps(view, each.path),
            )
            for each in shown
        )  # fmt: skip
        return needed, len(found)

    needed, total = await asyncio.to_thread(worded)
    return DependenciesAnswer(view.revision, Ci.of(entity), needed, total, len(needed) < total)


async def common_upstream(
    topologies: Topologies, references: Sequence[str], *, limit: int = RUNS, max_lag: float = 0.0
) -> CommonAnswer:
    """Tell what at least two of several things need, ranked by how well its failure explains that they are ill.

    Ill is DEGRADED or DOWN. First what explains most of them; of these what would make fewest others ill; then the
    nearest. One of them counts too where another needs it.

    Parameters
    ----------
    limit
        How often the engine may run, once for each candidate: first for what most need, then the nearest. The rest
        comes last, not tried, and the answer is ``truncated``.

    Raises
    ------
    BadUsage
        Fewer than two different things.
    ReferenceNotFound, ReferenceAmbiguous
    """
    view = await topologies.current(max_lag=max_lag)
    named = await find_all(topologies.store, topologies.model, references)
    asked = list({each.id: each for each in named}.values())
    if len(asked) < 2:  # noqa: PLR2004 - what "common" takes
        raise BadUsage("Name at least two different things to ask for what they have in common.")
    ids = [each.id for each in asked]
    cis = tuple(Ci.of(each) for each in asked)

    def worded() -> CommonAnswer:
        found = shared.common_upstream(view.topology, ids, foremost=view.services, limit=limit)
        told = tuple(common_ci(view, cis, each) for each in found.candidates)
        return CommonAnswer(view.revision, cis, told, found.cut)

    return await asyncio.to_thread(worded)


async def paths_between(
    topologies: Topologies,
    one: str,
    other: str,
    *,
    limit: int = PATHS,
    max_length: int | None = None,
    max_lag: float = 0.0,
) -> PathsAnswer:
    """Tell by which ways one thing needs another, or else the other the one.

    All shortest paths; with ``max_length`` all simple paths of at most so many steps; never more than ``limit``.

    Raises
    ------
    BadUsage
        A limit or a length below 1, or twice the same thing.
    ReferenceNotFound, ReferenceAmbiguous
    """
    if limit < 1 or (max_length is not None and max_length < 1):
        raise BadUsage("Paths and their steps are counted from 1.")
    view = await topologies.current(max_lag=max_lag)
    start, end = await find_all(topologies.store, topologies.model, [one, other])
    if start.id == end.id:
        raise BadUsage(f"{one!r} and {other!r} are the same thing; name two.")
    topology, found = view.topology, None
    if start.id in topology and end.id in topology:
        found = await asyncio.to_thread(ways.paths, topology, start.id, end.id, limit, max_length)
    if found is None:
        return PathsAnswer(view.revision, Ci.of(start), Ci.of(end), "none", (), truncated=False)
    ends = {start.id: start, end.id: end}
    return PathsAnswer(
        view.revision,
        Ci.of(ends[found.consumer]),
        Ci.of(ends[found.supplier]),
        "forward" if found.consumer == start.id else "backward",
        tuple(Path(len(path), steps(view, path)) for path in found.paths),
        truncated=found.cut,
    )


async def single_points_of_failure(
    topologies: Topologies, reference: str, *, limit: int = RUNS, max_lag: float = 0.0
) -> PointsAnswer:
    """Tell which single failures take a service DOWN, and which DEGRADE it; exact under the redundancy rules.

    Each list is ranked by business weight: the services that the failure takes DOWN, weighted 8, 4, 2, 1 by
    criticality; then distance, then order. ``fates`` are members of redundancy groups that fall together.

    Parameters
    ----------
    limit
        How often the engine may run to find the points, and again to find the fates; ``truncated`` where that
        did not suffice.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
    """
    view = await topologies.current(max_lag=max_lag)
    entity = await find(topologies.store, topologies.model, reference)
    if entity.id not in view.topology:
        return PointsAnswer(view.revision, Ci.of(entity), (), (), (), truncated=False)
    # of all services, before it is known which fall: many who ask at once read them together
    facts = await facts_of(topologies.reads(view), view.services)
    weights = {id_: weight_of(each.criticality) for id_, each in facts.items() if each}
    points = await asyncio.to_thread(single_points, view.topology, entity.id, least=State.DEGRADED, limit=limit)
    fates = await asyncio.to_thread(shared_fates, view.topology, entity.id, limit)
    failures = await asyncio.to_thread(lambda: [_failure(view, entity.id, each) for each in points.ids])

    def worded() -> PointsAnswer:
        ranked = sorted(
            (_point(view, each, weights) for each in failures), key=lambda each: (-each.weight, each.distance)
        )
        return PointsAnswer(
            view.revision,
            Ci.of(entity),
            tuple(each for each in ranked if each.state is State.DOWN),
            tuple(each for each in ranked if each.state is State.DEGRADED),
            tuple(_fate(view, each) for each in fates.found),
            truncated=points.cut or fates.cut,
        )

    return await asyncio.to_thread(worded)


class _Failure(NamedTuple):
    """What one failure does: to the service that was asked about, by which way, and which services it takes down."""

    id: str
    state: State
    path: list[Dependency]
    services: list[str]


def _failure(view: View, service: str, cause: str) -> _Failure:
    found = evaluate(view.topology, {cause: State.DOWN})
    hit = [id_ for id_ in sorted(view.services) if id_ in view.topology and found.state(id_) is State.DOWN]
    return _Failure(cause, found.state(service), found.path(service), hit)


def _point(view: View, failure: _Failure, weights: Mapping[str, int]) -> SinglePoint:
    return SinglePoint(
        Ci.of(view.entities[failure.id]),
        failure.state,
        sum(weights.get(id_, 1) for id_ in failure.services),
        len(failure.services),
        len(failure.path),
        steps(view, failure.path),
    )


def _fate(view: View, fate: Fate) -> SharedFate:
    """Say in words what falls together: "feed-a and feed-b hang on ups: if it fails, ..."."""
    group = fate.group
    names = [view.entities[each].name for each in fate.members]
    *most, last = names if len(names) <= NAMED else [*names[:NAMED], f"{len(names) - NAMED} more"]
    which = f"{', '.join(most)} and {last}" if most else last
    cause, owner = view.entities[fate.cause].name, view.entities[group.consumer].name
    if fate.members == (fate.cause,):
        start = f"{cause} has no spare"
    elif len(names) == 1:
        start = f"{which} hangs on {cause}"
    else:
        start = f"{which} hang on {cause}"
    left = f"{group.up} of {group.total} up; {owner} needs {group.min_up} of its group {group.group}"
    if fate.state is State.DEGRADED:
        left = (
            f"{group.full} of {group.total} in full service; {owner} needs {group.full_up} of its group {group.group}"
        )
    members = tuple(Ci.of(view.entities[each]) for each in fate.members)
    return SharedFate(
        Ci.of(view.entities[group.consumer]), group.group, Ci.of(view.entities[fate.cause]), members, fate.state,
        f"{start}: without it, {left}.",
    )  # fmt: skip
