"""Conditions in SQL: an expression that is 1 or 0, never NULL, so that NOT means what it says."""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.contract.filter import All, Any_, Compare, Not, Related

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from knockon.cmdb.contract.filter import Condition

COLUMNS = {"id": "id", "class": "class_name", "name": "name"}
SURROGATES = range(0xD800, 0xE000)  # code points that are no characters
Test = tuple[str, list[Any]]
"""SQL text, and its parameters in order."""

# A value that is not NULL, and what it is compared with. instr() respects case and has no wildcards.
TESTS: dict[str, Callable[[str, str], str]] = {
    "eq": "{} = {}".format,
    "lt": "{} < {}".format,
    "lte": "{} <= {}".format,
    "gt": "{} > {}".format,
    "gte": "{} >= {}".format,
    "in": "{} IN (SELECT value FROM json_each({}))".format,
    "contains": "instr({}, {}) > 0".format,
    "starts_with": "instr({}, {}) = 1".format,
}


def sql(condition: Condition | None, table: str) -> Test:
    """Give the test of a row of ``entity`` that goes by the name ``table``."""
    match condition:
        case None:
            return "1", []
        case All(members):
            return both(*(sql(member, table) for member in members))
        case Any_(members):
            return _joined(" OR ", "0", [sql(member, table) for member in members])
        case Not(member):
            text, parameters = sql(member, table)
            return f"NOT ({text})", parameters
        case Related():
            return _related(condition, table)
        case Compare():
            return _compare(condition, table)


def both(*tests: Test) -> Test:
    """Give the test that all of these hold, in this order."""
    return _joined(" AND ", "1", tests)


def _joined(word: str, empty: str, tests: Sequence[Test]) -> Test:
    return word.join(f"({text})" for text, _ in tests) or empty, [each for _, these in tests for each in these]


def _related(related: Related, table: str) -> Test:
    near, far = ("source_id", "target_id") if related.direction == "out" else ("target_id", "source_id")
    other = f"{table}_"
    text, parameters = sql(related.condition, other)
    exists = (
        f"EXISTS (SELECT 1 FROM edge CROSS JOIN entity {other} ON {other}.id = edge.{far}"
        f" WHERE edge.{near} = {table}.id AND edge.type_name = ? AND edge.retired = 0"
        f" AND {other}.retired = 0 AND ({text}))"
    )
    return exists, [related.type_name, *parameters]


def _compare(compare: Compare, table: str) -> Test:
    if compare.operator == "ne":
        text, parameters = _compare(Compare(compare.name, "eq", compare.value, compare.many), table)
        return f"NOT ({text})", parameters
    if compare.many and compare.operator != "is_null":
        test, parameters = compared(("m.value", []), compare)
        any_member = f"EXISTS (SELECT 1 FROM json_each({table}.attributes, ?) m WHERE {test})"
        return any_member, [_path(compare.name), *parameters]
    value, path = value_of(compare.name, table)
    test, parameters = compared((value, path), compare)
    return (
        (test, parameters)
        if compare.operator == "is_null"
        else (f"{value} IS NOT NULL AND {test}", [*path, *parameters])
    )


def compared(value: Test, compare: Compare) -> Test:
    """Give the test that an expression stands to the comparison's value as it says; NULL where there is none."""
    text, parameters = value
    if compare.operator == "is_null":
        return f"{text} IS {'' if compare.value else 'NOT '}NULL", parameters
    wanted, parameter = _wanted(compare)
    return TESTS[compare.operator](text, wanted), [*parameters, parameter]


def narrowest(tests: Sequence[Compare]) -> list[Compare]:
    """Give what is left of comparisons of one attribute when each bound is the closest of its kind.

    SQLite begins at one lower bound, and it need not be the closest.
    """
    bounds: dict[tuple[bool, bool], Compare] = {}
    others: list[Compare] = []
    for each in [bound for test in tests for bound in _bounds(test)]:
        if each.operator not in ("gt", "gte", "lt", "lte"):
            others.append(each)
            continue
        low = each.operator in ("gt", "gte")
        kind = low, isinstance(each.value, str)
        kept = bounds.get(kind)
        if kept is None or each.value == kept.value:
            closer = kept is None or each.operator in ("gt", "lt")
        else:
            closer = (each.value > kept.value) == low
        if closer:
            bounds[kind] = each
    return [*others, *bounds.values()]


def _bounds(test: Compare) -> list[Compare]:
    """Give the range of values that begin with a text; any other test as it is, but none that a value is there."""
    if test.operator == "is_null":  # an index has what is there only
        return []
    if test.operator != "starts_with":
        return [test]
    found = [Compare(test.name, "gte", test.value)]
    for at in reversed(range(len(test.value))):
        code = ord(test.value[at]) + 1
        if code <= sys.maxunicode:
            following = "\ue000" if code in SURROGATES else chr(code)
            return [*found, Compare(test.name, "lt", test.value[:at] + following)]
    return found


def value_of(name: str, table: str) -> Test:
    """Give the expression for an attribute, or for what every entity has."""
    if name in COLUMNS:
        return f"{table}.{COLUMNS[name]}", []
    return f"json_extract({table}.attributes, ?)", [_path(name)]


def _path(name: str) -> str:
    return f"$.{name}"


def _wanted(compare: Compare) -> tuple[str, Any]:
    if compare.operator == "in":
        return "?", orjson.dumps(compare.value).decode()
    if isinstance(compare.value, float):  # read from text as the stored one is, so that the last bit agrees
        return "json_extract(?, '$')", orjson.dumps(compare.value).decode()
    return "?", compare.value
