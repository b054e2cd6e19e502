"""``dependencies``, ``paths`` and ``spof``: how a question is put, and how it is answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.command import as_table

if TYPE_CHECKING:
    from collections.abc import Callable

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


@pytest.mark.skipif(sys.platform != "linux", reason="it finds the workers in /proc, which only Linux has")
def test_workers_end_when_the_command_is_killed(knockon: Knockon) -> None:
    chain = [{"class": "Application", "key": f"a{n}", "name": f"a{n}"} for n in range(1200)]
    links = [{"from": f"a{n}", "type": "DEPENDS_ON", "to": f"a{n + 1}"} for n in range(1199)]
    (knockon.home / "chain.ndjson").write_text("".join(json.dumps(each) + "\n" for each in [*chain, *links]))
    assert knockon("load", "chain.ndjson", "--source", "chain").code == 0
    with subprocess.Popen(
        knockon.command("analyse", "dangerous", "--workers", "2"), env=knockon.environment, cwd=knockon.home
    ) as command:
        wait_until(lambda: len(children(command.pid)) >= 2)
        workers = children(command.pid)
        command.kill()
    try:
        wait_until(lambda: not any(map(runs, workers)))
    finally:
        for each in filter(runs, workers):
            os.kill(each, signal.SIGKILL)


def wait_until(done: Callable[[], bool]) -> None:
    for _ in range(600):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError


def children(pid: int) -> list[int]:
    """Name the worker processes of a command that have begun."""
    found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [each for each in found if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()]


def runs(pid: int) -> bool:
    """Tell whether a process is there, and not only its exit code."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
