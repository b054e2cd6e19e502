"""The way in: typed observations out of raw items, one for each key, and what could not be taken."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import EdgeRecordKey
from knockon.cmdb.reconciliation.taken import Said, Taken, digest, edge_record_key
from knockon.errors import FindingCode
from knockon.schema import validate
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation, Skipped

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from knockon.schema.model import Model
    from knockon.schema.observation import Item


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth a person's look in records that were taken."""

    code: FindingCode
    message: str
    location: str


@dataclass
class Intake:
    """One load, sorted out."""

    entities: list[Taken[EntityObservation]] = field(default_factory=list)
    relationships: list[Taken[RelationshipObservation]] = field(default_factory=list)
    rejected_entities: list[Reject] = field(default_factory=list)
    rejected_relationships: list[Reject] = field(default_factory=list)
    rejected_keys: set[str] = field(default_factory=set)
    rejected_edge_keys: set[EdgeRecordKey] = field(default_factory=set)
    nameless_rejects: int = 0
    """Rejected records of which it cannot be told what they are about."""
    findings: list[Finding] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    @property
    def moments(self) -> set[str]:
        """When the records that were taken were seen."""
        return {each.seen for each in self.entities} | {each.seen for each in self.relationships}


def take_in(model: Model, items: Iterable[Item], loaded_at: str) -> Intake:
    """Validate items and keep one whole observation for each key: the newer ``(seen, digest)``.

    ``loaded_at`` stands in where an observation does not say when it was seen.
    """
    intake = Intake()
    entities: dict[Hashable, Taken[EntityObservation]] = {}
    relationships: dict[Hashable, Taken[RelationshipObservation]] = {}
    for item in items:
        if isinstance(item, Skipped):
            intake.skipped[item.kind] += 1
            continue
        typed: Item = item
        if isinstance(item, EntityObservation):
            typed = validate.entity(model, item)
        elif isinstance(item, RelationshipObservation):
            typed = validate.relationship(model, item)
        if isinstance(typed, EntityObservation):
            content = digest(typed.class_name, typed.attributes)
            # several partial records of one thing add up, several whole ones do not
            place = (typed.key, typed.seen, content) if typed.partial else typed.key
            _keep(entities, place, typed.key, Taken(typed, typed.seen or loaded_at, content), intake)
        elif isinstance(typed, RelationshipObservation):
            key = edge_record_key(typed)
            taken = Taken(typed, typed.seen or loaded_at, digest(typed.attributes))
            _keep(relationships, key, key.words, taken, intake)
        elif isinstance(typed, Reject):
            about = _note_rejected(model, intake, item)
            record = in_words(item) if typed.record is None else typed.record
            typed = replace(typed, about=about, seen=typed.seen or loaded_at, record=record or None)
            (intake.rejected_entities if typed.kind == "entity" else intake.rejected_relationships).append(typed)
    intake.entities = list(entities.values())
    intake.relationships = list(relationships.values())
    return intake


def _note_rejected(model: Model, intake: Intake, item: Item) -> tuple[str, ...]:
    """Note what a rejected record is about, and give it: in a complete load it counts as reported."""
    if isinstance(item, EntityObservation):
        key: Any = item.key  # as it stands in the file
        if isinstance(key, str | int) and str(key).strip():
            intake.rejected_keys.add(str(key))
            return (str(key),)
    if isinstance(item, RelationshipObservation):
        name: Any = item.type_name
        found = model.direction(name) if isinstance(name, str) else None
        ends: list[Any] = [item.from_ref, item.to_ref]
        if found and all(isinstance(each, str | int) for each in ends):
            source, target = map(str, reversed(ends) if found[1] else ends)
            group = str(item.attributes.get("redundancy_group") or "")
            edge_key = EdgeRecordKey(item.source, found[0].name, source, target, group)
            intake.rejected_edge_keys.add(edge_key)
            return edge_key[1:]
    intake.nameless_rejects += 1
    return _about(item)


def _about(item: Item) -> tuple[str, ...]:
    """Tell what a record speaks of whose class or type is not known; such a one counts for no complete load."""
    said = in_words(item)
    if "from" in said or "to" in said:
        words = [said.get("type"), said.get("from"), said.get("to"), str(said.get("redundancy_group") or "")]
    else:
        words = [said.get("key")]
    named = [each for each in words if isinstance(each, str)]
    return tuple(named) if named == words and all(each.strip() for each in named[:3]) else ()


def in_words(item: Item) -> dict[str, Any]:
    """Give what a record says in the native format."""
    if isinstance(item, EntityObservation):
        return {"class": item.class_name, "key": item.key, **item.attributes}
    if isinstance(item, RelationshipObservation):
        return {"from": item.from_ref, "type": item.type_name, "to": item.to_ref, **item.attributes}
    if isinstance(item, Reject) and item.format == "native" and isinstance(item.record, dict):
        return item.record
    return {}


def _keep(kept: dict[Hashable, Taken[Said]], key: Hashable, words: str, taken: Taken[Said], intake: Intake) -> None:
    """Keep the newer one of two that speak of the same key, whatever their order."""
    other = kept.get(key)
    if other is not None:
        which = "says the same again" if taken.digest == other.digest else "says something else; the newer one counts"
        message = f"{words} stands twice in this load ({other.said.location} and {taken.said.location}) and {which}."
        intake.findings.append(Finding(FindingCode.DUPLICATE_RECORD, message, taken.said.location))
    if other is None or (taken.seen, taken.digest) > (other.seen, other.digest):
        kept[key] = taken
