"""What a run would change: the plan of a dry run, out of the journal entries that it would have written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.cmdb.contract.rows import JournalEntry

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


def plan(entries: Iterable[JournalEntry], names: Mapping[str, str]) -> list[Planned]:
    """Give the net changes of a run of journal entries: retirements first, then creations, updates, by name.

    ``names`` says what people call each entity, by id.
    """
    first: dict[tuple[str, str], JournalEntry] = {}
    last: dict[tuple[str, str], JournalEntry] = {}
    for entry in entries:
        first.setdefault((entry.kind, entry.id), entry)
        last[entry.kind, entry.id] = entry
    found = []
    for key, entry in last.items():
        before, after = _living(first[key].before), _living(entry.after)
        if before != after:
            change: Change = "create" if before is None else "retire" if after is None else "update"
            what = _words(after or before or {}, entry, names)
            found.append(Planned(change, entry.kind, entry.id, what, before, after))
    rank = {"retire": 0, "create": 1, "update": 2}
    return sorted(found, key=lambda each: (rank[each.change], each.kind == "edge", each.what, each.id))


def _living(image: Mapping[str, Any] | None) -> Image | None:
    return dict(image) if image and not image.get("retired") else None


def _words(image: Image, entry: JournalEntry, names: Mapping[str, str]) -> str:
    if entry.kind == "entity":
        return f"{image['class']}:{image['name']}"
    return f"{names.get(image['from'], image['from'])} {image['type']} {names.get(image['to'], image['to'])}"
