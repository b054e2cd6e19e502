"""``impact`` and ``supports``: how a question is put, and how it is answered."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.command import Knockon, as_table
from tests.cli.conftest import ESTATE

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {
    "revision", "modelVersion", "engineVersion", "asOf", "given", "seeds", "assumed", "excludedTypes",
    "affected", "counts", "survivors", "already", "services",
    "notify", "starved", "excluded", "unmapped", "unknown", "truncated", "answerId", "confidence", "confidenceBecause",
    "excludedTruncated", "newSinglePointsTruncated",
}  # fmt: skip


def states(entries: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(each["name"], each["state"]) for each in entries}


AT_RISK = {("Farm", "AT_RISK"), ("vm", "AT_RISK"), ("shop=app", "AT_RISK"), ("Shop", "AT_RISK")}
DOWN = {(name, "DOWN") for name, _ in AT_RISK}


def test_the_answer_as_json(estate: Knockon) -> None:
    ran = estate("impact", "ESX1", "--format", "json")
    answer = ran.json()
    assert ran.err == ""
    assert answer.keys() == FIELDS
    assert answer["given"] == "none"
    assert [each.keys() for each in answer["seeds"]] == [{"id", "class", "name", "asked", "state"}]
    assert states(answer["affected"]) == AT_RISK
    assert [(each["name"], each["distance"]) for each in answer["affected"]] == [
        ("Farm", 1), ("vm", 2), ("shop=app", 3), ("Shop", 4),
    ]  # fmt: skip
    assert all(
        each.keys() == {"id", "class", "name", "state", "distance", "because", "path"} for each in answer["affected"]
    )
    assert [step["type"] for step in answer["affected"][-1]["path"]] == [
        "DEPENDS_ON", "RUNS_ON", "HOSTED_ON", "MEMBER_OF",
    ]  # fmt: skip
    assert answer["counts"] == {"DOWN": 0, "DEGRADED": 0, "AT_RISK": 4}
    (survivor,) = answer["survivors"]
    assert {**survivor, "id": ""} == {
        "id": "", "class": "Cluster", "name": "Farm", "group": "MEMBER_OF", "up": 1, "minUp": 1, "lost": 1, "margin": 0,
    }  # fmt: skip
    (service,) = answer["services"]
    assert {**service, "id": ""} == {
        "id": "", "class": "BusinessService", "name": "Shop", "state": "AT_RISK", "criticality": 1, "users": 500,
        "because": answer["affected"][-1]["because"], "path": answer["affected"][-1]["path"],
        "serviceHours": None, "customers": [], "agreements": [], "owners": [], "supportGroups": [],
        "newSinglePoints": service["newSinglePoints"],
    }  # fmt: skip
    assert [each["name"] for each in service["newSinglePoints"]] == ["ESX2", "iron-2"]
    assert answer["confidence"] == round(4 / 5, 4)  # four relationships, and one that waits
    assert [each["name"] for each in answer["unknown"]] == ["Shop"]  # its supplier "nowhere" waits
    assert (answer["already"], answer["unmapped"], answer["truncated"]) == ([], [], False)


def test_both_ways_to_ask_for_json_give_the_same_bytes(estate: Knockon) -> None:
    asked = [estate("impact", "ESX1", *form) for form in (["--json"], ["--format", "json"])]
    one, other = (ran.out.replace(ran.json()["answerId"], "") for ran in asked)  # which names the moment too
    assert one == other


def test_the_answer_as_tables_fits_80_columns(estate: Knockon) -> None:
    ran = estate("impact", "ESX1", "--given", "open")
    assert (ran.code, ran.err) == (0, "")
    text = as_table(ran.out)
    for part in (
        "If ESX1 Hypervisor is down, knowing what is open",
        "4 DOWN of what depends on it.",
        "DOWN Shop BusinessService, criticality 1, 500 users shop=app is down, which takes this down.",
        "via shop=app > vm > Farm > ESX1",
        "DOWN 1 Farm Cluster",
        "Already so",
        "Not known",
    ):
        assert part in text
    assert "Redundancy that holds" not in text
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "\x1b" not in ran.out  # no colours where nobody sees them


def test_a_reference_is_a_name_a_class_and_name_a_source_and_key_or_an_id(estate: Knockon) -> None:
    by_name = estate("impact", "ESX1", "--json")
    (seed,) = by_name.json()["seeds"]
    for reference in ("Hypervisor:ESX1", "ConfigurationItem:ESX1", "survey:esx-1", seed["id"]):
        assert estate("impact", reference, "--json").json() | {"answerId": ""} == by_name.json() | {"answerId": ""}


def test_each_reference_may_have_its_own_state(estate: Knockon) -> None:
    answer = estate("impact", "ESX1=removed", "ESX2", "mail=down", "--state", "degraded", "--json").json()
    assert {(each["name"], each["asked"]) for each in answer["seeds"]} == {
        ("ESX1", "removed"), ("ESX2", "degraded"), ("mail", "down"),
    }  # fmt: skip
    assert states(answer["affected"]) == {
        ("Farm", "DEGRADED"), ("vm", "DEGRADED"), ("shop=app", "DEGRADED"), ("Shop", "DEGRADED"),
    }  # fmt: skip


def test_a_name_may_hold_an_equals_sign(estate: Knockon) -> None:
    assert states(estate("impact", "shop=app=degraded", "--json").json()["affected"]) == {("Shop", "DEGRADED")}
    assert states(estate("impact", "shop=app", "--json").json()["affected"]) == {("Shop", "DOWN")}


def test_what_is_open_counts_when_asked(estate: Knockon) -> None:
    answer = estate("impact", "ESX1", "--given", "open", "--json").json()
    assert states(answer["affected"]) == DOWN
    assert states(answer["already"]) == AT_RISK | {("iron-2", "DOWN"), ("ESX2", "DOWN")}
    assert answer["given"] == "open"


def test_what_is_assumed_to_work_works(estate: Knockon) -> None:
    ran = estate("impact", "iron-1", "--assume", "Cluster:Farm=operational", "--json")
    answer = ran.json()
    assert [each["name"] for each in answer["assumed"]] == ["Farm"]
    assert states(answer["affected"]) == {("ESX1", "DOWN")}
    assert (
        "Assumed to be OPERATIONAL: Farm Cluster"
        in estate("impact", "iron-1", "--assume", "Cluster:Farm=operational").out
    )


def test_a_distance_cuts_what_is_shown_and_says_so(estate: Knockon) -> None:
    answer = estate("impact", "ESX1", "--max-distance", "2", "--json").json()
    assert {each["name"] for each in answer["affected"]} == {"Farm", "vm"}
    assert answer["counts"] == {"DOWN": 0, "DEGRADED": 0, "AT_RISK": 4}
    assert answer["truncated"] is True
    assert "Cut off by --max-distance" in estate("impact", "ESX1", "--max-distance", "2").out


def test_a_relationship_type_can_be_left_out(estate: Knockon) -> None:
    answer = estate("impact", "ESX1", "ESX2", "--exclude", "RUNS_ON", "--exclude", "STORED_ON", "--json").json()
    assert states(answer["affected"]) == {("Farm", "DOWN"), ("vm", "DOWN")}
    assert answer["excludedTypes"] == ["RUNS_ON", "STORED_ON"]


def test_what_was_left_out_is_said(estate: Knockon) -> None:
    ran = estate("impact", "mail", "--exclude", "DEPENDENCY_OF")
    assert "Left out by --exclude: DEPENDS_ON" in ran.out
    assert "No service is known to be affected." in ran.out


def test_who_is_to_be_told_stands_at_the_end(knockon: Knockon) -> None:
    (knockon.home / "told.yaml").write_text("""
