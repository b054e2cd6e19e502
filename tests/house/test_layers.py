"""The floors of the house: imports point downward, and what is heavy is imported when it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
HEAVY = {
    "fastapi", "graphql", "icalendar", "llvmlite", "neo4j", "numba", "numpy", "orjson", "pydantic", "pydantic_settings",
    "recurring_ical_events", "strawberry", "uvicorn", "yaml",
}  # fmt: skip
PROGRAM = """
import sys
from knockon.cli import main
try:
    main()
finally:
    print(*sorted({each.partition(".")[0] for each in sys.modules}), file=sys.stderr)
"""
ESTATE = """
source: survey
entities: [{class: Server, key: s, name: iron}, {class: Application, key: a, name: app}]
relationships: [{from: a, type: RUNS_ON, to: s}]
"""


def test_imports_point_downward() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def imported(arguments: Sequence[str], folder: Path) -> set[str]:
    """Run a command to its end and give the names of the packages that it imported."""
    command = [sys.executable, "-c", PROGRAM, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("arguments", [["--help"], ["impact", "--help"], ["serve", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    found = imported(arguments, tmp_path)
    assert "typer" in found
    of_typer = {"pydantic"} if len(arguments) > 1 else set()  # typer reads a command's options by it, in 0.1 s
    assert found & HEAVY == of_typer


def test_a_question_to_a_small_estate_waits_for_no_compiler_and_no_server(tmp_path: Path) -> None:
    (tmp_path / "estate.yaml").write_text(ESTATE)
    store = ["--store", f"sqlite://{tmp_path / 'estate.db'}"]
    for arguments in (["load", "estate.yaml"], ["impact", "iron"], ["supports", "iron"]):
        found = imported([*arguments, *store], tmp_path)
        assert {"yaml", "pydantic"} <= found
        assert found & {"fastapi", "graphql", "llvmlite", "neo4j", "numba", "strawberry", "uvicorn"} == set()
