"""Looking after what is kept: ``store compact`` and ``redact``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from knockon.cli.options import Json, StoreUrl, asking, me, model_of, print_json, run, settings
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from knockon.cmdb.stewardship.compaction import Compacted
    from knockon.cmdb.stewardship.redaction import Redacted

commands = typer.Typer(help="Looking after a store.", no_args_is_help=True)


@commands.command("compact")
def compact(
    before: Annotated[
        str,
        typer.Option(
            metavar="T",
            help="The oldest revision number or time that can be asked about from now on.",
            show_default=False,
        ),
    ],
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Forget what changed before a revision or a time: it cannot be brought back.

    Questions about the past before it are refused from then on, and so is whoever follows the changes and is not as
    far yet. Who wrote those revisions, when and from which source stays known.
    """
    from knockon.cmdb.stewardship import compaction

    async def work() -> Compacted:
        found = settings(store)
        model = model_of(found)
        async with asking(found, model) as opened:
            return await compaction.compact(opened, model, before, actor=me())

    done = run(work())
    if as_json:
        print_json(asdict(done))
    else:
        typer.echo(
            f"{counted(done.entries, 'journal entry', 'journal entries')} up to revision {done.horizon} "
            f"{'is' if done.entries == 1 else 'are'} forgotten; "
            f"recorded as revision {done.revision}."
        )


def redact(
    ref: Annotated[
        str,
        typer.Argument(metavar="REF", help="A person: an id, Person:name, source:key, or a name; also a retired one."),
    ],
    reason: Annotated[str, typer.Option(help="Why: it is recorded.", show_default=False)],
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Take a person's name and sensitive attributes out of all that is kept: they cannot be brought back.

    The person stays, called by its key, with its relationships and its history. The redaction is recorded.
    """
    from knockon.cmdb.stewardship import redaction

    async def work() -> Redacted:
        found = settings(store)
        model = model_of(found)
        async with asking(found, model) as opened:
            return await redaction.redact(opened, model, ref, reason=reason, actor=me())

    done = run(work())
    if as_json:
        print_json(asdict(done))
        return
    records = ", ".join(done.records) or "no record"
    typer.echo(
        f"{', '.join(done.attributes)} of {done.id} are gone from {records} and from the journal; "
        f"recorded as revision {done.revision}."
    )
    if done.letters:
        gone = counted(
            done.letters, "dead letter that spoke of the person is", "dead letters that spoke of the person are"
        )
        typer.echo(f"{gone} gone too.")
    if done.references:
        typer.echo(
            f"{counted(done.references, 'relationship is', 'relationships are')} retired, because every source that "
            "reports it named the person by name: such reports wait now. Let these sources use a key."
        )
