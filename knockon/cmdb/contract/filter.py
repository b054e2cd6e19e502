"""Conditions on entities: what ``where`` means, before a store puts it into its own language.

Attribute and type names in a condition come from the model, never from a request: whoever builds
one has looked them up there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Operator = Literal["eq", "ne", "lt", "lte", "gt", "gte", "in", "contains", "starts_with", "is_null"]


@dataclass(frozen=True, slots=True)
class Compare:
    """An attribute against a value.

    ``name`` is an attribute, or ``id``, ``class`` or ``name`` (the entity's own). An absent
    attribute fulfils only ``is_null`` with True and ``ne``. On a list attribute ``eq``, ``in``,
    ``contains`` and ``starts_with`` hold if they hold for any member, and ``ne`` is still the opposite
    of ``eq``. ``contains`` and ``starts_with`` respect case. ``in`` takes a tuple.
    """

    name: str
    operator: Operator
    value: Any
    many: bool = False  # the attribute is a list


@dataclass(frozen=True, slots=True)
class Related:
    """There is an edge of a type to (``out``) or from (``in``) an entity that fulfils a condition."""

    type_name: str
    direction: Literal["out", "in"]
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class All:
    members: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 - the sibling of All; Any alone is typing's
    members: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    member: Condition


Condition = Compare | Related | All | Any_ | Not
