"""Questions for planning: ``what-if``, ``rolling-order``, ``recovery-order`` and ``availability``."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from knockon.cli.formats import Format, ListFormat, one_format, show
from knockon.cli.options import AsOf, Given, Json, StoreUrl, Window, answered, span_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    T = TypeVar("T")


def what_if(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The changes, as a YAML file; - reads standard input.")],
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REF[=STATE]",
            help="What fails, all together; else each single failure that can make a difference.",
            show_default=False,
        ),
    ] = None,
    service: Annotated[
        str | None, typer.Option(metavar="REF", help="Ask about the single failures of a service.", show_default=False)
    ] = None,
    given: Given = "none",
    window: Window = None,
    as_of: AsOf = None,
    output: Format = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Which failures would do more, or less, if the estate were changed so. Nothing is written."""
    from knockon.cli.planning_tables import print_what_if
    from knockon.itsm.blast_radius.question import Ask
    from knockon.itsm.planning import what_if as asked
    from knockon.itsm.planning.asking import failing
    from knockon.itsm.planning.drawn import what_if_drawing, what_if_sheet
    from knockon.itsm.planning.overlay_file import read_overlay
    from knockon.loaders.inputs import gather

    form = one_format(output, as_json)
    (source,) = gather([file])
    overlay = read_overlay(source.text(), source.name)
    asks = [Ask(*failing(ref)) for ref in refs or []]
    with progress_bar("failures") as progress:
        answer = answered(
            store,
            lambda topologies: asked.what_if(
                topologies, overlay, asks, service=service, given=given, span=span_of(window), progress=progress
            ),
            as_of,
        )
    show(
        form, table=lambda: print_what_if(answer), json=lambda: asked.what_if_json(answer),
        drawing=lambda: what_if_drawing(answer), sheet=lambda: what_if_sheet(answer),
    )  # fmt: skip


def rolling_order(
    refs: Annotated[
        list[str],
        typer.Argument(metavar="REF...", help="What is to be taken down, each once.", show_default=False),
    ],
    given: Given = "none",
    window: Window = None,
    as_of: AsOf = None,
    output: ListFormat = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Waves for maintenance in which no service goes DOWN; what is in one wave is down together."""
    from knockon.cli.planning_tables import print_rolling
    from knockon.itsm.planning import rolling
    from knockon.itsm.planning.drawn import rolling_sheet

    form = one_format(output, as_json)
    with progress_bar("questions to the engine") as progress:
        answer = answered(
            store,
            lambda topologies: rolling.rolling(
                topologies, refs, given=given, span=span_of(window), progress=lambda asked: progress(asked, None)
            ),
            as_of,
        )
    show(
        form, table=lambda: print_rolling(answer), json=lambda: rolling.rolling_json(answer),
        sheet=lambda: rolling_sheet(answer),
    )  # fmt: skip


def recovery_order(
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REF",
            help="What is to run again, with all that it needs; else everything.",
            show_default=False,
        ),
    ] = None,
    as_of: AsOf = None,
    output: ListFormat = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """In which order to start after a total outage, and which loops have to be broken by hand."""
    from knockon.cli.planning_tables import print_recovery
    from knockon.itsm.planning import recovery
    from knockon.itsm.planning.drawn import recovery_sheet

    form = one_format(output, as_json)
    with progress_bar("started") as progress:
        answer = answered(store, lambda topologies: recovery.recovery(topologies, refs or [], progress=progress), as_of)
    show(
        form, table=lambda: print_recovery(answer), json=lambda: recovery.recovery_json(answer),
        sheet=lambda: recovery_sheet(answer),
    )  # fmt: skip


def availability(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="A service, or any other CI.")],
    samples: Annotated[int, typer.Option(min=1, help="How many moments are drawn at random.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed draws the same moments.")] = 1,
    as_of: AsOf = None,
    output: ListFormat = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """How often a service is up, by its CIs' own availabilities, beside what was promised."""
    from knockon.cli.planning_tables import print_availability
    from knockon.itsm.planning import availability as asked
    from knockon.itsm.planning.drawn import availability_sheet

    form = one_format(output, as_json)
    with progress_bar("samples") as progress:
        answer = answered(
            store,
            lambda topologies: asked.service_availability(
                topologies, service, samples=samples, seed=seed, progress=lambda done: progress(done, samples)
            ),
            as_of,
        )
    show(
        form, table=lambda: print_availability(answer), json=lambda: asked.availability_json(answer),
        sheet=lambda: availability_sheet(answer),
    )  # fmt: skip


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Show on standard error, where that is a terminal, how many of how many are done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from knockon.cli.tables import Out

    console = Out(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("reading the estate", total=None)
        yield lambda done, total: bar.update(task, description=what, completed=done, total=total)
