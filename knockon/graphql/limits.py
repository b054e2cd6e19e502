"""What one query may cost, checked before anything is read.

The cost of a query is about the number of values in its answer: every field counts 1, what stands
under a connection counts once for each row of the page that it asks for, and a run of the impact
engine counts as much as it takes. Each fragment is weighed once, so a query cannot make its own
weighing expensive.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)
from strawberry.extensions import SchemaExtension, ValidationCache

from knockon.errors import QueryTooCostly
from knockon.graphql.connections import DEFAULT_PAGE, MAX_PAGE
from knockon.graphql.definitions import WEIGHT, Weight

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode, GraphQLNamedType, GraphQLSchema, SelectionSetNode


@dataclass(frozen=True, slots=True)
class QueryLimits:
    """How much one query may ask for."""

    cost: int = 500_000
    depth: int = 20
    aliases: int = 100
    tokens: int = 4_000
    """Words and signs of its text."""


STANDARD = QueryLimits()
MOST_PAIRS = 100_000
"""Pairs of fields of one name that validation may have to look at: some tenths of a second."""
_LENGTHS = ("ids", "of")
"""Arguments that are lists, with an answer for each member."""


class Validated(ValidationCache):
    """Validates a query, once for all who send the same; not one whose validation alone would take seconds."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None
        if refusal := _repetitive(context.graphql_document):
            context.pre_execution_errors = [refusal]
            yield
        else:
            yield from super().on_validate()


def _repetitive(document: DocumentNode) -> GraphQLError | None:
    """Refuse a text that names the same fields over and over: validation looks at each pair of them.

    Fields of one name are pairs at most as often as the square of their number, whatever they stand in. Linear itself.
    """
    count: Counter[str] = Counter()
    left: list[Any] = [each for each in document.definitions if isinstance(each, ExecutableDefinitionNode)]
    while left:
        node = left.pop()
        if isinstance(node, FieldNode):
            count[(node.alias or node.name).value] += 1
        if not isinstance(node, FragmentSpreadNode) and node.selection_set:
            left += node.selection_set.selections
    if sum(number * number for number in count.values()) <= MOST_PAIRS:
        return None
    name, number = count.most_common(1)[0]
    return _refusal(f"It names fields alike too often, {name} {number} times; ask in several queries.", document)


class Limits(SchemaExtension):
    """Refuses queries that are too long, too deep, or too costly with the variables that they come with."""

    def __init__(self, limits: QueryLimits) -> None:
        super().__init__()
        self._limits = limits

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options["max_tokens"] = self._limits.tokens
        yield

    def on_validate(self) -> Iterator[None]:
        """Weigh what ``Validated``, which stands before this one, found to be valid."""
        context = self.execution_context
        assert context.graphql_document is not None
        if not context.pre_execution_errors:
            schema = context.schema._schema  # noqa: SLF001 - Strawberry has no public way to graphql-core's schema
            weighing = _Weighing(schema, context.graphql_document, context.variables or {}, self._limits)
            context.pre_execution_errors = weighing.errors
        yield


class _Weighing:
    """Weighs each operation of a valid document; ``errors`` says which of them ask for too much."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: dict[str, Any], limits: QueryLimits
    ) -> None:
        self.errors: list[GraphQLError] = []
        self._schema = schema
        self._variables = variables
        self._limits = limits
        self._fragments = {
            each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)
        }
        self._defaults: dict[str, Any] = {}
        self._weighed: dict[tuple[str, int], tuple[int, int]] = {}
        aliases = sum(
            _aliases(each.selection_set) for each in document.definitions if isinstance(each, ExecutableDefinitionNode)
        )
        if aliases > limits.aliases:
            self._refuse(f"It has {aliases} aliases; {limits.aliases} are allowed.", document)
        for each in document.definitions:
            if isinstance(each, OperationDefinitionNode):
                self._judge(each)

    def _judge(self, operation: OperationDefinitionNode) -> None:
        self._defaults = {
            each.variable.name.value: value_from_ast_untyped(each.default_value)
            for each in operation.variable_definitions or ()
            if each.default_value is not None
        }
        self._weighed = {}
        root = self._schema.get_root_type(operation.operation)
        cost, depth = self._weigh(operation.selection_set, root, 1)
        if depth > self._limits.depth:
            self._refuse(f"It is {depth} levels deep; {self._limits.depth} are allowed.", operation)
        if cost > self._limits.cost:
            self._refuse(
                f"It may cost {cost:,}; {self._limits.cost:,} is allowed. "
                "Ask for smaller pages (first), or less at once.",
                operation,
            )

    def _refuse(self, why: str, node: Any) -> None:
        self.errors.append(_refusal(why, node))

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
                inside = self._schema.get_type(on.name.value) if on else parent
                more, deeper = self._weigh(node.selection_set, inside, page)
            cost, depth = cost + more, max(depth, deeper)
        return cost, depth

    def _fragment(self, name: str, page: int) -> tuple[int, int]:
        key = (name, page)
        if key not in self._weighed:
            fragment = self._fragments[name]
            on = self._schema.get_type(fragment.type_condition.name.value)
            self._weighed[key] = self._weigh(fragment.selection_set, on, page)
        return self._weighed[key]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, page: int) -> tuple[int, int]:
        if node.name.value.startswith("__"):
            return 0, 0  # introspection, which has a rule of its own
        field = getattr(parent, "fields", {})[node.name.value]
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
            return self._variables.get(name, self._defaults.get(name))
        if isinstance(node, IntValueNode):
            return int(node.value)
        return list(node.values) if isinstance(node, ListValueNode) else None


def _refusal(why: str, node: Any) -> GraphQLError:
    return GraphQLError(f"The query is too costly. {why}", [node], extensions={"code": QueryTooCostly.code})


def _aliases(selections: SelectionSetNode) -> int:
    """Count the aliases below, not those of the fragments that are named there."""
    found = 0
    for node in selections.selections:
        found += isinstance(node, FieldNode) and node.alias is not None
        if isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
            found += _aliases(node.selection_set)
    return found
