"""What a request asked for, in words of the schema only: no values, and no text of the caller's but a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    get_operation_ast,
)
from strawberry.extensions import SchemaExtension

from knockon.errors import QueryInvalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from graphql import DocumentNode


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation: query or mutation, the name that the caller gives it, and its root fields, each once.

    ``names`` are those of all fields in it.
    """

    kind: str
    name: str | None
    fields: tuple[str, ...]
    names: frozenset[str]


class Named(SchemaExtension):
    """Refuses several operations of which none is named: Strawberry itself would execute the first one."""

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        named = context._provided_operation_name is not None  # noqa: SLF001 - the public name is the first one's then
        if not named and context.graphql_document is not None and not context.pre_execution_errors:
            definitions = context.graphql_document.definitions
            operations = [each for each in definitions if isinstance(each, OperationDefinitionNode)]
            if len(operations) > 1:
                text = "There are several operations; say by operationName which of them to execute."
                code = {"code": QueryInvalid.code}
                context.pre_execution_errors = [GraphQLError(text, operations, extensions=code)]
        yield


class Asking(SchemaExtension):
    """Notes in the request what is executed; a query that is refused is not."""

    def on_execute(self) -> Iterator[None]:
        context = self.execution_context
        if context.graphql_document is not None:
            context.context.asked = asked(context.graphql_document, context.operation_name)
        yield


def asked(document: DocumentNode, name: str | None) -> Asked | None:
    """Tell what a valid document asks for; None where the operation cannot be told."""
    operation = get_operation_ast(document, name)
    if operation is None:
        return None
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    names: set[str] = set()
    seen: set[str] = set()

    def fields(some: Iterable[Any]) -> Iterator[FieldNode]:
        """Give the fields of selections, each fragment's but once."""
        for node in (each for selections in some for each in selections.selections):
            if isinstance(node, FieldNode):
                yield node
            elif not isinstance(node, FragmentSpreadNode):
                yield from fields([node.selection_set])
            elif node.name.value not in seen:
                seen.add(node.name.value)
                yield from fields([fragments[node.name.value].selection_set])

    found = roots = list(fields([operation.selection_set]))
    while found:
        names |= {each.name.value for each in found}
        found = list(fields([each.selection_set for each in found if each.selection_set]))
    own = operation.name.value if operation.name else None
    return Asked(operation.operation.value, own, tuple(sorted({each.name.value for each in roots})), frozenset(names))
