"""The Kubernetes cluster, the cloud region, and the jobs that watch the estate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.sample import blueprint
from knockon.sample.blueprint import Machine
from knockon.sample.compute import group_key, virtual_machine

if TYPE_CHECKING:
    from knockon.sample.blueprint import Deployed
    from knockon.sample.estate import Estate

_TEAM = "Container Platform"
_WATCHED = {
    "Hypervisor": ("ping", "PT30S"),
    "Switch": ("snmp", "PT1M"),
    "Firewall": ("snmp", "PT1M"),
    "UPS": ("snmp", "PT1M"),
    "DatabaseInstance": ("sql", "PT1M"),
    "ServiceInstance": ("http", "PT30S"),
}
"""Which classes are watched, how, and how often."""


def lay_out(estate: Estate) -> None:
    """Write down the container platform and the cloud."""
    _kubernetes(estate)
    _cloud(estate)


def watch(estate: Estate) -> None:
    """Write down one monitoring job for each site and watched class, and where it runs.

    A job runs on the other site's monitoring server, so that it sees its site go: the path from
    there to what it watches crosses the lines between the sites.
    """
    for near, far in zip(estate.company.sites, reversed(estate.company.sites), strict=True):
        for class_name, (kind, interval) in _WATCHED.items():
            watched = [key for key in estate.keys(class_name) if key.startswith(f"{near.code}-")]
            if class_name == "ServiceInstance" and near is estate.company.first:
                watched = estate.keys(class_name)
            if watched:
                name = f"{kind} {class_name.lower()} {near.code}"
                job = estate.add(
                    "MonitoringJob", name.replace(" ", "-"), name, kind=kind, interval=interval, enabled=True
                )
                estate.relate(job, "RUNS_ON", f"{far.code}-mon-01/prometheus")
                for key in watched:
                    estate.relate(key, "MONITORED_BY", job)


def _kubernetes(estate: Estate) -> None:
    here = estate.company.here
    cluster = estate.add(
        "KubernetesCluster",
        here("ham-k8s"),
        version="1.33.4",
        min_up=blueprint.KUBERNETES_NEEDS[0],
        full_up=blueprint.KUBERNETES_NEEDS[1],
    )
    made, nodes = [cluster], []
    for number, host in enumerate(blueprint.KUBERNETES_HOSTS, start=1):
        machine = virtual_machine(estate, Machine(f"ham-kube-{number:02}", _TEAM, host, "vol-vm-02"))
        node = estate.add(
            "KubernetesNode",
            f"{cluster}/node-{number:02}",
            roles=["worker"],
            kubelet_version="1.33.4",
            pod_capacity=110,
            ready=True,
        )
        estate.relate(node, "RUNS_ON", machine)
        estate.relate(node, "MEMBER_OF", cluster)
        nodes.append(node)
    made += nodes
    for namespace in dict.fromkeys(row.namespace for row in blueprint.WORKLOADS):
        key = estate.add("Namespace", f"{cluster}/{namespace}", namespace)
        estate.relate(cluster, "CONTAINS", key)
        made.append(key)
    for first_node, row in enumerate(blueprint.WORKLOADS):
        made += _workload(estate, cluster, row, nodes[first_node % len(nodes) :] + nodes[: first_node % len(nodes)])
    for row in blueprint.WORKLOADS:
        for needed in row.needs:
            namespace = next(each.namespace for each in blueprint.WORKLOADS if each.name == needed)
            supplier = f"{cluster}/{namespace}/{needed}/service"
            estate.relate(f"{cluster}/{row.namespace}/{row.name}", "DEPENDS_ON", supplier)
    estate.supported(group_key(estate, _TEAM), made)


def _workload(estate: Estate, cluster: str, row: Deployed, nodes: list[str]) -> list[str]:
    """Write down a workload, its service and its pods, each pod as far from the next as nodes allow."""
    namespace = f"{cluster}/{row.namespace}"
    inside = {"namespace": row.namespace}
    key = f"{namespace}/{row.name}"
    image = f"registry.example.com/{row.namespace}/{row.name}:4.2"
    estate.add("Workload", key, row.name, kind="Deployment", replicas=row.replicas, images=[image], **inside)
    service = estate.add(
        "KubernetesService", f"{key}/service", row.name, kind="ClusterIP", ports=["8080/TCP"], **inside
    )
    made = [key, service]
    estate.relate_all(namespace, "CONTAINS", [key, service])
    estate.relate(service, "ROUTES_TO", key)  # to its pods, and over it to what they call in their turn
    stride = len(nodes) // row.replicas
    for number in range(row.replicas):
        pod = estate.add("Pod", f"{key}/pod-{number}", f"{row.name}-{number}", phase="Running", ready=True, **inside)
        estate.relate(pod, "MEMBER_OF", key)
        estate.relate(pod, "RUNS_ON", nodes[number * stride])
        estate.relate(namespace, "CONTAINS", pod)
        made.append(pod)
    if row.ingress:
        host = f"{row.namespace}.{estate.company.first.code}.example.com"
        ingress = estate.add("Ingress", f"{namespace}/ingress", f"{row.namespace}-ingress", host_names=[host], **inside)
        estate.relate(namespace, "CONTAINS", ingress)
        estate.relate(ingress, "ROUTES_TO", service)
        estate.relate(ingress, "EXPOSES", service)
        made.append(ingress)
    return made


def _cloud(estate: Estate) -> None:
    here = estate.company.here
    account = estate.add("CloudAccount", here("cloud-account"), account_id=here("7741-0082-5519"))
    region = estate.add("CloudRegion", here(blueprint.CLOUD_REGION))
    estate.relate(region, "PROVIDED_BY", here("supplier-nimbus"))
    estate.relate(account, "PROVIDED_BY", here("supplier-nimbus"))
    made = [account, region]
    for zone in blueprint.CLOUD_ZONES:
        key = estate.add("AvailabilityZone", here(f"{blueprint.CLOUD_REGION}{zone}"))
        estate.relate(region, "CONTAINS", key)
        made.append(key)
    for row in blueprint.CLOUD:
        resource = estate.add(
            "CloudResource", here(row.name), kind=row.kind, resource_id=f"nrn:nimbus:{here(row.name)}"
        )
        estate.relate(account, "CONTAINS", resource)
        for zone in row.zones:
            estate.relate(resource, "LOCATED_IN", here(f"{blueprint.CLOUD_REGION}{zone}"), redundancy_group="zones")
        made.append(resource)
    estate.supported(group_key(estate, "Cloud"), made)
