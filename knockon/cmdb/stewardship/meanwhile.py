"""What became of a thing since a person looked at it, as far as it matters to what the person writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.cmdb.past.changes import living
from knockon.cmdb.past.history import altered
from knockon.errors import EditConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from knockon.cmdb.contract.rows import Entity, Revision
    from knockon.cmdb.contract.store import Store

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """One value that changed meanwhile: who changed it last, and when."""

    attribute: str
    before: Any
    after: Any
    by: str
    at: str
    revision: int

    def __str__(self) -> str:
        was, now = ("nothing" if each is None else repr(each) for each in (self.before, self.after))
        return f"{self.attribute}: {was} -> {now} (by {self.by} at {self.at}, revision {self.revision})"


async def refuse_changed(
    store: Store, entity: Entity, expected: int | None, wanted: Mapping[str, Any] | Collection[str] | None
) -> None:
    """Refuse an edit of what changed after a revision. Called in the write transaction, when nobody else can write.

    ``wanted`` are the attributes that the edit is about; None: all. What was changed and changed back, or to what the
    edit says itself, is no conflict. A retired thing always is one. Costs a read of the thing's own journal since then.

    Raises
    ------
    EditConflict
    JournalCompacted
        What changed since then is not known any more.
    """
    if entity.retired:
        raise EditConflict(f"{entity.class_name}:{entity.name} was retired meanwhile; nothing is written.")
    if expected is None or entity.revision <= expected:
        return
    said = dict(wanted) if isinstance(wanted, dict) else {}
    found = [
        each
        for each in await _since(store, entity, expected)
        if (wanted is None or each.attribute in wanted or each.attribute == "class")
        and not (each.attribute in said and said[each.attribute] == each.after)
    ]
    if found:
        raise EditConflict(
            f"{entity.class_name}:{entity.name} has changed since revision {expected}, and nothing is written: "
            f"{'; '.join(map(str, found))}. Look at it again, and repeat what is still right.",
            tuple(found),
        )


async def _since(store: Store, entity: Entity, expected: int) -> list[Meanwhile]:
    revisions: list[Revision] = []
    before: int | None = None
    while page := (await store.history([entity.id], since=expected, before=before, limit=_PAGE))[entity.id]:
        revisions += page
        before = page[-1].number
        if len(page) < _PAGE:
            break
    first: dict[str, Any] = {}
    last: dict[str, Meanwhile] = {}
    for revision in reversed(revisions):
        for entry in revision.entries:
            if entry.kind != "entity" or entry.id != entity.id:
                continue
            for each in altered(living(entry.before) or {}, living(entry.after) or {"attributes": {}}):
                was = first.setdefault(each.name, each.before)
                by = revision.head.actor
                last[each.name] = Meanwhile(each.name, was, each.after, by, revision.written, revision.number)
    return [each for _, each in sorted(last.items()) if each.before != each.after]
