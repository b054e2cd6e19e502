"""Drift from a source: where the estate is not as the source says, or no longer says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from knockon.cmdb.contract.rows import EdgeKey, EdgeRecordKey
from knockon.cmdb.past.drift import Thing, altered_json, thing_json
from knockon.cmdb.past.history import Altered
from knockon.cmdb.reconciliation.relate import counting, meaning
from knockon.errors import ReferenceNotFound
from knockon.schema.reference import tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity, Held
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

How = Literal["otherwise", "lacking", "unseen"]
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something in which the estate and a source differ: a thing, or a relationship from ``thing`` to ``other``.

    ``otherwise``: ``altered`` has what the source says (before) and what is so (after). ``lacking``: the source says
    that relationship and there is none, ``because`` is the code why. ``unseen``: the source reported it once and no
    longer does; others do. ``key`` is the source's own: a native key, or its words. An end of what is lacking that
    means nothing yet has no id, and is named as the source does.
    """

    how: How
    thing: Thing
    key: str
    altered: tuple[Altered, ...] = ()
    because: str = ""
    type_name: str = ""
    other: Thing | None = None
    group: str = ""

    @property
    def order(self) -> tuple[str, ...]:
        other = self.other or Thing("", "", "")
        return (self.thing.class_name, self.thing.name, self.thing.id, self.type_name, other.class_name, other.name,
                other.id, self.group, self.key)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SourceDrift:
    """How many present records and relationships of a source were compared, and what differs, in order."""

    records: int
    relationships: int
    differences: tuple[Contradiction, ...]


async def drift_from_source(store: Store, model: Model, source: str, *, class_name: str | None = None) -> SourceDrift:
    """Tell where the estate is not what a source says of things and relationships, or said until lately.

    Looks at what the source says: an attribute that it leaves out is none of its business, nor is what it never
    reported. With a class: things of it or below, and the relationships at either end of which is one. Costs as much
    as the source has records; what is written meanwhile may be in it or not.

    Raises
    ------
    ReferenceNotFound
        Nothing was ever reported by this source.
    """
    reported = await store.reported_by(source)
    if not any(reported):
        raise ReferenceNotFound(f"No source {source} has reported anything.")
    meant = None if class_name is None else frozenset(model.concrete(class_name))
    records, things = await _things(store, source, reported.records, meant)
    relationships, edges = await _relationships(store, model, source, reported, meant)
    return SourceDrift(records, relationships, tuple(sorted([*things, *edges], key=lambda each: each.order)))


async def _things(
    store: Store, source: str, keys: Collection[str], meant: Collection[str] | None
) -> tuple[int, list[Contradiction]]:
    found: list[Contradiction] = []
    gone: list[Contradiction] = []
    seen: set[str] = set()
    count = 0
    for some in _pages(sorted(keys)):
        records = await store.records([(source, key) for key in some])
        entities = await store.entities({each.entity_id for each in records.values()})
        for record in records.values():
            entity = entities.get(record.entity_id)
            if entity is None or (meant is not None and entity.class_name not in meant):
                continue
            if not record.present:
                gone.append(Contradiction("unseen", _named(entity), record.key))
                continue
            count += 1
            seen.add(entity.id)
            if differing := tuple(_overruled(record.class_name, record.said, entity)):
                found.append(Contradiction("otherwise", _named(entity), record.key, differing))
    return count, found + [each for each in gone if each.thing.id not in seen]


def _named(entity: Entity) -> Thing:
    return Thing(entity.id, entity.class_name, entity.name)


def _overruled(class_name: str, said: Mapping[str, Any], entity: Entity) -> Iterator[Altered]:
    if class_name != entity.class_name:
        yield Altered("class", class_name, entity.class_name)
    yield from _differing(said, entity.attributes)


def _differing(said: Mapping[str, Any], is_so: Mapping[str, Any]) -> Iterator[Altered]:
    for name, value in sorted(said.items()):
        if value is not None and value != is_so.get(name):
            yield Altered(name, value, is_so.get(name))


