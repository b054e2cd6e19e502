"""From what a source says of things to the entities that the estate therefore has.

Identification is by (source, native key) alone, so each entity comes from one record.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from knockon.cmdb.rows import SEPARATOR, Entity, JournalEntry, Record
from knockon.schema.reference import answers_to, key_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract import Write
    from knockon.cmdb.intake import Taken
    from knockon.schema.model import Model
    from knockon.schema.observation import EntityObservation


@dataclass
class Reconciled:
    """What a batch of entity observations comes to."""

    created: int = 0
    updated: int = 0
    unchanged: list[Taken[EntityObservation]] = field(default_factory=list)  # seen again
    entries: list[JournalEntry] = field(default_factory=list)
    stirred: set[str] = field(default_factory=set)  # tokens that may mean something else now
    reclassed: set[str] = field(default_factory=set)  # ids whose class changed


def entity_of(record: Record) -> Entity:
    """Give the entity that a record implies."""
    name = record.attributes.get("name") or record.key
    order = SEPARATOR.join((record.class_name, name, f"{record.source}:{record.key}"))
    return Entity(record.entity_id, record.class_name, name, order, record.attributes)


def entity_image(entity: Entity) -> dict[str, Any]:
    """Give what the journal keeps of an entity."""
    return {
        "class": entity.class_name,
        "name": entity.name,
        "attributes": entity.attributes,
        "retired": entity.retired,
    }


async def reconcile(write: Write, model: Model, batch: Sequence[Taken[EntityObservation]]) -> Reconciled:
    """Write the records and entities of one batch, which has one observation for each key."""
    result = Reconciled()
    known = await write.records([(taken.said.source, taken.said.key) for taken in batch])
    records: list[Record] = []
    for taken in batch:
        said = taken.said
        old = known.get((said.source, said.key))
        if old and not taken.is_news(old.seen, old.digest):
            result.unchanged.append(taken)
            continue
        entity_id = old.entity_id if old else str(uuid7())
        record = Record(said.source, said.key, entity_id, said.class_name, said.attributes, taken.seen, taken.digest)
        records.append(record)
    before = await write.entities([r.entity_id for r in records if (r.source, r.key) in known])
    for record in records:
        _note(result, model, record, before.get(record.entity_id))
    entities = [entity_of(record) for record in records]
    if records:
        await write.put_records(records)
        await write.put_entities(entities, {e.id: answers_to(model, e.class_name, e.name) for e in entities})
    return result


def _note(result: Reconciled, model: Model, record: Record, old: Entity | None) -> None:
    new = entity_of(record)
    names = set(answers_to(model, new.class_name, new.name))
    if old is None:
        result.created += 1
        result.stirred |= names | {key_token(record.source, record.key)}
    else:
        result.updated += 1
        result.stirred |= names ^ set(answers_to(model, old.class_name, old.name))
        if old.class_name != new.class_name:
            result.reclassed.add(new.id)
    image = entity_image(old) if old else None
    result.entries.append(JournalEntry("entity", new.id, image, entity_image(new)))
