"""Real input with known right answers: a shop's manifests, and the lists of a live cluster."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.loaders.reading import (
    DATA,
    check_against_model,
    classes,
    edges,
    entities,
    read_all,
    rejects,
    relationships,
    skipped,
)

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.loaders import Reading

BOUTIQUE = DATA / "k8s-online-boutique"
DUMP = DATA / "k8s-cluster-dump"
DEPENDENCIES = {
    "frontend": {
        "productcatalogservice", "currencyservice", "cartservice", "recommendationservice", "shippingservice",
        "checkoutservice", "adservice",
    },
    "cartservice": {"redis-cart"},
    "loadgenerator": {"frontend"},
    "recommendationservice": {"productcatalogservice"},
    "checkoutservice": {
        "productcatalogservice", "shippingservice", "paymentservice", "emailservice", "currencyservice", "cartservice",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def dump() -> Reading:
    return read_all(DUMP, source="live")


@pytest.mark.parametrize("path", [BOUTIQUE, BOUTIQUE / "kubernetes-manifests.yaml"])
def test_the_shop_has_its_workloads_services_and_exactly_its_dependencies(path: Path) -> None:
    reading = read_all(path, source="shop")
    assert (reading.source, reading.format, rejects(reading)) == ("shop", "kubernetes", [])
    assert classes(reading) == {"KubernetesCluster": 1, "Namespace": 1, "Workload": 12, "KubernetesService": 12}
    expected = {
        (f"Deployment/default/{workload}", f"Service/default/{service}")
        for workload, services in DEPENDENCIES.items()
        for service in services
    }
    assert len(expected) == 16
    assert edges(reading, "DEPENDS_ON") == expected
    assert Counter(each.type_name for each in relationships(reading))["DEPENDS_ON"] == 16
    check_against_model(reading)


def test_the_shops_services_route_to_its_workloads() -> None:
    reading = read_all(BOUTIQUE, source="shop")
    services = {each.attributes["name"] for each in entities(reading) if each.class_name == "KubernetesService"}
    expected = {
        (f"Service/default/{name}", f"Deployment/default/{name.removesuffix('-external')}") for name in services
    }
    assert edges(reading, "ROUTES_TO") == expected
    assert "frontend-external" in services


def test_other_kinds_are_skipped_and_counted() -> None:
    service_accounts = {"ServiceAccount": 11}
    mesh = {"VirtualService": 1, "Gateway": 1, "HTTPRoute": 1, "ServiceEntry": 2}
    assert skipped(read_all(BOUTIQUE / "kubernetes-manifests.yaml", source="shop")) == service_accounts
    assert skipped(read_all(BOUTIQUE / "istio-manifests.yaml", source="shop")) == mesh
    assert skipped(read_all(BOUTIQUE, source="shop")) == service_accounts | mesh


def test_manifests_are_found_by_line() -> None:
    lines = (BOUTIQUE / "kubernetes-manifests.yaml").read_text().splitlines()
    for entity in entities(read_all(BOUTIQUE / "kubernetes-manifests.yaml", source="shop")):
        if entity.location:
            assert lines[int(entity.location) - 1].startswith("apiVersion:")


def test_the_clusters_objects_are_all_there(dump: Reading) -> None:
    assert rejects(dump) == []
    assert classes(dump) == {
        "KubernetesCluster": 1,
        "KubernetesNode": 3,
        "Namespace": 9,
        "Workload": 13 + 22 + 2 + 5,
        "Pod": 33,
        "KubernetesService": 25,
        "Ingress": 3,
        "StorageVolume": 4,
    }
    assert skipped(dump) == {"Endpoints": 27, "ControllerRevision": 18}
    assert len(entities(dump)) == len({each.key for each in entities(dump)})
    check_against_model(dump)


def test_pods_are_tied_to_their_controllers_and_one_waits(dump: Reading) -> None:
    known = {each.key for each in entities(dump)}
    owned = {(pod, owner) for pod, owner in edges(dump, "MEMBER_OF") if pod.startswith("Pod/")}
    assert len(owned) == 33
    assert {edge for edge in owned if edge[1] not in known} == {
        ("Pod/fix/single-server-sngl-hs5itknq-5e6755", "ArangoDeployment/fix/single-server")
    }


def test_a_replicaset_without_pods_is_no_member_of_its_deployment(dump: Reading) -> None:
    sets = [each for each in entities(dump) if each.attributes.get("kind") == "ReplicaSet"]
    empty = {each.key for each in sets if each.attributes["replicas"] == 0}
    assert (len(sets), len(empty)) == (22, 9)
    members = {start for start, end in edges(dump, "MEMBER_OF") if end.startswith("Deployment/")}
    assert members == {each.key for each in sets} - empty


def test_every_pod_runs_on_its_node(dump: Reading) -> None:
    placed = edges(dump, "RUNS_ON")
    assert len(placed) == 33
    assert {node for _, node in placed} == {"Node/helm2-cjhg1", "Node/helm2-cjhg9", "Node/helm2-cjhgz"}
    assert edges(dump, "MEMBER_OF") >= {(node, "KubernetesCluster/live") for _, node in placed}


def test_slices_and_selectors_find_the_same_pods(dump: Reading, tmp_path: Path) -> None:
    for file in DUMP.glob("*.json"):
        if "endpointslices" not in file.name:
            shutil.copy(file, tmp_path)
    by_selector = read_all(tmp_path, source="live")
    observed = {edge for edge in edges(dump, "ROUTES_TO") if edge[1].startswith("Pod/")}
    declared = {edge for edge in edges(by_selector, "ROUTES_TO") if edge[1].startswith("Pod/")}
    assert observed == declared
    assert len(observed) == 26
    evidence = {(e.from_ref, e.to_ref): e.attributes["evidence"] for e in relationships(dump)}
    assert {evidence[edge] for edge in observed} == {"observed"}
    evidence = {(e.from_ref, e.to_ref): e.attributes["evidence"] for e in relationships(by_selector)}
    assert {evidence[edge] for edge in declared} == {"declared"}


def test_the_kubelets_service_routes_to_the_nodes(dump: Reading) -> None:
    targets = {end for _, end in edges(dump, "ROUTES_TO") if end.startswith("Node/")}
    assert targets == {"Node/helm2-cjhg1", "Node/helm2-cjhg9", "Node/helm2-cjhgz"}


def test_arguments_declare_what_the_workloads_call(dump: Reading) -> None:
    declared = {edge for edge in edges(dump, "DEPENDS_ON") if not edge[0].startswith("Service/")}
    assert declared == {
        ("Deployment/fix/fix-fixcore", "Service/fix/single-server"),
        ("Deployment/fix/fix-fixmetrics", "Service/fix/fix-fixcore"),
        ("Deployment/fix/fix-fixworker", "Service/fix/fix-fixcore"),
    }


def test_services_depend_on_the_workloads_behind_their_pods(dump: Reading) -> None:
    known = {each.key: each for each in entities(dump)}
    inferred = [each for each in relationships(dump) if each.attributes["evidence"] == "inferred"]
    assert {(each.type_name, each.attributes["redundancy_group"]) for each in inferred} == {("DEPENDS_ON", "workloads")}
    assert Counter(known[each.to_ref].attributes["kind"] for each in inferred) == {
        "Deployment": 10,
        "StatefulSet": 4,
        "DaemonSet": 2,
    }
    # The database's pod belongs to an operator's own kind, which is not at hand: it stands for itself.
    with_pods = {start for start, end in edges(dump, "ROUTES_TO") if end.startswith("Pod/")}
    assert with_pods - {each.from_ref for each in inferred} == {
        f"Service/fix/single-server{end}" for end in ("", "-ea", "-int", "-single-hs5itknq")
    }


def test_claims_are_stored_on_volumes_and_pods_on_claims(dump: Reading) -> None:
    stored = edges(dump, "STORED_ON")
    assert {start for start, _ in stored if start.startswith("Pod/")} == {"Pod/fix/single-server-sngl-hs5itknq-5e6755"}
    assert len({end for _, end in stored if end.startswith("PersistentVolume/")}) == 2


def test_one_list_of_everything_says_the_same_as_the_files_apart(dump: Reading, tmp_path: Path) -> None:
    """As ``kubectl get -o json`` writes it: kind List, whose items say their own kind."""
    everything = []
    for file in sorted(DUMP.glob("*.json")):
        listed = json.loads(file.read_text())
        own = {"kind": listed["kind"].removesuffix("List"), "apiVersion": listed["apiVersion"]}
        everything += [own | item for item in listed["items"]]
    (tmp_path / "all.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": everything}))
    together = read_all(tmp_path / "all.json", source="live")
    assert {(e.key, e.class_name) for e in entities(together)} == {(e.key, e.class_name) for e in entities(dump)}
    for kind in ("CONTAINS", "MEMBER_OF", "RUNS_ON", "ROUTES_TO", "DEPENDS_ON", "STORED_ON"):
        assert edges(together, kind) == edges(dump, kind)


def test_an_item_is_found_by_pointer() -> None:
    pods = read_all(DUMP / "api_v1_pods.json", source="live")
    first = next(each for each in entities(pods) if each.class_name == "Pod")
    assert first.location == "/items/0"
    listed = json.loads((DUMP / "api_v1_pods.json").read_text())
    assert first.attributes["name"] == listed["items"][0]["metadata"]["name"]
