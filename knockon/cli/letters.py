"""``letters``: the records that no load has taken, and what a person does with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.options import Json, StoreUrl, asked, me, print_json, writing_to
from knockon.errors import BadCursor, BadUsage, RejectCode
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from typing import TypeVar

    from knockon.cmdb.contract.rows import DeadLetter
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.replay import Replayed
    from knockon.schema.model import Model

    T = TypeVar("T")

    Left = list[tuple[str, str]]

commands = typer.Typer()
SourceOf = Annotated[str | None, typer.Option("--source", help="Only those of this source.", show_default=False)]
CodeOf = Annotated[RejectCode | None, typer.Option("--code", help="Only those of one code.", show_default=False)]
OneId = Annotated[str, typer.Argument(metavar="ID", help="A dead letter's id: `knockon letters` lists them.")]
_SEPARATOR = "/"


@commands.callback(invoke_without_command=True)
def letters(
    context: typer.Context,
    source: SourceOf = None,
    code: CodeOf = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many to show at most.")] = 100,
    after: Annotated[
        str | None, typer.Option(metavar="CURSOR", help="Go on after a page, at its `next`.", show_default=False)
    ] = None,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """The records that no load has taken, oldest first, each with what is wrong and where."""
    if context.invoked_subcommand:
        return
    from knockon.cli.letters_tables import print_letters
    from knockon.cmdb.contract.rows import SEPARATOR
    from knockon.cmdb.loading.replay import letter_json

    if after is not None and after.count(_SEPARATOR) != 2:  # noqa: PLR2004 - moment, number and id
        raise BadCursor(f"{after!r} is no `next` of a page of letters; leave --after out to begin anew.")

    async def ask(opened: Store, _model: Model) -> tuple[list[DeadLetter], int]:
        place = (after or "").replace(_SEPARATOR, SEPARATOR)
        found = await opened.letters(source or "", code or "", after=place, limit=limit + 1)
        return found, await opened.count_letters(source or "", code or "")

    found, count = asked(store, ask)
    shown = found[:limit]
    following = shown[-1].place.replace(SEPARATOR, _SEPARATOR) if len(found) > limit else None
    if as_json:
        listed = [letter_json(each, whole=False) for each in shown]
        print_json({"letters": listed, "count": count, "next": following})
    else:
        print_letters(shown, count, following)


@commands.command("show")
def show(letter: OneId, as_json: Json = False, store: StoreUrl = None) -> None:
    """One dead letter with its whole record: what was wrong, where it stood, who loaded it and when."""
    from knockon.cli.letters_tables import print_letter
    from knockon.cmdb.loading.replay import letter_json, letters_named

    (found,) = asked(store, lambda opened, _model: letters_named(opened, [letter]))
    if as_json:
        print_json(letter_json(found))
    else:
        print_letter(found)


@commands.command("export")
def export(
    source: SourceOf = None,
    code: CodeOf = None,
    out: Annotated[Path | None, typer.Option(help="A file; else standard output.", show_default=False)] = None,
    store: StoreUrl = None,
) -> None:
    """Write dead letters as NDJSON, to be mended and replayed."""
    import orjson

    async def ask(opened: Store, _model: Model) -> list[bytes]:
        from knockon.cmdb.loading.replay import every_letter

        return [
            orjson.dumps(
                {"letter": each.id, "code": each.code, "message": each.message, "location": each.location,
                 "record": each.record},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            async for each in every_letter(opened, source or "", code or "")
        ]  # fmt: skip

    lines = asked(store, ask)
    if out is None:
        typer.echo(b"".join(lines), nl=False)
    else:
        with writing_to(out):
            out.write_bytes(b"".join(lines))
    written = counted(len(lines), "dead letter")
    typer.echo(f"{written}. Mend what is wrong, then: knockon letters replay --mended FILE", err=True)


@commands.command("replay")
def replay(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Dead letters, by id.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="All of this source.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="All that there are.")] = False,
    mended: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Those in an edited export, as mended; - reads it.", show_default=False),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing, and say what would be done.")] = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Load dead letters again: as they are, once the model knows what they say, or mended.

    Exit code 1 when some are rejected again or cannot be replayed: they stay dead letters.
    """
    from knockon.cli.letters_tables import print_replayed
    from knockon.loaders import mended as mending

    if sum((bool(ids), source is not None, every, mended is not None)) != 1:
        raise BadUsage("Say which: one or more ids, --source, --all, or --mended.")
    changed = None if mended is None else {each.letter: each.record for each in mending.read(mended)}
    done, left = _replayed(store, ids, source, changed, dry_run=dry_run)
    if as_json:
        replays = [
            {"source": each.source, "scope": each.scope, "letters": each.letters, **each.report.as_json()}
            for each in done
        ]
        print_json({"replays": replays, "left": [{"letter": id_, "because": why} for id_, why in left]})
    else:
        print_replayed(done, left)
    if left or any(each.report.rejects for each in done):
        raise typer.Exit(1)


@commands.command("drop")
def drop(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Dead letters, by id.", show_default=False)],
    reason: Annotated[str, typer.Option(help="Why: it is recorded.", show_default=False)],
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Take away dead letters that nobody wants; it is recorded who did, when and why."""
    from knockon.cmdb.loading import replay as replaying

    dropped = asked(store, lambda opened, model: replaying.drop(opened, model, ids, by=me(), reason=reason))
    if as_json:
        print_json([replaying.letter_json(each) for each in dropped])
    else:
        typer.echo(f"Dropped: {len(dropped):,}. `knockon changes` tells who did so, when and why.")


def _replayed(
    store: str | None, ids: list[str] | None, source: str | None, mended: dict[str, Any] | None, *, dry_run: bool
) -> tuple[list[Replayed], Left]:
    """Replay with a progress bar on standard error."""
    from knockon.cli.progress import progress_bar
    from knockon.cmdb.loading import replay as replaying
    from knockon.loaders.native import item

    with progress_bar() as bar:
        task = bar.add_task("replaying", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        async def work(opened: Store, model: Model) -> tuple[list[Replayed], Left]:
            if mended is not None:
                chosen = replaying.as_mended(await opened.letters_with(mended), mended, item)
            else:
                if ids:
                    found = await replaying.letters_named(opened, ids)
                else:
                    found = [each async for each in replaying.every_letter(opened, source or "")]
                chosen = replaying.as_kept(found, item)
            done = await replaying.replay(opened, model, chosen.said, actor=me(), dry_run=dry_run, progress=progress)
            return done, chosen.left

        return asked(store, work)
