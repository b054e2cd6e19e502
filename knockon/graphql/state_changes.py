"""``subscription { serviceStates }``: services that come into another state, and why."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from strawberry import ID

from knockon.cmdb.lookup import find_all
from knockon.cmdb.past.changes import MOST_UNDONE, refuse_far
from knockon.errors import BadCursor
from knockon.graphql.answers import FEW
from knockon.graphql.definitions import Weight, argument, followed, listed, maybe, plain, resolved
from knockon.graphql.events import (
    Words,
    following_of,
    one_by_one,
    place_arguments,
    place_fields,
    refuse_future,
)
from knockon.graphql.questions import ANALYSIS
from knockon.itsm.context.given import words_of
from knockon.itsm.decisions.service_states import Look, StateChange, differences, is_timed, may_differ

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.answers import AnswerTypes
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.schema.states import State

MOST_LOOKS = 10
"""Revisions that are looked at one by one, where so many came at once; what older ones did is told in one."""
TIME_EVERY = 60.0
"""Seconds between looks at a clock, where states may differ with the time alone."""
_BETWEEN = "~"


class StatePlace(NamedTuple):
    """How far somebody has been told: all up to a look, or only the first few differences from ``since`` to it."""

    look: Look
    since: Look | None = None
    told: int = 0

    def __str__(self) -> str:
        return _BETWEEN.join((str(self.since), str(self.told), str(self.look))) if self.since else str(self.look)

    @classmethod
    def read(cls, text: str) -> StatePlace:
        """Read what ``str`` wrote, or a revision number.

        Raises
        ------
        BadCursor
        """
        match text.split(_BETWEEN):
            case [look]:
                return cls(Look.read(look))
            case [since, told, look] if told.isdecimal() and told.isascii():
                place = cls(Look.read(look), Look.read(since), int(told))
                if place.since and place.since.revision <= place.look.revision:
                    return place
        raise BadCursor(f"{text!r} is no place: give a revision number, or the place of an event.")


@dataclass(frozen=True, slots=True)
class Event:
    """A service in another state, or, without one, a word on how far all was told."""

    place: StatePlace
    since: int
    change: StateChange | None = None

    @property
    def number(self) -> int:
        return self.place.look.revision

    @property
    def nothing(self) -> bool:
        return self.change is None


def service_states_field(definitions: Definitions, answers: AnswerTypes) -> StrawberryField:
    """Make the field."""

    async def resolve(
        _root: None, request: Request, given: Sequence[str], after: str | None = None,
        services: Sequence[str] | None = None, reached: bool = False,
    ) -> AsyncIterator[Event]:  # fmt: skip
        following_of(request)
        store, model = request.shared.store, request.shared.model
        kinds = words_of(",".join(map(str, given)))
        ids = None if services is None else {each.id for each in await find_all(store, model, services)}
        newest = await store.revision()
        place = StatePlace(Look(newest)) if after is None else StatePlace.read(after)
        refuse_future(place.look.revision, newest)
        first = place.since or place.look
        refuse_far(await store.count_entries(first.revision, newest), first.revision, newest, MOST_UNDONE)
        following = _Following(request, kinds)
        return one_by_one(request, following.events(await following.timed(place, newest), ids, Words(reached)))

    return followed(
        "serviceStates", maybe(_event_type(definitions, answers)), resolve,
        "Services that come into another state, from now on or after a place, each change once and in order: worst "
        "first where one revision changes several. States are those that the impact engine works out from what is "
        f"given. Each revision that may change one is looked at by itself; where more than {MOST_LOOKS} wait, what the "
        "older ones did is told in one, and since says from which revision on.",
        [
            argument("given", listed(answers.given), "What is taken to be the case.", ["open"]),
            argument("services", maybe(listed(str)), "References of the services to tell of; all, unless given."),
            *place_arguments(),
        ],
        Weight(ANALYSIS),
    )  # fmt: skip


class _Following:
    """Goes from look to look."""

    def __init__(self, request: Request, given: str) -> None:
        self._request = request
        self._given = given
        self._timed = is_timed(given)

    async def timed(self, place: StatePlace, newest: int) -> StatePlace:
        """Give a place with the moments that make a difference."""
        since = place.since and await self._look(place.since, newest)
        return StatePlace(await self._look(place.look, newest), since, place.told)

    async def events(self, place: StatePlace, ids: set[str] | None, words: Words) -> AsyncGenerator[Event]:
        following, store = following_of(self._request), self._request.shared.store
        if words.due():
            yield Event(place, place.look.revision)
        since, again = place.since or place.look, place.look if place.since else None
        before = await following.states.at(since, self._given)
        while True:
            newest = await store.revision()
            refuse_future(since.revision, newest)
            told = 0
            if again:  # what was cut short when it was told
                looks, told, again = [again], place.told, None
                seen = looks[0].revision
            else:
                looks, seen = await self._looks(since, newest)
            for look in looks:
                after = await following.states.at(look, self._given)
                found = differences(before, after)
                for number, change in enumerate(found[told:], told + 1):
                    if ids is None or change.service.id in ids:
                        here = StatePlace(look, since, number) if number < len(found) else StatePlace(look)
                        yield Event(here, since.revision, change)
                since, before, told = look, after, 0
            since = Look(seen, since.moment)  # nothing differs since the last look
            if words.due():
                yield Event(StatePlace(since), since.revision)
            if since.revision >= newest:
                await following.news.other(since.revision, TIME_EVERY if self._timed else None)

    async def _looks(self, since: Look, newest: int) -> tuple[list[Look], int]:
        """Choose what to look at after a look, where states may differ; and tell up to which revision that is all."""
        store, model = self._request.shared.store, self._request.shared.model
        found: deque[int] = deque(maxlen=MOST_LOOKS)
        seen = since.revision
        while seen < newest:
            revisions = await store.feed(seen, 1)
            if not revisions:
                break
            seen = revisions[0].number
            if may_differ(model, revisions[0]):
                found.append(seen)
        looks = [await self._look(Look(each), newest) for each in found]
        if self._timed and not (looks and looks[-1].revision == newest):
            looks.append(await self._look(Look(seen), newest))
        return looks, seen

    async def _look(self, look: Look, newest: int) -> Look:
        """Give a look its moment: now for the newest revision, else when its revision was written."""
        if not self._timed:
            return Look(look.revision)
        if look.moment:
            return look
        written = None if look.revision == newest else await self._request.shared.store.written_at(look.revision)
        moment = datetime.fromisoformat(written) if written else datetime.now(UTC)
        return Look(look.revision, moment.replace(microsecond=0))


def _word(state: State | None) -> str | None:
    return None if state is None else state.name


def _event_type(definitions: Definitions, answers: AnswerTypes) -> type:
    def of(read: Callable[[StateChange], Any]) -> Callable[[Event], Any]:
        return lambda event: read(event.change) if event.change else None

    async def service(event: Event, request: Request) -> Entity | None:
        id_ = event.change and event.change.service.id
        return (await request.store.entities([id_])).get(id_) if id_ else None

    thing = definitions.object(
        "NamedThing",
        "A thing, as it was called then.",
        plain("id", ID, lambda ci: ci.id, "Its id."),
        plain("class", str, lambda ci: ci.class_name, "Its class."),
        plain("name", str, lambda ci: ci.name, "Its name."),
    )
    return definitions.object(
        "ServiceStateChange",
        "A service in another state than before. What an event says is as of its revision, but for service.",
        *place_fields(),
        plain("since", int, lambda event: event.since, "The revision that before is of."),
        plain("id", maybe(ID), of(lambda each: each.service.id), "The service's id."),
        plain("class", maybe(str), of(lambda each: each.service.class_name), "Its class."),
        plain("name", maybe(str), of(lambda each: each.service.name), "Its name."),
        plain(
            "before", maybe(answers.state), of(lambda each: _word(each.before)),
            "How it served; null where it was not there.",
        ),
        plain(
            "after", maybe(answers.state), of(lambda each: _word(each.after)),
            "How it serves; null where it is gone.",
        ),
        plain("because", maybe(str), of(lambda each: each.because), "Why."),
        plain(
            "cause", maybe(thing), of(lambda each: each.cause),
            "What failed by itself, where the way to it ends; of a service that serves again, what had failed.",
        ),
        plain("records", listed(thing), lambda e: e.change.records if e.change else (), "What says so.", many=FEW),
        resolved(
            "service", maybe(answers.service), service, "The service as it is when this is told; null if it is gone."
        ),
    )  # fmt: skip
