"""How every answer names things: configuration items, steps of a path, what is not known; and their JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.past.changes import Moment
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topologies import View

T = TypeVar("T")


class Ci(NamedTuple):
    """A configuration item (or place, supplier, service) by name."""

    id: str
    class_name: str
    name: str

    @classmethod
    def of(cls, entity: Entity) -> Ci:
        """Name an entity."""
        return cls(entity.id, entity.class_name, entity.name)


class Step(NamedTuple):
    """One relationship of a path, as it is stored."""

    source: Ci
    type_name: str
    target: Ci


class Worded(Sequence[T]):
    """A list of an answer, in order; each row of it is worded when it is looked at, from what is known of it."""

    def __init__(self, rows: Sequence[tuple[Any, ...]], word: Callable[..., T]) -> None:
        self._rows = rows
        self._word = word

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> list[T]: ...
    def __getitem__(self, place: int | slice) -> T | list[T]:
        if isinstance(place, slice):
            return [self._word(*row) for row in self._rows[place]]
        return self._word(*self._rows[place])

    def __iter__(self) -> Iterator[T]:
        return (self._word(*row) for row in self._rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # equal ones may be of several kinds


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that the answer could not take into account, and why."""

    ci: Ci | None
    because: str


def not_in_the_journal(moment: Moment | None) -> Iterator[Unknown]:
    """Tell what an answer of the past cannot know; nothing of the present."""
    if moment:
        yield Unknown(None, f"which relationships waited at revision {moment.revision} is not in the journal")


def ci_of(view: View, id_: str) -> Ci:
    """Name an item of a view."""
    return Ci.of(view.entities[id_])


def steps(view: View, path: Iterable[Dependency]) -> tuple[Step, ...]:
    """Give a path by the relationships as they are stored."""
    found = []
    for each in path:
        consumer, supplier = ci_of(view, each.consumer), ci_of(view, each.supplier)
        ends = (supplier, consumer) if each.reversed else (consumer, supplier)
        found.append(Step(ends[0], each.type_name, ends[1]))
    return tuple(found)


def ci_json(ci: Ci) -> dict[str, Any]:
    """Give a CI as every answer names it."""
    return {"id": ci.id, "class": ci.class_name, "name": ci.name}


def path_json(path: tuple[Step, ...]) -> list[dict[str, str]]:
    """Give a path as every answer has it."""
    return [{"from": step.source.id, "type": step.type_name, "to": step.target.id} for step in path]


def unknown_json(unknown: Unknown) -> dict[str, Any]:
    """Give what an answer could not take into account."""
    return {**(ci_json(unknown.ci) if unknown.ci else {}), "because": unknown.because}


def utc_text(moment: datetime | None) -> str | None:
    """Write a moment in UTC as every answer does."""
    return f"{moment.isoformat()[:19]}Z" if moment else None
