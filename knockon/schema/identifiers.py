"""Identifier sets as reconciliation uses them: own and inherited, in the order in which they are tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.schema.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Identifier:
    """Attributes whose values together name one thing among all of the class that declares the set.

    ``within`` is (stored relationship type, whether the child is its source) where the values
    name a thing only under its parent. A smaller ``priority`` is stronger.
    """

    name: str
    by: tuple[str, ...]
    within: tuple[str, bool] | None
    priority: int
    declared_by: str


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
        if each.within is None or each.within in directions  # lint also builds what is left of a broken model
    ]
    return tuple(
        Identifier(name, each.by, directions[each.within] if each.within else None, priority, owner)
        for priority, _, owner, name, each in sorted(found, key=lambda one: one[:4])
    )


def directions_of(spec: ModelSpec) -> dict[str, tuple[str, bool]]:
    """Give each relationship name and inverse as (stored type, whether it is read from the stored source)."""
    inverses = {kind.inverse: (name, False) for name, kind in spec.relationships.items()}
    return inverses | {name: (name, True) for name in spec.relationships}
