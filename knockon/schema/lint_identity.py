"""What is wrong with how things are told apart and whose word counts: identifier sets, refresh, source precedence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from knockon.schema.identifiers import CircularIdentity
from knockon.schema.values import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from knockon.schema.model import EntityClass, Model
    from knockon.schema.source import Mistake, ModelSource
    from knockon.schema.spec import AttributeSpec, ModelSpec


def identity(
    source: ModelSource,
    spec: ModelSpec,
    name: str,
    attributes: Mapping[str, AttributeSpec],
    unknown: Callable[..., str],
) -> Iterator[Mistake]:
    """Find what is wrong with the identifier sets and the refresh period of one class."""
    own = spec.classes[name]
    names = Counter(each.name for each in own.identifiers)
    for index, each in enumerate(own.identifiers):
        path = ("classes", name, "identifiers", index)
        if names[each.name] > 1:
            yield source.mistake(f"{name}: two identifier sets are called {each.name}.", *path, "name")
        for attribute in each.by:
            if attribute in attributes and attributes[attribute].many:
                message = f"{name}: {attribute} is a list, and no list names one thing."
                yield source.mistake(message, *path, "by")
        if each.parent and each.parent not in {*spec.classes, *source.doubtful}:
            yield source.mistake(unknown(name, "parent", each.parent, spec.classes), *path, "parent")
        if (each.within is None) != (each.parent is None):
            message = f"{name}: within and parent go together: over which relationship, and to things of which class."
            yield source.mistake(message, *path)
    if own.refresh is not None:
        try:
            short = seconds(own.refresh) < 1
            message = "refresh must be at least one second"
        except ValueError as error:
            short, message = True, f"refresh: {str(error).rstrip('.')}"
        if short:
            yield source.mistake(f"{name}: {message}.", "classes", name, "refresh")


def circles(source: ModelSource, model: Model) -> Iterator[Mistake]:
    """Find things that are named within others that are named within them: nobody could say who is who."""
    try:
        for name in model.classes:
            model.layer(name)
    except CircularIdentity as circle:
        name = next(
            name for name, each in model.classes.items()
            if model.family(name) in circle.families and _leads_into(model, each, circle.families)
        )  # fmt: skip
        path = " in ".join([*circle.families, circle.families[0]])
        message = (
            f"{name}: things are named within their parents in a circle ({path}; classes that share a set count as "
            "one). Name a parent class that shares no set with its children."
        )
        yield source.mistake(message, "classes", name, "identifiers")


def _leads_into(model: Model, kind: EntityClass, families: tuple[str, ...]) -> bool:
    parents = {each.within.parent for each in kind.identifiers if each.within and each.declared_by == kind.name}
    return any(model.family(below) in families for parent in parents for below in model.concrete(parent))


def precedence(
    source: ModelSource,
    spec: ModelSpec,
    attributes_of: Callable[[str], Mapping[str, AttributeSpec] | None],
    unknown: Callable[..., str],
) -> Iterator[Mistake]:
    """Find what is wrong with what is said of sources; ``attributes_of`` gives None where they are not known."""
    classes = {*spec.classes, *source.doubtful}
    rules = spec.sources
    lists: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(("ranking",), rules.ranking or ())]
    for name, ranking in rules.classes.items():
        lists.append((("classes", name), ranking))
        if name not in classes:
            yield source.mistake(unknown("sources", "classes", name, spec.classes), "sources", "classes", name)
    for name, by_attribute in rules.attributes.items():
        if name not in classes:
            yield source.mistake(unknown("sources", "attributes", name, spec.classes), "sources", "attributes", name)
            continue
        declared = attributes_of(name)
        for attribute, ranking in by_attribute.items():
            path = ("attributes", name, attribute)
            lists.append((path, ranking))
            if declared is not None and attribute not in declared:
                message = unknown("sources", name, attribute, declared, "attribute")
                yield source.mistake(message, "sources", *path)
    for where, ranking in lists:
        yield from _ranking(source, spec, where, ranking)
    yield from _discovering(source, spec, classes, unknown)


def _discovering(
    source: ModelSource, spec: ModelSpec, classes: set[str], unknown: Callable[..., str]
) -> Iterator[Mistake]:
    for name, seen in (spec.sources.discovers or {}).items():
        if name in spec.classes:
            message = f"sources: {name} is a class, and no source may be called so."
            yield source.mistake(message, "sources", "discovers", name)
        for position, each in enumerate(seen):
            if each not in classes:
                message = unknown("sources", "discovers", each, spec.classes)
                yield source.mistake(message, "sources", "discovers", name, position)


def _ranking(
    source: ModelSource, spec: ModelSpec, where: tuple[str, ...], ranking: tuple[str, ...]
) -> Iterator[Mistake]:
    for position, each in enumerate(ranking):
        if each in ranking[:position]:
            message = f"sources: {each} stands twice in one ranking."
            yield source.mistake(message, "sources", *where, position)
        if each in spec.classes:
            message = f"sources: {each} is a class, and no source may be called so."
            yield source.mistake(message, "sources", *where, position)
