"""What is known of services: how critical they are, how many use them, when they are to serve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.cmdb.reading import all_neighbours

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.remembered import Remembered

SERVICE = "Service"


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """``criticality`` runs from 1, worst, to 4; None where it is not recorded."""

    entity: Entity
    criticality: int | None
    users: int


async def service_facts(store: Store, ids: Collection[str]) -> dict[str, ServiceFacts]:
    """Read the facts of services: ``users`` is ``user_count``, else the number of those that USES reaches.

    Two round trips at most.
    """
    entities = await store.entities(ids) if ids else {}
    uncounted = [id_ for id_, entity in entities.items() if entity.attributes.get("user_count") is None]
    users = await store.count_neighbours(uncounted, "USES", "in") if uncounted else {}
    return {
        id_: ServiceFacts(
            entity,
            entity.attributes.get("criticality"),
            users[id_] if id_ in users else int(entity.attributes["user_count"]),
        )
        for id_, entity in entities.items()
    }


async def facts_of(reads: Remembered, ids: Collection[str]) -> dict[str, ServiceFacts | None]:
    """Give the facts of services as ``service_facts`` does, read once for a revision; None for what is no entity."""

    async def read(store: Store, some: list[str]) -> dict[str, ServiceFacts | None]:
        found = await service_facts(store, some)
        return {id_: found.get(id_) for id_ in some}

    return await reads.worked_out("facts", ids, read, lambda each: (each.entity.id,) if each else ())


async def service_hours(store: Store, ids: Collection[str]) -> dict[str, tuple[Entity, ...]]:
    """Read the calendars of services; one round trip."""
    found = await all_neighbours(store, ids, "HAS_CALENDAR", "out")
    return {id_: tuple(each.entity for each in neighbours) for id_, neighbours in found.items()}
