"""From what a source says of things to the entities that the estate therefore has.

Identification is by (source, native key) alone, so each entity comes from one record.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from uuid_utils import uuid7

from knockon.cmdb.rows import SEPARATOR, Entity, JournalEntry, Record, last_seen
from knockon.schema.reference import answers_to, id_token, key_token

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract import Write
    from knockon.cmdb.intake import Taken
    from knockon.cmdb.rows import Scope
    from knockon.schema.model import Model
    from knockon.schema.observation import EntityObservation


@dataclass
class Reconciled:
    """What a batch of entity observations comes to."""

    created: int = 0
    updated: int = 0
    retired: int = 0
    unchanged: list[Taken[EntityObservation]] = field(default_factory=list)
    """Seen again."""
    overtaken: int = 0
    """Of the unchanged, those whose source has said something newer since."""
    entries: list[JournalEntry] = field(default_factory=list)
    stored: int = 0
    """Records written."""
    stirred: set[str] = field(default_factory=set)
    """Tokens that may mean something else now."""
    turned: set[str] = field(default_factory=set)
    """Ids whose class changed, or that retired."""


def entity_of(record: Record) -> Entity:
    """Give the entity that a record implies; one that is withdrawn implies a retired one."""
    name = record.attributes.get("name") or record.key
    order = SEPARATOR.join((record.class_name, name, f"{record.source}:{record.key}"))
    return Entity(record.entity_id, record.class_name, name, order, record.attributes, retired=not record.present)


def entity_image(entity: Entity) -> dict[str, Any]:
    """Give what the journal keeps of an entity."""
    return {
        "class": entity.class_name,
        "name": entity.name,
        "attributes": entity.attributes,
        "retired": entity.retired,
    }


async def reconcile(write: Write, model: Model, batch: Sequence[Taken[EntityObservation]], scope: Scope) -> Reconciled:
    """Write the records and entities of one batch out of a scope; it has one observation for each key."""
    result = Reconciled()
    known = await write.records([(taken.said.source, taken.said.key) for taken in batch])
    scopes = await write.scopes({scope.source})
    records: list[Record] = []
    for taken in batch:
        said = taken.said
        old = known.get((said.source, said.key))
        if old and not taken.is_news(old, seen := last_seen(old, scopes), scope.name):
            result.unchanged.append(taken)
            result.overtaken += taken.digest != old.digest or taken.seen < seen or old.scope != scope.name
            continue
        present = taken.seen >= scopes.get((scope.source, scope.name), scope).complete
        entity_id = old.entity_id if old else str(uuid7())
        records.append(
            Record(
                said.source, said.key, entity_id, said.class_name, said.attributes, taken.seen, taken.digest,
                scope.name, present,
            )
        )  # fmt: skip
    await _settle(write, model, records, {old.entity_id for old in known.values()}, result)
    return result


async def withdraw(write: Write, model: Model, scope: Scope, keys: Collection[str], at: str) -> Reconciled:
    """Withdraw the records of a scope that its complete load at ``at`` did not have, unless they were seen since."""
    result = Reconciled()
    known = await write.records([(scope.source, key) for key in keys])
    scopes = await write.scopes({scope.source})
    gone = [
        replace(record, present=False, seen=last_seen(record, scopes))
        for record in known.values()
        if record.present and record.scope == scope.name and last_seen(record, scopes) < at
    ]
    await _settle(write, model, gone, {record.entity_id for record in gone}, result)
    return result


async def _settle(
    write: Write, model: Model, records: Sequence[Record], known: Collection[str], result: Reconciled
) -> None:
    """Write records, and the entities that they imply as far as these are not as they were; ``known`` ids exist."""
    if not records:
        return
    before = await write.entities([record.entity_id for record in records if record.entity_id in known])
    changed: list[Entity] = []
    for record in records:
        old, new = before.get(record.entity_id), entity_of(record)
        if _differs(old, new):
            changed.append(new)
            _note(result, model, record, old, new)
    await write.put_records(records)
    await write.put_entities(changed, {each.id: _answers(model, each) for each in changed})
    result.stored += len(records)


def _differs(old: Entity | None, new: Entity) -> bool:
    """Tell whether there is anything to write: what never lived need not be retired."""
    return not new.retired if old is None else entity_image(old) != entity_image(new)


def _answers(model: Model, entity: Entity) -> tuple[str, ...]:
    return () if entity.retired else answers_to(model, entity.class_name, entity.name)


def _note(result: Reconciled, model: Model, record: Record, old: Entity | None, new: Entity) -> None:
    lived = old is not None and not old.retired
    names = set(_answers(model, new))
    if lived and not new.retired:
        assert old is not None
        result.updated += 1
        result.stirred |= names ^ set(_answers(model, old))
        if old.class_name != new.class_name:
            result.turned.add(new.id)
    elif not new.retired:
        result.created += 1
        result.stirred |= {*names, key_token(record.source, record.key), id_token(new.id)}
    elif lived:
        result.retired += 1
        result.turned.add(new.id)
        result.stirred |= {*_answers(model, old), id_token(new.id)} if old else set()
    image = entity_image(old) if old else None
    result.entries.append(JournalEntry("entity", new.id, image, entity_image(new)))
