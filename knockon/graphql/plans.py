"""Questions for planning: ``whatIf``, ``rollingOrder`` and ``recoveryOrder``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.errors import QueryTooCostly
from knockon.graphql.answers import FEW
from knockon.graphql.definitions import Weight, argument, as_of_argument, listed, maybe, plain, resolved
from knockon.graphql.questions import ANALYSIS, WINDOW, given_of
from knockon.graphql.structure import named
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.planning.overlay_file import read_overlay
from knockon.itsm.planning.recovery import recovery
from knockon.itsm.planning.rolling import rolling
from knockon.itsm.planning.what_if import what_if

if TYPE_CHECKING:
    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.graphql.answers import AnswerTypes
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.request import Request
    from knockon.itsm.planning.recovery import RecoveryAnswer
    from knockon.itsm.planning.rolling import RollingAnswer
    from knockon.itsm.planning.what_if import WhatIfAnswer

MOST_REFERENCES = 100
"""How many CIs one plan is made for; on the command line one may ask for more."""
PLAN = Weight(20 * ANALYSIS)
_REFERENCE = "An id, Class:name, source:key, or a name that only one entity has."


class PlanQuestions:
    """Makes the fields; an answer says the same as on the command line."""

    def __init__(self, definitions: Definitions, answers: AnswerTypes) -> None:
        self._define = definitions.object
        self._state, self._asked, self._given = answers.state, answers.asked, answers.given
        self._seed: GraphQLType = definitions["ImpactSeedInput"]
        self._item: GraphQLType = definitions["StructureItem"]
        self._step: GraphQLType = definitions["ImpactStep"]

    def query_fields(self) -> list[StrawberryField]:
        """Make the questions."""

        async def changed(_root: None, request: Request, changes: str, **options: Any) -> WhatIfAnswer:
            given, span = given_of(options)
            asks = [Ask(each["ref"], str(each.get("state") or "down")) for each in options.get("of") or ()]
            return await what_if(
                request.topologies, read_overlay(changes, "changes"), asks, service=options.get("service"),
                given=given, span=span,
            )  # fmt: skip

        async def waves(_root: None, request: Request, refs: list[str], **options: Any) -> RollingAnswer:
            given, span = given_of(options)
            return await rolling(request.topologies, _few(refs), given=given, span=span)

        async def start(_root: None, request: Request, refs: list[str] | None = None) -> RecoveryAnswer:
            return await recovery(request.topologies, _few(refs or []))

        refs = argument("refs", listed(str), f"What is to be taken down; at most {MOST_REFERENCES}.")
        again = argument("refs", maybe(listed(str)), "What is to run again, with all that it needs; else everything.")
        return [
            resolved(
                "whatIf", maybe(self._what_if_type()), changed,
                "Which failures would do more, or less, if the estate were changed so. Nothing is written.",
                self._what_if_arguments(), PLAN,
            ),
            resolved(
                "rollingOrder", maybe(self._rolling_type()), waves,
                "Waves for maintenance in which no service goes down.", [refs, *self._context()], PLAN,
            ),
            resolved(
                "recoveryOrder", maybe(self._recovery_type()), start,
                "In which order to start after a total outage.", [again, as_of_argument()], PLAN,
            ),
        ]  # fmt: skip

    def _context(self) -> list[StrawberryArgument]:
        return [
            argument("given", listed(self._given), "What else is taken to be the case.", ["none"]),
            argument("window", maybe(str), WINDOW),
            as_of_argument(),
        ]

    def _what_if_arguments(self) -> list[StrawberryArgument]:
        failing = "What fails, all together; else each single failure that can make a difference."
        return [
            argument("changes", str, "The text of a what-if file: add, remove and change, in YAML or JSON."),
            argument("of", maybe(listed(self._seed)), failing),
            argument("service", maybe(str), "Ask about the single failures of a service."),
            *self._context(),
        ]

    def _what_if_type(self) -> type:
        failed = self._define(
            "WhatIfSeed",
            "Something that fails.",
            *named(lambda pair: pair[0]),
            plain("asked", self._asked, lambda pair: pair[1], "What happens to it."),
        )
        shift = self._define(
            "WhatIfShift",
            "Something that a failure would leave in another state than today.",
            *named(lambda each: each.ci),
            plain("service", bool, lambda each: each.service, "It is a service."),
            plain("before", self._state, lambda each: each.before.name, "Its state today."),
            plain("after", self._state, lambda each: each.after.name, "Its state with the changes."),
            plain("because", str, lambda each: each.because, "Why the worse one of the two."),
            plain("path", listed(self._step), lambda each: each.path, "Of the worse one, back to a seed.", many=FEW),
        )
        case = self._define(
            "WhatIfCase",
            "One failure that would not do what it does today.",
            plain("seeds", listed(failed), lambda each: each.seeds, "What fails; none: what is given alone.", many=FEW),
            plain("worse", listed(shift), lambda each: each.worse, "What would be worse, services first.", many=FEW),
            plain("better", listed(shift), lambda each: each.better, "What would be better.", many=FEW),
        )
        unknown = self._define(
            "WhatIfUnknown",
            "Something not taken into account.",
            plain("ci", maybe(self._item), lambda each: each.ci, "What it is about."),
            plain("because", str, lambda each: each.because, "Why not."),
        )
        return self._define(
            "WhatIfAnswer",
            "The estate with the changes against the estate at a revision.",
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("given", str, lambda each: each.given, "What else was taken to be the case; with commas."),
            plain("changes", listed(str), lambda each: each.changes, "What is changed, a sentence each.", many=FEW),
            plain("asked", int, lambda each: each.asked, "How many failures were put to both."),
            plain("cases", listed(case), lambda each: each.cases, "Those with a difference, worst first.", many=FEW),
            plain("unknown", listed(unknown), lambda each: each.unknown, "What was not taken into account.", many=FEW),
        )

    def _rolling_type(self) -> type:
        weakened = self._define(
            "WeakenedService",
            "A service that a wave makes worse.",
            *named(lambda each: each.ci),
            plain("state", self._state, lambda each: each.state.name, "How it serves meanwhile."),
            plain("because", str, lambda each: each.because, "Why."),
        )
        wave = self._define(
            "MaintenanceWave",
            "What may be down together.",
            plain("cis", listed(self._item), lambda each: each.cis, "What is down.", many=FEW),
            plain("services", listed(weakened), lambda each: each.services, "The services that it weakens.", many=FEW),
        )
        outage = self._define(
            "MaintenanceOutage",
            "A service that goes down.",
            *named(lambda each: each.service),
            plain("because", str, lambda each: each.because, "Why."),
            plain("path", listed(self._step), lambda each: each.path, "By which way.", many=FEW),
        )
        alone = self._define(
            "NoWave",
            "Something that cannot be down without an outage.",
            *named(lambda pair: pair[0]),
            plain("services", listed(outage), lambda pair: pair[1], "The services that go down with it.", many=FEW),
        )
        return self._define(
            "RollingOrderAnswer",
            "Waves of maintenance.",
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("given", str, lambda each: each.given, "What else was taken to be the case; with commas."),
            plain("waves", listed(wave), lambda each: each.waves, "One after the other.", many=FEW),
            plain("alone", listed(alone), lambda each: each.alone, "What no order can take.", many=FEW),
            plain("lowerBound", int, lambda each: each.lower_bound, "No order has fewer waves."),
            plain("optimal", bool, lambda each: each.optimal, "There is no order with fewer waves."),
            plain("unmapped", listed(self._item), lambda each: each.unmapped, "What no rule speaks of.", many=FEW),
        )

    def _recovery_type(self) -> type:
        member = self._define(
            "LoopMember",
            "One that waits for others of a loop.",
            *named(lambda pair: pair[0]),
            plain("needs", listed(self._item), lambda pair: pair[1], "For which.", many=FEW),
        )
        loop = self._define(
            "BootstrapLoop",
            "Things that wait for each other.",
            plain("members", listed(member), lambda each: each.needs, "Who waits for whom.", many=FEW),
            plain("breaker", self._item, lambda each: each.breaker, "What to start by hand."),
            plain("without", listed(self._item), lambda each: each.without, "What that does without.", many=FEW),
            plain("followers", listed(self._item), lambda each: each.followers, "What can follow then.", many=FEW),
            plain("layer", int, lambda each: each.layer, "Where, from 1."),
            plain("advice", str, lambda each: each.advice, "In words."),
        )
        layer = self._define(
            "RecoveryLayer",
            "What may start at once.",
            plain("cis", listed(self._item), lambda layer: layer, "What may start.", many=FEW),
        )
        return self._define(
            "RecoveryOrderAnswer",
            "Layers to be started one after the other.",
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("layers", listed(layer), lambda each: each.layers, "One after the other.", many=FEW),
            plain("loops", listed(loop), lambda each: each.loops, "What has to be broken by hand.", many=FEW),
        )


def _few(references: list[str]) -> list[str]:
    if len(references) > MOST_REFERENCES:
        raise QueryTooCostly(f"At most {MOST_REFERENCES} references at once; the command line takes more.")
    return references
