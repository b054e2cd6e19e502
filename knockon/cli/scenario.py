"""Regression tests of an infrastructure: ``scenario run`` and ``scenario check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from knockon.cli.formats import ListFormat, one_format, show
from knockon.cli.options import Json, StoreUrl, answered, model_of, print_json, settings, writing_to
from knockon.cli.planning import progress_bar
from knockon.errors import FileUnreadable, ScenarioInvalid
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from knockon.itsm.scenarios.scenario_file import Scenario
    from knockon.itsm.scenarios.scenarios import ScenarioReport
    from knockon.schema.source import Mistake

commands = typer.Typer(
    help="Regression tests of an infrastructure: what must hold when something fails.", no_args_is_help=True
)
Files = Annotated[
    list[str],
    typer.Argument(metavar="FILE|FOLDER...", help="YAML files, or folders of them.", show_default=False),
]


@commands.command("run")
def scenario_run(
    files: Files,
    junit: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write JUnit XML too, for a build server.", show_default=False)
    ] = None,
    output: ListFormat = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Put scenarios to the estate; exit code 1 when one does not hold."""
    from knockon.cli.planning_tables import print_scenarios
    from knockon.itsm.scenarios.scenarios import run_scenarios, scenarios_json, scenarios_sheet

    form = one_format(output, as_json)
    scenarios, mistakes = _read(files)
    if mistakes:
        raise ScenarioInvalid("\n".join(["the scenario files have mistakes.", *map(str, mistakes)]))
    with progress_bar("scenarios") as progress:
        report = answered(store, lambda topologies: run_scenarios(topologies, scenarios, progress=progress))
    if junit:
        _write_junit(report, junit)
    show(
        form, table=lambda: print_scenarios(report), json=lambda: scenarios_json(report),
        sheet=lambda: scenarios_sheet(report),
    )  # fmt: skip
    if not report.holds:
        raise typer.Exit(1)


@commands.command("check")
def scenario_check(files: Files, as_json: Json = False) -> None:
    """Check scenario files, without a store, and name file and line of every mistake; exit code 1 if there is one."""
    from dataclasses import asdict

    scenarios, mistakes = _read(files)
    if as_json:
        print_json([asdict(each) for each in mistakes])
    else:
        for each in mistakes:
            typer.echo(str(each))
        good = f"{counted(len(scenarios), 'scenario')}, no mistakes."
        typer.echo(f"{counted(len(mistakes), 'mistake')}." if mistakes else good, err=True)
    if mistakes:
        raise typer.Exit(1)


def _read(files: list[str]) -> tuple[list[Scenario], list[Mistake]]:
    from knockon.itsm.scenarios.scenario_file import read_scenarios
    from knockon.loaders.inputs import gather

    model = model_of(settings())
    scenarios, mistakes = [], []
    sources = [each for each in gather(files) if each.syntax in ("yaml", "json")]
    if not sources:
        raise FileUnreadable(f"{', '.join(files)}: there is no YAML file among these.")
    for each in sources:
        found, wrong = read_scenarios(each.text(), each.name, model)
        scenarios += found
        mistakes += wrong
    return scenarios, mistakes


def _write_junit(report: ScenarioReport, path: Path) -> None:
    from knockon.itsm.scenarios.junit import junit_xml

    with writing_to(path):
        path.write_bytes(junit_xml(report))