async def _relationships(
    store: Store, model: Model, source: str, reported: Held, meant: Collection[str] | None
) -> tuple[int, list[Contradiction]]:
    found: list[Contradiction] = []
    gone: list[tuple[EdgeKey, Contradiction]] = []
    seen: set[EdgeKey] = set()
    count = 0
    for some in _pages(sorted(reported.edge_records)):
        records = (await store.edge_records(some)).values()
        present = [each for each in records if each.present]
        gone_keys = [each.key for each in records if not each.present]
        withdrawn = await _read_today(store, model, source, gone_keys, reported.records)
        sayings = await store.sayings({each.edge for each in present if each.edge} | set(withdrawn.values()))
        scopes = await store.scopes({each.key.source for of_edge in sayings.values() for each in of_edge})
        ends = await store.known(
            {id_ for key in sayings for id_ in key[1:3]} | {id_ for each in present for id_ in each.known if id_}
        )

        def is_meant(*ids: str | None, ends: Mapping[str, Entity] = ends) -> bool:
            return meant is None or any(id_ in ends and ends[id_].class_name in meant for id_ in ids if id_)

        for record in present:
            if not is_meant(*record.known):
                continue
            count += 1
            if record.edge is None:
                found.append(_contradiction("lacking", record.key, record.known, ends, because=str(record.because)))
            elif others := sayings.get(record.edge):  # else it was retired since its record was read
                seen.add(record.edge)
                if altered := tuple(_differing(record.attributes, counting(others, scopes).attributes)):
                    found.append(_contradiction("otherwise", record.key, record.edge[1:3], ends, altered))
        for key, edge in withdrawn.items():
            if sayings.get(edge) and is_meant(*edge[1:3]):
                gone.append((edge, _contradiction("unseen", key, edge[1:3], ends)))
    return count, found + [each for edge, each in gone if edge not in seen]


async def _read_today(
    store: Store, model: Model, source: str, keys: Sequence[EdgeRecordKey], own: Collection[str]
) -> dict[EdgeRecordKey, EdgeKey]:
    """Give the relationship that each of these would mean if it were said today; absent where an end means nothing.

    ``own`` are the native keys of the source: these mean what they meant, also where the source no longer sees it.
    """
    if not keys:
        return {}
    ends = {end for key in keys for end in (key.from_ref, key.to_ref)}
    readings = {end: tokens(model, end, source) for end in ends.difference(own)}
    answers = await store.resolve({token for each in readings.values() for token in each})
    ids = {end: meaning(source, end, tried, answers).id for end, tried in readings.items()}
    recorded = await store.recorded([(source, end) for end in ends.intersection(own)])
    live = await store.entities(recorded.values())
    ids |= {end: live[id_].id for (_, end), id_ in recorded.items() if id_ in live}
    found = {}
    for key in keys:
        start, end = ids.get(key.from_ref), ids.get(key.to_ref)
        if start and end:
            found[key] = EdgeKey(key.type_name, start, end, key.group)
    return found


def _contradiction(
    how: How, key: EdgeRecordKey, ids: Sequence[str | None], ends: Mapping[str, Entity],
    altered: tuple[Altered, ...] = (), because: str = "",
) -> Contradiction:  # fmt: skip
    start, end = (
        _named(ends[id_]) if id_ and id_ in ends else Thing("", "", written)
        for id_, written in zip(ids, (key.from_ref, key.to_ref), strict=True)
    )
    return Contradiction(how, start, key.words, altered, because, key.type_name, end, key.group)


def _pages(keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (keys[start : start + _PAGE] for start in range(0, len(keys), _PAGE))


def contradiction_json(each: Contradiction) -> dict[str, Any]:
    """Give the JSON form of what differs from what a source says."""
    altered = [
        {"name": one["name"], "said": one["before"], "is": one["after"]} for one in map(altered_json, each.altered)
    ]
    told: dict[str, Any] = {"change": each.how, "key": each.key, "altered": altered}
    if each.other is None:
        return {"kind": "entity", **thing_json(each.thing), **told}
    return {
        "kind": "relationship", "from": thing_json(each.thing), "type": each.type_name, "to": thing_json(each.other),
        "redundancyGroup": each.group or None, "because": each.because or None, **told,
    }  # fmt: skip
