"""What an index answers, and what takes a look at things one by one: the same for every store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.filter import All, Compare
from knockon.errors import ScanTooLarge

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.schema.model import Model

EQUALITIES = frozenset({"eq", "in"})
RANGES = frozenset({"lt", "lte", "gt", "gte", "starts_with"})
FEW = 5_000
"""Entities of some classes that are sorted sooner than looked for along an index that has those of all classes."""
_ALWAYS = frozenset({"id", "name"})


def indexed(model: Model) -> frozenset[str]:
    """Name the attributes by which a value is found without looking at every entity of a class."""
    every = (a for each in model.classes.values() for a in each.attributes.values())
    return frozenset(a.name for a in every if a.spec.indexed and not a.spec.many) - _ALWAYS


def has_index(name: str, indexes: Collection[str]) -> bool:
    """Tell whether an index has the values of an attribute, or of what every entity has, in order."""
    return name in _ALWAYS or name in indexes


def anchor(where: Condition | None, indexes: Collection[str]) -> tuple[Compare, ...]:
    """Find the comparisons that one index answers together, and that nothing but AND stands around.

    An equality if there is one, else all ranges of one attribute; none where no index helps.
    """
    found = [
        each for each in _conjuncts(where)
        if isinstance(each, Compare) and not each.many and has_index(each.name, indexes)
    ]  # fmt: skip
    if equality := next((each for each in found if each.operator in EQUALITIES), None):
        return (equality,)
    ranges = [each for each in found if each.operator in RANGES]
    return tuple(each for each in ranges if each.name == ranges[0].name)


def scans(where: Condition | None, by: OrderBy | None, indexes: Collection[str]) -> bool:
    """Tell whether a page looks at everything that its anchor, or else its classes, have to offer.

    An equality finds few, so what else is asked of these does not count; a range may be everything.
    """
    if by is not None and not has_index(by.name, indexes):
        return True
    if where is None:
        return False
    found = anchor(where, indexes)
    return not (found and (found[0].operator in EQUALITIES or len(found) == len(_conjuncts(where))))


def goes_along(where: Condition | None, by: OrderBy | None, indexes: Collection[str]) -> bool:
    """Tell whether the index of ``by`` is run through in search of the classes: not where they have but a FEW."""
    return by is not None and has_index(by.name, indexes) and not anchor(where, indexes)


def too_large(bound: int, by: OrderBy | None) -> ScanTooLarge:
    """Say what to do about a list that would take too long to look through."""
    wanted = f"To put this in order by {by.name}" if by else "To answer this filter"
    return ScanTooLarge(
        f"{wanted}, more than {bound:,} things would have to be looked at one by one. Ask for one class, add an "
        "equality with the name or an attribute that has an index, or give the attribute `indexed: true` in a model "
        "file."
    )


def _conjuncts(where: Condition | None) -> list[Condition]:
    """Give the conditions that must all hold."""
    if isinstance(where, All):
        return [inner for each in where.members for inner in _conjuncts(each)]
    return [] if where is None else [where]
