"""``health``: scores, the CIs behind them, rules of one's own, and when it ends with 1."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.cli.command import as_table
from tests.cli.conftest import ESTATE

if TYPE_CHECKING:
    from tests.cli.command import Knockon, Ran

AT = ("--at", "2026-11-02T00:00:00Z")


def checks(ran: Ran) -> dict[str, Any]:
    """Give what each check says; the command ends with 1, since nobody owns anything."""
    assert ran.code == 1, ran
    return {each["name"]: each for area in json.loads(ran.out)["areas"] for each in area["checks"]}


def test_scores_and_what_fails(estate: Knockon) -> None:
    found = checks(estate("health", "--json", *AT))
    assert (found["orphans"]["met"], found["orphans"]["asked"]) == (9, 11), "the twins"
    assert (found["stale"]["met"], found["stale"]["passes"]) == (11, True)
    assert (found["waiting"]["failing"], found["waiting"]["passes"]) == (1, False)
    assert (found["owner"]["met"], found["owner"]["passes"]) == (0, False)
    assert found["duplicates"]["failing"] == 2
    assert checks(estate("health", "--json", "--at", "2027-02-01T00:00:00Z"))["stale"]["failing"] == 11
    ran = estate("health", *AT)
    assert "Health of all configuration items" in ran.out
    assert "owner 0.0 0 11 under 80 11" in as_table(ran.out)
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_part_of_the_estate(estate: Knockon) -> None:
    servers = checks(estate("health", "--class", "Server", "--json", *AT))
    assert (servers["orphans"]["asked"], servers["service"]["met"]) == (4, 2)
    of_shop = json.loads(estate("health", "--service", "Shop", "--by", "service", "--json", *AT).out)
    assert (of_shop["about"], of_shop["cis"]) == ("all configuration items, needed by BusinessService:Shop", 9)
    assert [(part["name"], part["cis"]) for part in of_shop["parts"]] == [("Shop", 9)]
    assert estate("health", "--service", "iron-1").code == 2
    assert estate("health", "--owner", "nobody").code == 2
    assert "Person is no class of configuration items" in estate("health", "--class", "Person").err


def test_fail_under_sets_what_is_needed(estate: Knockon) -> None:
    assert estate("health", "--fail-under", "0", "--json").code == 0
    found = checks(estate("health", "--fail-under", "85", "--json", *AT))
    assert {each["name"] for each in found.values() if not each["passes"]} >= {"orphans", "owner"}
    assert found["waiting"]["passes"], "9 of 10"


def test_the_items_behind_a_number(estate: Knockon) -> None:
    answer = estate("health", "show", "orphans", "--json").json()
    assert [(each["name"], each["because"]) for each in answer["cis"]] == 2 * [("twin", "nothing is related to it")]
    assert (answer["failing"], answer["truncated"]) == (2, False)
    cut = estate("health", "show", "orphans", "--limit", "1", "--json").json()
    assert (len(cut["cis"]), cut["truncated"]) == (1, True)
    assert "shop DEPENDS_ON nowhere" in as_table(estate("health", "show", "waiting").out)
    assert estate("health", "show", "orphans", "--format", "csv").out.splitlines()[0] == "id,class,name,missed,because"
    assert "there are required" in estate("health", "show", "nonsense").err


def test_rules_of_ones_own(estate: Knockon) -> None:
    good = estate.home / "good.yaml"
    good.write_text("rules: [{name: server-has-tag, class: Server, has: [asset_tag], because: Ours.}]")
    bad = estate.home / "bad.yaml"
    bad.write_text("rules:\n  - {name: server-has-tag, class: Server,\n     has: [colour], because: Ours.}")
    assert checks(estate.knowing(KNOCKON_RULES=str(good))("health", "--json"))["server-has-tag"]["failing"] == 4
    assert estate("health", "lint", good).code == 0
    linted = estate("health", "lint", bad)
    assert (linted.code, f"{bad}:3: Server has no attribute colour." in linted.out) == (1, True)
    refused = estate.knowing(KNOCKON_RULES=str(bad))("health")
    assert (refused.code, "RULES_INVALID" in refused.err) == (2, True)


def test_a_trend_is_of_evenly_spaced_revisions_until_there_are_baselines(knockon: Knockon) -> None:
    (knockon.home / "estate.yaml").write_text(ESTATE)
    assert knockon("load", "estate.yaml").code == 0
    newest = json.loads(knockon("health", "--json").out)["revision"]
    answer = json.loads(knockon("health", "--trend", "3", "--json").out)
    revisions = [each["revision"] for each in answer["trend"]]
    assert revisions == sorted({1 + (newest - 1) * n // 3 for n in range(3)} - {newest})
    assert [each["name"] for each in answer["trend"]] == list(map(str, revisions))
    alone = [json.loads(knockon("health", "--against", str(each), "--json").out)["against"] for each in revisions]
    assert answer["trend"] == alone
    assert "stale" in {each["name"] for each in answer["trend"][0]["leftOut"]}
    assert "against" not in answer
    assert knockon("baseline", "create", "golden").code == 0
    both = json.loads(knockon("health", "--trend", "3", "--against", "1", "--json").out)
    assert ([each["name"] for each in both["trend"]], both["against"]["name"]) == (["golden"], "1")
    shown = knockon("health", "--trend", "24").out
    assert "golden" in shown
    assert "Left out of all: stale" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert knockon("health", "--trend", "25").code == 2
