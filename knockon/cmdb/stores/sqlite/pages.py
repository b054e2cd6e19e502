"""Pages of entities by class and condition, in the order of ``Entity.order`` or of an attribute."""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.cmdb.contract.filter import All, Compare
from knockon.cmdb.contract.indexing import FEW, anchor, goes_along, has_index, members_of, scans, too_large
from knockon.cmdb.contract.ordering import BEYOND, stretches
from knockon.cmdb.stores.sqlite.rows import ENTITY, asked, entity_of
from knockon.cmdb.stores.sqlite.where import both, compared, narrowest, sql, value_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.stores.sqlite.where import Test

BY_CLASS = "entity n"
BY_NAME = "entity n INDEXED BY entity_by_name"
BY_VALUE = "attribute_value v CROSS JOIN entity n ON n.id = v.entity_id"
WITHIN = "n.retired = 0 AND n.class_name IN (SELECT value FROM json_each(?))"
# An order begins with its class: what is of another class is passed by without a look at the entity.
VALUES_WITHIN = """substr(v.sort_key, 1, instr(v.sort_key, char(31)) - 1) IN (SELECT value FROM json_each(?))"""


class Source(NamedTuple):
    """What to look through: tables, the part of them that is in question, and where classes and order stand in them.

    ``column`` has the values of ``attribute`` where their index is gone by, and is in order then.
    """

    tables: str = BY_CLASS
    within: str = WITHIN
    place: str = "n.sort_key"
    tests: Test = ("1", [])
    attribute: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Sought:
    """Which entities: of these classes, fulfilling ``where``; ``indexes`` names the attributes that have one.

    ``few``: there are so few of these classes that all of them are sorted.
    """

    classes: Collection[str]
    where: Condition | None
    indexes: frozenset[str]
    few: bool = False

    def held_to(self, *tests: Condition) -> Sought:
        """Ask for more of them."""
        members = tests if self.where is None else (*tests, self.where)
        return replace(self, where=All(members))

    def source(self, by: OrderBy | None = None, between: tuple[Compare, ...] = ()) -> Source:
        """Give the index that finds what is asked for, else the one of ``by``, else the one of the classes.

        ``between`` bounds the values of ``by``.
        """
        found = anchor(self.where, self.indexes)
        if not found and (self.few or by is None or not has_index(by.name, self.indexes)):
            return Source()
        if found and found[0].many:
            return _by_member(found[0])
        name = found[0].name if found else by.name if by else ""
        return _by_index(name, (*found, *between) if by and by.name == name else found)


def _by_index(name: str, tests: tuple[Compare, ...]) -> Source:
    column = {"id": "n.id", "name": "n.name"}.get(name, "v.value")
    found = [compared((column, []), each) for each in narrowest(tests)]
    if name in ("id", "name"):
        return Source(BY_NAME if name == "name" else BY_CLASS, tests=both(*found), attribute=name, column=column)
    return Source(
        BY_VALUE, VALUES_WITHIN, "v.sort_key", both(("v.attribute = ?", [name]), *found), attribute=name, column=column
    )


def _by_member(test: Compare) -> Source:
    """Look for the things first: + keeps SQLite from going through all of the classes instead."""
    text, parameters = both(("v.attribute = ?", [members_of(test.name)]), compared(("v.value", []), test))
    found = f"n.id IN (SELECT v.entity_id FROM attribute_value v WHERE {text})", parameters
    return Source(within=WITHIN.replace("n.class_name", "+n.class_name"), place="+n.sort_key", tests=found)


def page(
    connection: sqlite3.Connection, sought: Sought, *, by: OrderBy | None, after: str | None,
    before: str | None, limit: int, backward: bool, bound: int | None,
) -> list[Entity]:  # fmt: skip
    """Read a page; see ``contract.Store.page``."""
    _check(connection, sought, by, bound)
    if goes_along(sought.where, by, sought.indexes):
        sought = replace(sought, few=_size(connection, sought, FEW) <= FEW)
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
    statement, parameters = matching("count(*)", sought, sought.source())
    ((number,),) = connection.execute(statement, parameters)
    return int(number)


def plain(
    sought: Sought, after: str | None, before: str | None, limit: int, *, backward: bool
) -> tuple[str, list[Any]]:
    """Give the statement that reads the first or last of them by ``Entity.order``, and its parameters."""
    source = sought.source()
    between = f"{source.place} > ? AND {source.place} < ?", [after or "", before or BEYOND]
    statement, parameters = matching(ENTITY, sought, source, between)
    down = " DESC" if backward else ""
    # class and order give the order of everything, so one index serves any number of classes without a sort
    first = f"n.class_name{down}, " if (source.tables, source.place) == (BY_CLASS, "n.sort_key") else ""
    return f"{statement} ORDER BY {first}{source.place}{down} LIMIT ?", [*parameters, limit]


def ordered(
    sought: Sought, by: OrderBy, between: tuple[Compare, ...], limit: int, *, backward: bool
) -> tuple[str, list[Any]]:
    """Give the statement that reads the first or last of those that have a value, by it, and its parameters.

    What an index finds by another attribute is sorted; else the attribute's own index runs through them in order;
    without one all of the classes are sorted.
    """
    source = sought.source(by, between)
    if source.attribute == by.name:
        statement, parameters = matching(ENTITY, sought, source)
        value: Test = source.column, []
    else:
        value = value_of(by.name, "n")
        statement, parameters = matching(ENTITY, sought, source, *(compared(value, each) for each in between))
    text, path = value
    falling, down = " DESC" * (by.descending != backward), " DESC" * backward
    return f"{statement} ORDER BY {text}{falling}, {source.place}{down} LIMIT ?", [*parameters, *path, limit]


def matching(columns: str, sought: Sought, source: Source, *tests: Test) -> tuple[str, list[Any]]:
    """Give the statement that reads these columns of what is sought, out of a source."""
    classes = source.within, [asked(sought.classes)]
    test, parameters = both(source.tests, classes, *tests, sql(sought.where, "n"))
    return f"SELECT {columns} FROM {source.tables} WHERE {test}", parameters


def _read(connection: sqlite3.Connection, statement: str, parameters: list[Any], *, backward: bool) -> list[Entity]:
    found = [entity_of(row) for row in connection.execute(statement, parameters)]
    return found[::-1] if backward else found


def _check(connection: sqlite3.Connection, sought: Sought, by: OrderBy | None, bound: int | None) -> None:
    """Refuse what would mean to look at more than ``bound`` entities."""
    if bound is None or not scans(sought.where, by, sought.indexes):
        return
    if _size(connection, sought, bound) > bound:
        raise too_large(bound, by)


def _size(connection: sqlite3.Connection, sought: Sought, most: int) -> int:
    """Count what there is to look at, ``most`` and one more of it at most."""
    source = sought.source()
    test, parameters = both(source.tests, (source.within, [asked(sought.classes)]))
    statement = f"SELECT count(*) FROM (SELECT 1 FROM {source.tables} WHERE {test} LIMIT ?)"
    ((number,),) = connection.execute(statement, [*parameters, most + 1])
    return int(number)
