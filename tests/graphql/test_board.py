"""The service board: every service, its state and why, from one run of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.graphql.conftest import link, thing

if TYPE_CHECKING:
    from tests.graphql.conftest import Api

BOARD = """query($given: [Given!] = [open], $states: [ImpactState!], $first: Int, $after: String, $asOf: String) {
  serviceBoard(given: $given, states: $states, asOf: $asOf) {
    revision given asOf counts { DOWN DEGRADED AT_RISK OPERATIONAL } unknown { name because }
    services(first: $first, after: $after) { totalCount pageInfo { endCursor hasNextPage } edges { node {
      name class state because cause { name ci { name } } records { name } criticality users
      owners { name } supportGroups { name } service { name } } } } } }"""


async def board(api: Api, **variables: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    found = (await api.ask(BOARD, **variables))["serviceBoard"]
    return found, [each["node"] for each in found["services"]["edges"]]


async def test_the_worst_come_first_with_what_makes_them_so(api: Api) -> None:
    found, services = await board(api)
    assert found["counts"] == {"DOWN": 0, "DEGRADED": 1, "AT_RISK": 0, "OPERATIONAL": 1}
    hit, fine = services
    assert (hit["name"], hit["state"], hit["users"], hit["criticality"]) == ("intranet", "DEGRADED", 1, 4)
    assert hit["cause"] == {"name": "box", "ci": {"name": "box"}}
    assert hit["records"] == [{"name": "inc-1"}]
    assert "wiki" in hit["because"]
    assert (fine["name"], fine["state"], fine["cause"], fine["records"]) == ("shop", "OPERATIONAL", None, [])
    assert fine["service"] == {"name": "shop"}


async def test_what_is_given_and_which_states_are_shown_can_be_chosen(api: Api) -> None:
    nothing, services = await board(api, given=["none"])
    assert nothing["counts"] == {"DOWN": 0, "DEGRADED": 0, "AT_RISK": 0, "OPERATIONAL": 2}
    assert [each["name"] for each in services] == ["shop", "intranet"]  # the more critical first
    some, services = await board(api, states=["DOWN", "DEGRADED"])
    assert [each["name"] for each in services] == ["intranet"]
    assert (some["services"]["totalCount"], some["counts"]["OPERATIONAL"]) == (1, 1)


async def test_it_is_read_page_by_page_and_a_cursor_of_another_board_is_refused(api: Api) -> None:
    first, services = await board(api, first=1)
    assert first["services"]["pageInfo"]["hasNextPage"]
    cursor = first["services"]["pageInfo"]["endCursor"]
    _, rest = await board(api, first=1, after=cursor)
    assert [each["name"] for each in [*services, *rest]] == ["intranet", "shop"]
    result = await api.result(BOARD, after=cursor, given=["none"])
    assert [error.extensions["code"] for error in result.errors or []] == ["BAD_CURSOR"]


async def test_it_follows_incidents_and_knows_the_past(api: Api) -> None:
    then = (await board(api))[0]["revision"]
    await api.load(thing("inc-1", "Incident", kind="outage", state="resolved"), link("inc-1", "AFFECTS", "box"))
    found, _ = await board(api)
    assert found["counts"]["DEGRADED"] == 0
    past, services = await board(api, asOf=str(then))
    assert (past["counts"]["DEGRADED"], services[0]["records"]) == (1, [{"name": "inc-1"}])
    assert "not in the journal" in past["unknown"][0]["because"]


async def test_what_is_not_understood_is_told(api: Api) -> None:
    await api.load(thing("inc-3", "Incident", kind="outage", state="on the moon"), link("inc-3", "AFFECTS", "srv-1"))
    found, _ = await board(api)
    assert [(each["name"], "on the moon" in each["because"]) for each in found["unknown"]] == [("inc-3", True)]


async def test_it_costs_the_store_as_much_for_many_services_as_for_few(api: Api) -> None:
    await board(api)
    few = await api.calls(BOARD)
    more = [thing(f"svc-{n}", "BusinessService") for n in range(60)]
    await api.load(*more, *(link(f"svc-{n}", "DEPENDS_ON", "wiki") for n in range(60)))
    await board(api)  # catches up with what was written
    assert await api.calls(BOARD) == few
