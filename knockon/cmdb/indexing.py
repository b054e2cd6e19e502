"""What an index answers, and what takes a look at every entity of some classes: the same for every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.filter import All, Compare
from knockon.errors import ScanTooLarge

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.filter import Condition
    from knockon.cmdb.ordering import OrderBy
    from knockon.schema.model import Model

_ALWAYS = frozenset({"id", "name"})


def indexed(model: Model) -> frozenset[str]:
    """Name the attributes by which a value is found without looking at every entity of a class."""
    every = (a for each in model.classes.values() for a in each.attributes.values())
    return frozenset(a.name for a in every if a.spec.indexed and not a.spec.many)


def anchor(where: Condition | None, indexes: Collection[str]) -> Compare | None:
    """Find an equality that an index answers and that nothing but AND stands around."""
    match where:
        case Compare(name, "eq" | "in", _, False) if name in _ALWAYS or name in indexes:
            return where
        case All(members):
            return next((found for each in members if (found := anchor(each, indexes))), None)
        case _:
            return None


def scans(where: Condition | None, by: OrderBy | None, indexes: Collection[str]) -> bool:
    """Tell whether a page looks at everything that its anchor, or else its classes, have to offer."""
    unordered = by is not None and by.name != "name" and by.name not in indexes
    return unordered or (where is not None and anchor(where, indexes) is None)


def too_large(bound: int, by: OrderBy | None) -> ScanTooLarge:
    """Say what to do about a list that would take too long to look through."""
    wanted = f"To put this in order by {by.name}" if by else "To answer this filter"
    return ScanTooLarge(
        f"{wanted}, more than {bound:,} things would have to be looked at one by one. Ask for one class, add an "
        "equality with the name or an attribute that has an index, or give the attribute `indexed: true` in a model "
        "file."
    )
