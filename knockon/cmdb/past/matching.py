"""Conditions on entities in memory: the same answers as a store gives, for an estate that no store holds any more."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, assert_never

from knockon.cmdb.contract.filter import All, Any_, Compare, Not, Related

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Direction

    Test = Callable[[Entity], bool]
    Near = Callable[[str, str, Direction], Iterable[Entity]]

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt, "lte": operator.le, "gt": operator.gt, "gte": operator.ge,
}  # fmt: skip


def test_of(condition: Condition | None, near: Near) -> Test:
    """Give the test that a condition means; ``near`` gives an entity's neighbours over a type, by its id."""
    match condition:
        case None:
            return lambda _: True
        case All(members):
            every = [test_of(each, near) for each in members]
            return lambda entity: all(test(entity) for test in every)
        case Any_(members):
            some = [test_of(each, near) for each in members]
            return lambda entity: any(test(entity) for test in some)
        case Not(member):
            inner = test_of(member, near)
            return lambda entity: not inner(entity)
        case Related(type_name, direction, inside):
            other = test_of(inside, near)
            return lambda entity: any(other(each) for each in near(entity.id, type_name, direction))
        case Compare():
            return _compared(condition)
        case _:
            assert_never(condition)


def _compared(compare: Compare) -> Test:
    if compare.operator == "ne":
        equal = _compared(Compare(compare.name, "eq", compare.value, compare.many))
        return lambda entity: not equal(entity)
    read = _reader(compare.name)
    if compare.operator == "is_null":
        return lambda entity: (read(entity) is None) == compare.value
    holds = _operation(compare)
    if not compare.many:
        return lambda entity: holds(read(entity))

    def any_member(entity: Entity) -> bool:
        value = read(entity)
        return any(map(holds, value if isinstance(value, list) else [value]))

    return any_member


def _reader(name: str) -> Callable[[Entity], Any]:
    own: dict[str, Callable[[Entity], Any]] = {
        "id": lambda entity: entity.id,
        "class": lambda entity: entity.class_name,
        "name": lambda entity: entity.name,
    }
    return own.get(name) or (lambda entity: entity.attributes.get(name))


def _operation(compare: Compare) -> Callable[[Any], bool]:
    """Give the test of one value; what is absent, or of another kind than what is asked, fails every one."""
    wanted = compare.value
    match compare.operator:
        case "eq":
            return lambda value: value is not None and _alike(value, wanted) and bool(value == wanted)
        case "in":
            return lambda value: value is not None and any(_alike(value, one) and value == one for one in wanted)
        case "contains":
            return lambda value: isinstance(value, str) and wanted in value
        case "starts_with":
            return lambda value: isinstance(value, str) and value.startswith(wanted)
        case _:
            compares = _ORDERINGS[compare.operator]
            return lambda value: value is not None and _alike(value, wanted) and compares(value, wanted)


def _alike(value: Any, wanted: Any) -> bool:
    """Tell whether two values are both text, or both numbers."""
    return isinstance(value, str) == isinstance(wanted, str) and not isinstance(value, list | dict)
