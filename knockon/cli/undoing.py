"""``undo``: taking back all that a source said, or what one load of it said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.identity import changes_json
from knockon.cli.options import Json, StoreUrl, asked, me, print_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.stewardship.undo import Loss, Undone
    from knockon.schema.model import Model

_LISTED = 20


def undo(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="The source whose word is to be taken back.")],
    load: Annotated[
        int | None,
        typer.Option(
            "--load", metavar="REVISION", min=1, show_default=False, help="Only what the load of this revision said."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only say what would be lost.")] = False,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Take back all that a source ever said, or what one load of it said.

    What nobody reports any more is retired. Without --yes nothing is written, and the exit code is 4.
    """
    if load is not None:
        _undo_load(source, load, yes=yes, as_json=as_json, store=store)
    elif yes:
        _undo_source(source, as_json=as_json, store=store)
    else:
        _say_loss(source, as_json=as_json, store=store)
    if not yes:
        typer.echo("knockon: nothing is undone yet; add --yes to do it.", err=True)
        raise typer.Exit(4)


def _undo_load(source: str, revision: int, *, yes: bool, as_json: bool, store: str | None) -> None:
    from knockon.cli.plan_table import print_plan
    from knockon.cli.undoing_tables import print_load_undone
    from knockon.cmdb.stewardship.undo import undo_load

    done = _with_progress(
        store,
        lambda opened, model, progress: undo_load(
            opened, model, revision, of=source, by=me(), dry_run=not yes, progress=progress
        ),
    )
    if as_json:
        print_json(_undone_json(done))
    elif done.plan is not None:
        print_plan(done.plan)
    else:
        print_load_undone(done)


def _undo_source(source: str, *, as_json: bool, store: str | None) -> None:
    from knockon.cli.undoing_tables import print_undone
    from knockon.cmdb.stewardship.undo import undo_source

    changes = _with_progress(
        store, lambda opened, model, progress: undo_source(opened, model, source, by=me(), progress=progress)
    )
    if as_json:
        print_json({"source": source, **changes_json(changes)})
    else:
        print_undone(source, changes)


def _say_loss(source: str, *, as_json: bool, store: str | None) -> None:
    from knockon.cli.undoing_tables import print_loss
    from knockon.cmdb.stewardship.undo import would_lose

    loss = asked(store, lambda opened, _model: would_lose(opened, source))
    if as_json:
        print_json(_loss_json(source, loss))
    else:
        print_loss(source, loss)


def _with_progress(
    store: str | None, work: Callable[[Store, Model, Callable[[int, int], None]], Awaitable[Any]]
) -> Any:
    from knockon.cli.progress import progress_bar

    with progress_bar() as bar:
        task = bar.add_task("undoing", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        return asked(store, lambda opened, model: work(opened, model, progress))


def _undone_json(done: Undone) -> dict[str, Any]:
    from dataclasses import asdict

    planned = {} if done.plan is None else {"plan": [asdict(each) for each in done.plan]}
    counts = {} if done.plan is not None else changes_json(done.changes)
    return {"source": done.source, "revisions": done.revisions, "kept": done.kept, **counts, **planned}


def _loss_json(source: str, loss: Loss) -> dict[str, Any]:
    retired = [{"id": each.id, "class": each.class_name, "name": each.name} for each in loss.only_here]
    return {"source": source, "records": loss.records, "relationships": loss.relationships, "retired": retired}
