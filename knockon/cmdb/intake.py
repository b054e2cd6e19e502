"""The way in: typed observations out of raw items, one for each key, and what could not be taken."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from knockon.cmdb.rows import EdgeRecordKey
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
    """One load, sorted out. Observations have ``seen`` filled in and come with their digest."""

    entities: list[tuple[EntityObservation, str]] = field(default_factory=list)
    relationships: list[tuple[RelationshipObservation, str]] = field(default_factory=list)
    rejected_entities: list[Reject] = field(default_factory=list)
    rejected_relationships: list[Reject] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def digest(*content: Any) -> str:
    """Give a short hash of JSON values that does not depend on the order of keys."""
    return hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def edge_record_key(said: RelationshipObservation) -> EdgeRecordKey:
    """Give the identity under which what a source says of a relationship is kept."""
    group = said.attributes.get("redundancy_group") or ""
    return EdgeRecordKey(said.source, said.type_name, said.from_ref, said.to_ref, group)


def take_in(model: Model, items: Iterable[Item], loaded_at: str) -> Intake:
    """Validate items and keep one observation for each key: the newer ``(seen, digest)``.

    ``loaded_at`` stands in where an observation does not say when it was seen.
    """
    intake = Intake()
    entities: dict[Hashable, tuple[EntityObservation, str]] = {}
    relationships: dict[Hashable, tuple[RelationshipObservation, str]] = {}
    for item in items:
        if isinstance(item, Skipped):
            intake.skipped[item.kind] += 1
        elif isinstance(item, Reject):
            (intake.rejected_entities if item.kind == "entity" else intake.rejected_relationships).append(item)
        elif isinstance(item, EntityObservation):
            entity = validate.entity(model, item)
            if isinstance(entity, Reject):
                intake.rejected_entities.append(entity)
            else:
                content = digest(entity.class_name, entity.attributes)
                _keep(entities, entity.key, replace(entity, seen=entity.seen or loaded_at), content, intake)
        else:
            relationship = validate.relationship(model, item)
            if isinstance(relationship, Reject):
                intake.rejected_relationships.append(relationship)
            else:
                content = digest(relationship.attributes)
                dated = replace(relationship, seen=relationship.seen or loaded_at)
                _keep(relationships, edge_record_key(relationship), dated, content, intake)
    intake.entities = list(entities.values())
    intake.relationships = list(relationships.values())
    return intake


Said = TypeVar("Said", EntityObservation, RelationshipObservation)


def _keep(kept: dict[Hashable, tuple[Said, str]], key: Hashable, said: Said, content: str, intake: Intake) -> None:
    before = kept.get(key)
    if before is None:
        kept[key] = (said, content)
        return
    other, other_content = before
    name = key if isinstance(key, str) else " ".join(str(part) for part in key[1:4])  # type: ignore[index]
    which = "says the same again" if content == other_content else "says something else; the newer one counts"
    message = f"{name} stands twice in this load ({other.location} and {said.location}) and {which}."
    intake.findings.append(Finding(FindingCode.DUPLICATE_RECORD, message, said.location))
    if (said.seen or "", content) > (other.seen or "", other_content):
        kept[key] = (said, content)
