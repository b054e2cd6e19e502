"""``history`` on things, and questions as of a moment of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.graphql.conftest import link, names, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

HISTORY = """query($first: Int, $before: Int) { servers(where: {name: {eq: "srv-1"}}) { edges { node {
  history(first: $first, before: $before) { revision at actor kind source
    changes { change relationship id class name node { name } attributes { name before after } } } } } } }"""
LATER = "2026-11-05T08:00:00Z"


def later(item: Any, **attributes: Any) -> Any:
    item.attributes.update(attributes)
    object.__setattr__(item, "seen", LATER)
    return item


async def history(api: Api, **options: Any) -> list[Any]:
    (edge,) = (await api.ask(HISTORY, **options))["servers"]["edges"]
    return list(edge["node"]["history"])


async def test_a_thing_tells_its_history(api: Api) -> None:
    await api.load(later(thing("srv-1", "Server", serial_number="S9")))
    newest, *_, first = await history(api, first=9)
    assert newest["changes"] == [
        {
            "change": "changed", "relationship": None, "class": None, "name": None, "node": {"name": "srv-1"},
            "id": newest["changes"][0]["id"],
            "attributes": [{"name": "serial_number", "before": "S1", "after": "S9"}],
        }
    ]  # fmt: skip
    assert (newest["actor"], newest["kind"], newest["source"]) == ("tester", "load", "t")
    assert first["changes"][0]["change"] == "created"
    told = [(each["relationship"], each["class"], each["name"], each["node"]["name"])
            for event in await history(api, first=9) for each in event["changes"] if each["relationship"]]  # fmt: skip
    assert sorted(told) == [
        ("AFFECTED_BY", "Incident", "inc-2", "inc-2"),
        ("CHANGED_BY", "Change", "chg-1", "chg-1"),
        ("RUNS", "Hypervisor", "esx-1", "esx-1"),
    ]
    assert [each["revision"] for each in await history(api, first=1)] == [newest["revision"]]
    assert newest["revision"] not in [each["revision"] for each in await history(api, before=newest["revision"])]
    assert await history(api, first=0) == []


async def test_the_history_of_many_costs_as_much_as_that_of_one(api: Api) -> None:
    query = """{ configurationItems(first: %d) { edges { node { history(first: 5) {
        revision changes { name node { name } attributes { name } } } } } } }"""
    one, many = [await api.calls(query % count) for count in (1, 50)]
    assert many == {"page": 1, "history": 1, "aliases": 1, "known": 1, "entities": 1}
    assert one.keys() == many.keys()


@pytest.mark.parametrize("first", [-1, 101])
async def test_a_history_is_bounded(api: Api, first: int) -> None:
    assert (await api.code(HISTORY, first=first))[0] == "BAD_USAGE"


async def test_a_long_page_of_long_histories_is_too_costly(api: Api) -> None:
    query = "{ servers(first: 500) { edges { node { history(first: 100) { changes { attributes { name } } } } } } }"
    assert (await api.code(query))[0] == "QUERY_TOO_COSTLY"


async def changed(api: Api) -> tuple[int, int]:
    """Change the shop; give the revisions before and after."""
    before = await api.store.revision()
    await api.load(
        later(thing("srv-1", "Server", serial_number="S9")), later(thing("srv-3", "Server")),
        later(link("esx-1", "RUNS_ON", "srv-3")),
    )  # fmt: skip
    return before, await api.store.revision()


async def test_now_and_then_in_one_query(api: Api) -> None:
    before, _ = await changed(api)
    data = await api.ask(
        """query($then: String) {
          now: servers { totalCount edges { node { ...it } } }
          then: servers(asOf: $then) { totalCount edges { node { ...it } } } }
          fragment it on Server { name serialNumber runs { edges { node { name } } } }""",
        then=str(before),
    )
    assert (data["now"]["totalCount"], data["then"]["totalCount"]) == (4, 3)
    now, then = ({e["node"]["name"]: e["node"] for e in data[when]["edges"]} for when in ("now", "then"))
    assert (now["srv-1"]["serialNumber"], then["srv-1"]["serialNumber"]) == ("S9", "S1")
    assert names(now["srv-3"]["runs"]) == names(then["srv-1"]["runs"]) == ["esx-1"]
    assert "srv-3" not in then


async def test_a_list_of_the_past_is_filtered_and_paged_like_one_of_now(api: Api) -> None:
    before, _ = await changed(api)
    query = """query($after: String, $then: String) { servers(first: 1, after: $after, asOf: $then,
        where: {or: [{serialNumber: {startsWith: "S"}}, {related: {type: RUNS}}]})
        { edges { node { name } } pageInfo { endCursor hasNextPage } } }"""
    found: list[str] = []
    after = None
    while True:
        page = (await api.ask(query, after=after, then=str(before)))["servers"]
        found += names(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == ["box", "srv-1", "srv-2"]


async def test_impact_of_the_past_and_all_that_is_asked_below_it(api: Api) -> None:
    before, after = await changed(api)
    data = await api.ask(
        """query($then: String) { impact(of: [{ref: "t:srv-1"}], asOf: $then) { revision asOf
          affected { edges { node { ci { name ... on Hypervisor { runsOn { edges { node { name } } } } } } } }
          unknown { because } }
          now: impact(of: [{ref: "t:srv-1"}]) { revision asOf } }""",
        then=str(before),
    )
    assert (data["impact"]["revision"], data["now"]) == (before, {"revision": after, "asOf": None})
    assert data["impact"]["asOf"] == await api.store.written_at(before)
    esx = next(e["node"]["ci"] for e in data["impact"]["affected"]["edges"] if e["node"]["ci"]["name"] == "esx-1")
    assert names(esx["runsOn"]) == ["srv-1"]
    assert any("is not in the journal" in each["because"] for each in data["impact"]["unknown"])


async def test_node_and_history_of_the_past_end_there(api: Api) -> None:
    before, after = await changed(api)
    (edge,) = (await api.ask('{ servers(where: {name: {eq: "srv-1"}}) { edges { node { id } } } }'))["servers"]["edges"]
    query = """query($id: ID!, $then: String) {
        node(id: $id, asOf: $then) { ... on Server { serialNumber history { revision } } } }"""
    then, now = [(await api.ask(query, id=edge["node"]["id"], then=t))["node"] for t in (str(before), str(after))]
    assert (then["serialNumber"], now["serialNumber"]) == ("S1", "S9")
    assert max(each["revision"] for each in then["history"]) <= before < now["history"][0]["revision"]


async def test_a_past_is_made_once_and_dropped_when_others_are_asked_about(api: Api) -> None:
    before, after = await changed(api)
    query = "query($then: String) { servers(asOf: $then) { totalCount } }"
    assert (await api.calls(query, then=str(before)))["scan"] == 1
    assert "scan" not in await api.calls(query, then=str(before))
    both = "query($a: String, $b: String) { a: servers(asOf: $a) { totalCount } b: servers(asOf: $b) { totalCount } }"
    data = await api.ask(both, a=str(before), b=str(after))
    assert (data["a"]["totalCount"], data["b"]["totalCount"]) == (3, 4)
    for then in ("0", str(after)):
        await api.ask(query, then=then)
    assert (await api.calls(query, then=str(before)))["scan"] == 1


@pytest.mark.parametrize(("then", "code"), [("999", "BAD_USAGE"), ("now", "BAD_USAGE"), ("", "BAD_USAGE")])
async def test_a_moment_that_is_none(api: Api, then: str, code: str) -> None:
    query = "query($then: String) { servers(asOf: $then) { totalCount } }"
    assert (await api.code(query, then=then))[0] == code


async def test_many_moments_at_once_are_too_costly(api: Api) -> None:
    query = " ".join(f'm{n}: servers(asOf: "{n}") {{ totalCount }}' for n in range(3))
    result = await api.result(f"{{ {query} }}")
    assert [error.extensions["code"] for error in result.errors] == ["QUERY_TOO_COSTLY"]
