"""``search``: find things by what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from knockon.cli.options import Json, StoreUrl, asking, model_of, print_json, run, settings
from knockon.errors import BadUsage
from knockon.schema.wording import LISTED, unknown

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Found


def search(
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT...", help="Words, or their beginnings; all must be found.", show_default=False),
    ],
    class_name: Annotated[
        str | None, typer.Option("--class", help="Only this class and those below it.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many to show at most.")] = 50,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Find things by name, native key, host name, address, serial number."""
    total, found = run(_search(" ".join(text), class_name, limit, store))
    if as_json:
        rows = [{"id": e.id, "class": e.class_name, "name": e.name} for e in (each.entity for each in found)]
        print_json({"total": total, "found": rows, "truncated": total > len(rows)})
    else:
        from knockon.cli.search_table import print_found

        print_found(total, found)


async def _search(text: str, class_name: str | None, limit: int, store: str | None) -> tuple[int, list[Found]]:
    from knockon.cmdb.contract.words import sought

    found = settings(store)
    model = model_of(found)
    if class_name is not None and class_name not in model.classes:
        raise BadUsage(unknown("class", class_name, model.classes, LISTED))
    classes = model.concrete(class_name or "Entity")
    wanted = sought(text)
    async with asking(found, model) as opened:
        rows = await opened.search(wanted, classes, limit=limit)
        total = len(rows) if len(rows) < limit else await opened.count_found(wanted, classes)
        return total, rows
