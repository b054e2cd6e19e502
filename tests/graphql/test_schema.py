"""How a model becomes a schema."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, print_type

from knockon.errors import ModelInvalid
from knockon.graphql.scalars import pascal_to_camel, snake_to_camel
from knockon.graphql.schema import build_schema
from knockon.schema.build import build
from knockon.schema.installed import installed_model, read_model
from knockon.schema.lint import RESERVED
from knockon.schema.spec import ModelSpec

if TYPE_CHECKING:
    from knockon.graphql.schema import ApiSchema

SMALL = read_model([Path(__file__).with_name("model.yaml")])


def test_what_a_node_answers_is_no_name_for_an_attribute() -> None:
    """Lint keeps a model from having an attribute that the API could not show."""
    model = installed_model()
    names = set(model.relationships) | {each.inverse for each in model.relationships.values()}
    links = {snake_to_camel(name.lower()) for name in names}
    schema = core(build_schema(model))
    for class_name in ("Server", "Incident", "Change"):
        kind = schema.type_map[class_name]
        assert isinstance(kind, GraphQLObjectType)
        attributes = {snake_to_camel(name) for name in model.classes[class_name].attributes}
        assert set(kind.fields) - attributes - links <= {snake_to_camel(name) for name in RESERVED}


@pytest.fixture(scope="module")
def small() -> GraphQLSchema:
    return core(build_schema(SMALL))


def core(schema: ApiSchema) -> GraphQLSchema:
    return schema._schema


def fields(schema: GraphQLSchema, name: str) -> dict[str, str]:
    found: Any = schema.type_map[name]
    return {field: str(each.type) for field, each in found.fields.items()}


def test_the_schema_of_the_shipped_model_is_the_one_in_the_reference() -> None:
    kept = Path(__file__).parents[2].joinpath("docs/reference/schema.graphql").read_text(encoding="utf-8")
    assert kept == build_schema(installed_model()).as_str() + "\n", (
        "The API has changed: look at the difference, then run .venv/bin/knockon schema > docs/reference/schema.graphql"
    )


def test_classes_are_types_and_interfaces(small: GraphQLSchema) -> None:
    kinds = {name: type(small.type_map[name]) for name in ("Entity", "ConfigurationItem", "Cluster", "AnyCluster")}
    assert kinds == {
        "Entity": GraphQLInterfaceType,
        "ConfigurationItem": GraphQLInterfaceType,
        "Cluster": GraphQLObjectType,
        "AnyCluster": GraphQLInterfaceType,
    }
    implemented: Any = small.type_map["FastCluster"]
    assert {each.name for each in implemented.interfaces} == {"AnyCluster", "ConfigurationItem", "Entity", "Node"}
    assert "AnyMachine" not in small.type_map


def test_attributes_have_their_types(small: GraphQLSchema) -> None:
    found = fields(small, "Machine")
    relations = {"memberOf": "MemberOfConnection!", "governedBy": "GovernedByConnection!"}
    assert found == relations | {
        "id": "ID!", "class": "String!", "name": "String!", "revision": "Int!", "attributes": "JSON!",
        "blastRadius": "ImpactAnswer", "history": "[HistoryEvent!]", "redacted": "[String!]!",
        "records": "[SourceRecord!]", "provenance": "[Provenance!]", "freshness": "Freshness",
        "relationships": "RelationshipConnection", "dependencies": "DependenciesAnswer",
        "supportedServices": "SupportsAnswer", "findings": "[IdentityFinding!]",
        "serialNumber": "String", "notes": "String", "memory": "Long", "cores": "Int", "loadAverage": "Float",
        "monitored": "Boolean", "startedAt": "DateTime", "boughtOn": "Date", "uptimeTarget": "Duration",
        "console": "String", "address": "String", "mac": "String", "contact": "String", "price": "Money",
        "labels": "JSON", "aliases": "[String!]", "ports": "[Long!]",
    }  # fmt: skip


def test_descriptions_say_the_unit(small: GraphQLSchema) -> None:
    machine: Any = small.type_map["Machine"]
    assert machine.description == "A computer."
    assert machine.fields["memory"].description == "Main memory. Unit: byte."


def test_an_enum_has_the_values_of_the_files_or_is_text(small: GraphQLSchema) -> None:
    assert fields(small, "Cluster")["mode"] == fields(small, "FastCluster")["mode"] == "ClusterMode"
    assert fields(small, "Cluster")["speed"] == "String"
    assert print_type(small.type_map["ClusterMode"]).endswith("enum ClusterMode {\n  active\n  standby\n}")


def test_one_connection_for_each_relationship_and_direction(small: GraphQLSchema) -> None:
    assert fields(small, "MemberOfEdge") == {
        "node": "AnyCluster!", "cursor": "String!", "role": "MemberOfRole", "weight": "Int",
        "evidence": "RelationshipEvidence",
    }  # fmt: skip
    assert fields(small, "HasMemberEdge")["node"] == "Machine!"
    assert fields(small, "GovernsEdge")["node"] == "Entity!"
    assert fields(small, "GovernedByEdge")["node"] == "Policy!"
    assert fields(small, "AnyCluster")["hasMember"] == "HasMemberConnection!"
    assert "memberOf" not in fields(small, "AnyCluster")
    assert fields(small, "Policy").keys() >= {"governs", "governedBy"}


def test_the_root_has_a_list_for_each_class(small: GraphQLSchema) -> None:
    root = fields(small, "Query")
    assert root == {
        "entity": "Entity", "node": "Node", "nodes": "[Node]!", "serviceBoard": "ServiceBoard",
        "impact": "ImpactAnswer", "answer": "ImpactAnswer", "supports": "SupportsAnswer",
        "paths": "PathsAnswer", "singlePointsOfFailure": "SinglePointsAnswer", "dependencies": "DependenciesAnswer",
        "commonUpstream": "CommonAnswer", "whatIf": "WhatIfAnswer", "rollingOrder": "RollingOrderAnswer",
        "recoveryOrder": "RecoveryOrderAnswer", "availability": "AvailabilityAnswer", "search": "SearchConnection",
        "health": "Health", "findings": "IdentityFindingConnection", "deadLetters": "DeadLetterConnection",
        "decisions": "IdentityDecisionConnection",
        "entities": "EntityConnection", "configurationItems": "ConfigurationItemConnection",
        "clusters": "ClusterConnection", "fastClusters": "FastClusterConnection",
        "policies": "PolicyConnection", "machines": "MachineConnection",
    }  # fmt: skip
    query: Any = small.type_map["Query"]
    assert {name: str(each.type) for name, each in query.fields["machines"].args.items()} == {
        "first": "Int", "after": "String", "last": "Int", "before": "String", "where": "MachineWhere",
        "orderBy": "MachineOrder", "asOf": "String",
    }  # fmt: skip


def test_a_filter_has_the_operators_of_its_type(small: GraphQLSchema) -> None:
    where = fields(small, "MachineWhere")
    assert where.keys() >= {"and", "or", "not", "related", "id", "class", "name"}
    assert (where["and"], where["not"], where["related"]) == ("[MachineWhere!]", "MachineWhere", "RelatedWhere")
    assert fields(small, "RelatedWhere") == {"type": "RelationshipName!", "to": "EntityWhere"}
    operators = {
        attribute: set(fields(small, where[attribute])) for attribute in where if where[attribute].endswith("Filter")
    }
    order = {"eq", "ne", "in", "lt", "lte", "gt", "gte", "isNull"}
    text = {"eq", "ne", "in", "contains", "startsWith", "isNull"}
    assert operators == {
        "id": {"eq", "ne", "in"}, "class": {"eq", "ne", "in"}, "name": text - {"isNull"},
        "serialNumber": text, "notes": text, "console": text, "address": text, "mac": text, "contact": text,
        "memory": order, "cores": order, "loadAverage": order, "startedAt": order, "boughtOn": order,
        "monitored": {"eq", "ne", "isNull"}, "uptimeTarget": {"eq", "ne", "in", "isNull"},
        "price": {"isNull"}, "labels": {"isNull"},
        "aliases": {"eq", "in", "contains", "startsWith", "isNull"}, "ports": {"eq", "in", "isNull"},
    }  # fmt: skip


def test_every_field_of_the_query_takes_a_moment_of_the_past(schema: ApiSchema) -> None:
    query: Any = core(schema).type_map["Query"]
    # the id of an answer says of which revision it is
    assert [name for name, field in query.fields.items() if "asOf" not in field.args] == ["answer"]


def test_later_things_are_absent(schema: ApiSchema) -> None:
    whole = core(schema)
    assert fields(whole, "Subscription") == {"entityChanges": "EntityChange", "serviceStates": "ServiceStateChange"}
    query: Any = whole.type_map["Query"]
    assert not {"rootCauses", "collisions", "decide"} & set(query.fields)


def test_a_mutation_takes_a_thing_of_every_class_with_all_of_its_attributes(schema: ApiSchema) -> None:
    whole, model = core(schema), installed_model()
    assert fields(whole, "Mutation") == {
        "create": "EditPayload", "update": "EditPayload", "move": "EditPayload", "retire": "EditPayload",
        "restore": "EditPayload", "relate": "EditPayload", "unrelate": "EditPayload", "link": "DecisionPayload",
        "keepApart": "DecisionPayload", "takeBack": "DecisionPayload", "classify": "DecisionPayload",
        "accept": "DecisionPayload", "undoLoad": "UndoPayload", "undoSource": "UndoPayload",
        "replayLetters": "ReplayPayload", "dropLetters": "DropPayload",
    }  # fmt: skip
    concrete = model.concrete("Entity")
    assert fields(whole, "ThingInput") == {pascal_to_camel(name): f"{name}Input" for name in concrete}
    thing: Any = whole.type_map["ThingInput"]
    assert thing.extensions["strawberry-definition"].is_one_of
    for name in concrete:
        written = {key for key, each in model.classes[name].attributes.items() if not each.spec.internal}
        assert set(fields(whole, f"{name}Input")) == {snake_to_camel(each) for each in written}
    of_edges = {snake_to_camel(each) for kind in model.relationships.values() for each in kind.attributes}
    assert set(fields(whole, "RelationshipInput")) == of_edges


def test_inputs_have_the_types_of_the_model(small: GraphQLSchema) -> None:
    given = fields(small, "MachineInput")
    assert (given["price"], given["memory"], given["startedAt"], given["aliases"], given["ports"], given["name"]) == (
        "MoneyInput", "Long", "DateTime", "[String!]", "[Long!]", "String",
    )  # fmt: skip
    assert fields(small, "ClusterInput")["mode"] == "ClusterMode"
    assert fields(small, "RelationshipInput")["role"] == "MemberOfRole"


def test_records_and_things_have_their_questions(schema: ApiSchema) -> None:
    whole = core(schema)
    assert fields(whole, "Incident")["affectedServices"] == "[IncidentService!]"
    assert fields(whole, "IncidentService")["service"] == "Service"
    assert fields(whole, "Change")["risk"] == "ChangeRisk"
    for name in ("ConfigurationItem", "Server", "Service", "Site", "Place", "Supplier"):
        assert fields(whole, name)["blastRadius"] == "ImpactAnswer"
    for name in ("Person", "Incident", "Customer", "Entity"):
        assert "blastRadius" not in fields(whole, name)


def test_the_same_model_gives_the_same_schema(schema: ApiSchema) -> None:
    assert build_schema(installed_model()).as_str() == schema.as_str()


def changed(**changes: Any) -> Any:
    written = deepcopy(SMALL.spec.model_dump(mode="json"))
    for section, members in changes.items():
        written[section] |= members
    return build(ModelSpec.model_validate(written))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"classes": {"Query": {"description": "No.", "is_a": "Entity"}}}, "Query"),
        ({"classes": {"PageInfo": {"description": "No.", "is_a": "Entity"}}}, "PageInfo"),
        ({"classes": {"JSON": {"description": "No.", "is_a": "Entity"}}}, "JSON"),
        ({"classes": {"Node": {"description": "No.", "is_a": "Entity"}}}, "called Node already"),
        (
            {
                "classes": {
                    "Odd": {
                        "description": "Two ways to write one name.",
                        "is_a": "Entity",
                        "attributes": {
                            "governed_by": {"type": "string", "description": "As the relationship."},
                        },
                    }
                },
                "relationships": {
                    "GOVERNS": {
                        "inverse": "GOVERNED_BY",
                        "description": "Rules.",
                        "ends": [["Policy", "Odd"]],
                        "impact": "none",
                    }
                },
            },
            "governedBy",
        ),
    ],
)
def test_names_that_would_clash_are_told(changes: Any, named: str) -> None:
    with pytest.raises(ModelInvalid, match=named):
        build_schema(changed(**changes))


def test_names() -> None:
    assert [snake_to_camel(each) for each in ("serial_number", "RUNS_ON", "os")] == ["serialNumber", "runsOn", "os"]
    spoken = ("BusinessServices", "UPSs", "PDUs", "DNSRecords", "People", "IPAddresses", "X")
    assert [pascal_to_camel(each) for each in spoken] == [
        "businessServices", "upss", "pdus", "dnsRecords", "people", "ipAddresses", "x",
    ]  # fmt: skip
