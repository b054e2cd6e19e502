"""Objects of any kind and shape: what is read of them, what is rejected, what budgets and quantities say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.errors import RejectCode
from knockon.loaders.kubernetes.entities import quantity
from tests.loaders.kubernetes_objects import Object, deployment, entity, load, service, thing
from tests.loaders.reading import check_against_model, edges, entities, read_all, rejects, relationships, skipped, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("spec", "replicas", "expected"),
    [
        ({"minAvailable": 2}, 3, "2"),
        ({"minAvailable": 5}, 3, "3"),
        ({"minAvailable": "50%"}, 3, "50%"),
        ({"minAvailable": 0}, 3, None),
        ({"minAvailable": "0%"}, 3, None),
        ({"minAvailable": "many"}, 3, None),
        ({"minAvailable": 1}, 0, None),
        ({"maxUnavailable": 1}, 3, "2"),
        ({"maxUnavailable": "50%"}, 3, "1"),
        ({"maxUnavailable": "100%"}, 3, None),
        ({"maxUnavailable": 3}, 3, None),
        ({"maxUnavailable": "some"}, 3, None),
        ({}, 3, None),
    ],
)
def test_a_disruption_budget_says_what_full_service_takes(
    tmp_path: Path, spec: Object, replicas: int, expected: str | None
) -> None:
    def budget(name: str, namespace: str, selector: Object | None) -> Object:
        return thing("PodDisruptionBudget", name, "policy/v1", namespace=namespace, spec={"selector": selector, **spec})

    selector = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}
    others = [
        budget("a", "other", selector),
        budget("b", "shop", {"matchLabels": {"app": "x"}}),
        budget("c", "shop", None),
    ]
    reading = load(tmp_path, *others, budget("d", "shop", selector), deployment("web", spec={"replicas": replicas}))
    assert entity(reading, "Deployment/shop/web").attributes.get("full_up") == expected


@pytest.mark.parametrize(
    ("operator", "values", "holds"),
    [("In", ["a"], True), ("NotIn", ["a"], False), ("Exists", None, True), ("DoesNotExist", None, False)],
)
def test_label_requirements(tmp_path: Path, operator: str, values: list[str] | None, holds: bool) -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}
    budget = thing("PodDisruptionBudget", "b", "policy/v1", spec={"selector": selector, "minAvailable": 1})
    reading = load(tmp_path, budget, deployment("a"))
    assert ("full_up" in entity(reading, "Deployment/shop/a").attributes) == holds


def test_yaml_manifests_are_typed_like_json(tmp_path: Path) -> None:
    text = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {version: 1.20}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: "web:1.20"}]}}
---
# nothing here
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: None, ports: [{port: 80}, {port: 53, protocol: UDP}]}
---
apiVersion: v1
kind: Node
metadata: {name: n1, namespace: ignored}
"""
    reading = read_all(write(tmp_path, "f.yaml", text), source="c")
    check_against_model(reading)
    assert entity(reading, "Deployment/default/web").attributes == {
        "name": "web",
        "kind": "Deployment",
        "namespace": "default",
        "labels": {"version": "1.20"},
        "replicas": 3,
        "images": ["web:1.20"],
        "selector": {"matchLabels": {"app": "web"}},
    }
    assert entity(reading, "Service/shop/web").attributes == {
        "name": "web",
        "kind": "ClusterIP",
        "namespace": "shop",
        "ports": ["80/TCP", "53/UDP"],
    }
    assert entity(reading, "Node/n1").location == "16"
    assert edges(reading, "CONTAINS") >= {
        ("KubernetesCluster/c", "Namespace/default"),
        ("Namespace/default", "Deployment/default/web"),
        ("Namespace/shop", "Service/shop/web"),
    }


def test_a_kind_of_another_group_is_another_kind(tmp_path: Path) -> None:
    knative = thing("Service", "web", "serving.knative.dev/v1", spec={"template": {}})
    reading = load(tmp_path, knative, thing("Gadget", "g", "example.org/v1"), thing("AllowList", "l", "example.org/v1"))
    assert skipped(reading) == {"Service.serving.knative.dev": 1, "Gadget": 1, "AllowList": 1}


