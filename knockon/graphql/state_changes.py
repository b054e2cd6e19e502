"""``subscription { serviceStates }``: services that come into another state, and why."""

from __future__ import annotations

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
from knockon.itsm.decisions.following_states import Step
from knockon.itsm.decisions.service_states import Look, StateChange, differences, is_timed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Entity
    from knockon.graphql.answers import AnswerTypes
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.schema.states import State

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
        return one_by_one(request, _events(request, kinds, place, ids, Words(reached)))

    return followed(
        "serviceStates", maybe(_event_type(definitions, answers)), resolve,
        "Services that come into another state, from now on or after a place, each change once and in order: worst "
        "first where one revision changes several. States are those that the impact engine works out from what is "
        "given. Each revision that may change one is looked at by itself, however many wait. With window or "
        "maintenance the time may change one too: that is looked at every minute.",
        [
            argument("given", listed(answers.given), "What is taken to be the case.", ["open"]),
            argument("services", maybe(listed(str)), "References of the services to tell of; all, unless given."),
            *place_arguments(),
        ],
        Weight(ANALYSIS),
    )  # fmt: skip


async def _events(
    request: Request, given: str, place: StatePlace, ids: set[str] | None, words: Words
) -> AsyncGenerator[Event]:
    """Go from look to look."""
    following, store, timed = following_of(request), request.shared.store, is_timed(given)
    if timed:
        place = await _at_their_moments(request, place)
    if words.due():
        yield Event(place, place.look.revision)
    states = await following.states.at(place.since or place.look, given)
    steps: Sequence[Step] = ()
    since, told = place.look, place.told
    if place.since:  # it was cut short when it was told
        before, states = states, await following.states.at(place.look, given)
        steps = [Step(place.since, place.look, differences(before, states))]
    while True:
        for step in steps:
            for number, change in enumerate(step.changes[told:], told + 1):
                if ids is None or change.service.id in ids:
                    cut = number < len(step.changes)
                    here = StatePlace(step.look, step.since, number) if cut else StatePlace(step.look)
                    yield Event(here, step.since.revision, change)
            told = 0
        if words.due():
            yield Event(StatePlace(since), since.revision)
        newest = await store.revision()
        refuse_future(since.revision, newest)
        if since.revision >= newest:
            await following.news.other(since.revision, TIME_EVERY if timed else None)
        steps, since, states = await following.states.after(since, states, given)


async def _at_their_moments(request: Request, place: StatePlace) -> StatePlace:
    """Give a place with the moments that make a difference: now for the newest revision, else when it was written."""
    store = request.shared.store
    newest = await store.revision()

    async def look(at: Look) -> Look:
        if at.moment:
            return at
        written = None if at.revision == newest else await store.written_at(at.revision)
        moment = datetime.fromisoformat(written) if written else datetime.now(UTC)
        return Look(at.revision, moment.replace(microsecond=0))

    return StatePlace(await look(place.look), place.since and await look(place.since), place.told)


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
