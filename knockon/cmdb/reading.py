"""Reading more than a page, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import neighbour_order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.rows import Entity, Neighbour
    from knockon.cmdb.contract.store import Direction, Store

_PAGE = 500


async def all_entities(
    store: Store, classes: Collection[str], where: Condition | None = None
) -> AsyncIterator[list[Entity]]:
    """Read all entities of these classes, a page at a time, in order."""
    after: str | None = None
    while entities := await store.page(classes, where, after=after, limit=_PAGE):
        yield entities
        after = entities[-1].order


async def all_neighbours(
    store: Store, ids: Collection[str], type_name: str, direction: Direction
) -> dict[str, list[Neighbour]]:
    """Read all neighbours of each id: one round trip, and one more for every 500 of any single id."""
    if not ids:
        return {}
    found = await store.neighbours(ids, type_name, direction, limit=_PAGE)
    for id_, neighbours in found.items():
        while len(neighbours) and len(neighbours) % _PAGE == 0:
            after = neighbour_order(neighbours[-1])
            more = await store.neighbours([id_], type_name, direction, after=after, limit=_PAGE)
            if not more.get(id_):
                break
            neighbours.extend(more[id_])
    return found
