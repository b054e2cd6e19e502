"""What if the estate were another one: which failures would then do more, or less, and why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from knockon.cmdb.reconciliation.relate import WHY
from knockon.errors import BadUsage
from knockon.impact.planning.overlay import apply, contrast, neighbourhood, suppliers
from knockon.impact.propagation.explanation import explain
from knockon.impact.topology.derive import network
from knockon.impact.topology.topology import Topology
from knockon.itsm.context.given import Span, context_of, words_of
from knockon.itsm.planning.asking import FAILING
from knockon.itsm.planning.overlays import settle
from knockon.itsm.services.facts import SERVICE
from knockon.itsm.values import Ci, Step, Unknown, ci_json, not_in_the_journal, path_json, unknown_json
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity, Scan
    from knockon.impact.planning.overlay import Contrast
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.network import Network
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.blast_radius.question import Ask
    from knockon.itsm.context.effects import Context
    from knockon.itsm.planning.overlay_file import OverlayFile
    from knockon.itsm.planning.overlays import Settled
    from knockon.schema.model import Model


@dataclass(frozen=True, slots=True)
class Shift:
    """A CI that a failure would leave in another state than today.

    ``because`` and ``path`` are of the worse one of the two states.
    """

    ci: Ci
    service: bool
    before: State
    after: State
    because: str
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One failure that would not do what it does today; services come first in both lists.

    Without ``seeds`` it is what differs with nothing more failing than what is open.
    """

    seeds: tuple[tuple[Ci, str], ...]
    worse: tuple[Shift, ...]
    better: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class WhatIfAnswer:
    """The estate with the changes against the estate at ``revision``.

    ``asked`` failures were put to both; ``cases`` has those with a difference, the worst first.
    """

    revision: int
    given: str
    changes: tuple[str, ...]
    asked: int
    cases: tuple[Case, ...]
    unknown: tuple[Unknown, ...]


