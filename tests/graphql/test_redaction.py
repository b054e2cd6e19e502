"""What is sensitive is in no answer to whoever may not read it, whatever is asked, and numbers are the same for all."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.access import LOCAL, AccessScope, Policy, Sight
from knockon.cmdb.loading.load import load
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.schema.observation import EntityObservation
from tests.graphql.conftest import MODEL, link, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

VIEWER, LOADER, OPERATOR, COORDINATOR, ADMINISTRATOR = AccessScope
CANARY = "canary"
LATER = "2026-11-05T08:00:00Z"

EVERY_WAY = {
    "field": "{ people { edges { node { name email } } } }",
    "attributes": "{ people { edges { node { attributes } } } }",
    "interface": "{ parties { edges { node { name ... on Person { phone employeeNumber } } } } }",
    "node": "{ entities(first: 100) { edges { node { attributes ... on Person { email } } } } }",
    "records": "{ people { edges { node { records { attributes } } } } }",
    "provenance": "{ people { edges { node { provenance { attribute value } } } } }",
    "history": "{ people { edges { node { history { changes { attributes { name before after } } } } } } }",
    "as of": '{ people(asOf: "%d") { edges { node { email attributes } } } }',
    "search": '{ search(text: "ann") { edges { node { attributes } } } }',
    "relation": "{ applications { edges { node { usedBy { edges { node { attributes } } } } } } }",
    "findings": "{ findings { edges { node { claim message } } } }",
    "letters": "{ deadLetters { edges { node { record message } } } }",
}


@pytest.fixture
async def staff(empty: Api) -> Api:
    """Give a person with a canary in each sensitive value, a history, a finding and letters."""

    def person(key: str, mail: str, **more: Any) -> Any:
        return thing(key, "Person", name="Ann", email=f"{mail}@example.org", **more)

    await empty.load(
        person("ann", f"{CANARY}-old", phone=f"{CANARY}-1"), thing("app", "Application"), link("ann", "USES", "app")
    )
    said = person("ann", CANARY, phone=f"{CANARY}-2", employee_number=f"{CANARY}-3")
    await empty.load(*(replace(each, seen=LATER) for each in (said, person("ben", CANARY))))
    bad: list[Any] = [
        EntityObservation("t", "eve", "Person", {"name": "Eve", "mail": f"{CANARY}-4"}, "2026-11-01T08:00:00Z"),
        EntityObservation("t", "bob", "Persona", {"name": "Bob", "email": f"{CANARY}-5"}, "2026-11-01T08:00:00Z"),
        EntityObservation("t", "box", "Server", {"name": "box", "colour": "red"}, "2026-11-01T08:00:00Z"),
    ]
    assert len((await load(empty.store, MODEL, bad, source="t", actor="tester")).rejects) == 3
    return empty


@pytest.mark.parametrize("way", EVERY_WAY)
async def test_a_sensitive_value_is_in_no_answer_to_a_viewer(staff: Api, way: str) -> None:
    query = EVERY_WAY[way].replace("%d", str(await staff.store.revision()))
    assert CANARY in json.dumps(await staff.ask(query))
    for scopes in ([VIEWER], [LOADER, OPERATOR, COORDINATOR], []):
        answer = json.dumps(await staff.seen_by(*scopes).ask(query))
        assert CANARY not in answer
    assert CANARY in json.dumps(await staff.seen_by(ADMINISTRATOR).ask(query))


async def test_what_is_redacted_says_so(staff: Api) -> None:
    query = """{ people(where: {name: {eq: "Ann"}}, first: 1) { edges { node { name email attributes redacted
      records { redacted } provenance { attribute redacted }
      history(first: 1) { changes { attributes { name redacted before after } } } } } }
      deadLetters { edges { node { about record redacted message } } }
      findings { edges { node { claim message } } } }"""
    data = await staff.seen_by(VIEWER).ask(query)
    node = data["people"]["edges"][0]["node"]
    hidden = ["email", "employee_number", "phone"]
    assert (node["name"], node["email"], node["redacted"]) == ("Ann", None, hidden)
    assert node["attributes"] == {"name": "Ann", **dict.fromkeys(hidden)}
    assert node["records"] == [{"redacted": hidden}]
    assert {each["attribute"] for each in node["provenance"] if each["redacted"]} == set(hidden)
    changed = node["history"][0]["changes"][0]["attributes"]
    assert {"name": "phone", "redacted": True, "before": None, "after": None} in changed
    letters = {each["node"]["about"]: each["node"] for each in data["deadLetters"]["edges"]}
    assert [letters[each]["redacted"] for each in ("eve", "bob", "box")] == [True, True, False]
    assert letters["box"]["record"]["colour"] == "red"
    (finding,) = [each["node"] for each in data["findings"]["edges"]]
    assert finding["claim"] == "Person.email (redacted)"
    assert "share Person.email (redacted), but a source would have" in finding["message"]
    full = (await staff.ask("{ people { edges { node { redacted } } } }"))["people"]["edges"]
    assert all(each["node"]["redacted"] == [] for each in full)


async def test_readers_may_be_named(staff: Api) -> None:
    query = '{ people(where: {name: {eq: "Ann"}}, first: 1) { edges { node { email phone redacted } } } }'
    reader = staff.seen_by(OPERATOR, Person__phone=[OPERATOR, COORDINATOR])
    (edge,) = (await reader.ask(query))["people"]["edges"]
    assert edge["node"] == {"email": None, "phone": f"{CANARY}-2", "redacted": ["email", "employee_number"]}
    assert (await reader.ask('{ people(where: {phone: {eq: "canary-2"}}) { totalCount } }'))["people"][
        "totalCount"
    ] == 1


@pytest.mark.parametrize(
    "query",
    [
        '{ people(where: {email: {startsWith: "c"}}) { totalCount } }',
        "{ people(where: {email: {isNull: true}}) { totalCount } }",
        '{ people(where: {not: {or: [{name: {eq: "Ann"}}, {and: [{phone: {contains: "c"}}]}]}}) { totalCount } }',
        "{ people(orderBy: EMAIL_ASC) { edges { node { name } } } }",
        "{ people(orderBy: PHONE_DESC, first: 1) { edges { cursor } } }",
        "{ absences(where: {reason: {eq: illness}}) { totalCount } }",
        '{ people(asOf: "1", where: {email: {eq: "x@example.org"}}) { totalCount } }',
    ],
)
async def test_nobody_asks_by_what_is_redacted(staff: Api, query: str) -> None:
    viewer = staff.seen_by(VIEWER, LOADER, OPERATOR, COORDINATOR)
    code, message = await viewer.code(query)
    assert code == "NOT_ALLOWED"
    assert "is redacted for you" in message
    await staff.ask(query)


async def test_names_and_the_rest_can_be_asked_by(staff: Api) -> None:
    query = '{ people(where: {name: {startsWith: "A"}}, orderBy: NAME_DESC) { totalCount } }'
    assert (await staff.seen_by(VIEWER).ask(query))["people"]["totalCount"] == 2


async def test_impact_is_the_same_for_everybody(api: Api) -> None:
    query = """{ impact(of: {ref: "box"}) { counts { DOWN DEGRADED AT_RISK } notify { id name because }
      services { state criticality users service { id name } } survivors { name margin } } }"""
    assert await api.seen_by(VIEWER).ask(query) == await api.ask(query)


async def test_a_status_that_may_not_be_read_is_in_no_finding(empty: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await empty.load(thing("web", "Server", serial_number="S1", status="disposed"))
    seen = EntityObservation("u", "w1", "Server", {"serial_number": "S1"}, LATER)
    await load(empty.store, MODEL, [seen], source="u", actor="tester")
    query = "{ findings { edges { node { code claim status message } } } }"

    async def told() -> Any:
        ((node,),) = [[e["node"] for e in (await empty.seen_by(VIEWER).ask(query))["findings"]["edges"]]]
        assert (node["code"], node["claim"]) == ("PRESENT_AGAINST_STATUS", None)
        return node["status"], "disposed" in node["message"]

    assert await told() == ("disposed", True)
    monkeypatch.setattr(Sight, "hides", lambda _self, _owner, attribute: attribute == "status")
    assert await told() == ("(redacted)", False)


PROMISES = '{ impact(of: {ref: "intranet"}) { services { agreements { name touched { name value } } } } }'
TARGET = ("ServiceLevelAgreement", "availability_target")


async def test_what_an_agreement_promises_is_redacted_where_it_is_sensitive(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold = thing("gold", "ServiceLevelAgreement", availability_target=99.875, response_time="PT4H")
    await api.load(gold, link("intranet", "COVERED_BY", "gold"))
    assert "99.875" in json.dumps(await api.ask(PROMISES))
    answer = await blast_radius(api.topologies, [Ask("intranet")])
    monkeypatch.setattr(Sight, "hides", lambda _self, *asked: asked == TARGET)
    told = await api.ask(PROMISES)
    assert "99.875" not in json.dumps(told)
    (agreement,) = (each for service in told["impact"]["services"] for each in service["agreements"])
    assert agreement["touched"] == [
        {"name": "availability_target", "value": None}, {"name": "response_time", "value": "PT4H"},
    ]  # fmt: skip
    # what POST /changes and the dry run of POST /load answer
    assert "99.875" in json.dumps(impact_json(answer))
    assert "99.875" not in json.dumps(impact_json(answer, Sight(Policy(MODEL), LOCAL)))
