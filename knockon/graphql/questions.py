"""What can be asked of the impact engine, and where: at the root, and on the things themselves."""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

from knockon.errors import BadUsage
from knockon.graphql.answers import FEW, Impact
from knockon.graphql.definitions import (
    Weight,
    argument,
    as_of_argument,
    dated,
    input_field,
    listed,
    maybe,
    plain,
    resolved,
)
from knockon.itsm.blast_radius.blast_radius import answer_again, blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.blast_radius.supports import supports
from knockon.itsm.context.given import Span
from knockon.itsm.decisions.incident import affected_services
from knockon.itsm.decisions.risk import change_risk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.answers import AnswerTypes
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.request import Request
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.blast_radius.supports import SupportsAnswer
    from knockon.itsm.decisions.incident import IncidentService
    from knockon.itsm.decisions.risk import Risk
    from knockon.schema.model import Model

ANALYSIS = 500
"""What one run of the engine costs, in values of an answer."""
RUN = Weight(ANALYSIS)
"""One run of it, in an answer that is not a list."""
_NEW_POINTS = ("newSinglePoints", "newSinglePointsTruncated")
_REFERENCE = "An id, Class:name, source:key, or a name that only one entity has."
_SUPPORTS = "Which services it supports, also where redundancy hides the impact."
WINDOW = "The time that is asked about, or a moment: START/END in ISO 8601 with an offset from UTC. Now unless given."


def max_lag() -> StrawberryArgument:
    """Describe the argument that ``lag_of`` reads."""
    said = "Seconds: a revision that was the newest this long ago will do. 0 unless given."
    return argument("maxLag", maybe(float), said)


def lag_of(options: dict[str, Any]) -> float:
    """Read the argument ``maxLag``.

    Raises
    ------
    BadUsage
    """
    lag = float(options.get("maxLag") or 0.0)
    if not 0.0 <= lag < math.inf:
        raise BadUsage("maxLag is a number of seconds from 0.")
    return lag


def what_can_fail(model: Model) -> list[str]:
    """Name the highest classes of which all things can fail."""

    def can(class_name: str) -> bool:
        concrete = model.concrete(class_name)
        return bool(concrete) and model.topology_classes.issuperset(concrete)

    return [name for name, each in model.classes.items() if can(name) and not any(map(can, each.lineage[1:]))]


def given_of(options: dict[str, Any]) -> tuple[str, Span | None]:
    """Read the arguments ``given`` and ``window``."""
    window = options.get("window")
    return ",".join(map(str, options.get("given") or ["none"])), Span.read(str(window)) if window else None


