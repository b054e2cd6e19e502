"""Scenarios: what a file may say, what holds, and what is said of what does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

import pytest

from knockon.errors import FileNotParsed
from knockon.itsm.scenarios.junit import junit_xml
from knockon.itsm.scenarios.scenario_file import read_scenarios
from knockon.itsm.scenarios.scenarios import run_scenarios, scenarios_json
from tests.itsm.conftest import MODEL, link, say, thing

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.scenarios.scenarios import ScenarioReport


async def run(shop: Topologies, *scenarios: str, name: str = "s.yaml") -> ScenarioReport:
    text = "scenarios:\n" + "".join(f"  - {{name: s{number}, {each}}}\n" for number, each in enumerate(scenarios))
    found, mistakes = read_scenarios(text, name, MODEL)
    assert mistakes == []
    return await run_scenarios(shop, found)


async def outcome(shop: Topologies, scenario: str) -> str:
    (result,) = (await run(shop, scenario)).results
    return result.outcome


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("when: [box], then: [{ref: intranet, exactly: down}]", "passed"),
        ("when: [box], then: [{ref: intranet, exactly: DOWN}]", "passed"),
        ("when: [box], then: [{ref: intranet, at_worst: degraded}]", "failed"),
        ("when: [box], then: [{ref: intranet, at_least: degraded}]", "passed"),
        ("when: [box], then: [{ref: shop, exactly: operational}]", "passed"),
        ("when: [box], then: [{ref: shop, at_least: at_risk}]", "failed"),
        ("when: [box], assume: [wiki], then: [{ref: intranet, exactly: operational}]", "passed"),
        ("when: [box], assume: [wiki=operational], then: [{ref: intranet, exactly: operational}]", "passed"),
        ("when: [box=degraded], then: [{ref: intranet, exactly: degraded}]", "passed"),
        ("when: [db-1=removed], then: [{ref: shop, exactly: at_risk}]", "passed"),
        ("when: [db-1, db-2], then: [{ref: shop, exactly: at_risk}]", "failed"),
        ("when: [db-1], then: [{every: Service, at_worst: at_risk}]", "passed"),
        ("when: [box], then: [{every: Service, at_worst: at_risk}]", "failed"),
        ("when: [db-1], survive: [{ref: web-a}]", "passed"),
        ("when: [db-1], survive: [{ref: web-a, group: db, margin: 0}]", "passed"),
        ("when: [db-1], survive: [{ref: web-a, margin: 1}]", "failed"),
        ("when: [box], survive: [{ref: web-a, margin: 1}]", "passed"),
        ("when: [box], survive: [{ref: web-a, margin: 2}]", "failed"),
        ("when: [db-1, db-2], survive: [{ref: web-a}]", "failed"),
        ("when: [nowhere], then: [{ref: shop, exactly: down}]", "error"),
        ("when: [box], then: [{ref: nowhere, exactly: down}]", "error"),
        ("when: [ann], then: [{ref: shop, exactly: down}]", "error"),
        ("when: [box], then: [{every: Router, exactly: operational}]", "error"),
        ("when: [box], then: [{every: Person, exactly: operational}]", "error"),
        ("when: [box], survive: [{ref: shop}]", "error"),
        ("when: [box], survive: [{ref: web-a, group: cache}]", "error"),
        ("when: [box], assume: [Server:box], then: [{ref: shop, exactly: operational}]", "error"),
    ],
)
async def test_how_a_scenario_ends(shop: Topologies, scenario: str, expected: str) -> None:
    assert await outcome(shop, scenario) == expected


async def test_what_fails_is_told_with_what_was_expected_what_is_and_why(shop: Topologies) -> None:
    report = await run(
        shop,
        "when: [box], then: [{ref: intranet, at_least: at_risk, at_worst: degraded}, {ref: shop, at_least: degraded}]",
        "when: [db-1, db-2], survive: [{ref: web-a, margin: 1}]",
        "when: [db-1], survive: [{ref: web-a, margin: 1}]",
        "when: [box], survive: [{ref: shop}]",
        "when: [box], survive: [{ref: web-a, group: cache}]",
    )
    told = [text for each in report.results for _, text in each.because]
    assert told == [
        (
            "BusinessService intranet was expected to be at least AT_RISK and at worst DEGRADED, but is DOWN: "
            "wiki is down, which takes this down. Via wiki > box."
        ),
        (
            "BusinessService shop was expected to be at least DEGRADED, but is OPERATIONAL: "
            "Nothing that failed affects it."
        ),
        (
            "the group db of Application web-a was expected to hold with a margin of 1, but is DOWN: "
            "db-1 and db-2 are down, which leaves 0 of 2 up in its group db; it needs 1."
        ),
        (
            "the group db of Application web-a was expected to hold with a margin of 1, "
            "but can lose none more in full service."
        ),
        "BusinessService shop has no group: it has no redundancy group.",
        "Application web-a has no group cache: its groups are db.",
    ]
    assert (report.count("passed"), report.count("failed"), report.count("error"), report.holds) == (0, 3, 2, False)


async def test_open_records_count_where_a_scenario_says_so(shop: Topologies) -> None:
    await say(shop.store, thing("INC1", "Incident", kind="outage", state="new"), link("INC1", "AFFECTS", "db-2"))
    assert await outcome(shop, "when: [db-1], then: [{ref: shop, exactly: at_risk}]") == "passed"
    assert await outcome(shop, "when: [db-1], given: open, then: [{ref: shop, exactly: down}]") == "passed"


async def test_one_bad_reference_does_not_stop_the_other_scenarios(shop: Topologies) -> None:
    report = await run(
        shop,
        "when: [nowhere], then: [{ref: shop, exactly: down}]",
        "when: [box], then: [{ref: intranet, exactly: down}]",
    )
    assert [each.outcome for each in report.results] == ["error", "passed"]
    assert scenarios_json(report)["scenarios"][0]["because"][0]["line"] == 2


async def test_junit_is_well_formed_whatever_the_names_are(shop: Topologies) -> None:
    text = """
