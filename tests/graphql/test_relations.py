"""Relationships by name, in both directions, and how many calls to the store they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.graphql.conftest import link, names, rows, thing

if TYPE_CHECKING:
    from knockon.schema.observation import Item
    from tests.graphql.conftest import Api


async def one(api: Api, field: str, name: str, selection: str) -> dict[str, object]:
    data = await api.ask(f'{{ {field}(where: {{name: {{eq: "{name}"}}}}) {{ edges {{ node {{ {selection} }} }} }} }}')
    (edge,) = data[field]["edges"]
    node: dict[str, object] = edge["node"]
    return node


async def test_a_relationship_is_a_field_of_both_its_ends(api: Api) -> None:
    down = await one(api, "hypervisors", "esx-1", "runsOn { totalCount edges { node { __typename name } } }")
    assert down["runsOn"] == {"totalCount": 1, "edges": [{"node": {"__typename": "Server", "name": "srv-1"}}]}
    up = await one(api, "servers", "srv-1", "runs { totalCount edges { node { __typename name } } }")
    assert up["runs"] == {"totalCount": 1, "edges": [{"node": {"__typename": "Hypervisor", "name": "esx-1"}}]}


async def test_edges_have_the_attributes_of_their_type(api: Api) -> None:
    farm = await one(api, "clusters", "farm", "hasMember { edges { weight evidence node { name } } }")
    assert rows(farm["hasMember"], lambda edge: (edge["node"]["name"], edge["weight"])) == [
        ("esx-1", None),
        ("esx-2", 2),
    ]
    soft = await one(api, "businessServices", "intranet", "dependsOn { edges { strength redundancyGroup } }")
    assert soft["dependsOn"] == {"edges": [{"strength": "soft", "redundancyGroup": None}]}
    seen = await one(api, "businessServices", "shop", "dependsOn { edges { evidence } }")
    assert seen["dependsOn"] == {"edges": [{"evidence": "observed"}]}


async def test_what_waits_is_no_edge(api: Api) -> None:
    wiki = await one(api, "applications", "wiki", "dependsOn { totalCount }")
    assert wiki["dependsOn"] == {"totalCount": 0}


async def test_records_lead_to_things_and_back(api: Api) -> None:
    data = await api.ask(
        "{ changes { edges { node { name changes(first: 5) { edges { effect node { name "
        "... on Server { changedBy { edges { effect node { name kind } } } } } } } } } } }"
    )
    (change,) = [edge["node"] for edge in data["changes"]["edges"]]
    assert rows(change["changes"], lambda edge: (edge["effect"], edge["node"]["name"])) == [
        ("down", "srv-1"),
        ("down", "srv-2"),
    ]
    back = change["changes"]["edges"][0]["node"]["changedBy"]["edges"]
    assert [(edge["effect"], edge["node"]["name"]) for edge in back] == [("down", "chg-1")]


@pytest.mark.parametrize("size", [1, 2, 3, 4])
async def test_relationships_have_pages_too(empty: Api, size: int) -> None:
    await empty.load(
        thing("app", "Application"),
        *(thing(f"s{i}", "Server") for i in range(3)),
        *(link("app", "DEPENDS_ON", f"s{i}", redundancy_group=group) for i in range(3) for group in ("a", "b")),
    )
    query = """query($first: Int, $after: String, $last: Int, $before: String) { applications { edges { node {
      dependsOn(first: $first, after: $after, last: $last, before: $before) {
        edges { redundancyGroup node { name } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } } }"""
    expected = [(f"s{i}", group) for i in range(3) for group in ("a", "b")]
    for count, place, end, more in (
        ("first", "after", "endCursor", "hasNextPage"),
        ("last", "before", "startCursor", "hasPreviousPage"),
    ):
        found: list[tuple[str, str]] = []
        cursor, going = None, True
        while going:
            data = await empty.ask(query, **{count: size, place: cursor})
            page = data["applications"]["edges"][0]["node"]["dependsOn"]
            part = rows(page, lambda edge: (edge["node"]["name"], edge["redundancyGroup"]))
            found = [*found, *part] if count == "first" else [*part, *found]
            going, cursor = page["pageInfo"][more], page["pageInfo"][end]
        assert found == expected


def halls(number: int) -> list[Item]:
    """Make so many clusters of two hypervisors on a server each, with an incident and a change on it."""
    return [
        item
        for i in range(number)
        for item in (
            thing(f"svc{i}", "BusinessService", description=f"one of {number}"),
            thing(f"farm{i}", "Cluster"),
            thing(f"esx{i}", "Hypervisor"),
            thing(f"srv{i}", "Server"),
            thing(f"inc{i}", "Incident", kind="outage", state="new"),
            thing(f"chg{i}", "Change", state="planned"),
            thing(f"user{i}", "Person"),
            link(f"svc{i}", "DEPENDS_ON", f"farm{i}"),
            link(f"esx{i}", "MEMBER_OF", f"farm{i}"),
            link(f"esx{i}", "RUNS_ON", f"srv{i}"),
            link(f"inc{i}", "AFFECTS", f"srv{i}"),
            link(f"chg{i}", "CHANGES", f"srv{i}"),
            link(f"user{i}", "USES", f"svc{i}"),
        )
    ]


DEEP = """{ clusters { totalCount edges { node { name records { key } provenance { attribute source }
  hasMember(first: 2) { totalCount edges { weight node { name ... on Hypervisor {
    runsOn(first: 2) { edges { node { name affectedBy(first: 2) { totalCount edges { node { name } } } } } }
    memberOf(first: 2) { edges { node { name } } } } } } }
  dependencyOf { pageInfo { hasNextPage } edges { node { name provenance { seen } } } } } } } }"""
ANSWERS = """{
  incidents { edges { node { name affectedServices { state added because service { name criticality
    dependsOn { totalCount } } } } } }
  changes { edges { node { name risk { level score factors { name } missing } } } }
  servers { edges { node { name blastRadius(state: degraded) { revision counts { DOWN }
    services { users service { name } }
    affected(first: 5) { totalCount edges { node { name ci { name } } } } } } } } }"""


@pytest.mark.parametrize("query", [DEEP, ANSWERS])
async def test_fifty_parents_cost_no_more_calls_than_one(empty: Api, query: str) -> None:
    # asked before, so that neither count has the making of the topology; what the query itself reads is not remembered,
    # nor recalled: the second load changes the service that the first one made
    building = '{ dependencies(ref: "srv0") { revision } }'
    await empty.load(*halls(1))
    await empty.ask(building)
    few = await empty.calls(query)
    await empty.load(*halls(50))
    await empty.ask(building)
    many = await empty.calls(query)
    assert many.keys() == few.keys()
    # answers that arrive apart in time may share a batch or not, whatever the number of parents
    assert sum(many.values()) <= sum(few.values()) + 10
    assert len((await empty.ask(query)).popitem()[1]["edges"]) == 50


async def test_an_interface_leads_to_what_is_below_it(api: Api) -> None:
    data = await api.ask(
        "{ incidents { edges { node { affects { edges { node { name ... on Server { serialNumber } } } } } } } }"
    )
    reached = [edge["node"]["affects"]["edges"][0]["node"] for edge in data["incidents"]["edges"]]
    assert reached == [{"name": "box", "serialNumber": "T1"}, {"name": "srv-1", "serialNumber": "S1"}]
    assert names((await api.ask("{ clusters { edges { node { name } } } }"))["clusters"]) == ["farm"]
