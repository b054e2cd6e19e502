"""``search``: find things by what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from knockon.cli.options import AsOf, Json, StoreUrl, answered, print_json
from knockon.errors import BadUsage
from knockon.schema.wording import LISTED, unknown

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Found
    from knockon.cmdb.contract.words import Query
    from knockon.impact.topology.topologies import Topologies


def search(
    text: Annotated[
        list[str],
        typer.Argument(
            metavar="TEXT...",
            help="Words, or their beginnings, all of which must be found; or SOURCE:KEY.",
            show_default=False,
        ),
    ],
    class_name: Annotated[
        str | None, typer.Option("--class", help="Only this class and those below it.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many to show at most.")] = 50,
    as_of: AsOf = None,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Find things by name, native key, host name, address, serial number."""
    from knockon.cmdb.contract.rows import reference_of
    from knockon.cmdb.contract.words import sought

    wanted = sought(" ".join(text))
    total, found = answered(store, lambda estate: _search(estate, wanted, class_name, limit), as_of)
    if as_json:
        rows = [
            {"id": e.id, "class": e.class_name, "name": e.name, "reference": reference_of(e)}
            for e in (each.entity for each in found)
        ]
        print_json({"total": total, "found": rows, "truncated": total > len(rows)})
    else:
        from knockon.cli.search_table import print_found

        print_found(total, found)


async def _search(estate: Topologies, wanted: Query, class_name: str | None, limit: int) -> tuple[int, list[Found]]:
    model = estate.model
    if class_name is not None and class_name not in model.classes:
        raise BadUsage(unknown("class", class_name, model.classes, LISTED))
    classes = model.concrete(class_name or "Entity")
    store = estate.store
    rows = await store.search(wanted, classes, limit=limit)
    total = len(rows) if len(rows) < limit else await store.count_found(wanted, classes)
    return total, rows
