"""What happened to a thing: who changed what of it, when and from which source, out of the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from knockon.cmdb.past.changes import living

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from knockon.cmdb.contract.rows import Entity, JournalEntry, Revision
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

Change = Literal["created", "changed", "retired", "merged"]


@dataclass(frozen=True, slots=True)
class Altered:
    """One value that changed; ``name`` is an attribute, or ``class``. None where there was or is no value."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Happening:
    """One change of a thing, or of a relationship of it.

    ``relationship`` is the type as it reads from the thing, ``other`` the entity at its other end, as it is called
    today (None where it is not known); both are None where the thing itself changed. ``id`` is what changed: one of
    the thing's ids, or the other end's. ``of`` are the classes that the thing had before and after, or the type of the
    relationship: whose attributes ``altered`` are.
    """

    change: Change
    id: str
    relationship: str | None
    other: Entity | None
    altered: tuple[Altered, ...]
    of: frozenset[str]


@dataclass(frozen=True, slots=True)
class Event:
    """What one revision did to a thing; ``revision`` has who, when and from which source."""

    revision: Revision
    changes: tuple[Happening, ...]


async def histories(
    store: Store, model: Model, ids: Collection[str], *, since: int = 0, before: int | None = None, limit: int
) -> dict[str, list[Event]]:
    """Tell of each id the newest ``limit`` events between two revisions, newest first.

    An event is a revision that changed the thing or a relationship of it, whichever of its ids it had then. Three
    reads of the store, whatever is asked.
    """
    revisions = await store.history(ids, since=since, before=before, limit=limit)
    own = await store.aliases(ids)
    entries = {id_: [entry for each in found for entry in each.entries] for id_, found in revisions.items()}
    ends = {end for id_, told in entries.items() for entry in told for end in entry.things if end not in own[id_]}
    others = await store.known(ends) if ends else {}
    return {
        id_: [Event(each, tuple(_happenings(model, each.entries, own[id_], others))) for each in found]
        for id_, found in revisions.items()
    }


def _happenings(
    model: Model, entries: Iterable[JournalEntry], own: AbstractSet[str], others: Mapping[str, Entity]
) -> Iterable[Happening]:
    for entry in entries:
        before, after = living(entry.before), living(entry.after)
        if before is None and after is None:
            continue
        change: Change = "created" if before is None else "retired" if after is None else "changed"
        found = () if after is None else tuple(altered(before or {}, after))
        if entry.kind == "entity":
            if after is None and (entry.after or {}).get("merged_into"):
                change = "merged"  # another id of this thing; what it stood for is this now
            of = frozenset(each["class"] for each in (before, after) if each is not None)
            yield Happening(change, entry.id, None, None, found, of)
        else:
            image = after or before or {}
            outgoing = image["from"] in own
            other = image["to"] if outgoing else image["from"]
            yield Happening(
                change,
                other,
                _spoken(model, image["type"], outgoing),
                others.get(other),
                found,
                frozenset({image["type"]}),
            )


def altered(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Altered]:
    """Tell what differs between two images; a name that is an attribute too is told once."""
    if before.get("class") != after.get("class"):
        yield Altered("class", before.get("class"), after.get("class"))
    was, now = before.get("attributes", {}), after["attributes"]
    names = before.get("name"), after.get("name")
    if names[0] != names[1] and was.get("name") == now.get("name"):
        yield Altered("name", *names)
    for name in sorted({*was, *now}):
        if was.get(name) != now.get(name):
            yield Altered(name, was.get(name), now.get(name))


def _spoken(model: Model, type_name: str, outgoing: bool) -> str:
    """Name a relationship as it reads from the thing; the model may have lost the type since."""
    kind = model.relationships.get(type_name)
    return type_name if outgoing or kind is None else kind.inverse


def event_json(event: Event) -> dict[str, Any]:
    """Give the ``--json`` form of an event."""
    reason = reason_of(event.revision)
    return {
        **_head_json(event.revision),
        "reason": reason,
        "changes": [_happening_json(each) for each in event.changes],
    }


def revision_json(revision: Revision) -> dict[str, Any]:
    """Give a whole revision as a line of the change feed: of each thing and relationship the images before and after.

    An image is None where there was or is nothing, or something retired; ``change`` says which it is.
    """
    changes = []
    for entry in revision.entries:
        before, after = living(entry.before), living(entry.after)
        change = "created" if before is None else "retired" if after is None else "changed"
        changes.append({"change": change, **_named(entry), "before": _image(before), "after": _image(after)})
    return {**_head_json(revision), "note": revision.head.note, "changes": changes}


def _head_json(revision: Revision) -> dict[str, Any]:
    head = revision.head
    return {
        "revision": revision.number,
        "at": revision.written,
        "actor": head.actor,
        "kind": head.kind,
        "source": head.source,
    }


def reason_of(revision: Revision) -> str | None:
    """Give why somebody wrote a revision, in that one's words; None where nobody said."""
    reason = revision.head.note.get("reason")
    return reason if isinstance(reason, str) and reason else None


def _named(entry: JournalEntry) -> dict[str, Any]:
    if entry.kind == "entity":
        return {"kind": "entity", "id": entry.id}
    type_name, source, target, group = entry.id.split(" ", 3)
    return {"kind": "relationship", "from": source, "type": type_name, "to": target, "redundancy_group": group or None}


def _image(image: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return (
        None
        if image is None
        else {name: value for name, value in image.items() if name in ("class", "name", "attributes")}
    )


def _happening_json(change: Happening) -> dict[str, Any]:
    other = change.other
    related: dict[str, Any] = {}
    if change.relationship:
        related["relationship"] = change.relationship
        related["other"] = {
            "id": change.id, "class": other.class_name if other else None, "name": other.name if other else None,
        }  # fmt: skip
    else:
        related["id"] = change.id
    attributes = [{"name": each.name, "before": each.before, "after": each.after} for each in change.altered]
    return {"change": change.change, **related, "attributes": attributes}
