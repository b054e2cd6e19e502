"""``letters``: what was rejected is listed, shown, replayed once the model knows it, and dropped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.command import Knockon, as_table

if TYPE_CHECKING:
    from pathlib import Path

BAD = """
source: survey
seen: 2026-11-01T08:00:00Z
entities:
  - {class: Server, key: srv-1, name: iron}
  - {class: Balloon, key: b-1, name: up}
  - {class: Server, key: srv-2, colour: red}
"""
BALLOON = """
classes:
  Balloon:
    is_a: Hardware
    description: A balloon that carries an antenna.
"""


def rejected(knockon: Knockon, home: Path) -> list[str]:
    """Load BAD; give the ids of its letters."""
    (home / "bad.yaml").write_text(BAD)
    assert knockon("load", "bad.yaml", "--scope", "hall").code == 1
    return [each["id"] for each in knockon("letters", "--json").json()["letters"]]


def test_letters_are_listed_by_page_and_shown_whole(knockon: Knockon, tmp_path: Path) -> None:
    first, second = rejected(knockon, tmp_path)
    page = knockon("letters", "--limit", "1", "--json").json()
    assert ([each["id"] for each in page["letters"]], page["count"]) == ([first], 2)
    rest = knockon("letters", "--limit", "1", "--after", page["next"], "--json").json()
    assert ([each["id"] for each in rest["letters"]], rest["next"]) == ([second], None)
    only = knockon("letters", "--code", "UNKNOWN_ATTRIBUTE", "--source", "survey", "--json").json()
    assert [each["about"] for each in only["letters"]] == ["srv-2"]
    listed = as_table(knockon("letters").out)
    assert f"{first} UNKNOWN_CLASS survey, bad.yaml:6 b-1: there is no class 'Balloon'" in listed
    shown = knockon("letters", "show", first)
    assert "seen 2026-11-01T08:00:00.000000Z" in as_table(shown.out)
    assert '"class": "Balloon"' in shown.out
    whole = knockon("letters", "show", first, "--json").json()
    assert whole["record"] == {"class": "Balloon", "key": "b-1", "name": "up"}
    assert (whole["scope"], whole["location"]) == ("hall", "bad.yaml:6")


def test_a_replay_takes_what_the_model_has_learned(knockon: Knockon, tmp_path: Path) -> None:
    rejected(knockon, tmp_path)
    (tmp_path / "ours.yaml").write_text(BALLOON)
    learned = knockon.knowing(KNOCKON_MODEL=str(tmp_path / "ours.yaml"))
    dry = learned("letters", "replay", "--all", "--dry-run", "--json")
    assert (dry.code, json.loads(dry.out)["replays"][0]["created"]) == (1, 1)
    assert learned("letters", "--json").json()["count"] == 2
    ran = learned("letters", "replay", "--source", "survey")
    assert ran.code == 1
    assert "2 letters of survey, scope hall: 1 taken" in as_table(ran.out)
    (left,) = learned("letters", "--json").json()["letters"]
    assert (left["about"], left["code"]) == ("srv-2", "UNKNOWN_ATTRIBUTE")
    assert '"name": "up"' in learned("export").out


def test_a_dropped_letter_is_gone_with_its_reason_in_the_journal(knockon: Knockon, tmp_path: Path) -> None:
    first, second = rejected(knockon, tmp_path)
    assert knockon("letters", "drop", first, "--reason", "scrapped").code == 0
    assert [each["id"] for each in knockon("letters", "--json").json()["letters"]] == [second]
    gone = knockon("letters", "show", first)
    assert (gone.code, gone.err.split(":")[1].strip()) == (2, "REFERENCE_NOT_FOUND")


def test_what_is_to_be_replayed_is_said_in_one_way(knockon: Knockon, tmp_path: Path) -> None:
    rejected(knockon, tmp_path)
    for arguments in ((), ("--all", "--source", "survey")):
        assert knockon("letters", "replay", *arguments).code == 2
    (tmp_path / "mended.ndjson").write_text('{"letter": "x"}')
    ran = knockon("letters", "replay", "--mended", "mended.ndjson")
    assert (ran.code, "mended.ndjson:1" in ran.err) == (2, True)
    (tmp_path / "mended.ndjson").write_text('{"letter": "nobody", "record": {}}')
    ran = knockon("letters", "replay", "--mended", "mended.ndjson", "--json")
    assert (ran.code, [each["letter"] for each in json.loads(ran.out)["left"]]) == (1, ["nobody"])
