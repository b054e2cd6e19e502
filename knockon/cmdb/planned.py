"""What a run would change: the plan of a dry run, out of the journal entries that it would have written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from knockon.cmdb.access import AccessScope
from knockon.cmdb.contract.rows import SEPARATOR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import Entity, JournalEntry

Change = Literal["create", "update", "retire"]
Image = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Planned:
    """One change that a load would make; ``before`` and ``after`` are None where there is nothing."""

    change: Change
    kind: Literal["entity", "edge"]
    id: str
    what: str
    before: Image | None
    after: Image | None


def plan(entries: Iterable[JournalEntry], things: Mapping[str, Entity]) -> list[Planned]:
    """Give the net changes of a run of journal entries: retirements first, then creations, updates, by name.

    ``things`` are the entities that they are about and those at the ends of relationships, by id, as they are after
    it. Of several of one class and name that are among them each is told by its ``source:key`` too.
    """
    first: dict[tuple[str, str], JournalEntry] = {}
    last: dict[tuple[str, str], JournalEntry] = {}
    for entry in entries:
        first.setdefault((entry.kind, entry.id), entry)
        last[entry.kind, entry.id] = entry
    names = _names(last, first, things)
    found = []
    for key, entry in last.items():
        before, after = _living(first[key].before), _living(entry.after)
        if before != after:
            change: Change = "create" if before is None else "retire" if after is None else "update"
            what = _words(after or before or {}, entry, names)
            found.append(Planned(change, entry.kind, entry.id, what, before, after))
    rank = {"retire": 0, "create": 1, "update": 2}
    return sorted(found, key=lambda each: (rank[each.change], each.kind == "edge", each.what, each.id))


def seen_by(planned: Planned, sight: Sight) -> Planned:
    """Leave out of a change what somebody may not read: all that is there, or what is sensitive of it."""
    if not sight.principal.may(AccessScope.VIEWER):
        return replace(planned, before=None, after=None)
    before, after = (
        each and {**each, "attributes": sight.shown(each.get("class") or each["type"], each["attributes"])}
        for each in (planned.before, planned.after)
    )
    return replace(planned, before=before, after=after)


def _living(image: Mapping[str, Any] | None) -> Image | None:
    return dict(image) if image and not image.get("retired") else None


def _names(
    last: Mapping[tuple[str, str], JournalEntry],
    first: Mapping[tuple[str, str], JournalEntry],
    things: Mapping[str, Entity],
) -> dict[str, str]:
    """Say what people call each thing, by id."""
    names = {id_: f"{each.class_name}:{each.name}" for id_, each in things.items()}
    for key, entry in last.items():
        image = entry.after or first[key].before
        if entry.kind == "entity" and image:  # what was joined to another thing is told by its own name
            names[entry.id] = f"{image['class']}:{image['name']}"
    holders = Counter(names.values())
    own = {id_: each.order.rpartition(SEPARATOR)[2] for id_, each in things.items() if each.id == id_}
    return {id_: f"{name} ({own[id_]})" if holders[name] > 1 and id_ in own else name for id_, name in names.items()}


def _words(image: Image, entry: JournalEntry, names: Mapping[str, str]) -> str:
    if entry.kind == "entity":
        return names[entry.id]
    return f"{names.get(image['from'], image['from'])} {image['type']} {names.get(image['to'], image['to'])}"
