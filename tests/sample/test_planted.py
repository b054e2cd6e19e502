"""What the truth file says of the estate is what the engine answers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from knockon.impact.propagation.evaluation import evaluate
from knockon.sample.blueprint import README_HYPERVISOR
from knockon.sample.planted import WEAKNESSES
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.sample.estate import Record
    from knockon.schema.model import Model
    from tests.sample.conftest import Drawn

EFFECTS = {"none": State.OPERATIONAL, "degraded": State.DEGRADED, "down": State.DOWN}
SERVICES = ("BusinessService", "TechnicalService", "ServiceInstance")


@pytest.fixture(scope="session")
def already(home: Drawn, model: Model) -> dict[str, State]:
    """Give what open incidents and changes under way do, as ``--given open`` takes it."""
    found: dict[str, State] = {}
    for each in home.estate.relationships:
        if each["type"] not in ("AFFECTS", "CHANGES"):
            continue
        record = home.entities[each["from"]]
        state = model.state_of(record["class"], record)
        assert state.known, record
        if state.in_effect and EFFECTS[each["effect"]]:
            found[each["to"]] = max(EFFECTS[each["effect"]], found.get(each["to"], State.OPERATIONAL))
    return found


@pytest.mark.parametrize("number", range(len(WEAKNESSES)))
def test_each_weakness_is_there(home: Drawn, already: dict[str, State], number: int) -> None:
    planted = home.estate.truth[number]
    given = already if planted["given"] == "open" else {}
    found = evaluate(home.topology, {**given, **dict.fromkeys(planted["cis"], State.DOWN)})
    assert {key: found.state(key).name for key in planted["expect"]} == planted["expect"], planted["expectation"]


def test_the_question_of_the_first_page_has_a_rich_answer(home: Drawn) -> None:
    found = evaluate(home.topology, {README_HYPERVISOR: State.DOWN})
    states = {home.entities[key]["name"]: found.state(key).name for key in home.of_class("BusinessService")}
    assert {name: state for name, state in states.items() if state != "OPERATIONAL"} == {
        "Payroll": "DOWN",
        "Time Recording": "DEGRADED",
        "Online Shop": "AT_RISK",
        "Customer Care": "AT_RISK",
        "Contact Centre": "AT_RISK",
        "Management Reporting": "AT_RISK",
    }
    survivors = {(each.consumer, each.group): (each.lost, each.margin) for each in found.survivors()}
    assert survivors["ham-cluster", "MEMBER_OF"] == (1, 2)
    assert survivors["ham-k8s", "MEMBER_OF"] == (1, 1)
    assert survivors["ham-vip-shop", "ROUTES_TO"] == (1, 0)
    assert survivors["ham-vip-www", "ROUTES_TO"] == (1, 1)
    assert survivors["app-customer-desk", "db"] == (1, 0)


def test_what_is_open_now_takes_no_service_down_by_itself(home: Drawn, already: dict[str, State]) -> None:
    found = evaluate(home.topology, already)
    states = {home.entities[key]["name"]: found.state(key) for key in home.of_class("BusinessService")}
    assert states["Email"] == State.DEGRADED
    assert states["Customer Care"] == states["Supplier Portal"] == State.AT_RISK
    assert max(states.values()) < State.DOWN


def test_a_rack_pdu_raises_no_alarm_but_for_the_planted_single_points(home: Drawn) -> None:
    alarmed: Counter[str] = Counter()
    silent = 0
    for pdu in home.of_class("PDU"):
        found = evaluate(home.topology, {pdu: State.DOWN})
        services = {key: found.state(key) for key in home.of_class(*SERVICES) if found.state(key)}
        assert set(services.values()) <= {State.AT_RISK}, (pdu, services)
        alarmed.update(key.removeprefix("svc-").removeprefix("inst-") for key in services)
        silent += not services
    assert set(alarmed) == {
        "warehouse-management", "order-fulfilment",  # single-corded nodes
        "payroll", "time-recording",  # bound to one host
        "document-archive", "management-reporting", "ts-backup",  # on the one array without a mirror
    }  # fmt: skip
    assert silent >= 19


def test_every_incident_of_a_cause_hits_what_really_fails_with_it(home: Drawn) -> None:
    hits = {each["from"]: each for each in home.estate.relationships if each["type"] == "AFFECTS"}
    causes = [each for each in home.estate.truth if each["kind"] == "cause of incidents"]
    assert len(causes) > 40
    assert sum(len(each["incidents"]) > 1 for each in causes) > 30
    for planted in causes:
        (cause,) = planted["cis"]
        first = hits[planted["incidents"][0]]
        assert first["to"] == cause
        found = evaluate(home.topology, {cause: EFFECTS[first["effect"]]})
        for incident in planted["incidents"]:
            assert found.state(hits[incident]["to"]) >= EFFECTS[hits[incident]["effect"]], (planted, incident)


def test_incidents_follow_the_changes_that_caused_them(home: Drawn) -> None:
    recorded = {
        each["from"]: each["to"]
        for each in home.estate.relationships
        if each["type"] == "CAUSED_BY" and home.entities[each["to"]]["class"] == "Change"
    }
    changed = {(each["from"], each["to"]) for each in home.estate.relationships if each["type"] == "CHANGES"}
    causes = [each for each in home.estate.truth if each.get("change")]
    assert len(causes) >= 8
    assert {each["recorded"] for each in causes} == {True, False}
    for planted in causes:
        first, change = planted["incidents"][0], planted["change"]
        assert (change, planted["cis"][0]) in changed
        assert recorded.get(first) == (change if planted["recorded"] else None)
        assert home.entities[first]["opened_at"] > home.entities[change]["actual_start"]
    assert set(recorded.values()) == {each["change"] for each in causes if each["recorded"]}


def test_noisy_items_failed_as_often_as_the_truth_says(home: Drawn) -> None:
    counts = Counter(each["to"] for each in home.estate.relationships if each["type"] == "AFFECTS")
    noisy: list[Record] = [each for each in home.estate.truth if each["kind"] == "noisy"]
    assert len(noisy) == 3
    for planted in noisy:
        assert counts[planted["cis"][0]] >= planted["at_least"] > 8


def test_truth_names_only_what_is_in_the_estate(home: Drawn) -> None:
    ids = [each["id"] for each in home.estate.truth]
    assert len(set(ids)) == len(ids)
    for planted in home.estate.truth:
        named = {*planted["cis"], *planted.get("expect", ()), *planted.get("incidents", ())}
        assert named - set(home.entities) == set()
