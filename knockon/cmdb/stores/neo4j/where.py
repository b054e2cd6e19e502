"""Conditions in Cypher: an expression that is true or false, never null, so that NOT means what it says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, LiteralString, assert_never

from knockon.cmdb.contract.filter import All, Any_, Compare, Not, Related
from knockon.cmdb.stores.neo4j.cypher import identifier

if TYPE_CHECKING:
    from knockon.cmdb.contract.filter import Condition, Operator

OWN: dict[str, LiteralString] = {"id": "_id", "class": "_class", "name": "_name"}
OPERATORS: dict[str, LiteralString] = {
    "eq": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "in": "IN",
    "contains": "CONTAINS", "starts_with": "STARTS WITH",
}  # fmt: skip
_ORDERINGS = frozenset({"lt", "lte", "gt", "gte"})


class Where:
    """The Cypher of one condition about the node ``n``; its values go into ``parameters``."""

    def __init__(self, condition: Condition | None, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self._depth = 0
        self.text: LiteralString = self._cypher(condition, "n")

    def _cypher(self, condition: Condition | None, node: LiteralString) -> LiteralString:
        match condition:
            case None:
                return "true"
            case Compare():
                return self._compare(condition, node)
            case Related():
                return self._related(condition, node)
            case Not(member):
                return f"NOT {self._cypher(member, node)}"
            case All(members):
                return f"({' AND '.join(self._cypher(each, node) for each in members) or 'true'})"
            case Any_(members):
                return f"({' OR '.join(self._cypher(each, node) for each in members) or 'false'})"
            case _:
                assert_never(condition)

    def _related(self, related: Related, node: LiteralString) -> LiteralString:
        self._depth += 1
        other: LiteralString = f"n{self._depth}"
        kind = identifier(related.type_name)
        edge: LiteralString = f"-[:{kind}]->" if related.direction == "out" else f"<-[:{kind}]-"
        return f"EXISTS {{ MATCH ({node}){edge}({other}:_Live) WHERE {self._cypher(related.condition, other)} }}"

    def _compare(self, compare: Compare, node: LiteralString) -> LiteralString:
        held: LiteralString = f"{node}.{OWN.get(compare.name) or identifier(compare.name)}"
        if compare.operator == "is_null":
            return f"{held} IS {'' if compare.value else 'NOT '}NULL"
        if compare.operator == "ne":
            return f"NOT {self._compare(Compare(compare.name, 'eq', compare.value, compare.many), node)}"
        if compare.many:  # + []: what an older model stored as a single value counts as a list of one
            test = compared("member", compare.operator, compare.value, self.parameters)
            return f"coalesce(any(member IN {held} + [] WHERE {test}), false)"
        return f"coalesce({compared(held, compare.operator, compare.value, self.parameters)}, false)"


def compared(held: LiteralString, operator: Operator, value: Any, parameters: dict[str, Any]) -> LiteralString:
    """Compare an expression with a value, strings by code point; the value goes into ``parameters``."""
    plain: LiteralString = f"{held} {OPERATORS[operator]} {_parameter(value, parameters)}"
    if is_plain(operator, value):
        return plain
    before, after = _misplaced(value)
    less, more = ("true", "false") if operator in ("lt", "lte") else ("false", "true")
    return (
        f"CASE WHEN {held} =~ {_parameter(before, parameters)} THEN {less}"
        f" WHEN {held} =~ {_parameter(after, parameters)} THEN {more} ELSE {plain} END"
    )


def is_plain(operator: Operator, value: Any) -> bool:
    """Tell whether a comparison is one operator of Cypher's, which an index can answer."""
    return operator not in _ORDERINGS or not isinstance(value, str) or max(value, default="") < "\ue000"


def _parameter(value: Any, parameters: dict[str, Any]) -> LiteralString:
    name: LiteralString = f"w{len(parameters)}"
    parameters[name] = list(value) if isinstance(value, tuple) else value
    return f"${name}"


def _misplaced(value: str) -> tuple[str, str]:
    """Give patterns of the texts that come before and after ``value``, though Neo4j may say otherwise.

    An index and ORDER BY go by code point; a comparison with a parameter goes by UTF-16 code unit
    (5.26). These differ where one text has a character beyond U+FFFF and the other one from U+E000 up.
    """
    before, after = [], []
    for at, character in enumerate(value):
        if character >= "\U00010000":
            before.append(re.escape(value[:at]) + "[\ue000-\uffff]")
        elif character >= "\ue000":
            after.append(re.escape(value[:at]) + "[\U00010000-\U0010ffff]")
    return _beginning(before), _beginning(after)


def _beginning(patterns: list[str]) -> str:
    return f"(?s)(?:{'|'.join(patterns)}).*" if patterns else "(?!)"
