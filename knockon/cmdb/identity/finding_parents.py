"""Claims of records, with the parents that the store, or the load at hand, knows of; and who names no parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import EdgeRecord
from knockon.cmdb.identity.claims import claims, is_parent_reference, parents_of, ways_to_parents
from knockon.schema.observation import PEOPLE
from knockon.schema.reference import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import EdgeRecordKey, Record
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.identity.joining import Key
    from knockon.schema.model import Model

Placings = dict["Key", list["EdgeRecordKey"]]
"""By child record: the edge records of ways to a parent that have its native key at their child end."""


def placings(model: Model, keys: Iterable[EdgeRecordKey]) -> Placings:
    """Sort edge records by the child that they may place in a parent."""
    found: Placings = {}
    for key in keys:
        for child_is_source in model.child_ends.get(key.type_name, ()):
            child = key.from_ref if child_is_source else key.to_ref
            found.setdefault((key.source, child), []).append(key)
    return found


async def with_claims(
    write: Write, model: Model, records: Sequence[Record], expected: Mapping[Key, Sequence[EdgeRecordKey]]
) -> tuple[list[Record], list[Record]]:
    """Give the records with the claims that they have now, and those of them that name no parent and need one.

    Records that are not present have no claims and need no parent. ``expected`` are edge records that the store does
    not have yet, and will have at the end of this load.
    """
    inside = {(each.source, each.key) for each in records if each.present and ways_to_parents(model, each.class_name)}
    placed = await _placed(write, model, inside, expected) if inside else {}
    known = {end for each in placed.values() for record in each for end in record.known if end}
    entities = await write.entities(known) if known else {}
    found, parentless = [], []
    for record in records:
        around = placed.get((record.source, record.key), ())
        parents = parents_of(model, record.class_name, around, entities) if around else {}
        now = claims(model, record.class_name, record.said, parents) if record.present else {}
        found.append(record.known_as(record.entity_id, now))
        if record.present and not now and _needs_parent(model, record) and not _names_parent(model, record, around):
            parentless.append(record)
    return found, parentless


def _needs_parent(model: Model, record: Record) -> bool:
    # people relate things by their ids, which places nothing
    return record.class_name in model.dependent and not record.source.startswith(PEOPLE)


def _names_parent(model: Model, record: Record, around: Iterable[EdgeRecord]) -> bool:
    for within in ways_to_parents(model, record.class_name):
        for key in (each.key for each in around):
            child, other = (key.from_ref, key.to_ref) if within.child_is_source else (key.to_ref, key.from_ref)
            if (key.type_name, child) == (within.type_name, record.key) and is_parent_reference(model, within, other):
                return True
    return False


async def _placed(
    write: Write, model: Model, children: set[Key], expected: Mapping[Key, Sequence[EdgeRecordKey]]
) -> dict[Key, list[EdgeRecord]]:
    found: dict[Key, dict[EdgeRecordKey, EdgeRecord]] = {}
    stored = {each.key: each for each in await write.said_at(children, model.containments)}
    for child, keys in placings(model, stored).items():
        found[child] = {key: stored[key] for key in keys}
    coming = [(child, key) for child in children for key in expected.get(child, ()) if key not in stored]
    readings = {
        (key.source, end): tokens(model, end, key.source) for _, key in coming for end in (key.from_ref, key.to_ref)
    }
    answers = await write.resolve({token for each in readings.values() for token in each}) if readings else {}

    def known(source: str, reference: str) -> str | None:
        hit = next((answers[token] for token in readings[source, reference] if answers.get(token)), [])
        return hit[0] if len(hit) == 1 else None

    for child, key in coming:
        ends = (known(key.source, key.from_ref), known(key.source, key.to_ref))
        found.setdefault(child, {})[key] = EdgeRecord(key, {}, "", "", None, None, ends, ())
    return {child: list(each.values()) for child, each in found.items()}