source: s
entities:
  - {class: BusinessService, key: shop, name: Shop}
  - {class: Application, key: web, name: web}
  - {class: Server, key: db, name: db}
  - {class: Person, key: ann, name: Ann}
  - {class: Customer, key: retail, name: Retail}
  - {class: ServiceLevelAgreement, key: gold, name: Gold, availability_target: 99.5}
relationships:
  - {from: shop, type: DEPENDS_ON, to: web}
  - {from: web, type: DEPENDS_ON, to: db}
  - {from: shop, type: OWNED_BY, to: ann}
  - {from: shop, type: CONSUMED_BY, to: retail}
  - {from: shop, type: COVERED_BY, to: gold}
""")
    assert knockon("load", "told.yaml").code == 0
    text = as_table(knockon("impact", "web").out)
    for part in (
        "owner Ann; customers Retail Gold: availability target 99.5 %",
        "db Server Nothing calls it any more: web is down.",
        "To be told who because they",
        "Ann Person owns Shop, which is down",
    ):
        assert part in text


def test_unknown_is_never_no_impact(estate: Knockon) -> None:
    ran = estate("impact", "Incident:iron-2 is dead")
    assert ran.code == 0
    assert "No service is known to be affected." in ran.out
    assert "no impact rule names its class" in ran.out


@pytest.mark.parametrize("command", ["impact", "supports"])
def test_a_reference_to_nothing_is_exit_2(estate: Knockon, command: str) -> None:
    ran = estate(command, "Server:nowhere", "--json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: REFERENCE_NOT_FOUND: Nothing is called 'Server:nowhere'.")


def test_a_word_that_is_no_state_is_told(estate: Knockon) -> None:
    ran = estate("impact", "ESX1=broken")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "knockon: BAD_USAGE: ESX1=broken: 'broken' is no state; use down, degraded or removed.\n"
    assert "REFERENCE_NOT_FOUND: Nothing is called 'nobody=broken'." in estate("impact", "nobody=broken").err


def test_a_misspelt_class_is_told(estate: Knockon) -> None:
    ran = estate("impact", "hypervizor:ESX1")
    assert ran.code == 2
    assert "There is no class hypervizor; did you mean Hypervisor?" in ran.err


@pytest.mark.parametrize("command", ["impact", "supports"])
def test_a_question_makes_no_store(knockon: Knockon, command: str) -> None:
    ran = knockon(command, "ESX1")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("knockon: STORE_UNREACHABLE: There is no store at ")


def test_an_ambiguous_reference_lists_the_candidates(estate: Knockon) -> None:
    ran = estate("impact", "twin")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: REFERENCE_AMBIGUOUS: 'twin' means several things: ")
    assert "Server:twin (survey:twin-a), Server:twin (survey:twin-b)" in ran.err
    assert estate("impact", "survey:twin-a").code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["ESX1", "ESX1=degraded"],
        ["ESX1", "--assume", "ESX1=operational"],
        ["ESX1", "--assume", "ESX2"],
        ["ESX1", "--assume", "ESX2=down"],
        ["ESX1", "--exclude", "LEANS_ON"],
        [],
        ["ESX1", "--given", "closed"],
        ["ESX1", "--given", "none,open"],
        ["ESX1", "--given", "window", "--window", "tonight"],
        ["ESX1", "--answer", "AAAA"],
        ["--answer", "AAAA", "--given", "open"],
        ["--answer", "AAAA"],
    ],
)
def test_questions_that_make_no_sense_are_exit_2(estate: Knockon, arguments: list[str]) -> None:
    ran = estate("impact", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: BAD_USAGE: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["ESX1", "--format", "pdf"],
        ["ESX1", "--state", "at_risk"],
        ["ESX1", "--max-distance", "0"],
    ],
)
def test_options_of_later_versions_and_bad_values_are_refused(estate: Knockon, arguments: list[str]) -> None:
    ran = estate("impact", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: BAD_USAGE: ")
    assert "Traceback" not in ran.err


def test_an_answer_is_given_once_more_by_its_id(estate: Knockon) -> None:
    first = estate("impact", "ESX1=degraded", "--given", "open,window", "--window", "2026-11-03T20:00:00Z", "--json")
    again = estate("impact", "--answer", first.json()["answerId"], "--json")
    assert (again.code, again.out) == (0, first.out)
    assert "knowing what is open and what is planned for then" in as_table(
        estate("impact", "--answer", first.json()["answerId"]).out
    )


def test_an_answer_about_an_estate_that_has_changed_comes_out_of_the_journal_while_that_reaches(
    tmp_path: Path,
) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    (tmp_path / "more.yaml").write_text("source: more\nentities: [{class: Server, key: x, name: x}]\n")
    mine = Knockon(tmp_path).at("estate.db")
    assert mine("load", "estate.yaml").code == 0
    first = mine("impact", "ESX1", "--json").json()
    assert mine("load", "more.yaml").code == 0
    again = mine("impact", "--answer", first["answerId"], "--json").json()
    assert again["asOf"] is not None
    same = ("answerId", "revision", "affected", "counts", "survivors", "services")
    assert {name: again[name] for name in same} == {name: first[name] for name in same}
    assert mine("store", "compact", "--before", str(mine("impact", "ESX1", "--json").json()["revision"])).code == 0
    ran = mine("impact", "--answer", first["answerId"])
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("knockon: ANSWER_GONE: This answer holds for revision ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--state", "gone"], "Invalid value for '--state': 'gone' is not one of 'down', 'degraded', 'removed'."),
        (["--max-distance", "0"], "Invalid value for '--max-distance': it must be at least 1, not '0'."),
        (["--max-distance", "far"], "Invalid value for '--max-distance': it must be an integer, not 'far'."),
    ],
)
def test_a_bad_value_is_refused_in_our_words(estate: Knockon, arguments: list[str], words: str) -> None:
    ran = estate("impact", "ESX1", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert words in " ".join(ran.err.replace("│", " ").split())


def test_supports_finds_what_redundancy_hides(estate: Knockon) -> None:
    answer = estate("supports", "iron-1", "--json").json()
    assert answer.keys() == {"revision", "id", "class", "name", "services"}
    (service,) = answer["services"]
    assert service.keys() == {"id", "class", "name", "criticality", "users", "distance", "path"}
    assert (service["name"], service["distance"], len(service["path"])) == ("Shop", 5, 5)
    ran = estate("supports", "iron-1")
    assert (ran.code, ran.err) == (0, "")
    assert "iron-1 Server supports" in as_table(ran.out)
    assert "via shop=app > vm > Farm > ESX1 > iron-1" in as_table(ran.out)
    assert as_table(estate("supports", "survey:twin-a").out) == "twin Server supports no service."


def test_a_reader_that_has_seen_enough_is_no_error(estate: Knockon) -> None:
    for arguments in (["impact", "ESX1"], ["impact", "ESX1", "--json"], ["export"]):
        with subprocess.Popen(
            estate.command(*arguments), env=estate.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            running.stdout.close()
            said = running.stderr.read()
            assert (running.wait(timeout=60), said) == (0, b"")
