"""Moving an estate and keeping a backup of it: ``store copy``, ``export --full`` and ``import``."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.options import Json, StoreUrl, asking, model_of, print_json, run, settings
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.moving.copying import Moved
    from knockon.schema.model import Model
    from knockon.server.settings import Settings

_NAMES = {
    "scope": ("scope", "scopes"), "decision": ("decision", "decisions"), "entity": ("thing", "things"),
    "alias": ("alias", "aliases"), "record": ("record", "records"), "edge": ("relationship", "relationships"),
    "edge_record": ("record of a relationship", "records of relationships"), "finding": ("finding", "findings"),
    "redaction": ("redaction", "redactions"), "baseline": ("baseline", "baselines"),
    "revision": ("revision", "revisions"), "image": ("note for undo", "notes for undo"),
    "letter": ("dead letter", "dead letters"),
}  # fmt: skip


def copy(
    from_: Annotated[
        str, typer.Argument(metavar="FROM", help="The store to copy: sqlite:///PATH, neo4j://HOST or bolt://HOST.")
    ],
    to: Annotated[str, typer.Argument(metavar="TO", help="The store to fill, which is empty: likewise.")],
    as_json: Json = False,
) -> None:
    """Copy everything from one store into another, empty one: records, decisions, the whole past, all ids.

    What is written to FROM meanwhile is not copied. When it is cut off, TO is empty or refused by every other command;
    do it again and it begins anew.
    """
    from knockon.cmdb.moving.copying import copy as copy_all
    from knockon.cmdb.stores import shown

    source, target = settings(from_), settings(to)
    if shown(from_) == shown(to):
        raise BadUsage("FROM and TO are one store; name two.")
    model = model_of(source)

    async def work(progress: Callable[[int, int], None]) -> Moved:
        async with asking(source, model) as opened, _filling(target, model) as filled:
            return await copy_all(opened, filled, progress)

    moved = _with_bar("copying", work)
    _tell(moved, model, as_json, {"from": shown(from_), "to": shown(to)}, f"copied to {shown(to)}")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `knockon export --full` wrote.")],
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Fill an empty store with a full export: records, decisions, the whole past, all ids.

    The file is looked at to its end before anything is written. When the writing is cut off, the store is empty or
    refused by every other command; do it again and it begins anew.
    """
    from knockon.cmdb.moving.restoring import look_at, restore
    from knockon.cmdb.stores import shown

    found = settings(store)
    model = model_of(found)
    with _bar("checking") as progress:
        export = look_at(file, progress)

    async def work(progress: Callable[[int, int], None]) -> Moved:
        async with _filling(found, model) as filled:
            return await restore(export, filled, progress)

    moved = _with_bar("importing", work)
    told = {"from": str(file), "to": shown(found.store_url), "model": export.header.model.model_dump()}
    _tell(moved, model, as_json, told, f"imported from {file}")


def export_full(file: Path, as_json: bool, store: str | None) -> None:
    """Write a full export, with a progress bar on standard error."""
    from knockon.cmdb.moving.export import export
    from knockon.cmdb.stores import shown

    found = settings(store)
    model = model_of(found)

    async def work(progress: Callable[[int, int], None]) -> Moved:
        async with asking(found, model) as opened:
            return await export(opened, model, file, progress)

    moved = _with_bar("exporting", work)
    told = {"from": shown(found.store_url), "to": str(file), "bytes": file.stat().st_size}
    _tell(moved, model, as_json, told, f"written to {file}")


@asynccontextmanager
async def _filling(found: Settings, model: Model) -> AsyncIterator[Store]:
    from knockon.cmdb.stores import opened_to_fill, store_at

    password = found.store_password.get_secret_value() if found.store_password else None
    async with opened_to_fill(store_at(found.store_url, model, user=found.store_user, password=password)) as store:
        yield store


@contextmanager
def _bar(what: str) -> Iterator[Callable[[int, int], None]]:
    from knockon.cli.progress import progress_bar

    with progress_bar() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _with_bar(what: str, work: Callable[[Callable[[int, int], None]], Coroutine[Any, Any, Moved]]) -> Moved:
    with _bar(what) as progress:
        return run(work(progress))


def _tell(moved: Moved, model: Model, as_json: bool, told: dict[str, Any], words: str) -> None:
    again = moved.state.reckoned not in {"", model.reckoning}
    if as_json:
        print_json({**told, "revision": moved.state.revision, "rows": dict(moved.counts), "reckonsAgain": again})
        return
    rows = ", ".join(f"{number:,} {_NAMES[kind][number > 1]}" for kind, number in moved.counts.items() if number)
    typer.echo(f"The estate at revision {moved.state.revision} is {words}: {rows or 'nothing yet'}.")
    if again:
        typer.echo("It was reckoned under another model than the one here: the next load or decision reckons it again.")
