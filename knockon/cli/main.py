"""All commands, and how they end.

Exit codes: 0 done; 1 done, but some records were rejected or a check failed; 2 wrong use, a model
that cannot be used, or a file that cannot be read; 3 the store could not be reached; 4 refused.

No command's own imports happen here: ``knockon --help`` must answer at once.
"""

from __future__ import annotations

import gc
import logging
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from knockon import __version__
from knockon.cli import (
    analyse,
    ask,
    bring,
    describing,
    drift,
    editing,
    health,
    history,
    identity,
    keep,
    letters,
    moving,
    planning,
    scenario,
    search,
    serving,
    storing,
    structure,
    token,
    undoing,
)
from knockon.errors import BadUsage, KnockonError


class Commands(TyperGroup):
    """Ends a command as promised: an error of ours is a sentence on standard error and an exit code."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Read the options before the command."""
        try:
            return super().make_context(*args, **kwargs)
        except typer.TyperException as wrong:
            _end(_bad_usage(wrong), wrong)

    def invoke(self, ctx: Any) -> Any:
        """Run one command."""
        # the driver also logs what it raises, and without a handler that goes to standard error
        logging.getLogger("neo4j").addHandler(logging.NullHandler())
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()  # here, where a closed pipe is still understood
        except typer.TyperException as wrong:
            _end(_bad_usage(wrong), wrong)
        except KnockonError as error:
            _end(error, error)
        except KeyboardInterrupt as stop:
            typer.echo(f"knockon: stopped. {stop}".rstrip(), err=True)
            raise typer.Exit(130) from stop
        except BrokenPipeError as enough:
            # whoever read our output has seen enough; keep Python from complaining once more at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from enough


def _end(error: KnockonError, cause: Exception) -> NoReturn:
    typer.echo(f"knockon: {error.code}: {error}", err=True)
    raise typer.Exit(error.exit_code) from cause


def _bad_usage(wrong: typer.TyperException) -> BadUsage:
    """Say what is wrong with options or arguments, and where the right ones are listed.

    Raises
    ------
    typer.TyperException
        It was no mistake: who gives a group of commands without one of them wants to see them.
    """
    if type(wrong).__name__ == "NoArgsIsHelpError":  # typer has no other name for it outside itself
        raise wrong
    if isinstance(wrong, typer.BadParameter):
        wrong.message = _in_our_words(wrong)
    said = wrong.format_message()
    context = getattr(wrong, "ctx", None)
    command = " ".join(context.command_path.split()[1:]) if context else ""
    end = "" if said.endswith((".", "?", "!")) else "."
    return BadUsage(f"{said}{end} {' '.join(['`knockon', *command.split(), '--help`'])} says what can be given.")


def _in_our_words(refused: typer.BadParameter) -> str:
    """Say what is wrong with an option's value without the words of the library that checked it."""
    from pydantic import ValidationError

    from knockon.schema.wording import worded

    if not isinstance(refused.__cause__, ValidationError):
        return refused.message
    first = refused.__cause__.errors()[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    return f"it {worded(first)}, not {first['input']!r}."


app = typer.Typer(
    name="knockon",
    cls=Commands,
    help="A CMDB on a graph that answers what happens if, and why did it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
model_commands = typer.Typer(help="The metamodel: classes, relationship types, impact rules.", no_args_is_help=True)

app.command("load")(bring.load)
app.command("impact")(ask.impact)
app.command("supports")(ask.supports)
app.command("what-if")(planning.what_if)
app.command("rolling-order")(planning.rolling_order)
app.command("recovery-order")(planning.recovery_order)
app.command("availability")(planning.availability)
app.add_typer(scenario.commands, name="scenario")
app.command("dependencies")(structure.dependencies)
app.command("paths")(structure.paths)
app.command("spof")(structure.spof)
app.command("search")(search.search)
app.command("analyse")(analyse.analyse)
app.add_typer(health.commands, name="health")
app.add_typer(letters.commands, name="letters")
app.add_typer(drift.commands, name="baseline")
app.command("drift")(drift.drift)
app.command("history")(history.history)
app.command("changes")(history.changes)
app.command("explain-identity")(identity.explain_identity)
app.command("findings")(identity.findings)
app.command("link")(identity.link)
app.command("keep-apart")(identity.keep_apart)
app.command("decisions")(identity.decisions)
app.command("classify")(identity.classify)
app.command("accept")(identity.accept)
app.command("take-back")(identity.take_back)
app.command("undo")(undoing.undo)
app.command("create")(editing.create)
app.command("set")(editing.set_)
app.command("move")(editing.move)
app.command("relate")(editing.relate)
app.command("unrelate")(editing.unrelate)
app.command("retire")(editing.retire)
app.command("restore")(editing.restore)
app.command("serve")(serving.serve)
app.command("demo")(serving.demo)
app.command("schema")(describing.schema)
app.command("generate")(bring.generate)
app.command("export")(keep.export)
app.command("import")(moving.import_)
app.command("redact")(storing.redact)
storing.commands.command("copy")(moving.copy)
app.add_typer(storing.commands, name="store")
app.add_typer(token.commands, name="token")
app.add_typer(model_commands, name="model")
model_commands.command("lint")(keep.lint)
model_commands.command("show")(describing.show)
model_commands.command("pages")(keep.pages)


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


COLLECT_AFTER = (50_000, 20, 20)
"""When the garbage collector looks for circles: a load makes millions of values, and hardly a circle among them."""


def main() -> None:
    """Run one command."""
    gc.set_threshold(*COLLECT_AFTER)
    app()