scenarios:
  - {name: "a <b> & \\"c\\" \\x07 \\uFFFE ü", when: [box], then: [{ref: intranet, exactly: operational}]}
  - {name: fine, when: [box], then: [{ref: intranet, exactly: down}]}
  - {name: lost, when: [nowhere], then: [{ref: intranet, exactly: down}]}
"""
    found, _ = read_scenarios(text, "a&b.yaml", MODEL)
    root = fromstring(junit_xml(await run_scenarios(shop, found)))
    assert root.attrib == {"name": "knockon scenarios", "tests": "3", "failures": "1", "errors": "1"}
    (suite,) = root
    assert (suite.tag, suite.get("name"), suite.get("failures")) == ("testsuite", "a&b.yaml", "1")
    assert [case.get("name") for case in suite] == ['a <b> & "c" \ufffd \ufffd ü', "fine", "lost"]
    assert [[child.tag for child in case] for case in suite] == [["failure"], [], ["error"]]
    assert (suite[0][0].text or "").startswith("a&b.yaml:3: BusinessService intranet was expected to be OPERATIONAL")
    assert suite[0].get("line") == "3"


@pytest.mark.parametrize(
    ("written", "line", "said"),
    [
        ("{}", 1, "the file has no scenarios"),
        ("", 1, "the file is empty"),
        ("tests: []", 1, "a scenario file has no 'tests'"),
        ("scenarios: 3", 1, "scenarios is a list"),
        ("scenarios:\n  - x", 2, "a scenario is a mapping"),
        ("scenarios:\n  - {when: [a], then: [{ref: b, exactly: down}]}", 2, "a scenario has no name"),
        ("scenarios:\n  - {name: n, then: [{ref: b, exactly: down}]}", 2, "a scenario has no when"),
        ("scenarios:\n  - {name: n, when: [], then: [{ref: b, exactly: down}]}", 2, "when names at least one thing"),
        ("scenarios:\n  - {name: n, when: [a]}", 2, "a scenario expects something"),
        ("scenarios:\n  - name: n\n    when: [a]\n    then:\n      - {ref: b}", 5, "an expectation has at_worst"),
        ("scenarios:\n  - {name: n, when: [a], then: [{exactly: down}]}", 2, "an expectation is of one ref"),
        ("scenarios:\n  - {name: n, when: [a], then: [{every: Servr, exactly: down}]}", 2, "there is no class"),
        ("scenarios:\n  - {name: n, when: [a], then: [{ref: b, exactly: gone}]}", 2, "exactly is operational"),
        ("scenarios:\n  - {name: n, when: [a], then: [{ref: b, exactly: down, at_worst: down}]}", 2, "an expectation"),
        ("scenarios:\n  - {name: n, when: [a], then: [{ref: b, at_least: down, at_worst: at_risk}]}", 2, "nothing is"),
        ("scenarios:\n  - {name: n, when: [a], survive: [{ref: b, margin: some}]}", 2, "margin is a number"),
        ("scenarios:\n  - {name: n, when: [a], survive: [{margin: 1}]}", 2, "a survival has no ref"),
        ("scenarios:\n  - {name: n, when: [a=down, a=degraded], survive: [{ref: b}]}", 2, "'a' fails twice"),
        ("scenarios:\n  - {name: n, when: [a], assume: [a], survive: [{ref: b}]}", 2, "'a' fails and is assumed"),
        ("scenarios:\n  - {name: n, given: soon, when: [a], survive: [{ref: b}]}", 2, "given is none or open"),
        (
            "scenarios:\n  - {name: n, when: [a], survive: [{ref: b}]}\n  - {name: n, when: [a], survive: [{ref: b}]}",
            3,
            "the name 'n' stands twice",
        ),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_line(written: str, line: int, said: str) -> None:
    _, (mistake,) = read_scenarios(written, "s.yaml", MODEL)
    assert (mistake.file, mistake.line) == ("s.yaml", line)
    assert mistake.message.startswith(said)


def test_a_name_with_an_equals_sign_is_no_state() -> None:
    ((scenario,), _) = read_scenarios("scenarios: [{name: n, when: [a=b], survive: [{ref: c}]}]", "s", MODEL)
    assert [(each.reference, each.state) for each in scenario.when] == [("a=b", "down")]


def test_the_example_of_the_documentation_is_a_scenario_file() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/scenarios.md").read_text()
    ((scenario,), mistakes) = read_scenarios(page.split("```yaml\n")[1].split("```")[0], "scenarios.md", MODEL)
    assert mistakes == []
    assert (len(scenario.then), len(scenario.survive)) == (4, 1)


def test_what_is_no_yaml_is_refused() -> None:
    with pytest.raises(FileNotParsed):
        read_scenarios("scenarios: [", "s.yaml", MODEL)
