"""Conditions in SQL: an expression that is 1 or 0, never NULL, so that NOT means what it says."""

# ruff: noqa: S608 - the text is made of constants of this package; names and values are parameters

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.contract.filter import All, Any_, Compare, Not, Related

if TYPE_CHECKING:
    from collections.abc import Callable

    from knockon.cmdb.contract.filter import Condition

COLUMNS = {"id": "id", "class": "class_name", "name": "name"}
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
            return _joined(" AND ", "1", members, table)
        case Any_(members):
            return _joined(" OR ", "0", members, table)
        case Not(member):
            text, parameters = sql(member, table)
            return f"NOT ({text})", parameters
        case Related():
            return _related(condition, table)
        case Compare():
            return _compare(condition, table)


def _joined(word: str, empty: str, members: tuple[Condition, ...], table: str) -> Test:
    tests = [sql(member, table) for member in members]
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
    value, path = _value(compare.name, table)
    if compare.operator == "is_null":
        return f"{value} IS {'' if compare.value else 'NOT '}NULL", path
    wanted, parameter = _wanted(compare)
    test = TESTS[compare.operator]
    if compare.many:
        any_member = f"EXISTS (SELECT 1 FROM json_each({table}.attributes, ?) m WHERE {test('m.value', wanted)})"
        return any_member, [_path(compare.name), parameter]
    return f"{value} IS NOT NULL AND {test(value, wanted)}", [*path, *path, parameter]


def _value(name: str, table: str) -> Test:
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
