"""Pages of entities by class and condition, in the order of ``Entity.order`` or of an attribute."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.filter import All, Compare
from knockon.cmdb.contract.indexing import FEW, anchor, goes_along, has_index, scans, too_large
from knockon.cmdb.contract.ordering import stretches
from knockon.cmdb.contract.rows import SEPARATOR
from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import identifier, run
from knockon.cmdb.stores.neo4j.where import OWN, Where, compared, is_plain

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.stores.neo4j.cypher import Transaction


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entities: of these classes, fulfilling ``where``; ``indexed`` names the attributes that have an index.

    ``few``: there are so few of these classes that all of them are sorted.
    """

    classes: Collection[str]
    where: Condition | None
    indexed: frozenset[str]
    few: bool = False

    def held_to(self, *tests: Condition) -> Wanted:
        """Ask for more of them."""
        members = tests if self.where is None else (*tests, self.where)
        return replace(self, where=All(members))


class Sought:
    """What is wanted, with ``after < order < before``, in Cypher.

    ``match`` binds them to ``n``. Where an index answers a part of the condition, it finds them; else with ``by``
    that attribute's index, if it has one, runs through them in its order; else the order index runs through them,
    class by class (``each``). ``between`` bounds the values of ``by``.
    """

    def __init__(self, wanted: Wanted, after: str | None = None, before: str | None = None, *,
                 by: str | None = None, between: tuple[Compare, ...] = ()) -> None:  # fmt: skip
        self.parameters: dict[str, Any] = {}
        self.each: LiteralString = ""
        found = anchor(wanted.where, wanted.indexed)
        tests: list[LiteralString] = []
        if found or (by is not None and has_index(by, wanted.indexed) and not wanted.few):
            self.parameters["classes"] = list(wanted.classes)
            name = found[0].name if found else by or ""
            among = bool(found) and found[0].many
            tests += [Where(found[0], self.parameters).text] if among else _found_by(name, found, self.parameters)
            tests.append("n._class IN $classes")
            if after is not None:
                tests.append(compared("n._order", "gt", after, self.parameters))
            if before is not None:
                tests.append(compared("n._order", "lt", before, self.parameters))
            self.match = _members(found[0], self.parameters) if among else f"MATCH {_index_of(name)}"
        else:
            self.parameters["ranges"] = ranges(wanted.classes, after, before)
            self.each = "UNWIND $ranges AS range CALL (range) {"
            self.match = "MATCH (n:_Live) USING INDEX n:_Live(_order)"
            tests.append("n._order > range[0] AND n._order < range[1]")
        tests += [_tested(each, self.parameters) for each in between]
        # apart, because a hint must not stand before a test that comes out as false
        self.match += f" WHERE {' AND '.join(tests)}"
        self.candidates = self.match, dict(self.parameters)
        self.match += f" WITH n WHERE {Where(wanted.where, self.parameters).text}"


def _found_by(name: str, tests: tuple[Compare, ...], parameters: dict[str, Any]) -> list[LiteralString]:
    """Give the tests that an index answers: that there is a value, where it can answer none of the others."""
    found = [_tested(each, parameters) for each in tests]
    if name == "id":
        return ["n:_Live", *found]
    if any(is_plain(each.operator, each.value) for each in tests):
        return found
    return [f"n.{held(name)} IS NOT NULL", *found]


def member_index(name: str) -> LiteralString:
    """Name the index of an attribute's several values."""
    return f"knockon_members_{identifier(name).strip('`')}"


def _members(test: Compare, parameters: dict[str, Any]) -> LiteralString:
    """Find what may have such a member: in Lucene's words, all of its words side by side."""
    values = test.value if test.operator == "in" else (test.value,)
    quoted = (each.replace("\\", "\\\\").replace('"', '\\"') for each in values)
    parameters["members"] = " ".join(f'"{each}"' for each in quoted)
    return f"CALL db.index.fulltext.queryNodes('{member_index(test.name)}', $members) YIELD node AS n WITH n"


def _index_of(name: str) -> LiteralString:
    if name == "id":
        return "(n:_Entity) USING INDEX n:_Entity(_id)"
    return f"(n:_Live) USING INDEX n:_Live({held(name)})"


def _tested(test: Compare, parameters: dict[str, Any]) -> LiteralString:
    """Give a test as an index can use it."""
    if test.operator == "is_null":
        return f"n.{held(test.name)} IS {'' if test.value else 'NOT '}NULL"
    return compared(f"n.{held(test.name)}", test.operator, test.value, parameters)


