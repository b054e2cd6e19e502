"""What the loader makes of each kind, on small objects written for the purpose."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.errors import RejectCode
from knockon.loaders.kubernetes.addresses import addresses
from knockon.loaders.kubernetes.entities import quantity
from tests.loaders.reading import check_against_model, edges, entities, read_all, rejects, relationships, skipped, write

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.loaders import Reading
    from knockon.schema.observation import EntityObservation

Object = dict[str, Any]


def thing(kind: str, name: str, version: str = "v1", namespace: str | None = "shop", **more: Any) -> Object:
    labels, owners = more.pop("labels", None), more.pop("owners", None)
    metadata = {"name": name, "namespace": namespace, "labels": labels, "ownerReferences": owners}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def deployment(name: str, *containers: Object, kind: str = "Deployment", **more: Any) -> Object:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": list(containers), **more.pop("pod", {})}}
    return thing(kind, name, "apps/v1", spec={"template": template, **more.pop("spec", {})}, **more)


def container(*env: tuple[str, str], **more: Any) -> Object:
    return {"name": "c", "env": [{"name": name, "value": value} for name, value in env], **more}


def service(name: str, *ports: int, **more: Any) -> Object:
    spec = {"selector": {"app": name}, "ports": [{"port": port} for port in ports], **more.pop("spec", {})}
    return thing("Service", name, spec=spec, **more)


def owner(kind: str, name: str, *, controller: bool | None = True) -> list[Object]:
    return [{"apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": controller}]


def load(folder: Path, *objects: Any) -> Reading:
    reading = read_all(
        write(folder, "all.json", json.dumps({"kind": "List", "apiVersion": "v1", "items": objects})), source="c"
    )
    check_against_model(reading)
    return reading


def entity(reading: Reading, key: str) -> EntityObservation:
    return next(each for each in entities(reading) if each.key == key)


def targets(reading: Reading, kind: str, start: str) -> set[str]:
    return {end for begin, end in edges(reading, kind) if begin == start}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_ADDR", "db:6379"),
        ("X", "db:6379"),
        ("X", "db.shop:6379"),
        ("X", "db.shop.svc:6379"),
        ("X", "db.shop.svc.cluster.local"),
        ("X", "DB.shop.svc.example.org."),
        ("X", "http://db"),
        ("X", "http://db:9999/path?x=y"),
        ("X", "redis://:secret@db:6379/0"),
        ("X", "postgresql+psycopg://user:p%40ss@db/app"),
        ("X", "jdbc:mysql://db:3306/app"),
        ("X", "mongodb://other:27017,db:27017/app"),
        ("X", "other:1,db:6379"),
        ("X", "user:pass@tcp(db:6379)/app"),
        ("X", '{"redis": "db:6379"}'),
        ("DB_HOST", "db"),
        ("DB_HOST", "db:9999"),
        ("spring.datasource.url", "db"),
        ("BROKER_ADDRESSES", "other, db"),
        ("X", "http://$(NAME):6379"),
    ],
)
def test_a_declared_address_is_a_dependency(tmp_path: Path, name: str, value: str) -> None:
    web = deployment("web", container(("NAME", "db"), (name, value)))
    reading = load(tmp_path, web, service("db", 6379), service("decoy", 6379))
    assert edges(reading, "DEPENDS_ON") == {("Deployment/shop/web", "Service/shop/db")}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X", "db"),
        ("NAME", "db"),
        ("X", "db:7"),
        ("IMAGE", "registry.example.org/db:6379"),
        ("X", "/data/db:6379"),
        ("X", "my-db:6379"),
        ("X", "db-2:6379"),
        ("X", "db:6379abc"),
        ("X", "db.other:6379"),
        ("X", "db.other.svc.cluster.local"),
        ("X", "http://db.example.org"),
        ("X", "http://example.org/db:6379"),
        ("X", "http://$(UNKNOWN)"),
        ("DB_HOST", "the db of the shop is elsewhere".replace(" db ", "-db-")),
        ("GHOSTS", ""),
    ],
)
def test_other_words_are_no_dependency(tmp_path: Path, name: str, value: str) -> None:
    reading = load(tmp_path, deployment("web", container((name, value))), service("db", 6379))
    assert edges(reading, "DEPENDS_ON") == set()


def test_a_host_is_one_dependency_however_often_it_is_named(tmp_path: Path) -> None:
    first = container(("A", "db:1"), ("B", "http://db"), ("C", "db.shop.svc.cluster.local:1"))
    web = deployment("web", first, container(("A", "db:1")), pod={"initContainers": [container(("A", "db:1"))]})
    reading = load(tmp_path, web, service("db", 1))
    assert [each.attributes for each in relationships(reading) if each.type_name == "DEPENDS_ON"] == [
        {"evidence": "declared"}
    ]


def test_an_init_container_counts(tmp_path: Path) -> None:
    web = deployment("web", pod={"initContainers": [container(("A", "db:1"))]})
    assert len(edges(load(tmp_path, web, service("db", 1)), "DEPENDS_ON")) == 1


def test_config_maps_that_feed_the_environment_count(tmp_path: Path) -> None:
    everything = {"envFrom": [{"configMapRef": {"name": "all"}}, {"secretRef": {"name": "s"}}]}
    one = {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "some", "key": "cache"}}}]}
    maps = [
        thing("ConfigMap", "all", data={"QUEUE_HOST": "queue", "PLAIN": "db"}),
        thing("ConfigMap", "some", data={"cache": "http://cache", "other": "http://db"}),
        thing("ConfigMap", "some", namespace="elsewhere", data={"cache": "http://db"}),
    ]
    services = [service(name, 1) for name in ("queue", "cache", "db")]
    reading = load(tmp_path, deployment("web", everything, one), *maps, *services)
    assert targets(reading, "DEPENDS_ON", "Deployment/shop/web") == {"Service/shop/queue", "Service/shop/cache"}
    assert skipped(reading) == {}


def test_arguments_count_with_their_names(tmp_path: Path) -> None:
    web = deployment("web", container(command=["run", "--cache-host=cache"], args=["http://db:1", "--word=queue"]))
    reading = load(tmp_path, web, *(service(name, 1) for name in ("cache", "db", "queue")))
    assert targets(reading, "DEPENDS_ON", "Deployment/shop/web") == {"Service/shop/cache", "Service/shop/db"}


def test_a_member_of_a_stateful_set_is_its_headless_service(tmp_path: Path) -> None:
    headless = service("kafka", 9092, spec={"clusterIP": "None"})
    web = deployment("web", container(("BROKERS", "kafka-0.kafka:9092,kafka-1.kafka.shop.svc.cluster.local:9092")))
    reading = load(tmp_path, web, headless)
    assert edges(reading, "DEPENDS_ON") == {("Deployment/shop/web", "Service/shop/kafka")}


def test_a_workloads_own_address_is_no_dependency(tmp_path: Path) -> None:
    reading = load(tmp_path, deployment("web", container(("SELF_URL", "http://web"))), service("web", 80))
    assert edges(reading, "DEPENDS_ON") == set()


def test_only_the_topmost_workload_speaks(tmp_path: Path) -> None:
    env = container(("DB_HOST", "db"))
    replica_set = deployment("web-1", env, kind="ReplicaSet", owners=owner("Deployment", "web"))
    pod = thing("Pod", "web-1-x", owners=owner("ReplicaSet", "web-1"), spec={"containers": [env]})
    bare = thing("Pod", "alone", spec={"containers": [env]})
    reading = load(tmp_path, deployment("web", env), replica_set, pod, bare, service("db", 1))
    assert {start for start, _ in edges(reading, "DEPENDS_ON")} == {"Deployment/shop/web", "Pod/shop/alone"}
    orphan = load(tmp_path, replica_set, service("db", 1))
    assert {start for start, _ in edges(orphan, "DEPENDS_ON")} == {"ReplicaSet/shop/web-1"}


def test_services_route_to_pods_where_there_are_some_and_else_to_workloads(tmp_path: Path) -> None:
    pods = [thing("Pod", f"web-{n}", labels={"app": "web"}) for n in (1, 2)]
    elsewhere = thing("Pod", "web-3", namespace="other", labels={"app": "web"})
    other = deployment("db")
    reading = load(tmp_path, deployment("web"), other, *pods, elsewhere, service("web", 1), service("db", 1))
    assert targets(reading, "ROUTES_TO", "Service/shop/web") == {"Pod/shop/web-1", "Pod/shop/web-2"}
    assert targets(reading, "ROUTES_TO", "Service/shop/db") == {"Deployment/shop/db"}


def test_a_service_without_a_selector_routes_to_nothing_by_itself(tmp_path: Path) -> None:
    reading = load(tmp_path, deployment("web"), service("api", 443, spec={"selector": None}))
    assert edges(reading, "ROUTES_TO") == set()


def test_services_depend_on_the_topmost_workloads_of_their_pods(tmp_path: Path) -> None:
    def pod(name: str, owners: list[Object] | None) -> Object:
        return thing("Pod", name, labels={"app": "web"}, owners=owners)

    replica_sets = [
        deployment("web-1", kind="ReplicaSet", owners=owner("Deployment", "web")),
        deployment("web-2", kind="ReplicaSet", owners=owner("Deployment", "web")),
        deployment("lost-1", kind="ReplicaSet", owners=owner("Deployment", "lost")),
    ]
    pods = [pod(f"{name}-x", owner("ReplicaSet", name)) for name in ("web-1", "web-2", "lost-1")]
    pods += [pod("alone", None), pod("odd", owner("Gadget", "g"))]
    reading = load(tmp_path, deployment("web"), *replica_sets, *pods, service("web", 1))
    found = {(e.to_ref, *e.attributes.items()) for e in relationships(reading) if e.type_name == "DEPENDS_ON"}
    said = (("evidence", "inferred"), ("redundancy_group", "workloads"))
    assert found == {
        (end, *said) for end in ("Deployment/shop/web", "ReplicaSet/shop/lost-1", "Pod/shop/alone", "Pod/shop/odd")
    }
    assert edges(load(tmp_path, *pods[-2:], service("web", 1)), "DEPENDS_ON") == set()


def test_owners_that_own_each_other_are_no_endless_way(tmp_path: Path) -> None:
    circle = [
        deployment("a", kind="ReplicaSet", owners=owner("ReplicaSet", "b")),
        deployment("b", kind="ReplicaSet", owners=owner("ReplicaSet", "a")),
    ]
    pod = thing("Pod", "x", labels={"app": "web"}, owners=owner("ReplicaSet", "a"))
    reading = load(tmp_path, *circle, pod, service("web", 1))
    assert edges(reading, "DEPENDS_ON") == {("Service/shop/web", "ReplicaSet/shop/b")}


def test_an_alias_selects_nothing_and_leads_to_the_service_it_names(tmp_path: Path) -> None:
    def alias(name: str, host: str) -> Object:
        return service(name, 1, spec={"type": "ExternalName", "externalName": host})

    hosts = ["db.shop.svc.cluster.local", "db.shop.svc", "db", "db.example.org", "x.other.svc.cluster.local"]
    aliases = [alias(f"a{n}", host) for n, host in enumerate(hosts)]
    circle = alias("self", "self.shop.svc.cluster.local")
    pods = [thing("Pod", f"{name}-x", labels={"app": name}) for name in ("a0", "a3", "self")]
    web = deployment("web", container(("X", "http://a3"), ("A0_ADDR", "a0:5432"), ("Y", "a1:5432")))
    reading = load(tmp_path, service("db", 1), *aliases, circle, *pods, web)
    assert edges(reading, "ROUTES_TO") == {(f"Service/shop/{name}", "Service/shop/db") for name in ("a0", "a1")}
    assert targets(reading, "DEPENDS_ON", "Deployment/shop/web") == {f"Service/shop/a{n}" for n in (0, 1, 3)}
    assert entity(reading, "Service/shop/a3").attributes["external_name"] == "db.example.org"


def test_a_headless_service_routes_like_others_and_without_a_selector_to_nothing(tmp_path: Path) -> None:
    headless = {"clusterIP": "None"}
    pods = [thing("Pod", f"db-{n}", labels={"app": "db"}, owners=owner("StatefulSet", "db")) for n in (0, 1)]
    reading = load(
        tmp_path, deployment("db", kind="StatefulSet"), *pods, service("db", 1, spec=headless),
        service("bare", 1, spec={**headless, "selector": None}),
    )  # fmt: skip
    assert edges(reading, "ROUTES_TO") == {("Service/shop/db", f"Pod/shop/db-{n}") for n in (0, 1)}
    assert edges(reading, "DEPENDS_ON") == {("Service/shop/db", "StatefulSet/shop/db")}


def test_an_owner_that_runs_no_pods_is_no_controller(tmp_path: Path) -> None:
    odd = [thing("Pod", kind.lower(), owners=owner(kind, "x")) for kind in ("Service", "Pod", "ConfigMap", "Namespace")]
    assert edges(load(tmp_path, service("x", 1), *odd), "MEMBER_OF") == set()


def test_slices_win_over_selectors_and_leave_out_what_is_going_away(tmp_path: Path) -> None:
    endpoints = [
        {"targetRef": {"kind": "Pod", "name": "other"}, "conditions": {"ready": False}},
        {"targetRef": {"kind": "Pod", "name": "old"}, "conditions": {"terminating": True}},
        {"addresses": ["192.0.2.1"]},
    ]
    labels = {"kubernetes.io/service-name": "web"}
    piece = thing("EndpointSlice", "web-abc", "discovery.k8s.io/v1", labels=labels, endpoints=endpoints)
    nobody = thing("EndpointSlice", "stray", "discovery.k8s.io/v1", endpoints=endpoints)
    reading = load(tmp_path, service("web", 1), thing("Pod", "web-1", labels={"app": "web"}), piece, nobody)
    assert edges(reading, "ROUTES_TO") == {("Service/shop/web", "Pod/shop/other")}


def test_ingresses_of_both_generations_route_to_services(tmp_path: Path) -> None:
    now = {"rules": [{"host": "shop.example.org", "http": {"paths": [{"backend": {"service": {"name": "web"}}}]}}]}
    then = {"backend": {"serviceName": "old"}, "rules": [{"http": {"paths": [{"backend": {"serviceName": "web"}}]}}]}
    reading = load(
        tmp_path,
        service("web", 80),
        thing("Ingress", "now", "networking.k8s.io/v1", spec={"defaultBackend": {"service": {"name": "rest"}}, **now}),
        thing("Ingress", "then", "extensions/v1beta1", spec=then),
    )
    assert targets(reading, "ROUTES_TO", "Ingress/shop/now") == {"Service/shop/web", "Service/shop/rest"}
    assert targets(reading, "ROUTES_TO", "Ingress/shop/then") == {"Service/shop/web", "Service/shop/old"}
    assert entity(reading, "Ingress/shop/now").attributes["host_names"] == ["shop.example.org"]


@pytest.mark.parametrize("spec", [{"nodeName": "n1"}, {}])
def test_static_pods_run_on_their_node_and_are_no_members_of_it(tmp_path: Path, spec: Object) -> None:
    pod = thing("Pod", "etcd", owners=owner("Node", "n1"), spec=spec)
    reading = load(tmp_path, pod, thing("Node", "n1", namespace=None))
    assert edges(reading, "MEMBER_OF") == {("Node/n1", "KubernetesCluster/c")}
    assert edges(reading, "RUNS_ON") == {("Pod/shop/etcd", "Node/n1")}


def test_an_owner_that_only_owns_is_no_controller(tmp_path: Path) -> None:
    two = owner("Other", "x", controller=False) + owner("ReplicaSet", "web")
    reading = load(
        tmp_path, thing("Pod", "a", owners=two), thing("Pod", "b", owners=owner("Job", "j", controller=None))
    )
    assert edges(reading, "MEMBER_OF") == {("Pod/shop/a", "ReplicaSet/shop/web"), ("Pod/shop/b", "Job/shop/j")}


def test_replicasets_count_in_their_deployment_by_their_pods(tmp_path: Path) -> None:
    sets = [
        deployment(name, kind="ReplicaSet", owners=owner("Deployment", "web"), spec={"replicas": count})
        for name, count in (("old", 0), ("going", 1), ("coming", 3))
    ]
    reading = load(tmp_path, deployment("web"), *sets)
    assert {(e.from_ref, e.attributes.get("weight")) for e in relationships(reading) if e.type_name == "MEMBER_OF"} == {
        ("ReplicaSet/shop/going", None),
        ("ReplicaSet/shop/coming", 3),
    }


def test_finished_pods_and_jobs_supply_nothing(tmp_path: Path) -> None:
    def job(name: str, status: Object | None) -> Object:
        return thing("Job", name, "batch/v1", owners=owner("CronJob", "nightly"), status=status)

    reading = load(
        tmp_path,
        thing("CronJob", "nightly", "batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": {}}}}}),
        job("done", {"succeeded": 1}),
        job("late", {"conditions": [{"type": "Failed", "status": "True"}]}),
        job("halted", {"active": None, "conditions": [{"type": "Suspended", "status": "True"}]}),
        job("resumed", {"active": 2, "conditions": [{"type": "Suspended", "status": "False"}]}),
        job("running", {"active": 1}),
        job("new", None),
        thing("Pod", "done-x", owners=owner("Job", "done"), status={"phase": "Succeeded"}),
        thing("Pod", "evicted", status={"phase": "Failed"}),
        thing("Pod", "running-x", owners=owner("Job", "running"), status={"phase": "Running"}),
    )
    assert edges(reading, "MEMBER_OF") == {
        ("Job/shop/resumed", "CronJob/shop/nightly"),
        ("Job/shop/running", "CronJob/shop/nightly"),
        ("Job/shop/new", "CronJob/shop/nightly"),
        ("Pod/shop/running-x", "Job/shop/running"),
    }
    assert skipped(reading) == {"Pod (finished)": 2}


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
    ("bad", "code"),
    [
        (None, RejectCode.MALFORMED_RECORD),
        ("Pod", RejectCode.MALFORMED_RECORD),
        ({}, RejectCode.MALFORMED_RECORD),
        ({"metadata": {"name": "a"}}, RejectCode.MALFORMED_RECORD),
        ({"kind": "Pod", "apiVersion": "v1"}, RejectCode.MISSING_IDENTIFIER),
        (thing("Pod", ""), RejectCode.MISSING_IDENTIFIER),
        (thing("Pod", "a", labels=["b"]), RejectCode.MALFORMED_RECORD),
        (thing("Pod", "a", spec={"containers": "none"}), RejectCode.MALFORMED_RECORD),
        (thing("Deployment", "a", "apps/v1", spec={"replicas": "many"}), RejectCode.MALFORMED_RECORD),
        (thing("Service", "a", spec={"ports": [{"port": "http"}]}), RejectCode.MALFORMED_RECORD),
        (thing("Pod", "a", owners=[{"kind": "ReplicaSet"}]), RejectCode.MALFORMED_RECORD),
    ],
)
def test_a_malformed_item_is_a_reject_and_the_rest_is_read(tmp_path: Path, bad: Any, code: RejectCode) -> None:
    reading = load(tmp_path, thing("Pod", "good"), bad, service("fine", 1))
    assert [(each.code, each.location, each.record) for each in rejects(reading)] == [(code, "/items/1", bad)]
    assert {each.key for each in entities(reading)} >= {"Pod/shop/good", "Service/shop/fine"}


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


@given(st.text(max_size=30), st.text(alphabet="ab.:/@,;=()$-' 019", max_size=60) | st.text(max_size=60))
def test_any_setting_can_be_searched(name: str, value: str) -> None:
    for host, port in addresses(name, value):
        assert host in value
        assert port is None or re.search(rf"{re.escape(host)}\.?:0*{port}", value)


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
    assert len(rejects(reading)) + len(made_of_it) == (1 if kind != "ConfigMap" or rejects(reading) else 0)
