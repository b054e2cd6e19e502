"""The metamodel as the rest of knockon uses it: inheritance worked out, rules ready to be chosen."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from knockon.schema.identifiers import families, layers

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from knockon.schema.identifiers import Identifier
    from knockon.schema.spec import AttributeSpec, ClassSpec, LifecycleSpec, ModelSpec, RelationshipSpec
    from knockon.schema.states import EffectMap

RuleEnd = Literal["source", "target", "edge"]
"""What a condition looks at."""

Attributes = dict[str, Any]
"""Attribute values as stored: JSON values, in the form that ``values.parse`` gives them."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One typed attribute of a class or a relationship type."""

    name: str
    spec: AttributeSpec
    declared_by: str


@dataclass(frozen=True, slots=True)
class EntityClass:
    """A class with everything that it inherits.

    ``lineage`` runs from the class itself to its root; ``depth`` is 0 for the root. ``identifiers``
    come strongest first. ``refresh_seconds`` is how long a source's word stays fresh; None: for ever.
    ``required`` names the attributes that every record has to have, sorted.
    """

    name: str
    spec: ClassSpec
    lineage: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    plural: str
    identifiers: tuple[Identifier, ...]
    refresh_seconds: int | None
    required: tuple[str, ...]

    @property
    def depth(self) -> int:
        return len(self.lineage) - 1

    @property
    def abstract(self) -> bool:
        return self.spec.abstract


@dataclass(frozen=True, slots=True)
class ImpactRule:
    """Which way failure flows over an edge, and how much of it arrives.

    ``supplier`` is the end that failure comes from; None where there is no impact, with ``because``.
    """

    name: str
    relationship: str
    ends: tuple[str, str]
    conditions: tuple[tuple[RuleEnd, str, frozenset[str]], ...]
    supplier: Literal["source", "target"] | None
    effect: EffectMap
    priority: int
    because: str | None


@dataclass(frozen=True, slots=True)
class RelationshipType:
    """A relationship type, read from source to target; ``rules`` come strongest first for a class pair."""

    name: str
    spec: RelationshipSpec
    attributes: Mapping[str, Attribute]
    rules: tuple[ImpactRule, ...]
    required: tuple[str, ...]

    @property
    def inverse(self) -> str:
        return self.spec.inverse


@dataclass(frozen=True, slots=True)
class LifecycleState:
    """Where a record stands; ``known`` is False for a state that its lifecycle does not map."""

    state: str | None
    open: bool
    in_effect: bool
    known: bool


