"""``load --scope --complete --dry-run``: what is retired, what stops it, and what a dry run tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.command import Knockon, as_table

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """
source: survey
entities:
  - {class: Server, key: srv-1, name: iron}
  - {class: Server, key: srv-2, name: steel}
  - {class: BusinessService, key: pay, name: Payroll}
relationships:
  - {from: pay, type: DEPENDS_ON, to: srv-2}
"""
LESS = """
source: survey
entities:
  - {class: Server, key: srv-1, name: iron, serial_number: S1}
  - {class: BusinessService, key: pay, name: Payroll}
"""


def test_what_a_complete_load_lacks_is_retired(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "whole.yaml").write_text(WHOLE)
    (tmp_path / "less.yaml").write_text(LESS)
    knockon("load", "whole.yaml", "--scope", "hall-1", "--complete")
    report = knockon("load", "less.yaml", "--scope", "hall-1", "--complete", "--json").json()
    assert (report["retired"], report["updated"], report["relationships"]["retired"]) == (1, 1, 1)
    assert "plan" not in report
    assert knockon("impact", "steel").code == 2
    names = {each["name"] for each in knockon("export").json()["entities"]}
    assert names == {"iron", "Payroll"}


def test_a_dry_run_tells_the_plan_and_what_the_retirements_would_hit(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "whole.yaml").write_text(WHOLE)
    (tmp_path / "less.yaml").write_text(LESS)
    knockon("load", "whole.yaml", "--complete")
    report = knockon("load", "less.yaml", "--complete", "--dry-run", "--json").json()
    assert [(each["change"], each["what"]) for each in report["plan"]] == [
        ("retire", "Server:steel"), ("retire", "BusinessService:Payroll DEPENDS_ON Server:steel"),
        ("update", "Server:iron"),
    ]  # fmt: skip
    assert [(each["name"], each["state"]) for each in report["blastRadius"]["services"]] == [("Payroll", "DOWN")]
    table = as_table(knockon("load", "less.yaml", "--complete", "--dry-run").out)
    assert "Dry run: nothing is written" in table
    assert "serial_number: nothing -> S1" in table
    assert "Payroll" in table
    assert knockon("impact", "steel", "--json").json()["counts"]["DOWN"] == 1
    unchanged = knockon("load", "whole.yaml", "--complete", "--dry-run")
    assert "Nothing would change." in unchanged.out


def test_the_safety_brake_refuses_with_its_own_exit_code(knockon: Knockon, tmp_path: Path) -> None:
    lines = [f"  - {{class: Server, key: s-{n}, name: s-{n}}}" for n in range(50)]
    (tmp_path / "all.yaml").write_text("\n".join(["source: survey", "entities:", *lines]))
    (tmp_path / "few.yaml").write_text("\n".join(["source: survey", "entities:", *lines[:20]]))
    knockon("load", "all.yaml", "--complete")
    ran = knockon("load", "few.yaml", "--complete")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.startswith("knockon: SAFETY_BRAKE: 30 of the 50 things that survey reports are missing")
    assert knockon("load", "few.yaml", "--complete", "--allow-retire", "--json").json()["retired"] == 30


def test_a_dry_run_makes_no_store(knockon: Knockon, tmp_path: Path) -> None:
    (tmp_path / "whole.yaml").write_text(WHOLE)
    report = knockon("load", "whole.yaml", "--dry-run", "--json").json()
    assert (report["created"], report["revision"]) == (3, 0)
    assert not (tmp_path / "estate.db").exists()
