"""Progress bars on standard error, for whoever looks at a terminal."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from knockon.cli.tables import Out


def progress_bar() -> Progress:
    """Make a bar that is gone when the work is done, and that a script never sees."""
    console = Out(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
