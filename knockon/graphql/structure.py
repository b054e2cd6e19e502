"""Questions to the estate as it stands: ``dependencies``, ``commonUpstream``, ``paths``, ``singlePointsOfFailure``.

Those about one thing stand on the things too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strawberry import ID

from knockon.graphql.answers import FEW
from knockon.graphql.definitions import Weight, argument, as_of_argument, listed, maybe, plain, resolved
from knockon.graphql.questions import ANALYSIS, RUN, lag_of, max_lag, what_can_fail
from knockon.itsm.services.facts import SERVICE
from knockon.itsm.structure.structure import (
    PATHS,
    common_upstream,
    dependencies,
    paths_between,
    single_points_of_failure,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.answers import AnswerTypes
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.itsm.structure.answer import CommonAnswer, CommonCi, DependenciesAnswer, PathsAnswer, PointsAnswer
    from knockon.itsm.values import Ci
    from knockon.schema.model import Model

MOST_RUNS = 2_000
"""How often the engine runs for one field at most; on the command line one may ask for more."""
MOST_PATHS = 100
_RUNS = Weight(10 * ANALYSIS)
_REFERENCE = "An id, Class:name, source:key, or a name that only one entity has."
_POINTS = "Which single failures take a service down or degrade it."
_DIRECTIONS = [
    ("forward", "The first needs the second."),
    ("backward", "The second needs the first."),
    ("none", "Neither needs the other."),
]


class StructureQuestions:
    """Makes the fields; an answer says the same as on the command line."""

    def __init__(self, definitions: Definitions, model: Model, answers: AnswerTypes) -> None:
        self._definitions = definitions
        self._model = model
        self._answers = answers
        self._ci = definitions.object("StructureItem", "Something that an answer names.", *named(lambda ci: ci))
        self._step = definitions["ImpactStep"]
        self._dependencies = self._dependencies_type()
        self._points = self._points_type()

    def query_fields(self) -> list[StrawberryField]:
        """Make the questions."""

        async def needed(_root: None, request: Request, ref: str, **more: Any) -> DependenciesAnswer:
            distance = more.get("maxDistance")
            return await dependencies(request.topologies, ref, max_distance=distance, max_lag=lag_of(more))

        async def common(_root: None, request: Request, refs: list[str], **more: Any) -> CommonAnswer:
            return await common_upstream(request.topologies, refs, limit=MOST_RUNS, max_lag=lag_of(more))

        async def paths(_root: None, request: Request, to: str, limit: int, **more: Any) -> PathsAnswer:
            return await paths_between(
                request.topologies, str(more["from"]), to, limit=min(limit, MOST_PATHS),
                max_length=more.get("maxLength"), max_lag=lag_of(more),
            )  # fmt: skip

        async def points(_root: None, request: Request, service: str, **more: Any) -> PointsAnswer:
            return await single_points_of_failure(request.topologies, service, limit=MOST_RUNS, max_lag=lag_of(more))

        ends = [
            argument("from", str, _REFERENCE),
            argument("to", str, "Another one."),
            argument("limit", int, f"How many paths at most; never more than {MOST_PATHS}.", PATHS),
            argument("maxLength", maybe(int), "All of at most so many steps; else the shortest."),
            max_lag(),
            as_of_argument(),
        ]
        refs = argument("refs", listed(str), "At least two.")
        return [
            resolved(
                "dependencies", maybe(self._dependencies), needed, "What something needs.",
                [argument("ref", str, _REFERENCE), _near(), max_lag(), as_of_argument()], RUN,
            ),
            resolved(
                "commonUpstream", maybe(self._common_type()), common,
                "What several things need in common, and which failure explains best that they are ill.",
                [refs, max_lag(), as_of_argument()], _RUNS,
            ),
            resolved(
                "paths", maybe(self._paths_type()), paths, "By which ways one thing needs another.", ends, RUN,
            ),
            resolved(
                "singlePointsOfFailure", maybe(self._points), points, _POINTS,
                [argument("service", str, _REFERENCE), max_lag(), as_of_argument()], _RUNS,
            ),
        ]  # fmt: skip

    def node_fields(self) -> dict[str, list[StrawberryField]]:
        """Make the questions that stand on a thing, by its class: they answer as those of the query do."""

        async def needed(entity: Entity, request: Request, **more: Any) -> DependenciesAnswer:
            return await dependencies(request.topologies, entity.id, max_distance=more.get("maxDistance"))

        async def points(service: Entity, request: Request) -> PointsAnswer:
            return await single_points_of_failure(request.topologies, service.id, limit=MOST_RUNS)

        needs = resolved("dependencies", maybe(self._dependencies), needed, "What it needs.", [_near()], RUN)
        found: dict[str, list[StrawberryField]] = {name: [needs] for name in what_can_fail(self._model)}
        if SERVICE in self._model.classes:
            own = resolved("singlePointsOfFailure", maybe(self._points), points, _POINTS, weight=_RUNS)
            found.setdefault(SERVICE, []).append(own)
        return found

    def _dependencies_type(self) -> type:
        define = self._definitions
        needed = define.object(
            "NeededItem",
            "Something that is needed.",
            *named(lambda each: each.ci),
            plain("distance", int, lambda each: each.distance, "Steps from what was asked about."),
            plain("plain", bool, lambda each: each.plain, "It is a plain supplier of its consumer."),
            plain("groups", listed(str), lambda each: each.groups, "The consumer's groups that it is in.", many=FEW),
            plain("consumer", self._ci, lambda each: each.consumer, "The one that needs it, on the path."),
            plain("path", listed(self._step), lambda each: each.path, "From what was asked about.", many=FEW),
        )
        return define.object(
            "DependenciesAnswer",
            "What something needs.",
            *named(lambda each: each.ci),
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("needs", listed(needed), lambda each: each.needs, "Nearest first.", many=FEW),
            plain("total", int, lambda each: each.total, "How many it needs in all."),
            plain("truncated", bool, lambda each: each.truncated, "maxDistance cut the list."),
        )

    def _common_type(self) -> type:
        define, states = self._definitions, maybe(listed(self._answers.state))
        shared = define.object(
            "CommonItem",
            "Something that at least two need, and what its failure alone would do. What is null was not tried.",
            *named(lambda each: each.ci),
            plain(
                "distances", listed(maybe(int)), lambda each: each.distances,
                "Steps from each, in their order; null from one that does not need it.", many=FEW,
            ),
            plain("lowest", bool, lambda each: each.lowest, "Nothing else that the same ones need needs it."),
            plain("explained", maybe(int), lambda each: each.explained, "How many it leaves degraded or down."),
            plain("states", states, _states, "What it makes of each, in their order.", many=FEW),
            plain("othersDown", maybe(int), lambda each: each.others_down, "How many others it takes down."),
            plain("othersDegraded", maybe(int), lambda each: each.others_degraded, "How many others it degrades."),
            plain("examples", listed(self._ci), lambda each: each.examples, "Some of the others, services first."),
            plain("because", str, lambda each: each.because, "In a sentence."),
        )  # fmt: skip
        return define.object(
            "CommonAnswer",
            "What several things have in common.",
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("cis", listed(self._ci), lambda each: each.cis, "What was asked about.", many=FEW),
            plain("common", listed(shared), lambda each: each.common, "The best explanation first.", many=FEW),
            plain("truncated", bool, lambda each: each.truncated, "The engine ran its limit; some were not tried."),
        )

    def _paths_type(self) -> type:
        define = self._definitions
        path = define.object(
            "DependencyPath",
            "One way from a consumer to what it needs.",
            plain("length", int, lambda each: each.length, "How many steps it has."),
            plain("steps", listed(self._step), lambda each: each.steps, "From the consumer on.", many=FEW),
        )
        direction = define.enum("PathDirection", "Which of two things needs the other.", _DIRECTIONS)
        return define.object(
            "PathsAnswer",
            "By which ways one thing needs another.",
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("consumer", self._ci, lambda each: each.consumer, "The one that needs the other."),
            plain("supplier", self._ci, lambda each: each.supplier, "The one that is needed."),
            plain("direction", direction, lambda each: each.direction, "Which needs which."),
            plain("paths", listed(path), lambda each: each.paths, "Shortest first.", many=FEW),
            plain("truncated", bool, lambda each: each.truncated, "There may be more."),
        )

    def _points_type(self) -> type:
        define, state = self._definitions, self._answers.state
        point = define.object(
            "SinglePointOfFailure",
            "Something whose failure alone is enough.",
            *named(lambda each: each.ci),
            plain("state", state, lambda each: each.state.name, "What it makes of the service."),
            plain("weight", int, lambda each: each.weight, "What the services that it takes down count together."),
            plain("services", int, lambda each: each.services, "How many services it takes down."),
            plain("distance", int, lambda each: each.distance, "Steps from the service."),
            plain("path", listed(self._step), lambda each: each.path, "From the service back to it.", many=FEW),
        )
        fate = define.object(
            "SharedFate",
            "Members of a redundancy group that fall together.",
            *named(lambda each: each.ci),
            plain("group", str, lambda each: each.group, "The group's name."),
            plain("cause", self._ci, lambda each: each.cause, "Whose failure takes them."),
            plain("members", listed(self._ci), lambda each: each.members, "The members that fall.", many=FEW),
            plain("state", state, lambda each: each.state.name, "What the group then gives its consumer."),
            plain("because", str, lambda each: each.because, "In a sentence."),
        )
        return define.object(
            "SinglePointsAnswer",
            "Where one failure is enough for a service; the heaviest first.",
            *named(lambda each: each.ci),
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("down", listed(point), lambda each: each.down, "What takes it down.", many=FEW),
            plain("degraded", listed(point), lambda each: each.degraded, "What degrades it.", many=FEW),
            plain("sharedFates", listed(fate), lambda each: each.fates, "Redundancy that is none.", many=FEW),
            plain("truncated", bool, lambda each: each.truncated, "The engine ran its limit; there may be more."),
        )


def _near() -> StrawberryArgument:
    return argument("maxDistance", maybe(int), "Only what is at most so many steps away.")


def _states(common: CommonCi) -> list[str] | None:
    return None if common.states is None else [state.name for state in common.states]


def named(ci: Callable[[Any], Ci]) -> list[StrawberryField]:
    """Make the fields of something that is named."""
    return [
        plain("id", ID, lambda each: ci(each).id, "Its id."),
        plain("class", str, lambda each: ci(each).class_name, "Its class."),
        plain("name", str, lambda each: ci(each).name, "Its name."),
    ]
