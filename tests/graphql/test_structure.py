"""Questions to the estate as it stands: the same as on the command line, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from knockon.itsm.structure.answer import common_json, dependencies_json, paths_json, points_json
from knockon.itsm.structure.structure import common_upstream, dependencies, paths_between, single_points_of_failure
from tests.graphql.conftest import link, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

PATHS = """query($from: String!, $to: String!, $limit: Int!, $max: Int) {
  paths(from: $from, to: $to, limit: $limit, maxLength: $max) {
    revision direction truncated consumer { id class name } supplier { id class name }
    paths { length steps { from type to } } } }"""
POINTS = """
fragment Point on SinglePointOfFailure { id class name state weight services distance path { from type to } }
query($service: String!) { singlePointsOfFailure(service: $service) {
  id class name revision truncated down { ...Point } degraded { ...Point }
  sharedFates { id class name group state because cause { id class name } members { id class name } } } }"""

NEEDS = """query($ref: String!, $max: Int) { dependencies(ref: $ref, maxDistance: $max) {
  id class name revision total truncated
  needs { id class name distance plain groups consumer { id class name } path { from type to } } } }"""
COMMON = """query($refs: [String!]!) { commonUpstream(refs: $refs) {
  revision cis { id class name } truncated common {
  id class name distances lowest explained states othersDown othersDegraded because examples { id class name } } } }"""


def without_graph(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in answer.items() if name not in {"nodes", "edges"}}


@pytest.mark.parametrize("longest", [None, 2])
async def test_dependencies_say_the_same(api: Api, longest: int | None) -> None:
    answer = await api.ask(NEEDS, ref="shop", max=longest)
    expected = await dependencies(api.topologies, "shop", max_distance=longest)
    assert answer["dependencies"] == without_graph(dependencies_json(expected))
    assert answer["dependencies"]["truncated"] is (longest is not None)


async def test_common_upstream_says_the_same(api: Api) -> None:
    answer = await api.ask(COMMON, refs=["esx-1", "web"])
    assert answer["commonUpstream"] == common_json(await common_upstream(api.topologies, ["esx-1", "web"]))
    assert [each["name"] for each in answer["commonUpstream"]["common"]] == ["esx-1", "srv-1"]
    assert (await api.code(COMMON, refs=["web"]))[0] == "BAD_USAGE"


async def test_what_is_needed_and_common_can_be_asked_of_the_past(api: Api) -> None:
    before = (await api.ask(COMMON, refs=["esx-1", "web"]))["commonUpstream"]
    needs = (await api.ask(NEEDS, ref="shop"))["dependencies"]
    await api.load(thing("lamp", "UPS"), link("srv-1", "POWERED_BY", "lamp"))
    assert len((await api.ask(COMMON, refs=["esx-1", "web"]))["commonUpstream"]["common"]) > len(before["common"])
    assert (await api.ask(NEEDS, ref="shop"))["dependencies"]["total"] > needs["total"]
    then = f'asOf: "{before["revision"]}"'
    found = await api.ask(COMMON.replace("refs: $refs", f"refs: $refs, {then}"), refs=["esx-1", "web"])
    assert found["commonUpstream"] == before
    found = await api.ask(NEEDS.replace("ref: $ref", f"ref: $ref, {then}"), ref="shop")
    assert found["dependencies"] == needs


async def test_a_board_may_be_a_moment_behind(api: Api) -> None:
    lagging = '{ dependencies(ref: "shop", maxLag: 60) { revision } supports(ref: "srv-1", maxLag: 60) { revision } }'
    before = await api.ask(lagging)
    await api.load(thing("new", "Server"))
    assert await api.ask(lagging) == before
    now = await api.ask('{ dependencies(ref: "shop") { revision } }')
    assert now["dependencies"]["revision"] > before["dependencies"]["revision"]
    assert (await api.calls(lagging)).get("revision", 0) == 0


@pytest.mark.parametrize(
    ("ends", "limit", "longest"),
    [(("shop", "srv-1"), 20, None), (("srv-1", "shop"), 20, 9), (("shop", "box"), 20, None), (("shop", "srv-1"), 1, 9)],
)
async def test_paths_say_the_same(api: Api, ends: tuple[str, str], limit: int, longest: int | None) -> None:
    await api.load(link("web", "DEPENDS_ON", "srv-1"))
    answer = await api.ask(PATHS, **{"from": ends[0], "to": ends[1], "limit": limit, "max": longest})
    expected = await paths_between(api.topologies, *ends, limit=limit, max_length=longest)
    assert answer["paths"] == without_graph(paths_json(expected))


async def test_single_points_say_the_same(api: Api) -> None:
    await api.load(
        thing("rack", "Rack"), link("srv-1", "LOCATED_IN", "rack"), link("srv-2", "LOCATED_IN", "rack"),
    )  # fmt: skip
    for service in ("shop", "intranet"):
        answer = await api.ask(POINTS, service=service)
        expected = await single_points_of_failure(api.topologies, service)
        assert answer["singlePointsOfFailure"] == without_graph(points_json(expected))
    assert "rack" in {each["name"] for each in (await api.ask(POINTS, service="shop"))["singlePointsOfFailure"]["down"]}


async def test_what_is_not_there_is_an_error_with_its_code(api: Api) -> None:
    assert (await api.code(POINTS, service="nothing"))[0] == "REFERENCE_NOT_FOUND"
    assert (await api.code(PATHS, **{"from": "shop", "to": "shop", "limit": 1}))[0] == "BAD_USAGE"


ON_THINGS = """
fragment Point on SinglePointOfFailure { id class name state weight services distance path { from type to } }
query($name: String!, $asOf: String) {
  services(first: 5, where: {name: {eq: $name}}, asOf: $asOf) { edges { node {
    dependencies(maxDistance: 2) { total truncated needs { name } }
    supportedServices { services { name distance } }
    singlePointsOfFailure { down { ...Point } degraded { ...Point } sharedFates { name because } truncated }
    estimatedAvailability(samples: 500, seed: 7) { service { name } exactUp cis { name involved } } } } }
  dependencies(ref: $name, maxDistance: 2, asOf: $asOf) { total truncated needs { name } }
  supportedServices: supports(ref: $name, asOf: $asOf) { services { name distance } }
  singlePointsOfFailure(service: $name, asOf: $asOf) {
    down { ...Point } degraded { ...Point } sharedFates { name because } truncated }
  estimatedAvailability: availability(service: $name, samples: 500, seed: 7, asOf: $asOf) {
    service { name } exactUp cis { name involved } } }"""


async def test_what_stands_on_a_service_is_what_the_query_answers_about_it(api: Api) -> None:
    async def both(as_of: str | None) -> Any:
        answer = await api.ask(ON_THINGS, name="shop", asOf=as_of)
        ((node,),) = [[each["node"] for each in answer.pop("services")["edges"]]]
        assert node == answer
        return node

    before, then = await both(None), str(await api.store.revision())
    assert before["dependencies"]["needs"]
    assert before["estimatedAvailability"]["cis"]
    await api.load(thing("lamp", "UPS"), *(link(f"srv-{n}", "POWERED_BY", "lamp") for n in (1, 2)))
    now = await both(None)
    assert "lamp" in {each["name"] for each in now["singlePointsOfFailure"]["down"]}
    assert await both(then) == before


async def test_what_can_fail_tells_what_it_supports(api: Api) -> None:
    asked = "{ servers { edges { node { name supportedServices { services { name } } dependencies { total } } } } }"
    found = {each["node"].pop("name"): each["node"] for each in (await api.ask(asked))["servers"]["edges"]}
    assert found["srv-1"] == {"supportedServices": {"services": [{"name": "shop"}]}, "dependencies": {"total": 0}}
    assert found["box"]["supportedServices"] == {"services": [{"name": "intranet"}]}


async def test_engine_questions_on_things_are_limited_as_those_of_the_query(api: Api) -> None:
    many = "{ services(first: 500) { edges { node { singlePointsOfFailure { truncated } } } } }"
    assert (await api.code(many))[0] == "QUERY_TOO_COSTLY"
    assert (await api.ask(many.replace("500", "50")))["services"]["edges"]
    distance = "{ servers(first: 1) { edges { node { name dependencies(maxDistance: 0) { total } } } } }"
    result = await api.result(distance)
    assert [each.extensions["code"] for each in result.errors] == ["BAD_USAGE"]
    assert result.data["servers"]["edges"][0]["node"] == {"name": "box", "dependencies": None}
