"""What is already the case: the declared effects of records, first of all of those in effect now.

Which records count is said by their lifecycle in the model: a state is ``in_effect`` or not. A state that the
lifecycle does not know is reported as unknown, and counts as in effect unless the record's own plan says that it is not
yet, or not any more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from typing import TYPE_CHECKING

from knockon.cmdb.contract.filter import Compare, Condition, Not
from knockon.cmdb.reading import all_entities, all_neighbours
from knockon.itsm.values import Ci, Unknown
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from knockon.cmdb.contract.rows import Entity, Neighbour
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

EFFECT_TYPES = {
    "Incident": "AFFECTS", "Change": "CHANGES", "MaintenanceWindow": "AFFECTS", "PlannedEvent": "AFFECTS",
}  # fmt: skip
"""Record classes whose declared effects fail configuration items, and by which relationship."""

_IN_EFFECT = ("Incident", "Change")  # the classes whose lifecycle says what holds now
_EFFECTS = {"none": State.OPERATIONAL, "degraded": State.DEGRADED, "down": State.DOWN}
_BY_INCIDENT_KIND = {"outage": State.DOWN, "degradation": State.DEGRADED}


@dataclass(frozen=True, slots=True)
class Effect:
    """What one record does to one configuration item; a pin says that it does nothing to it."""

    record: Entity
    item_id: str
    state: State
    pin: bool
    because: str


@dataclass
class Context:
    """The effects that hold, the worst for each item; a person's pin beats any record's effect."""

    effects: list[Effect] = field(default_factory=list)
    records: set[str] = field(default_factory=set)  # ids of the records in effect
    unmapped: list[Entity] = field(default_factory=list)  # in a state that the model does not map; counted as in effect
    unplanned: list[tuple[Entity, str]] = field(default_factory=list)  # the same, but by their plan not in effect: why
    unreadable: list[tuple[Entity, str]] = field(default_factory=list)  # records whose times cannot be read, and why

    @property
    def pins(self) -> set[str]:
        return {effect.item_id for effect in self.effects if effect.pin}

    def not_counted(self) -> Iterator[Unknown]:
        """Tell of the records whose state or times are not understood."""
        for record in self.unmapped:
            state = record.attributes.get("state")
            yield Unknown(Ci.of(record), f"the model does not know its state {state!r}; it counts as open")
        for record, why in self.unplanned:
            state = record.attributes.get("state")
            yield Unknown(Ci.of(record), f"the model does not know its state {state!r}; it is not counted: {why}")
        for record, why in self.unreadable:
            yield Unknown(Ci.of(record), f"when it recurs cannot be read, so it is not counted: {why}")

    def because(self, item_id: str, state: State) -> str | None:
        """Say which record puts an item into this state itself."""
        fitting = (e.because for e in self.effects if e.item_id == item_id and e.state == state and not e.pin)
        return next(fitting, None)

    @property
    def states(self) -> dict[str, State]:
        found: dict[str, State] = {}
        pins = self.pins
        for effect in self.effects:
            if effect.state > State.OPERATIONAL and effect.item_id not in pins:
                found[effect.item_id] = max(effect.state, found.get(effect.item_id, State.OPERATIONAL))
        return found


async def open_records(store: Store, model: Model, now: datetime, *, but: Collection[str] = ()) -> Context:
    """Compute what is so ``now`` from all records in effect, except those with an id in ``but``.

    Costs two round trips for every 500 records in effect of each class.
    """
    context = Context()
    for class_name in _IN_EFFECT:
        where = _may_hold(model, class_name)
        async for records in all_entities(store, model.concrete(class_name), where):
            standing = [(record, model.state_of(record.class_name, record.attributes)) for record in records]
            wanted = []
            for record, state in standing:
                if record.id in but or not state.in_effect:
                    continue
                why = None if state.known else _not_now(record, now)
                if why:
                    context.unplanned.append((record, why))
                    continue
                wanted.append(record)
                if not state.known:
                    context.unmapped.append(record)
            context.records |= {record.id for record in wanted}
            context.effects += await declared_effects(store, model, wanted)
    return context


async def declared_effects(store: Store, model: Model, records: Collection[Entity]) -> list[Effect]:
    """Read what each record says it does to which items, in the order of the items for each record."""
    effects: list[Effect] = []
    for class_name, relationship in EFFECT_TYPES.items():
        own = {record.id: record for record in records if model.is_a(record.class_name, class_name)}
        found = await all_neighbours(store, own, relationship, "out")
        effects += [_effect(own[id_], class_name, each) for id_, neighbours in found.items() for each in neighbours]
    return effects


def _effect(record: Entity, class_name: str, neighbour: Neighbour) -> Effect:
    attributes = neighbour.edge.attributes
    declared = attributes.get("effect")
    pin = attributes.get("assume") == "operational"
    if declared is not None:
        return Effect(record, neighbour.entity.id, _EFFECTS[declared], pin, f"{_named(record)} declares {declared}")
    if class_name == "Change":
        return Effect(
            record, neighbour.entity.id, State.DOWN, pin, f"{_named(record)} declares no effect: down assumed"
        )
    if class_name != "Incident":
        because = f"{_named(record)} declares no effect: none assumed"
        return Effect(record, neighbour.entity.id, State.OPERATIONAL, pin, because)
    kind = record.attributes.get("kind")
    state = _BY_INCIDENT_KIND.get(str(kind), State.OPERATIONAL)
    word = "none" if state is State.OPERATIONAL else state.name.lower()
    because = f"{_named(record)} declares no effect: {word} assumed for kind {kind or 'unknown'}"
    return Effect(record, neighbour.entity.id, state, pin, because)


def _may_hold(model: Model, class_name: str) -> Condition | None:
    """Leave out records in states that are surely not in effect; unmapped states stay in."""
    lifecycle = model.lifecycle(class_name)
    if lifecycle is None:
        return None
    over = tuple(sorted(name for name, state in lifecycle.states.items() if not state.in_effect))
    return Not(Compare(lifecycle.attribute, "in", over)) if over else None


def _not_now(record: Entity, now: datetime) -> str | None:
    """Say why a record is not in effect by its own plan; None where it may be, or has no plan."""
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # as moments are kept: as text they sort by time
    start, end = (str(record.attributes.get(each) or "") for each in ("planned_start", "planned_end"))
    if start > at:
        return f"its planned start is {start}"
    return f"its planned end was {end}" if end and end <= at else None


def _named(record: Entity) -> str:
    """Name a record in a sentence: its name may be one itself."""
    return f'{record.class_name} "{record.name}"'
