"""What can be relied on in a model that has mistakes: its sound part is checked all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.schema.source import Mistake
    from knockon.schema.spec import ClassPair, ModelSpec, RelationshipSpec

Definitions = set[tuple[str, str]]
"""(section, name)."""


def broken_by(found: Iterable[Mistake]) -> Definitions:
    """Name the definitions that have these mistakes."""
    return {each.definition for each in found if each.definition}


def lineage(spec: ModelSpec, name: str) -> list[str]:
    """Follow is_a upward; a circle is entered once more at most, so that it shows."""
    line = [name]
    while (parent := spec.classes[line[-1]].is_a) is not None and parent in spec.classes:
        line.append(parent)
        if line.count(parent) > 1:
            break
    return line


def rooted_classes(spec: ModelSpec, broken: Definitions) -> set[str]:
    """Name the classes that are not broken, and inherit from none that is broken or not there."""
    lines = {name: lineage(spec, name) for name in spec.classes}
    return {
        name
        for name, line in lines.items()
        if spec.classes[line[-1]].is_a is None and not any(("classes", each) in broken for each in line)
    }


def sound_part(spec: ModelSpec, broken: Definitions) -> ModelSpec:
    """Leave out the broken definitions and what rests on them; ``model.build`` works on what is left."""
    classes = rooted_classes(spec, broken)
    relationships = {
        name: each
        for name, each in spec.relationships.items()
        if ("relationships", name) not in broken and all(end in classes for _, pair in pairs(each) for end in pair)
    }
    everywhere = {n: each for n, each in spec.edge_attributes.items() if ("edge_attributes", n) not in broken}
    inherited = {name: each for name, each in spec.classes.items() if name in classes}
    return spec.model_copy(update={"classes": inherited, "relationships": relationships, "edge_attributes": everywhere})


def pairs(each: RelationshipSpec) -> list[tuple[tuple[str | int, ...], ClassPair]]:
    """List all that a relationship type says of classes, and where it stands."""
    pairs: list[tuple[tuple[str | int, ...], ClassPair]] = [(("ends", i), pair) for i, pair in enumerate(each.ends)]
    pairs += [(("groupings", i, "ends"), grouping.ends) for i, grouping in enumerate(each.groupings)]
    if each.impact != "none":
        pairs += [(("impact", i, "ends"), rule.ends) for i, rule in enumerate(each.impact)]
    return pairs