@pytest.mark.parametrize(
    ("bad", "code", "words"),
    [
        (None, RejectCode.MALFORMED_RECORD, "A Kubernetes object is a mapping with apiVersion, kind and metadata."),
        ("Pod", RejectCode.MALFORMED_RECORD, "A Kubernetes object is a mapping with apiVersion, kind and metadata."),
        ({}, RejectCode.MALFORMED_RECORD, "A Kubernetes object is a mapping with apiVersion, kind and metadata."),
        ({"metadata": {"name": "a"}}, RejectCode.MALFORMED_RECORD, "A Kubernetes object is a mapping with"),
        ({"kind": "Pod", "apiVersion": "v1"}, RejectCode.MISSING_IDENTIFIER, "Pod metadata is missing."),
        (thing("Pod", ""), RejectCode.MISSING_IDENTIFIER, "Pod metadata.name must not be empty."),
        (thing("Pod", "a", labels=["b"]), RejectCode.MALFORMED_RECORD, "Pod metadata.labels must be a mapping."),
        (thing("Pod", "a", labels={"b": 1}), RejectCode.MALFORMED_RECORD, "Pod metadata.labels.b must be text."),
        (
            thing("Pod", "a", spec={"containers": "none"}),
            RejectCode.MALFORMED_RECORD, "Pod spec.containers must be a list.",
        ),
        (
            thing("Deployment", "a", "apps/v1", spec={"replicas": "many"}),
            RejectCode.MALFORMED_RECORD, "Deployment spec.replicas must be an integer.",
        ),
        (
            thing("Deployment", "a", "apps/v1", spec={"replicas": -1}),
            RejectCode.MALFORMED_RECORD, "Deployment spec.replicas must be at least 0.",
        ),
        (
            thing("Service", "a", spec={"ports": [{"port": "http"}]}),
            RejectCode.MALFORMED_RECORD, "Service spec.ports.0.port must be an integer.",
        ),
        (
            thing("Pod", "a", owners=[{"kind": "ReplicaSet"}]),
            RejectCode.MALFORMED_RECORD, "Pod metadata.ownerReferences.0.name is missing.",
        ),
        (
            thing("PodDisruptionBudget", "a", "policy/v1", spec={"minAvailable": [1]}),
            RejectCode.MALFORMED_RECORD, "PodDisruptionBudget spec.minAvailable must be text or an integer.",
        ),
    ],
)  # fmt: skip
def test_a_malformed_item_is_a_reject_and_the_rest_is_read(
    tmp_path: Path, bad: Any, code: RejectCode, words: str
) -> None:
    reading = load(tmp_path, thing("Pod", "good"), bad, service("fine", 1))
    assert [(each.code, each.location, each.record) for each in rejects(reading)] == [(code, "/items/1", bad)]
    assert words in rejects(reading)[0].message
    assert {each.key for each in entities(reading)} >= {"Pod/shop/good", "Service/shop/fine"}


def test_without_an_accepted_object_there_is_no_cluster(tmp_path: Path) -> None:
    reading = load(tmp_path, {"class": "Server", "key": "a"}, thing("Gadget", "g", "example.org/v1"))
    assert (entities(reading), relationships(reading)) == ([], [])
    assert [each.code for each in rejects(reading)] == [RejectCode.MALFORMED_RECORD]
    assert [each.key for each in entities(load(tmp_path, thing("ConfigMap", "c")))] == [
        "KubernetesCluster/c",
        "Namespace/shop",
    ]


def test_items_of_typed_lists_take_their_kind_from_the_list(tmp_path: Path) -> None:
    pods = {"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}, {"metadata": {}}, 5]}
    empty = {"kind": "ServiceList", "apiVersion": "v1", "items": None}
    write(tmp_path, "pods.json", json.dumps(pods))
    write(tmp_path, "services.yaml", json.dumps(empty))
    reading = read_all(tmp_path, source="c")
    assert [each.key for each in entities(reading) if each.class_name == "Pod"] == ["Pod/default/a"]
    assert [each.location for each in rejects(reading)] == [f"{tmp_path / 'pods.json'}#/items/{n}" for n in (1, 2)]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8Gi", 2**33),
        ("1500m", 1),
        ("2", 2),
        (4, 4),
        ("1.5k", 1500),
        ("4041564Ki", 4041564 * 1024),
        ("x", None),
        (None, None),
    ],
)
def test_quantities(text: str | int | None, number: int | None) -> None:
    assert quantity(text) == number


SHAPES = st.recursive(
    st.none() | st.integers(0, 9) | st.sampled_from(["a", "1", "50%", "http://a"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(["name", "spec", "status", "template", "metadata", "labels", "containers", "env", "ports",
                         "selector", "rules", "http", "paths", "backend", "endpoints", "replicas", "capacity"]),
        inner,
        max_size=3,
    ),
    max_leaves=10,
)  # fmt: skip


@given(
    kind=st.sampled_from(["Pod", "Service", "Node", "ConfigMap", "PersistentVolumeClaim", "Namespace"]),
    spec=SHAPES,
    status=SHAPES,
    data=SHAPES,
)
def test_objects_of_any_shape_are_read_or_rejected(
    tmp_path_factory: pytest.TempPathFactory, kind: str, spec: Any, status: Any, data: Any
) -> None:
    made = thing(kind, "a", spec=spec, status=status, data=data)
    reading = read_all(write(tmp_path_factory.mktemp("k"), "a.json", json.dumps(made)), source="c")
    implied = {"KubernetesCluster/c", "Namespace/shop"}
    made_of_it = [each for each in entities(reading) if each.key not in implied]
    assert all(re.search(r" (is missing|must (not )?be .+)\.$", each.message) for each in rejects(reading))
    assert len(rejects(reading)) + len(made_of_it) == (1 if kind != "ConfigMap" or rejects(reading) else 0)
