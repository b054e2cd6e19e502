"""What breaks if these fail: the impact engine's answer, told apart from what was so already, for services."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from knockon import __version__
from knockon.errors import AnswerGone, JournalCompacted, PastTooFar
from knockon.impact.propagation.evaluation import WORST_FIRST
from knockon.impact.propagation.explanation import STATES, explain
from knockon.impact.structure.new_single_points import NewSinglePoints, new_single_points
from knockon.impact.topology.as_of import Pasts
from knockon.impact.topology.derive import excluded_types
from knockon.itsm.blast_radius.answer import AffectedService, Already, ImpactAnswer, Seed, Survivor
from knockon.itsm.blast_radius.answer_id import answer_id, read_answer_id
from knockon.itsm.blast_radius.confidence import confidence
from knockon.itsm.blast_radius.not_followed import not_followed
from knockon.itsm.blast_radius.question import ASKED, Question, question_again, question_of
from knockon.itsm.blast_radius.reasons import Reasons
from knockon.itsm.blast_radius.starving import starving
from knockon.itsm.blast_radius.unknowns import stale_suppliers, unknowns, unmapped_suppliers
from knockon.itsm.context.difference import compare
from knockon.itsm.context.given import Span, context_of
from knockon.itsm.services.facts import facts_of
from knockon.itsm.services.roll_up import roll_up
from knockon.itsm.values import Ci, Worded, ci_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Sequence
    from datetime import datetime

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import Topologies, View
    from knockon.itsm.blast_radius.question import Ask
    from knockon.itsm.context.difference import Difference
    from knockon.itsm.services.facts import ServiceFacts
    from knockon.itsm.services.surroundings import Notified
    from knockon.schema.states import State

NEW_POINTS = 20_000
"""How many items that services need are looked at, at most, to find new single points."""


async def blast_radius(
    topologies: Topologies,
    asks: Sequence[Ask],
    *,
    given: str = "none",
    span: Span | None = None,
    assume: Sequence[str] = (),
    max_distance: int | None = None,
    exclude: Sequence[str] = (),
    now: datetime | None = None,
    max_lag: float = 0.0,
    new_points: bool = True,
) -> ImpactAnswer:
    """Answer what the seeds do to the estate, at its newest revision.

    Parameters
    ----------
    given
        What else is the case, as in ``context_of``: ``open``, ``window`` and ``maintenance``, with commas, or none.
    span
        The time that is asked about; now unless given. Service hours and agreements are judged at its start.
    assume
        References of what is known to be OPERATIONAL, whatever it depends on.
    max_distance
        Shows only what is at most so many steps away; everything is computed and counted.
    exclude
        Relationship types left out of this analysis.
    now
        The moment that freshness is measured to, and the span where none is given; the clock's unless given.
    max_lag
        Seconds: a revision that was the newest this long ago will do.
    new_points
        Search for new single points; who does not show them saves a good part of the time.

    Raises
    ------
    BadUsage
        A distance below 1, an unknown state, one CI asked for twice with different states, a seed that is also assumed.
    ReferenceNotFound, ReferenceAmbiguous
    """
    left_out = excluded_types(topologies.model, exclude)
    view = await topologies.current(left_out, max_lag=max_lag)
    question = await question_of(topologies, asks, assume, given, span, left_out, max_distance, now)
    return await _answer(topologies, view, question, new_points=new_points)


async def answer_again(
    topologies: Topologies,
    name: str,
    *,
    at: Callable[[str], Awaitable[Topologies]] | None = None,
    new_points: bool = True,
) -> ImpactAnswer:
    """Work out again the answer that has this id.

    While the store is at its revision it is the same, field for field; later, it is made from the past.

    Parameters
    ----------
    at
        Gives the estate at a revision of the past; one that nobody else asks about unless given.
    new_points
        As for ``blast_radius``.

    Raises
    ------
    AnswerGone
        Its revision cannot be had, or what it speaks of; or the model or the program is another one.
    BadUsage
        It is no id of an answer.
    """
    named = read_answer_id(name)
    named.refuse_other(topologies.model.version)
    left_out = excluded_types(topologies.model, named.asked.exclude)
    newest = await topologies.reading.revision()
    view = await topologies.current(left_out) if newest == named.revision else None
    if view is None or view.revision != named.revision:  # a view may be newer than the revision was just now
        topologies = await _topologies_at(at or Pasts(topologies).at, named.revision, newest)
        view = await topologies.current(left_out)
    question = await question_again(topologies.store, named.asked)
    return await _answer(topologies, view, question, new_points=new_points)


async def _topologies_at(at: Callable[[str], Awaitable[Topologies]], revision: int, newest: int) -> Topologies:
    """Give the estate at the revision of an answer, out of the journal."""
    if newest < revision:
        raise AnswerGone(f"This answer holds for revision {revision}, which this store does not have; name another.")
    try:
        return await at(str(revision))
    except (PastTooFar, JournalCompacted) as error:
        raise AnswerGone(f"This answer holds for revision {revision}, which cannot be had any more: {error}") from error


async def _difference(topologies: Topologies, view: View, question: Question) -> Difference:
    """Evaluate the estate without and with the seeds."""
    span = question.span or Span.at(question.now)
    context = await context_of(topologies.store, topologies.model, question.given, span)
    states = {id_: ASKED[asked] for id_, (_, asked) in question.seeds.items()}
    removed = {id_ for id_, (_, asked) in question.seeds.items() if asked == "removed"}
    pins = {pin.id for pin in question.pins}
    return compare(view, context, states, removed=removed, pins=pins)


async def _answer(topologies: Topologies, view: View, question: Question, *, new_points: bool = True) -> ImpactAnswer:
    model, seeds, reads = topologies.model, question.seeds, topologies.reads(view)
    # nothing in a question writes, so the reading half is all of a store that is needed
    store = cast("Store", reads)
    found = await _difference(topologies, view, question)
    after, worse = found.after, found.worse_numbers()
    known = [view.topology.index(id_) for id_ in seeds if id_ in view.topology]
    affected = worse[~np.isin(worse, known)]
    distance = after.columns().distance[affected]
    shown = affected if question.max_distance is None else affected[distance <= question.max_distance]
    reasons = Reasons(view, after)
    told = tuple(_seed(found, entity, state) for entity, state in seeds.values())
    services, notify, points_cut = await _services(topologies, found, question, told, reasons, new_points)
    named = np.concatenate((np.array(known, affected.dtype), affected))
    unmapped = tuple(map(reasons.ci, named[~view.mapped_at(named)].tolist()))
    unknown = tuple(unknowns(topologies, found, seeds, _touched(view, seeds, affected)))
    excluded = await not_followed(store, model, [entity for entity, _ in seeds.values()])
    sure = await confidence(
        reads, model, view, reasons.first_steps(affected.tolist()), question.now,
        unknown=len(unknown), unmapped=len(unmapped), past=topologies.moment is not None,
    )  # fmt: skip
    # these lower the confidence as what they are, or not at all
    unknown = (*unknown, *stale_suppliers(view, sure.late), *unmapped_suppliers(unmapped))
    return ImpactAnswer(
        id=answer_id(question.asked, view.revision, model.version),
        revision=view.revision,
        model_version=model.version,
        engine_version=__version__,
        as_of=topologies.moment.at if topologies.moment else None,
        given=question.given,
        span=question.span,
        seeds=told,
        assumed=(*map(Ci.of, question.pins), *_pinned(found, {*seeds, *(pin.id for pin in question.pins)})),
        excluded_types=question.left_out,
        affected=Worded(
            list(zip(shown.tolist(), after.columns().distance[shown].tolist(), strict=True)), reasons.affected
        ),
        counts=dict(zip(WORST_FIRST, np.bincount(after.states[affected], minlength=4)[:0:-1].tolist(), strict=True)),
        survivors=_survivors(found),
        starved=await starving(model, store, view, found.before, after),
        already=_already(found),
        excluded=excluded.found,
        excluded_truncated=excluded.cut,
        services=services,
        new_points_truncated=points_cut,
        notify=notify,
        unmapped=unmapped,
        unknown=unknown,
        confidence=sure,
        truncated=len(shown) < len(affected),
    )  # fmt: skip


async def _services(
    topologies: Topologies,
    found: Difference,
    question: Question,
    told: Sequence[Seed],
    reasons: Reasons,
    new_points: bool,
) -> tuple[Sequence[AffectedService], Sequence[Notified], bool]:
    """Tell the services that get worse, whom to tell, and whether the search for new single points was cut."""
    view, reads = found.view, topologies.reads(found.view)
    hit = [(number, reasons.ci(number)) for number in _services_hit(found, question)]
    facts = await facts_of(reads, [ci.id for _, ci in hit])
    rows = [
        (number, ci, STATES[found.after.states[number]], known)
        for number, ci in hit
        if (known := facts[ci.id]) is not None
    ]
    span = question.span or Span.at(question.now)
    seeds = [(each.ci, each.state) for each in told]
    around, notify = await roll_up(reads, topologies.model, [(ci, state) for _, ci, state, _ in rows], seeds, span)
    new = await _new_points(found, [ci.id for _, ci, _, _ in rows]) if new_points else NewSinglePoints({}, cut=False)

    def worded(number: int, ci: Ci, state: State, known: ServiceFacts) -> AffectedService:
        return AffectedService(
            ci, state, known.criticality, known.users, reasons.because(number), reasons.path(number),
            around(ci.id, state), tuple([ci_of(view, point) for point in new.points.get(ci.id, ())]),
        )  # fmt: skip

    return Worded(rows, worded), notify, new.cut


async def _new_points(found: Difference, services: list[str]) -> NewSinglePoints:
    asking = (found.before, found.after, services, NEW_POINTS)
    # in a thread only where it may take long: else questions that are put at once would no longer read together
    return (
        await asyncio.to_thread(new_single_points, *asking) if found.view.topology.large else new_single_points(*asking)
    )


def _services_hit(found: Difference, question: Question) -> list[int]:
    """Give the services among what the seeds make worse, or are, in order."""
    items, ids = found.after.columns().items, found.view.topology.ids
    worse = found.after.states[items] > found.before.states[items]
    seeds = [ids.number(id_) for id_ in question.seeds if id_ in ids]
    named = items[worse | np.isin(items, seeds)]
    services: list[int] = named[found.view.serving[named]].tolist()
    return services


def _touched(view: View, seeds: Collection[str], affected: Any) -> frozenset[str]:
    return frozenset([*seeds, *(view.topology.ids[number] for number in affected.tolist())])


def _seed(found: Difference, entity: Entity, asked: str) -> Seed:
    known = entity.id in found.view.topology
    return Seed(Ci.of(entity), asked, found.after.state(entity.id) if known else ASKED[asked])


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
