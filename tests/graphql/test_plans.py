"""Questions for planning: the same as on the command line, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.context.given import Span
from knockon.itsm.planning.availability import availability_json, service_availability
from knockon.itsm.planning.overlay_file import read_overlay
from knockon.itsm.planning.recovery import recovery, recovery_json
from knockon.itsm.planning.rolling import rolling, rolling_json
from knockon.itsm.planning.what_if import what_if, what_if_json
from tests.graphql.conftest import link, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

WHAT_IF = """
fragment Shift on WhatIfShift { id class name service before after because path { from type to } }
query($changes: String!, $of: [ImpactSeedInput!], $service: String, $given: [Given!]!) {
  whatIf(changes: $changes, of: $of, service: $service, given: $given) {
    revision given changes asked cases { seeds { id class name asked } worse { ...Shift } better { ...Shift } }
    unknown { ci { id class name } because } } }"""
ROLLING = """query($refs: [String!]!, $given: [Given!]!, $window: String) {
  rollingOrder(refs: $refs, given: $given, window: $window) {
    revision given lowerBound optimal unmapped { id class name }
    waves { cis { id class name } services { id class name state because } }
    alone { id class name services { id class name because path { from type to } } } } }"""
RECOVERY = """query($refs: [String!]) { recoveryOrder(refs: $refs) { revision layers { cis { id class name } }
  loops { members { id class name needs { id class name } } breaker { id class name } without { id class name }
    followers { id class name } layer advice } } }"""
AVAILABILITY = """query($service: String!) { availability(service: $service, samples: 500, seed: 7) {
  revision service { id class name } samples seed up { estimate low high } full { estimate low high }
  exactUp exactFull targets { id class name availabilityTarget verdict }
  cis { id class name availability because assumed involved } } }"""
REMOVED = "remove: [esx-2]"


def as_json(answer: dict[str, Any]) -> dict[str, Any]:
    """Give what is unknown the form of the command line."""
    unknown = [{**(each["ci"] or {}), "because": each["because"]} for each in answer["unknown"]]
    return {**answer, "unknown": unknown}


@pytest.mark.parametrize(
    ("of", "service", "given"),
    [([{"ref": "srv-1"}], None, ["none"]), (None, None, ["none"]), (None, "shop", ["open", "window"])],
)
async def test_what_if_says_the_same(
    api: Api, of: list[dict[str, str]] | None, service: str | None, given: list[str]
) -> None:
    asks = [Ask(each["ref"]) for each in of or []]
    expected = await what_if(api.topologies, read_overlay(REMOVED, "x"), asks, service=service, given=",".join(given))
    answer = (await api.ask(WHAT_IF, changes=REMOVED, of=of, service=service, given=given))["whatIf"]
    assert as_json(answer) == what_if_json(expected)
    assert answer["cases"]


async def test_a_rolling_order_says_the_same(api: Api) -> None:
    await api.load(thing("chg-2", "Change", state="planned", planned_start="2026-11-03T20:00:00Z",
                         planned_end="2026-11-03T21:00:00Z"), link("chg-2", "CHANGES", "srv-2"))  # fmt: skip
    refs = ["esx-1", "esx-2", "farm", "ann"]
    for given, window in ((["none"], None), (["window"], "2026-11-03T20:30:00Z")):
        span = Span.read(window) if window else None
        expected = rolling_json(await rolling(api.topologies, refs, given=given[0], span=span))
        answer = (await api.ask(ROLLING, refs=refs, given=given, window=window))["rollingOrder"]
        assert answer == expected
        assert len(answer["waves"]) == (2 if window is None else 1)


async def test_a_recovery_order_says_the_same(api: Api) -> None:
    await api.load(link("srv-1", "DEPENDS_ON", "web"), link("srv-2", "DEPENDS_ON", "web"))
    for refs in ([], ["shop"]):
        expected = recovery_json(await recovery(api.topologies, refs))
        answer = (await api.ask(RECOVERY, refs=refs))["recoveryOrder"]
        assert {**answer, "layers": [layer["cis"] for layer in answer["layers"]]} == expected
        assert answer["loops"]


async def test_availability_says_the_same(api: Api) -> None:
    await api.load(thing("gold", "ServiceLevelAgreement", availability_target=99.5), link("shop", "COVERED_BY", "gold"))
    expected = availability_json(await service_availability(api.topologies, "shop", samples=500, seed=7))
    answer = (await api.ask(AVAILABILITY, service="shop"))["availability"]
    exact = {"up": answer.pop("exactUp"), "full": answer.pop("exactFull")}
    assert {**answer, "exact": exact} == expected
    assert answer["targets"]


async def test_what_is_promised_is_told_to_whoever_may_read_it(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.load(thing("gold", "ServiceLevelAgreement", availability_target=99.5), link("shop", "COVERED_BY", "gold"))
    hidden = ("ServiceLevelAgreement", "availability_target")
    monkeypatch.setattr("knockon.cmdb.access.Sight.hides", lambda _self, *asked: asked == hidden)
    (told,) = (await api.ask(AVAILABILITY, service="shop"))["availability"]["targets"]
    assert (told["name"], told["availabilityTarget"], told["verdict"]) == ("gold", None, None)


OF_THEN = """query($then: String) {
  whatIf(changes: "remove: [esx-2]", of: [{ref: "srv-1"}], asOf: $then) { revision cases { worse { name after } } }
  rollingOrder(refs: ["esx-1", "esx-2"], asOf: $then) { revision waves { cis { name } } }
  recoveryOrder(asOf: $then) { revision layers { cis { name } } }
  availability(service: "intranet", samples: 100, asOf: $then) { revision cis { name } } }"""


async def test_plans_of_the_past_are_those_of_then(api: Api) -> None:
    revision = await api.store.revision()
    before = await api.ask(OF_THEN)
    await api.load(
        thing("db", "Server"), link("wiki", "DEPENDS_ON", "db"), link("web", "DEPENDS_ON", "db"),
        thing("esx-3", "Hypervisor"), link("esx-3", "MEMBER_OF", "farm"),
    )  # fmt: skip
    now = await api.ask(OF_THEN)
    assert [name for name in now if now[name] | {"revision": 0} == before[name] | {"revision": 0}] == []
    assert await api.ask(OF_THEN, then=str(revision)) == before
    assert "scan" not in await api.calls(OF_THEN, then=str(revision))
    assert (await api.result(OF_THEN, then="monday")).errors[0].extensions["code"] == "BAD_USAGE"


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        (WHAT_IF, {"changes": "remove: [nobody]", "given": ["none"]}, "OVERLAY_INVALID"),
        (WHAT_IF, {"changes": "remove: [", "given": ["none"]}, "FILE_NOT_PARSED"),
        (ROLLING, {"refs": ["nobody"], "given": ["none"]}, "REFERENCE_NOT_FOUND"),
        (ROLLING, {"refs": ["esx-1"], "given": ["none", "open"]}, "BAD_USAGE"),
        (ROLLING, {"refs": ["esx-1"], "given": ["window"], "window": "tonight"}, "BAD_USAGE"),
        (RECOVERY, {"refs": ["ann"]}, "BAD_USAGE"),
        (RECOVERY, {"refs": ["esx-1"] * 101}, "QUERY_TOO_COSTLY"),
        (AVAILABILITY, {"service": "nobody"}, "REFERENCE_NOT_FOUND"),
    ],
)
async def test_what_makes_no_sense_is_an_error_with_its_code(
    api: Api, query: str, variables: dict[str, Any], code: str
) -> None:
    assert (await api.code(query, **variables))[0] == code


@pytest.mark.parametrize(
    "question",
    [
        'availability(service: "shop", samples: 0)',
        'availability(service: "shop", samples: -1)',
        'availability(service: "shop", samples: 9, seed: -1)',
        'impact(of: [{ref: "shop"}], maxLag: -0.5)',
        'impact(of: [{ref: "shop"}], maxLag: 1e999)',
        'impact(of: [{ref: "shop"}], maxDistance: -1)',
        "serviceBoard(maxLag: -1)",
        'supports(ref: "shop", maxLag: -1)',
        'dependencies(ref: "shop", maxLag: -1)',
        'paths(from: "shop", to: "srv-1", limit: -1)',
        'paths(from: "shop", to: "srv-1", maxLength: 0)',
        'singlePointsOfFailure(service: "shop", maxLag: -1)',
    ],
)
async def test_numbers_that_make_no_sense_are_refused(api: Api, question: str) -> None:
    assert (await api.code(f"{{ {question} {{ revision }} }}"))[0] == "BAD_USAGE"
