"""The kinds of Kubernetes objects that the loader reads; fields that are not listed are ignored."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from knockon.loaders.kubernetes.parts import LabelSelector, Metadata, PodSpec, PodTemplate, Shape


class Object(Shape):
    metadata: Metadata


class Condition(Shape):
    type: str
    status: str


class NodeAddress(Shape):
    type: str
    address: str


class NodeInfo(Shape):
    os_image: str | None = None
    kernel_version: str | None = None
    kubelet_version: str | None = None
    container_runtime_version: str | None = None


class NodeSpec(Shape):
    provider_id: str | None = Field(default=None, alias="providerID")


class NodeStatus(Shape):
    addresses: tuple[NodeAddress, ...] = ()
    capacity: dict[str, str | int] = Field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    node_info: NodeInfo = NodeInfo()


class Node(Object):
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class PodStatus(Shape):
    phase: str | None = None
    pod_ip: str | None = Field(default=None, alias="podIP")
    start_time: str | None = None
    conditions: tuple[Condition, ...] = ()


class Pod(Object):
    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    @property
    def labels(self) -> dict[str, str]:
        return self.metadata.labels

    @property
    def pod_spec(self) -> PodSpec:
        return self.spec


class WorkloadSpec(Shape):
    replicas: int = Field(default=1, ge=0)
    parallelism: int = Field(default=1, ge=0)
    selector: dict[str, Any] = Field(default_factory=dict)
    template: PodTemplate = PodTemplate()


class WorkloadStatus(Shape):
    desired_number_scheduled: int | None = Field(default=None, ge=0)
    active: int | None = Field(default=None, ge=0)
    succeeded: int | None = None
    failed: int | None = None
    conditions: tuple[Condition, ...] = ()


class Workload(Object):
    """Deployment, ReplicaSet, StatefulSet or ReplicationController."""

    spec: WorkloadSpec = WorkloadSpec()
    status: WorkloadStatus = WorkloadStatus()

    @property
    def replicas(self) -> int | None:
        """How many pods it is to keep running; None where it does not say."""
        return self.spec.replicas

    @property
    def labels(self) -> dict[str, str]:
        return self.spec.template.metadata.labels

    @property
    def pod_spec(self) -> PodSpec:
        return self.spec.template.spec


class DaemonSet(Workload):
    @property
    def replicas(self) -> int | None:
        return self.status.desired_number_scheduled


_RESTING = frozenset({"Complete", "Failed", "Suspended"})


class Job(Workload):
    @property
    def replicas(self) -> int | None:
        status = self.status
        resting = any(each.type in _RESTING and each.status == "True" for each in status.conditions)
        if status.active is None and (resting or status.succeeded or status.failed):
            return 0
        return self.spec.parallelism if self.status.active is None else self.status.active


class JobTemplate(Shape):
    spec: WorkloadSpec = WorkloadSpec()


class CronJobSpec(WorkloadSpec):
    job_template: JobTemplate = JobTemplate()


class CronJob(Workload):
    spec: CronJobSpec = CronJobSpec()

    @property
    def replicas(self) -> int | None:
        return None

    @property
    def labels(self) -> dict[str, str]:
        return self.spec.job_template.spec.template.metadata.labels

    @property
    def pod_spec(self) -> PodSpec:
        return self.spec.job_template.spec.template.spec


class ServicePort(Shape):
    port: int
    protocol: str = "TCP"


class ServiceSpec(Shape):
    type: str = "ClusterIP"
    cluster_ip: str = Field(default="", alias="clusterIP")
    external_name: str | None = None
    selector: dict[str, str] = Field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()


class Service(Object):
    spec: ServiceSpec = ServiceSpec()

    @property
    def is_alias(self) -> bool:
        return self.spec.type == "ExternalName"

    def selects(self, labels: dict[str, str]) -> bool:
        """Tell whether it routes to pods with these labels; without a selector it picks none itself.

        One of type ExternalName is only another name for a host; Kubernetes does not look at its selector.
        """
        return not self.is_alias and bool(self.spec.selector) and self.spec.selector.items() <= labels.items()

    def answers_at(self, port: int | None) -> bool:
        """Tell whether a caller can mean it with this port; headless services and aliases hand on any port."""
        ports = {each.port for each in self.spec.ports}
        return port is None or not ports or self.spec.cluster_ip == "None" or self.is_alias or port in ports


class Target(Shape):
    kind: str = ""
    name: str = ""


class EndpointConditions(Shape):
    terminating: bool = False


class Endpoint(Shape):
    target_ref: Target = Target()
    conditions: EndpointConditions = EndpointConditions()


class EndpointSlice(Object):
    endpoints: tuple[Endpoint, ...] = ()


class ServiceName(Shape):
    name: str = ""


class Backend(Shape):
    service: ServiceName = ServiceName()
    service_name: str = ""  # the API before networking.k8s.io/v1

    @property
    def target(self) -> str:
        return self.service.name or self.service_name


class IngressPath(Shape):
    backend: Backend = Backend()


class HttpRule(Shape):
    paths: tuple[IngressPath, ...] = ()


class IngressRule(Shape):
    host: str = ""
    http: HttpRule = HttpRule()


class IngressSpec(Shape):
    ingress_class_name: str | None = None
    default_backend: Backend = Backend()
    backend: Backend = Backend()
    rules: tuple[IngressRule, ...] = ()


class Ingress(Object):
    spec: IngressSpec = IngressSpec()


class ConfigMap(Object):
    data: dict[str, str] = Field(default_factory=dict)


class VolumeResources(Shape):
    requests: dict[str, str | int] = Field(default_factory=dict)


class VolumeSpec(Shape):
    capacity: dict[str, str | int] = Field(default_factory=dict)
    resources: VolumeResources = VolumeResources()
    storage_class_name: str | None = None
    volume_name: str = ""


class VolumeStatus(Shape):
    capacity: dict[str, str | int] = Field(default_factory=dict)


class StorageVolume(Object):
    """PersistentVolume or PersistentVolumeClaim."""

    spec: VolumeSpec = VolumeSpec()
    status: VolumeStatus = VolumeStatus()


class BudgetSpec(Shape):
    selector: LabelSelector | None = None
    min_available: int | str | None = None
    max_unavailable: int | str | None = None


class DisruptionBudget(Object):
    spec: BudgetSpec = BudgetSpec()


WORKLOADS: dict[tuple[str, str], type[Object]] = {
    ("apps", "Deployment"): Workload,
    ("apps", "ReplicaSet"): Workload,
    ("apps", "StatefulSet"): Workload,
    ("apps", "DaemonSet"): DaemonSet,
    ("", "ReplicationController"): Workload,
    ("batch", "Job"): Job,
    ("batch", "CronJob"): CronJob,
}
SHAPES: dict[tuple[str, str], type[Object]] = {
    **WORKLOADS,
    ("", "Node"): Node,
    ("", "Namespace"): Object,
    ("", "Pod"): Pod,
    ("", "Service"): Service,
    ("", "ConfigMap"): ConfigMap,
    ("", "PersistentVolume"): StorageVolume,
    ("", "PersistentVolumeClaim"): StorageVolume,
    ("networking.k8s.io", "Ingress"): Ingress,
    ("discovery.k8s.io", "EndpointSlice"): EndpointSlice,
    ("policy", "PodDisruptionBudget"): DisruptionBudget,
}
"""By API group and kind: other groups use the same kind names for other things."""
