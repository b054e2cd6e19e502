"""What the journal says happened since a topology was made, applied to it."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import Edge, Entity
from knockon.cmdb.past.changes import Changes
from knockon.errors import JournalCompacted
from knockon.impact.topology.derive import Rules, attributes_looked_at
from knockon.impact.topology.renumbering import Renumbering
from knockon.impact.topology.splice import splice
from knockon.schema.model import as_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from knockon.cmdb.contract.rows import EdgeKey, EdgeRecord, Neighbour
    from knockon.cmdb.contract.store import Store, Way
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.register import Register
    from knockon.impact.topology.topology import Topology
    from knockon.schema.model import Model

ATTEMPTS = 3
MOST_CHANGES = 5_000
"""Changed things beyond which reading the whole store is not much slower."""
MOST_EDGES = 10_000
"""Relationships beyond which it is not much slower than reading these by their ends."""


class _ReadAnewError(Exception):
    """Neither the journal nor what was read beside it says enough."""


@dataclass(frozen=True)
class CaughtUp:
    """A topology at a newer revision, what was waiting then, and what changed: see ``Changes.touched``."""

    revision: int
    topology: Topology
    register: Register
    waiting: Sequence[EdgeRecord]
    new: Mapping[str, Entity]
    gone: frozenset[str]
    touched: frozenset[str]


async def catch_up(
    store: Store, model: Model, revision: int, topology: Topology, register: Register, exclude: frozenset[str]
) -> CaughtUp | None:
    """Bring a topology of a revision to the newest one; None where the store has to be read as a whole.

    Everything is read as it was at one revision: what else is read is read again if somebody committed meanwhile. Of
    things whose relationships may have an impact that they had not, or the other way round, all of these are read: in
    one round trip, and one for each type and direction of them.
    """
    now = await store.scan(())
    for _ in range(ATTEMPTS):
        if now.revision < revision:
            return None
        try:
            changes = await _changes(store, revision, now.revision)
            work = await asyncio.to_thread(_Work, model, topology, register, exclude, changes)
            if work.afresh:
                work.learn(await _related(store, work.afresh, work.followed))
            entities = await store.entities(work.reads) if work.reads else {}
            if work.reads or work.afresh:
                # Neo4j shows a commit bit by bit before its revision shows; only a scan waits for all of it
                before, now = now, await store.scan(())
                if now.revision != before.revision:
                    continue
            made, names, new = await asyncio.to_thread(work.apply, entities)
        except _ReadAnewError:
            return None
        gone = frozenset(work.gone)
        return CaughtUp(now.revision, made, names, now.waiting, new, gone, changes.touched())
    return None


async def _changes(store: Store, since: int, until: int) -> Changes:
    """Read the net change from the journal, if it is not too much, and still kept."""
    changes = Changes()
    while since < until:
        try:
            revisions = [each for each in await store.feed(since) if each.number <= until]
        except JournalCompacted as error:
            raise _ReadAnewError from error
        if not revisions or len(changes) > MOST_CHANGES:
            raise _ReadAnewError
        await asyncio.to_thread(changes.add, [entry for each in revisions for entry in each.entries])
        since = revisions[-1].number
    return changes


async def _related(store: Store, ids: Collection[str], types: Collection[str]) -> list[Neighbour]:
    """Read all neighbours of these things over these types, if they are not too many."""
    asked: dict[Way, dict[str, int]] = {}
    for id_, ways in (await store.count_related(ids)).items():
        for way, number in ways.items():
            if way[0] in types:
                asked.setdefault(way, {})[id_] = number
    if sum(sum(each.values()) for each in asked.values()) > MOST_EDGES:
        raise _ReadAnewError
    found = await asyncio.gather(
        *(store.neighbours(list(each), *way, limit=max(each.values())) for way, each in asked.items())
    )
    return [neighbour for each in found for some in each.values() for neighbour in some]


class _Work:
    """One application of changes.

    ``reads`` are the entities that it has to know with their attributes; ``afresh`` those of which it has to
    ``learn`` all neighbours over the types ``followed``, because other impact rules may choose their relationships now.
    """

    def __init__(
        self, model: Model, topology: Topology, register: Register, exclude: frozenset[str], changes: Changes
    ) -> None:
        self._model = model
        self._old = topology
        self._register = register
        self._changes = changes
        self._edges = {
            key: ends for key, ends in changes.edges.items()
            if key.type_name not in exclude and key.type_name in model.relationships
        }  # fmt: skip
        self._conditions = attributes_looked_at(model)
        self.followed = {
            name for name, kind in model.relationships.items()
            if name not in exclude and any(rule.supplier for rule in kind.rules)
        }  # fmt: skip
        self._now: dict[EdgeKey, Edge] = {}  # the relationships of those that are read afresh
        self._known: dict[str, Entity] = {}
        self.afresh: set[str] = set()
        self.gone: set[str] = set()
        self._come: set[str] = set()
        self._changed: set[str] = set()
        self._renamed: set[str] = set()
        for id_, (before, after) in changes.entities.items():
            self._sort_out(id_, before, after)
        self._touched = {id_ for key in self._edges for id_ in key[1:3] if id_ in topology} | self._changed | self.gone
        moved = self.gone | self._renamed | (self.afresh - self._come)
        self._touched |= {id_ for each in moved for id_ in self._consumers(each)}
        self.reads = (self._touched - self.gone) | self._come
        for key, (_, after) in self._edges.items():
            if after and not after["retired"]:
                self.reads |= {id_ for id_ in key[1:3] if (id_ in topology or id_ in self._come)} - self.gone

    def _sort_out(self, id_: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        lives = after is not None and not after["retired"] and after["class"] in self._model.topology_classes
        if id_ not in self._old:
            if lives:
                self._come.add(id_)
            if lives and before is not None:  # its relationships stayed when it was retired, or was of another class
                self.afresh.add(id_)
        elif not lives:
            self.gone.add(id_)
        elif before is None or after is None:
            raise _ReadAnewError
        else:
            self._changed.add(id_)
            if self._felt_otherwise(before, after):
                self.afresh.add(id_)
            if (before["class"], before["name"]) != (after["class"], after["name"]):
                self._renamed.add(id_)

    def _felt_otherwise(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
        """Tell whether impact rules can tell a thing from what it was."""
        was, now = before["attributes"], after["attributes"]
        return (
            before["class"] != after["class"]
            or self._model.counts(before["class"], was) != self._model.counts(after["class"], now)
            or any(as_text(was.get(name)) != as_text(now.get(name)) for name in self._conditions)
        )

    def learn(self, related: Sequence[Neighbour]) -> None:
        """Take in what those that are read afresh are related to."""
        for each in related:
            self._now[each.edge.key] = each.edge
            if each.entity.id not in self.gone:  # it may live on, as what cannot fail
                self._known[each.entity.id] = each.entity
        ends = {id_ for key in self._now for id_ in key[1:3] if id_ in self._old} - self.gone
        self._touched |= ends
        self.reads = (self.reads | ends) - self._known.keys()

    def _consumers(self, id_: str) -> Iterator[str]:
        """Name who needs an item directly."""
        graph, number = self._old.graph, self._old.index(id_)
        for consumer in set(graph.consumer[graph.start[number] : graph.start[number + 1]].tolist()):
            yield self._old.ids[consumer]

    def apply(self, entities: Mapping[str, Entity]) -> tuple[Topology, Register, dict[str, Entity]]:
        """Make the topology and the register as they are now; give also the entities that came or were renamed."""
        entities = {**self._known, **entities}
        moved = {
            id_ for id_ in self._changed
            if id_ in entities and entities[id_].order != self._register.order(self._old.index(id_))
        }  # fmt: skip
        if not moved <= self._renamed or not entities.keys() >= self.reads:
            raise _ReadAnewError
        come = sorted((entities[id_] for id_ in self._come | moved), key=lambda each: each.order)
        change = None
        if self.gone or come:
            size = range(len(self._old.ids))
            places = [(bisect_left(size, each.order, key=self._register.order), each.id) for each in come]
            change = Renumbering.of(len(size), [self._old.index(id_) for id_ in self.gone | moved], places)
        rules = Rules(self._model)
        dependencies = [*self._kept(rules, entities), *self._new(rules, entities)]
        consumers = [rules.item(entities[id_]) for id_ in {each.consumer for each in dependencies}]
        topology = splice(self._old, change, [self._old.index(id_) for id_ in self._touched], consumers, dependencies)
        register = self._register
        if change:
            register = register.renumbered(topology.ids, change, [each.order for each in come])
        return topology, register, {each.id: each for each in come}

    def _kept(self, rules: Rules, entities: Mapping[str, Entity]) -> Iterator[Dependency]:
        """Give the dependencies of the touched that come of no changed edge."""
        dropped = {(*key[:3], group) for key, group in self._dropped(rules, entities)}
        all_dropped = self.gone | self.afresh
        seen: set[tuple[Any, ...]] = set()
        for consumer in self._touched:
            number = self._old.index(consumer)
            for arc in self._old.needed(number):
                for signature in self._old.dependencies(arc):
                    found = self._old.dependency(arc, signature)
                    ends = (found.supplier, found.consumer) if found.reversed else (found.consumer, found.supplier)
                    key = (found.type_name, *ends, found.group)
                    if key in dropped:
                        if key in seen:  # a group without a name, and one named like its type: one is to stay
                            raise _ReadAnewError
                        seen.add(key)
                    elif consumer not in all_dropped and found.supplier not in all_dropped:
                        yield found

    def _dropped(self, rules: Rules, entities: Mapping[str, Entity]) -> Iterator[tuple[EdgeKey, str | None]]:
        """Give the changed edges that the topology has a dependency of, and the group of each there."""
        for key, (before, _) in self._edges.items():
            if not before or before["retired"] or not self.afresh.isdisjoint(key[1:3]):
                continue
            if key.source_id in self._old and key.target_id in self._old:
                source, target = (self._before(each, entities) for each in key[1:3])
                if found := rules.dependency(Edge(key, before["attributes"]), source, target):
                    yield key, found.group

    def _before(self, id_: str, entities: Mapping[str, Entity]) -> Entity:
        """Give an item of the old topology, as far as impact rules look at it."""
        if id_ in entities:  # what they look at has not changed, else it is read afresh
            return entities[id_]
        image = self._changes.entities[id_][0]
        assert image is not None  # it was in the old topology
        return Entity(id_, image["class"], image["name"], "", image["attributes"])

    def _new(self, rules: Rules, entities: Mapping[str, Entity]) -> Iterator[Dependency]:
        """Give the dependencies that come of changed edges, and of those that were read afresh."""
        changed = [
            Edge(key, after["attributes"]) for key, (_, after) in self._edges.items()
            if after and not after["retired"] and self.afresh.isdisjoint(key[1:3])
        ]  # fmt: skip
        for edge in (*changed, *self._now.values()):
            if not {edge.key.source_id, edge.key.target_id} <= entities.keys():
                continue
            source, target = entities[edge.key.source_id], entities[edge.key.target_id]
            if not {source.class_name, target.class_name} <= self._model.topology_classes:
                continue
            if not all(self._model.counts(each.class_name, each.attributes) for each in (source, target)):
                continue
            if found := rules.dependency(edge, source, target):
                yield found
