"""What Kubernetes objects have to do with each other."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.loaders.kubernetes.addresses import declared_services, resolve
from knockon.loaders.kubernetes.estate import controller
from knockon.loaders.kubernetes.objects import key
from knockon.schema.observation import RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.loaders.kubernetes.estate import Estate
    from knockon.loaders.kubernetes.objects import Found

_SERVICE_NAME_LABEL = "kubernetes.io/service-name"
_NAMESPACED = ("Pod", "Service", "Ingress", "PersistentVolumeClaim")


class Edge(NamedTuple):
    type_name: str
    start: str
    end: str
    location: str
    evidence: str = "declared"
    weight: int = 1
    redundancy_group: str = ""


def relationships(estate: Estate) -> Iterator[RelationshipObservation]:
    """Yield every relationship once, the first that says so."""
    seen: set[tuple[str, str, str]] = set()
    for part in (_containment, _placement, _control, _routing, _backing, _ingress, _storage, _dependencies):
        for edge in part(estate):
            if edge[:3] not in seen:
                seen.add(edge[:3])
                yield _observation(estate.name, edge)


def _observation(source: str, edge: Edge) -> RelationshipObservation:
    attributes: dict[str, Any] = {"evidence": edge.evidence}
    if edge.weight > 1:
        attributes["weight"] = edge.weight
    if edge.redundancy_group:
        attributes["redundancy_group"] = edge.redundancy_group
    record = {"from": edge.start, "type": edge.type_name, "to": edge.end, **attributes}
    return RelationshipObservation(
        source, edge.type_name, edge.start, edge.end, attributes, None, edge.location, record
    )


def _containment(estate: Estate) -> Iterator[Edge]:
    """Say what is in which namespace, and that nodes make up the cluster and namespaces divide it."""
    for namespace in estate.namespaces:
        yield Edge("CONTAINS", estate.cluster_key, key("Namespace", "", namespace), "")
    for each in (*estate.workloads, *estate.of(*_NAMESPACED)):
        yield Edge("CONTAINS", key("Namespace", "", each.namespace), each.key, each.location)
    for node in estate.of("Node"):
        yield Edge("MEMBER_OF", node.key, estate.cluster_key, node.location, "observed")


def _placement(estate: Estate) -> Iterator[Edge]:
    for pod in estate.of("Pod"):
        owners = (owner.name for owner in pod.shape.metadata.owner_references if owner.kind == "Node")
        if node := pod.shape.spec.node_name or next(owners, ""):  # a static pod is owned by the node that runs it
            yield Edge("RUNS_ON", pod.key, key("Node", "", node), pod.location, "observed")


def _control(estate: Estate) -> Iterator[Edge]:
    """Tie pods to their controllers, and controllers to theirs.

    A ReplicaSet that wants no pods, or a Job that is over or suspended, supplies nothing: as a member it would make
    its Deployment look as if it could lose all its pods.
    """
    for each in (*estate.of("Pod"), *estate.workloads):
        owner = controller(each)
        wanted = 1 if each.kind == "Pod" else each.shape.replicas
        if owner is not None and wanted != 0:
            target = key(owner.kind, each.namespace, owner.name)
            yield Edge("MEMBER_OF", each.key, target, each.location, weight=wanted or 1)


def _routing(estate: Estate) -> Iterator[Edge]:
    """Tie services to what they route to: by EndpointSlices, else by selector to pods, else to pod templates.

    An alias of a service at hand routes to that service.
    """
    routed = set()
    for piece in estate.of("EndpointSlice"):
        name = piece.shape.metadata.labels.get(_SERVICE_NAME_LABEL)
        for endpoint in piece.shape.endpoints:
            target = endpoint.target_ref
            if name and target.kind in ("Pod", "Node") and target.name and not endpoint.conditions.terminating:
                service = key("Service", piece.namespace, name)
                routed.add(service)
                end = key(target.kind, piece.namespace, target.name)
                yield Edge("ROUTES_TO", service, end, piece.location, "observed")
    pods, speakers = _by_namespace(estate.of("Pod")), _by_namespace(estate.spokesmen)
    for each in estate.of("Service"):
        if each.key not in routed:
            in_reach = (pods[each.namespace], speakers[each.namespace])
            chosen = ([one for one in some if each.shape.selects(one.shape.labels)] for some in in_reach)
            for backend in next((some for some in chosen if some), ()):
                yield Edge("ROUTES_TO", each.key, backend.key, each.location)
        if each.shape.is_alias and ".svc." in f"{each.shape.spec.external_name}.":  # only full names lead anywhere
            meant = resolve(estate, each.shape.spec.external_name, each.namespace)
            if meant and meant is not each:
                yield Edge("ROUTES_TO", each.key, meant.key, each.location)


def _backing(estate: Estate) -> Iterator[Edge]:
    """Tie services to the workloads whose pods they route to, for what these need and their pods do not show.

    Several are redundant, as in a canary release; so is a pod that no workload at hand controls.
    """
    pods = {each.key: each for each in estate.of("Pod")}
    behind: defaultdict[str, dict[str, tuple[Found, str]]] = defaultdict(dict)
    for edge in _routing(estate):
        if pod := pods.get(edge.end):
            speaker = estate.spokesman(pod)
            behind[edge.start].setdefault(speaker.key, (speaker, edge.location))
    for service, speakers in behind.items():
        if any(speaker.kind != "Pod" for speaker, _ in speakers.values()):
            for end, (_, location) in speakers.items():
                yield Edge("DEPENDS_ON", service, end, location, "inferred", redundancy_group="workloads")


def _by_namespace(found: list[Found]) -> defaultdict[str, list[Found]]:
    grouped: defaultdict[str, list[Found]] = defaultdict(list)
    for each in found:
        grouped[each.namespace].append(each)
    return grouped


def _ingress(estate: Estate) -> Iterator[Edge]:
    for each in estate.of("Ingress"):
        spec = each.shape.spec
        paths = (path.backend for rule in spec.rules for path in rule.http.paths)
        for backend in (spec.default_backend, spec.backend, *paths):
            if backend.target:
                yield Edge("ROUTES_TO", each.key, key("Service", each.namespace, backend.target), each.location)


def _storage(estate: Estate) -> Iterator[Edge]:
    """Tie pods and pod templates to their claims, and claims to their volumes."""
    for each in (*estate.spokesmen, *estate.of("Pod")):
        for volume in each.shape.pod_spec.volumes:
            if claim := volume.persistent_volume_claim:
                target = key("PersistentVolumeClaim", each.namespace, claim.claim_name)
                yield Edge("STORED_ON", each.key, target, each.location)
    for each in estate.of("PersistentVolumeClaim"):
        if each.shape.spec.volume_name:
            target = key("PersistentVolume", "", each.shape.spec.volume_name)
            yield Edge("STORED_ON", each.key, target, each.location, "observed")


def _dependencies(estate: Estate) -> Iterator[Edge]:
    for each in estate.spokesmen:
        for service in declared_services(estate, each):
            yield Edge("DEPENDS_ON", each.key, service.key, each.location)
