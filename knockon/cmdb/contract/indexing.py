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
    from knockon.schema.spec import AttributeType

EQUALITIES = frozenset({"eq", "in"})
RANGES = frozenset({"lt", "lte", "gt", "gte", "starts_with"})
FEW = 5_000
"""Entities of some classes that are sorted sooner than looked for along an index that has those of all classes."""
MOST_MEMBERS = 100
"""Values that an index of several values is asked for at once."""
_MEMBERS = "[]"
_NO_TEXT: frozenset[AttributeType] = frozenset({"integer", "number", "boolean", "duration", "money", "json"})
_ALWAYS = frozenset({"id", "name"})


def indexed(model: Model) -> frozenset[str]:
    """Name what has an index: attributes with one value, and as ``members_of`` those with several texts."""
    every = [a for each in model.classes.values() for a in each.attributes.values() if a.spec.indexed]
    single = {a.name for a in every if not a.spec.many} - _ALWAYS
    return frozenset(single | {members_of(a.name) for a in every if a.spec.many and a.spec.type not in _NO_TEXT})


def members_of(name: str) -> str:
    """Give the name of the index of an attribute's several values: it finds equal ones, and has no order."""
    return f"{name}{_MEMBERS}"


def of_members(index: str) -> str | None:
    """Give the attribute whose several values an index has; None: it has one value of each thing."""
    return index.removesuffix(_MEMBERS) if index.endswith(_MEMBERS) else None


def has_index(name: str, indexes: Collection[str]) -> bool:
    """Tell whether an index has the values of an attribute, or of what every entity has, in order."""
    return name in _ALWAYS or name in indexes


def anchor(where: Condition | None, indexes: Collection[str]) -> tuple[Compare, ...]:
    """Find the comparisons that one index answers together, and that nothing but AND stands around.

    An equality if there is one, else all ranges of one attribute; none where no index helps.
    """
    every = [each for each in _conjuncts(where) if isinstance(each, Compare)]
    found = [each for each in every if not each.many and has_index(each.name, indexes)]
    if equality := next((each for each in found if each.operator in EQUALITIES), None):
        return (equality,)
    if among := next((each for each in every if each.many and _finds_members(each, indexes)), None):
        return (among,)
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


def _finds_members(compare: Compare, indexes: Collection[str]) -> bool:
    """Tell whether an index of several values answers: it knows them by what has a letter or digit in it."""
    if compare.operator not in EQUALITIES or members_of(compare.name) not in indexes:
        return False
    values = compare.value if compare.operator == "in" else (compare.value,)
    texts = all(isinstance(each, str) and any(map(str.isalnum, each)) for each in values)
    return texts and 0 < len(values) <= MOST_MEMBERS


def _conjuncts(where: Condition | None) -> list[Condition]:
    """Give the conditions that must all hold."""
    if isinstance(where, All):
        return [inner for each in where.members for inner in _conjuncts(each)]
    return [] if where is None else [where]
