"""One class or relationship type as people want to read it: everything that the model says of it, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.errors import BadUsage
from knockon.schema.states import State
from knockon.schema.wording import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.schema.identifiers import Within
    from knockon.schema.model import Attribute, EntityClass, ImpactRule, Model, RelationshipType

_BELOW_ENTITY = "; `knockon model show Entity` names the classes below it."


def describe(model: Model, name: str) -> dict[str, Any]:
    """Describe a class, or a relationship type by its name or its inverse, as JSON values.

    Raises
    ------
    BadUsage
        There is neither of this name; the message has the nearest one.
    """
    if name in model.classes:
        return _class(model, model.classes[name])
    found = model.direction(name)
    if found is None:
        known = [*model.classes, *model.type_names]
        raise BadUsage(unknown("class or relationship type", name, known, _BELOW_ENTITY))
    return _relationship(model, found[0])


def _class(model: Model, kind: EntityClass) -> dict[str, Any]:
    line = [model.spec.classes[each] for each in kind.lineage]
    redundancy = next((each.redundancy for each in line if each.redundancy), None)
    lifecycle = model.lifecycle(kind.name)
    return {
        "kind": "class",
        "name": kind.name,
        "description": kind.spec.description,
        "abstract": kind.abstract,
        "plural": kind.plural,
        "lineage": list(kind.lineage),
        "subclasses": sorted(name for name, each in model.spec.classes.items() if each.is_a == kind.name),
        "attributes": _attributes(kind.attributes),
        "identifiers": [
            {
                "name": each.name,
                "by": list(each.by),
                "within": _read_from_child(model, each.within) if each.within else None,
                "parent": each.within.parent if each.within else None,
                "priority": each.priority,
                "declared_by": each.declared_by,
            }
            for each in kind.identifiers
        ],
        "refresh_seconds": kind.refresh_seconds,
        "sources": _sources(model, kind),
        "redundancy": redundancy.model_dump() if redundancy else None,
        "lifecycle": lifecycle.model_dump(mode="json") if lifecycle else None,
        "because": next((each.because for each in line if each.because), None),
        "relationships": _relationships(model, kind),
    }


def _attributes(attributes: Mapping[str, Attribute]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "declared_by": each.declared_by,
            **each.spec.model_dump(mode="json"),
            "unit": each.spec.shown_unit or None,
        }
        for name, each in sorted(attributes.items())
    ]


def _read_from_child(model: Model, within: Within) -> str:
    stored = within.type_name
    return stored if within.child_is_source else model.relationships[stored].inverse


def _sources(model: Model, kind: EntityClass) -> dict[str, Any]:
    """Give who is believed about things of the class, strongest first, and who sees all of them."""
    named = {each for one in [model.spec.sources.ranking or (), *model.spec.sources.classes.values()] for each in one}
    own = {
        attribute
        for name in kind.lineage
        for attribute in model.spec.sources.attributes.get(name, {})
        if attribute in kind.attributes
    }
    by_attribute = {
        attribute: next(
            list(found)
            for name in kind.lineage
            if (found := model.spec.sources.attributes.get(name, {}).get(attribute))
        )
        for attribute in sorted(own)
    }
    ranked = [(rank, each) for each in named if (rank := model.rank(each, kind.name)) is not None]
    discovering = sorted(
        name for name, seen in (model.spec.sources.discovers or {}).items() if not set(seen).isdisjoint(kind.lineage)
    )
    return {
        "ranking": [each for _, each in sorted(ranked)], "attributes": by_attribute, "discovered_by": discovering,
    }  # fmt: skip


def _relationships(model: Model, kind: EntityClass) -> list[dict[str, Any]]:
    """Give what may join the class to others, each read from the class."""
    found = []
    for each in model.relationships.values():
        for source, target in each.spec.ends:
            if source in kind.lineage:
                words = _words(model, each, kind.name, target)
                found.append({"name": each.name, "other": target, "impact": words})
            if target in kind.lineage:
                words = _words(model, each, source, kind.name)
                found.append({"name": each.inverse, "other": source, "impact": words})
    return sorted(found, key=lambda one: (one["name"], one["other"]))


def _relationship(model: Model, kind: RelationshipType) -> dict[str, Any]:
    return {
        "kind": "relationship",
        "name": kind.name,
        "inverse": kind.inverse,
        "description": kind.spec.description,
        "ends": [
            {"source": source, "target": target, "impact": _words(model, kind, source, target)}
            for source, target in kind.spec.ends
        ],
        "attributes": _attributes(kind.attributes),
    }


def _words(model: Model, kind: RelationshipType, source: str, target: str) -> list[str]:
    """Say what the rules mean between two classes, in the order in which they are tried."""
    pairs = [(a, b) for a in model.concrete(source) for b in model.concrete(target)]
    fitting = {rule for a, b in pairs for rule in model.rules_between(kind.name, a, b)}
    rules = sorted((rule for rule in kind.rules if rule in fitting), key=model.rule_strength, reverse=True)
    words = [_rule(rule, source, target) for rule in rules]
    grouped = {model.grouped(kind.name, a, b) for a, b in pairs}
    if grouped == {True} and any(rule.supplier for rule in rules):
        words.append("Suppliers stand in for each other.")
    return words


def _rule(rule: ImpactRule, source: str, target: str) -> str:
    conditions = [f"{end} has {name} {_either(values)}" for end, name, values in rule.conditions]
    when = f", when the {' and the '.join(conditions)}" if conditions else ""
    if rule.supplier is None:
        return f"No failure flows{when}: {rule.because}"
    if source == target:
        source, target = "the source", "the target"
    consumer, supplier = (source, target) if rule.supplier == "target" else (target, source)
    changed = [f"{state.name} makes it {rule.effect[state].name}" for state in State if rule.effect[state] != state]
    effect = f": {', '.join(changed)}" if changed else ""
    return f"{consumer[0].upper()}{consumer[1:]} needs {supplier}{when}{effect}."


def _either(values: Iterable[str]) -> str:
    return " or ".join(sorted(values))