def as_text(value: Any) -> str:
    """Give the text form in which conditions compare a stored value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def holds(declared: Mapping[str, Attribute], attributes: Mapping[str, Any], name: str, wanted: Collection[str]) -> bool:
    """Tell whether an attribute has one of these values, as text; an absent one counts with its default."""
    value = attributes.get(name)
    if value is None and name in declared:
        value = declared[name].spec.default
    return as_text(value) in wanted


@dataclass(frozen=True)
class Model:
    """All classes, relationship types, impact rules and lifecycles of an installation.

    Built by ``build.build``; read by ``installed.read_model``. Class and type names in it are the only identifiers
    that may reach a query text.
    """

    spec: ModelSpec
    classes: Mapping[str, EntityClass]
    relationships: Mapping[str, RelationshipType]
    _pair_rules: dict[tuple[str, str, str], tuple[ImpactRule, ...]] = field(default_factory=dict, compare=False)
    _allowed: dict[tuple[str, str, str], bool] = field(default_factory=dict, compare=False)
    _rankings: dict[tuple[str, str | None], tuple[str, ...]] = field(default_factory=dict, compare=False)

    @cached_property
    def reckoning(self) -> str:
        """A short hash of what decides which records are one thing, what it is, and what relationships mean."""
        rules = {
            "classes": {
                name: [each.is_a, each.refresh, [one.model_dump() for one in each.identifiers],
                       {a: one.null_overwrites for a, one in each.attributes.items()}]
                for name, each in self.spec.classes.items()
            },
            "relationships": {name: [each.inverse, each.ends] for name, each in self.spec.relationships.items()},
            "sources": self.spec.sources.model_dump(),
            "circles": True,  # are kept: an estate of before is looked through once
            "parents": True,  # that nobody names are kept too
            "statuses": [
                {name: each.lifecycle for name, each in self.spec.classes.items()},
                {name: [each.attribute, {state: one.counts for state, one in each.states.items()}]
                 for name, each in self.spec.lifecycles.items()},
            ],
        }  # fmt: skip
        return hashlib.sha256(json.dumps(rules, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def version(self) -> str:
        """A short hash of the whole model: two models with one version mean the same."""
        return hashlib.sha256(self.spec.model_dump_json().encode()).hexdigest()[:12]

    @cached_property
    def _inverses(self) -> dict[str, str]:
        return {kind.inverse: name for name, kind in self.relationships.items()}

    @cached_property
    def _concrete(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {name: [] for name in self.classes}
        for name, each in sorted(self.classes.items()):
            if not each.abstract:
                for ancestor in each.lineage:
                    found[ancestor].append(name)
        return {name: tuple(members) for name, members in found.items()}

    def defaults(self, name: str) -> Attributes:
        """Give what the attributes of a class are worth while they are not recorded."""
        return {
            a: each.spec.default for a, each in self.classes[name].attributes.items() if each.spec.default is not None
        }

    def is_a(self, name: str, ancestor: str) -> bool:
        """Tell whether class ``name`` is ``ancestor`` or inherits from it."""
        return ancestor in self.classes[name].lineage

    def deepest(self, names: Iterable[str]) -> str | None:
        """Give the deepest of these classes if all lie on one branch, else None; there is at least one."""
        every = set(names)
        if len(every) == 1:  # the usual case
            return every.pop()
        found = max(every, key=lambda each: self.classes[each].depth)
        return found if all(self.is_a(found, each) for each in every) else None

    def concrete(self, name: str) -> tuple[str, ...]:
        """Name the concrete classes that are ``name`` or inherit from it, in order."""
        return self._concrete[name]

    def direction(self, name: str) -> tuple[RelationshipType, bool] | None:
        """Find a relationship type by its name or its inverse; True where the ends are to be swapped."""
        if name in self.relationships:
            return self.relationships[name], False
        if name in self._inverses:
            return self.relationships[self._inverses[name]], True
        return None

    @property
    def type_names(self) -> list[str]:
        """Give the names of all relationship types, each either way round."""
        return [*self.relationships, *self._inverses]

    def allows(self, relationship: str, source: str, target: str) -> bool:
        """Tell whether the type may join these two classes."""
        joined = (relationship, source, target)
        if joined not in self._allowed:
            up, down = self.classes[source].lineage, self.classes[target].lineage
            self._allowed[joined] = any(a in up and b in down for a, b in self.relationships[relationship].spec.ends)
        return self._allowed[joined]

    def impact_rule(
        self, relationship: str, source: str, target: str, values: Mapping[str, Attributes]
    ) -> ImpactRule | None:
        """Choose the rule of one edge: priority, depth of source class, of target class, more conditions.

        ``values`` has the attributes of ``source``, ``target`` and ``edge``; an absent one counts with
        its default. None where no rule fits.
        """
        declared = {
            "source": self.classes[source].attributes,
            "target": self.classes[target].attributes,
            "edge": self.relationships[relationship].attributes,
        }

        for rule in self.rules_between(relationship, source, target):
            if all(holds(declared[end], values[end], name, wanted) for end, name, wanted in rule.conditions):
                return rule
        return None

    def rules_between(self, relationship: str, source: str, target: str) -> tuple[ImpactRule, ...]:
        """Give the rules that a class pair can have, in the order in which they are tried."""
        key = (relationship, source, target)
        if key not in self._pair_rules:
            up, down = self.classes[source].lineage, self.classes[target].lineage
            fitting = [r for r in self.relationships[relationship].rules if r.ends[0] in up and r.ends[1] in down]
            self._pair_rules[key] = tuple(sorted(fitting, key=self.rule_strength, reverse=True))
        return self._pair_rules[key]

    def rule_strength(self, rule: ImpactRule) -> tuple[int, int, int, int]:
        """Order in which rules are tried, strongest greatest; equal ones must be disjoint (lint)."""
        source, target = (self.classes[end].depth for end in rule.ends)
        return (rule.priority, source, target, len(rule.conditions))

    def grouped(self, relationship: str, source: str, target: str) -> bool:
        """Tell whether edges of this type between these classes form a group without a name."""
        spec = self.relationships[relationship].spec
        up, down = self.classes[source].lineage, self.classes[target].lineage
        fitting = [g for g in spec.groupings if g.ends[0] in up and g.ends[1] in down]
        if not fitting:
            return spec.group == "type"
        best = max(fitting, key=lambda g: (self.classes[g.ends[0]].depth, self.classes[g.ends[1]].depth))
        return best.group == "type"

    @cached_property
    def topology_classes(self) -> frozenset[str]:
        """Concrete classes that take part in an impact rule: what the topology holds."""
        taking: set[str] = set()
        for kind in self.relationships.values():
            for rule in kind.rules:
                if rule.supplier is None:
                    continue
                for pair in kind.spec.ends:
                    sources, targets = (
                        set(self.concrete(end)) & set(self.concrete(allowed))
                        for end, allowed in zip(rule.ends, pair, strict=True)
                    )
                    if sources and targets:
                        taking |= sources | targets
        return frozenset(taking)

    def lifecycle(self, name: str) -> LifecycleSpec | None:
        """Give the lifecycle of a class, its own or the nearest ancestor's."""
        named = (self.classes[each].spec.lifecycle for each in self.classes[name].lineage)
        found = next((each for each in named if each), None)
        return self.spec.lifecycles[found] if found else None

    @cached_property
    def states(self) -> dict[str, tuple[str, frozenset[Any]]]:
        """Give by class the attribute that says where a thing stands, and the states that its lifecycle has."""
        found = ((name, self.lifecycle(name)) for name in self.classes)
        return {name: (each.attribute, frozenset(each.states)) for name, each in found if each}

    @cached_property
    def statuses(self) -> dict[str, tuple[str, Mapping[Any, bool]]]:
        """Give by class the attribute with its status, and for each state whether a thing in it counts.

        Only of classes in whose lifecycle there are states that do not.
        """
        found: dict[str, tuple[str, Mapping[Any, bool]]] = {}
        for name in self.classes:
            if lifecycle := self.lifecycle(name):
                states = {state: each.counts for state, each in lifecycle.states.items()}
                if not all(states.values()):
                    found[name] = (lifecycle.attribute, states)
        return found

    def counts(self, name: str, attributes: Attributes) -> bool:
        """Tell whether a thing in this state serves anybody: one that is on order does not.

        A thing without a state, or in one that its lifecycle does not map, counts.
        """
        rule = self.statuses.get(name)
        return rule is None or rule[1].get(attributes.get(rule[0]), True)

    @cached_property
    def discovered(self) -> frozenset[str]:
        """Name the classes of which some source sees all that is in operation."""
        named = {each for classes in (self.spec.sources.discovers or {}).values() for each in classes}
        return frozenset(name for name, each in self.classes.items() if not named.isdisjoint(each.lineage))

    @cached_property
    def _families(self) -> dict[str, str]:
        return families({name: each.identifiers for name, each in self.classes.items()})

    @cached_property
    def _layers(self) -> dict[str, int]:
        sets = {name: each.identifiers for name, each in self.classes.items()}
        return layers(sets, self._families, self._concrete)

    def family(self, name: str) -> str:
        """Name the family of a class: the classes that can share an identifier set with it."""
        return self._families[name]

    def layer(self, name: str) -> int:
        """Give the layer of a class's family: its things are named within things of lower layers only.

        Raises
        ------
        CircularIdentity
            Only for a model that was built without asking ``lint_identity.circles``.
        """
        return self._layers[self._families[name]]

    @cached_property
    def identifiers(self) -> dict[str, Identifier]:
        """Give the identifier sets of all classes by their keys."""
        return {each.key: each for kind in self.classes.values() for each in kind.identifiers}

    @cached_property
    def dependent(self) -> frozenset[str]:
        """Name the classes of which a thing has no identity but within a parent."""
        sets = {name: each.identifiers for name, each in self.classes.items()}
        return frozenset(name for name, own in sets.items() if own and all(each.within for each in own))

    @cached_property
    def containments(self) -> frozenset[tuple[str, bool]]:
        """Give the ways to a parent that identifier sets use: (stored type, whether the child is its source)."""
        return frozenset(each.within[:2] for each in self.identifiers.values() if each.within)

    @cached_property
    def child_ends(self) -> dict[str, tuple[bool, ...]]:
        """Give for each type that is a way to a parent whether the child is its source; for some it may be either."""
        types = {name for name, _ in self.containments}
        return {name: tuple(end for end in (True, False) if (name, end) in self.containments) for name in types}

    def rank(self, source: str, class_name: str, attribute: str | None = None) -> int | None:
        """Give the place of a source among those that are believed, 0 the strongest; None if it has none.

        One list decides: that for the attribute, else that for the class (each time the deepest class
        of the lineage that has one), else the general one. Who is not on it has no rank.
        """
        key = (class_name, attribute)
        if key not in self._rankings:
            rules, lineage = self.spec.sources, self.classes[class_name].lineage
            lists = [one for each in lineage if attribute and (one := rules.attributes.get(each, {}).get(attribute))]
            lists += [rules.classes[each] for each in lineage if each in rules.classes]
            self._rankings[key] = lists[0] if lists else rules.ranking or ()
        ranking = self._rankings[key]
        return ranking.index(source) if source in ranking else None

    def state_of(self, name: str, attributes: Attributes) -> LifecycleState:
        """Read where a record stands. A state that its lifecycle does not map counts as open and in effect."""
        lifecycle = self.lifecycle(name)
        if lifecycle is None:
            return LifecycleState(None, open=False, in_effect=False, known=True)
        state = attributes.get(lifecycle.attribute)
        declared = lifecycle.states.get(str(state))
        if declared is None:
            return LifecycleState(state, open=True, in_effect=True, known=False)
        return LifecycleState(state, declared.open, declared.in_effect, known=True)
