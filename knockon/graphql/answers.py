"""The answers of impact analysis as types.

What an answer says it says in the same words as on the command line; beside every name stands the
thing itself (``ci``, ``service``), from which a query can go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strawberry import ID

from knockon.graphql.connections import cursor_of, list_of_answer
from knockon.graphql.definitions import listed, maybe, plain, resolved, sighted
from knockon.itsm.services.surroundings import Agreement
from knockon.itsm.values import utc_text
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.connections import ConnectionTypes
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes
    from knockon.itsm.blast_radius.answer import ImpactAnswer
    from knockon.itsm.values import Ci
    from knockon.schema.model import Model

FEW = 10
"""How many members to expect of a list in an answer."""
_KIND = "affected"
_STATES = [
    ("OPERATIONAL", "In full."),
    ("AT_RISK", "In full, but the next failure would end that."),
    ("DEGRADED", "Not in full."),
    ("DOWN", "Not at all."),
]
_ASKED = [
    ("down", "It fails."),
    ("degraded", "It serves, but not in full."),
    ("removed", "It is taken away for good."),
]
_GIVEN = [
    ("none", "Nothing."),
    ("open", "The effects of open incidents and of changes under way."),
    ("window", "The effects of changes that are planned for a part of the window."),
    ("maintenance", "The effects of maintenance windows and planned events that share a part of the window."),
]


@dataclass(frozen=True, slots=True)
class Impact:
    """An answer, and a mark of its question: a cursor of another question or revision is noticed."""

    answer: ImpactAnswer
    question: str

    @property
    def mark(self) -> str:
        """Tell this answer from others."""
        return f"{self.answer.revision}:{self.question}"


class AnswerTypes:
    """The types ``ImpactAnswer`` and ``SupportsAnswer``, and what they are made of."""

    def __init__(self, definitions: Definitions, model: Model, nodes: NodeTypes, connections: ConnectionTypes) -> None:
        self._definitions = definitions
        self.state = definitions.enum("ImpactState", "How a configuration item serves, best first.", _STATES)
        self.asked = definitions.enum("AskedState", "What is supposed to happen to something.", _ASKED)
        self.given = definitions.enum("Given", "What else is taken to be the case.", _GIVEN)
        self._entity = nodes.of("Entity")
        self.service = nodes.of("Service") if "Service" in model.classes else self._entity
        self._step = definitions.object(
            "ImpactStep",
            "One relationship of a path, as it is stored.",
            plain("from", ID, lambda step: step.source.id, "The id of its source."),
            plain("type", str, lambda step: step.type_name, "Its type."),
            plain("to", ID, lambda step: step.target.id, "The id of its target."),
        )
        self.item = definitions.object("ImpactItem", "Something that an answer names.", *self.named())
        self.surroundings = self._surroundings(self.item)
        self._because = self._because_type()
        self.impact = self._impact_type(connections)
        self.supports = self._supports_type()

    def thing(self, name: str, type_: GraphQLType) -> StrawberryField:
        """Make the field that leads from what an answer says of something to the thing itself."""

        async def resolve(named: Any, request: Request) -> Entity | None:
            ci: Ci | None = named.ci
            return None if ci is None else (await request.store.entities([ci.id])).get(ci.id)

        return resolved(name, maybe(type_), resolve, "The thing itself; null if it was retired just now.")

    def named(self, node: str = "ci", type_: GraphQLType | None = None, *, sure: bool = True) -> list[StrawberryField]:
        """Make the fields of something named in an answer."""

        def may(given: GraphQLType) -> GraphQLType:
            return given if sure else maybe(given)

        return [
            plain("id", may(ID), lambda each: each.ci and each.ci.id, "Its id."),
            plain("class", may(str), lambda each: each.ci and each.ci.class_name, "Its class."),
            plain("name", may(str), lambda each: each.ci and each.ci.name, "Its name."),
            self.thing(node, type_ or self._entity),
        ]

    def _because_type(self) -> type:
        integers = {
            "total": ("total", "Weight of all members."),
            "up": ("up", "Weight of the members that are not down."),
            "full": ("full", "Weight of the members in full service."),
            "lost": ("lost", "How many members are lost."),
            "minUp": ("min_up", "Weight that must be up for the consumer not to be down."),
            "fullUp": ("full_up", "Weight that must be in full service for the consumer to be so."),
        }
        group = self._definitions.object(
            "ImpactGroup",
            "The arithmetic of the redundancy group behind a state.",
            plain("name", str, lambda each: each.group, "Its name."),
            *(plain(name, int, _getter(attribute), said) for name, (attribute, said) in integers.items()),
        )
        return self._definitions.object(
            "ImpactBecause",
            "Why something is in its state.",
            plain("text", str, lambda each: each.text, "In a sentence."),
            plain("rule", str, lambda each: each.rule, "The impact rule."),
            plain("group", maybe(group), lambda each: each.group, "The group, if one decided."),
        )

    def _state_field(self) -> StrawberryField:
        return plain("state", self.state, lambda each: each.state.name, "How it serves then.")

    def service_fields(self) -> list[StrawberryField]:
        """Make the fields of a service named in an answer that knows how it is used."""
        return [
            *self.named("service", self.service),
            plain("criticality", maybe(int), lambda each: each.criticality, "1 is worst; null: not recorded."),
            plain("users", int, lambda each: each.users, "How many use it."),
        ]

    def _impact_type(self, connections: ConnectionTypes) -> type:
        define = self._definitions.object
        lists: dict[str, tuple[type, str]] = {
            "seeds": (
                define(
                    "ImpactSeed", "What was asked about.", *self.named(), self._state_field(),
                    plain("asked", self.asked, lambda each: each.asked, "What was supposed to happen to it."),
                ),
                "What was asked about; not among the affected.",
            ),
            "assumed": (self.item, "What was assumed to be operational."),
            "survivors": (self._survivor_type(), "Redundancy groups that lost a member and are not down."),
            "starved": (
                define(
                    "ImpactStarved", "Something that nothing calls any more.", *self.named(), self._state_field(),
                    plain("because", str, lambda each: each.because, "Why."),
                ),
                "What sees no traffic because all that called it is down; its monitors may alarm, though it works.",
            ),
            "already": (
                define(
                    "ImpactAlready", "Something that was not operational before.", *self.named(), self._state_field(),
                    plain("because", str, lambda each: each.because, "Why."),
                ),
                "What was so before the seeds failed.",
            ),
            "excluded": (
                define(
                    "ImpactExcluded", "A relationship of a seed over which no failure flows.",
                    plain("from", ID, lambda each: each.step.source.id, "The id of its source."),
                    plain("type", str, lambda each: each.step.type_name, "Its type."),
                    plain("to", ID, lambda each: each.step.target.id, "The id of its target."),
                    plain("because", str, lambda each: each.because, "The model's reason."),
                ),
                "Where failure does not go on from the seeds; at most 20 for each, by type and direction.",
            ),
            "services": (
                define(
                    "ImpactService", "A service that gets worse.", *self.service_fields(), self._state_field(),
                    plain("because", self._because, lambda each: each.because, "Why."),
                    plain("path", listed(self._step), lambda each: each.path, "From it back to a seed.", many=FEW),
                    *self.surroundings,
                    plain(
                        "newSinglePoints", listed(self.item), lambda each: [Item(ci) for ci in each.new_single_points],
                        "Whose further failure now takes it down that would not have before.", many=FEW,
                    ),
                ),
                "The services that get worse, worst first.",
            ),
            "notify": (
                define(
                    "ImpactNotified", "A person, group or organisation to tell.", *self.named(),
                    plain("because", listed(str), lambda each: each.because, "Every reason, in a sentence.", many=FEW),
                ),
                "Whom to tell, each once: those who own, support or consume seeds and services that get worse.",
            ),
            "unmapped": (self.item, "Seeds and affected things that support no service."),
            "unknown": (
                define(
                    "ImpactUnknown", "Something not taken into account.", *self.named(sure=False),
                    plain("because", str, lambda each: each.because, "Why not."),
                ),
                "What the answer could not take into account.",
            ),
        }  # fmt: skip
        return define(
            "ImpactAnswer",
            "What breaks if the seeds fail, at one revision of the estate.",
            plain("revision", int, lambda each: each.answer.revision, "The revision that it holds for."),
            plain("modelVersion", str, lambda each: each.answer.model_version, "A hash of the model."),
            plain("engineVersion", str, lambda each: each.answer.engine_version, "The version of knockon."),
            plain("answerId", str, lambda each: each.answer.id, "The answer's name: answer(id) gives it again."),
            plain("given", str, lambda each: each.answer.given, "What else was taken to be the case; with commas."),
            plain("window", maybe(str), _window, "The time that was asked about; null: now."),
            plain("confidence", maybe(float), lambda each: each.answer.confidence.value, "0 to 1; null: of nothing."),
            plain(
                "confidenceBecause", self._confidence_type(), lambda each: each.answer.confidence,
                "What the confidence comes from.",
            ),
            plain(
                "excludedTruncated", bool, lambda each: each.answer.excluded_truncated,
                "More relationships of the seeds were not followed than are told.",
            ),
            plain(
                "newSinglePointsTruncated", bool, lambda each: each.answer.new_points_truncated,
                "There may be more new single points than are told.",
            ),
            plain("asOf", maybe(str), lambda each: each.answer.as_of, "The moment of the past that it is of, in UTC."),
            plain(
                "excludedTypes", listed(str), lambda each: each.answer.excluded_types,
                "The relationship types that exclude left out.", many=FEW,
            ),
            plain("counts", self._counts_type(), lambda each: each.answer.counts, "How many are in which state, all."),
            plain("truncated", bool, lambda each: each.answer.truncated, "maxDistance cut the list of the affected."),
            self._affected_field(connections),
            *(
                plain(name, listed(type_), _members(name), said, many=FEW)
                for name, (type_, said) in lists.items()
            ),
        )  # fmt: skip

    def _surroundings(self, item: type) -> list[StrawberryField]:
        """Make the fields of who and what stands around a service."""
        define = self._definitions.object
        target = define(
            "ImpactTarget",
            "Something that an agreement promises.",
            plain("name", str, lambda each: each.name, "The attribute that says so."),
            plain("value", maybe(str), lambda each: each.value, "How much; null if redacted."),
        )
        agreement = define(
            "ImpactAgreement",
            "An agreement that is in force on a service.",
            *self.named(),
            sighted("touched", listed(target), Agreement.as_seen, "What of it the state touches.", many=FEW),
        )
        hours = define(
            "ImpactServiceHours",
            "When a service is to serve.",
            plain("inside", maybe(bool), lambda each: each.inside, "Whether that is now; null if it cannot be read."),
            plain("until", maybe(str), lambda each: utc_text(each.until), "When that changes; null: not for a year."),
            plain("share", maybe(float), lambda each: each.share, "How much of the window is inside; null: a moment."),
            plain("calendars", listed(item), lambda each: [Item(ci) for ci in each.calendars], "By these.", many=FEW),
            plain("because", maybe(str), lambda each: each.because, "Why it cannot be read."),
        )

        def items(name: str) -> Callable[[Any], list[Item]]:
            return lambda each: [Item(ci) for ci in getattr(each.around, name)]

        return [
            plain("serviceHours", maybe(hours), lambda each: each.around.hours, "Null: none are recorded."),
            plain("customers", listed(item), items("customers"), "Who consumes it.", many=FEW),
            plain("agreements", listed(agreement), lambda each: each.around.agreements, "What covers it.", many=FEW),
            plain("owners", listed(item), items("owners"), "Who answers for it.", many=FEW),
            plain("supportGroups", listed(item), items("support_groups"), "Who mends it.", many=FEW),
        ]

    def _confidence_type(self) -> type:
        numbers = {
            "edges": ("edges", "Relationships by which failure comes."),
            "lookedAt": ("looked_at", "How many of them were looked at."),
            "sound": ("sound", "Declared or observed, and seen within the refresh period."),
            "inferred": ("inferred", "Only inferred."),
            "stale": ("stale", "Not seen for longer than the refresh period."),
            "unknown": ("unknown", "What could not be taken into account."),
            "unmapped": ("unmapped", "What supports no service; it lowers nothing."),
        }
        return self._definitions.object(
            "ImpactConfidence",
            "What the confidence of an answer comes from.",
            plain("text", str, lambda each: each.because, "In a sentence."),
            *(plain(name, int, _getter(attribute), said) for name, (attribute, said) in numbers.items()),
        )

    def _survivor_type(self) -> type:
        return self._definitions.object(
            "ImpactSurvivor",
            "A redundancy group that lost a member and is not down.",
            *self.named(),
            plain("group", str, lambda each: each.group, "The group's name."),
            plain("up", int, lambda each: each.up, "Weight of the members that are not down."),
            plain("minUp", int, lambda each: each.min_up, "Weight that must be up."),
            plain("lost", int, lambda each: each.lost, "How many members are lost."),
            plain("margin", int, lambda each: each.margin, "How many more it can lose and be in full service."),
        )

    def _counts_type(self) -> type:
        return self._definitions.object(
            "ImpactCounts",
            "How many things are affected.",
            *(
                plain(state.name, int, _count(state), f"How many are {state.name}.")
                for state in (State.DOWN, State.DEGRADED, State.AT_RISK)
            ),
        )

    def _affected_field(self, connections: ConnectionTypes) -> StrawberryField:
        node = self._definitions.object(
            "ImpactAffected",
            "Something that the seeds make worse.",
            *self.named(),
            self._state_field(),
            plain("distance", int, lambda each: each.distance, "Steps to what made it so."),
            plain("because", self._because, lambda each: each.because, "Why."),
            plain("path", listed(self._step), lambda each: each.path, "From it back to a seed.", many=FEW),
        )
        connection = connections.make(
            "ImpactAffected", node, of="what the seeds make worse, worst first",
            read_node=lambda placed: placed.row, cursor=lambda placed: cursor_of(_KIND, placed.place),
        )  # fmt: skip

        return list_of_answer(
            "affected", connection, _KIND, lambda impact: (impact.answer.affected, impact.mark),
            "What the seeds make worse, worst first.",
        )  # fmt: skip

    def _supports_type(self) -> type:
        service = self._definitions.object(
            "SupportedService",
            "A service that something supports.",
            *self.service_fields(),
            plain("distance", int, lambda each: each.distance, "Steps from the service."),
            plain("path", listed(self._step), lambda each: each.path, "From the service.", many=FEW),
        )
        return self._definitions.object(
            "SupportsAnswer",
            "Which services something supports.",
            *self.named(),
            plain("revision", int, lambda each: each.revision, "The revision that it holds for."),
            plain("services", listed(service), lambda each: each.services, "Nearest first.", many=FEW),
        )


@dataclass(frozen=True, slots=True)
class Item:
    """A plain Ci in the shape of the other things that an answer names."""

    ci: Ci


def _window(impact: Impact) -> str | None:
    span = impact.answer.span
    return None if span is None else str(span)


def _members(name: str) -> Callable[[Impact], Sequence[Any]]:
    if name in {"assumed", "unmapped"}:
        return lambda each: [Item(ci) for ci in getattr(each.answer, name)]
    return lambda each: getattr(each.answer, name)


def _getter(attribute: str) -> Callable[[Any], Any]:
    return lambda each: getattr(each, attribute)


def _count(state: State) -> Callable[[dict[State, int]], int]:
    return lambda counts: counts.get(state, 0)
