"""``search``: finding things by what people know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.options import Json, StoreUrl, answered, print_json

if TYPE_CHECKING:
    from knockon.cmdb.rows import Entity
    from knockon.impact.topology.topologies import Topologies


def search(
    text: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT...", help="Words, or beginnings of them; all have to be there.", show_default=False
        ),
    ],
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="CLASS", help="Only this class and all below it.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, metavar="N", help="How many to show at most.")] = 20,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Find things by name, host name, serial number, address, or a source's key."""
    asked = " ".join(text)

    async def work(topologies: Topologies) -> list[Entity]:
        from knockon.cmdb.lookup import classes_called

        wanted = classes_called(topologies.model, classes or [])
        return await topologies.store.search(asked, wanted, limit + 1)

    found = answered(store, work)
    shown, more = found[:limit], len(found) > limit
    if as_json:
        print_json({"text": asked, "found": [_json(each) for each in shown], "truncated": more})
    else:
        _print(asked, shown, more=more)


def _json(found: Entity) -> dict[str, Any]:
    return {"id": found.id, "class": found.class_name, "name": found.name, "key": found.key}


def _print(asked: str, found: list[Entity], *, more: bool) -> None:
    from knockon.cli.tables import Out, print_table

    out = Out()
    if not found:
        out.print(f"Nothing has words that begin like this: {asked}", markup=False)
        return
    print_table(out, "", ("name", "class", "source:key"), [(each.name, each.class_name, each.key) for each in found])
    if more:
        out.print("... and more: add a word, name a --class, or raise --limit.")
