"""From Kubernetes objects to what a failure does: loader, model and engine together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from knockon.cmdb.contract.rows import Edge, EdgeKey, Entity
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.propagation.explanation import explain
from knockon.impact.topology.derive import network
from knockon.impact.topology.topology import Topology
from knockon.schema import validate
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation
from knockon.schema.states import State
from tests.loaders.kubernetes_objects import Object, container, deployment, owner, service, thing
from tests.loaders.reading import DATA, check_against_model, entities, read_all, rejects, relationships, write

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.loaders import Reading

OPERATIONAL, AT_RISK, DEGRADED, DOWN = State


def topology(reading: Reading) -> Topology:
    """Build the topology of what was read, by native key; what waits is left out, as in a store."""
    model = installed_model()
    typed = [validate.entity(model, each) for each in entities(reading)]
    items = [Entity(e.key, e.class_name, e.key, e.key, e.attributes) for e in typed if isinstance(e, EntityObservation)]
    known = {each.id for each in items}
    edges = []
    for each in (validate.relationship(model, one) for one in relationships(reading)):
        assert isinstance(each, RelationshipObservation)
        if {each.from_ref, each.to_ref} <= known:
            group = each.attributes.get("redundancy_group", "")
            edges.append(Edge(EdgeKey(each.type_name, each.from_ref, each.to_ref, group), each.attributes))
    return Topology.of(network(model, items, edges))


def app(name: str, nodes: list[str], *env: tuple[str, str], labelled: str | None = None) -> list[Object]:
    """Give a deployment with its ReplicaSet, and a pod on each of the nodes."""
    labels = {"app": labelled or name}
    replica_set = deployment(
        f"{name}-1", kind="ReplicaSet", owners=owner("Deployment", name), spec={"replicas": len(nodes)}
    )
    pods = [
        thing("Pod", f"{name}-1-{n}", labels=labels, owners=owner("ReplicaSet", f"{name}-1"), spec={"nodeName": node})
        for n, node in enumerate(nodes)
    ]
    return [deployment(name, container(*env)), replica_set, *pods]


def piece(of: str, *pods: str) -> Object:
    endpoints = [{"targetRef": {"kind": "Pod", "name": pod}} for pod in pods]
    labels = {"kubernetes.io/service-name": of}
    return thing("EndpointSlice", f"{of}-abc", "discovery.k8s.io/v1", labels=labels, endpoints=endpoints)


def cluster(folder: Path, *objects: Object) -> Topology:
    nodes = [thing("Node", name, namespace=None) for name in ("n1", "n2", "n3")]
    listed = {"kind": "List", "apiVersion": "v1", "items": [*nodes, *objects]}
    reading = read_all(write(folder, "all.json", json.dumps(listed)), source="c")
    check_against_model(reading)
    assert rejects(reading) == []
    return topology(reading)


def states(found: Evaluation, kind: str) -> dict[str, State]:
    return {
        each.rpartition("/")[2]: found.state(each) for each in found.topology.ids if each.startswith(f"{kind}/shop/")
    }


@pytest.fixture(params=["slices", "selectors"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Topology:
    """A shop needs an API, the API a database; each of the services has pods behind it. The clock needs nobody."""
    objects = [
        *app("db", ["n1"]),
        *app("api", ["n2", "n3"], ("DB_HOST", "db")),
        *app("shop", ["n2", "n3"], ("API_URL", "http://api")),
        *app("clock", ["n2"]),
        *(service(name, 80) for name in ("db", "api", "shop", "clock")),
    ]
    if request.param == "slices":
        objects += [piece("db", "db-1-0"), piece("api", "api-1-0", "api-1-1"), piece("shop", "shop-1-0", "shop-1-1")]
    return cluster(tmp_path, *objects)


@pytest.mark.parametrize("seed", ["Deployment/shop/db", "Pod/shop/db-1-0", "Node/n1"])
def test_what_a_workload_needs_reaches_its_callers_over_two_services(shop: Topology, seed: str) -> None:
    found = evaluate(shop, {seed: DOWN})
    fallen = {"db": DOWN, "api": DOWN, "shop": DOWN, "clock": OPERATIONAL}
    assert states(found, "Deployment") == fallen
    assert states(found, "Service") == fallen
    # the callers' own pods run on
    assert {name for name, state in states(found, "Pod").items() if state} <= {"db-1-0"}
    assert [(step.consumer, step.type_name) for step in found.path("Deployment/shop/shop")][:4] == [
        ("Deployment/shop/shop", "DEPENDS_ON"),
        ("Service/shop/api", "DEPENDS_ON"),
        ("Deployment/shop/api", "DEPENDS_ON"),
        ("Service/shop/db", "DEPENDS_ON" if seed.startswith("Deployment") else "ROUTES_TO"),
    ]


def test_one_pod_of_two_lost_is_a_risk_without_margin(shop: Topology) -> None:
    found = evaluate(shop, {"Pod/shop/api-1-0": DOWN})
    at_risk = {"db": OPERATIONAL, "api": AT_RISK, "shop": AT_RISK, "clock": OPERATIONAL}
    assert states(found, "Service") == at_risk
    assert states(found, "Deployment") == at_risk
    group = explain(found, "Service/shop/api").group
    assert group is not None
    assert (group.group, group.total, group.lost, group.margin) == ("ROUTES_TO", 2, 1, 0)
    assert {(each.consumer, each.lost, each.margin) for each in found.survivors()} == {
        ("Service/shop/api", 1, 0),
        ("ReplicaSet/shop/api-1", 1, 0),
    }
    both = evaluate(shop, {"Pod/shop/api-1-0": DOWN, "Pod/shop/api-1-1": DOWN})
    assert states(both, "Service") == {"db": OPERATIONAL, "api": DOWN, "shop": DOWN, "clock": OPERATIONAL}


def test_two_workloads_behind_a_service_are_redundant(tmp_path: Path) -> None:
    canary = app("new", ["n2"], ("DB_HOST", "db"), labelled="web")
    found = cluster(
        tmp_path, *app("web", ["n1"]), *canary, service("web", 80), service("db", 80), *app("db", ["n3"]),
        *app("front", ["n3"], ("WEB_URL", "http://web")),
    )  # fmt: skip
    one = evaluate(found, {"Deployment/shop/db": DOWN})
    assert states(one, "Deployment") == {"web": OPERATIONAL, "new": DOWN, "db": DOWN, "front": AT_RISK}
    both = evaluate(found, {"Deployment/shop/db": DOWN, "Deployment/shop/web": DOWN})
    assert states(both, "Deployment")["front"] == DOWN


def test_a_pod_of_nobodys_stands_beside_a_workload(tmp_path: Path) -> None:
    alone = thing("Pod", "alone", labels={"app": "web"})
    found = cluster(tmp_path, *app("web", ["n1"], ("DB_HOST", "db")), alone, service("web", 1), service("db", 1))
    assert states(evaluate(found, {"Service/shop/db": DOWN}), "Service")["web"] == AT_RISK
    both = evaluate(found, {"Service/shop/db": DOWN, "Pod/shop/alone": DOWN})
    assert states(both, "Service")["web"] == DOWN


def test_an_alias_shares_the_fate_of_its_service(tmp_path: Path) -> None:
    alias = service("store", spec={"type": "ExternalName", "externalName": "db.shop.svc.cluster.local"})
    found = cluster(tmp_path, *app("db", ["n1"]), service("db", 1), alias, *app("web", ["n2"], ("X", "http://store")))
    assert states(evaluate(found, {"Node/n1": DOWN}), "Deployment") == {"db": DOWN, "web": DOWN}


def test_a_daemon_set_outlives_a_node(tmp_path: Path) -> None:
    agents = [
        thing("Pod", f"agent-{node}", labels={"app": "agent"}, owners=owner("DaemonSet", "agent"),
              spec={"nodeName": node})
        for node in ("n1", "n2", "n3")
    ]  # fmt: skip
    daemons = deployment("agent", kind="DaemonSet", status={"desiredNumberScheduled": 3})
    found = cluster(tmp_path, daemons, *agents, service("agent", 1, spec={"clusterIP": "None"}))
    for count, expected in enumerate((OPERATIONAL, OPERATIONAL, AT_RISK, DOWN)):
        after = evaluate(found, {f"Node/n{n}": DOWN for n in range(1, count + 1)})
        assert (states(after, "DaemonSet"), states(after, "Service")) == ({"agent": expected}, {"agent": expected})


SHARED = "fix/arango-kube-arangodb-operator"  # two pods, on cjhg9 and cjhgz; only the leader is behind its service


@pytest.mark.parametrize(
    ("node", "down", "at_risk"),
    [
        (
            "helm2-cjhg1",
            {"cert-manager/gandi-cert-manager-webhook-gandi", "prometheus/prometheus-grafana",
             "prometheus/prometheus-kube-state-metrics"},
            {"kube-system/coredns"},
        ),
        (
            "helm2-cjhg9",
            {"cert-manager/cert-manager-cainjector", "cert-manager/cert-manager-webhook",
             "prometheus/prometheus-kube-prometheus-operator",
             "prometheus/prometheus-prometheus-kube-prometheus-prometheus",
             # the database's only pod was there: its caller, and the callers of that one
             "fix/fix-fixcore", "fix/fix-fixmetrics", "fix/fix-fixworker"},
            {SHARED},
        ),
        (
            "helm2-cjhgz",
            {"cert-manager/cert-manager", "fix/fix-fixcore", "fix/fix-fixmetrics", "fix/fix-fixworker",
             "kube-system/cilium-operator", "prometheus/alertmanager-prometheus-kube-prometheus-alertmanager"},
            {SHARED, "kube-system/coredns"},
        ),
    ],
)  # fmt: skip
def test_a_node_of_a_live_cluster_takes_down_what_had_all_its_pods_there(
    node: str, down: set[str], at_risk: set[str]
) -> None:
    """Worked out by hand from the lists of pods and ReplicaSets; DaemonSets have two more pods and go on."""
    reading = read_all(DATA / "k8s-cluster-dump", source="live")
    found = evaluate(topology(reading), {f"Node/{node}": DOWN})
    hit = {
        each.key: found.state(each.key)
        for each in entities(reading)
        if each.class_name == "Workload" and each.attributes["kind"] != "ReplicaSet" and found.state(each.key)
    }
    names = {state: {key.partition("/")[2] for key, was in hit.items() if was == state} for state in State}
    assert names == {OPERATIONAL: set(), AT_RISK: at_risk, DEGRADED: set(), DOWN: down}
