"""All commands, and how they end.

Exit codes: 0 done; 1 done, but some records were rejected or a check failed; 2 wrong use, or a file
that cannot be read; 3 the store could not be reached; 4 refused.

No command's own imports happen here: ``knockon --help`` must answer at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from knockon import __version__
from knockon.cli import ask, bring, keep, serving
from knockon.errors import KnockonError

app = typer.Typer(
    name="knockon",
    help="A CMDB on a graph that answers what happens if, and why did it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
model_commands = typer.Typer(help="The metamodel: classes, relationship types, impact rules.", no_args_is_help=True)

app.command("load")(bring.load)
app.command("impact")(ask.impact)
app.command("supports")(ask.supports)
app.command("serve")(serving.serve)
app.command("demo")(serving.demo)
app.command("generate")(bring.generate)
app.command("export")(keep.export)
app.add_typer(model_commands, name="model")
model_commands.command("lint")(keep.lint)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"knockon {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run one command; an error of ours is a sentence on standard error and an exit code."""
    try:
        app()
    except KnockonError as error:
        typer.echo(f"knockon: {error.code}: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("knockon: stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # whoever read our output has seen enough; keep Python from complaining once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
