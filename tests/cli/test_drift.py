"""``baseline`` and ``drift``, and health beside what it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import as_table
from tests.cli.conftest import ESTATE

if TYPE_CHECKING:
    from tests.cli.command import Knockon


@pytest.fixture
def moved(knockon: Knockon) -> Knockon:
    """Give the command with an estate that was named ``golden``, and changed since."""
    (knockon.home / "estate.yaml").write_text(ESTATE)
    knockon("load", "estate.yaml")
    assert knockon("baseline", "create", "golden", "--reason", "before the move").code == 0
    (knockon.home / "more.yaml").write_text(
        "source: dcim\nentities:\n  - {class: Server, key: x, name: iron-1, serial_number: 00123, asset_tag: A7}\n"
        "  - {class: Server, key: y, name: iron-9, serial_number: S9}\n"
        "relationships: [{from: y, type: CONNECTS_TO, to: x}]\n"
    )
    assert knockon("load", "more.yaml").code == 0
    return knockon


def test_baselines_are_made_listed_and_forgotten(moved: Knockon) -> None:
    (row,) = moved("baseline", "list", "--json").json()
    assert (row["name"], row["reason"]) == ("golden", "before the move")
    assert "before the move" in as_table(moved("baseline", "list").out)
    assert moved("baseline", "create", "golden").code == 2
    assert moved("baseline", "create", "first", "--as-of", "1", "--json").json()["revision"] == 1
    assert moved("baseline", "delete", "golden").code == 0
    assert "there are first" in moved("drift", "golden").err
    assert moved("baseline", "delete", "golden").code == 2


def test_drift_from_a_baseline(moved: Knockon) -> None:
    found = moved("drift", "golden", "--json").json()
    assert found["entities"] == {"created": 1, "changed": 1, "retired": 0}
    assert found["relationships"] == {"created": 1, "changed": 0, "retired": 0}
    first, second, third = found["differences"]
    assert (first["name"], first["altered"]) == ("iron-1", [{"name": "asset_tag", "before": None, "after": "A7"}])
    assert (second["change"], second["name"]) == ("created", "iron-9")
    assert (third["from"]["name"], third["type"], third["to"]["name"]) == ("iron-9", "CONNECTS_TO", "iron-1")
    cut = moved("drift", "golden", "--limit", "1", "--json").json()
    assert (len(cut["differences"]), cut["truncated"]) == (1, True)
    assert moved("drift", "golden", "--class", "Cluster", "--json").json()["differences"] == []
    text = as_table(moved("drift", "golden").out)
    assert "changed iron-1 Server asset_tag: nothing -> A7" in text
    assert moved("drift", "golden", "--class", "Nothing").code == 2
    assert moved("drift").code == moved("drift", "golden", "--source", "dcim").code == 2


def test_drift_from_a_source(moved: Knockon) -> None:
    (moved.home / "later.yaml").write_text(
        "source: cmdb\nseen: 2027-01-01T00:00:00Z\n"
        "entities: [{class: Server, key: q, name: iron-one, serial_number: 00123}]\n"
    )
    moved("load", "later.yaml")
    found = moved("drift", "--source", "survey", "--json").json()
    assert (found["records"], found["relationships"], found["differing"]) == (12, 10, 2)
    assert (found["otherwise"], found["lacking"], found["unseen"]) == (1, 1, 0)
    lacking, other = found["differences"]
    assert (other["kind"], other["change"], other["key"], other["name"]) == ("entity", "otherwise", "srv-1", "iron-one")
    assert other["altered"] == [{"name": "name", "said": "iron-1", "is": "iron-one"}]
    assert (lacking["kind"], lacking["change"], lacking["because"]) == ("relationship", "lacking", "WAITING_REFERENCE")
    assert (lacking["from"]["name"], lacking["type"], lacking["to"]) == (
        "Shop", "DEPENDS_ON", {"id": "", "class": "", "name": "nowhere"},
    )  # fmt: skip
    text = as_table(moved("drift", "--source", "survey").out)
    assert "survey says 12 things and 10 relationships: 1 otherwise, 1 lacking; 0 unseen" in text
    assert "otherwise iron-one Server name iron-1 iron-one srv-1" in text
    assert "lacking Shop" in text
    assert "WAITING_REFERENCE" in text
    assert moved("drift", "--source", "survey", "--class", "Server", "--json").json()["differing"] == 1
    assert moved("drift", "--source", "survey", "--limit", "1", "--json").json()["truncated"] is True
    assert moved("drift", "--source", "cmdb", "--json").json()["differing"] == 0


def test_drift_from_a_source_tells_what_others_still_see(moved: Knockon) -> None:
    (moved.home / "later.yaml").write_text(
        "source: dcim\nseen: 2027-01-01T00:00:00Z\nentities: [{class: Server, key: y, name: iron-9}]\n"
    )
    moved("load", "later.yaml", "--complete")
    (only,) = moved("drift", "--source", "dcim", "--json").json()["differences"]
    assert (only["change"], only["key"], only["name"], only["altered"]) == ("unseen", "x", "iron-1", [])
    assert "unseen iron-1 Server others say so x" in as_table(moved("drift", "--source", "dcim").out)


def test_health_beside_what_it_was(moved: Knockon) -> None:
    ran = moved("health", "--class", "Server", "--against", "golden", "--json")
    before = json.loads(ran.out)["against"]
    then = {each["name"]: each for each in before["checks"]}
    assert (before["cis"], then["orphans"]["met"], then["orphans"]["asked"]) == (4, 2, 4)
    assert {each["name"] for each in before["leftOut"]} == {"stale", "status", "waiting", "ambiguous", "not-allowed",
                                                            "self-loops"}  # fmt: skip
    areas = {each["name"]: (each["score"], each["scoreToday"]) for each in before["areas"]}
    assert areas["correctness"][0] < areas["correctness"][1]
    assert "orphans 50.0 60.0" in as_table(moved("health", "--class", "Server", "--against", "golden").out)
    assert moved("health", "--against", "nothing").code == 2
