"""How an answer is printed: the one place that knows the formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from knockon.cli.options import print_json
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import Callable

    from knockon.itsm.formats.drawing import Drawing
    from knockon.itsm.formats.sheet import Sheet

_HELP = "How to print the answer."
Format = Annotated[Literal["table", "json", "mermaid", "dot", "graphml", "csv"], typer.Option("--format", help=_HELP)]
"""Of an answer that has something to draw."""
ListFormat = Annotated[Literal["table", "json", "csv"], typer.Option("--format", help=_HELP)]
"""Of an answer that is a list."""


def one_format(output: str, as_json: bool) -> str:
    """Decide between ``--format`` and ``--json``.

    Raises
    ------
    BadUsage
        They contradict each other.
    """
    if as_json and output not in ("table", "json"):
        raise BadUsage(f"--json and --format {output} contradict each other; choose one.")
    return "json" if as_json else output


def show(
    output: str,
    *,
    table: Callable[[], None],
    json: Callable[[], Any],
    drawing: Callable[[], Drawing] | None = None,
    sheet: Callable[[], Sheet] | None = None,
) -> None:
    """Print an answer in a format; without a sheet of its own, CSV has what is drawn."""
    if output == "table":
        table()
    elif output == "json":
        print_json(json())
    elif output == "csv":
        from knockon.itsm.formats.drawing import nodes_sheet
        from knockon.itsm.formats.sheet import csv_text

        typer.echo(csv_text(sheet() if sheet else nodes_sheet(_drawn(drawing))), nl=False)
    else:
        from knockon.itsm.formats.drawing import WRITERS

        typer.echo(WRITERS[output](_drawn(drawing)), nl=False)


def _drawn(drawing: Callable[[], Drawing] | None) -> Drawing:
    if drawing is None:
        raise BadUsage("There is nothing to draw in this answer; use table, json or csv.")
    return drawing()