class Questions:
    """Makes the fields that ask the engine. They may be null, so that one that fails leaves the others an answer."""

    def __init__(
        self, definitions: Definitions, model: Model, answers: AnswerTypes, relationship_name: GraphQLType
    ) -> None:
        self._definitions = definitions
        self._model = model
        self._answers = answers
        self._relationship_name = relationship_name

    def query_fields(self) -> list[StrawberryField]:
        """Make the questions that can be asked of anything: ``impact``, ``answer`` and ``supports``."""

        async def impact(_root: None, request: Request, of: list[dict[str, Any]], **options: Any) -> Impact:
            return await _ask(request, [Ask(each["ref"], str(each.get("state") or "down")) for each in of], options)

        async def supported(_root: None, request: Request, ref: str, **options: Any) -> SupportsAnswer:
            return await supports(request.topologies, ref, max_lag=lag_of(options))

        ref = argument("ref", str, _REFERENCE)
        return [
            resolved("impact", maybe(self._answers.impact), impact, "What breaks if these fail.", self._options(), RUN),
            dated(
                "answer",
                maybe(self._answers.impact),
                _again,
                "An answer that was given before, again; all below it is of its revision.",
                [argument("id", str, "Its answerId.")],
                RUN,
            ),
            resolved(
                "supports", maybe(self._answers.supports), supported, _SUPPORTS, [ref, max_lag(), as_of_argument()], RUN
            ),
        ]

    def node_fields(self) -> dict[str, list[StrawberryField]]:
        """Make the questions that stand on a thing, by its class."""
        fields = [self._blast_radius(), self._supports()]
        found = {name: list(fields) for name in what_can_fail(self._model)}
        if "Incident" in self._model.classes:
            found.setdefault("Incident", []).append(self._affected_services())
        if "Change" in self._model.classes:
            found.setdefault("Change", []).append(self._risk())
        return found

    def _options(self) -> list[StrawberryArgument]:
        seed = self._definitions.input(
            "ImpactSeedInput",
            "Something that is supposed to fail.",
            input_field("ref", str, _REFERENCE),
            input_field("state", maybe(self._answers.asked), "What happens to it; down unless given."),
        )
        return [
            argument("of", listed(seed), "What fails."),
            argument("given", listed(self._answers.given), "What else is taken to be the case.", ["none"]),
            argument("window", maybe(str), WINDOW),
            argument("assume", maybe(listed(str)), "References of what is known to be operational all the same."),
            argument("maxDistance", maybe(int), "Show only what is at most so many steps away; all of it is counted."),
            argument("exclude", maybe(listed(self._relationship_name)), "Relationship types that do not count."),
            max_lag(),
            as_of_argument(),
        ]

    def _blast_radius(self) -> StrawberryField:
        async def resolve(entity: Entity, request: Request, state: str) -> Impact:
            return await _ask(request, [Ask(entity.id, str(state))], {})

        state = argument("state", self._answers.asked, "What happens to it.", "down")
        return resolved("blastRadius", maybe(self._answers.impact), resolve, "What breaks if this fails.", [state], RUN)

    def _supports(self) -> StrawberryField:
        async def resolve(entity: Entity, request: Request) -> SupportsAnswer:
            return await supports(request.topologies, entity.id)

        # not "supports": a supplier has that already, as the inverse of SUPPORTED_BY
        return resolved("supportedServices", maybe(self._answers.supports), resolve, _SUPPORTS, weight=RUN)

    def _affected_services(self) -> StrawberryField:
        async def resolve(incident: Entity, request: Request) -> list[IncidentService]:
            return await affected_services(request.topologies, incident)

        type_ = self._definitions.object(
            "IncidentService",
            "A service that an incident's configuration items hit.",
            *self._answers.named("service", self._answers.service),
            plain("state", self._answers.state, lambda each: each.state.name, "How it serves."),
            plain("because", str, lambda each: each.because, "Why."),
            plain("added", bool, lambda each: each.added, "This incident makes it so; else it was so already."),
            plain("holds", bool, lambda each: each.holds, "It is so now; false where an incident that is over did it."),
        )
        said = "The services that its items hit, given everything else that is open, worst first."
        return resolved("affectedServices", maybe(listed(type_)), resolve, said, weight=Weight(ANALYSIS, many=FEW))

    def _risk(self) -> StrawberryField:
        async def resolve(change: Entity, request: Request) -> Risk:
            return await change_risk(request.topologies, change)

        factor = self._definitions.object(
            "ChangeRiskFactor",
            "One service's share of the score.",
            plain("name", str, lambda each: each.name, "The service."),
            plain("contribution", float, lambda each: each.contribution, "Its share."),
            plain("because", str, lambda each: each.because, "Why it is so much."),
        )
        type_ = self._definitions.object(
            "ChangeRisk",
            "How much a change puts at stake: its impact side. How likely it is to fail is not known yet.",
            plain("level", str, lambda risk: risk.level, "The highest level whose threshold the score reaches."),
            plain("score", float, lambda risk: risk.score, "The sum of the contributions."),
            plain("factors", listed(factor), lambda risk: risk.factors, "What it is made of, largest first.", many=FEW),
            plain("missing", listed(str), lambda risk: risk.missing, "What it does not take into account."),
        )
        return resolved("risk", maybe(type_), resolve, "How much it puts at stake.", weight=RUN)


async def _ask(request: Request, asks: Sequence[Ask], options: dict[str, Any]) -> Impact:
    """Ask the engine; ``options`` are the arguments as they are called in GraphQL."""
    given, span = given_of(options)
    assume = [str(each) for each in options.get("assume") or ()]
    exclude = sorted(str(each) for each in options.get("exclude") or ())
    distance = options.get("maxDistance")
    answer = await blast_radius(
        request.topologies, asks, given=given, span=span, assume=assume, max_distance=distance, exclude=exclude,
        max_lag=lag_of(options), new_points=_shows_new_points(request),
    )  # fmt: skip
    return Impact(answer, _mark(repr((asks, given, span, assume, distance, exclude))))


async def _again(
    _root: None,
    request: Request,
    then: Callable[[str], Awaitable[Request]],
    id: str,  # noqa: A002 - as it is called in GraphQL
) -> Impact:
    async def at(moment: str) -> Topologies:
        return (await then(moment)).topologies

    answer = await answer_again(request.topologies, id, at=at, new_points=_shows_new_points(request))
    return Impact(answer, _mark(id))


def _shows_new_points(request: Request) -> bool:
    return request.asked is None or not request.asked.names.isdisjoint(_NEW_POINTS)


def _mark(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:12]
