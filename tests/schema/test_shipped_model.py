"""What the shipped model must say, whatever else is in it: DESIGN.md sections 2, 4 and 9."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.schema.installed import installed_model
from knockon.schema.states import IDENTITY, State

if TYPE_CHECKING:
    from knockon.schema.model import Model

CLASSES = {
    "Entity", "ConfigurationItem", "Party", "Agreement", "Record", "Place", "Site", "Room", "Hardware",
    "ComputerSystem", "Server", "KubernetesNode", "VirtualMachine", "NetworkDevice", "Switch", "Router",
    "Firewall", "LoadBalancer", "StorageSystem", "Rack", "PowerSource", "UPS", "PDU", "PowerFeed", "Hypervisor",
    "Cluster", "StorageVolume", "Circuit", "CloudAccount", "CloudRegion", "AvailabilityZone", "CloudResource",
    "KubernetesCluster", "Namespace", "Workload", "Pod", "KubernetesService", "Ingress", "SoftwareInstance",
    "ApplicationServer", "WebServer", "DatabaseInstance", "MessageBroker", "CacheServer", "Database",
    "Application", "Service", "BusinessService", "TechnicalService", "ServiceInstance", "Organization",
    "Customer", "Supplier", "InternalUnit", "Person", "SupportGroup", "ServiceLevelAgreement",
    "UnderpinningContract", "Calendar", "Incident", "Change", "MonitoringJob", "Workstation", "NetworkInterface",
    "IPNetwork", "IPAddress", "DNSRecord", "Certificate", "FileShare", "Printer", "OperatingSystem", "MessageQueue",
    "SoftwarePackage", "ContainerImage", "Endpoint", "Document", "BusinessProcess", "ServiceOffering", "Contract",
    "License", "ServiceLevelTarget", "OperationalLevelAgreement", "Event", "Problem", "KnownError", "Solution",
    "RequestForChange", "ChangeTask", "ChangeTemplate", "Approval", "Policy", "Release", "Period", "Outage",
    "PlannedEvent", "MaintenanceWindow", "FreezeWindow", "Notification", "ContinuityPlan", "CapacityOverview",
    "CapacityThreshold", "Measurement", "Risk", "Requirement", "Cost", "Requisition", "RequisitionLine", "Quote",
    "Absence", "DutyRoster", "DutyShift",
}  # fmt: skip

INVERSES = {
    "DEPENDS_ON": "DEPENDENCY_OF", "RUNS_ON": "RUNS", "HOSTED_ON": "HOSTS", "VIRTUALIZED_BY": "VIRTUALIZES",
    "MEMBER_OF": "HAS_MEMBER", "CONTAINS": "CONTAINED_IN", "CONNECTS_TO": "CONNECTED_FROM", "ROUTES_TO": "ROUTED_FROM",
    "EXPOSES": "EXPOSED_BY", "STORED_ON": "STORES", "POWERED_BY": "POWERS", "LOCATED_IN": "LOCATION_OF",
    "PROVIDED_BY": "PROVIDES", "REPLICATES": "REPLICATED_BY", "MONITORED_BY": "MONITORS", "USES": "USED_BY",
    "OWNED_BY": "OWNS", "SUPPORTED_BY": "SUPPORTS", "CONSUMED_BY": "CONSUMES", "COVERED_BY": "COVERS",
    "HAS_CALENDAR": "CALENDAR_OF", "HAS_ROLE": "ROLE_OF", "AFFECTS": "AFFECTED_BY", "CHANGES": "CHANGED_BY",
    "CAUSED_BY": "CAUSES", "PART_OF": "HAS_PART", "INSTALLED_ON": "HAS_INSTALLED", "BACKED_UP_BY": "BACKS_UP",
    "CONCERNS": "CONCERNED_BY", "RESOLVES": "RESOLVED_BY", "RAISED_BY": "RAISES", "BASED_ON": "BASIS_OF",
    "HAS_ACCESS_TO": "ACCESSIBLE_TO",
}  # fmt: skip

NOTHING: dict[str, dict[str, str]] = {"source": {}, "target": {}, "edge": {}}


@pytest.fixture(scope="module")
def model() -> Model:
    return installed_model()


def test_classes_and_relationship_types_are_those_of_this_release(model: Model) -> None:
    assert set(model.classes) == CLASSES
    assert {name: kind.inverse for name, kind in model.relationships.items()} == INVERSES


@pytest.mark.parametrize(
    ("source", "relationship", "target", "supplier", "grouped"),
    [
        ("Application", "DEPENDS_ON", "Database", "target", False),
        ("DatabaseInstance", "RUNS_ON", "VirtualMachine", "target", False),
        ("Hypervisor", "RUNS_ON", "Server", "target", False),
        ("Pod", "RUNS_ON", "KubernetesNode", "target", False),
        ("VirtualMachine", "HOSTED_ON", "Cluster", "target", False),
        ("VirtualMachine", "VIRTUALIZED_BY", "Hypervisor", "target", False),
        ("Database", "STORED_ON", "StorageVolume", "target", False),
        ("Server", "LOCATED_IN", "Rack", "target", False),
        ("Rack", "LOCATED_IN", "Room", "target", False),
        ("Room", "LOCATED_IN", "Site", "target", False),
        ("Circuit", "PROVIDED_BY", "Supplier", "target", False),
        ("Namespace", "CONTAINS", "Workload", "source", False),
        ("Hypervisor", "MEMBER_OF", "Cluster", "source", True),
        ("KubernetesNode", "MEMBER_OF", "KubernetesCluster", "source", True),
        ("Pod", "MEMBER_OF", "Workload", "source", True),
        ("Workload", "MEMBER_OF", "Workload", "source", True),
        ("Server", "POWERED_BY", "PDU", "target", True),
        ("PDU", "POWERED_BY", "UPS", "target", True),
        ("UPS", "POWERED_BY", "PowerFeed", "target", True),
        ("LoadBalancer", "ROUTES_TO", "ApplicationServer", "target", True),
        ("KubernetesService", "ROUTES_TO", "Pod", "target", True),
        ("KubernetesService", "ROUTES_TO", "Workload", "target", True),
        ("Ingress", "ROUTES_TO", "KubernetesService", "target", False),
        ("WebServer", "ROUTES_TO", "ApplicationServer", "target", False),
        ("Switch", "CONNECTS_TO", "Switch", None, False),
        ("Ingress", "EXPOSES", "Application", None, False),
        ("DatabaseInstance", "REPLICATES", "DatabaseInstance", None, False),
        ("Server", "MONITORED_BY", "MonitoringJob", None, False),
        ("MonitoringJob", "RUNS_ON", "ApplicationServer", None, False),
        ("Person", "USES", "BusinessService", None, False),
        ("Person", "MEMBER_OF", "SupportGroup", None, True),
        ("Person", "PART_OF", "InternalUnit", None, False),
        ("UnderpinningContract", "PROVIDED_BY", "Supplier", None, False),
        ("BusinessService", "CONSUMED_BY", "Customer", None, False),
        ("BusinessService", "COVERED_BY", "ServiceLevelAgreement", None, False),
        ("BusinessService", "HAS_CALENDAR", "Calendar", None, False),
        ("BusinessService", "OWNED_BY", "Person", None, False),
        ("BusinessService", "SUPPORTED_BY", "SupportGroup", None, False),
        ("SupportGroup", "HAS_ROLE", "Change", None, False),
        ("Incident", "AFFECTS", "Server", None, False),
        ("Change", "CHANGES", "Server", None, False),
        ("Incident", "CAUSED_BY", "Change", None, False),
        ("OperatingSystem", "INSTALLED_ON", "Server", "target", False),
        ("SoftwarePackage", "INSTALLED_ON", "Server", None, False),
        ("Server", "CONTAINS", "NetworkInterface", "source", False),
        ("IPAddress", "HOSTED_ON", "NetworkInterface", "target", False),
        ("IPNetwork", "CONTAINS", "IPAddress", "source", False),
        ("BusinessProcess", "DEPENDS_ON", "BusinessService", "target", False),
        ("Database", "BACKED_UP_BY", "SoftwareInstance", None, False),
        ("Problem", "CONCERNS", "ServiceLevelTarget", None, False),
        ("Change", "RESOLVES", "Problem", None, False),
        ("Quote", "PROVIDED_BY", "Supplier", None, False),
    ],
)
def test_failure_flows_as_designed(
    model: Model, source: str, relationship: str, target: str, supplier: str | None, grouped: bool
) -> None:
    assert model.allows(relationship, source, target)
    rule = model.impact_rule(relationship, source, target, NOTHING)
    assert rule is not None
    assert rule.supplier == supplier
    assert rule.effect == IDENTITY
    assert model.grouped(relationship, source, target) is grouped
    if supplier is None:
        assert rule.because


def test_a_soft_dependency_takes_nothing_down(model: Model) -> None:
    def effect(**edge: str) -> tuple[State, ...]:
        rule = model.impact_rule("DEPENDS_ON", "Application", "Database", NOTHING | {"edge": edge})
        assert rule is not None
        return rule.effect

    assert effect() == effect(strength="hard") == IDENTITY
    assert effect(strength="soft") == (State.OPERATIONAL, State.AT_RISK, State.DEGRADED, State.DEGRADED)


def test_the_topology_holds_every_item_and_places_and_suppliers_and_no_record(model: Model) -> None:
    assert model.topology_classes == {*model.concrete("ConfigurationItem"), "Site", "Room", "Supplier"}


def test_own_groups_are_those_of_clusters_pools_workloads_and_power(model: Model) -> None:
    groups: dict[str, str] = {}
    for name, kind in model.classes.items():
        nearest = next((each for above in kind.lineage if (each := model.spec.classes[above].redundancy)), None)
        if nearest:
            groups[name] = nearest.group
    assert groups["Cluster"] == groups["KubernetesCluster"] == groups["Workload"] == "MEMBER_OF"
    assert groups["LoadBalancer"] == groups["KubernetesService"] == "ROUTES_TO"
    assert groups["Server"] == groups["PDU"] == groups["StorageSystem"] == "POWERED_BY"
    assert "Application" not in groups
    for name in groups:
        assert {"min_up", "full_up"} <= model.classes[name].attributes.keys()


def test_every_edge_carries_group_settings_and_evidence(model: Model) -> None:
    for kind in model.relationships.values():
        assert {"redundancy_group", "weight", "min_up", "full_up", "evidence"} <= kind.attributes.keys()
        assert kind.attributes["weight"].spec.default == 1
        assert kind.attributes["evidence"].spec.default == "declared"


def test_names_that_scripts_use(model: Model) -> None:
    wanted = {
        "Incident": "kind state opened_at resolved_at impact urgency",
        "Change": "kind state planned_start planned_end actual_start actual_end",
        "BusinessService": "criticality user_count",
        "Calendar": "rrule duration time_zone",
    }
    for name, attributes in wanted.items():
        assert set(attributes.split()) <= model.classes[name].attributes.keys()


@pytest.mark.parametrize(
    ("name", "state", "is_open", "in_effect", "known"),
    [
        ("Incident", "in_progress", True, True, True),
        ("Incident", "resolved", False, False, True),
        ("Change", "approved", True, False, True),
        ("Change", "implementing", True, True, True),
        ("Change", "backed_out", False, False, True),
        ("Incident", "Work in progress (vendor)", True, True, False),
        ("Incident", None, True, True, False),
        ("Site", None, False, False, True),
    ],
)
def test_a_state_that_no_lifecycle_maps_counts_as_open_and_unknown(
    model: Model, name: str, state: str | None, is_open: bool, in_effect: bool, known: bool
) -> None:
    found = model.state_of(name, {} if state is None else {"state": state})
    assert (found.state, found.open, found.in_effect, found.known) == (state, is_open, in_effect, known)


def test_unlike_things_never_share_a_claim(model: Model) -> None:
    """An application and the service that it stands for have one name, and are two things."""
    for one, other in (
        ("Application", "BusinessService"),
        ("BusinessService", "TechnicalService"),
        ("Server", "Hypervisor"),
        ("Cluster", "Namespace"),
        ("Customer", "Supplier"),
        ("Incident", "Change"),
        ("Site", "Room"),
        ("Switch", "Server"),
    ):
        shared = {(i.declared_by, i.name) for i in model.classes[one].identifiers} & {
            (i.declared_by, i.name) for i in model.classes[other].identifiers
        }
        assert {name for _, name in shared} <= {"serial_number", "asset_tag"}, (one, other)


def test_strong_sets_come_before_weak_ones(model: Model) -> None:
    def sets(name: str) -> list[str]:
        return [each.name for each in model.classes[name].identifiers]

    assert sets("Server") == ["serial_number", "asset_tag", "hostname", "name"]
    assert sets("VirtualMachine") == ["uuid", "serial_number", "asset_tag", "hostname", "name"]
    assert sets("Pod") == ["uid", "name_in_namespace"]
    assert sets("Person") == ["employee_number", "email"]
    assert model.classes["Pod"].identifiers[1].within == ("CONTAINS", False, "Namespace")
    assert model.classes["Database"].identifiers[0].within == ("RUNS_ON", True, "DatabaseInstance")
    assert model.classes["NetworkInterface"].identifiers[0].within == ("CONTAINS", False, "Hardware")
    assert model.classes["OperatingSystem"].identifiers[0].within == ("INSTALLED_ON", True, "ComputerSystem")


def test_every_class_with_a_state_has_the_lifecycle_that_reads_it(model: Model) -> None:
    for name, kind in model.classes.items():
        if "state" in kind.attributes:
            lifecycle = model.lifecycle(name)
            assert lifecycle is not None, name
            assert lifecycle.attribute == "state"


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("ordered", False), ("received", False), ("in_stock", False), ("in_use", True), ("in_maintenance", True),
        ("retired", False), ("disposed", False), ("Installed (vendor)", True), (None, True),
    ],
)  # fmt: skip
def test_what_is_not_in_service_does_not_count(model: Model, status: str | None, *, counts: bool) -> None:
    assert model.counts("Hypervisor", {"status": status}) is counts
    assert model.counts("Incident", {"state": "closed"})
    assert model.counts("Site", {"status": "retired"})


def test_a_thing_begins_moves_on_and_ends_as_its_lifecycle_says(model: Model) -> None:
    incident, item = model.lifecycle("Incident"), model.lifecycle("Server")
    assert incident
    assert item
    assert (incident.initial, incident.moves(None), incident.moves("closed")) == (("new",), ("new",), ())
    assert "closed" not in incident.moves("new")
    assert item.initial == ("ordered", "received", "in_stock", "in_use")
    assert item.moves("ordered") == ("received",)
    assert incident.moves("On Hold") == tuple(incident.states)  # a word of another tool: put where it belongs
