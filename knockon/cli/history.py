"""What was written: ``history`` of one thing, and ``changes`` of everything."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.options import Json, StoreUrl, asking, model_of, print_json, run, settings
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

_FOLLOW_EVERY = 1.0  # seconds
Since = Annotated[
    str | None,
    typer.Option(metavar="T", help="Only what was written after this revision number or time.", show_default=False),
]


def history(
    ref: Annotated[
        str,
        typer.Argument(metavar="REF", help="An id, Class:name, source:key, or a name; also of something retired."),
    ],
    since: Since = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many revisions to show, the newest first.")] = 20,
    before: Annotated[
        int | None, typer.Option(min=1, help="Only what was written before this revision.", show_default=False)
    ] = None,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Who changed what of something and of its relationships, when, and from which source."""

    async def work() -> dict[str, Any]:
        found = settings(store)
        model = model_of(found)
        async with asking(found, model) as opened:
            return await _told(opened, model, ref, since, before, limit)

    told = run(work())
    if as_json:
        print_json(told)
    else:
        from knockon.cli.history_tables import print_history

        print_history(told)


async def _told(
    store: Store, model: Model, ref: str, since: str | None, before: int | None, limit: int
) -> dict[str, Any]:
    from knockon.cmdb.lookup import find_ever
    from knockon.cmdb.past.changes import moment_of
    from knockon.cmdb.past.history import event_json, histories

    entity = await find_ever(store, model, ref)
    after = (await moment_of(store, since)).revision if since else 0
    told = await histories(store, model, [entity.id], since=after, before=before, limit=limit + 1)
    events = told[entity.id]
    also = (await store.aliases([entity.id]))[entity.id] - {entity.id}
    return {
        "id": entity.id,
        "class": entity.class_name,
        "name": entity.name,
        "retired": entity.retired,
        "aliases": sorted(also),
        "horizon": await store.horizon(),
        "history": [event_json(each) for each in events[:limit]],
        "truncated": len(events) > limit,
    }


def changes(
    since: Since = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many revisions.", show_default=False)] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on, and print what is written from now on.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list instead of lines, for scripts.")] = False,
    store: StoreUrl = None,
) -> None:
    """Print everything that was written, as one line of JSON for each revision, the oldest first.

    Nothing is missed and nothing is repeated, whoever writes meanwhile: go on with --since and the last line's
    revision.
    """
    if as_json and follow:
        raise BadUsage("--follow has no end, and so no JSON list; leave out --json, or --follow.")

    async def work() -> None:
        from knockon.cmdb.past.changes import moment_of

        found = settings(store)
        model = model_of(found)
        async with asking(found, model) as opened:
            after = (await moment_of(opened, since)).revision if since else 0
            if as_json:
                await _list(_written(opened, after, limit, forever=False))
            else:
                await _print_lines(_written(opened, after, limit, forever=follow))

    run(work())


async def _print_lines(lines: AsyncIterator[str]) -> None:
    async for line in lines:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


async def _list(lines: AsyncIterator[str]) -> None:
    """Print lines of JSON as one list, without having them all at once."""
    begin = "["
    async for line in lines:
        sys.stdout.write(f"{begin}\n{line}")
        begin = ","
    sys.stdout.write("[]\n" if begin == "[" else "\n]\n")


async def _written(store: Store, since: int, limit: int | None, *, forever: bool) -> AsyncIterator[str]:
    import asyncio

    import orjson

    from knockon.cmdb.past.history import revision_json

    left = limit if limit is not None else sys.maxsize
    while left:
        revisions = await store.feed(since, min(left, 10))
        for each in revisions:
            yield orjson.dumps(revision_json(each)).decode()
        if revisions:
            since, left = revisions[-1].number, left - len(revisions)
        elif forever:
            await asyncio.sleep(_FOLLOW_EVERY)
        elif await store.revision() <= since:
            return
