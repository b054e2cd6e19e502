"""What became of the states of services, revision after revision, worked out once for all who follow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from knockon.cmdb.past.changes import moment_of
from knockon.itsm.context.given import Span, context_of
from knockon.itsm.decisions.service_states import Look, differences, is_timed, states_of
from knockon.itsm.decisions.shared_work import SharedWork
from knockon.itsm.decisions.state_walk import Relevance, Walk

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.decisions.service_states import ServiceState, StateChange

    States = Mapping[str, ServiceState]

KEPT = 8
"""Answers at hand, for all who follow."""
WALKS = 2
"""Walks at hand, each with its estate in memory."""
IDLE = 60.0
"""Seconds after which a walk that nobody goes on with is let go."""
MOST_LOOKS = 50
"""Revisions looked at in one stretch; whoever waits for another place has his turn then."""
MOST_CHANGES = 1_000
"""Changes after which a stretch ends; those of one revision stay together."""
MOST_READ = 500
"""Revisions read in one stretch, also where they change nothing."""
_PAGE = 10  # revisions


class Step(NamedTuple):
    """What differs between two looks, of which at most the later changed anything."""

    since: Look
    look: Look
    changes: Sequence[StateChange]


class Stretch(NamedTuple):
    """A part of the way: each step that changed a state, and where it ends with which states."""

    steps: Sequence[Step]
    reached: Look
    states: States


@dataclass(frozen=True, slots=True)
class _Key:
    what: Hashable
    given: str
    written: str | None  # the same number is another revision in a store that was made anew
    rewritten: int  # a past may have been redacted since


class FollowedStates:
    """Works out the states of all services, once for all who ask about the same.

    The newest revision is looked at in the live topology. What is behind it is gone through by a walk, one at a time,
    and the last ones are kept. They are apart from what answers about the past, so that nobody waits for those who
    follow. Work ends when nobody waits for it any more.
    """

    def __init__(self, topologies: Topologies) -> None:
        self._topologies = topologies
        self._store, self._model = topologies.store, topologies.model
        self._relevance = Relevance.of(self._model)
        self._work = SharedWork(KEPT)
        self._walks: list[tuple[Walk, tuple[str | None, int]]] = []
        self._idle: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()

    async def at(self, look: Look, given: str) -> States:
        """Give the states of all services by id, exactly as of a revision, whatever is written meanwhile.

        ``given`` is as in ``context_of``. Costs one run of the engine; where the revision is not the newest any more,
        a past scan too, unless a walk is near.

        Raises
        ------
        BadUsage
            The store is not at this revision yet.
        PastTooFar, JournalCompacted
        """
        states: States = await self._work.result(
            await self._key(look, look.revision, given), lambda: self._look(look, given)
        )
        return states

    async def after(self, since: Look, before: States, given: str) -> Stretch:
        """Tell what changed after a look, in order, as far as one stretch goes; ``before`` are the states there.

        Each revision that may change a state is looked at by itself. Where the time makes a difference, at the
        moment at which it was written; and now, where the newest one is reached: that alone, where no other one waits.

        Raises
        ------
        PastTooFar, JournalCompacted
        """
        now = _now() if is_timed(given) else None
        key = await self._key(("after", since, now), since.revision, given)
        stretch: Stretch = await self._work.result(key, lambda: self._stretch(since, before, given, now))
        if stretch.reached.revision == since.revision:  # there may be more the next time
            self._work.forget(key)
        return stretch

    async def close(self) -> None:
        """End all work; who waits for it is cancelled."""
        await self._work.close()
        self._let_go()

    async def _key(self, what: Hashable, revision: int, given: str) -> _Key:
        return _Key(what, given, *await self._mark(revision))

    async def _mark(self, revision: int) -> tuple[str | None, int]:
        return await self._store.written_at(revision), await self._store.rewritten()

    async def _look(self, look: Look, given: str) -> States:
        span = await self._span(look)
        live = await self._live(look.revision, given, span)
        if live is not None:
            return live
        await moment_of(self._store, str(look.revision))
        async with self._turn:
            rewritten = await self._store.rewritten()
            walk = await self._walk_to(look.revision)
            states = await walk.states(given, span)
            await self._keep(walk, rewritten)
        return states

    async def _span(self, look: Look) -> Span:
        """Give the moment of a look: its own, else when its revision was written, which is the same for all."""
        written = None if look.moment else await self._store.written_at(look.revision)
        return Span.at(look.moment or (datetime.fromisoformat(written) if written else self._topologies.asked_at()))

    async def _live(self, revision: int, given: str, span: Span) -> States | None:
        """Give the states at the newest revision, if it is this one."""
        view = await self._topologies.current()
        if view.revision != revision:
            return None
        context = await context_of(self._store, self._model, given, span)
        # only a scan waits for a commit that begins to show: then what was read is of this revision
        if (await self._store.scan(())).revision != revision:
            return None
        return await states_of(view, context)

    async def _stretch(self, since: Look, before: States, given: str, now: datetime | None) -> Stretch:
        newest = await self._store.revision()
        relevant, seen = await self._ahead(since.revision, newest)
        if not relevant and not (now and seen == newest):
            return Stretch((), Look(seen, since.moment), before)
        if len(relevant) <= 1 and seen == newest:
            look = Look(relevant[0] if relevant else newest, now)
            live = await self._live(newest, given, await self._span(look))
            if live is not None:
                return Stretch(_steps(since, look, before, live), Look(newest, look.moment), live)
        async with self._turn:
            rewritten = await self._store.rewritten()
            walk = await self._walk_to(since.revision)
            stretch = await self._walked(walk, newest, since, before, given, now)
            await self._keep(walk, rewritten)
        return stretch

    async def _ahead(self, since: int, newest: int) -> tuple[list[int], int]:
        """Find the next revisions that may change a state, two at most, and how far that was looked for."""
        found: list[int] = []
        last = min(newest, since + MOST_READ)
        while since < last and len(found) <= 1:
            revisions = await self._store.feed(since, min(_PAGE, last - since))
            if not revisions:  # the store was made anew meanwhile
                break
            for each in revisions:
                since = each.number
                if self._relevance.may_differ(each):
                    found.append(since)
        return found, since

    async def _walked(
        self, walk: Walk, newest: int, since: Look, before: States, given: str, now: datetime | None
    ) -> Stretch:  # fmt: skip
        steps, looks, last = list[Step](), 0, since.revision + MOST_READ
        while walk.revision < min(newest, last) and looks < MOST_LOOKS and _count(steps) < MOST_CHANGES:
            revision = await walk.step()
            if not self._relevance.may_differ(revision):
                continue
            looks += 1
            written = Span.at(datetime.fromisoformat(revision.written))
            look = Look(walk.revision)
            if now:  # time never goes back on the way
                look = Look(walk.revision, max(written.start, since.moment or written.start))
            after = await walk.states(given, Span.at(look.moment) if look.moment else written)
            steps += _steps(since, look, before, after)
            since, before = look, after
        reached = Look(walk.revision, since.moment)
        if now and walk.revision == newest:
            reached = Look(newest, now)
            after = await walk.states(given, Span.at(now))
            steps += _steps(since, reached, before, after)
            before = after
        return Stretch(steps, reached, before)

    async def _walk_to(self, revision: int) -> Walk:
        """Bring a walk to a revision: the nearest behind it, where that is less than to begin anew."""
        walk = await self._nearest(revision)
        if walk is None:
            return await Walk.at(self._store, self._model, revision)
        while walk.revision < revision:
            await walk.step()
        return walk

    async def _nearest(self, revision: int) -> Walk | None:
        """Take the walk that is to go on from where it is: until it is kept again, nobody else has it."""
        behind = [each for each in self._walks if each[0].revision <= revision]
        if not behind:
            return None
        nearest = max(behind, key=lambda each: each[0].revision)
        walk, mark = nearest
        self._walks.remove(nearest)
        if mark != await self._mark(walk.revision):
            return None
        steps = await self._store.count_entries(walk.revision, revision)
        anew = await self._store.count_entries(revision, await self._store.revision())
        if steps > anew + walk.size:
            self._walks.append(nearest)
            return None
        return walk

    async def _keep(self, walk: Walk, rewritten: int) -> None:
        """Keep a walk for who goes on, unless the past was redacted since it was taken up: it may know what was."""
        mark = await self._mark(walk.revision)
        if mark[1] != rewritten:
            return
        self._walks.append((walk, mark))
        del self._walks[:-WALKS]
        if self._idle:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE, self._let_go)

    def _let_go(self) -> None:
        self._walks.clear()
        if self._idle:
            self._idle.cancel()
            self._idle = None


def _steps(since: Look, look: Look, before: States, after: States) -> list[Step]:
    changes = differences(before, after)
    return [Step(since, look, changes)] if changes else []


def _count(steps: Sequence[Step]) -> int:
    return sum(len(each.changes) for each in steps)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
