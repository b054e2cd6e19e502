"""``scenario run`` and ``scenario check``, and the examples that ship for the sample estate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import fromstring

from tests.cli.command import as_table

if TYPE_CHECKING:
    from tests.cli.command import Knockon

EXAMPLES = Path(__file__).parents[2] / "examples/scenarios"
HOLDS = """
scenarios:
  - {name: one hypervisor less, when: [ESX1], then: [{ref: Shop, at_worst: at_risk}], survive: [{ref: Farm}]}
"""
FAILS = """
scenarios:
  - name: both of them
    when: [ESX1, ESX2=degraded]
    then:
      - {ref: Shop, exactly: operational}
"""


def test_all_that_holds_ends_with_0(estate: Knockon, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HOLDS)
    ran = estate("scenario", "run", tmp_path / "a.yaml")
    assert (ran.code, ran.err) == (0, "")
    assert as_table(ran.out) == "holds one hypervisor less 1 of 1 hold (revision 3)"


def test_what_does_not_hold_ends_with_1_and_says_why(estate: Knockon, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(HOLDS)
    (tmp_path / "b.yml").write_text(FAILS)
    (tmp_path / "notes.csv").write_text("no scenario")
    ran = estate("scenario", "run", tmp_path, "--json", "--junit", tmp_path / "report.xml")
    assert (ran.code, ran.err) == (1, "")
    report = json.loads(ran.out)
    assert (report["passed"], report["failed"], report["errors"]) == (1, 1, 0)
    (wrong,) = report["scenarios"][1]["because"]
    assert wrong["line"] == 6
    assert wrong["text"].startswith("BusinessService Shop was expected to be OPERATIONAL, but is DEGRADED: shop=app is")
    assert wrong["text"].endswith("Via shop=app > vm > Farm > ESX1.")
    root = fromstring((tmp_path / "report.xml").read_text())
    assert [(case.get("name"), [child.tag for child in case]) for case in root.iter("testcase")] == [
        ("one hypervisor less", []),
        ("both of them", ["failure"]),
    ]
    text = as_table(estate("scenario", "run", tmp_path).out)
    assert "FAILS both of them" in text
    assert "1 of 2 hold" in text


def test_check_needs_no_store_and_names_file_and_line(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(HOLDS)
    assert knockon("scenario", "check", tmp_path / "good.yaml").code == 0
    (tmp_path / "bad.yaml").write_text(FAILS.replace("exactly", "exactley"))
    ran = knockon("scenario", "check", "bad.yaml", cwd=tmp_path)
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "bad.yaml:6: an expectation has no 'exactley'; it has ref, every, at_worst, at_least, exactly.",
    ]
    as_json = knockon("scenario", "check", "bad.yaml", "--json", cwd=tmp_path)
    assert [each["line"] for each in json.loads(as_json.out)] == [6]
    run = knockon("scenario", "run", "bad.yaml", cwd=tmp_path)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines() == [
        "knockon: SCENARIO_INVALID: the scenario files have mistakes.",
        *ran.out.splitlines(),
    ]


def test_a_folder_without_yaml_and_a_report_that_cannot_be_written_end_with_2(estate: Knockon, tmp_path: Path) -> None:
    (tmp_path / "only.csv").write_text("x")
    assert estate("scenario", "run", tmp_path).err.startswith("knockon: FILE_UNREADABLE: ")
    (tmp_path / "a.yaml").write_text(HOLDS)
    ran = estate("scenario", "run", tmp_path / "a.yaml", "--junit", tmp_path / "no/such/folder.xml")
    assert (ran.code, ran.err.startswith("knockon: BAD_USAGE: ")) == (2, True)


def test_the_examples_that_ship_fit_the_sample_estate(knockon: Knockon) -> None:
    assert knockon("generate", "--out", "sample").code == 0
    assert knockon("load", "sample").code == 0
    report = knockon("scenario", "run", EXAMPLES, "--json").json()
    assert report["passed"] == len(report["scenarios"]) == 10
    overlay = EXAMPLES.parent / "what-if/second-licence-server.yaml"
    cases = knockon("what-if", overlay, "--service", "BusinessService:Payroll", "--json").json()["cases"]
    (single,) = [each for each in cases if each["seeds"][0]["name"] == "ham-esx-03"]
    assert ("Payroll", "DOWN", "AT_RISK") in {(e["name"], e["before"], e["after"]) for e in single["better"]}
    assert single["worse"] == []
