"""What breaks if these fail: the impact engine's answer, told apart from what was so already, for services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from knockon import __version__
from knockon.cmdb.lookup import find, find_all
from knockon.cmdb.relate import WHY
from knockon.errors import BadUsage
from knockon.impact.derive import excluded_types
from knockon.impact.evaluation import evaluate
from knockon.impact.explanation import explain
from knockon.impact.supports import supported
from knockon.itsm.answer import (
    Affected,
    AffectedService,
    Already,
    Ci,
    ImpactAnswer,
    Seed,
    Step,
    SupportedService,
    SupportsAnswer,
    Survivor,
    Unknown,
)
from knockon.itsm.context import EFFECT_TYPES, Context, open_records
from knockon.itsm.not_followed import not_followed
from knockon.itsm.roll_up import roll_up
from knockon.itsm.services import service_facts
from knockon.itsm.starving import starving
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.rows import Entity
    from knockon.impact.evaluation import Evaluation
    from knockon.impact.explanation import Because
    from knockon.impact.network import Dependency
    from knockon.impact.topologies import Topologies, View
    from knockon.itsm.answer import Surroundings
    from knockon.itsm.services import ServiceFacts

Given = Literal["none", "open"]
_ASKED = {"down": State.DOWN, "degraded": State.DEGRADED, "removed": State.DOWN}


@dataclass(frozen=True, slots=True)
class Ask:
    """One seed of a question: ``state`` is down, degraded or removed."""

    reference: str
    state: str = "down"


@dataclass(frozen=True, slots=True)
class Difference:
    """The estate before and after the seeds, both knowing the context."""

    view: View
    context: Context
    before: Evaluation
    after: Evaluation

    def worse(self) -> list[str]:
        """List the ids that the seeds make worse, seeds included, in the order of every list."""
        return [id_ for id_ in self.after.settled() if self.after.state(id_) > self.before.state(id_)]


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
        The moment at which service hours and agreements are judged; unless given the clock's, or the one that
        topologies of the past are of.

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
    asked = _Asked(seeds, pins, given, tuple(sorted(left_out)), max_distance, now or _moment(topologies))
    return await _answer(topologies, found, asked)


def _moment(topologies: Topologies) -> datetime:
    at = topologies.moment and topologies.moment.at
    return datetime.fromisoformat(at) if at else datetime.now(UTC)


def compare(
    view: View,
    context: Context,
    seeds: Mapping[str, State],
    *,
    removed: Collection[str] = (),
    pins: Collection[str] = (),
) -> Difference:
    """Evaluate the context alone, and the context with the seeds; a seed is one also where the context pins it.

    Paths and distances of what the seeds make worse lead to a seed, not to what the context says.
    """
    known = view.topology
    held = {pin for pin in {*pins, *context.pins} if pin in known}
    base = {id_: state for id_, state in context.states.items() if id_ in known and id_ not in held}
    own = {id_: state for id_, state in seeds.items() if id_ in known and state > State.OPERATIONAL}
    before = after = evaluate(known, base, pins=held)
    if own:
        both = base | {id_: max(state, base.get(id_, State.OPERATIONAL)) for id_, state in own.items()}
        after = evaluate(known, both, pins=held - set(own), removed=[id_ for id_ in removed if id_ in own])
    return Difference(view, context, before, after.since(before))


async def services_hit(topologies: Topologies, states: Mapping[str, State]) -> dict[str, State]:
    """Tell which services would be worse than OPERATIONAL if items were in these states, worst first."""
    view = await topologies.current()
    found = compare(view, Context(), states)
    return {id_: found.after.state(id_) for id_ in found.worse() if id_ in view.services}


async def supports(topologies: Topologies, reference: str) -> SupportsAnswer:
    """Tell which services something supports by a dependency path, also where redundancy hides the impact.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
    """
    view = await topologies.current()
    entity = await find(topologies.store, topologies.model, reference)
    if entity.id not in view.topology:
        return SupportsAnswer(view.revision, Ci.of(entity), ())
    reached = supported(view.topology, [entity.id], view.services)
    facts = await service_facts(topologies.store, [each.id for each in reached])
    services = tuple(
        SupportedService(
            Ci.of(facts[each.id].entity),
            facts[each.id].criticality,
            facts[each.id].users,
            each.distance,
            steps(view, each.path),
        )
        for each in reached
        if each.id in facts
    )
    return SupportsAnswer(view.revision, Ci.of(entity), services)


def steps(view: View, path: Iterable[Dependency]) -> tuple[Step, ...]:
    """Give a path by the relationships as they are stored."""
    found = []
    for each in path:
        consumer, supplier = _ci(view, each.consumer), _ci(view, each.supplier)
        ends = (supplier, consumer) if each.reversed else (consumer, supplier)
        found.append(Step(ends[0], each.type_name, ends[1]))
    return tuple(found)


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
        topologies.store, topologies.model, [(_ci(view, id_), after.state(id_)) for id_ in hit], told, asked.now
    )
    touched = [*seeds, *affected]
    return ImpactAnswer(
        revision=view.revision,
        model_version=topologies.model.version,
        engine_version=__version__,
        as_of=topologies.moment.at if topologies.moment else None,
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
        unmapped=tuple(_ci(view, id_) for id_ in touched if id_ in view.topology and id_ not in view.mapped),
        unknown=tuple(_unknown(topologies, found, seeds, set(touched))),
        truncated=len(shown) < len(affected),
    )


def _ci(view: View, id_: str) -> Ci:
    return Ci.of(view.entities[id_])


def _seed(found: Difference, entity: Entity, asked: str) -> Seed:
    known = entity.id in found.view.topology
    return Seed(Ci.of(entity), asked, found.after.state(entity.id) if known else _ASKED[asked])


def _affected(found: Difference, id_: str) -> Affected:
    after = found.after
    return Affected(_ci(found.view, id_), after.state(id_), after.distance(id_), *_reason(found, id_))


def _service(found: Difference, facts: ServiceFacts, around: Surroundings) -> AffectedService:
    id_ = facts.entity.id
    return AffectedService(
        _ci(found.view, id_), found.after.state(id_), facts.criticality, facts.users, *_reason(found, id_), around
    )


def _reason(found: Difference, id_: str) -> tuple[Because, tuple[Step, ...]]:
    entities = found.view.entities
    because = explain(found.after, id_, lambda each: entities[each].name)
    return because, steps(found.view, found.after.path(id_))


def _survivors(found: Difference) -> tuple[Survivor, ...]:
    """List the groups that the seeds weakened and that still serve."""
    weak_before = set(found.before.survivors())
    return tuple(
        Survivor(_ci(found.view, each.consumer), each.group, each.up, each.min_up, each.lost, each.margin)
        for each in found.after.survivors()
        if each not in weak_before
    )


def _pinned(found: Difference, but: Collection[str]) -> list[Ci]:
    """Name what open records say is fine."""
    pinned = sorted(pin for pin in found.context.pins if pin in found.view.entities and pin not in but)
    return sorted((_ci(found.view, pin) for pin in pinned), key=lambda ci: found.view.entities[ci.id].order)


def _already(found: Difference) -> tuple[Already, ...]:
    entities = found.view.entities

    def because(id_: str) -> str:
        own = found.context.because(id_, found.before.state(id_)) if found.before.explains_itself(id_) else None
        return own or explain(found.before, id_, lambda each: entities[each].name).text

    return tuple(Already(_ci(found.view, id_), found.before.state(id_), because(id_)) for id_ in found.before.settled())


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
            yield Unknown(_ci(view, end), f"{record.key.words}, says {record.key.source}, is left out: {why}")
        elif record.key.type_name in EFFECT_TYPES.values() and record.known[0] in found.context.records:
            yield Unknown(None, f"{record.key.words} is not counted: {WHY[record.because or '']}")
    if topologies.moment:
        yield Unknown(None, f"which relationships waited at revision {view.revision} is not in the journal")
    for group in view.empty_groups:
        if group.consumer in touched:
            yield Unknown(_ci(view, group.consumer), group.because)
    for unmapped in found.context.unmapped:
        state = unmapped.attributes.get("state")
        yield Unknown(Ci.of(unmapped), f"the model does not know its state {state!r}; it counts as open")


def _can_fail(topologies: Topologies, entity: Entity) -> bool:
    return entity.class_name in topologies.model.topology_classes
