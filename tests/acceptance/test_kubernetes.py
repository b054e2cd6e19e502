"""Real Kubernetes input in both stores: a shop's manifests, and the lists of a live cluster."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from knockon.cmdb.stores import opened
from tests.acceptance.estates import (
    EVERYTHING,
    ROOT,
    Estate,
    Place,
    estate,
    load_files,
    native_reference,
    whole_feed,
)
from tests.conftest import no_notifications, wipe

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.rows import Scan

DATA = ROOT / "tests" / "data"
FOLDERS = {"shop": DATA / "k8s-online-boutique", "live": DATA / "k8s-cluster-dump"}


class Loaded(NamedTuple):
    """Both clusters in one store, loaded twice."""

    reports: dict[str, dict[str, Any]]
    again: dict[str, dict[str, Any]]
    scan: Scan
    estates: tuple[Estate, Estate]

    def classes(self, source: str) -> Counter[str]:
        return Counter(each.class_name for each in self.scan.entities if native_reference(each).startswith(source))

    def edges(self, source: str) -> Counter[tuple[str, str, str]]:
        """Count the relationships of a cluster by the class of the one end, the type, and the class of the other."""
        ours = {
            each.id: each.class_name for each in self.scan.entities if native_reference(each).startswith(f"{source}:")
        }
        return Counter(
            (ours[e.key.source_id], e.key.type_name, ours[e.key.target_id])
            for e in self.scan.edges
            if e.key.source_id in ours
        )


async def loaded(place: Place) -> Loaded:
    async with opened(place.store()) as store:
        reports = {name: (await load_files(store, folder, source=name)).as_json() for name, folder in FOLDERS.items()}
        scan, before = await store.scan(EVERYTHING), await estate(store)
        again = {name: (await load_files(store, folder, source=name)).as_json() for name, folder in FOLDERS.items()}
        await whole_feed(store)
        return Loaded(reports, again, scan, (before, await estate(store)))


@pytest.fixture(scope="module")
async def both(
    neo4j_uri: str, neo4j_auth: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Loaded]]:
    await wipe(neo4j_uri, neo4j_auth)
    with no_notifications():
        yield {
            "sqlite": await loaded(Place(f"sqlite://{tmp_path_factory.mktemp('kubernetes') / 'estate.db'}")),
            "neo4j": await loaded(Place(neo4j_uri, neo4j_auth)),
        }


@pytest.fixture(params=["sqlite", "neo4j"])
def clusters(request: pytest.FixtureRequest, both: dict[str, Loaded]) -> Loaded:
    return both[request.param]


def test_the_shop_has_its_workloads_services_and_dependencies(clusters: Loaded) -> None:
    classes, edges = clusters.classes("shop"), clusters.edges("shop")
    assert (classes["Workload"], classes["KubernetesService"]) == (12, 12)
    assert edges["Workload", "DEPENDS_ON", "KubernetesService"] == 16
    assert clusters.reports["shop"]["rejects"] == clusters.reports["shop"]["findings"] == []
    assert clusters.reports["shop"]["relationships"]["waiting"] == 0


def test_the_live_cluster_has_its_nodes_pods_and_services(clusters: Loaded) -> None:
    classes, edges = clusters.classes("live"), clusters.edges("live")
    assert (classes["KubernetesNode"], classes["Pod"], classes["KubernetesService"]) == (3, 33, 25)
    assert edges["Pod", "MEMBER_OF", "Workload"] == 32
    assert edges["Pod", "RUNS_ON", "KubernetesNode"] == 33
    assert edges["KubernetesService", "ROUTES_TO", "Pod"] == 26
    assert clusters.reports["live"]["rejects"] == []
    # volumes of the cluster stand in no namespace, and no storage system is in the dump
    codes = {each["code"] for each in clusters.reports["live"]["findings"]}
    assert codes == {"WAITING_REFERENCE", "MISSING_PARENT"}


def test_the_pods_owner_that_is_not_in_the_dump_waits(clusters: Loaded) -> None:
    waiting = {(each.key.from_ref, each.key.type_name, each.key.to_ref) for each in clusters.scan.waiting}
    assert {each for each in waiting if each[0].startswith("Pod/")} == {
        ("Pod/fix/single-server-sngl-hs5itknq-5e6755", "MEMBER_OF", "ArangoDeployment/fix/single-server")
    }
    assert {each.because for each in clusters.scan.waiting} == {"WAITING_REFERENCE"}
    assert clusters.reports["live"]["relationships"]["waiting"] == len(waiting)


def test_loading_again_changes_nothing(clusters: Loaded) -> None:
    for name, report in clusters.again.items():
        first = clusters.reports[name]
        assert report["unchanged"] == first["created"]
        assert report["relationships"]["unchanged"] == first["relationships"]["created"]
        for counts in (report, report["relationships"]):
            assert {counts[each] for each in ("created", "updated", "retired", "rejected")} == {0}
        assert report["relationships"]["waiting"] == first["relationships"]["waiting"]
    assert clusters.estates[0] == clusters.estates[1]


def test_both_stores_hold_the_same(both: dict[str, Loaded]) -> None:
    one, other = both["sqlite"], both["neo4j"]
    assert one.reports == other.reports
    assert one.again == other.again
    assert one.estates[0] == other.estates[0]
