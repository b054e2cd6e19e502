"""``dependencies``, ``paths`` and ``spof``: how a question is put, and how it is answered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.cli.command import as_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command import Knockon


def test_dependencies_as_table_and_as_json(estate: Knockon) -> None:
    text = as_table(estate("dependencies", "Shop").out)
    assert "5 ESX1 Hypervisor" not in text
    assert "4 ESX1 Hypervisor in Farm's group MEMBER_OF via shop=app > vm > Farm > ESX1" in text
    answer = estate("dependencies", "Shop", "--max-distance", "1", "--json").json()
    assert [(each["name"], each["distance"], each["plain"]) for each in answer["needs"]] == [("shop=app", 1, True)]
    assert (answer["total"], answer["truncated"]) == (8, True)


def test_what_several_have_in_common(estate: Knockon) -> None:
    answer = estate("dependencies", "ESX1", "vm", "--common", "--json").json()
    assert [(each["name"], each["distances"], each["lowest"]) for each in answer["common"]] == [
        ("ESX1", [0, 2], True), ("iron-1", [1, 3], False),
    ]  # fmt: skip
    assert "lowest" in estate("dependencies", "ESX1", "vm", "--common").out


def test_paths_in_whichever_direction(estate: Knockon) -> None:
    answer = estate("paths", "iron-1", "Shop", "--json").json()
    assert (answer["direction"], answer["consumer"]["name"]) == ("backward", "Shop")
    assert [step["type"] for step in answer["paths"][0]["steps"]] == [
        "DEPENDS_ON", "RUNS_ON", "HOSTED_ON", "MEMBER_OF", "RUNS_ON",
    ]  # fmt: skip
    assert "Shop > shop=app > vm > Farm > ESX1 > iron-1" in as_table(estate("paths", "iron-1", "Shop").out)
    assert "Neither" in estate("paths", "iron-1", "iron-2").out


def test_single_points_of_failure(estate: Knockon) -> None:
    answer = estate("spof", "Shop", "--json").json()
    assert [each["name"] for each in answer["down"]] == ["shop=app", "vm", "Farm"]
    assert [each["name"] for each in answer["degraded"]] == ["mail"]
    assert answer["truncated"] is False
    ran = estate("spof", "Shop")
    assert "Single failures that take down Shop BusinessService" in as_table(ran.out)
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "There may be" not in ran.out
    assert "may be more" in estate("spof", "Shop", "--limit", "1").out


def test_wrong_use_ends_with_2(estate: Knockon) -> None:
    assert estate("dependencies", "Shop", "vm").code == 2
    assert estate("dependencies", "Shop", "vm", "--common", "--max-distance", "2").code == 2
    assert estate("paths", "Shop", "Shop").code == 2


def test_an_analysis_of_the_whole_estate(estate: Knockon, tmp_path: Path) -> None:
    spof = estate("analyse", "spof", "--json").json()
    assert [(row["name"], [each["name"] for each in row["points"]]) for row in spof["rows"]] == [
        ("Shop", ["shop=app", "Farm", "vm"]),
    ]  # fmt: skip
    radius = estate("analyse", "blast-radius", "--workers", "1", "--json").json()
    esx = next(row for row in radius["rows"] if row["name"] == "ESX1")
    assert (esx["counts"], esx["services"], esx["weight"]) == (
        {"DOWN": 0, "DEGRADED": 0, "AT_RISK": 4}, {"DOWN": 0, "DEGRADED": 0, "AT_RISK": 1}, 0,
    )  # fmt: skip
    out = tmp_path / "dangerous.json"
    ran = estate("analyse", "dangerous", "--out", out)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert [row["name"] for row in json.loads(out.read_text())["rows"]] == ["Farm", "vm", "shop=app", "Shop"]
    assert list(tmp_path.iterdir()) == [out]
    assert "The most dangerous CIs" in estate("analyse", "dangerous").out


def test_an_analysis_that_cannot_run_says_why(estate: Knockon, tmp_path: Path) -> None:
    ran = estate("analyse", "spof", "--scheduler", "tcp://127.0.0.1:1")
    assert (ran.code, "--out" in ran.err) == (2, True)
    ran = estate("analyse", "spof", "--out", tmp_path / "missing" / "out.json")
    assert (ran.code, "cannot be written" in ran.err) == (2, True)
