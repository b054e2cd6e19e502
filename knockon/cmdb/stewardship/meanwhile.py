"""What became of a thing or a relationship since a person looked, as far as it matters to what the person writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.cmdb.past.changes import living
from knockon.cmdb.past.history import altered
from knockon.errors import BadUsage, EditConflict
from knockon.schema.wording import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import EdgeKey, Entity, Revision
    from knockon.cmdb.contract.store import Store

_PAGE = 500
_ITSELF, _THERE = "the relationship", "there"
"""What is told where a relationship came or went; no attribute has a space in its name."""
NO_ATTRIBUTES = frozenset({"class", _ITSELF})
"""What may be told as changed and is no attribute, so that nothing of it is sensitive."""


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
        was, now = (
            "nothing" if each is None else repr(each) if isinstance(each, str) else shown(each)
            for each in (self.before, self.after)
        )
        return f"{self.attribute}: {was} -> {now} (by {self.by} at {self.at}, revision {self.revision})"


async def refuse_changed(
    store: Store, entity: Entity, expected: int | None, wanted: Mapping[str, Any] | Collection[str] | None
) -> None:
    """Refuse an edit of what changed after a revision. Called in the write transaction, when nobody else can write.

    ``wanted`` are the attributes that the edit is about; None: all. What was changed and changed back, or to what the
    edit says itself, is no conflict. A retired thing always is one. Costs a read of the thing's own journal since then.

    Raises
    ------
    BadUsage
        There is no such revision yet.
    EditConflict
    JournalCompacted
        What changed since then is not known any more.
    """
    if entity.retired:
        raise EditConflict(f"{entity.class_name}:{entity.name} was retired meanwhile; nothing is written.")
    await _refuse_future(store, expected)
    if expected is None or entity.revision <= expected:
        return
    said = dict(wanted) if isinstance(wanted, dict) else {}
    found = [
        each
        for each in _net(await _since(store, entity.id, expected), "entity", entity.id)
        if (wanted is None or each.attribute in wanted or each.attribute == "class")
        and not (each.attribute in said and said[each.attribute] == each.after)
    ]
    if found:
        raise _conflict(f"{entity.class_name}:{entity.name}", entity.class_name, expected, found)


async def refuse_things_changed(store: Store, things: Collection[Entity], expected: int | None) -> None:
    """Refuse a decision about things of which one is not what it was at a revision. Called in the write transaction.

    Any attribute or the class of one changed, it came into being, was retired, or took up another thing. Costs a read
    of the journal of each that changed since then, and of each that it ever took up.

    Raises
    ------
    BadUsage
        There is no such revision yet.
    EditConflict
    JournalCompacted
        What changed since then is not known any more.
    """
    await _refuse_future(store, expected)
    if expected is None or not things:
        return
    own = await store.aliases([each.id for each in things])
    for entity in sorted(things, key=lambda each: each.order):
        if entity.retired and entity.revision <= expected:
            continue  # it was so when the person looked
        await refuse_changed(store, entity, expected, None)
        for other in sorted(own[entity.id] - {entity.id}):
            since = await _since(store, other, expected)
            if any(entry.kind == "entity" and entry.id == other for each in since for entry in each.entries):
                raise EditConflict(
                    f"{entity.class_name}:{entity.name} has become one with another thing since revision {expected}, "
                    "and nothing is written. Look at it again, and repeat it if it is still right."
                )


def refuse_returned(entity: Entity, expected: int | None) -> None:
    """Refuse to restore what is not retired, or was retired again after a revision.

    Raises
    ------
    EditConflict
    """
    what = f"{entity.class_name}:{entity.name}"
    if expected is not None and expected < 0:
        raise BadUsage(f"There is no revision {expected}: say at which one you looked.")
    if not entity.retired:
        raise EditConflict(f"{what} is not retired: there is nothing to restore.")
    if expected is not None and entity.revision > expected:
        raise EditConflict(
            f"{what} was retired at revision {entity.revision}, after revision {expected}, and nothing is written. "
            "Look at it again, and repeat it as of that revision if it is still right."
        )


async def refuse_edge_changed(
    store: Store, edge: EdgeKey, words: str, expected: int | None, wanted: Mapping[str, Any] | None
) -> None:
    """Refuse an edit of a relationship that changed after a revision. Called in the write transaction.

    A word on a relationship is about all its attributes: those that it does not give have no value. So any attribute
    that changed, other than to what ``wanted`` says, is a conflict; and that somebody took the relationship away.
    Without ``wanted``, which is to take it away, any change is one. ``words`` names it. Costs a read of the journal of
    the thing at which it begins, since then.

    Raises
    ------
    BadUsage
        There is no such revision yet.
    EditConflict
    JournalCompacted
        What changed since then is not known any more.
    """
    if expected is None:
        return
    await _refuse_future(store, expected)
    said = None if wanted is None else {**wanted, _ITSELF: _THERE}
    changed = _net(await _since(store, edge.source_id, expected), "edge", " ".join(edge))
    if found := [each for each in changed if said is None or said.get(each.attribute) != each.after]:
        raise _conflict(words, edge.type_name, expected, found)


async def _refuse_future(store: Store, expected: int | None) -> None:
    """Refuse a revision that nobody can have looked at: a later one would let every edit through."""
    if expected is not None and expected < 0:
        raise BadUsage(f"There is no revision {expected}: say at which one you looked.")
    if expected is not None and expected > (newest := await store.revision()):
        raise BadUsage(f"Revision {expected} is not there yet, the newest is {newest}; say at which one you looked.")


def _conflict(what: str, owner: str, expected: int, found: Sequence[Meanwhile]) -> EditConflict:
    newest = max(each.revision for each in found)
    return EditConflict(
        f"{what} has changed since revision {expected}, and nothing is written: {'; '.join(map(str, found))}. Look at "
        f"it again, and repeat what is still right, as of the revision at which you looked then: --expect {newest}, or "
        "newer.",
        tuple(found),
        owner,
    )


async def _since(store: Store, id_: str, expected: int) -> list[Revision]:
    """Read what happened to a thing and its relationships, oldest first."""
    revisions: list[Revision] = []
    before: int | None = None
    while page := (await store.history([id_], since=expected, before=before, limit=_PAGE))[id_]:
        revisions += page
        before = page[-1].number
        if len(page) < _PAGE:
            break
    return revisions[::-1]


def _net(revisions: Iterable[Revision], kind: str, id_: str) -> list[Meanwhile]:
    """Tell which values of one thing or relationship are others in the end than they were."""
    first: dict[str, Any] = {}
    last: dict[str, Meanwhile] = {}
    for revision in revisions:
        for entry in revision.entries:
            if entry.kind != kind or entry.id != id_:
                continue
            for each in altered(_image(kind, entry.before), _image(kind, entry.after)):
                was = first.setdefault(each.name, each.before)
                by = revision.head.actor
                last[each.name] = Meanwhile(each.name, was, each.after, by, revision.written, revision.number)
    return [each for _, each in sorted(last.items()) if each.before != each.after]


def _image(kind: str, of: Mapping[str, Any] | None) -> Mapping[str, Any]:
    image = living(of)
    if image is None:
        return {"attributes": {}}
    return image if kind == "entity" else {"attributes": {**image["attributes"], _ITSELF: _THERE}}
