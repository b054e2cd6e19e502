"""Pages of entities by class and condition, in the order of ``Entity.order`` or of an attribute."""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knockon.cmdb.filter import All, Compare
from knockon.cmdb.indexing import anchor, scans, too_large
from knockon.cmdb.ordering import stretches
from knockon.cmdb.stores.sqlite.reads import BEYOND
from knockon.cmdb.stores.sqlite.rows import ENTITY, asked, entity_of
from knockon.cmdb.stores.sqlite.where import compared, sql, value_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from knockon.cmdb.filter import Condition
    from knockon.cmdb.ordering import OrderBy
    from knockon.cmdb.rows import Entity
    from knockon.cmdb.stores.sqlite.where import Test

BY_CLASS = "entity n"
BY_NAME = "entity n INDEXED BY entity_by_name"
BY_VALUE = "attribute_value v CROSS JOIN entity n ON n.id = v.entity_id"
WITHIN = "n.retired = 0 AND n.class_name IN (SELECT value FROM json_each(?))"


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entities: of these classes, fulfilling ``where``; ``indexes`` names the attributes that have one."""

    classes: Collection[str]
    where: Condition | None
    indexes: frozenset[str] = field(default=frozenset())

    def held_to(self, *tests: Condition) -> Sought:
        """Ask for more of them."""
        members = tests if self.where is None else (*tests, self.where)
        return Sought(self.classes, All(members), self.indexes)

    def anchored(self) -> tuple[str, Test] | None:
        """Give the index that finds them by an equality, if one does, and the test that it answers."""
        found = anchor(self.where, self.indexes)
        if found is None or found.name == "id":  # an id is found by itself
            return None
        return _by_index(found)

    def source(self) -> tuple[str, Test]:
        """Give what to look through, with the test that bounds it: by an equality, else by class."""
        return self.anchored() or (BY_CLASS, ("1", []))


def _by_index(compare: Compare) -> tuple[str, Test]:
    if compare.name == "name":
        return BY_NAME, compared(("n.name", []), compare)
    text, parameters = compared(("v.value", []), compare)
    return BY_VALUE, (f"v.attribute = ? AND {text}", [compare.name, *parameters])


def page(
    connection: sqlite3.Connection, sought: Sought, *, by: OrderBy | None, after: str | None,
    before: str | None, limit: int, backward: bool, bound: int | None,
) -> list[Entity]:  # fmt: skip
    """Read a page; see ``contract.Store.page``."""
    _check(connection, sought, by, bound)
    if by is None:
        return _read(connection, *plain(sought, after, before, limit, backward=backward), backward=backward)
    parts = stretches(by, after, before)
    found: list[Entity] = []
    for part in reversed(parts) if backward else parts:
        left = limit - len(found)
        if left <= 0:
            break
        if part.sorted:
            asked_for = ordered(sought, by, part.tests, left, backward=backward)
        else:
            asked_for = plain(sought.held_to(*part.tests), part.after, part.before, left, backward=backward)
        rows = _read(connection, *asked_for, backward=backward)
        found = [*rows, *found] if backward else [*found, *rows]
    return found


def count(connection: sqlite3.Connection, sought: Sought, bound: int | None) -> int:
    """Count them."""
    _check(connection, sought, None, bound)
    source, (within, bounds) = sought.source()
    test, parameters = sql(sought.where, "n")
    statement = f"SELECT count(*) FROM {source} WHERE {within} AND {WITHIN} AND ({test})"
    ((number,),) = connection.execute(statement, [*bounds, asked(sought.classes), *parameters])
    return int(number)


def plain(
    sought: Sought, after: str | None, before: str | None, limit: int, *, backward: bool
) -> tuple[str, list[Any]]:
    """Give the statement that reads the first or last of them by ``Entity.order``, and its parameters."""
    down = " DESC" if backward else ""
    source, (within, bounds) = sought.source()
    test, parameters = sql(sought.where, "n")
    statement = f"""SELECT {ENTITY} FROM {source} WHERE {within} AND {WITHIN} AND n.sort_key > ? AND n.sort_key < ?
        AND ({test}) ORDER BY n.class_name{down}, n.sort_key{down} LIMIT ?"""
    return statement, [*bounds, asked(sought.classes), after or "", before or BEYOND, *parameters, limit]


def ordered(
    sought: Sought, by: OrderBy, tests: tuple[Compare, ...], limit: int, *, backward: bool
) -> tuple[str, list[Any]]:
    """Give the statement that reads the first or last of those that have a value, by it, and its parameters.

    Where an equality finds few, they are sorted; else the attribute's index runs through them in order; else all
    of the classes are sorted.
    """
    value, values = value_of(by.name, "n")
    source, (within, bounds) = sought.source()
    if source == BY_CLASS and (by.name == "name" or by.name in sought.indexes):
        if by.name == "name":
            source, value, values = BY_NAME, "n.name", []
        else:
            source, value, values = BY_VALUE, "v.value", []
            within, bounds = "v.attribute = ?", [by.name]
    ranges = [compared((value, values), each) for each in tests]
    between = " AND ".join(text for text, _ in ranges)
    test, parameters = sql(sought.where, "n")
    down, ties_down = by.descending != backward, backward
    statement = f"""SELECT {ENTITY} FROM {source} WHERE {within} AND {between} AND {WITHIN} AND ({test})
        ORDER BY {value}{" DESC" * down}, n.sort_key{" DESC" * ties_down} LIMIT ?"""
    given = [each for _, these in ranges for each in these]
    return statement, [*bounds, *given, asked(sought.classes), *parameters, *values, limit]


def _read(connection: sqlite3.Connection, statement: str, parameters: list[Any], *, backward: bool) -> list[Entity]:
    found = [entity_of(row) for row in connection.execute(statement, parameters)]
    return found[::-1] if backward else found


def _check(connection: sqlite3.Connection, sought: Sought, by: OrderBy | None, bound: int | None) -> None:
    """Refuse what would mean to look at more than ``bound`` entities."""
    if bound is None or not scans(sought.where, by, sought.indexes):
        return
    source, (within, bounds) = sought.source()
    statement = f"SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {within} AND {WITHIN} LIMIT ?)"
    ((number,),) = connection.execute(statement, [*bounds, asked(sought.classes), bound + 1])
    if number > bound:
        raise too_large(bound, by)
