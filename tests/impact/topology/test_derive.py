"""Edges become dependencies by the model's rules: way, effect, group, settings."""

from __future__ import annotations

from typing import Any

import pytest

from knockon.cmdb.contract.rows import Edge, EdgeKey, Entity
from knockon.errors import BadUsage
from knockon.impact.topology.derive import network
from knockon.impact.topology.network import Dependency
from knockon.schema.installed import installed_model
from knockon.schema.states import State, effect_map

MODEL = installed_model()


def entity(key: str, class_name: str, **attributes: Any) -> Entity:
    return Entity(key, class_name, key, f"{class_name}\x1f{key}\x1ft:{key}", attributes)


def edge(source: str, type_name: str, target: str, **attributes: Any) -> Edge:
    return Edge(EdgeKey(type_name, source, target, attributes.get("redundancy_group", "")), attributes)


ENTITIES = [
    entity("shop", "BusinessService"),
    entity("web", "Application"),
    entity("db", "DatabaseInstance"),
    entity("farm", "Cluster", min_up="50%"),
    entity("esx", "Hypervisor"),
    entity("rack", "Rack"),
    entity("srv", "Server", full_up="2"),
    entity("ups", "UPS"),
    entity("lb", "LoadBalancer"),
    entity("broker", "MessageBroker"),
]


def derived(*edges: Edge, exclude: tuple[str, ...] = ()) -> list[Dependency]:
    return list(network(MODEL, ENTITIES, edges, exclude=exclude).dependencies)


def only(*edges: Edge) -> Dependency:
    (found,) = derived(*edges)
    return found


def test_a_dependency_is_hard_unless_it_says_soft() -> None:
    hard = only(edge("web", "DEPENDS_ON", "db"))
    assert hard == Dependency("web", "db", type_name="DEPENDS_ON", rule="hard")
    soft = only(edge("web", "DEPENDS_ON", "db", strength="soft"))
    assert soft.effect == effect_map({State.DOWN: State.DEGRADED})
    assert soft.rule == "soft"
    assert derived(edge("web", "DEPENDS_ON", "db", strength="hard"))[0].effect == hard.effect


def test_failure_flows_the_way_that_the_rule_says() -> None:
    contained = only(edge("rack", "CONTAINS", "srv"))
    assert (contained.consumer, contained.supplier, contained.reversed) == ("srv", "rack", True)
    hosted = only(edge("web", "RUNS_ON", "srv"))
    assert (hosted.consumer, hosted.supplier, hosted.reversed) == ("web", "srv", False)


def test_a_type_that_groups_needs_no_name_and_a_name_beats_it() -> None:
    assert only(edge("esx", "MEMBER_OF", "farm")).group == "MEMBER_OF"
    assert only(edge("esx", "MEMBER_OF", "farm", redundancy_group="east")).group == "east"
    assert only(edge("srv", "POWERED_BY", "ups")).group == "POWERED_BY"
    assert only(edge("web", "DEPENDS_ON", "db")).group is None
    assert only(edge("web", "DEPENDS_ON", "db", redundancy_group="data")).group == "data"


def test_a_type_groups_by_the_classes_that_it_joins() -> None:
    assert only(edge("lb", "ROUTES_TO", "web")).group == "ROUTES_TO"
    assert only(edge("broker", "ROUTES_TO", "web")).group is None


def test_an_edges_own_settings_come_with_it() -> None:
    found = only(edge("web", "DEPENDS_ON", "db", redundancy_group="data", weight=3, min_up="2", full_up="75%"))
    assert (found.weight, found.min_up, found.full_up) == (3, "2", "75%")


def test_a_class_gives_its_items_their_own_group() -> None:
    items = {item.id: item for item in network(MODEL, ENTITIES, ()).items}
    assert (items["farm"].own_group, items["farm"].min_up) == ("MEMBER_OF", "50%")
    assert (items["srv"].own_group, items["srv"].full_up) == ("POWERED_BY", "2")
    assert items["web"].own_group is None
    assert items.keys() == {each.id for each in ENTITIES}


def test_what_has_no_impact_and_what_ends_nowhere_is_left_out() -> None:
    assert derived(edge("web", "CONNECTS_TO", "db"), edge("web", "DEPENDS_ON", "gone")) == []


def test_types_are_excluded_by_either_name() -> None:
    edges = (edge("web", "RUNS_ON", "srv"), edge("web", "DEPENDS_ON", "db"))
    assert [each.type_name for each in derived(*edges, exclude=("RUNS",))] == ["DEPENDS_ON"]
    assert [each.type_name for each in derived(*edges, exclude=("DEPENDS_ON",))] == ["RUNS_ON"]
    with pytest.raises(BadUsage, match="EATS"):
        derived(*edges, exclude=("EATS",))


@pytest.mark.parametrize("status", ["ordered", "received", "in_stock", "retired", "disposed"])
def test_a_member_that_is_not_in_service_counts_in_no_group(status: str) -> None:
    members = [entity("one", "Hypervisor"), entity("two", "Hypervisor", status=status)]
    edges = [edge(each.id, "MEMBER_OF", "farm") for each in members]
    found = network(MODEL, [*ENTITIES, *members], edges)
    assert [each.supplier for each in found.dependencies] == ["one"]
    assert {"one", "two"} <= {each.id for each in found.items}
