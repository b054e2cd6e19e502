"""Conditions in Cypher: an expression that is true or false, never null, so that NOT means what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, assert_never

from knockon.cmdb.filter import All, Any_, Compare, Not, Related
from knockon.cmdb.stores.neo4j.cypher import identifier

if TYPE_CHECKING:
    from knockon.cmdb.filter import Condition

OWN: dict[str, LiteralString] = {"id": "_id", "class": "_class", "name": "_name"}
OPERATORS: dict[str, LiteralString] = {
    "eq": "=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "in": "IN",
    "contains": "CONTAINS", "starts_with": "STARTS WITH",
}  # fmt: skip


class Where:
    """The Cypher of one condition about the node ``n``; its values are in ``parameters``."""

    def __init__(self, condition: Condition | None) -> None:
        self.parameters: dict[str, Any] = {}
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
        value: LiteralString = f"$w{len(self.parameters)}"
        self.parameters[value[1:]] = list(compare.value) if compare.operator == "in" else compare.value
        operator = OPERATORS[compare.operator]
        if compare.many:  # + []: what an older model stored as a single value counts as a list of one
            return f"coalesce(any(member IN {held} + [] WHERE member {operator} {value}), false)"
        return f"coalesce({held} {operator} {value}, false)"
