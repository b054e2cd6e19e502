"""``analyse``: questions about every CI of the estate at once."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from knockon.cli.formats import ListFormat, one_format, show
from knockon.cli.options import Json, StoreUrl, answered, writing_to
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from knockon.impact.structure.estate import Radius
    from knockon.impact.topology.topologies import Topologies, View


def analyse(
    analysis: Annotated[Literal["blast-radius", "spof", "dangerous"], typer.Argument(help="What to find out.")],
    out: Annotated[
        Path | None,
        typer.Option(help="A file for the JSON answer; a run that was stopped goes on.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many processes; else one for each core.", show_default=False)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Run on the workers of this Dask scheduler instead.", show_default=False),
    ] = None,
    output: ListFormat = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Every CI's blast radius, all single points of failure, or the most dangerous CIs."""
    import orjson

    from knockon.cli.structure_tables import print_analysis
    from knockon.itsm.structure.drawn import analysis_sheet
    from knockon.itsm.structure.estate import rows_of

    form = one_format(output, as_json)
    if scheduler is not None and out is None:
        raise BadUsage("--scheduler takes an --out in a folder that its workers can read as well.")
    view, weights = answered(store, _view)
    with _ended_in_order(), _executor(len(view.topology.ids), workers, scheduler) as executor:
        radii = _radii(view, executor, out)
    answer: dict[str, Any] = {
        "revision": view.revision, "analysis": analysis, "rows": rows_of(analysis, view, radii, weights),
    }  # fmt: skip
    if out is not None:
        with writing_to(out):
            fresh = out.with_name(f"{out.name}.new")
            fresh.write_bytes(orjson.dumps(answer, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
            fresh.replace(out)
            _parts(out).unlink(missing_ok=True)
    if out is None or form != "table":
        show(
            form, table=lambda: print_analysis(answer), json=lambda: answer,
            sheet=lambda: analysis_sheet(analysis, answer["rows"]),
        )  # fmt: skip


async def _view(topologies: Topologies) -> tuple[View, dict[str, int]]:
    from knockon.itsm.structure.estate import weights_of

    view = await topologies.current()
    return view, await weights_of(topologies.store, view)


def _radii(view: View, executor: Executor, out: Path | None) -> list[Radius]:
    """Compute, with a progress bar on standard error."""
    from tempfile import TemporaryDirectory

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from knockon.cli.tables import Out
    from knockon.impact.structure.estate import radii

    console = Out(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        writing_to(out or Path("a temporary folder")),
        TemporaryDirectory(prefix=".knockon-", dir=out.parent if out else None) as folder,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        task = bar.add_task("failing each CI", total=len(view.topology.ids))
        return radii(
            view.topology, view.services, executor, Path(folder), done=_parts(out) if out else None,
            revision=view.revision, progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip


def _parts(out: Path) -> Path:
    """Name the file that keeps finished chunks."""
    return out.with_name(f"{out.name}.parts")


@contextmanager
def _executor(items: int, workers: int | None, scheduler: str | None) -> Iterator[Executor]:
    """Give what runs the chunks: a Dask cluster, processes, or for a small estate this process alone."""
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    from knockon.impact.structure.estate import CHUNK

    if scheduler is not None:
        with _cluster(scheduler) as executor:
            yield executor
        return
    wanted = min(workers or os.cpu_count() or 1, -(-items // CHUNK))
    pool: Any = ThreadPoolExecutor(1)
    if wanted > 1:
        pool = ProcessPoolExecutor(wanted, mp_context=get_context("spawn"), initializer=_end_with_the_command)
    with pool:
        yield pool


def _end_with_the_command() -> None:
    """Let a worker end when the command is killed: it would wait for work, or work for nobody, for ever."""
    from multiprocessing import parent_process
    from threading import Thread

    command = parent_process()
    assert command

    def watch() -> None:
        command.join()  # a pipe that only the command holds open
        os._exit(1)

    Thread(target=watch, daemon=True).start()


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Take a request to end as Ctrl-C, so that nothing is left lying beside ``--out``."""
    from signal import SIGTERM, default_int_handler, signal

    before = signal(SIGTERM, default_int_handler)
    try:
        yield
    finally:
        signal(SIGTERM, before)


@contextmanager
def _cluster(scheduler: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise BadUsage("--scheduler needs Dask: install knockon[cluster].") from error
    try:
        client: Any = cast("Any", Client)(scheduler, timeout=10)
    except (OSError, ValueError) as error:
        raise BadUsage(f"There is no Dask scheduler at {scheduler}; mend --scheduler.") from error
    with client:
        yield client.get_executor()
