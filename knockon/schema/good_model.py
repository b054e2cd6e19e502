"""What makes a model a good one, beyond working: the rules of DESIGN.md section 2."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from knockon.schema.lint_lifecycles import going
from knockon.schema.spec import NO_UNIT
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knockon.schema.model import ImpactRule, Model, RelationshipType
    from knockon.schema.source import Mistake, ModelSource
    from knockon.schema.spec import AttributeSpec, RedundancySpec, RelationshipSpec, RuleSpec

_ITEM = "ConfigurationItem"
_UNIT = f"say the unit of the number; {NO_UNIT} if it is a rank, a place, or names something, as a port does."


def rules(source: ModelSource, model: Model, *, whole: bool) -> Iterator[Mistake]:
    """Find offences against the rules.

    ``model`` holds what is sound of the source; unless that is the ``whole``, nothing is said to be
    lacking in it: it may be in the rest.
    """
    yield from _written(source)
    yield from _classes(source, model, whole=whole)
    for kind in model.relationships.values():
        if kind.spec.impact != "none":
            for index, rule in enumerate(kind.spec.impact):
                if whole and not any(_common(model, kind, [rule.ends, pair]) for pair in kind.spec.ends):
                    message = f"{kind.name}, rule {rule.name}: {kind.name} never joins such ends."
                    yield source.mistake(message, "relationships", kind.name, "impact", index, "ends")
            yield from _ties(source, model, kind)
            yield from _uncovered(source, model, kind)
        yield from _groupings(source, model, kind)


def _written(source: ModelSource) -> Iterator[Mistake]:
    """Find what shows in a definition by itself, whatever it rests on."""
    for name, kind in source.spec.classes.items():
        if kind.redundancy:
            yield from _redundancy(source, name, kind.redundancy)
    for name, each in source.spec.relationships.items():
        if each.impact == "none":
            yield from _no_impact(source, name, each)
        else:
            for index, rule in enumerate(each.impact):
                yield from _rule(source, name, index, rule)
    yield from _units(source)
    yield from going(source)


def _units(source: ModelSource) -> Iterator[Mistake]:
    places = [("classes", name, each.attributes) for name, each in source.spec.classes.items()]
    places += [("relationships", name, each.attributes) for name, each in source.spec.relationships.items()]
    for section, owner, attributes in places:
        for name, each in attributes.items():
            if _lacks_unit(each):
                yield source.mistake(f"{owner}.{name}: {_UNIT}", section, owner, "attributes", name)
    for name, each in source.spec.edge_attributes.items():
        if _lacks_unit(each):
            yield source.mistake(f"{name}: {_UNIT}", "edge_attributes", name)


def _lacks_unit(attribute: AttributeSpec) -> bool:
    return attribute.type in {"integer", "number"} and not attribute.unit


def _classes(source: ModelSource, model: Model, *, whole: bool) -> Iterator[Mistake]:
    for name, each in model.classes.items():
        line = [model.spec.classes[above] for above in each.lineage]
        if not each.abstract and not any(above.identifiers for above in line):
            message = f"{name}: a class that is not abstract needs an identifier set, its own or inherited."
            yield source.mistake(message, "classes", name)
        if not whole:
            continue
        is_item = not each.abstract and _ITEM in each.lineage
        if is_item and name not in model.topology_classes and not any(above.because for above in line):
            message = f"{name}: no relationship with an impact rule may join it to anything; say why (because)."
            yield source.mistake(message, "classes", name)
        group = each.spec.redundancy.group if each.spec.redundancy else None
        if group and not any(_is_grouped_consumer(model, below, group) for below in model.concrete(name)):
            message = f"{name}: {group} groups no suppliers of a {name} by type, so this has no effect."
            yield source.mistake(message, "classes", name, "redundancy", "group")


def _redundancy(source: ModelSource, name: str, spec: RedundancySpec) -> Iterator[Mistake]:
    lowest, full = spec.min_up or "1", spec.full_up
    if full and lowest.endswith("%") == full.endswith("%") and int(full.rstrip("%")) < int(lowest.rstrip("%")):
        message = f"{name}: full_up ({full}) is below min_up ({lowest})."
        yield source.mistake(message, "classes", name, "redundancy", "full_up")


def _is_grouped_consumer(model: Model, name: str, relationship: str) -> bool:
    kind = model.relationships[relationship]
    for other in model.concrete("Entity"):
        for source, target, supplier in ((name, other, "target"), (other, name, "source")):
            if (
                model.allows(relationship, source, target)
                and model.grouped(relationship, source, target)
                and any(rule.supplier == supplier for rule in model.rules_between(kind.name, source, target))
            ):
                return True
    return False


def _no_impact(source: ModelSource, name: str, spec: RelationshipSpec) -> Iterator[Mistake]:
    if not spec.because:
        message = f"{name}: impact: none needs its reason (because)."
        yield source.mistake(message, "relationships", name, "impact")
    if spec.group == "type":
        message = f"{name}: there is nothing to group where there is no impact."
        yield source.mistake(message, "relationships", name, "group")


# Monotone and reductive as written is enough: ``effect_map`` keeps both when it completes a map (test_states.py).
def _rule(source: ModelSource, relationship: str, index: int, rule: RuleSpec) -> Iterator[Mistake]:
    where = f"{relationship}, rule {rule.name}"
    path = ("relationships", relationship, "impact", index)
    if rule.flows == "none" and not rule.because:
        yield source.mistake(f"{where}: flows: none needs its reason (because).", *path, "flows")
    if rule.flows == "none" and rule.effect:
        yield source.mistake(f"{where}: there is no effect where nothing flows.", *path, "effect")
    written = sorted((State[k.upper()], State[v.upper()], k) for k, v in rule.effect.items())
    for state, effect, key in written:
        if state is State.OPERATIONAL or effect > state:
            message = f"the effect {effect.name.lower()} is worse than the supplier's state {key}."
            if state is State.OPERATIONAL:
                message = "a supplier that is operational has no effect; leave it out."
            yield source.mistake(f"{where}: {message}", *path, "effect", key)
    for (_, milder, _), (_, worse, key) in pairwise(written):
        if milder > worse:
            message = f"{where}: a supplier that is {key} must not do less harm than one in a better state."
            yield source.mistake(message, *path, "effect", key)


def _common(model: Model, kind: RelationshipType, pairs: Sequence[tuple[str, str]]) -> bool:
    """Tell whether some allowed edge of the type, between concrete classes, fits all of these pairs."""
    for allowed in kind.spec.ends:
        sources, targets = (
            set.intersection(*(set(model.concrete(pair[end])) for pair in [allowed, *pairs])) for end in (0, 1)
        )
        if sources and targets:
            return True
    return False


def _ties(source: ModelSource, model: Model, kind: RelationshipType) -> Iterator[Mistake]:
    for (_, one), (index, other) in combinations(enumerate(kind.rules), 2):
        if (
            model.rule_strength(one) == model.rule_strength(other)
            and not _disjoint(one, other)
            and _common(model, kind, [one.ends, other.ends])
        ):
            message = (
                f"{kind.name}: the rules {one.name} and {other.name} fit one edge with equal right; set a priority."
            )
            yield source.mistake(message, "relationships", kind.name, "impact", index)


def _disjoint(one: ImpactRule, other: ImpactRule) -> bool:
    wanted = {(end, attribute): values for end, attribute, values in one.conditions}
    return any(
        (end, attribute) in wanted and not wanted[end, attribute] & values
        for end, attribute, values in other.conditions
    )


def _uncovered(source: ModelSource, model: Model, kind: RelationshipType) -> Iterator[Mistake]:
    for index, (up, down) in enumerate(kind.spec.ends):
        gap = next(
            (
                (a, b)
                for a in model.concrete(up)
                for b in model.concrete(down)
                if not model.rules_between(kind.name, a, b)
            ),
            None,
        )
        if gap:
            message = (
                f"{kind.name}: no rule says what happens between {gap[0]} and {gap[1]}; add one (flows: none too)."
            )
            yield source.mistake(message, "relationships", kind.name, "ends", index)


def _groupings(source: ModelSource, model: Model, kind: RelationshipType) -> Iterator[Mistake]:
    for (_, one), (index, other) in combinations(enumerate(kind.spec.groupings), 2):
        depths = [[model.classes[end].depth for end in each.ends] for each in (one, other)]
        if depths[0] == depths[1] and _common(model, kind, [one.ends, other.ends]):
            message = f"{kind.name}: two groupings fit the same classes equally ({', '.join(other.ends)})."
            yield source.mistake(message, "relationships", kind.name, "groupings", index)
