"""What is wrong with model files, each mistake with its file and line.

``structure`` is what a model must have to work at all, and every start checks it; ``rules`` is what
it must have to be a good one.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING

from knockon.schema.build import build, plural
from knockon.schema.good_model import rules
from knockon.schema.lint_identity import circles, identity, precedence
from knockon.schema.lint_lifecycles import followed, moves
from knockon.schema.model import as_text
from knockon.schema.sound import broken_by, lineage, pairs, rooted_classes, sound_part
from knockon.schema.source import read_sources
from knockon.schema.values import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from knockon.schema.source import Mistake, ModelSource
    from knockon.schema.spec import AttributeSpec, ModelSpec, RelationshipSpec, RuleSpec

ROOT = "Entity"
RESERVED = frozenset(
    {
        "id",
        "class",
        "key",
        "type",
        "from",
        "to",
        "attributes",
        "records",
        "provenance",
        "freshness",
        "relationships",
        "history",
        "findings",
        "redacted",
        "revision",
    }
    | {"blast_radius", "dependencies", "supported_services", "affected_services", "risk"}
    | {"single_points_of_failure", "estimated_availability"}
)
"""Words that the native format, every node, or some nodes' answers use for something else."""
_NOT_COMPARED = frozenset({"json", "money", "text"})


def mistakes(files: Iterable[Path]) -> list[Mistake]:
    """List everything that is wrong with these files together, by file and line.

    A definition with a mistake of shape is not looked at for mistakes of structure, nor one with either
    for offences against the rules, and neither is what rests on it: mistakes could not be told apart
    from their consequences.

    Raises
    ------
    FileUnreadable, FileNotParsed
        A file that cannot be read at all; the message has the line.
    """
    source = read_sources(files)
    found = [*source.mistakes, *structure(source)]
    sound = build(sound_part(source.spec, broken_by(found)))
    return sorted([*found, *circles(source, sound), *rules(source, sound, whole=not found)])


def structure(source: ModelSource) -> Iterator[Mistake]:
    """Find what keeps ``model.build`` from working, in the definitions of the right shape."""
    spec = source.spec
    found = list(_inheritance(source, spec))
    yield from found
    rooted = rooted_classes(spec, broken_by(found))
    yield from _classes(source, spec, rooted)
    yield from _relationships(source, spec, rooted)
    yield from moves(source, spec, _unknown)
    yield from _names(source, spec)

    def attributes_of(name: str) -> Mapping[str, AttributeSpec] | None:
        return _inherited(spec, name) if name in rooted else None

    yield from precedence(source, spec, attributes_of, _unknown)


def _inheritance(source: ModelSource, spec: ModelSpec) -> Iterator[Mistake]:
    if ROOT not in {*spec.classes, *source.doubtful}:
        first = next(iter(spec.classes), "")
        yield source.mistake(f"there is no class {ROOT}, the root of all.", "classes", first)
    for name, each in spec.classes.items():
        if each.is_a is None and name != ROOT:
            yield source.mistake(f"{name}: is_a is missing; only {ROOT} has no parent.", "classes", name)
        elif each.is_a is not None and each.is_a not in {*spec.classes, *source.doubtful}:
            yield source.mistake(_unknown(name, "is_a", each.is_a, spec.classes), "classes", name, "is_a")
        elif name in (line := lineage(spec, name))[1:]:
            circle = " is a ".join(line[: line.index(name, 1) + 1])
            yield source.mistake(f"{name}: is_a goes round in a circle: {circle}.", "classes", name, "is_a")


def _inherited(spec: ModelSpec, name: str) -> dict[str, AttributeSpec]:
    found: dict[str, AttributeSpec] = {}
    for each in reversed(lineage(spec, name)):
        found |= spec.classes[each].attributes
    return found


def _unknown(where: str, key: str, name: str, known: Iterable[str], what: str = "class") -> str:
    near = get_close_matches(name, list(known), n=1)
    hint = f"; did you mean {near[0]}?" if near else "."
    return f"{where}: {key} names {name}, and there is no such {what}{hint}"


