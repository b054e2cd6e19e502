"""``history`` and ``changes`` as people and scripts meet them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.command import as_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command import Knockon

FIRST = """
source: survey
seen: 2026-11-01T08:00:00Z
entities:
  - {class: Server, key: srv-1, name: "iron [1]", serial_number: 00123}
  - {class: Hypervisor, key: esx-1, name: ESX1}
relationships:
  - {from: esx-1, type: RUNS_ON, to: srv-1, evidence: observed}
"""
SECOND = """
source: survey
seen: 2026-11-02T08:00:00Z
entities:
  - {class: Server, key: srv-1, name: "iron [1]", serial_number: 00124}
"""


@pytest.fixture
def told(knockon: Knockon, tmp_path: Path) -> Knockon:
    """Give the command and a store in which a server was changed and a hypervisor retired, at revision 3 to 5."""
    for name, text in (("first.yaml", FIRST), ("second.yaml", SECOND)):
        (tmp_path / name).write_text(text)
        assert knockon("load", name, "--complete").code == 0
    return knockon


def test_history_says_who_changed_what_and_when(told: Knockon) -> None:
    ran = told("history", "survey:srv-1")
    assert (ran.code, ran.err) == (0, "")
    text = as_table(ran.out)
    assert text.startswith("Server:iron [1] ")
    assert "changed itself serial_number: 00123 -> 00124" in text
    assert "created RUNS Hypervisor:ESX1 evidence: observed" in text
    assert "retired RUNS Hypervisor:ESX1" in text
    assert text.index("retired RUNS") < text.index("changed itself") < text.index("created itself")
    assert " from survey" in text


def test_history_for_scripts(told: Knockon) -> None:
    answer = told("history", "Server:iron [1]", "--json").json()
    assert (answer["class"], answer["name"], answer["retired"], answer["aliases"]) == ("Server", "iron [1]", False, [])
    assert (answer["horizon"], answer["truncated"]) == (0, False)
    numbers = [each["revision"] for each in answer["history"]]
    assert numbers == sorted(numbers, reverse=True)
    changed = next(each for each in answer["history"] if each["changes"][0]["attributes"][:1] == [
        {"name": "serial_number", "before": "00123", "after": "00124"}
    ])  # fmt: skip
    assert changed["changes"][0]["change"] == "changed"
    assert (changed["kind"], changed["source"]) == ("load", "survey")
    assert changed["at"].endswith("Z")
    retired = answer["history"][0]["changes"][0]
    assert (retired["change"], retired["relationship"], retired["other"]["name"]) == ("retired", "RUNS", "ESX1")


def test_history_in_parts(told: Knockon) -> None:
    whole = told("history", "survey:srv-1", "--json").json()["history"]
    first = told("history", "survey:srv-1", "--json", "--limit", "1").json()
    assert first["history"] == whole[:1]
    assert first["truncated"] is True
    number = first["history"][0]["revision"]
    assert told("history", "survey:srv-1", "--json", "--before", str(number)).json()["history"] == whole[1:]
    assert told("history", "survey:srv-1", "--json", "--since", str(number - 1)).json()["history"] == whole[:1]
    assert told("history", "survey:srv-1", "--json", "--since", whole[0]["at"]).json()["history"] == []
    assert "Nothing was written about it" in told("history", "survey:srv-1", "--since", whole[0]["at"]).out
    assert f"--before {number}" in told("history", "survey:srv-1", "--limit", "1").out


@pytest.mark.parametrize("by", ["survey:esx-1", "Hypervisor:ESX1", "ConfigurationItem:ESX1", "ESX1"])
def test_history_of_something_retired(told: Knockon, by: str) -> None:
    answer = told("history", by, "--json").json()
    assert answer["retired"] is True
    assert [each["changes"][0]["change"] for each in answer["history"]] == ["retired", "retired", "created", "created"]
    assert told("history", answer["id"], "--json").json() == answer
    assert "(retired)" in told("history", by).out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("history", "nothing"), "REFERENCE_NOT_FOUND"),
        (("history", "Server:ESX1"), "REFERENCE_NOT_FOUND"),
        (("history", "survey:srv-1", "--since", "yesterday"), "BAD_USAGE"),
        (("history", "survey:srv-1", "--since", "99"), "BAD_USAGE"),
        (("changes", "--since", "2999-01-01T00:00:00Z"), "BAD_USAGE"),
    ],
)
def test_what_cannot_be_answered_says_why(told: Knockon, arguments: tuple[str, ...], code: str) -> None:
    ran = told(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"knockon: {code}: ")


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_changes_are_one_line_a_revision(told: Knockon) -> None:
    every = lines(told("changes").out)
    assert [each["revision"] for each in every] == list(range(1, len(every) + 1))
    assert lines(told("changes", "--since", "2", "--limit", "2").out) == every[2:4]
    assert told("changes", "--since", str(len(every))).out == ""
    created = next(each for each in every[0]["changes"] if "serial_number" in each["after"]["attributes"])
    assert (created["change"], created["kind"], created["before"]) == ("created", "entity", None)
    assert created["after"]["attributes"] == {"name": "iron [1]", "serial_number": "00123"}
    related = every[1]["changes"][0]
    assert (related["kind"], related["type"], related["redundancy_group"]) == ("relationship", "RUNS_ON", None)
    assert related["after"] == {"attributes": {"evidence": "observed"}}


def test_changes_are_followed_while_others_write(told: Knockon, tmp_path: Path) -> None:
    wanted = 6
    before = len(lines(told("changes").out))
    (tmp_path / "third.yaml").write_text(FIRST.replace("source: survey\n", ""))
    following = subprocess.Popen(
        told.command("changes", "--follow", "--since", str(before), "--limit", str(wanted)),
        env=told.environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    loading = [
        subprocess.Popen(told.command("load", "third.yaml", "--source", f"s{n}"), env=told.environment, cwd=tmp_path,
                         stdout=subprocess.DEVNULL)
        for n in range(2)
    ]  # fmt: skip
    out, _ = following.communicate(timeout=100)
    assert [each.wait(timeout=100) for each in loading] == [0, 0]
    seen = lines(out)
    assert [each["revision"] for each in seen] == list(range(before + 1, before + wanted + 1))
    assert {each["source"] for each in seen} == {"s0", "s1"}
    assert any(each["changes"] for each in seen)  # both speak of what is there already


def test_the_past_is_asked_like_the_present(told: Knockon) -> None:
    then = told("impact", "survey:srv-1", "--as-of", "3", "--json").json()
    assert [each["name"] for each in then["affected"]] == ["ESX1"]
    assert then["revision"] == 3
    assert then["asOf"] == lines(told("changes", "--since", "2", "--limit", "1").out)[0]["at"]
    assert any("waited at revision 3" in each["because"] for each in then["unknown"])
    assert told("impact", "survey:srv-1", "--as-of", then["asOf"], "--json").json() == then
    now = told("impact", "survey:srv-1", "--json").json()
    assert (now["affected"], now["asOf"]) == ([], None)
    assert f"as it was at {then['asOf'][:19]}Z (revision 3)" in as_table(told("impact", "ESX1", "--as-of", "3").out)
    for command in ("supports", "dependencies"):
        assert told(command, "Hypervisor:ESX1", "--as-of", "3", "--json").json()["revision"] == 3
    way = told("paths", "ESX1", "survey:srv-1", "--as-of", "3", "--json").json()
    assert (way["revision"], len(way["paths"])) == (3, 1)


def test_plans_are_made_for_the_past_too(told: Knockon) -> None:
    overlay = "remove: [survey:srv-1]"
    both = {"ESX1", "iron [1]"}
    for asked, tell, expected in (
        (("what-if", "-", "survey:srv-1"), lambda answer: answer["cases"][0]["better"], {"ESX1"}),
        (("rolling-order", "survey:srv-1"), lambda answer: answer["waves"][0]["cis"], {"iron [1]"}),
        (("recovery-order",), lambda answer: [ci for layer in answer["layers"] for ci in layer], both),
        (("availability", "Hypervisor:ESX1"), lambda answer: answer["cis"], both),
    ):
        then = told(*asked, "--as-of", "3", "--json", stdin=overlay).json()
        assert then["revision"] == 3
        assert {each["name"] for each in tell(then)} == expected
        refused = told(*asked, "--as-of", "99", stdin=overlay)
        assert (refused.code, refused.err.split(": ")[1]) == (2, "BAD_USAGE")
    now = told("availability", "Hypervisor:ESX1")
    assert (now.code, now.err.split(": ")[1]) == (2, "REFERENCE_NOT_FOUND")
    before = told("availability", "Hypervisor:ESX1", "--as-of", "0")
    assert (before.code, before.err.split(": ")[1]) == (2, "REFERENCE_NOT_FOUND")
    assert "At revision 0" in before.err


def test_an_export_of_the_past_is_the_export_of_then(told: Knockon, tmp_path: Path) -> None:
    before = told("export").json()
    (tmp_path / "second.yaml").write_text(SECOND.replace("11-02", "11-03").replace("00124", "00125"))
    assert told("load", "second.yaml", "--complete").code == 0
    assert told("export").json()["entities"] != before["entities"]
    assert told("export", "--as-of", str(before["revision"])).json() == before
    assert told("export", "--as-of", "0").json() == {"revision": 0, "entities": [], "relationships": []}


@pytest.mark.parametrize(
    ("moment", "code"),
    [("99", "BAD_USAGE"), ("-1", "BAD_USAGE"), ("2999-01-01T00:00:00Z", "BAD_USAGE"), ("monday", "BAD_USAGE"),
     ("2026-11-01", "BAD_USAGE"), ("2020-01-01T00:00:00Z", "REFERENCE_NOT_FOUND")],
)  # fmt: skip
def test_a_moment_that_is_none_is_refused(told: Knockon, moment: str, code: str) -> None:
    ran = told("impact", "survey:srv-1", "--as-of", moment)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(f"knockon: {code}: ")


def test_what_is_forgotten_is_refused_and_never_left_out_in_silence(told: Knockon) -> None:
    newest = len(lines(told("changes").out))
    done = told("store", "compact", "--before", "3", "--json").json()
    assert done == {"revision": newest + 1, "horizon": 3, "entries": 3}
    for refused in (("changes",), ("changes", "--since", "2"), ("export", "--as-of", "2"),
                    ("impact", "survey:srv-1", "--as-of", "1")):  # fmt: skip
        ran = told(*refused)
        assert (ran.code, ran.out) == (4, "")
        assert ran.err.startswith("knockon: JOURNAL_COMPACTED: ")
        assert "revision 3 is the oldest" in ran.err
    assert told("export", "--as-of", "3").json()["revision"] == 3
    (*_, last) = lines(told("changes", "--since", "3").out)
    assert (last["kind"], last["note"]) == ("compact", {"horizon": 3, "entries": 3})
    answer = told("history", "survey:srv-1", "--json").json()
    assert answer["horizon"] == 3
    assert all(each["revision"] > 3 for each in answer["history"])
    assert "up to revision 3 was compacted" in told("history", "survey:srv-1").out
    again = told("store", "compact", "--before", "3")
    assert (again.code, again.err.split(": ")[1]) == (2, "BAD_USAGE")
    assert "1 journal entry up to revision 4 is forgotten;" in told("store", "compact", "--before", "4").out


def test_a_person_is_redacted_in_the_past_too(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "people.yaml").write_text(
        "source: hr\nentities:\n"
        "  - {class: Person, key: p1, name: Ann Example, email: ann@example.com, job_title: boss}\n"
    )
    assert knockon("load", "people.yaml").code == 0
    assert "ann@example.com" in knockon("history", "hr:p1").out
    assert knockon("redact", "hr:p1").code == 2
    done = knockon("redact", "Person:Ann Example", "--reason", "asked for it", "--json").json()
    assert (done["records"], done["references"]) == (["hr:p1"], 0)
    for asked in (("history", "hr:p1"), ("changes",), ("export",), ("export", "--as-of", "1")):
        said = knockon(*asked).out
        assert "boss" in said
        assert "ann@example.com" not in said
        assert "Ann Example" not in said
    assert lines(knockon("changes").out)[-1]["note"]["reason"] == "asked for it"
    assert "recorded as revision" in knockon("redact", "hr:p1", "--reason", "again").out
