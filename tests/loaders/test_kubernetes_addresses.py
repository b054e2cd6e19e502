"""Which words of a workload's settings are addresses, and what it therefore depends on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.loaders.kubernetes.addresses import addresses
from tests.loaders.kubernetes_objects import container, deployment, load, owner, service, targets, thing
from tests.loaders.reading import edges, relationships, skipped

if TYPE_CHECKING:
    from pathlib import Path


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


@given(st.text(max_size=30), st.text(alphabet="ab.:/@,;=()$-' 019", max_size=60) | st.text(max_size=60))
def test_any_setting_can_be_searched(name: str, value: str) -> None:
    for host, port in addresses(name, value):
        assert host in value
        assert port is None or re.search(rf"{re.escape(host)}\.?:0*{port}", value)