def _classes(source: ModelSource, spec: ModelSpec, rooted: set[str]) -> Iterator[Mistake]:
    types = {*spec.relationships, *source.doubtful}
    directions = {*types, *(each.inverse for each in spec.relationships.values())}
    for name, each in spec.classes.items():
        attributes = _inherited(spec, name) if name in rooted else None  # None: not known
        yield from _attributes(source, each.attributes, "classes", name)
        above = _inherited(spec, each.is_a) if each.is_a and each.is_a in rooted else {}
        for attribute in each.attributes.keys() & above.keys():
            mine, theirs = each.attributes[attribute], above[attribute]
            if (mine.type, mine.many) != (theirs.type, theirs.many):
                message = f"{name}.{attribute}: a class above has it with another type ({theirs.type})."
                yield source.mistake(message, "classes", name, "attributes", attribute)
        for index, identifier in enumerate(each.identifiers):
            path = ("classes", name, "identifiers", index)
            for attribute in identifier.by:
                if attributes is not None and attribute not in attributes:
                    yield source.mistake(_unknown(name, "by", attribute, attributes, "attribute"), *path, "by")
            if identifier.within and identifier.within not in directions:
                message = _unknown(name, "within", identifier.within, directions, "relationship type")
                yield source.mistake(message, *path, "within")
        if each.redundancy and each.redundancy.group not in types:
            message = _unknown(name, "group", each.redundancy.group, spec.relationships, "relationship type")
            yield source.mistake(message, "classes", name, "redundancy", "group")
        if attributes is not None:
            yield from identity(source, spec, name, attributes, _unknown)
        yield from followed(source, spec, name, attributes, _unknown)


def _attributes(
    source: ModelSource, attributes: Mapping[str, AttributeSpec], section: str, owner: str
) -> Iterator[Mistake]:
    for name, spec in attributes.items():
        path = (section, name) if section == "edge_attributes" else (section, owner, "attributes", name)
        for key, message in _attribute(name, spec):
            yield source.mistake(f"{owner}.{name}: {message}.", *path, key)


def _attribute(name: str, spec: AttributeSpec) -> Iterator[tuple[str, str]]:
    """Give what is wrong with one attribute, with the key that it stands at."""
    if name in RESERVED:
        yield "type", "the name is taken by every node or record"
    yield from _attribute_values(spec)
    limits = [*_attribute_pattern(spec), *_attribute_bounds(spec)]
    yield from limits
    if not limits and spec.default is not None:
        try:
            parse(spec, spec.default)
        except ValueError as error:
            yield "default", f"as default, {str(error).rstrip('.')}"


def _attribute_values(spec: AttributeSpec) -> Iterator[tuple[str, str]]:
    if spec.type == "enum" and not spec.values:
        yield "type", "an enum needs values"
    elif spec.type != "enum" and spec.values:
        yield "values", "only an enum has values"
    for value, count in Counter(spec.values).items():
        if count > 1:
            yield "values", f"the value {value} stands there twice"


def _attribute_pattern(spec: AttributeSpec) -> Iterator[tuple[str, str]]:
    if spec.pattern is None:
        return
    if spec.type not in {"string", "text"}:
        yield "pattern", "only a string or a text has a pattern"
    try:
        re.compile(spec.pattern)
    except re.error as error:
        yield "pattern", f"this is not a regular expression ({error})"


def _attribute_bounds(spec: AttributeSpec) -> Iterator[tuple[str, str]]:
    for key, bound in (("minimum", spec.minimum), ("maximum", spec.maximum)):
        if bound is not None and spec.type not in {"integer", "number"}:
            yield key, f"only an integer or a number has a {key}"
    if spec.minimum is not None and spec.maximum is not None and spec.minimum > spec.maximum:
        yield "maximum", "it is less than the minimum"


def _relationships(source: ModelSource, spec: ModelSpec, rooted: set[str]) -> Iterator[Mistake]:
    classes = {*spec.classes, *source.doubtful}
    yield from _attributes(source, spec.edge_attributes, "edge_attributes", "edge_attributes")
    for name, each in spec.relationships.items():
        here = ("relationships", name)
        yield from _attributes(source, each.attributes, *here)
        for attribute in each.attributes.keys() & spec.edge_attributes.keys():
            message = f"{name}.{attribute}: every relationship has an attribute of this name."
            yield source.mistake(message, *here, "attributes", attribute)
        for path, end in ((path, end) for path, pair in pairs(each) for end in pair if end not in classes):
            yield source.mistake(_unknown(name, str(path[0]), end, spec.classes), *here, *path)
        yield from _conditions(source, spec, rooted, name, each)


