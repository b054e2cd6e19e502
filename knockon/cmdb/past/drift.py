"""Drift: what differs from a moment of the past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from knockon.cmdb.past.changes import changes_between
from knockon.cmdb.past.history import Altered, altered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knockon.cmdb.contract.rows import EdgeKey, Entity
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.past.changes import Net
    from knockon.schema.model import Model

Change = Literal["created", "changed", "retired"]


@dataclass(frozen=True, slots=True)
class Thing:
    """Something by name, as it is called now, or was called last."""

    id: str
    class_name: str
    name: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A thing, or a relationship from ``thing`` to ``other``, that is not what it was."""

    change: Change
    thing: Thing
    altered: tuple[Altered, ...]
    type_name: str = ""
    other: Thing | None = None
    group: str = ""

    @property
    def order(self) -> tuple[str, ...]:
        other = self.other or Thing("", "", "")
        return (self.thing.class_name, self.thing.name, self.thing.id, self.type_name, other.class_name, other.name,
                other.id, self.group)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drift:
    """What differs between two revisions: things in order, each followed by its relationships."""

    since: int
    revision: int
    differences: tuple[Difference, ...]


async def drift_since(store: Store, model: Model, since: int, *, class_name: str | None = None) -> Drift:
    """Tell what is not as it was at a revision; O(journal entries since then).

    With a class: things of it or below, then or now, and the relationships at either end of which is one.

    Raises
    ------
    PastTooFar, JournalCompacted
    """
    revision = await store.revision()
    net = (await changes_between(store, since, revision)).net()
    ends = {id_ for key in net.edges for id_ in (key.source_id, key.target_id)}
    known = await store.known(ends) if ends else {}
    meant = None if class_name is None else frozenset(model.concrete(class_name))
    found = [_thing(id_, change) for id_, change in net.entities.items() if _is_meant(meant, change)]
    found += [
        _relationship(key, change, known)
        for key, change in net.edges.items()
        if meant is None or any(id_ in known and known[id_].class_name in meant for id_ in key[1:3])
    ]
    return Drift(since, revision, tuple(sorted(found, key=lambda each: each.order)))


def _is_meant(meant: frozenset[str] | None, change: Net) -> bool:
    return meant is None or any(image is not None and image["class"] in meant for image in change)


def _thing(id_: str, change: Net) -> Difference:
    before, after = change
    image = after or before
    assert image is not None
    return Difference(_change(change), Thing(id_, image["class"], image["name"]), _altered(before, after))


def _relationship(key: EdgeKey, change: Net, known: Mapping[str, Entity]) -> Difference:
    ends = [
        Thing(id_, known[id_].class_name, known[id_].name) if id_ in known else Thing(id_, "", id_) for id_ in key[1:3]
    ]
    return Difference(_change(change), ends[0], _altered(*change), key.type_name, ends[1], key.group)


def _change(change: Net) -> Change:
    return "created" if change[0] is None else "retired" if change[1] is None else "changed"


def _altered(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[Altered, ...]:
    return tuple(altered(before, after)) if before is not None and after is not None else ()


def difference_json(each: Difference) -> dict[str, Any]:
    """Give the JSON form of a difference."""
    told: dict[str, Any] = {"change": each.change, "altered": [altered_json(one) for one in each.altered]}
    if each.other is None:
        return {"kind": "entity", **thing_json(each.thing), **told}
    return {
        "kind": "relationship", "from": thing_json(each.thing), "type": each.type_name,
        "to": thing_json(each.other), "redundancyGroup": each.group or None, **told,
    }  # fmt: skip


def thing_json(thing: Thing) -> dict[str, Any]:
    """Give the JSON form of a thing."""
    return {"id": thing.id, "class": thing.class_name, "name": thing.name}


def altered_json(each: Altered) -> dict[str, Any]:
    """Give the JSON form of a value that differs."""
    return {"name": each.name, "before": each.before, "after": each.after}
