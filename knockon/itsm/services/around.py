"""Who and what is related to a service: read once for a revision."""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.cmdb.reading import all_neighbours
from knockon.itsm.services.hours import Hours
from knockon.itsm.services.surroundings import Agreement, Target
from knockon.itsm.values import Ci
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.remembered import Remembered
    from knockon.schema.model import Model

_OF_ALL = ("OWNED_BY", "SUPPORTED_BY")
_OF_SERVICES = ("CONSUMED_BY", "COVERED_BY", "HAS_CALENDAR")

CUSTOMER = "is a customer of"

_TOUCHED = {
    State.DOWN: ("availability_target", "response_time", "resolution_time"),
    State.DEGRADED: ("response_time", "resolution_time"),
}
"""Which targets of an agreement a state touches: only an outage costs availability, but both are to be mended."""


class Party(NamedTuple):
    """A person, group or organisation, its place in lists, and what it does to a service or other thing."""

    ci: Ci
    order: str
    role: str


class Promise(NamedTuple):
    """An agreement, and what of it a state of its service touches; days are as written, or ""."""

    ci: Ci
    first_day: str
    last_day: str
    by_state: dict[State, Agreement]


class Around(NamedTuple):
    """What is related to one service, each once; of what is no service only owners and groups are known.

    ``parties`` are all of the owners, groups and customers, in this order.
    """

    owners: tuple[Ci, ...]
    groups: tuple[Ci, ...]
    customers: tuple[Ci, ...]
    parties: tuple[Party, ...]
    promises: tuple[Promise, ...]
    hours: Hours | None

    def rests_on(self) -> list[str]:
        """Name what all this is known from."""
        named = [*(each.ci for each in self.parties), *(each.ci for each in self.promises)]
        return [ci.id for ci in (*named, *(self.hours.calendars if self.hours else ()))]


async def around_of(
    reads: Remembered, model: Model, services: Collection[str], others: Collection[str]
) -> dict[str, Around]:
    """Read what is related to services, and to others, by id.

    Five round trips, two where there is no service, and one more for every 500 neighbours of any single one.
    """
    kinds = (*_OF_ALL, *_OF_SERVICES) if services else _OF_ALL

    async def read(store: Store, ids: list[str]) -> dict[str, Around]:
        found = await gather(*(_related(store, model, ids, kind) for kind in kinds))
        return {id_: _around(model, [each.get(id_, ()) for each in found]) for id_ in ids}

    ids = list(dict.fromkeys([*services, *others]))
    return await reads.worked_out(("around", kinds), ids, read, Around.rests_on)


async def _related(store: Store, model: Model, ids: list[str], type_name: str) -> dict[str, tuple[Entity, ...]]:
    if type_name not in model.relationships:
        return {}
    found = await all_neighbours(store, ids, type_name, "out")
    return {id_: tuple({each.entity.id: each.entity for each in rows}.values()) for id_, rows in found.items() if rows}


def _around(model: Model, related: list[tuple[Entity, ...]]) -> Around:
    owners, groups, customers, agreements, calendars = (*related, (), (), ())[:5]
    known = (owners, "owns"), (groups, "supports"), (customers, CUSTOMER)
    return Around(
        tuple(map(Ci.of, owners)), tuple(map(Ci.of, groups)), tuple(map(Ci.of, customers)),
        tuple([Party(Ci.of(each), each.order, role) for some, role in known for each in some]),
        tuple(map(_promise, agreements)),
        Hours.of(model, calendars) if calendars else None,
    )  # fmt: skip


def _promise(agreement: Entity) -> Promise:
    said, ci = agreement.attributes, Ci.of(agreement)
    by_state = {state: Agreement(ci, _touched(said, state)) for state in State}
    return Promise(ci, str(said.get("valid_from") or ""), str(said.get("valid_until") or ""), by_state)


def _touched(attributes: Mapping[str, Any], state: State) -> tuple[Target, ...]:
    found = {name: attributes.get(name) for name in _TOUCHED.get(state, ())}
    return tuple(
        Target(name, f"{value:g} %" if isinstance(value, int | float) else str(value))
        for name, value in found.items()
        if value is not None
    )
