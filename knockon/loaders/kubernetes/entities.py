"""What each Kubernetes object is, as a configuration item."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from knockon.loaders.kubernetes.budget import full_up
from knockon.loaders.kubernetes.objects import key
from knockon.schema.observation import EntityObservation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from knockon.loaders.kubernetes.estate import Estate
    from knockon.loaders.kubernetes.objects import Found

_QUANTITY = re.compile(r"(\d{1,18}(?:\.\d{1,9})?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?", re.ASCII)
_FACTORS = {
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}
_ROLE_LABEL = "node-role.kubernetes.io/"


def entities(estate: Estate) -> Iterator[EntityObservation]:
    """Yield the cluster, its namespaces, also those that are only named, and every object that is an item.

    Nothing, not even the cluster, where no object was accepted.
    """
    if not estate.all:
        return
    yield _observation(estate, "KubernetesCluster", estate.cluster_key, {"name": estate.name}, "")
    described = {each.name for each in estate.of("Namespace")}
    for namespace in estate.namespaces:
        if namespace not in described:
            yield _observation(estate, "Namespace", key("Namespace", "", namespace), {"name": namespace}, "")
    for each in estate.all:
        if each.kind in _READERS:
            class_name, reader = _READERS[each.kind]
            attributes = {"name": each.name, "labels": each.shape.metadata.labels, **reader(estate, each)}
            if each.namespace:
                attributes["namespace"] = each.namespace
            yield _observation(estate, class_name, each.key, attributes, each.location)


def _observation(
    estate: Estate, class_name: str, of: str, attributes: dict[str, Any], location: str
) -> EntityObservation:
    said = {name: value for name, value in attributes.items() if value not in (None, "", [], {})}
    record = {"class": class_name, "key": of, **said}
    return EntityObservation(estate.name, of, class_name, said, None, location, record)


def quantity(value: str | int | None) -> int | None:
    """Give a Kubernetes quantity such as ``8Gi`` as a whole number; None where it is none."""
    found = _QUANTITY.fullmatch(str(value))
    return int(Decimal(found[1]) * _FACTORS.get(found[2], Decimal(1))) if found else None


def _is_ready(each: Found) -> bool | None:
    conditions = {condition.type: condition.status for condition in each.shape.status.conditions}
    return conditions["Ready"] == "True" if "Ready" in conditions else None


def _nothing(_estate: Estate, _each: Found) -> dict[str, Any]:
    return {}


def _node(_estate: Estate, each: Found) -> dict[str, Any]:
    status = each.shape.status
    addresses = status.addresses
    roles = [label.removeprefix(_ROLE_LABEL) for label in each.shape.metadata.labels if label.startswith(_ROLE_LABEL)]
    return {
        "hostname": next((a.address for a in addresses if a.type == "Hostname"), None),
        "ip_addresses": [a.address for a in addresses if a.type in ("InternalIP", "ExternalIP")],
        "operating_system": status.node_info.os_image,
        "cpu_cores": quantity(status.capacity.get("cpu")) or None,
        "memory_bytes": quantity(status.capacity.get("memory")),
        "roles": sorted(role for role in roles if role),
        "kubelet_version": status.node_info.kubelet_version,
        "container_runtime": status.node_info.container_runtime_version,
        "kernel_version": status.node_info.kernel_version,
        "provider_id": each.shape.spec.provider_id,
        "pod_capacity": quantity(status.capacity.get("pods")),
        "ready": _is_ready(each),
    }


def _workload(estate: Estate, each: Found) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "replicas": each.shape.replicas,
        "images": each.shape.pod_spec.images,
        "selector": each.shape.spec.selector,
        "full_up": full_up(estate, each),
    }


def _pod(_estate: Estate, each: Found) -> dict[str, Any]:
    status = each.shape.status
    return {
        "uid": each.shape.metadata.uid,
        "phase": status.phase,
        "ready": _is_ready(each),
        "pod_ip": status.pod_ip,
        "images": each.shape.spec.images,
        "started_at": status.start_time,
    }


def _service(_estate: Estate, each: Found) -> dict[str, Any]:
    spec = each.shape.spec
    return {
        "kind": spec.type,
        "cluster_ip": None if spec.cluster_ip == "None" else spec.cluster_ip,
        "external_name": spec.external_name,
        "ports": [f"{port.port}/{port.protocol}" for port in spec.ports],
        "selector": spec.selector,
    }


def _ingress(_estate: Estate, each: Found) -> dict[str, Any]:
    spec = each.shape.spec
    return {
        "ingress_class": spec.ingress_class_name,
        "host_names": sorted({rule.host for rule in spec.rules if rule.host}),
    }


def _volume(_estate: Estate, each: Found) -> dict[str, Any]:
    spec, status = each.shape.spec, each.shape.status
    size = (status.capacity or spec.capacity or spec.resources.requests).get("storage")
    return {"capacity_bytes": quantity(size), "storage_class": spec.storage_class_name}


_READERS: dict[str, tuple[str, Callable[[Estate, Found], dict[str, Any]]]] = {
    "Node": ("KubernetesNode", _node),
    "Namespace": ("Namespace", _nothing),
    "Deployment": ("Workload", _workload),
    "ReplicaSet": ("Workload", _workload),
    "StatefulSet": ("Workload", _workload),
    "DaemonSet": ("Workload", _workload),
    "ReplicationController": ("Workload", _workload),
    "Job": ("Workload", _workload),
    "CronJob": ("Workload", _workload),
    "Pod": ("Pod", _pod),
    "Service": ("KubernetesService", _service),
    "Ingress": ("Ingress", _ingress),
    "PersistentVolume": ("StorageVolume", _volume),
    "PersistentVolumeClaim": ("StorageVolume", _volume),
}
