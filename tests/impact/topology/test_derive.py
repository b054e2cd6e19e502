"""Edges become dependencies by the model's rules: way, effect, group, settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knockon.cmdb.contract.edges import Edges
from knockon.cmdb.contract.rows import Edge, EdgeKey, Entity, Scan
from knockon.errors import BadUsage
from knockon.impact.topology.derive import network, topology_of
from knockon.impact.topology.network import Dependency
from knockon.impact.topology.topology import Topology
from knockon.schema.installed import installed_model, read_model
from knockon.schema.states import State, effect_map
from tests.impact.topology.test_splice import same

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

    from knockon.schema.model import Model

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


CONDITIONED = """
relationships:
  LEANS_ON:
    inverse: LEANT_ON_BY
    description: A relationship whose effect hangs on what its ends are like.
    ends: [[Application, Application], [Application, Server]]
    group: none
    impact:
      - {name: plain, flows: target_to_source}
      - name: idle
        flows: none
        ends: [Application, ConfigurationItem]
        when: {source: {environment: test}}
        because: it carries nothing
      - name: back
        flows: source_to_target
        ends: [ConfigurationItem, Application]
        when: {target: {environment: staging}}
        priority: 1
"""


@pytest.fixture(scope="module")
def conditioned(tmp_path_factory: pytest.TempPathFactory) -> Model:
    path = tmp_path_factory.mktemp("model") / "model.yaml"
    path.write_text(CONDITIONED)
    return read_model(extra=[path])


@st.composite
def scans(draw: DrawFn) -> Scan:
    """Things that rules, lifecycles and redundancy tell apart, and edges of all sorts between them and others."""
    classes = st.sampled_from([*4 * ["Application"], "Server", "Cluster", "Hypervisor", "UPS", "Rack"])
    own = st.fixed_dictionaries(
        {},
        optional={
            "environment": st.sampled_from(["test", "staging", "production"]),
            "status": st.sampled_from(["ordered", "in_use"]),
            "min_up": st.sampled_from(["1", "2", "50%"]),
        },
    )
    drawn = draw(st.lists(st.tuples(classes, own), min_size=draw(st.integers(1, 6)), max_size=6))
    things = [entity(f"t{number}", name, **values) for number, (name, values) in enumerate(drawn)]
    ends = st.sampled_from([*(each.id for each in things), "gone"])
    types = st.sampled_from(["DEPENDS_ON", *4 * ["LEANS_ON"], "MEMBER_OF", "CONTAINS", "POWERED_BY", "CONNECTS_TO"])
    said = st.fixed_dictionaries(
        {},
        optional={
            "strength": st.just("soft"),
            "redundancy_group": st.sampled_from(["g", "h"]),
            "weight": st.integers(1, 3),
            "min_up": st.sampled_from(["1", "2", "50%"]),
        },
    )
    many = st.lists(st.tuples(ends, types, ends, said), min_size=draw(st.integers(0, 12)), max_size=12)
    edges = [edge(a, kind, b, **values) for a, kind, b, values in draw(many)]
    return Scan(1, things, [each for each in edges if each.key.source_id != each.key.target_id], [])


@given(scans(), st.sampled_from([(), ("DEPENDS_ON",), ("LEANT_ON_BY", "CONTAINS")]))
def test_deriving_each_sort_of_edge_once_is_deriving_every_edge(
    conditioned: Model, scan: Scan, exclude: tuple[str, ...]
) -> None:
    one_by_one = Topology.of(network(conditioned, scan.entities, scan.edges, exclude=exclude))
    same(topology_of(conditioned, scan, exclude=exclude), one_by_one)
    same(topology_of(conditioned, replace(scan, edges=Edges.of(scan.edges)), exclude=exclude), one_by_one)


@given(scans())
def test_relationships_in_columns_are_the_same_relationships(scan: Scan) -> None:
    columns = Edges.of(scan.edges)
    assert list(columns) == list(scan.edges)
    assert [columns[number] for number in range(-1, -len(columns) - 1, -1)] == list(reversed(scan.edges))
    assert columns[1:3] == scan.edges[1:3]
    assert columns == Edges.of(list(columns))
    assert not scan.edges or columns != Edges.of(scan.edges[1:])
