"""Records, provenance and findings: who says what, and what to look at."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from knockon.cmdb.loading.load import load
from knockon.cmdb.stewardship.decisions import accept
from knockon.itsm.health.freshness import refresh_period
from knockon.schema.observation import EntityObservation
from tests.graphql.conftest import MODEL, SEEN, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

LATER = "2026-11-02T08:00:00Z"


async def second(api: Api, key: str, **attributes: Any) -> None:
    item = EntityObservation("u", key, "Server", attributes, LATER)
    await load(api.store, MODEL, [item], source="u", actor="tester", scope="hall")


async def test_a_thing_tells_its_records_and_whose_word_counts(empty: Api) -> None:
    await empty.load(thing("web", "Server", serial_number="S1", description="rack 7"))
    await second(empty, "w1", name="WEB", serial_number="s1")
    data = await empty.ask(
        """{ servers { edges { node { name records { source key class scope seen attributes }
        provenance { attribute value source key seen } } } } }"""
    )
    ((node,),) = [[each["node"] for each in data["servers"]["edges"]]]
    assert node["name"] == "WEB"
    assert [(each["source"], each["key"], each["scope"]) for each in node["records"]] == [
        ("t", "web", ""), ("u", "w1", "hall"),
    ]  # fmt: skip
    assert node["records"][0]["attributes"] == {"name": "web", "serial_number": "S1", "description": "rack 7"}
    assert [(each["attribute"], each["value"], each["source"], each["seen"][:10]) for each in node["provenance"]] == [
        ("description", "rack 7", "t", "2026-11-01"), ("name", "WEB", "u", "2026-11-02"),
        ("serial_number", "s1", "u", "2026-11-02"),
    ]  # fmt: skip


async def test_every_thing_has_them_whatever_its_class(api: Api) -> None:
    query = "{ entities(first: 100) { edges { node { name records { key } provenance { attribute value } } } } }"
    found = [each["node"] for each in (await api.ask(query))["entities"]["edges"]]
    assert len(found) > 10
    assert all([each["key"] for each in node["records"]] == [node["name"]] for node in found)
    assert all({"attribute": "name", "value": node["name"]} in node["provenance"] for node in found)
    calls = await api.calls(query)
    assert calls == {"page": 1, "members": 1, "scopes": 1}


async def test_freshness_is_that_of_the_newest_report_and_the_class(empty: Api) -> None:
    await empty.load(thing("web", "Server", serial_number="S1"))
    query = "{ servers { edges { node { freshness { source seen until stale } } } } }"
    ((node,),) = [[each["node"] for each in (await empty.ask(query))["servers"]["edges"]]]
    until = datetime.fromisoformat(SEEN) + refresh_period(MODEL, "Server")
    assert node["freshness"] == {
        "source": "t", "seen": SEEN, "until": f"{until.isoformat()[:19]}Z",
        "stale": until < datetime.now(UTC),
    }  # fmt: skip
    item = EntityObservation("u", "w1", "Server", {"serial_number": "S1"}, "2999-01-01T00:00:00Z")
    await load(empty.store, MODEL, [item], source="u", actor="tester")
    ((node,),) = [[each["node"] for each in (await empty.ask(query))["servers"]["edges"]]]
    assert (node["freshness"]["source"], node["freshness"]["stale"]) == ("u", False)
    assert await empty.calls(query) == {"page": 1, "members": 1, "scopes": 1}


FINDINGS = """query($code: IdentityFindingCode, $first: Int, $after: String) {
  findings(code: $code, first: $first, after: $after) {
    edges { cursor node { id code records claim veto status message } } pageInfo { hasNextPage endCursor } } }"""


async def test_findings_are_read_page_by_page_and_by_code(empty: Api) -> None:
    await empty.load(
        thing("web", "Server", serial_number="S1"),
        *(thing(f"double-{n}", "Server", name="double", serial_number="same") for n in range(3)),
    )
    await second(empty, "w1", name="web", serial_number="S2")
    everything = (await empty.ask(FINDINGS))["findings"]
    nodes = [each["node"] for each in everything["edges"]]
    assert [each["code"] for each in nodes[-1:]] == ["IDENTITY_VETO"]
    assert (nodes[-1]["records"], nodes[-1]["claim"]) == (["t:web", "u:w1"], "ComputerSystem.name web")
    assert "mutation `link`" in nodes[-1]["message"]
    assert len(nodes) > 3
    read: list[Any] = []
    after, going = None, True
    while going:
        page = (await empty.ask(FINDINGS, first=2, after=after))["findings"]
        read += [each["node"] for each in page["edges"]]
        going, after = page["pageInfo"]["hasNextPage"], page["pageInfo"]["endCursor"]
    assert read == nodes
    vetoes = (await empty.ask(FINDINGS, code="IDENTITY_VETO"))["findings"]["edges"]
    assert [each["node"] for each in vetoes] == nodes[-1:]
    assert await empty.calls(FINDINGS) == {"findings": 1, "decisions": 1}


async def test_findings_name_their_things_and_who_accepted_them(empty: Api) -> None:
    await empty.load(*(thing(f"double-{n}", "Server", serial_number=f"S{n // 2}") for n in range(6)))
    query = """query($accepted: Boolean) { findings(accepted: $accepted) { edges { node {
      id things { id class name } accepted { by reason kind } } } } }"""

    async def told(**asked: Any) -> list[Any]:
        return [each["node"] for each in (await empty.ask(query, **asked))["findings"]["edges"]]

    everything = await told()
    assert [each["accepted"] for each in everything] == [None] * 3
    assert {tuple(one["name"] for one in each["things"]) for each in everything} == {
        ("double-0", "double-1"), ("double-2", "double-3"), ("double-4", "double-5"),
    }  # fmt: skip
    assert {one["class"] for each in everything for one in each["things"]} == {"Server"}
    assert await empty.calls(query) == {"findings": 1, "decisions": 1, "records": 1, "entities": 1}
    right = everything[1]
    await accept(empty.store, MODEL, right["id"], by="ann", reason="a cluster")
    assert await told() == [everything[0], everything[2]] == await told(accepted=False)
    said = {"by": "ann", "reason": "a cluster", "kind": "right"}
    assert await told(accepted=True) == [{**right, "accepted": said}]


async def test_a_status_that_differs_from_what_is_seen_is_told_with_it(empty: Api) -> None:
    await empty.load(thing("web", "Server", serial_number="S1", status="ordered"))
    await second(empty, "w1", serial_number="S1")
    ((node,),) = [[each["node"] for each in (await empty.ask(FINDINGS))["findings"]["edges"]]]
    assert (node["code"], node["records"], node["claim"], node["status"]) == (
        "PRESENT_AGAINST_STATUS", ["u:w1"], None, "ordered",
    )  # fmt: skip
    assert "without a change" in node["message"]


async def test_a_cursor_of_another_list_is_refused(api: Api) -> None:
    data = await api.ask("{ servers(first: 1) { pageInfo { endCursor } } }")
    assert (await api.code(FINDINGS, after=data["servers"]["pageInfo"]["endCursor"]))[0] == "BAD_CURSOR"


async def test_what_is_known_of_the_present_only_does_not_take_the_past_away(api: Api) -> None:
    result = await api.result(
        """{ servers(asOf: "1", first: 2) { edges { node {
        name records { key } provenance { attribute } freshness { seen } } } } }"""
    )
    assert {(each.extensions or {}).get("code", each.message) for each in result.errors} == {"BAD_USAGE"}
    nodes = [each["node"] for each in result.data["servers"]["edges"]]
    assert nodes
    assert all(each["name"] and each["records"] is each["provenance"] is each["freshness"] is None for each in nodes)


async def test_a_thing_tells_the_findings_about_it(empty: Api) -> None:
    await empty.load(
        thing("one", "Server", serial_number="same"), thing("two", "Server", serial_number="same"),
        thing("else", "Server", serial_number="S3"),
    )  # fmt: skip
    query = """query($accepted: Boolean!, $asOf: String) { servers(asOf: $asOf) { edges { node {
      name findings(accepted: $accepted) { id code records things { name } accepted { by } } } } } }"""

    async def of(*, accepted: bool) -> dict[str, Any]:
        found = await empty.ask(query, accepted=accepted)
        return {each["node"]["name"]: each["node"]["findings"] for each in found["servers"]["edges"]}

    ((listed,),) = [[each["node"] for each in (await empty.ask(FINDINGS))["findings"]["edges"]]]
    found = await of(accepted=False)
    assert (found["one"], found["else"]) == (found["two"], [])
    assert [(each["id"], each["code"]) for each in found["one"]] == [(listed["id"], "DUPLICATE_IDENTIFIER")]
    assert [each["name"] for each in found["one"][0]["things"]] == ["one", "two"]
    await accept(empty.store, MODEL, listed["id"], by="ann")
    assert await of(accepted=False) == {"one": [], "two": [], "else": []}
    assert (await of(accepted=True))["two"][0]["accepted"] == {"by": "ann"}
    past = await empty.result(query, accepted=False, asOf="1")
    assert {each.extensions["code"] for each in past.errors} == {"BAD_USAGE"}
    assert {each["node"]["findings"] for each in past.data["servers"]["edges"]} == {None}
