"""What breaks if these fail: the impact engine's answer, told apart from what was so already, for services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from knockon import __version__
from knockon.cmdb.lookup import find_all
from knockon.cmdb.relate import WHY
from knockon.errors import BadUsage
from knockon.impact.propagation.explanation import explain
from knockon.impact.topology.derive import excluded_types
from knockon.itsm.blast_radius.answer import Affected, AffectedService, Already, ImpactAnswer, Seed, Survivor
from knockon.itsm.blast_radius.not_followed import not_followed
from knockon.itsm.blast_radius.starving import starving
from knockon.itsm.context.difference import compare
from knockon.itsm.context.effects import EFFECT_TYPES, Context, open_records
from knockon.itsm.services.facts import service_facts
from knockon.itsm.services.roll_up import roll_up
from knockon.itsm.values import Ci, Unknown, ci_of, steps
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.rows import Entity
    from knockon.impact.propagation.explanation import Because
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.context.difference import Difference
    from knockon.itsm.services.facts import ServiceFacts
    from knockon.itsm.services.surroundings import Surroundings
    from knockon.itsm.values import Step

Given = Literal["none", "open"]
_ASKED = {"down": State.DOWN, "degraded": State.DEGRADED, "removed": State.DOWN}


@dataclass(frozen=True, slots=True)
class Ask:
    """One seed of a question: ``state`` is down, degraded or removed."""

    reference: str
    state: str = "down"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question after its references were found; each seed has its asked state."""

    seeds: Mapping[str, tuple[Entity, str]]
    pins: Sequence[Entity]
    given: str
    left_out: tuple[str, ...]
    max_distance: int | None
    now: datetime


async def blast_radius(
    topologies: Topologies,
    asks: Sequence[Ask],
    *,
    given: Given = "none",
    assume: Sequence[str] = (),
    max_distance: int | None = None,
    exclude: Sequence[str] = (),
    now: datetime | None = None,
) -> ImpactAnswer:
    """Answer what the seeds do to the estate, at its newest revision.

    Parameters
    ----------
    given
        ``open``: knowing the effects of open incidents and of changes under way.
    assume
        References of what is known to be OPERATIONAL, whatever it depends on.
    max_distance
        Shows only what is at most so many steps away; everything is computed and counted.
    exclude
        Relationship types left out of this analysis.
    now
        The moment at which service hours and agreements are judged; the clock's unless given.

    Raises
    ------
    BadUsage
        A distance below 1, an unknown state, one CI asked for twice with different states, a seed that is also assumed.
    ReferenceNotFound, ReferenceAmbiguous
    """
    if max_distance is not None and max_distance < 1:
        raise BadUsage("A distance is counted in steps, from 1.")
    left_out = excluded_types(topologies.model, exclude)
    view = await topologies.current(left_out)
    seeds = await _seeds(topologies, asks)
    pins = await find_all(topologies.store, topologies.model, assume)
    _refuse_both(seeds, pins)
    context = await open_records(topologies.store, topologies.model) if given == "open" else Context()
    states = {id_: _ASKED[asked] for id_, (_, asked) in seeds.items()}
    removed = {id_ for id_, (_, asked) in seeds.items() if asked == "removed"}
    found = compare(view, context, states, removed=removed, pins={pin.id for pin in pins})
    asked = _Asked(seeds, pins, given, tuple(sorted(left_out)), max_distance, now or datetime.now(UTC))
    return await _answer(topologies, found, asked)


async def _seeds(topologies: Topologies, asks: Sequence[Ask]) -> dict[str, tuple[Entity, str]]:
    if not asks:
        raise BadUsage("Name at least one thing that fails.")
    if unknown := next((ask.state for ask in asks if ask.state not in _ASKED), None):
        raise BadUsage(f"{unknown!r} is no state to ask about; use down, degraded or removed.")
    entities = await find_all(topologies.store, topologies.model, [ask.reference for ask in asks])
    seeds: dict[str, tuple[Entity, str]] = {}
    for entity, ask in zip(entities, asks, strict=True):
        if seeds.get(entity.id, (entity, ask.state))[1] != ask.state:
            raise BadUsage(f"{ask.reference!r} is asked about in two states; choose one.")
        seeds[entity.id] = (entity, ask.state)
    return seeds


def _refuse_both(seeds: Mapping[str, object], pins: Iterable[Entity]) -> None:
    for pin in pins:
        if pin.id in seeds:
            raise BadUsage(f"{pin.class_name}:{pin.name} is asked about and assumed operational; choose one.")


