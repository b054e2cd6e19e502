"""The rules of Relay's server specification, on the schema in the reference (which is the one that is made)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

BOTH_WAYS = {"first": "Int", "after": "String", "last": "Int", "before": "String"}
FORWARD_ONLY = {
    "decisions": "as they came, and read to the end by whoever looks them through",
    "deadLetters": "as they came, and read to the end by whoever mends them",
    "findings": "read to the end by whoever works them off",
}
"""Lists that take ``first`` and ``after`` alone, as the specification allows, by the name of their field."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((Path(__file__).parents[2] / "docs/reference/schema.graphql").read_text(encoding="utf-8"))


def objects(schema: GraphQLSchema, ending: str) -> list[GraphQLObjectType]:
    found = [each for name, each in schema.type_map.items() if name.endswith(ending)]
    assert len(found) > 10
    assert all(isinstance(each, GraphQLObjectType) for each in found)
    return [each for each in found if isinstance(each, GraphQLObjectType)]


def types(kind: Any) -> dict[str, str]:
    return {name: str(each.type) for name, each in kind.fields.items()}


def arguments(field: GraphQLField) -> dict[str, str]:
    return {name: str(each.type) for name, each in field.args.items()}


def test_what_has_an_id_is_a_node(schema: GraphQLSchema) -> None:
    node = schema.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert types(node) == {"id": "ID!"}
    assert schema.query_type
    ask = schema.query_type.fields
    # asOf is ours, and may be left out: every way in has it
    assert (str(ask["node"].type), arguments(ask["node"])) == ("Node", {"id": "ID!", "asOf": "String"})
    assert (str(ask["nodes"].type), arguments(ask["nodes"])) == ("[Node]!", {"ids": "[ID!]!", "asOf": "String"})
    things = schema.get_possible_types(node)
    entity = schema.type_map["Entity"]
    assert isinstance(entity, GraphQLInterfaceType)
    assert {each.name for each in things} == {each.name for each in schema.get_possible_types(entity)}
    assert len(things) > 50


def test_every_connection_has_edges_and_page_info(schema: GraphQLSchema) -> None:
    for each in objects(schema, "Connection"):
        edges, info = each.fields["edges"].type, each.fields["pageInfo"].type
        assert is_list_type(get_nullable_type(edges)), each.name
        assert get_named_type(edges).name.endswith("Edge"), each.name
        assert str(info) == "PageInfo!", each.name


def test_every_edge_has_a_node_and_a_cursor(schema: GraphQLSchema) -> None:
    used = {get_named_type(each.fields["edges"].type) for each in objects(schema, "Connection")}
    edges = objects(schema, "Edge")
    assert used == set(edges)
    for each in edges:
        assert str(each.fields["cursor"].type) == "String!", each.name
        node = get_nullable_type(each.fields["node"].type)
        assert not is_list_type(node), each.name
        assert not str(node).endswith(("Connection", "Edge")), each.name


def test_page_info_is_that_of_the_specification(schema: GraphQLSchema) -> None:
    assert types(schema.type_map["PageInfo"]) == {
        "hasNextPage": "Boolean!", "hasPreviousPage": "Boolean!", "startCursor": "String", "endCursor": "String",
    }  # fmt: skip


def test_every_field_of_a_connection_is_paged_both_ways_or_has_its_reason(schema: GraphQLSchema) -> None:
    forward: set[str] = set()
    seen = 0
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            continue
        for name, field in kind.fields.items():
            if not get_named_type(field.type).name.endswith("Connection"):
                continue
            seen += 1
            assert not is_list_type(get_nullable_type(field.type)), (kind.name, name)
            pages = {each: type_ for each, type_ in arguments(field).items() if each in BOTH_WAYS}
            if pages != BOTH_WAYS:
                assert pages == {"first": "Int", "after": "String"}, (kind.name, name)
                forward.add(name)
    assert seen > 1_000
    assert forward == FORWARD_ONLY.keys()


def test_every_mutation_answers_what_became_of_it_and_what_is_wrong(schema: GraphQLSchema) -> None:
    """Arguments by name, and no ``clientMutationId``, which Relay itself asks for no more."""
    assert schema.mutation_type
    for name, field in schema.mutation_type.fields.items():
        payload = field.type
        assert not is_non_null_type(payload), name
        assert isinstance(payload, GraphQLObjectType)
        assert payload.name.endswith("Payload"), name
        said = types(payload)
        assert (said["revision"], said["errors"]) == ("Int", "[EditError!]!"), name