async def what_if(
    topologies: Topologies,
    file: OverlayFile,
    asks: Sequence[Ask] = (),
    *,
    service: str | None = None,
    given: str = "none",
    span: Span | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> WhatIfAnswer:
    """Compare the newest revision with what it would be under a file's changes; nothing is written.

    Parameters
    ----------
    asks
        What fails, all of it together; may name what the file adds. Without any, each single failure
        that can make a difference is asked about by itself: of everything that the changed CIs need, or
        needed, over however many steps.
    service
        Ask about those single failures that the service needs, and tell those that change its state.
    given, span
        What else is the case, as in ``context_of``; the span is the moment of the question unless given. What
        differs by this alone is told once, and not again with each failure.
    progress
        Is told (failures done, failures in all).

    Raises
    ------
    BadUsage
        Failures and a service at once, one CI in two states, or something that is no service.
    OverlayInvalid
        The model does not take a change, or what it speaks of is not there.
    ReferenceNotFound, ReferenceAmbiguous
    """
    if asks and service:
        raise BadUsage("Name what fails, or a service whose single failures to try; not both.")
    _refuse_states(asks)
    references = [ask.reference for ask in asks] + ([service] if service else [])
    settled = await settle(topologies.store, topologies.model, file, references)
    if service and not topologies.model.is_a(settled.meant[0].class_name, SERVICE):
        raise BadUsage(f"{service} is a {settled.meant[0].class_name}; --service takes a service.")
    context = await context_of(topologies.store, topologies.model, given, span or Span.at(topologies.asked_at()))
    only = settled.meant[0] if service else None
    together = _together(settled.meant, asks) if asks else None

    def compared() -> WhatIfAnswer:
        pair = _Pair(topologies.model, settled, context)
        failures = [together] if together else [[(each, "down")] for each in pair.single_failures(only)]
        cases = []
        for number, failure in enumerate(failures):
            progress(number, len(failures))
            if case := pair.case(failure, only):
                cases.append(case)
        cases.sort(key=_weight)
        if standing := pair.case([], only):
            cases.insert(0, standing)
        unknown = (*_unknown(pair, cases), *not_in_the_journal(topologies.moment))
        return WhatIfAnswer(settled.scan.revision, words_of(given), settled.words, len(failures), tuple(cases), unknown)

    return await asyncio.to_thread(compared)


class _Side:
    """One of the two estates."""

    def __init__(self, model: Model, scan: Scan) -> None:
        self.network: Network = network(model, scan.entities, scan.edges)
        self.topology = Topology.of(self.network)
        self.entities: Mapping[str, Entity] = {each.id: each for each in scan.entities}

    def named(self, id_: str) -> str:
        return self.entities[id_].name

    def path(self, found: Evaluation, id_: str) -> tuple[Step, ...]:
        steps = []
        for each in found.path(id_):
            ends = Ci.of(self.entities[each.consumer]), Ci.of(self.entities[each.supplier])
            source, target = reversed(ends) if each.reversed else ends
            steps.append(Step(source, each.type_name, target))
        return tuple(steps)


class _Pair:
    """Today's estate and the changed one."""

    def __init__(self, model: Model, settled: Settled, context: Context) -> None:
        self._model = model
        self._context = context
        self.scan = settled.scan
        self.today = _Side(model, settled.scan)
        self.changed = _Side(model, apply(settled.overlay, settled.scan))

    def entity(self, id_: str) -> Entity:
        return self.changed.entities.get(id_) or self.today.entities[id_]

    def single_failures(self, service: Entity | None) -> list[Entity]:
        """List what can make a difference by failing alone, in order; for one service, what it needs of that."""
        networks = self.today.network, self.changed.network
        found = neighbourhood(*networks, [*self._standing.worse, *self._standing.better])
        if service:
            found &= suppliers(networks, [service.id])
        return sorted((self.entity(id_) for id_ in found), key=lambda each: each.order)

    def case(self, failure: Sequence[tuple[Entity, str]], only: Entity | None) -> Case | None:
        """Put a failure to both sides; None where it makes no difference, or none to the one that is asked about."""
        found = self._contrast(failure) if failure else self._standing
        worse, better = (
            [id_ for id_ in ids if not failure or self._is_news(id_, found)] for ids in (found.worse, found.better)
        )
        if not (worse or better) or (only and only.id not in {*worse, *better}):
            return None
        return Case(
            tuple((Ci.of(entity), asked) for entity, asked in failure),
            self._shifts(found, worse, self.changed, found.after),
            self._shifts(found, better, self.today, found.before),
        )

    @cached_property
    def _standing(self) -> Contrast:
        """What differs with nothing more failing."""
        return self._contrast([])

    def _contrast(self, failure: Sequence[tuple[Entity, str]]) -> Contrast:
        pins = self._context.pins
        states = {id_: state for id_, state in self._context.states.items() if id_ not in pins}
        for entity, asked in failure:
            states[entity.id] = max(FAILING[asked], states.get(entity.id, State.OPERATIONAL))
        return contrast(self.today.topology, self.changed.topology, states, pins - states.keys())

    def _is_news(self, id_: str, found: Contrast) -> bool:
        """Tell whether a CI is not just where it stands with nothing more failing, on both sides."""
        sides = ("before", "after")
        return any(getattr(found, side).state(id_) != getattr(self._standing, side).state(id_) for side in sides)

    def _shifts(self, found: Contrast, ids: Iterable[str], side: _Side, worse: Evaluation) -> tuple[Shift, ...]:
        shifts = [
            Shift(
                Ci.of(self.entity(id_)),
                self._model.is_a(self.entity(id_).class_name, SERVICE),
                found.before.state(id_),
                found.after.state(id_),
                explain(worse, id_, side.named).text,
                side.path(worse, id_),
            )
            for id_ in ids
        ]
        return tuple(sorted(shifts, key=lambda shift: not shift.service))


def _refuse_states(asks: Sequence[Ask]) -> None:
    if unknown := next((ask.state for ask in asks if ask.state not in FAILING), None):
        raise BadUsage(f"{unknown!r} is no state to ask about; use {', '.join(FAILING)}.")


def _together(meant: Sequence[Entity], asks: Sequence[Ask]) -> list[tuple[Entity, str]]:
    """Give what fails with its state, each once."""
    found: dict[str, tuple[Entity, str]] = {}
    for entity, ask in zip(meant, asks, strict=True):
        if found.setdefault(entity.id, (entity, ask.state))[1] != ask.state:
            raise BadUsage(f"{ask.reference!r} is asked about in two states; choose one.")
    return list(found.values())


def _weight(case: Case) -> tuple[int, int, int, int]:
    """Order cases: first those that make services worse, then other CIs, then those that make services better."""

    def most(shifts: Iterable[Shift], state: Callable[[Shift], State]) -> int:
        return -max((int(state(each)) for each in shifts), default=0)

    return (
        most((each for each in case.worse if each.service), lambda each: each.after),
        most(case.worse, lambda each: each.after),
        most((each for each in case.better if each.service), lambda each: each.before),
        most(case.better, lambda each: each.before),
    )


def _unknown(pair: _Pair, cases: Sequence[Case]) -> Iterable[Unknown]:
    """Tell which relationships wait at what the answer speaks of."""
    spoken_of = {seed.id for case in cases for seed, _ in case.seeds}
    spoken_of |= {shift.ci.id for case in cases for shift in (*case.worse, *case.better)}
    for record in pair.scan.waiting:
        if end := next((id_ for id_ in record.known if id_ in spoken_of), None):
            why = WHY[record.because or ""]
            because = f"{record.key.words}, says {record.key.source}, is left out on both sides: {why}"
            yield Unknown(Ci.of(pair.entity(end)), because)


def what_if_json(answer: WhatIfAnswer) -> dict[str, Any]:
    """Give the JSON form."""
    return {
        "revision": answer.revision,
        "given": answer.given,
        "changes": list(answer.changes),
        "asked": answer.asked,
        "cases": [
            {
                "seeds": [{**ci_json(ci), "asked": asked} for ci, asked in case.seeds],
                "worse": [_shift(each) for each in case.worse],
                "better": [_shift(each) for each in case.better],
            }
            for case in answer.cases
        ],
        "unknown": [unknown_json(each) for each in answer.unknown],
    }


def _shift(shift: Shift) -> dict[str, Any]:
    return {
        **ci_json(shift.ci),
        "service": shift.service,
        "before": shift.before.name,
        "after": shift.after.name,
        "because": shift.because,
        "path": path_json(shift.path),
    }
