"""The estate as it was: what the journal says happened since, taken back.

Each entry of the journal holds what a thing was before and what it was after, so the estate at an older revision is the
estate at a newer one with the entries in between undone. Two things about the past are not in the journal: which
relationships *waited* for what they refer to, and which of a thing's records gave its order its ``source:key``. So a
past scan has nothing waiting, and in its lists things of one class and one name stand in the order that they have
today.
"""

from __future__ import annotations

from asyncio import to_thread
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import SEPARATOR, Edge, EdgeKey, Entity, Scan
from knockon.errors import BadUsage, PastTooFar
from knockon.schema.values import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.cmdb.contract.rows import JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

MOST_UNDONE = 500_000
"""Journal entries that one question takes back at most: some 8 s of processor time, about as much as reading the whole
of an estate of 170,000 things with 560,000 relationships (measured: 64,000 entries a second, on SQLite)."""
_REVISIONS = 10  # read at once: an entry takes about 1 kB, and a revision has up to 2,000

Net = tuple["Mapping[str, Any] | None", "Mapping[str, Any] | None"]
"""What a thing was, and what it is; None where there was or is none."""


@dataclass
class Changes:
    """The net change over a run of revisions: of each thing what it was first and is last.

    Images are the journal's: of an entity ``class``, ``name``, ``attributes`` and ``retired``; of an edge ``type``,
    ``from``, ``to``, ``attributes`` and ``retired``.
    """

    entities: dict[str, Net] = field(default_factory=dict)
    edges: dict[EdgeKey, Net] = field(default_factory=dict)

    def add(self, entries: Iterable[JournalEntry]) -> None:
        """Take in the entries of the next revision, in their order."""
        for entry in entries:
            if entry.kind == "entity":
                self.entities[entry.id] = (self.entities.get(entry.id, (entry.before,))[0], entry.after)
            else:
                key = EdgeKey(*entry.id.split(" ", 3))
                self.edges[key] = (self.edges.get(key, (entry.before,))[0], entry.after)

    def net(self) -> Changes:
        """Leave out what is in the end as it was; what is retired is None, like what is not there."""
        return Changes(_net(self.entities), _net(self.edges))

    def touched(self) -> frozenset[str]:
        """Name the things that changed, and the ends of relationships that did; these go and return with their ends."""
        return frozenset(self.entities).union(*(key[1:3] for key in self.edges))

    def __len__(self) -> int:
        return len(self.entities) + len(self.edges)


