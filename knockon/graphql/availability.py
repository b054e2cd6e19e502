"""How often a service is up: the question ``availability``, and ``estimatedAvailability`` on services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.graphql.answers import FEW
from knockon.graphql.definitions import argument, as_of_argument, listed, maybe, plain, resolved, sighted
from knockon.graphql.plans import PLAN
from knockon.graphql.structure import named
from knockon.itsm.planning.availability import service_availability
from knockon.itsm.services.facts import SERVICE

if TYPE_CHECKING:
    from collections.abc import Callable

    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.request import Request
    from knockon.itsm.planning.availability import AvailabilityAnswer
    from knockon.schema.model import Model

MOST_SAMPLES = 100_000
_REFERENCE = "An id, Class:name, source:key, or a name that only one entity has."
_SAID = "How often a service is up, beside what was promised."


class AvailabilityQuestions:
    """Makes the fields; an answer says the same as on the command line."""

    def __init__(self, definitions: Definitions, model: Model) -> None:
        self._define = definitions.object
        self._enum = definitions.enum
        self._model = model
        self._item: GraphQLType = definitions["StructureItem"]
        self._availability = self._availability_type()

    def query_fields(self) -> list[StrawberryField]:
        """Make ``availability``."""

        async def available(_root: None, request: Request, service: str, **drawing: int) -> AvailabilityAnswer:
            return await _estimate(request, service, **drawing)

        service = argument("service", str, "A service, or anything else. " + _REFERENCE)
        arguments = [service, *_drawing(), as_of_argument()]
        return [resolved("availability", maybe(self._availability), available, _SAID, arguments, PLAN)]

    def node_fields(self) -> dict[str, list[StrawberryField]]:
        """Make the field of services; it is not ``availability``, which is an attribute."""

        async def available(service: Entity, request: Request, **drawing: int) -> AvailabilityAnswer:
            return await _estimate(request, service.id, **drawing)

        type_ = maybe(self._availability)
        own = resolved("estimatedAvailability", type_, available, _SAID, _drawing(), PLAN)
        return {SERVICE: [own]} if SERVICE in self._model.classes else {}

    def _availability_type(self) -> type:
        share = self._define(
            "AvailabilityShare",
            "A share of the time in percent, with the interval in which it lies with 95 % confidence.",
            plain("estimate", float, lambda each: 100 * each.estimate, "The estimate."),
            plain("low", float, lambda each: 100 * each.low, "The interval's lower end."),
            plain("high", float, lambda each: 100 * each.high, "The interval's upper end."),
        )
        target = self._define(
            "AvailabilityTarget",
            "What an agreement promises.",
            *named(lambda each: each.agreement),
            sighted(
                "availabilityTarget",
                maybe(float),
                _shown(lambda each: each.percent),
                "In percent; null if redacted.",
            ),
            sighted(
                "verdict",
                maybe(self._verdict()),
                _shown(lambda each: each.verdict),
                "Whether it is met; null where what is promised is redacted.",
            ),
        )
        own = self._define(
            "AvailabilityItem",
            "What a thing contributes.",
            *named(lambda each: each.ci),
            plain("availability", float, lambda each: each.percent, "Percent of the time up by itself."),
            plain("because", str, lambda each: each.because, "Where that is from."),
            plain("assumed", bool, lambda each: each.assumed_for is not None, "A default of its class stood in."),
            plain("involved", float, lambda each: each.involved, "The share of outages in which it was down, 0 to 1."),
        )
        return self._define(
            "AvailabilityAnswer",
            "How often a service is up.",
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("service", self._item, lambda each: each.service, "The service."),
            plain("samples", int, lambda each: each.estimate.samples, "How many moments were drawn."),
            plain("seed", int, lambda each: each.seed, "With which seed."),
            plain("up", share, lambda each: each.estimate.up, "Not down."),
            plain("full", share, lambda each: each.estimate.full, "In full service."),
            plain("exactUp", maybe(float), lambda each: _percent(each.estimate.exact_up), "Exact; null: too many CIs."),
            plain("exactFull", maybe(float), lambda each: _percent(each.estimate.exact_full), "Exact; null likewise."),
            plain("targets", listed(target), lambda each: each.targets, "What was promised.", many=FEW),
            plain("cis", listed(own), lambda each: each.cis, "By how often they had part in an outage.", many=FEW),
        )

    def _verdict(self) -> GraphQLType:
        verdicts = [("met", "It is."), ("missed", "It is not."), ("open", "The interval does not tell.")]
        return self._enum("TargetVerdict", "Whether a target is met.", verdicts)


async def _estimate(request: Request, service: str, *, samples: int, seed: int) -> AvailabilityAnswer:
    return await service_availability(request.topologies, service, samples=min(samples, MOST_SAMPLES), seed=seed)


def _drawing() -> list[StrawberryArgument]:
    return [
        argument("samples", int, f"How many moments are drawn; never more than {MOST_SAMPLES}.", 20_000),
        argument("seed", int, "The same seed draws the same moments.", 1),
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share


def _shown(read: Callable[[Any], Any]) -> Callable[[Any, Sight], Any]:
    """Read of a target what tells how much is promised, for whoever may know that."""

    def see(target: Any, sight: Sight) -> Any:
        return None if sight.hides(target.agreement.class_name, "availability_target") else read(target)

    return see
