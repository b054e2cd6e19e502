"""Pages of entities by class and condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from knockon.cmdb.contract.filter import All, Compare
from knockon.cmdb.contract.rows import SEPARATOR
from knockon.cmdb.stores.neo4j import forms
from knockon.cmdb.stores.neo4j.cypher import identifier, run
from knockon.cmdb.stores.neo4j.where import Where, compared

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.stores.neo4j.cypher import Transaction


class Sought:
    """Which entities: of these classes, fulfilling ``where``, with ``after < order < before``.

    ``match`` binds them to ``n``. Where the condition asks for equality with something that has an
    index, that index finds them; else the order index runs through them, class by class.
    """

    def __init__(self, classes: Collection[str], where: Condition | None, indexed: Collection[str],
                 after: str | None = None, before: str | None = None) -> None:  # fmt: skip
        self.parameters: dict[str, Any] = {}
        anchor = _anchor(where, indexed)
        tests: list[LiteralString] = []
        self.each: LiteralString = ""
        if anchor is None:
            self.parameters["ranges"] = ranges(classes, after, before)
            self.each = "UNWIND $ranges AS range CALL (range) {"
            self.match: LiteralString = "MATCH (n:_Live) USING INDEX n:_Live(_order)"
            tests.append("n._order > range[0] AND n._order < range[1]")
        else:
            self.parameters["classes"] = list(classes)
            held: LiteralString = "_name" if anchor.name == "name" else identifier(anchor.name)
            self.match = f"MATCH (n:_Live) USING INDEX n:_Live({held})"
            tests += [f"n.{compared(held, 'eq', anchor.value, self.parameters)}", "n._class IN $classes"]
            if after is not None:
                tests.append(compared("n._order", "gt", after, self.parameters))
            if before is not None:
                tests.append(compared("n._order", "lt", before, self.parameters))
        # apart, because a hint must not stand before a test that comes out as false
        self.match += f" WHERE {' AND '.join(tests)} WITH n WHERE {Where(where, self.parameters).text}"


def _anchor(where: Condition | None, indexed: Collection[str]) -> Compare | None:
    """Find an equality that an index answers and that nothing but AND stands around."""
    match where:
        case Compare(name, "eq", _, False) if name == "name" or name in indexed:
            return where
        case All(members):
            return next((found for each in members if (found := _anchor(each, indexed))), None)
        case _:
            return None


def ranges(classes: Collection[str], after: str | None = None, before: str | None = None) -> list[tuple[str, str]]:
    """Give the open intervals of ``order`` in which entities of these classes lie: it begins with the class."""
    found = []
    for name in sorted(set(classes)):
        low, high = name + SEPARATOR, name + chr(ord(SEPARATOR) + 1)
        low, high = max(low, after or low), min(high, before or high)
        if low < high:
            found.append((low, high))
    return found


def page_statement(sought: Sought, *, backward: bool) -> LiteralString:
    """Give the statement that reads the first or last ``$limit`` of them."""
    down: LiteralString = " DESC" if backward else ""
    first: LiteralString = f"WITH n ORDER BY n._order{down} LIMIT $limit"
    within: LiteralString = f"{sought.each} {sought.match} {first} RETURN n }}" if sought.each else sought.match
    return f"{within} {first} RETURN collect(properties(n))"


def count_statement(sought: Sought) -> LiteralString:
    """Give the statement that counts them."""
    if sought.each:
        return f"{sought.each} {sought.match} RETURN count(n) AS found }} RETURN sum(found)"
    return f"{sought.match} RETURN count(n)"


async def page(tx: Transaction, sought: Sought, limit: int, *, backward: bool) -> list[Entity]:
    """Read the first, or with ``backward`` the last, of them, in order."""
    parameters = {**sought.parameters, "limit": limit}
    ((found,),) = await run(tx, page_statement(sought, backward=backward), parameters)
    return sorted(map(forms.to_entity, found), key=lambda row: row.order)


async def count(tx: Transaction, sought: Sought) -> int:
    """Count them."""
    ((found,),) = await run(tx, count_statement(sought), sought.parameters)
    return int(found)