async def _answer(
    topologies: Topologies,
    found: Difference,
    asked: _Asked,
) -> ImpactAnswer:
    view, after, seeds, pins = found.view, found.after, asked.seeds, asked.pins
    worse = found.worse()
    affected = [id_ for id_ in worse if id_ not in seeds]
    most = asked.max_distance
    shown = [id_ for id_ in affected if most is None or after.distance(id_) <= most]
    named = {*seeds, *worse}
    hit = [id_ for id_ in after.settled() if id_ in view.services and id_ in named]
    facts = await service_facts(topologies.store, hit)
    hit = [id_ for id_ in hit if id_ in facts]
    told = tuple(_seed(found, entity, state) for entity, state in seeds.values())
    around, notify = await roll_up(
        topologies.store,
        topologies.model,
        [(ci_of(view, id_), after.state(id_)) for id_ in hit],
        [(each.ci, each.state) for each in told],
        asked.now,
    )
    touched = [*seeds, *affected]
    return ImpactAnswer(
        revision=view.revision,
        model_version=topologies.model.version,
        engine_version=__version__,
        given=asked.given,
        seeds=told,
        assumed=(*map(Ci.of, pins), *_pinned(found, {*seeds, *(pin.id for pin in pins)})),
        excluded_types=asked.left_out,
        affected=tuple(_affected(found, id_) for id_ in shown),
        counts={
            state: sum(after.state(id_) == state for id_ in affected)
            for state in (State.DOWN, State.DEGRADED, State.AT_RISK)
        },
        survivors=_survivors(found),
        starved=await starving(topologies, view, found.before, after),
        already=_already(found),
        excluded=await not_followed(topologies.store, topologies.model, [entity for entity, _ in seeds.values()]),
        services=tuple(_service(found, facts[id_], around[id_]) for id_ in hit),
        notify=notify,
        unmapped=tuple(ci_of(view, id_) for id_ in touched if id_ in view.topology and id_ not in view.mapped),
        unknown=tuple(_unknown(topologies, found, seeds, set(touched))),
        truncated=len(shown) < len(affected),
    )


def _seed(found: Difference, entity: Entity, asked: str) -> Seed:
    known = entity.id in found.view.topology
    return Seed(Ci.of(entity), asked, found.after.state(entity.id) if known else _ASKED[asked])


def _affected(found: Difference, id_: str) -> Affected:
    after = found.after
    return Affected(ci_of(found.view, id_), after.state(id_), after.distance(id_), *_reason(found, id_))


def _service(found: Difference, facts: ServiceFacts, around: Surroundings) -> AffectedService:
    id_ = facts.entity.id
    return AffectedService(
        ci_of(found.view, id_), found.after.state(id_), facts.criticality, facts.users, *_reason(found, id_), around
    )


def _reason(found: Difference, id_: str) -> tuple[Because, tuple[Step, ...]]:
    entities = found.view.entities
    because = explain(found.after, id_, lambda each: entities[each].name)
    return because, steps(found.view, found.after.path(id_))


def _survivors(found: Difference) -> tuple[Survivor, ...]:
    """List the groups that the seeds weakened and that still serve."""
    weak_before = set(found.before.survivors())
    return tuple(
        Survivor(ci_of(found.view, each.consumer), each.group, each.up, each.min_up, each.lost, each.margin)
        for each in found.after.survivors()
        if each not in weak_before
    )


def _pinned(found: Difference, but: Collection[str]) -> list[Ci]:
    """Name what open records say is fine."""
    pinned = sorted(pin for pin in found.context.pins if pin in found.view.entities and pin not in but)
    return sorted((ci_of(found.view, pin) for pin in pinned), key=lambda ci: found.view.entities[ci.id].order)


def _already(found: Difference) -> tuple[Already, ...]:
    entities = found.view.entities

    def because(id_: str) -> str:
        own = found.context.because(id_, found.before.state(id_)) if found.before.explains_itself(id_) else None
        return own or explain(found.before, id_, lambda each: entities[each].name).text

    return tuple(
        Already(ci_of(found.view, id_), found.before.state(id_), because(id_)) for id_ in found.before.settled()
    )


def _unknown(
    topologies: Topologies, found: Difference, seeds: Mapping[str, tuple[Entity, str]], touched: Collection[str]
) -> Iterable[Unknown]:
    """Tell what the answer could not take into account, for what it speaks of."""
    view = found.view
    for id_, (entity, _) in seeds.items():
        if id_ not in view.topology:
            why = "no impact rule names its class" if not _can_fail(topologies, entity) else "it is not in service"
            yield Unknown(Ci.of(entity), f"{why}, so nothing is known of what its failure does")
    for record in view.waiting:
        if end := next((id_ for id_ in record.known if id_ in touched), None):
            why = WHY[record.because or ""]
            yield Unknown(ci_of(view, end), f"{record.key.words}, says {record.key.source}, is left out: {why}")
        elif record.key.type_name in EFFECT_TYPES.values() and record.known[0] in found.context.records:
            yield Unknown(None, f"{record.key.words} is not counted: {WHY[record.because or '']}")
    for group in view.empty_groups:
        if group.consumer in touched:
            yield Unknown(ci_of(view, group.consumer), group.because)
    for unmapped in found.context.unmapped:
        state = unmapped.attributes.get("state")
        yield Unknown(Ci.of(unmapped), f"the model does not know its state {state!r}; it counts as open")


def _can_fail(topologies: Topologies, entity: Entity) -> bool:
    return entity.class_name in topologies.model.topology_classes
