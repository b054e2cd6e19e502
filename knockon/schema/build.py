"""From a specification to the model: inheritance worked out, defaults typed, rules read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from knockon.schema.identifiers import directions_of, identifiers
from knockon.schema.model import Attribute, EntityClass, ImpactRule, Model, RelationshipType
from knockon.schema.states import State, effect_map
from knockon.schema.values import parse, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.schema.model import RuleEnd
    from knockon.schema.spec import AttributeSpec, ModelSpec, RelationshipSpec, RuleSpec


def build(spec: ModelSpec) -> Model:
    """Work out inheritance and rules; the specification must have passed ``lint.structure``."""
    classes: dict[str, EntityClass] = {}
    directions = directions_of(spec)
    for name in spec.classes:
        _build_class(name, spec, directions, classes)
    relationships = {name: _relationship(name, spec, kind) for name, kind in spec.relationships.items()}
    return Model(spec, classes, relationships)


def _build_class(
    name: str, spec: ModelSpec, directions: Mapping[str, tuple[str, bool]], built: dict[str, EntityClass]
) -> EntityClass:
    if name not in built:
        own = spec.classes[name]
        parent = _build_class(own.is_a, spec, directions, built) if own.is_a else None
        attributes = dict(parent.attributes) if parent else {}
        attributes |= _attributes(name, own.attributes)
        lineage = (name, *parent.lineage) if parent else (name,)
        if any(spec.classes[each].sensitive for each in lineage):
            attributes = {each: _sensitive(attribute) for each, attribute in attributes.items()}
        refresh = int(seconds(own.refresh)) if own.refresh else parent.refresh_seconds if parent else None
        known_by = identifiers(spec, lineage, directions)
        built[name] = EntityClass(
            name, own, lineage, attributes, own.plural or plural(name), known_by, refresh, _required(attributes)
        )
    return built[name]


def _relationship(name: str, spec: ModelSpec, kind: RelationshipSpec) -> RelationshipType:
    attributes = _attributes(name, {**spec.edge_attributes, **kind.attributes})
    rules = tuple(_rule(name, rule) for rule in kind.impact) if kind.impact != "none" else (_no_impact(name, kind),)
    return RelationshipType(name, kind, attributes, rules, _required(attributes))


def _required(attributes: Mapping[str, Attribute]) -> tuple[str, ...]:
    return tuple(sorted(name for name, each in attributes.items() if each.spec.required))


def _attributes(declared_by: str, specs: Mapping[str, AttributeSpec]) -> dict[str, Attribute]:
    """Give defaults their types too, so that they compare with stored values."""
    found: dict[str, Attribute] = {}
    for name, spec in specs.items():
        default = None if spec.default is None else parse(spec, spec.default)
        found[name] = Attribute(name, spec.model_copy(update={"default": default}), declared_by)
    return found


def _sensitive(attribute: Attribute) -> Attribute:
    """Give an attribute of a class that is sensitive as a whole; a name never is."""
    if attribute.name == "name":
        return attribute
    return replace(attribute, spec=attribute.spec.model_copy(update={"sensitive": True}))


def plural(name: str) -> str:
    """Give the English plural of a class name: Policy, Policies; Switch, Switches; UPS, UPSs."""
    if name.endswith("y") and name[-2] not in "aeiou":
        return f"{name[:-1]}ies"
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


def _rule(relationship: str, spec: RuleSpec) -> ImpactRule:
    wanted: tuple[tuple[RuleEnd, dict[str, tuple[str, ...]]], ...] = (
        ("source", spec.when.source),
        ("target", spec.when.target),
        ("edge", spec.when.edge),
    )
    conditions = tuple(
        (end, attribute, frozenset(values)) for end, each in wanted for attribute, values in sorted(each.items())
    )
    written = {State[k.upper()]: State[v.upper()] for k, v in spec.effect.items()}
    supplier: Literal["source", "target"] | None = None
    if spec.flows != "none":
        supplier = "target" if spec.flows == "target_to_source" else "source"
    return ImpactRule(
        spec.name, relationship, spec.ends, conditions, supplier, effect_map(written), spec.priority, spec.because
    )


def _no_impact(name: str, spec: RelationshipSpec) -> ImpactRule:
    return ImpactRule("none", name, ("Entity", "Entity"), (), None, effect_map({}), 0, spec.because)
