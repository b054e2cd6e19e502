"""Impact answers: the same as on the command line, field by field, and from there on along the graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from knockon.itsm.blast_radius.answer_id import answer_id, read_answer_id
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.blast_radius.supports import supports, supports_json
from knockon.itsm.decisions.risk import LIKELIHOOD_MISSING
from tests.graphql.conftest import link, names, thing
from tests.graphql.test_history import changed

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

WHOLE = """
fragment Answer on ImpactAnswer {
  answerId revision modelVersion engineVersion asOf given truncated excludedTypes excludedTruncated
  newSinglePointsTruncated confidence confidenceBecause { text edges lookedAt sound inferred stale unknown unmapped }
  seeds { id class name asked state }
  assumed { id class name }
  affected(first: 500) { edges { node { id class name state distance
    because { text rule group { name total up full lost minUp fullUp } } path { from type to } } } }
  counts { DOWN DEGRADED AT_RISK }
  survivors { id class name group up minUp lost margin }
  starved { id class name state because }
  excluded { from type to because }
  already { id class name state because }
  services { id class name state criticality users
    because { text rule group { name total up full lost minUp fullUp } } path { from type to }
    serviceHours { inside until calendars { id class name } because }
    customers { id class name } agreements { id class name touched { name value } }
    owners { id class name } supportGroups { id class name } newSinglePoints { id class name } }
  notify { id class name because }
  unmapped { id class name }
  unknown { id class name because }
}
query($of: [ImpactSeedInput!]!, $given: [Given!]!, $assume: [String!], $max: Int, $exclude: [RelationshipName!]) {
  impact(of: $of, given: $given, assume: $assume, maxDistance: $max, exclude: $exclude) { ...Answer } }"""


def as_json(answer: dict[str, Any]) -> dict[str, Any]:
    """Give a GraphQL answer the form of the command line: lists for connections, nothing for null."""
    flat = {**answer, "affected": [edge["node"] for edge in answer["affected"]["edges"]]}
    flat["affected"] = [{**each, "because": _without_null(each["because"])} for each in flat["affected"]]
    flat["services"] = [{**each, "because": _without_null(each["because"])} for each in flat["services"]]
    flat["unknown"] = [_without_null(each) for each in flat["unknown"]]
    return flat


def _without_null(value: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in value.items() if each is not None}


@pytest.mark.parametrize(
    ("of", "options"),
    [
        ([{"ref": "srv-1"}], {}),
        ([{"ref": "Server:srv-1"}, {"ref": "t:srv-2", "state": "down"}], {}),
        ([{"ref": "srv-1", "state": "degraded"}, {"ref": "esx-2", "state": "removed"}], {}),
        ([{"ref": "srv-1"}, {"ref": "srv-2"}], {"max_distance": 2}),
        ([{"ref": "srv-1"}, {"ref": "srv-2"}], {"assume": ["web"]}),
        ([{"ref": "srv-2"}], {"given": "open"}),
        ([{"ref": "box"}], {"given": "open"}),
        ([{"ref": "box"}], {"exclude": ["RUNS_ON"]}),
        ([{"ref": "box"}], {"exclude": ["RUNS"]}),
        ([{"ref": "wiki"}], {}),
        ([{"ref": "ann"}], {}),
    ],
)
async def test_impact_is_what_the_command_line_says(
    api: Api, of: list[dict[str, str]], options: dict[str, Any]
) -> None:
    asks = [Ask(each["ref"], each.get("state", "down")) for each in of]
    expected = impact_json(await blast_radius(api.topologies, asks, **options)) | {"answerId": ""}
    data = await api.ask(
        WHOLE,
        of=of,
        given=options.get("given", "none"),
        assume=options.get("assume"),
        max=options.get("max_distance"),
        exclude=options.get("exclude"),
    )
    assert as_json(data["impact"]) | {"answerId": ""} == expected


async def test_the_questions_above_have_something_in_every_list(api: Api) -> None:
    both = (await api.ask(WHOLE, of=[{"ref": "srv-1"}, {"ref": "srv-2"}], given="open", assume=["intranet"]))["impact"]
    one = (await api.ask(WHOLE, of=[{"ref": "srv-1"}], given="none"))["impact"]
    wiki = (await api.ask(WHOLE, of=[{"ref": "wiki"}], given="none"))["impact"]
    assert both["counts"]["DOWN"] == 5
    assert [each["name"] for each in both["assumed"]] == ["intranet"]
    assert [each["name"] for each in both["already"]] == ["box", "wiki"]
    assert [each["name"] for each in both["services"]] == ["shop"]
    assert [(each["name"], each["lost"], each["margin"]) for each in one["survivors"]] == [("farm", 1, 0)]
    assert one["affected"]["edges"][1]["node"]["because"]["group"]["total"] == 3
    assert [each["name"] for each in wiki["unknown"]] == ["wiki"]


AGAIN = f"{WHOLE.partition('query(')[0]} query($id: String!) {{ answer(id: $id) {{ ...Answer }} }}"


async def test_an_answer_is_given_again_in_every_field(api: Api) -> None:
    asked = (await api.ask(WHOLE, of=[{"ref": "srv-1"}, {"ref": "box"}], given="open", assume=["shop"]))["impact"]
    assert (await api.ask(AGAIN, id=asked["answerId"]))["answer"] == asked


async def test_an_answer_of_an_earlier_revision_and_all_below_it_are_of_that(api: Api) -> None:
    asked = (await api.ask(WHOLE, of=[{"ref": "srv-1"}], given="none"))["impact"]
    before, after = await changed(api)
    again = (await api.ask(AGAIN, id=asked["answerId"]))["answer"]
    differs = {name for name, value in asked.items() if again[name] != value}
    assert differs == {"asOf", "confidence", "confidenceBecause", "unknown"}
    assert again["asOf"] == await api.store.written_at(before)
    assert [each["because"] for each in again["unknown"]] == [
        f"which relationships waited at revision {before} is not in the journal"
    ]
    data = await api.ask(
        """query($id: String!) { then: answer(id: $id) { ...it } now: impact(of: [{ref: "t:srv-1"}]) { ...it } }
          fragment it on ImpactAnswer { revision seeds { ci { ... on Server { serialNumber } } } }""",
        id=asked["answerId"],
    )
    assert [(data[each]["revision"], data[each]["seeds"][0]["ci"]["serialNumber"]) for each in ("then", "now")] == [
        (before, "S1"),
        (after, "S9"),
    ]


async def test_an_answer_that_cannot_be_had_says_so_with_a_code(api: Api) -> None:
    named = read_answer_id((await api.ask(WHOLE, of=[{"ref": "srv-1"}], given="none"))["impact"]["answerId"])
    version = api.topologies.model.version
    for name, code in (
        ("nonsense", "BAD_USAGE"),
        (answer_id(replace(named.asked, seeds=((named.asked.seeds[0][0], "purple"),)), 1, version), "BAD_USAGE"),
        (answer_id(replace(named.asked, given="purple"), named.revision, version), "BAD_USAGE"),
        (answer_id(replace(named.asked, exclude=("purple",)), named.revision, version), "BAD_USAGE"),
        (answer_id(named.asked, 99_999, version), "ANSWER_GONE"),
        (answer_id(named.asked, named.revision, "another"), "ANSWER_GONE"),
    ):
        assert (await api.code(AGAIN, id=name))[0] == code


async def test_supports_is_what_the_command_line_says(api: Api) -> None:
    expected = supports_json(await supports(api.topologies, "srv-1"))
    data = await api.ask(
        '{ supports(ref: "srv-1") { revision id class name services { id class name criticality users distance '
        "path { from type to } } } }"
    )
    assert data["supports"] == expected
    assert [each["name"] for each in expected["services"]] == ["shop"]


async def test_a_thing_has_its_own_blast_radius(api: Api) -> None:
    data = await api.ask(
        '{ a: servers(where: {name: {eq: "box"}}) { edges { node { blastRadius { services { name state } } } } } '
        'b: servers(where: {name: {eq: "box"}}) { edges { node { blastRadius(state: degraded) { seeds { asked state } '
        "services { name state service { criticality usedBy { edges { node { name } } } } } } } } } }"
    )
    (a,), (b,) = ([edge["node"]["blastRadius"] for edge in data[name]["edges"]] for name in "ab")
    assert a == {"services": [{"name": "intranet", "state": "DEGRADED"}]}
    assert b["seeds"] == [{"asked": "degraded", "state": "DEGRADED"}]
    users = {"edges": [{"node": {"name": "ann"}}]}
    assert b["services"] == [{"name": "intranet", "state": "DEGRADED", "service": {"criticality": 4, "usedBy": users}}]


async def test_an_incident_leads_to_the_services_that_it_hits(api: Api) -> None:
    data = await api.ask(
        "{ incidents { edges { node { name state openedAt "
        "affectedServices { service { __typename id name criticality } state because added holds } } } } }"
    )
    first, second = (edge["node"] for edge in data["incidents"]["edges"])
    assert (first["name"], first["state"], first["openedAt"]) == ("inc-1", "new", "2026-11-01T09:00:00Z")
    (hit,) = first["affectedServices"]
    assert (hit["service"]["__typename"], hit["service"]["name"], hit["state"]) == (
        "BusinessService",
        "intranet",
        "DEGRADED",
    )
    assert hit["added"] is True
    assert hit["holds"] is True
    assert hit["because"]
    assert [(each["service"]["name"], each["state"], each["holds"]) for each in second["affectedServices"]] == [
        ("shop", "AT_RISK", False)
    ]


async def test_a_change_has_its_risk_and_says_what_is_missing(api: Api) -> None:
    data = await api.ask(
        "{ changes { edges { node { risk { level score factors { name contribution because } missing } } } } }"
    )
    (risk,) = [edge["node"]["risk"] for edge in data["changes"]["edges"]]
    (factor,) = risk["factors"]
    assert (factor["name"], factor["contribution"]) == ("shop", risk["score"])
    assert risk["score"] == pytest.approx(8 * (1 + 3))
    assert LIKELIHOOD_MISSING in risk["missing"]


PAGE = """query($ref: String!, $first: Int, $after: String, $last: Int, $before: String) {
  impact(of: {ref: $ref}) { affected(first: $first, after: $after, last: $last, before: $before) {
    totalCount edges { node { name ci { name } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


@pytest.mark.parametrize("size", [1, 2, 3])
async def test_the_affected_have_pages(api: Api, size: int) -> None:
    expected = names((await api.ask(PAGE, ref="box", first=500))["impact"]["affected"])
    assert expected == ["wiki", "intranet"]
    for count, place, end, more in (
        ("first", "after", "endCursor", "hasNextPage"),
        ("last", "before", "startCursor", "hasPreviousPage"),
    ):
        found: list[str] = []
        cursor, going = None, True
        while going:
            page = (await api.ask(PAGE, **{"ref": "box", count: size, place: cursor}))["impact"]["affected"]
            assert page["totalCount"] == 2
            assert all(edge["node"]["ci"]["name"] == edge["node"]["name"] for edge in page["edges"])
            found = [*found, *names(page)] if count == "first" else [*names(page), *found]
            going, cursor = page["pageInfo"][more], page["pageInfo"][end]
        assert found == expected


async def test_a_cursor_holds_for_its_question_and_revision_only(api: Api) -> None:
    cursor = (await api.ask(PAGE, ref="box", first=1))["impact"]["affected"]["pageInfo"]["endCursor"]
    assert (await api.code(PAGE, ref="srv-1", after=cursor))[0] == "BAD_CURSOR"
    await api.load(thing("new", "Server"), link("wiki", "RUNS_ON", "new"))
    assert (await api.code(PAGE, ref="box", after=cursor))[0] == "BAD_CURSOR"


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ('impact(of: {ref: "nobody"}) { revision }', "REFERENCE_NOT_FOUND"),
        ('impact(of: [{ref: "box"}, {ref: "box", state: degraded}]) { revision }', "BAD_USAGE"),
        ('impact(of: {ref: "box"}, assume: ["box"]) { revision }', "BAD_USAGE"),
        ("impact(of: []) { revision }", "BAD_USAGE"),
        ('supports(ref: "nobody") { revision }', "REFERENCE_NOT_FOUND"),
        ('impact(of: {ref: "box", state: broken}) { revision }', "QUERY_INVALID"),
    ],
)
async def test_questions_that_cannot_be_answered(api: Api, question: str, code: str) -> None:
    assert (await api.code(f"{{ {question} }}"))[0] == code


async def test_an_ambiguous_reference_lists_the_candidates(api: Api) -> None:
    await api.load(thing("box-2", "Application", name="box"))
    code, message = await api.code('{ impact(of: {ref: "box"}) { revision } }')
    assert code == "REFERENCE_AMBIGUOUS"
    assert "Application:box" in message
    assert "Server:box" in message


async def test_one_request_is_answered_at_one_revision(api: Api) -> None:
    data = await api.ask("{ servers { edges { node { blastRadius { revision } } } } }")
    revisions = {edge["node"]["blastRadius"]["revision"] for edge in data["servers"]["edges"]}
    assert revisions == {await api.topologies.store.revision()}


async def test_new_single_points_are_told_where_they_are_asked_for_in_whatever_way(api: Api) -> None:
    """They are searched only then."""
    asked = "newSinglePoints { name }"
    whole = '{ impact(of: [{ref: "esx-1"}]) { services { name %s } } }'
    plain = (await api.ask(whole % asked))["impact"]["services"]
    assert any(each["newSinglePoints"] for each in plain)
    by_fragment = await api.ask((whole % "...F") + f" fragment F on ImpactService {{ {asked} }}")
    inline = await api.ask(whole % f"... on ImpactService {{ points: {asked} }}")
    assert by_fragment["impact"]["services"] == plain
    assert [each["points"] for each in inline["impact"]["services"]] == [each["newSinglePoints"] for each in plain]
