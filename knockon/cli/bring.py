"""Bringing data: ``load`` and ``generate``."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from knockon.cli.options import Json, StoreUrl, me, model_of, open_store, print_json, run, settings, writing_to
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.cmdb.loading.report import LoadReport
    from knockon.itsm.blast_radius.answer import ImpactAnswer
    from knockon.server.settings import Settings

_STOPPED = (
    "What is loaded so far is kept: whole batches of records, none of them by halves. To go on, run the same load "
    "again: it leaves what is there already as it is."
)
_STOPPED_DRY = "It was a dry run: nothing is written."


@dataclass(frozen=True)
class How:
    """How to load: see ``knockon.cmdb.load.load``."""

    scope: str = ""
    complete: bool = False
    strict: bool = False
    allow_retire: bool = False
    partial: bool = False
    dry_run: bool = False


def load(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help="Files or folders; - reads standard input.", show_default=False),
    ],
    source: Annotated[
        str | None, typer.Option(help="Who says so; else the file's own source.", show_default=False)
    ] = None,
    input_format: Annotated[
        Literal["auto", "native", "kubernetes"], typer.Option("--format", help="What the files are.")
    ] = "auto",
    scope: Annotated[
        str | None,
        typer.Option(help="The part of what the source reports that this load is about.", show_default=False),
    ] = None,
    complete: Annotated[
        bool, typer.Option("--complete", help="The load has all of its scope: retire what is missing from it.")
    ] = False,
    allow_retire: Annotated[
        bool, typer.Option("--allow-retire", help="Go on where a complete load would retire very much.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Each record speaks of the attributes that it has, and of no other.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, and say what would be done.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Reject a relationship whose ends are not there.")] = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Load what a source says. Loading the same again changes nothing.

    Exit code 1 when some records were rejected: the rest is loaded. Exit code 4 when a complete load would
    retire more than a fifth of its scope, and at least 20 things: nothing is written.
    """
    if partial and complete:
        raise BadUsage("A complete load has whole records; leave out --partial or --complete.")
    started = time.monotonic()
    found = settings(store)
    how = How(scope or "", complete, strict, allow_retire, partial, dry_run)
    with _rehearsal_room(found, how) as room:
        report, hit = load_files(room, files, source=source, input_format=input_format, how=how)
    if as_json:
        from knockon.itsm.blast_radius.answer_json import impact_json

        print_json({**report.as_json(), **({"blastRadius": impact_json(hit)} if hit else {})})
    else:
        from knockon.cli.plan_table import print_plan
        from knockon.cli.tables import print_impact, print_load

        print_load(report, time.monotonic() - started)
        if report.plan is not None:
            print_plan(report.plan)
        if hit:
            print_impact(hit)
    if report.rejects:
        raise typer.Exit(1)


@contextmanager
def _rehearsal_room(found: Settings, how: How) -> Iterator[Settings]:
    """Give the settings to load with: a dry run into a store that is not there makes none."""
    from knockon.cmdb.stores import store_file

    file = store_file(found.store_url)
    if not how.dry_run or file is None or file.exists():
        yield found
        return
    with TemporaryDirectory() as folder:
        yield found.model_copy(update={"store": f"sqlite://{folder}/estate.db"})


def load_files(
    found: Settings,
    files: list[str],
    *,
    source: str | None = None,
    input_format: str = "auto",
    how: How = How(),
) -> tuple[LoadReport, ImpactAnswer | None]:
    """Read files and load them into the store of the settings, with a progress bar on standard error.

    A dry run that would retire something also gives what that would hit.
    """
    from knockon import loaders
    from knockon.cli.progress import progress_bar
    from knockon.cmdb.loading.load import load as load_items
    from knockon.cmdb.loading.report import LoadReport

    model = model_of(found)
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None)
        paths: list[Path | Literal["-"]] = ["-" if each == "-" else Path(each) for each in files]
        # read outside the event loop, where Ctrl-C is heard at once
        reading = loaders.read(paths, source=source, format=input_format, model=model)
        bar.update(task, description="loading")

        filled = LoadReport()

        def progress(done: int, total: int) -> None:
            rejects = f", {len(filled.rejects):,} rejected" if filled.rejects else ""
            bar.update(task, description=f"loading{rejects}", completed=done, total=total)

        async def work() -> tuple[LoadReport, ImpactAnswer | None]:
            from knockon.impact.topology.topologies import Topologies
            from knockon.itsm.decisions.load_review import retirements

            async with open_store(found, model) as opened:
                report = await load_items(
                    opened,
                    model,
                    reading.items,
                    source=reading.source,
                    actor=me(),
                    file=reading.file,
                    report=filled,
                    progress=progress,
                    **asdict(how),
                )
                topologies = Topologies(opened, model, found.cache_folder)
                return report, await retirements(topologies, report) if how.dry_run else None

        try:
            return run(work())
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(_STOPPED_DRY if how.dry_run else _STOPPED) from stop


def generate(
    out: Annotated[Path, typer.Option(help="The folder to write to; it is made.", show_default=False)],
    size: Annotated[
        int | None, typer.Option(min=1, help="How many CIs, about; else the sample estate.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same estate.")] = 1,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The estate's today; else 2026-11-01.", show_default=False),
    ] = None,
) -> None:
    """Write a made-up estate in the native format, and its planted causes beside it."""
    from knockon import sample

    with writing_to(out):
        sample.write(out, size=size, seed=seed, as_of=as_of.date() if as_of else sample.AS_OF)
    typer.echo(f"Written to {out}. Load it with: knockon load {out}", err=True)
