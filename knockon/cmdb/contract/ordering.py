"""Lists in the order of an attribute.

Values go by number, by time, false before true, and text by Unicode code point; what has no value comes last in
either direction, and what has the same value goes by ``Entity.order``. So everything has one place: a page begins
after the place where the last one ended, whatever was written meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from knockon.cmdb.contract.filter import Compare
from knockon.errors import BadCursor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.rows import Entity

SCALARS = (str, int, float, bool)
BEYOND = "\U0010ffff"
"""Greater than any ``Entity.order``."""


@dataclass(frozen=True, slots=True)
class OrderBy:
    """By an attribute, of which each entity has one text, number or truth at most; or by ``name``."""

    name: str
    descending: bool = False

    def value(self, entity: Entity) -> Any:
        """Give what an entity is put in order by; None comes last."""
        return entity.name if self.name == "name" else entity.attributes.get(self.name)

    def place(self, entity: Entity) -> str:
        """Give an entity's place in this order, as ``page`` takes it for ``after`` and ``before``."""
        return orjson.dumps([self.value(entity), entity.order]).decode()

    def sorted(self, entities: Sequence[Entity]) -> list[Entity]:
        """Put entities in this order."""
        valued = sorted((each for each in entities if self.value(each) is not None), key=lambda each: each.order)
        valued.sort(key=lambda each: _key(self.value(each)), reverse=self.descending)
        absent = sorted((each for each in entities if self.value(each) is None), key=lambda each: each.order)
        return valued + absent


def _key(value: Any) -> tuple[int, Any]:
    """Let values compare that an older model put side by side: numbers, then texts, then what has no order."""
    if isinstance(value, SCALARS):
        return int(isinstance(value, str)), value
    return 2, orjson.dumps(value)


class Place(NamedTuple):
    """Where something stands: its value, and its order among those of the same value."""

    value: Any
    order: str


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a list: what fulfils all of ``tests``, and ``after < order < before``.

    ``sorted``: it has several values, so it is in the order of the attribute; else in that of ``Entity.order``.
    """

    tests: tuple[Compare, ...]
    sorted: bool = False
    after: str | None = None
    before: str | None = None


def stretches(by: OrderBy, after: str | None, before: str | None) -> list[Stretch]:
    """Cut what lies between two places into at most four stretches, first to last.

    First the rest of those that have the value of ``after``, then all between the two values, then those before
    ``before`` that have its value, and those that have none. Each is one range of an index.

    Raises
    ------
    BadCursor
    """
    low, high = _read(after), _read(before)
    if low and high and _beyond(by, low, high):
        return []
    if low and high and low.value is not None and low.value == high.value:
        return [Stretch((Compare(by.name, "eq", low.value),), after=low.order, before=high.order)]
    absent = Compare(by.name, "is_null", value=True)
    if low and low.value is None:
        return [Stretch((absent,), after=low.order, before=high.order if high else None)]
    found: list[Stretch] = []
    between = [Compare(by.name, "is_null", value=False)]
    if low:
        found.append(Stretch((Compare(by.name, "eq", low.value),), after=low.order))
        between.append(Compare(by.name, "lt" if by.descending else "gt", low.value))
    if high and high.value is not None:
        between.append(Compare(by.name, "gt" if by.descending else "lt", high.value))
        last = Stretch((Compare(by.name, "eq", high.value),), before=high.order)
    else:
        last = Stretch((absent,), before=high.order if high else None)
    return [*found, Stretch(tuple(between), sorted=True), last]


def _read(place: str | None) -> Place | None:
    if place is None:
        return None
    try:
        value, order = orjson.loads(place)
    except (ValueError, TypeError):  # no JSON; no list of two
        order = None
    if not isinstance(order, str) or not (value is None or isinstance(value, SCALARS)):
        raise BadCursor("This cursor is not of a list in this order; begin again.")
    return Place(value, order)


def _beyond(by: OrderBy, low: Place, high: Place) -> bool:
    """Tell whether nothing can lie between two places."""
    if low.value is None or high.value is None:
        return low.value is None and (high.value is not None or low.order >= high.order)
    if isinstance(low.value, str) != isinstance(high.value, str):
        raise BadCursor("These cursors are of two lists; begin again.")
    if low.value == high.value:
        return low.order >= high.order
    return bool(low.value < high.value) == by.descending
