"""Which controller a pod or a workload is a member of, and which count in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.loaders.kubernetes_objects import Object, deployment, load, owner, service, thing
from tests.loaders.reading import edges, relationships, skipped

if TYPE_CHECKING:
    from pathlib import Path


def test_owners_that_own_each_other_are_no_endless_way(tmp_path: Path) -> None:
    circle = [
        deployment("a", kind="ReplicaSet", owners=owner("ReplicaSet", "b")),
        deployment("b", kind="ReplicaSet", owners=owner("ReplicaSet", "a")),
    ]
    pod = thing("Pod", "x", labels={"app": "web"}, owners=owner("ReplicaSet", "a"))
    reading = load(tmp_path, *circle, pod, service("web", 1))
    assert edges(reading, "DEPENDS_ON") == {("Service/shop/web", "ReplicaSet/shop/b")}


def test_an_owner_that_runs_no_pods_is_no_controller(tmp_path: Path) -> None:
    odd = [thing("Pod", kind.lower(), owners=owner(kind, "x")) for kind in ("Service", "Pod", "ConfigMap", "Namespace")]
    assert edges(load(tmp_path, service("x", 1), *odd), "MEMBER_OF") == set()


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
