"""What a model file may say: the YAML shapes, before inheritance is worked out.

One file holds any of ``classes``, ``relationships``, ``edge_attributes``, ``lifecycles`` and ``sources``; files add up
to one model.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

AttributeType = Literal[
    "string", "text", "integer", "number", "boolean", "datetime", "date", "duration",
    "enum", "url", "ip", "mac", "email", "money", "json",
]  # fmt: skip
StateName = Literal["operational", "at_risk", "degraded", "down"]
Threshold = Annotated[str, Field(pattern=r"^([1-9]\d{0,8}|([1-9]|[1-9]\d|100)%)$")]
"""``min_up`` and ``full_up``: an integer of at least 1, or ``1%`` to ``100%``."""

ClassName = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]*$")]
TypeName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$")]
AttributeName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
ClassPair = tuple[ClassName, ClassName]
"""(source class, target class); subclasses included."""


NO_UNIT = "none"
"""Said of a number that has no unit: a rank, a place, or one that names something, as a port does."""


class Spec(BaseModel):
    """A part of a model file; keys that it does not know are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AttributeSpec(Spec):
    type: AttributeType
    many: bool = False
    description: str = Field(min_length=1)
    values: tuple[str, ...] = ()
    unit: str | None = None
    """What a number counts or is measured in, in words; NO_UNIT where it has none."""
    pattern: str | None = None
    """A regular expression that the whole of a string must match."""
    minimum: float | None = None
    maximum: float | None = None
    """Bounds of an integer or a number, both included."""
    required: bool = False
    recommended: bool = False
    default: Any = None
    sensitive: bool = False
    internal: bool = False
    """knockon keeps it for itself: to sources and people there is no such attribute to say."""
    indexed: bool = False
    null_overwrites: bool = False
    """A source that knows of no value for it counts with that: null may win over another source's value."""

    @property
    def shown_unit(self) -> str:
        """Give the unit to show with values; "" where there is none."""
        return "" if self.unit == NO_UNIT else self.unit or ""


class IdentifierSpec(Spec):
    """Attributes that together name one thing; ``within`` is the relationship to its parent, of class ``parent``."""

    name: str
    by: tuple[AttributeName, ...] = Field(min_length=1)
    within: TypeName | None = None
    parent: ClassName | None = None
    priority: int = Field(default=100, ge=0)
    """Smaller is stronger: two records that a stronger set tells apart are not one for a weaker one's sake."""


class RedundancySpec(Spec):
    """The class-default group: the consumer's ``min_up`` and ``full_up`` attributes override it."""

    group: TypeName
    min_up: Threshold | None = None
    full_up: Threshold | None = None


class ClassSpec(Spec):
    description: str = Field(min_length=1)
    is_a: ClassName | None = None
    abstract: bool = False
    plural: ClassName | None = None
    attributes: dict[AttributeName, AttributeSpec] = Field(default_factory=dict)
    identifiers: tuple[IdentifierSpec, ...] = ()
    redundancy: RedundancySpec | None = None
    refresh: str | None = None
    """ISO 8601 duration: what a source said longer ago than this, counted from the newest word, is stale."""
    lifecycle: str | None = None
    sensitive: bool = False
    """All attributes of it and of what is below it are, but the name."""
    because: str | None = None
    """Why a configuration item of this class needs nothing and nothing needs it."""


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Values = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]


class ConditionSpec(Spec):
    """Attribute values, as text, that an end or the edge must have; no clock."""

    source: dict[AttributeName, Values] = Field(default_factory=dict)
    target: dict[AttributeName, Values] = Field(default_factory=dict)
    edge: dict[AttributeName, Values] = Field(default_factory=dict)


class RuleSpec(Spec):
    name: str = Field(min_length=1)
    flows: Literal["target_to_source", "source_to_target", "none"]
    ends: ClassPair = ("Entity", "Entity")
    when: ConditionSpec = ConditionSpec()
    effect: dict[StateName, StateName] = Field(default_factory=dict)
    priority: int = 0
    because: str | None = None


def _branch(raw: Any) -> str:
    return "none" if isinstance(raw, str) else "rules"


Impact = Annotated[
    Annotated[tuple[RuleSpec, ...], Tag("rules")] | Annotated[Literal["none"], Tag("none")], Discriminator(_branch)
]


class GroupingSpec(Spec):
    ends: ClassPair
    group: Literal["type", "none"]


class RelationshipSpec(Spec):
    inverse: TypeName
    description: str = Field(min_length=1)
    ends: tuple[ClassPair, ...] = Field(min_length=1)
    attributes: dict[AttributeName, AttributeSpec] = Field(default_factory=dict)
    impact: Impact
    because: str | None = None
    group: Literal["type", "none"] = "none"
    groupings: tuple[GroupingSpec, ...] = ()


class LifecycleStateSpec(Spec):
    """``open``: the record is not done. ``in_effect``: its declared effects hold at this moment.

    ``counts``: a configuration item in this state serves others; one that is on order does not.
    ``initial``: a thing may begin in it. ``moves`` are the states that it may be moved to; a final state has none.
    """

    description: str = Field(min_length=1)
    open: bool
    in_effect: bool = False
    counts: bool = True
    initial: bool = False
    moves: tuple[str, ...] = ()


class LifecycleSpec(Spec):
    description: str = Field(min_length=1)
    attribute: AttributeName = "state"
    states: dict[str, LifecycleStateSpec] = Field(min_length=1)

    @property
    def initial(self) -> tuple[str, ...]:
        """Name the states that a thing may begin in."""
        return tuple(state for state, each in self.states.items() if each.initial)

    def moves(self, state: str | None) -> tuple[str, ...]:
        """Name the states that a thing may be moved to.

        One without a state begins; one in a state that is none of these is put where it belongs, wherever that is.
        """
        if state is None:
            return self.initial
        return self.states[state].moves if state in self.states else tuple(self.states)


SourceName = Annotated[str, Field(pattern=r"^[^:\s][^:]*$")]
Ranking = Annotated[tuple[SourceName, ...], Field(min_length=1)]
"""Names of sources, the most trusted first."""


class SourcesSpec(Spec):
    """Which source is believed where they differ: in general, for a class, for an attribute of a class.

    ``discovers``: the sources that look for themselves, each with the classes of which it sees all in operation.
    """

    ranking: Ranking | None = None
    classes: dict[ClassName, Ranking] = Field(default_factory=dict)
    attributes: dict[ClassName, dict[AttributeName, Ranking]] = Field(default_factory=dict)
    discovers: dict[SourceName, tuple[ClassName, ...]] | None = None


class ModelSpec(Spec):
    classes: dict[ClassName, ClassSpec] = Field(default_factory=dict)
    relationships: dict[TypeName, RelationshipSpec] = Field(default_factory=dict)
    edge_attributes: dict[AttributeName, AttributeSpec] = Field(default_factory=dict)
    """What a relationship of any type may carry."""
    lifecycles: dict[str, LifecycleSpec] = Field(default_factory=dict)
    sources: SourcesSpec = SourcesSpec()
