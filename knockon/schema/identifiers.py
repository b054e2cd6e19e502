"""Identifier sets as reconciliation uses them: own and inherited, in the order in which they are tried.

Classes that can share a set, directly or through others, are a *family*: only things of one family can turn out to be
one. A set may name things within a parent only, and the parent must be of another family that does not lead back
(lint), so families come in *layers*: a parent is of a lower layer than its children, and is known before them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.schema.spec import ModelSpec


class Within(NamedTuple):
    """Where a parent is found: the stored relationship type, whether the child is its source, the parent's class."""

    type_name: str
    child_is_source: bool
    parent: str


@dataclass(frozen=True, slots=True)
class Identifier:
    """Attributes whose values together name one thing among all of the class that declares the set.

    With ``within`` the values name a thing only under its parent. A smaller ``priority`` is stronger.
    """

    name: str
    by: tuple[str, ...]
    within: Within | None
    priority: int
    declared_by: str

    @property
    def key(self) -> str:
        """Give the name of the set among those of all classes."""
        return f"{self.declared_by}.{self.name}"


class CircularIdentity(Exception):
    """Things are named within others that are named within them; ``families`` are the ones in the circle."""

    def __init__(self, families: tuple[str, ...]) -> None:
        super().__init__(families)
        self.families = families


def identifiers(
    spec: ModelSpec, lineage: tuple[str, ...], directions: Mapping[str, tuple[str, bool]]
) -> tuple[Identifier, ...]:
    """Give all sets along a lineage by (priority, deeper declaring class first, declaring class, name).

    ``directions`` gives each relationship name, either way round, as (stored type, read from its source).
    """
    found = [
        (each.priority, place, owner, each.name, each)
        for place, owner in enumerate(lineage)
        for each in spec.classes[owner].identifiers
        # lint also builds what is left of a broken model
        if each.within is None or (each.within in directions and each.parent in spec.classes)
    ]
    return tuple(
        Identifier(
            name, each.by, Within(*directions[each.within], str(each.parent)) if each.within else None, priority, owner
        )
        for priority, _, owner, name, each in sorted(found, key=lambda one: one[:4])
    )


def directions_of(spec: ModelSpec) -> dict[str, tuple[str, bool]]:
    """Give each relationship name and inverse as (stored type, whether it is read from the stored source)."""
    inverses = {kind.inverse: (name, False) for name, kind in spec.relationships.items()}
    return inverses | {name: (name, True) for name in spec.relationships}


def families(sets: Mapping[str, tuple[Identifier, ...]]) -> dict[str, str]:
    """Give the family of each class, named by a class that declares a set; ``sets`` has those of each class."""
    above = {name: name for name in sets}

    def top(name: str) -> str:
        while above[name] != name:
            name = above[name]
        return name

    for name, own in sets.items():
        for each in own:
            above[top(name)] = top(each.declared_by)
    return {name: top(name) for name in sets}


def layers(
    sets: Mapping[str, tuple[Identifier, ...]],
    family_of: Mapping[str, str],
    concrete: Mapping[str, tuple[str, ...]],
) -> dict[str, int]:
    """Give the layer of each family: 0 where nothing is named within a parent, else one above the parents'.

    Raises
    ------
    CircularIdentity
    """
    above: dict[str, set[str]] = {family: set() for family in family_of.values()}
    for name, own in sets.items():
        for each in own:
            if each.within:
                above[family_of[name]] |= {family_of[parent] for parent in concrete[each.within.parent]}
    path: list[str] = []

    @cache
    def layer(family: str) -> int:
        if family in path:
            raise CircularIdentity(tuple(path[path.index(family) :]))
        path.append(family)
        found = 1 + max((layer(parent) for parent in sorted(above[family])), default=-1)
        path.pop()
        return found

    return {family: layer(family) for family in sorted(above)}