def living(image: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Give an image, or None where it says that the thing was retired."""
    return image if image and not image.get("retired") else None


def _net(changes: dict[Any, Net]) -> dict[Any, Net]:
    living_only = {key: (living(before), living(after)) for key, (before, after) in changes.items()}
    return {key: (before, after) for key, (before, after) in living_only.items() if before != after}


@dataclass(frozen=True, slots=True)
class Moment:
    """A revision, and when it is looked at: the time that was asked about, else the one at which it was written.

    ``at`` is text as ``schema.values.instant`` gives it; None for revision 0, before anything was written.
    """

    revision: int
    at: str | None


async def moment_of(store: Store, text: str) -> Moment:
    """Understand a revision number or a point in time such as 2026-11-01T08:00:00Z.

    A time means the newest revision that was written by then. One to two round trips.

    Raises
    ------
    BadUsage
        It is neither, or has not come yet.
    """
    if text.isdecimal():
        number, newest = int(text), await store.revision()
        if number > newest:
            raise BadUsage(f"The store is at revision {newest}; revision {text} is not there yet.")
        return Moment(number, await store.written_at(number))
    try:
        at = instant(text)
    except ValueError as error:
        raise BadUsage(f"{text!r} is no revision number, and {error}.") from error
    if at > instant(datetime.now(UTC).isoformat()):
        raise BadUsage(f"{text} lies in the future; ask without it for what is so now.")
    return Moment(await store.revision_at(at), at)


async def changes_between(store: Store, since: int, until: int, *, most: int = MOST_UNDONE) -> Changes:
    """Give the net change from one revision to a later one, out of the journal; O(entries between them).

    Exact whatever others write meanwhile: a committed revision never changes. ``since`` 0 is the empty estate.

    Raises
    ------
    BadUsage
        ``until`` is older than ``since``, or newer than the store.
    PastTooFar
        There are more than ``most`` journal entries between them.
    JournalCompacted
        The journal after ``since`` is not kept any more.
    """
    if not 0 <= since <= until:
        raise BadUsage(f"Revision {since} is not before revision {until}; name the older one first.")
    refuse_far(await store.count_entries(since, until), since, until, most)
    changes = Changes()
    reached = since
    while reached < until:
        revisions = await store.feed(reached, min(_REVISIONS, until - reached))
        if not revisions:
            raise BadUsage(f"The store is at revision {reached}; revision {until} is not there yet.")
        await to_thread(changes.add, [entry for revision in revisions for entry in revision.entries])
        reached = revisions[-1].number
    return changes


def refuse_far(entries: int, since: int, until: int, most: int) -> None:
    """Refuse a question that would go through more than ``most`` journal entries.

    Raises
    ------
    PastTooFar
    """
    if entries > most:
        raise PastTooFar(
            f"From revision {since} to {until} the journal has {entries:,} entries, and {most:,} are taken back at "
            "most. Ask about a later moment."
        )


async def past_scan(store: Store, model: Model, revision: int, *, most: int = MOST_UNDONE) -> Scan:
    """Give the whole live estate as it was at a revision, with nothing in ``waiting``: that is not in the journal.

    Exactly that revision, whatever others write meanwhile. Costs a scan of today's estate, and the journal entries
    since. ``Entity.revision`` of a thing that changed since is the one asked about: nobody looks up when it changed
    before.

    Raises
    ------
    BadUsage, PastTooFar, JournalCompacted
        As ``changes_between``.
    """
    newest = await store.revision()
    refuse_far(await store.count_entries(revision, newest), revision, newest, most)  # before the scan, which costs more
    now = await store.scan([name for name, each in model.classes.items() if not each.abstract])
    changes = await changes_between(store, revision, now.revision, most=most)

    def gone() -> list[str]:
        here = {each.id for each in now.entities}
        return [id_ for id_, (before, _) in changes.entities.items() if living(before) and id_ not in here]

    former = await to_thread(gone)
    return await to_thread(undone, now, changes, await store.known(former) if former else {}, revision)


def undone(now: Scan, changes: Changes, gone: Mapping[str, Entity], revision: int) -> Scan:
    """Take changes back from a scan of the whole estate at the revision that they lead to; O(size of the scan).

    ``gone`` are entities that are retired by now, as far as they are known: they lend their ``source:key``.
    """
    entities = {each.id: each for each in now.entities}
    for id_, (before, _) in changes.entities.items():
        today = entities.pop(id_, None) or gone.get(id_)
        if image := living(before):
            entities[id_] = replace(_entity(id_, image, today), revision=revision)
    edges = {each.key: each for each in now.edges}
    for key, (before, _) in changes.edges.items():
        edges.pop(key, None)
        if image := living(before):
            edges[key] = Edge(key, image["attributes"])
    between = [each for each in edges.values() if each.key.source_id in entities and each.key.target_id in entities]
    return Scan(revision, _in_order(entities.values()), between, [])


def _entity(id_: str, image: Mapping[str, Any], today: Entity | None) -> Entity:
    """Give an entity of the past; ``today`` may be another one, that the id is an alias of."""
    key = today.order.rpartition(SEPARATOR)[2] if today and today.id == id_ else id_
    order = SEPARATOR.join((image["class"], image["name"], key))
    return Entity(id_, image["class"], image["name"], order, image["attributes"])


def _in_order(entities: Iterable[Entity]) -> list[Entity]:
    """Sort entities; of two with one order, which is possible where ids were joined since, the later takes its id."""
    found = sorted(entities, key=lambda each: (each.order, each.id))
    taken: set[str] = set()
    for number, each in enumerate(found):
        if each.order in taken:
            found[number] = replace(each, order=f"{each.order} {each.id}")
        taken.add(each.order)
    return sorted(found, key=lambda each: each.order)
