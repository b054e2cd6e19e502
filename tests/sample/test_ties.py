"""What stands beside the machinery is tied to it: papers, plans, problems, requests, events, addresses."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from knockon import sample
from knockon.sample.records import moment_of
from tests.sample.conftest import AS_OF

if TYPE_CHECKING:
    from knockon.schema.model import Model
    from tests.sample.conftest import Drawn

Links = dict[tuple[str, str], list[str]]


@pytest.fixture(scope="session")
def out(home: Drawn) -> Links:
    """Give where relationships lead to, by source and type."""
    found: Links = defaultdict(list)
    for each in home.estate.relationships:
        found[each["from"], each["type"]].append(each["to"])
    return found


@pytest.fixture(scope="session")
def back(home: Drawn) -> Links:
    """Give where relationships come from, by target and type."""
    found: Links = defaultdict(list)
    for each in home.estate.relationships:
        found[each["to"], each["type"]].append(each["from"])
    return found


def test_nothing_stands_alone(home: Drawn) -> None:
    joined = {end for each in home.estate.relationships for end in (each["from"], each["to"])}
    assert set(home.entities) - joined == set()


def test_every_state_is_one_of_its_lifecycle(home: Drawn, model: Model) -> None:
    for key, record in home.entities.items():
        lifecycle = model.lifecycle(record["class"])
        state = record.get(lifecycle.attribute) if lifecycle else None
        assert state is None or model.state_of(record["class"], record).known, (key, state)


def test_every_record_that_has_a_lifecycle_says_where_it_stands(home: Drawn, model: Model) -> None:
    for key in home.of_class(*model.concrete("Record")):
        if lifecycle := model.lifecycle(home.entities[key]["class"]):
            assert lifecycle.attribute in home.entities[key], key


def test_an_address_leads_from_its_network_to_a_device(home: Drawn, out: Links, back: Links) -> None:
    addresses = home.of_class("IPAddress")
    assert len(addresses) > 5
    for key in addresses:
        (network,) = back[key, "CONTAINS"]
        assert home.entities[network]["class"] == "IPNetwork"
        assert {home.entities[each]["class"] for each in out[key, "HOSTED_ON"]} <= {"NetworkInterface", "LoadBalancer"}
    for key in home.of_class("NetworkInterface"):
        (server,) = back[key, "CONTAINS"]
        (switch,) = out[key, "CONNECTS_TO"]
        assert switch in out[server, "CONNECTS_TO"]


def test_one_certificate_runs_out_within_a_month(home: Drawn) -> None:
    ends = [datetime.fromisoformat(home.entities[key]["valid_until"]) for key in home.of_class("Certificate")]
    left = sorted(end - moment_of(AS_OF) for end in ends)
    assert timedelta(0) < left[0] < timedelta(days=30) < left[1]


def test_problems_have_their_incidents_and_leave_some_to_be_found(home: Drawn, back: Links) -> None:
    planted = [each for each in home.estate.truth if each["kind"] == "incidents without their problem"]
    assert {each["problem"] for each in planted} == set(home.of_class("Problem"))
    for each in planted:
        linked = {key for key in back[each["problem"], "CAUSED_BY"] if home.entities[key]["class"] == "Incident"}
        missing = set(each["incidents"])
        assert len(linked) > 3
        assert linked.isdisjoint(missing)
        (item,) = each["cis"]
        assert linked | missing == {key for key in back[item, "AFFECTS"] if home.entities[key]["class"] == "Incident"}


def test_a_known_error_leads_from_its_problem_to_a_request_in_a_release(home: Drawn, out: Links, back: Links) -> None:
    (error,) = home.of_class("KnownError")
    (problem,) = out[error, "RAISED_BY"]
    assert home.entities[problem]["state"] == "known_error"
    (request,) = back[error, "RAISED_BY"]
    (release,) = out[request, "PART_OF"]
    assert [home.entities[key]["class"] for key in (problem, request, release)] == [
        "Problem", "RequestForChange", "Release",
    ]  # fmt: skip


def test_a_planned_change_has_request_tasks_and_approval(home: Drawn, out: Links, back: Links) -> None:
    now = f"{moment_of(AS_OF):%Y-%m-%dT%H:%M:%SZ}"
    (request,) = [key for key in home.of_class("RequestForChange") if back[key, "RESOLVES"]]
    (change,) = back[request, "RESOLVES"]
    assert home.entities[change]["planned_start"] > now
    kinds = [home.entities[key]["kind"] for key in back[change, "PART_OF"]]
    assert kinds.index("preparation") < kinds.index("implementation") < kinds.index("cmdb_update")
    (approval,) = back[change, "CONCERNS"]
    assert home.entities[approval]["for_date"] == home.entities[change]["planned_start"]
    (approver,) = back[approval, "HAS_ROLE"]
    assert approver in home.of_class("Person")
    assert all(home.entities[each]["planned_start"] > now for each in back["REL0000001", "PART_OF"])


def test_an_open_incident_came_of_an_event_of_a_monitor(home: Drawn, out: Links) -> None:
    incidents = [key for key in home.of_class("Incident") if out[key, "RAISED_BY"]]
    for incident in incidents:
        (event,) = out[incident, "RAISED_BY"]
        (monitor,) = out[event, "RAISED_BY"]
        assert out[event, "AFFECTS"] == out[incident, "AFFECTS"]
        assert out[out[event, "AFFECTS"][0], "MONITORED_BY"] == [monitor]
        assert "resolved_at" not in home.entities[incident]
    assert len(incidents) == 1


def test_every_agreement_on_a_business_service_has_its_targets(home: Drawn, back: Links) -> None:
    for key in home.of_class("ServiceLevelAgreement"):
        measures = {home.entities[each]["measure"] for each in back[key, "PART_OF"]}
        assert measures == {"availability", "response", "resolution"}


def test_a_second_skill_of_a_group_is_held_by_its_coordinator_alone(home: Drawn, back: Links) -> None:
    for key in home.of_class("SupportGroup"):
        members = [home.entities[each] for each in back[key, "MEMBER_OF"]]
        for number, skill in enumerate(home.entities[key]["skills_needed"]):
            holders = [each for each in members if skill in each["skills"]]
            assert len(holders) == (1 if number else len(members))


@pytest.mark.parametrize("seed", [0, 7, 23])
def test_another_seed_fills_the_same_classes(home: Drawn, seed: int) -> None:
    (estate,) = sample.generate(as_of=AS_OF, seed=seed)
    assert set(estate.classes.values()) == set(home.estate.classes.values())
