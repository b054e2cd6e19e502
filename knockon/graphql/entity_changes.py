"""``subscription { entityChanges }``: what becomes of things, out of the journal, in its order and each once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strawberry import ID
from strawberry.scalars import JSON

from knockon.cmdb.past.following import EntityChange, Place, entity_changes
from knockon.cmdb.past.history import altered
from knockon.cmdb.past.matching import test_of
from knockon.errors import BadFilter
from knockon.graphql.definitions import Weight, argument, followed, input_field, listed, maybe, plain, resolved, sighted
from knockon.graphql.events import (
    Words,
    following_of,
    one_by_one,
    place_arguments,
    place_fields,
    refuse_future,
)
from knockon.graphql.history import SOME, Unseen
from knockon.graphql.scalars import pascal_to_camel
from knockon.graphql.types import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping

    from strawberry.types.field import StrawberryField

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.past.history import Altered
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.filters import Filters
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes
    from knockon.schema.model import Model

    Fits = Callable[[Entity | None], bool]

_WHERE = (
    "A thing is told of if it fulfilled this before the change, or fulfils it after: one that comes to fulfil it, and "
    "one that ceases to, are told of once more, and matchedBefore and matchesAfter say which it is. What a thing is "
    "related to cannot be asked here."
)


@dataclass(frozen=True, slots=True)
class Event:
    """A change of a thing, or, without one, a word on how far all was told."""

    place: Place
    number: int
    change: EntityChange | None = None
    matched_before: bool = False
    matches_after: bool = False

    @property
    def nothing(self) -> bool:
        return self.change is None


def entity_changes_field(
    definitions: Definitions, model: Model, nodes: NodeTypes, filters: Filters, value: GraphQLType
) -> StrawberryField:
    """Make the field; ``value`` is the type of a value that changed."""
    classes = {pascal_to_camel(each.plural): name for name, each in model.classes.items()}
    chosen = definitions.input(
        "EntityChangesOf",
        f"Things of these classes or below that fulfil what is said of each; {{}} is all of a class. {_WHERE}",
        *(
            input_field(field, maybe(filters.of(name)), f"Things of class {name} or below that fulfil this.")
            for field, name in sorted(classes.items())
        ),
    )

    async def resolve(
        _root: None, request: Request, of: Mapping[str, Any] | None = None, after: str | None = None,
        reached: bool = False,
    ) -> AsyncIterator[Event]:  # fmt: skip
        following_of(request)
        fits = _fits(model, filters, {classes[field]: where for field, where in (of or {}).items()}, request.sight)
        newest = await request.shared.store.revision()
        place = Place(newest) if after is None else Place.read(after)
        refuse_future(place.revision, newest)
        await request.shared.store.count_entries(place.whole, newest)  # refuses what the journal does not keep
        return one_by_one(request, _events(request, fits, place, Words(reached)))

    return followed(
        "entityChanges", maybe(_event_type(definitions, nodes, value)), resolve,
        "What becomes of things, from now on or after a place: each change of each thing once, in the order of the "
        "journal. Relationships are not things; history has their changes.",
        [argument("of", maybe(chosen), "Which things; all, unless given."), *place_arguments()],
        Weight(),
    )  # fmt: skip


async def _events(request: Request, fits: Fits, place: Place, words: Words) -> AsyncGenerator[Event]:
    """Read the journal revision by revision: one of them is at hand, however slowly its events are taken."""
    store, following = request.shared.store, following_of(request)
    if words.due():
        yield Event(place, place.revision)
    seen, told = place.whole, place.told or 0
    while True:
        for revision in await store.feed(seen, 1):
            for change in entity_changes(revision):
                if change.number <= told:
                    continue
                before, after = fits(change.was()), fits(change.became())
                if before or after:
                    yield Event(change.place, revision.number, change, before, after)
            seen, told = revision.number, 0
            break
        else:
            if words.due():
                yield Event(Place(seen), seen)
            newest = await following.news.other(seen)
            refuse_future(seen, newest)


def _fits(model: Model, filters: Filters, chosen: Mapping[str, Mapping[str, Any] | None], sight: Sight) -> Fits:
    """Give the test whether a thing is one of those that were asked for."""
    if not chosen:
        return lambda thing: thing is not None
    tests: dict[str, list[Callable[[Entity], bool]]] = {}
    for class_name, where in chosen.items():
        _refuse_related(where)
        test = test_of(filters.condition(class_name, dict(where or {}), sight), _nobody)
        for each in model.concrete(class_name):
            tests.setdefault(each, []).append(test)
    return lambda thing: thing is not None and any(test(thing) for test in tests.get(thing.class_name, ()))


def _refuse_related(where: Any) -> None:
    if isinstance(where, list):
        for each in where:
            _refuse_related(each)
    elif isinstance(where, dict):
        if where.get("related") is not None:
            raise BadFilter("related cannot be asked of changes: a change has the thing, and not what is around it.")
        for key in ("and", "or", "not"):
            _refuse_related(where.get(key))


def _nobody(*_: Any) -> tuple[()]:
    return ()


def _event_type(definitions: Definitions, nodes: NodeTypes, value: GraphQLType) -> type:
    def of(read: Callable[[EntityChange], Any]) -> Callable[[Event], Any]:
        return lambda event: read(event.change) if event.change else None

    def image(which: str) -> Callable[[Event, Sight], Any]:
        def see(event: Event, sight: Sight) -> Any:
            found = event.change and getattr(event.change, which)
            return found and sight.shown(found["class"], found["attributes"])

        return see

    def values(event: Event, sight: Sight) -> list[Altered | Unseen]:
        change = event.change
        if change is None or change.after is None:
            return []
        images = [each["class"] for each in (change.before, change.after) if each]
        return [
            Unseen(each.name) if each.name != "class" and any(sight.hides(name, each.name) for name in images) else each
            for each in altered(change.before or {}, change.after)
        ]

    async def node(event: Event, request: Request) -> Entity | None:
        if event.change is None:
            return None
        return (await request.store.entities([event.change.id])).get(event.change.id)

    return definitions.object(
        "EntityChange",
        "What one revision did to one thing. What an event says is as of its revision, but for entity.",
        *place_fields(),
        plain("at", maybe(str), of(lambda each: each.revision.written), "When it was written, in UTC."),
        plain("actor", maybe(str), of(lambda each: each.revision.head.actor), "Who did it."),
        plain("kind", maybe(str), of(lambda each: each.revision.head.kind), "What it was part of: load, run, ..."),
        plain("source", maybe(str), of(lambda each: each.revision.head.source), "From which source."),
        plain(
            "change", maybe(str), of(lambda each: each.change),
            "created, changed, retired, or merged: into another thing.",
        ),
        plain("id", maybe(ID), of(lambda each: each.id), "The thing's id."),
        plain("class", maybe(str), of(lambda each: each.image["class"]), "Its class; of what is gone, the last one."),
        plain("name", maybe(str), of(lambda each: each.image["name"]), "Its name; of what is gone, the last one."),
        plain("mergedInto", maybe(ID), of(lambda each: each.merged_into), "The id of what it is part of since."),
        plain("matchedBefore", bool, lambda each: each.matched_before, "It was one of those asked for."),
        plain(
            "matchesAfter", bool, lambda each: each.matches_after,
            "It is one of those asked for; not so of what was retired, or ceased to fulfil what was asked.",
        ),
        sighted("values", listed(value), values, "What changed of it; empty where it is gone.", many=SOME),
        sighted("before", maybe(JSON), image("before"), "Its attributes before; null where redacted, or not there."),
        sighted("after", maybe(JSON), image("after"), "Its attributes after; null where redacted, or not there."),
        resolved("entity", maybe(nodes.of(ROOT)), node, "The thing as it is when this is told; null if it is gone."),
    )  # fmt: skip
