"""Questions to the estate as it stands: ``paths`` and ``singlePointsOfFailure``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from strawberry import ID

from knockon.graphql.answers import FEW
from knockon.graphql.definitions import Weight, argument, as_of_argument, listed, maybe, plain, resolved
from knockon.graphql.questions import ANALYSIS
from knockon.itsm.structure.structure import PATHS, paths_between, single_points_of_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from strawberry.types.field import StrawberryField

    from knockon.graphql.answers import AnswerTypes
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.itsm.structure.answer import PathsAnswer, PointsAnswer
    from knockon.itsm.values import Ci

MOST_RUNS = 2_000
"""How often the engine runs for one field at most; on the command line one may ask for more."""
MOST_PATHS = 100
_REFERENCE = "An id, Class:name, source:key, or a name that only one entity has."
_DIRECTIONS = [
    ("forward", "The first needs the second."),
    ("backward", "The second needs the first."),
    ("none", "Neither needs the other."),
]


class StructureQuestions:
    """Makes the fields; an answer says the same as on the command line."""

    def __init__(self, definitions: Definitions, answers: AnswerTypes) -> None:
        self._definitions = definitions
        self._answers = answers
        self._ci = definitions.object("StructureItem", "Something that an answer names.", *_named(lambda ci: ci))
        self._step = definitions["ImpactStep"]

    def query_fields(self) -> list[StrawberryField]:
        """Make the questions."""

        async def paths(_root: None, request: Request, to: str, limit: int, **more: Any) -> PathsAnswer:
            limit = min(limit, MOST_PATHS)
            return await paths_between(
                request.topologies, str(more["from"]), to, limit=limit, max_length=more.get("maxLength")
            )

        async def points(_root: None, request: Request, service: str) -> PointsAnswer:
            return await single_points_of_failure(request.topologies, service, limit=MOST_RUNS)

        ends = [
            argument("from", str, _REFERENCE),
            argument("to", str, "Another one."),
            argument("limit", int, f"How many paths at most; never more than {MOST_PATHS}.", PATHS),
            argument("maxLength", maybe(int), "All of at most so many steps; else the shortest."),
            as_of_argument(),
        ]
        said = "Which single failures take a service down or degrade it."
        return [
            resolved(
                "paths", maybe(self._paths_type()), paths, "By which ways one thing needs another.", ends,
                Weight(ANALYSIS),
            ),
            resolved(
                "singlePointsOfFailure", maybe(self._points_type()), points, said,
                [argument("service", str, _REFERENCE), as_of_argument()], Weight(10 * ANALYSIS),
            ),
        ]  # fmt: skip

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
            *_named(lambda each: each.ci),
            plain("state", state, lambda each: each.state.name, "What it makes of the service."),
            plain("weight", int, lambda each: each.weight, "What the services that it takes down count together."),
            plain("services", int, lambda each: each.services, "How many services it takes down."),
            plain("distance", int, lambda each: each.distance, "Steps from the service."),
            plain("path", listed(self._step), lambda each: each.path, "From the service back to it.", many=FEW),
        )
        fate = define.object(
            "SharedFate",
            "Members of a redundancy group that fall together.",
            *_named(lambda each: each.ci),
            plain("group", str, lambda each: each.group, "The group's name."),
            plain("cause", self._ci, lambda each: each.cause, "Whose failure takes them."),
            plain("members", listed(self._ci), lambda each: each.members, "The members that fall.", many=FEW),
            plain("state", state, lambda each: each.state.name, "What the group then gives its consumer."),
            plain("because", str, lambda each: each.because, "In a sentence."),
        )
        return define.object(
            "SinglePointsAnswer",
            "Where one failure is enough for a service; the heaviest first.",
            *_named(lambda each: each.ci),
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("down", listed(point), lambda each: each.down, "What takes it down.", many=FEW),
            plain("degraded", listed(point), lambda each: each.degraded, "What degrades it.", many=FEW),
            plain("sharedFates", listed(fate), lambda each: each.fates, "Redundancy that is none.", many=FEW),
            plain("truncated", bool, lambda each: each.truncated, "The engine ran its limit; there may be more."),
        )


def _named(ci: Callable[[Any], Ci]) -> list[StrawberryField]:
    return [
        plain("id", ID, lambda each: ci(each).id, "Its id."),
        plain("class", str, lambda each: ci(each).class_name, "Its class."),
        plain("name", str, lambda each: ci(each).name, "Its name."),
    ]
