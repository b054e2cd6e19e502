"""What one query may cost, checked before anything is read.

The cost of a query is about the number of values in its answer: every field counts 1, what stands
under a connection counts once for each row of the page that it asks for, and a run of the impact
engine counts as much as it takes. Each fragment is weighed once, so a query cannot make its own
weighing expensive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    ValidationRule,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)
from strawberry.extensions import SchemaExtension

from knockon.errors import QueryTooCostly
from knockon.graphql.connections import DEFAULT_PAGE, MAX_PAGE
from knockon.graphql.definitions import WEIGHT, Weight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import GraphQLNamedType, SelectionSetNode, ValidationContext


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """How much one query may ask for."""

    cost: int = 500_000
    depth: int = 20
    aliases: int = 100
    tokens: int = 4_000
    """Words and signs of its text."""


STANDARD = QueryLimits()
_LENGTHS = ("ids", "of")
"""Arguments that are lists, with an answer for each member."""


class Limits(SchemaExtension):
    """Refuses queries that are too long, too deep, or too costly with the variables that they come with."""

    def __init__(self, limits: QueryLimits) -> None:
        super().__init__()
        self._limits = limits

    def on_operation(self) -> Iterator[None]:
        context = self.execution_context
        context.parse_options["max_tokens"] = self._limits.tokens
        rule = type("CostLimit", (CostLimit,), {"variables": context.variables or {}, "limits": self._limits})
        context.validation_rules = (*context.validation_rules, rule)
        yield


class CostLimit(ValidationRule):
    """Weighs each operation of a document."""

    variables: dict[str, Any]
    limits: QueryLimits

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._aliases = 0
        self._defaults: dict[str, Any] = {}
        self._weighed: dict[tuple[str, int], tuple[int, int]] = {}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self._aliases += node.alias is not None

    def leave_document(self, node: Any, *_: Any) -> None:
        if self._aliases > self.limits.aliases:
            self._refuse(f"It has {self._aliases} aliases; {self.limits.aliases} are allowed.", node)
        for each in node.definitions:
            if isinstance(each, OperationDefinitionNode):
                self._judge(each)

    def _judge(self, operation: OperationDefinitionNode) -> None:
        self._defaults = {
            each.variable.name.value: value_from_ast_untyped(each.default_value)
            for each in operation.variable_definitions or ()
            if each.default_value is not None
        }
        self._weighed = {}
        root = self.context.schema.get_root_type(operation.operation)
        cost, depth = self._weigh(operation.selection_set, root, 1)
        if depth > self.limits.depth:
            self._refuse(f"It is {depth} levels deep; {self.limits.depth} are allowed.", operation)
        if cost > self.limits.cost:
            self._refuse(
                f"It may cost {cost:,}; {self.limits.cost:,} is allowed. "
                "Ask for smaller pages (first), or less at once.",
                operation,
            )

    def _refuse(self, why: str, node: Any) -> None:
        self.report_error(
            GraphQLError(f"The query is too costly. {why}", [node], extensions={"code": QueryTooCostly.code})
        )

    def _weigh(self, selections: SelectionSetNode, parent: GraphQLNamedType | None, page: int) -> tuple[int, int]:
        """Give cost and depth; ``page`` is the page size of the connection that this is part of."""
        cost = depth = 0
        for node in selections.selections:
            if isinstance(node, FieldNode):
                more, deeper = self._field(node, parent, page)
            elif isinstance(node, FragmentSpreadNode):
                more, deeper = self._fragment(node.name.value, page)
            else:
                assert isinstance(node, InlineFragmentNode)
                on = node.type_condition
                inside = self.context.schema.get_type(on.name.value) if on else parent
                more, deeper = self._weigh(node.selection_set, inside, page)
            cost, depth = cost + more, max(depth, deeper)
        return cost, depth

    def _fragment(self, name: str, page: int) -> tuple[int, int]:
        key = (name, page)
        if key not in self._weighed:
            self._weighed[key] = (0, 0)  # a fragment that leads to itself is another rule's business
            fragment = self.context.get_fragment(name)
            if isinstance(fragment, FragmentDefinitionNode):
                on = self.context.schema.get_type(fragment.type_condition.name.value)
                self._weighed[key] = self._weigh(fragment.selection_set, on, page)
        return self._weighed[key]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: int) -> tuple[int, int]:
        field = getattr(parent, "fields", {}).get(node.name.value)
        if field is None or node.name.value.startswith("__"):
            return 0, 0  # unknown, or introspection, which has a rule of its own
        weight: Weight = field.extensions["strawberry-definition"].metadata[WEIGHT]
        if "first" in field.args:
            page = self._page_size(node, field.args["first"].default_value)
        times = page if weight.paged else weight.many
        length = self._length(node)
        below, depth = (
            self._weigh(node.selection_set, get_named_type(field.type), page) if node.selection_set else (0, 0)
        )
        return length * (weight.cost + times * below), 1 + depth

    def _page_size(self, node: FieldNode, default: Any) -> int:
        given = {each.name.value: self._value(each.value) for each in node.arguments or ()}
        sizes = [given[name] for name in ("first", "last") if given.get(name) is not None]
        known = [size for size in sizes if isinstance(size, int)]
        if not sizes:
            return default if isinstance(default, int) else DEFAULT_PAGE
        return min(max(known), MAX_PAGE) if len(known) == len(sizes) else MAX_PAGE

    def _length(self, node: FieldNode) -> int:
        lists = [self._value(each.value) for each in node.arguments or () if each.name.value in _LENGTHS]
        return max((len(each) for each in lists if isinstance(each, list)), default=1)

    def _value(self, node: Any) -> Any:
        if isinstance(node, VariableNode):
            name = node.name.value
            return self.variables.get(name, self._defaults.get(name))
        if isinstance(node, IntValueNode):
            return int(node.value)
        return list(node.values) if isinstance(node, ListValueNode) else None