def _conditions(
    source: ModelSource, spec: ModelSpec, rooted: set[str], name: str, each: RelationshipSpec
) -> Iterator[Mistake]:
    def attributes(end: str) -> Mapping[str, AttributeSpec] | None:
        return _inherited(spec, end) if end in rooted else None

    for index, rule in enumerate(() if each.impact == "none" else each.impact):
        edge = {**spec.edge_attributes, **each.attributes}
        declared = (attributes(rule.ends[0]), attributes(rule.ends[1]), edge)
        for end, attribute, message in _rule_conditions(rule, declared):
            if end == "edge" and attribute in source.doubtful:
                continue
            path = ("impact", index, "when", end, attribute)
            yield source.mistake(f"{name}, rule {rule.name}: {message}", "relationships", name, *path)


def _rule_conditions(
    rule: RuleSpec, known: tuple[Mapping[str, AttributeSpec] | None, ...]
) -> Iterator[tuple[str, str, str]]:
    """Judge a rule's conditions by the attributes of source, target and edge, as far as those are known."""
    ends: tuple[tuple[str, Mapping[str, tuple[str, ...]], str], ...] = (
        ("source", rule.when.source, rule.ends[0]),
        ("target", rule.when.target, rule.ends[1]),
        ("edge", rule.when.edge, "the relationship"),
    )
    for (end, conditions, owner), attributes in zip(ends, known, strict=True):
        if attributes is not None:
            hint = "" if end == "edge" else "; give the rule ends that have it"
            found = condition_mistakes(owner, attributes, conditions, hint)
            yield from ((end, attribute, message) for attribute, message in found)


def condition_mistakes(
    owner: str, attributes: Mapping[str, AttributeSpec], conditions: Mapping[str, tuple[str, ...]], hint: str = ""
) -> Iterator[tuple[str, str]]:
    """Judge conditions on the attributes of ``owner``: each mistake by the attribute that it is about."""
    for attribute, values in conditions.items():
        declared = attributes.get(attribute)
        if declared is None:
            yield attribute, f"{owner} has no attribute {attribute}{hint}."
        elif declared.many or declared.type in _NOT_COMPARED:
            yield attribute, f"{attribute} is not one plain value; no condition can be put on it."
        else:
            yield from ((attribute, message) for message in _condition_values(attribute, declared, values))


def _condition_values(attribute: str, declared: AttributeSpec, values: tuple[str, ...]) -> Iterator[str]:
    if not values:
        yield f"the condition on {attribute} allows no value."
    for value in values:
        try:
            stored = as_text(parse(declared, value))
        except ValueError as error:
            yield f"{attribute} never has this value: {error}"
        else:
            if stored != value:
                yield f"{attribute}: write {stored} instead of {value}, as it is stored."


def _names(source: ModelSource, spec: ModelSpec) -> Iterator[Mistake]:
    """Find names that stand for two things."""
    taken: dict[str, str] = dict.fromkeys(spec.relationships, "")
    for name, each in spec.relationships.items():
        if each.inverse in taken:
            by = f"the inverse of {taken[each.inverse]}" if taken[each.inverse] else "a relationship type"
            yield source.mistake(f"{name}: {each.inverse} is already {by}.", "relationships", name, "inverse")
        taken[each.inverse] = name
        names = Counter(rule.name for rule in (each.impact if each.impact != "none" else ()))
        for index, rule in enumerate(each.impact if each.impact != "none" else ()):
            if names[rule.name] > 1:
                message = f"{name}: two rules are called {rule.name}."
                yield source.mistake(message, "relationships", name, "impact", index, "name")
    links = {each.lower() for each in taken}
    plurals: dict[str, str] = {}
    for name, kind in spec.classes.items():
        several = kind.plural or plural(name)
        if several in plurals:
            message = f"{name}: its plural {several} is already that of {plurals[several]}."
            yield source.mistake(message, "classes", name, "plural")
        plurals[several] = name
        for attribute in kind.attributes:
            if attribute in links:
                message = f"{name}.{attribute}: the relationship {attribute.upper()} is shown under this name."
                yield source.mistake(message, "classes", name, "attributes", attribute)
