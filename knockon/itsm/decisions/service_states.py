"""The states of all services at one revision, and what differs between two: which service, and why."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from knockon.cmdb.past.changes import moment_of
from knockon.cmdb.past.store import PastStore
from knockon.errors import BadCursor, BadUsage
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.propagation.explanation import explain
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.context.effects import EFFECT_TYPES
from knockon.itsm.context.given import Span, context_of, kinds_of
from knockon.itsm.values import Ci, ci_of
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.cmdb.contract.rows import Revision
    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import View
    from knockon.itsm.context.effects import Context
    from knockon.schema.model import Model

KEPT = 8
"""Looks at hand, for all who follow."""
_TIMED = frozenset({"window", "maintenance"})
_LOOKED_AT = frozenset({*EFFECT_TYPES, "Calendar"})


class Look(NamedTuple):
    """What was looked at: a revision; and when, in UTC and whole seconds, where the time makes a difference."""

    revision: int
    moment: datetime | None = None

    def __str__(self) -> str:
        return f"{self.revision}@{Span.at(self.moment)}" if self.moment else f"{self.revision}"

    @classmethod
    def read(cls, text: str) -> Look:
        """Read what ``str`` wrote.

        Raises
        ------
        BadCursor
        """
        revision, at, moment = text.partition("@")
        if not revision.isdecimal() or not revision.isascii():
            raise BadCursor(f"{text!r} is no place: give a revision number, or the place of an event.")
        try:
            return cls(int(revision), Span.read(moment).start if at else None)
        except BadUsage as error:
            raise BadCursor(f"{text!r} is no place: {error}") from None


class ServiceState(NamedTuple):
    """How a service serves, and why: the item at the end of the way, and the records that fail it."""

    service: Ci
    state: State
    because: str
    cause: Ci | None
    records: tuple[Ci, ...]


class StateChange(NamedTuple):
    """A service whose state differs; None where it was or is not there. What it is better by is told of before."""

    service: Ci
    before: State | None
    after: State | None
    because: str
    cause: Ci | None
    records: tuple[Ci, ...]


@dataclass(frozen=True, slots=True)
class _Key:
    look: Look
    given: str
    written: str | None  # the same number is another revision in a store that was made anew


class _Work:
    """A look that is worked out, for as long as somebody waits for it."""

    def __init__(self, task: asyncio.Task[Mapping[str, ServiceState]]) -> None:
        self.task = task
        self.waiting = 0

    async def result(self) -> Mapping[str, ServiceState]:
        self.waiting += 1
        try:
            await asyncio.wait([self.task])  # who goes away does not end it for the others
        finally:
            self.waiting -= 1
            if not self.waiting:
                self.task.cancel()
        return self.task.result()


class ServiceStates:
    """Works out the states of all services, once for all who ask about the same look.

    What it reads of the past is its own, so that nobody who asks about the past waits for those who follow.
    """

    def __init__(self, topologies: Topologies) -> None:
        self._topologies = topologies
        self._kept: OrderedDict[_Key, _Work] = OrderedDict()
        self._tasks: set[asyncio.Task[Mapping[str, ServiceState]]] = set()
        self._turn = asyncio.Lock()

    async def at(self, look: Look, given: str) -> Mapping[str, ServiceState]:
        """Give the states of all services by id, exactly as of a revision, whatever is written meanwhile.

        ``given`` is as in ``context_of``. Costs one run of the engine; where the revision is not the newest any more,
        a past scan too, of which there is one at a time. The work ends when nobody waits for it any more.

        Raises
        ------
        BadUsage
            The store is not at this revision yet.
        PastTooFar, JournalCompacted
        """
        key = _Key(look, given, await self._topologies.store.written_at(look.revision))
        if key not in self._kept or self._kept[key].task.cancelling():
            self._kept[key] = self._begun(look, given)
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        work = self._kept[key]
        try:
            return await work.result()
        except BaseException:
            # what failed or was given up is begun anew; what others still wait for is kept
            if work.task.cancelling() or (work.task.done() and work.task.exception()):
                self._drop(key, work)
            raise

    async def close(self) -> None:
        """End all work; who waits for it is cancelled."""
        tasks = list(self._tasks)
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begun(self, look: Look, given: str) -> _Work:
        task = asyncio.create_task(self._work_out(look, given))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return _Work(task)

    def _ended(self, task: asyncio.Task[Mapping[str, ServiceState]]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen, also where nobody waits for it any more

    def _drop(self, key: _Key, work: _Work) -> None:
        if self._kept.get(key) is work:
            del self._kept[key]

    async def _work_out(self, look: Look, given: str) -> Mapping[str, ServiceState]:
        store, model = self._topologies.store, self._topologies.model
        # without a moment of its own a look is of when its revision was written: so it is the same for all
        written = None if look.moment else await store.written_at(look.revision)
        span = Span.at(look.moment or (datetime.fromisoformat(written) if written else self._topologies.asked_at()))
        view = await self._topologies.current()
        if view.revision == look.revision:
            context = await context_of(store, model, given, span)
            # only a scan waits for a commit that begins to show: then what was read is of this revision
            if (await store.scan(())).revision == look.revision:
                return await states_of(view, context)
        await moment_of(store, str(look.revision))
        async with self._turn:
            # nothing here writes, so the reading half is all of a store that is needed
            past = cast("Store", await PastStore.at(store, model, look.revision))
            then = await Topologies(past, model).current()
            return await states_of(then, await context_of(past, model, given, span))


async def states_of(view: View, context: Context) -> Mapping[str, ServiceState]:
    """Give the states of all services of a view by id, given what else is the case; one run of the engine."""
    # in a thread only where it may take long
    return await asyncio.to_thread(_judge, view, context) if view.topology.large else _judge(view, context)


def _judge(view: View, context: Context) -> Mapping[str, ServiceState]:
    known = view.topology
    pins = {pin for pin in context.pins if pin in known}
    base = {id_: state for id_, state in context.states.items() if id_ in known and id_ not in pins}
    found = evaluate(known, base, pins=pins)

    def said(id_: str) -> ServiceState:
        state = found.state(id_)
        if state is State.OPERATIONAL:
            return ServiceState(ci_of(view, id_), state, "Nothing that failed affects it.", None, ())
        path = found.path(id_)
        cause = path[-1].supplier if path else id_
        own = context.because(id_, state) if found.explains_itself(id_) else None
        because = own or explain(found, id_, lambda each: view.entities[each].name).text
        records = dict.fromkeys(
            Ci.of(effect.record) for effect in context.effects
            if effect.item_id == cause and effect.state > State.OPERATIONAL and not effect.pin
        )  # fmt: skip
        return ServiceState(ci_of(view, id_), state, because, ci_of(view, cause), tuple(sorted(records)))

    return {id_: said(id_) for id_ in view.services}


def differences(before: Mapping[str, ServiceState], after: Mapping[str, ServiceState]) -> list[StateChange]:
    """Tell which services are in another state: what is worst now first, then by class, name and id."""
    found = []
    for id_ in before.keys() | after.keys():
        was, now = before.get(id_), after.get(id_)
        if now is None:
            assert was is not None
            found.append(StateChange(was.service, was.state, None, "It is no longer there.", None, ()))
        elif was is None:
            found.append(StateChange(now.service, None, *now[1:]))
        elif was.state is not now.state:
            told = now
            if now.state is State.OPERATIONAL:
                text = f"Nothing that failed affects it any more. Before: {was.because}"
                told = was._replace(state=now.state, because=text)
            found.append(StateChange(now.service, was.state, *told[1:]))
    return sorted(found, key=_worst_first)


def _worst_first(change: StateChange) -> tuple[Any, ...]:
    state = -1 if change.after is None else change.after
    return -state, change.service.class_name, change.service.name, change.service.id


def is_timed(given: str) -> bool:
    """Tell whether states may differ with the time alone."""
    return not _TIMED.isdisjoint(kinds_of(given))


def may_differ(model: Model, revision: Revision) -> bool:
    """Tell whether a revision may have changed the state of a service."""
    for entry in revision.entries:
        if entry.kind == "edge":
            return True
        for class_name in {str(image["class"]) for image in (entry.before, entry.after) if image}:
            kind = model.classes.get(class_name)
            if class_name in model.topology_classes or (kind and not _LOOKED_AT.isdisjoint(kind.lineage)):
                return True
    return False
