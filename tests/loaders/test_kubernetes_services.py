"""What services and ingresses route to and depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.loaders.kubernetes_objects import Object, container, deployment, entity, load, owner, service, targets, thing
from tests.loaders.reading import edges, relationships

if TYPE_CHECKING:
    from pathlib import Path


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
