"""One thing by what it is called, and all relationships of a thing in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import AccessScope, Sight
from tests.graphql.conftest import link, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

RELATIONSHIPS = """query($ref: String!, $types: [RelationshipName!], $first: Int, $after: String, $last: Int,
    $before: String) {
  entity(ref: $ref) { relationships(types: $types, first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage endCursor hasPreviousPage startCursor }
    edges { cursor name type direction attributes records { source from to scope seen attributes }
      node { class name } } } } }"""


async def related(api: Api, ref: str, **how: Any) -> Any:
    return (await api.ask(RELATIONSHIPS, ref=ref, **how))["entity"]["relationships"]


@pytest.mark.parametrize("ref", ["Server:srv-1", "t:srv-1", "srv-1", "ConfigurationItem:srv-1"])
async def test_a_thing_is_found_by_what_people_call_it(api: Api, ref: str) -> None:
    found = (await api.ask("query($ref: String!) { entity(ref: $ref) { id class name } }", ref=ref))["entity"]
    assert (found["class"], found["name"]) == ("Server", "srv-1")
    query = 'query($ref: String!) { entity(ref: $ref, asOf: "1") { id ... on Server { serialNumber } } }'
    assert (await api.ask(query, ref=found["id"]))["entity"] == {"id": found["id"], "serialNumber": "S1"}


async def test_what_means_nothing_or_several_things_is_an_error(api: Api) -> None:
    assert (await api.code('{ entity(ref: "nothing") { id } }'))[0] == "REFERENCE_NOT_FOUND"
    await api.load(thing("rack", "Application", name="srv-1"))
    code, message = await api.code('{ entity(ref: "srv-1") { id } }')
    assert (code, "t:rack" in message) == ("REFERENCE_AMBIGUOUS", True)


async def test_all_relationships_of_a_thing_are_told_whatever_their_type(api: Api) -> None:
    found = await related(api, "esx-2")
    told = [(e["name"], e["type"], e["direction"], e["node"]["class"], e["node"]["name"]) for e in found["edges"]]
    assert told == [
        ("MEMBER_OF", "MEMBER_OF", "out", "Cluster", "farm"), ("RUNS_ON", "RUNS_ON", "out", "Server", "srv-2"),
    ]  # fmt: skip
    assert found["totalCount"] == 2
    assert found["edges"][0]["attributes"] == {"weight": 2}
    (said,) = found["edges"][0]["records"]
    assert (said["source"], {said["from"], said["to"]}, said["scope"], said["attributes"]) == (
        "t", {"esx-2", "farm"}, "", {"weight": 2},
    )  # fmt: skip
    assert said["seen"].startswith("2026-11-01T08:00:00")
    back = await related(api, "Server:srv-2")
    assert [(e["name"], e["type"], e["direction"], e["node"]["name"]) for e in back["edges"]] == [
        ("CHANGED_BY", "CHANGES", "in", "chg-1"), ("RUNS", "RUNS_ON", "in", "esx-2"),
    ]  # fmt: skip
    only = await related(api, "Server:srv-2", types=["RUNS", "DEPENDS_ON"])
    assert ([e["node"]["name"] for e in only["edges"]], only["totalCount"]) == (["esx-2"], 1)


async def test_they_are_read_page_by_page_over_all_types(api: Api) -> None:
    await api.load(
        *(thing(f"a{n}", "Application") for n in range(5)),
        *(link(f"a{n}", "RUNS_ON", "box") for n in range(5)),
        *(link(f"a{n}", "DEPENDS_ON", "box") for n in range(3)),
    )
    whole = await related(api, "Server:box")
    assert whole["totalCount"] == len(whole["edges"]) == 10  # with wiki and inc-1
    for size in (1, 3, 4):
        read: list[Any] = []
        after, going = None, True
        while going:
            page = await related(api, "Server:box", first=size, after=after)
            assert 0 < len(page["edges"]) <= size
            read += page["edges"]
            going, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
        assert read == whole["edges"]
        read, before, going = [], None, True
        while going:
            page = await related(api, "Server:box", last=size, before=before)
            assert 0 < len(page["edges"]) <= size
            read = page["edges"] + read
            going, before = page["pageInfo"]["hasPreviousPage"], page["pageInfo"]["startCursor"]
        assert read == whole["edges"]
    foreign = (await api.ask("{ servers(first: 1) { pageInfo { endCursor } } }"))["servers"]["pageInfo"]["endCursor"]
    assert (await api.code(RELATIONSHIPS, ref="Server:box", after=foreign))[0] == "BAD_CURSOR"


async def test_what_is_sensitive_of_a_relationship_is_redacted(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sight, "redacted", lambda _self, _owner, values: [each for each in values if each == "weight"])
    found = await related(api.seen_by(AccessScope.VIEWER), "esx-2")
    assert found["edges"][0]["attributes"] == found["edges"][0]["records"][0]["attributes"] == {"weight": None}


async def test_who_says_so_is_of_the_present_only(api: Api) -> None:
    query = """query($then: String) {
      entity(ref: "esx-2", asOf: $then) { relationships { totalCount edges { name records { source } } } } }"""
    result = await api.result(query, then=str(await api.store.revision()))
    told = result.data["entity"]["relationships"]
    assert (told["totalCount"], [each["records"] for each in told["edges"]]) == (2, [None, None])
    assert {each.extensions["code"] for each in result.errors} == {"BAD_USAGE"}


async def test_many_things_cost_no_more_reads_than_few(api: Api) -> None:
    query = "{ servers(first: 500) { edges { node { relationships { totalCount edges { records { source } } } } } } }"
    calls = []
    for some in (range(3), range(3, 90)):
        await api.load(
            *(thing(f"m{n}", "Server") for n in some), *(thing(f"a{n}", "Application") for n in some),
            *(link(f"a{n}", "RUNS_ON", f"m{n}") for n in some), *(link(f"a{n}", "DEPENDS_ON", f"m{n}") for n in some),
        )  # fmt: skip
        calls.append(await api.calls(query))
    few, many = calls
    assert (many["count_related"], many["neighbours"]) == (1, few["neighbours"]) == (1, 4)
    # who says so is asked for as the types come in, at most once for each
    assert max(few["sayings"], few["scopes"], many["sayings"], many["scopes"]) <= many["neighbours"]
