"""``history`` on every thing: who changed what of it and of its relationships."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from strawberry import ID
from strawberry.scalars import JSON

from knockon.cmdb.past.history import histories, reason_of
from knockon.errors import BadUsage
from knockon.graphql.definitions import Weight, argument, listed, maybe, plain, resolved, sighted
from knockon.graphql.types import ROOT

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.past.history import Altered, Event, Happening
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes

FIRST = 20
MOST = 100
"""Revisions of one thing in one answer: each of them may have to be read as a whole."""
SOME = 3
"""Changes of a revision, and values of a change, to expect."""


def history_field(definitions: Definitions, nodes: NodeTypes, value: type) -> StrawberryField:
    """Make the field that stands on every thing; ``value`` is the type of a value that changed."""

    async def resolve(entity: Entity, request: Request, first: int, before: int | None = None) -> list[Event]:
        if not 0 <= first <= MOST:
            raise BadUsage(f"first is {first}; it may be 0 to {MOST}. Read on with before.")
        told = await histories(request.store, request.topologies.model, [entity.id], before=before, limit=first)
        return told[entity.id]

    return resolved(
        "history", maybe(listed(_event_type(definitions, nodes, value))), resolve,
        "Who changed it or a relationship of it, newest first; ids that were merged into it are part of it.",
        [
            argument("first", int, f"How many revisions, at most {MOST}.", FIRST),
            argument("before", maybe(int), "Only what was written before this revision: the last one of a page."),
        ],
        Weight(paged=True),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unseen:
    """A value that changed, and that the caller may not read."""

    name: str
    before: None = None
    after: None = None


def _altered(change: Happening, sight: Sight) -> list[Altered | Unseen]:
    return [
        Unseen(each.name) if each.name != "class" and any(sight.hides(of, each.name) for of in change.of) else each
        for each in change.altered
    ]


def value_type(definitions: Definitions) -> type:
    """Declare the type of a value that changed."""
    return definitions.object(
        "HistoryValue",
        "A value that changed.",
        plain("name", str, lambda each: each.name, "The attribute, by its name in files; or class."),
        plain("before", maybe(JSON), lambda each: each.before, "What it was; null where there was none, or redacted."),
        plain(
            "after", maybe(JSON), lambda each: each.after, "What it is since; null where there is none, or redacted."
        ),
        plain("redacted", bool, lambda each: isinstance(each, Unseen), "You may not read what it was and is."),
    )


def _event_type(definitions: Definitions, nodes: NodeTypes, value: type) -> type:
    async def node(change: Happening, request: Request) -> Entity | None:
        return (await request.store.entities([change.id])).get(change.id)

    def called(read: Any) -> Any:
        return lambda change: None if change.other is None else read(change.other)

    change = definitions.object(
        "HistoryChange",
        "A change of the thing, or of a relationship of it.",
        plain(
            "change",
            str,
            lambda each: each.change,
            "created, changed, retired, or merged: another thing into this one.",
        ),
        plain("relationship", maybe(str), lambda each: each.relationship, "As it reads from the thing; null: itself."),
        plain("id", ID, lambda each: each.id, "Of the relationship's other end; else the id that the thing had then."),
        plain("class", maybe(str), called(lambda other: other.class_name), "The other end's class."),
        plain("name", maybe(str), called(lambda other: other.name), "The other end's name today."),
        resolved("node", maybe(nodes.of(ROOT)), node, "What has this id; null if it was retired."),
        sighted("attributes", listed(value), _altered, "What changed of it.", many=SOME),
    )
    return definitions.object(
        "HistoryEvent",
        "What one revision did to a thing.",
        plain("revision", int, lambda each: each.revision.number, "Its number."),
        plain("at", str, lambda each: each.revision.written, "When it was written, in UTC."),
        plain("actor", str, lambda each: each.revision.head.actor, "Who did it."),
        plain("kind", str, lambda each: each.revision.head.kind, "What it was part of: load, run, ..."),
        plain("source", str, lambda each: each.revision.head.source, "From which source."),
        plain("reason", maybe(str), lambda each: reason_of(each.revision), "Why, in the words of who did it."),
        plain("changes", listed(change), lambda each: each.changes, "What it changed.", many=SOME),
    )
