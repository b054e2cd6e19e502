"""What a request asked for, in words of the schema only: no values, and no text of the caller's but a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, get_operation_ast
from strawberry.extensions import SchemaExtension

if TYPE_CHECKING:
    from collections.abc import Iterator

    from graphql import DocumentNode


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation: query or mutation, the name that the caller gives it, and its root fields, each once."""

    kind: str
    name: str | None
    fields: tuple[str, ...]


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
    fields: dict[str, None] = {}
    left: list[Any] = [operation.selection_set]
    seen = set()
    while left:
        for node in left.pop().selections:
            if isinstance(node, FieldNode):
                fields[node.name.value] = None
            elif not isinstance(node, FragmentSpreadNode):
                left.append(node.selection_set)
            elif node.name.value not in seen:
                seen.add(node.name.value)
                left.append(fragments[node.name.value].selection_set)
    own = operation.name.value if operation.name else None
    return Asked(operation.operation.value, own, tuple(sorted(fields)))
