"""What changed of things, one after the other: the journal cut into single changes, each with its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.cmdb.contract.rows import Entity
from knockon.cmdb.past.changes import Changes, living
from knockon.errors import BadCursor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from knockon.cmdb.contract.rows import Revision
    from knockon.cmdb.past.history import Change


class Place(NamedTuple):
    """How far somebody has read: revisions up to this one; of this one ``told`` changes, None for all of it."""

    revision: int
    told: int | None = None

    def __str__(self) -> str:
        return f"{self.revision}" if self.told is None else f"{self.revision}.{self.told}"

    @classmethod
    def read(cls, text: str) -> Place:
        """Read a place, or a revision number: all of it.

        Raises
        ------
        BadCursor
        """
        revision, dot, told = text.partition(".")
        if not revision.isdecimal() or not revision.isascii() or (dot and not (told.isdecimal() and told.isascii())):
            raise BadCursor(f"{text!r} is no place: give a revision number, or the place of an event.")
        return cls(int(revision), int(told) if dot else None)

    @property
    def whole(self) -> int:
        """Give the newest revision of which all was read."""
        return self.revision if self.told is None else max(self.revision - 1, 0)


@dataclass(frozen=True, slots=True)
class EntityChange:
    """What one revision did to one thing; ``before`` and ``after`` are None where it was or is not there."""

    revision: Revision
    number: int
    """Of the things that the revision changed, counted from 1."""
    place: Place
    id: str
    change: Change
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    merged_into: str | None

    @property
    def image(self) -> Mapping[str, Any]:
        """Give what it is, or was last."""
        found = self.after or self.before
        assert found is not None  # a change of nothing into nothing is none
        return found

    def was(self) -> Entity | None:
        """Give the thing as it was before."""
        return _entity(self.id, self.before, self.revision.number - 1)

    def became(self) -> Entity | None:
        """Give the thing as it was after."""
        return _entity(self.id, self.after, self.revision.number)


def entity_changes(revision: Revision) -> Iterator[EntityChange]:
    """Tell of each thing that a revision changed what it was and is, in the order of the journal."""
    changes = Changes()
    changes.add(each for each in revision.entries if each.kind == "entity")
    last = len(changes.entities)
    for number, (id_, (was, now)) in enumerate(changes.entities.items(), 1):
        before, after = living(was), living(now)
        if before == after:
            continue
        merged = (now or {}).get("merged_into") if after is None else None
        change: Change = (
            "created" if before is None else "changed" if after is not None else "merged" if merged else "retired"
        )
        place = Place(revision.number, number if number < last else None)
        yield EntityChange(revision, number, place, id_, change, before, after, merged)


def _entity(id_: str, image: Mapping[str, Any] | None, revision: int) -> Entity | None:
    if image is None:
        return None
    return Entity(id_, image["class"], image["name"], "", image["attributes"], revision=revision)