def held(name: str) -> LiteralString:
    """Give the property of an attribute, or of what every entity has."""
    return OWN.get(name) or identifier(name)


def ranges(classes: Collection[str], after: str | None = None, before: str | None = None) -> list[tuple[str, str]]:
    """Give the open intervals of ``order`` in which entities of these classes lie: it begins with the class."""
    found = []
    for name in sorted(set(classes)):
        low, high = name + SEPARATOR, name + chr(ord(SEPARATOR) + 1)
        low, high = max(low, after or low), min(high, before or high)
        if low < high:
            found.append((low, high))
    return found


def page_statement(sought: Sought, by: OrderBy | None = None, *, backward: bool) -> LiteralString:
    """Give the statement that reads the first or last ``$limit`` of them, by ``_order`` or by an attribute's value."""
    down: LiteralString = " DESC" if backward else ""
    place: LiteralString = f"n._order{down}"
    if by is not None:
        falling: LiteralString = " DESC" if by.descending != backward else ""
        place = f"n.{held(by.name)}{falling}, {place}"
    first: LiteralString = f"WITH n ORDER BY {place} LIMIT $limit"
    within: LiteralString = f"{sought.each} {sought.match} {first} RETURN n }}" if sought.each else sought.match
    return f"{within} {first} RETURN collect(properties(n))"


def count_statement(sought: Sought) -> LiteralString:
    """Give the statement that counts them."""
    if sought.each:
        return f"{sought.each} {sought.match} RETURN count(n) AS found }} RETURN sum(found)"
    return f"{sought.match} RETURN count(n)"


def bound_statement(sought: Sought) -> LiteralString:
    """Give the statement that counts what would be looked at, up to ``$limit``."""
    match, _ = sought.candidates
    if sought.each:
        return f"{sought.each} {match} RETURN n }} WITH n LIMIT $limit RETURN count(n)"
    return f"{match} WITH n LIMIT $limit RETURN count(n)"


async def page(tx: Transaction, wanted: Wanted, *, by: OrderBy | None, after: str | None, before: str | None,
               limit: int, backward: bool, bound: int | None) -> list[Entity]:  # fmt: skip
    """Read a page; see ``contract.Store.page``. At most six statements."""
    await _check(tx, wanted, by, bound)
    if goes_along(wanted.where, by, wanted.indexed):
        wanted = replace(wanted, few=await _size(tx, wanted, FEW) <= FEW)
    if by is None:
        return await _read(tx, Sought(wanted, after, before), None, limit, backward=backward)
    parts = stretches(by, after, before)
    found: list[Entity] = []
    for part in reversed(parts) if backward else parts:
        left = limit - len(found)
        if left <= 0:
            break
        if part.sorted:
            sought = Sought(wanted, by=by.name, between=part.tests)
        else:
            sought = Sought(wanted.held_to(*part.tests), part.after, part.before)
        rows = await _read(tx, sought, by if part.sorted else None, left, backward=backward)
        found = [*rows, *found] if backward else [*found, *rows]
    return found


async def count(tx: Transaction, wanted: Wanted, bound: int | None) -> int:
    """Count them."""
    await _check(tx, wanted, None, bound)
    sought = Sought(wanted)
    ((found,),) = await run(tx, count_statement(sought), sought.parameters)
    return int(found)


async def _read(tx: Transaction, sought: Sought, by: OrderBy | None, limit: int, *, backward: bool) -> list[Entity]:
    """Read the first, or with ``backward`` the last, of them, in order."""
    parameters = {**sought.parameters, "limit": limit}
    ((found,),) = await run(tx, page_statement(sought, by, backward=backward), parameters)
    rows = [forms.to_entity(each) for each in found]
    return by.sorted(rows) if by else sorted(rows, key=lambda row: row.order)


async def _check(tx: Transaction, wanted: Wanted, by: OrderBy | None, bound: int | None) -> None:
    """Refuse what would mean to look at more than ``bound`` entities."""
    if bound is None or not scans(wanted.where, by, wanted.indexed):
        return
    if await _size(tx, wanted, bound) > bound:
        raise too_large(bound, by)


async def _size(tx: Transaction, wanted: Wanted, most: int) -> int:
    """Count what there is to look at, ``most`` and one more of it at most."""
    sought = Sought(wanted)
    _, parameters = sought.candidates
    ((found,),) = await run(tx, bound_statement(sought), {**parameters, "limit": most + 1})
    return int(found)
