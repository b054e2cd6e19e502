"""Who is who on the command line: explain-identity, findings, what people decide about them, undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.command import Knockon, as_table

if TYPE_CHECKING:
    from pathlib import Path

DCIM = """
source: dcim
seen: 2026-11-01T08:00:00Z
entities:
  - {class: Server, key: r1, name: web-1, serial_number: S1, description: rack 7}
  - {class: Server, key: r2, name: web-2, serial_number: S2}
relationships:
  - {from: r2, type: DEPENDS_ON, to: r1}
"""
DISCOVERY = """
source: discovery
seen: 2026-11-02T08:00:00Z
entities:
  - {class: Server, key: d1, name: WEB-1, serial_number: s1}
  - {class: Server, key: d2, name: web-2, serial_number: S9}
  - {class: Server, key: d3, name: only-here}
"""


@pytest.fixture
def two(knockon: Knockon, tmp_path: Path) -> Knockon:
    """Give the command on a store in which two sources have told of web-1, and differ over web-2."""
    for name, text in (("dcim.yaml", DCIM), ("discovery.yaml", DISCOVERY)):
        (tmp_path / name).write_text(text)
        assert knockon("load", name).code == 0
    return knockon


def things(knockon: Knockon) -> dict[str, str]:
    return {each["id"]: each["name"] for each in knockon("export").json()["entities"]}


def test_explain_identity_says_who_joined_over_what_and_whose_word_counts(two: Knockon) -> None:
    found = two("explain-identity", "dcim:r1", "--json").json()
    assert [each["record"] for each in found["records"]] == ["dcim:r1", "discovery:d1"]
    assert [(each["records"], each["outcome"], each["claim"]) for each in found["meetings"]] == [
        (["dcim:r1", "discovery:d1"], "JOINED", "Hardware.serial_number s1")
    ]
    name = found["provenance"]["name"]
    assert (name["value"], name["record"], name["seen"][:10]) == ("WEB-1", "discovery:d1", "2026-11-02")
    assert found["provenance"]["description"]["record"] == "dcim:r1"
    assert (found["findings"], found["decisions"], found["splitFrom"]) == ([], [], None)
    table = as_table(two("explain-identity", "WEB-1").out)
    assert "dcim:r1 discovery:d1 both have Hardware.serial_number s1" in table
    assert "description rack 7 dcim:r1 2026-11-01 08:00" in table
    assert two("explain-identity", "nobody").code == 2


def test_a_veto_is_explained_and_a_link_ends_it_until_it_is_taken_back(two: Knockon) -> None:
    (finding,) = two("findings", "--json").json()["findings"]
    assert (finding["code"], finding["records"], finding["veto"]) == (
        "IDENTITY_VETO", ["dcim:r2", "discovery:d2"], "Hardware.serial_number",
    )  # fmt: skip
    assert "they differ in Hardware.serial_number" in as_table(two("explain-identity", "dcim:r2").out)
    before = things(two)

    linked = two("link", "dcim:r2", "discovery:d2", "--reason", "new board", "--json").json()
    assert (linked["updated"], linked["retired"], linked["findings"]) == (1, 1, [])
    assert two("findings", "--json").json() == {"findings": [], "truncated": False, "outdated": False}
    (gone,) = before.keys() - things(two).keys()
    assert len(two("explain-identity", gone, "--json").json()["records"]) == 2  # the old id leads on
    (listed,) = two("decisions", "--json").json()
    assert listed == linked["decision"]
    assert (listed["kind"], listed["records"], listed["reason"]) == (
        "link", ["dcim:r2", "discovery:d2"], "new board",
    )  # fmt: skip
    assert f"{listed['id']}  link dcim:r2 discovery:d2" in two("decisions").out

    ran = two("take-back", listed["id"])
    assert ran.code == 0
    assert "Taken back: link dcim:r2 and discovery:d2." in ran.out
    assert len(two("findings", "--json").json()["findings"]) == 1
    assert two("decisions", "--json").json()[0]["takenBack"]
    assert things(two).keys() == before.keys()
    assert two("explain-identity", gone, "--json").json()["id"] == gone
    assert two("take-back", listed["id"]).code == 2
    assert "There is no decision nothing" in two("take-back", "nothing").err


def test_kept_apart_they_stay_two_whatever_they_share(two: Knockon) -> None:
    ran = two("keep-apart", "dcim:r1", "discovery:d1")
    assert ran.code == 0
    assert "Things: 1 created, 1 updated, 0 retired" in as_table(ran.out)
    assert "a person keeps them apart" in as_table(two("explain-identity", "dcim:r1").out)
    refused = two("link", "dcim:r1", "dcim:r1")
    assert (refused.code, refused.out) == (2, "")
    assert "name two" in refused.err


def test_findings_are_counted_out_and_told_by_kind(two: Knockon, tmp_path: Path) -> None:
    doubles = [f"  - {{class: Server, key: x{n}, name: n-{n // 2}}}" for n in range(4)]
    (tmp_path / "doubles.yaml").write_text("\n".join(["source: sheet", "entities:", *doubles]))
    two("load", "doubles.yaml")
    assert [each["code"] for each in two("findings", "--json").json()["findings"]] == [
        "DUPLICATE_IDENTIFIER", "DUPLICATE_IDENTIFIER", "IDENTITY_VETO",
    ]  # fmt: skip
    some = two("findings", "--code", "DUPLICATE_IDENTIFIER", "--limit", "1", "--json").json()
    assert (len(some["findings"]), some["truncated"]) == (1, True)
    assert "There are more" in two("findings", "--limit", "2").out
    assert two("findings", "--code", "NONSENSE").code == 2


def test_what_runs_against_its_status_is_listed_for_the_change_coordinator(two: Knockon, tmp_path: Path) -> None:
    erp = "source: erp\nseen: 2026-11-0%dT08:00:00Z\nentities:\n"
    erp += "  - {class: Server, key: e1, serial_number: S1, status: %s}\n"
    (tmp_path / "erp.yaml").write_text(erp % (3, "retired"))
    assert "PRESENT_AGAINST_STATUS" in two("load", "erp.yaml").out
    (finding,) = two("findings", "--code", "PRESENT_AGAINST_STATUS", "--json").json()["findings"]
    assert (finding["records"], finding["claim"], finding["status"]) == (["dcim:r1", "discovery:d1"], None, "retired")
    table = as_table(two("findings").out)
    assert "dcim:r1, discovery:d1: it is there, but its status is retired." in table
    assert "it is there, but its status is retired." in as_table(two("explain-identity", "erp:e1").out)
    (tmp_path / "erp.yaml").write_text(erp % (4, "in_use"))
    assert two("load", "erp.yaml").code == 0
    assert [each["code"] for each in two("findings", "--json").json()["findings"]] == ["IDENTITY_VETO"]


def test_undo_says_first_what_would_be_lost(two: Knockon) -> None:
    ran = two("undo", "discovery")
    assert ran.code == 4
    assert "discovery has reported 3 records and 0 relationships." in ran.out
    assert "only-here" in ran.out
    assert "--yes" in ran.err
    assert sorted(things(two).values()) == ["WEB-1", "only-here", "web-2", "web-2"]

    done = two("undo", "discovery", "--yes", "--json").json()
    assert (done["source"], done["updated"], done["retired"]) == ("discovery", 1, 2)
    assert sorted(things(two).values()) == ["web-1", "web-2"]
    assert two("findings", "--json").json()["findings"] == []
    assert two("undo", "nobody", "--yes").code == 2


def test_undo_keeps_ids_for_a_source_that_returns(two: Knockon) -> None:
    before = things(two)
    two("undo", "discovery", "--yes")
    two("load", "discovery.yaml")
    assert things(two) == before


def test_no_question_and_no_decision_makes_a_store(knockon: Knockon, tmp_path: Path) -> None:
    for words in (("findings",), ("decisions",), ("link", "a:1", "b:1"), ("undo", "a", "--yes")):
        assert knockon(*words).code == 3
    assert not (tmp_path / "estate.db").exists()


def test_a_partial_load_adds_to_what_its_source_said(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "dcim.yaml").write_text(DCIM)
    (tmp_path / "part.yaml").write_text(
        "source: dcim\nseen: 2026-11-03T08:00:00Z\npartial: true\nentities:\n"
        "  - {class: Server, key: r1, description: rack 9}\n"
    )
    (tmp_path / "part.csv").write_text("class,key,serial_number\nServer,r1,S7\n")
    knockon("load", "dcim.yaml")
    assert knockon("load", "part.yaml", "--json").json()["updated"] == 1
    knockon("load", "part.csv", "--source", "dcim", "--partial")
    said = {each["name"]: each for each in knockon("export").json()["entities"]}["web-1"]
    assert (said["serial_number"], said["description"]) == ("S7", "rack 9")
    refused = [knockon("load", "part.yaml", "--complete"), knockon("load", "part.csv", "--partial", "--complete")]
    assert [ran.code for ran in refused] == [2, 2]
    assert all("complete load has whole records" in ran.err for ran in refused)


def test_one_load_is_taken_back_and_the_undo_too(two: Knockon, tmp_path: Path) -> None:
    before = things(two)
    (tmp_path / "more.yaml").write_text(DISCOVERY.replace("11-02", "11-03").replace("only-here", "renamed"))
    revision = two("load", "more.yaml", "--json").json()["revision"]
    loaded = things(two)
    assert loaded != before
    plan = two("undo", "discovery", "--load", str(revision))
    assert (plan.code, things(two)) == (4, loaded)
    assert "name: renamed -> only-here" in plan.out
    assert two("undo", "dcim", "--load", str(revision), "--yes").code == 2
    done = two("undo", "discovery", "--load", str(revision), "--yes")
    assert things(two) == before
    again = done.out.split("knockon ")[-1].split()
    told = two(*again, "--json").json()
    assert (told["source"], told["updated"], told["kept"]) == ("discovery", 1, 0)
    assert things(two) == loaded


def test_a_person_says_the_class_that_sources_differ_over_until_it_is_taken_back(two: Knockon, tmp_path: Path) -> None:
    desk = "source: desk\nentities:\n  - {class: Workstation, key: w1, name: web-1, serial_number: S1}\n"
    (tmp_path / "desk.yaml").write_text(desk)
    two("load", "desk.yaml")

    def of() -> tuple[str, set[str]]:
        listed = two("findings", "--code", "CLASS_CONFLICT", "--json").json()["findings"]
        about = {one["class"] for each in listed for one in each["things"]}
        return two("explain-identity", "desk:w1", "--json").json()["class"], about

    before, about = of()
    assert about == {before}
    other = "Workstation" if before == "Server" else "Server"
    said = two("classify", "desk:w1", other, "--reason", "it stands under a desk", "--json").json()
    assert (said["decision"]["records"], said["decision"]["class"]) == (["desk:w1"], other)
    assert of() == (other, set())
    assert two("load", "desk.yaml").code == 0
    assert of() == (other, set())
    assert two("take-back", said["decision"]["id"]).code == 0
    assert of() == (before, {before})
    assert "share no identifiers" in two("classify", "desk:w1", "Document").err
    assert two("classify", "desk:w1", "Serverr").code == 2


def test_a_finding_that_is_right_as_it_is_is_accepted_until_it_is_taken_back(two: Knockon) -> None:
    (found,) = two("findings", "--json").json()["findings"]
    assert [one["name"] for one in found["things"]] == ["web-2", "web-2"]
    said = two("accept", found["id"], "--reason", "the board was changed", "--json").json()
    assert (said["decision"]["kind"], said["decision"]["finding"]) == ("right", found["id"])
    assert two("findings", "--json").json()["findings"] == []
    assert "the board was changed" in as_table(two("findings", "--accepted").out)
    assert f"finding {found['id']} (IDENTITY_VETO) is right as it is" in two("decisions").out
    two("load", "discovery.yaml")
    assert two("findings", "--json").json()["findings"] == []
    assert "accepted already" in two("accept", found["id"]).err
    assert two("take-back", said["decision"]["id"]).code == 0
    assert two("findings", "--json").json()["findings"] == [found]
    assert two("accept", "nothing").code == 2


def test_findings_of_a_model_before_are_said_to_be_so(two: Knockon, tmp_path: Path) -> None:
    (tmp_path / "ranks.yaml").write_text("sources: {ranking: [discovery, dcim]}")
    other = two.knowing(KNOCKON_MODEL=str(tmp_path / "ranks.yaml"))
    assert (two("findings", "--json").json()["outdated"], other("findings", "--json").json()["outdated"]) == (
        False,
        True,
    )
    assert "The model has changed since" in other("findings").out
    assert other("load", "dcim.yaml").code == 0
    assert not other("findings", "--json").json()["outdated"]
