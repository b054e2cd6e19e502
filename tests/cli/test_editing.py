"""What people write by hand, by the real command."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command import Knockon

SCAN = """
source: scan
seen: 2020-01-01T08:00:00Z
entities:
  - {class: Server, key: r1, name: web-1, description: rack 7}
  - {class: Application, key: a1, name: shop}
  - {class: Incident, key: i1, name: INC1, state: new}
"""


@pytest.fixture
def scanned(knockon: Knockon, tmp_path: Path) -> Knockon:
    (tmp_path / "scan.yaml").write_text(SCAN)
    assert knockon("load", "scan.yaml").code == 0
    return knockon


def test_create_set_relate_and_retire(scanned: Knockon) -> None:
    made = scanned("create", "Server", "name=spare", "serial_number=SN7", "--reason", "lab", "--json").json()
    assert (made["entity"]["name"], made["created"]) == ("spare", 1)
    assert scanned("create", "Server", "name=spare", "serial_number=SN7").code == 4
    assert "rack 9" in scanned("set", "spare", "description=rack 9", "--dry-run").out
    done = scanned("set", "spare", "description=rack 9", "--json").json()
    assert done["entity"]["attributes"]["description"] == "rack 9"
    assert scanned("set", "spare", "--unset", "description", "--json").json()["entity"]["attributes"].keys() == {
        "name", "serial_number",
    }  # fmt: skip
    related = scanned("relate", "shop", "RUNS_ON", "spare", "--json").json()
    assert related["relationships"]["created"] == 1
    assert scanned("unrelate", "spare", "RUNS", "shop", "--json").json()["relationships"]["retired"] == 1
    gone = scanned("retire", "spare", "--reason", "sold")
    assert "is retired now" in gone.out
    assert scanned("undo", f"person/{getpass.getuser()}", "--load", str(made["revision"])).code in (2, 4)


def test_what_somebody_changed_meanwhile_is_told_and_nothing_is_written(scanned: Knockon) -> None:
    looked = scanned("set", "web-1", "description=rack 8", "--json").json()["revision"]
    scanned("set", "web-1", "description=rack 9")
    ran = scanned("set", "web-1", "description=rack 10", "--expect", str(looked))
    assert ran.code == 4
    assert ran.err.startswith("knockon: EDIT_CONFLICT: ")
    assert "rack 9" in ran.err
    assert scanned("set", "web-1", "name=web-01", "--expect", str(looked)).code == 0


def test_a_relationship_that_somebody_changed_meanwhile_is_told(scanned: Knockon) -> None:
    there = ("shop", "DEPENDS_ON", "web-1")
    looked = scanned("relate", *there, "strength=hard", "--json").json()["revision"]
    mine = scanned("relate", *there, "strength=soft", "--expect", str(looked), "--json").json()
    assert mine["relationships"]["updated"] == 1
    for words in (("relate", *there, "weight=2"), ("unrelate", *there)):
        ran = scanned(*words, "--expect", str(looked))
        assert (ran.code, ran.out) == (4, "")
        assert ran.err.startswith("knockon: EDIT_CONFLICT: Application:shop DEPENDS_ON Server:web-1 has changed")
        assert "strength: 'hard' -> 'soft'" in ran.err
        assert f"--expect {mine['revision']}, or newer" in ran.err
    gone = scanned("unrelate", *there, "--expect", str(mine["revision"]), "--json").json()
    assert gone["relationships"]["retired"] == 1


def test_a_word_that_does_not_count_is_told_as_it_stands(scanned: Knockon, tmp_path: Path) -> None:
    (tmp_path / "late.yaml").write_text(
        """
        source: scan
        seen: 2999-01-01T08:00:00Z
        entities:
          - {class: Server, key: r1, name: web-1, description: Rack B}
          - {class: Application, key: a1, name: shop}
        relationships: [{from: a1, type: DEPENDS_ON, to: r1, strength: hard}]
        """
    )
    assert scanned("load", "late.yaml").code == 0
    told = scanned("set", "web-1", "description=Rack C").out
    assert "Kept, but scan's word counts for description: 'Rack B'." in told
    told = scanned("relate", "shop", "DEPENDS_ON", "web-1", "strength=soft").out
    assert "Kept, but scan's word counts for strength: 'hard'." in told


def test_an_edit_is_taken_back_by_its_revision(scanned: Knockon) -> None:
    done = scanned("set", "web-1", "description=wrong", "--json").json()
    back = scanned("undo", f"person/{getpass.getuser()}", "--load", str(done["revision"]), "--yes", "--json").json()
    assert back["updated"] == 1
    (server,) = [each for each in scanned("export").json()["entities"] if each["class"] == "Server"]
    assert server["description"] == "rack 7"


def test_what_is_refused(scanned: Knockon) -> None:
    for code, *words in (
        (2, "set", "web-1"),
        (2, "set", "web-1", "description"),
        (2, "set", "web-1", "rack=7"),
        (2, "set", "nobody", "description=x"),
        (2, "set", "INC1", "state=closed"),
        (2, "create", "Sever", "name=x"),
        (4, "create", "Change", "name=c", "state=approved"),
        (4, "move", "INC1", "assigned"),
        (4, "move", "web-1", "retired"),
        (4, "restore", "web-1"),
        (2, "restore", "nobody"),
        (2, "relate", "web-1", "EATS", "shop"),
        (2, "unrelate", "shop", "RUNS_ON", "web-1"),
        (4, "retire", "web-1"),
    ):
        ran = scanned(*words)
        assert (ran.code, ran.out) == (code, ""), words
        assert ran.err.startswith("knockon: "), words


def test_a_change_is_moved_as_its_lifecycle_allows(scanned: Knockon) -> None:
    made = scanned("create", "Change", "number=C1", "name=C1", "--json").json()
    assert made["entity"]["attributes"]["state"] == "draft"
    refused = scanned("move", "C1", "implementing")
    assert (refused.code, refused.out) == (4, "")
    assert refused.err.startswith("knockon: ILLEGAL_MOVE: ")
    assert "planned, completed, cancelled" in refused.err
    assert "state" in scanned("move", "C1", "planned", "--dry-run").out
    moved = scanned("move", "C1", "planned", "--expect", str(made["revision"]), "--reason", "complete", "--json").json()
    assert moved["entity"]["attributes"]["state"] == "planned"
    assert scanned("move", "C1", "approved", "--expect", str(made["revision"])).err.startswith("knockon: EDIT_CONFLICT")
    assert "KEPT_ELSEWHERE" in scanned("move", "INC1", "assigned").err
    shown = scanned("model", "show", "Change").out
    assert "moves to" in shown
    assert "initial" in shown


def test_what_was_retired_comes_back(scanned: Knockon) -> None:
    made = scanned("create", "Server", "name=spare", "serial_number=SN7", "--json").json()
    scanned("retire", "spare")
    back = scanned("restore", "Server:spare", "--reason", "not sold", "--json").json()
    assert (back["entity"]["id"], back["entity"]["retired"]) == (made["entity"]["id"], False)
    assert back["entity"]["attributes"] == made["entity"]["attributes"]
