"""The planning commands as people run them: what they print, and how they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.command import as_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.command import Knockon

OVERLAY = """
add:
  - {class: Hypervisor, key: esx-3, name: ESX3}
  - {from: esx-3, type: MEMBER_OF, to: Cluster:Farm}
change:
  - {from: Application:mail, type: DEPENDENCY_OF, to: "shop=app", set: {strength: hard}}
"""


@pytest.fixture(scope="session")
def overlay(estate: Knockon) -> Path:
    path = estate.home / "overlay.yaml"
    path.write_text(OVERLAY)
    return path


def test_what_if_tells_which_failures_would_do_something_else(estate: Knockon, overlay: Path) -> None:
    ran = estate("what-if", overlay, "--json")
    answer = ran.json()
    assert ran.err == ""
    assert answer["changes"] == [
        "adds Hypervisor ESX3",
        "adds ESX3 MEMBER_OF Farm",
        "changes shop=app DEPENDS_ON mail: strength is hard (was soft)",
    ]
    told = {
        case["seeds"][0]["name"]: {
            each["name"]: (each["before"], each["after"]) for each in (*case["worse"], *case["better"])
        }
        for case in answer["cases"]
    }
    assert told["mail"] == {"Shop": ("DEGRADED", "DOWN"), "shop=app": ("DEGRADED", "DOWN")}
    assert told["ESX1"]["Shop"] == ("AT_RISK", "OPERATIONAL")
    assert told.keys() == {"mail", "ESX1", "ESX2", "iron-1", "iron-2"}
    assert [each["name"] for each in answer["unknown"]] == ["Shop"]
    assert estate("impact", "mail", "--json").json()["services"][0]["state"] == "DEGRADED"  # nothing was written


def test_what_if_of_one_failure_as_a_table_fits_80_columns(estate: Knockon, overlay: Path) -> None:
    ran = estate("what-if", overlay, "mail")
    assert (ran.code, ran.err) == (0, "")
    text = as_table(ran.out)
    for part in (
        "nothing is written",
        "1 of 1 failure would do something else than today.",
        "worse Shop BusinessService: DOWN, was DEGRADED",
        "shop=app is down, which takes this down.",
        "via shop=app > mail",
    ):
        assert part in text
    assert max(map(len, ran.out.splitlines())) <= 80


def test_what_if_reads_standard_input_and_takes_states_of_each_failure(estate: Knockon) -> None:
    ran = estate("what-if", "-", "mail=degraded", "ESX1=removed", "--json", stdin=OVERLAY)
    (case,) = ran.json()["cases"]
    assert [(each["name"], each["asked"]) for each in case["seeds"]] == [("mail", "degraded"), ("ESX1", "removed")]
    none = estate("what-if", "-", "--service", "Shop", stdin="change: [{ref: mail, set: {description: x}}]")
    assert "No difference: 0 failures tried" in as_table(none.out)


def test_a_wrong_overlay_ends_with_2_and_every_mistake(estate: Knockon) -> None:
    ran = estate("what-if", "-", stdin="add:\n  - {class: Servr, key: a}\nremove:\n  - nowhere\n")
    assert (ran.code, ran.out) == (2, "")
    first, second, third = ran.err.splitlines()
    assert first == "knockon: OVERLAY_INVALID: the what-if file has mistakes."
    assert second == "-:2: UNKNOWN_CLASS: there is no class 'Servr'; did you mean Server?"
    assert third.startswith("-:4: UNRESOLVED_REFERENCE: Nothing is called 'nowhere'.")


def test_rolling_order_gives_waves_and_what_none_can_take(estate: Knockon) -> None:
    answer = estate("rolling-order", "ESX1", "ESX2", "vm", "--json").json()
    assert [[each["name"] for each in wave["cis"]] for wave in answer["waves"]] == [["ESX1"], ["ESX2"]]
    assert [(each["name"], [s["name"] for s in each["services"]]) for each in answer["alone"]] == [("vm", ["Shop"])]
    assert (answer["lowerBound"], answer["optimal"]) == (2, True)
    text = as_table(estate("rolling-order", "ESX1", "ESX2", "vm").out)
    assert "2 waves in which no service goes DOWN; no order has fewer." in text
    assert "AT_RISK Shop" in text
    assert "vm VirtualMachine DOWN Shop BusinessService" in text
    assert "via shop=app > vm" in text


def test_rolling_order_knows_what_is_open_if_told_so(estate: Knockon) -> None:
    answer = estate("rolling-order", "ESX1", "ESX2", "--given", "open", "--json").json()
    assert [[each["name"] for each in wave["cis"]] for wave in answer["waves"]] == [["ESX2"]]
    assert [each["name"] for each in answer["alone"]] == ["ESX1"]


def test_recovery_order_of_all_and_of_one(estate: Knockon) -> None:
    answer = estate("recovery-order", "vm", "--json").json()
    assert [[each["name"] for each in layer] for layer in answer["layers"]] == [
        ["iron-1", "iron-2"], ["ESX1", "ESX2"], ["Farm"], ["vm"],
    ]  # fmt: skip
    text = as_table(estate("recovery-order").out)
    assert "Recovery order of 11 CIs" in text
    assert "No loops: everything can start in this order." in text


def test_a_bootstrap_loop_is_told_in_words(knockon: Knockon) -> None:
    (knockon.home / "loop.yaml").write_text("""
source: t
entities:
  - {class: Hypervisor, key: host}
  - {class: VirtualMachine, key: names}
  - {class: BusinessService, key: shop}
relationships:
  - {from: host, type: DEPENDS_ON, to: names}
  - {from: names, type: VIRTUALIZED_BY, to: host}
  - {from: shop, type: DEPENDS_ON, to: names}
""")
    assert knockon("load", "loop.yaml").code == 0
    text = as_table(knockon("recovery-order").out)
    assert "Bootstrap loops: nothing in them can start first" in text
    assert "Start host by hand, without names: then names can follow." in text
    assert "names waits for host" in text


def test_availability_says_what_it_assumed_and_the_seed_repeats_it(estate: Knockon) -> None:
    ran = estate("availability", "Shop", "--samples", "5000", "--seed", "3", "--json")
    answer = ran.json()
    assert answer["up"]["low"] <= answer["exact"]["up"] <= answer["up"]["high"]
    assert answer["targets"] == []
    assert estate("availability", "Shop", "--samples", "5000", "--seed", "3", "--json") == ran
    text = as_table(estate("availability", "Shop", "--samples", "5000").out)
    assert "Assumed by class, since neither availability nor mtbf and mttr are recorded: Application 99.9 %" in text
    assert "No agreement of it has an availability_target." in text


@pytest.mark.parametrize("command", ["rolling-order", "recovery-order", "availability"])
def test_what_is_not_there_ends_with_2(estate: Knockon, command: str) -> None:
    ran = estate(command, "nowhere")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("knockon: REFERENCE_NOT_FOUND: ")
