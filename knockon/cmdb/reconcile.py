"""From what sources say of things to the entities that the estate therefore has.

A change to records is followed from layer to layer: things get their records, references that led to them are read
again, and records whose parent became another thing are looked at in their turn. Layers only go up, so it ends.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from knockon.cmdb import relate
from knockon.cmdb.identity.finding_parents import placings, with_claims
from knockon.cmdb.identity.joining import joined
from knockon.cmdb.identity.naming import named
from knockon.cmdb.identity.touched import touched_by
from knockon.cmdb.relate import Related
from knockon.cmdb.rows import Entity, JournalEntry, Record, last_seen
from knockon.cmdb.thing import Heard, thing
from knockon.schema.reference import answers_to, id_token, key_token

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.contract import Write
    from knockon.cmdb.identity.joining import Key, Part
    from knockon.cmdb.identity.naming import Naming
    from knockon.cmdb.intake import Taken
    from knockon.cmdb.rows import EdgeRecordKey, Scope
    from knockon.schema.model import Model
    from knockon.schema.observation import EntityObservation


@dataclass
class Reconciled:
    """What a change comes to; ``related`` is what became of relationships by it."""

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
    related: Related = field(default_factory=Related)

    def add(self, other: Reconciled) -> None:
        """Add what another change comes to."""
        self.created += other.created
        self.updated += other.updated
        self.retired += other.retired
        self.stored += other.stored
        self.entries += other.entries
        self.related.add(other.related)


@dataclass
class _Stirred:
    """What other things have to notice: tokens that may mean something else now, ids whose class or records changed."""

    tokens: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)


def entity_image(entity: Entity) -> dict[str, Any]:
    """Give what the journal keeps of an entity."""
    image = {
        "class": entity.class_name,
        "name": entity.name,
        "attributes": entity.attributes,
        "retired": entity.retired,
    }
    return image | ({"split_from": entity.split_from} if entity.split_from else {})


async def take(
    write: Write,
    model: Model,
    batch: Sequence[Taken[EntityObservation]],
    scope: Scope,
    expected: Mapping[Key, Sequence[EdgeRecordKey]],
) -> Reconciled:
    """Write the records of one batch out of a scope, one for each key, and all that follows from them.

    ``expected`` are the relationships to parents that the same load will report later.
    """
    result = Reconciled()
    stored = await write.records([(taken.said.source, taken.said.key) for taken in batch])
    scopes = await write.scopes({scope.source})
    now = scopes.get((scope.source, scope.name), scope)
    news: list[Record] = []
    for taken in batch:
        said = taken.said
        old = stored.get((said.source, said.key))
        if old and not taken.is_news(old, seen := last_seen(old, scopes), scope.name):
            result.unchanged.append(taken)
            result.overtaken += taken.digest != old.digest or taken.seen < seen or old.scope != scope.name
            continue
        news.append(
            Record(
                said.source, said.key, old.entity_id if old else "", said.class_name, said.attributes, taken.seen,
                taken.digest, scope.name, now.holds(taken.seen, said.key),
            )
        )  # fmt: skip
    await follow(write, model, news, stored, result, expected)
    return result


async def withdraw(write: Write, model: Model, scope: Scope, keys: Collection[str], at: str) -> Reconciled:
    """Withdraw the records of a scope that its complete load at ``at`` did not have, unless they were seen since."""
    result = Reconciled()
    stored = await write.records([(scope.source, key) for key in keys])
    scopes = await write.scopes({scope.source})
    kept = scopes.get((scope.source, scope.name), scope).reported_since(at)
    gone = [
        replace(record, present=False, seen=last_seen(record, scopes))
        for record in stored.values()
        if record.present and record.scope == scope.name and last_seen(record, scopes) < at and record.key not in kept
    ]
    await follow(write, model, gone, stored, result)
    return result


async def replace_children(write: Write, model: Model, edge_keys: Iterable[EdgeRecordKey]) -> Reconciled:
    """Look again at the records that these edge records place, or placed, in a parent."""
    result = Reconciled()
    stored = await _children(write, model, edge_keys, above=-1)
    if stored:
        await follow(write, model, list(stored.values()), stored, result)
    return result


async def follow(
    write: Write,
    model: Model,
    changed: Sequence[Record],
    stored: Mapping[Key, Record],
    result: Reconciled,
    expected: Mapping[Key, Sequence[EdgeRecordKey]] | None = None,
) -> None:
    """Write changed records and all that follows; ``stored`` has them as they were, where they were.

    Records that are as they were are looked at for their claims only.
    """
    waiting: dict[int, dict[Key, Record]] = defaultdict(dict)
    known = dict(stored)
    for record in changed:
        old = known.get((record.source, record.key))
        layers = {model.layer(each.class_name) for each in (record, old) if each}
        waiting[min(layers)][record.source, record.key] = record
    while waiting:
        layer = min(waiting)
        stirred = await _stage(write, model, list(waiting.pop(layer).values()), known, result, expected or {})
        if not stirred.tokens and not stirred.ids:
            continue
        related = await relate.reread(write, model, stirred.tokens, stirred.ids)
        result.related.add(related)
        children = await _children(write, model, (each.key for each in related.read), above=layer)
        known |= {key: each for key, each in children.items() if key not in known}
        for key, child in children.items():
            if not any(key in later for later in waiting.values()):
                known[key] = child
                waiting[model.layer(child.class_name)][key] = child


async def _children(write: Write, model: Model, edge_keys: Iterable[EdgeRecordKey], above: int) -> dict[Key, Record]:
    """Read the present records above a layer that these edge records place in a parent."""
    children = placings(model, edge_keys).keys()
    found = await write.records(children) if children else {}
    return {key: each for key, each in found.items() if each.present and model.layer(each.class_name) > above}


async def _stage(
    write: Write,
    model: Model,
    changed: Sequence[Record],
    stored: Mapping[Key, Record],
    result: Reconciled,
    expected: Mapping[Key, Sequence[EdgeRecordKey]],
) -> _Stirred:
    """Write changed records of one layer and the entities that they imply."""
    stirred = _Stirred()
    now = {
        (each.source, each.key): each
        for each in await with_claims(write, model, changed, expected)
        if each != stored.get((each.source, each.key))
    }
    if not now:
        return stirred
    had = await _resolved(write, [*now.values()])
    moving = {key: each for key, each in now.items() if _may_move(model, each, stored.get(key))}
    touched = await touched_by(write, model, moving, stored)
    records = touched.records
    had |= {key: each.entity_id for key, each in records.items() if key not in now}
    parts = joined(model, records, touched.junk, touched.links, touched.apart).parts
    naming = named(parts, had)
    settled = {key: now[key] for key in now if key not in moving}
    staying = {had[key] for key in settled if key not in records}
    for id_, members in _by_entity(await write.members(staying) if staying else ()).items():
        whole = members | {key: settled[key] for key in members if key in settled}
        naming.ids[tuple(sorted(whole))] = id_
        records |= whole
    records |= settled
    await _write(write, model, naming, records, now, stored, had, result, stirred)
    return stirred


async def _resolved(write: Write, records: Sequence[Record]) -> dict[Key, str]:
    """Give the ids of the entities that records belong to, aliases followed; new records have none."""
    ids = {each.entity_id for each in records if each.entity_id}
    entities = await write.entities(ids) if ids else {}
    return {(each.source, each.key): entities[each.entity_id].id for each in records if each.entity_id in entities}


def _may_move(model: Model, now: Record, old: Record | None) -> bool:
    """Tell whether a record may come to another thing: its claims, its presence or its family changed."""
    return (
        old is None
        or dict(now.claims) != dict(old.claims)
        or now.present != old.present
        or model.family(now.class_name) != model.family(old.class_name)
    )


def _by_entity(records: Iterable[Record]) -> dict[str, dict[Key, Record]]:
    found: dict[str, dict[Key, Record]] = {}
    for each in records:
        found.setdefault(each.entity_id, {})[each.source, each.key] = each
    return found


async def _write(
    write: Write,
    model: Model,
    naming: Naming,
    records: Mapping[Key, Record],
    now: Mapping[Key, Record],
    stored: Mapping[Key, Record],
    had: Mapping[Key, str],
    result: Reconciled,
    stirred: _Stirred,
) -> None:
    """Write the records that changed or moved, and the entities that are not as they were."""
    id_of = {key: id_ for part, id_ in naming.ids.items() for key in part}
    moved = {key for key, id_ in id_of.items() if had.get(key, id_) != id_}
    left = {had[key] for key in (*moved, *(key for key in now if key not in id_of)) if key in had}
    stirred.ids |= left
    for key, record in now.items():
        old = stored.get(key)
        if record.present and not (old and old.present):
            stirred.tokens.add(key_token(*key))
    rows = [replace(record, entity_id=id_of.get(key, had.get(key, ""))) for key, record in now.items()]
    rows += [replace(records[key], entity_id=id_of[key]) for key in moved if key not in now]
    await write.put_records(rows)
    result.stored += len(rows)
    again = {id_: part for part, id_ in naming.ids.items() if id_ in left or any(k in now or k in moved for k in part)}
    before = await write.entities((again.keys() | left) - naming.made)
    implied = await _implied(write, model, again, records, before, naming.split_from)
    gone = {id_: before[id_] for id_ in left - again.keys()}
    implied += [replace(entity, retired=True, disputed=False) for entity in gone.values()]
    await _put(write, model, before, implied, naming.aliases, result, stirred)
    for alias in sorted(naming.aliases):
        await write.put_alias(alias, naming.aliases[alias])


async def _implied(
    write: Write,
    model: Model,
    parts: Mapping[str, Part],
    records: Mapping[Key, Record],
    before: Mapping[str, Entity],
    split_from: Mapping[str, str],
) -> list[Entity]:
    """Give the entities of these parts, by id."""
    sources = {source for part in parts.values() if len(part) > 1 for source, _ in part}
    scopes = await write.scopes(sources) if sources else {}
    implied = []
    for id_, part in parts.items():
        heard = [Heard(records[key], last_seen(records[key], scopes)) for key in part]
        origin = before[id_].split_from if id_ in before else split_from.get(id_, "")
        implied.append(thing(model, heard).entity(id_, origin))
    return implied


async def reweigh(write: Write, model: Model, ids: Collection[str]) -> Reconciled:
    """Imply disputed entities again whose records were seen again: another word may count now."""
    result, stirred = Reconciled(), _Stirred()
    members = _by_entity(await write.members(ids)) if ids else {}
    if not members:
        return result
    records = {key: each for part in members.values() for key, each in part.items()}
    before = await write.entities(members)
    parts = {id_: tuple(sorted(part)) for id_, part in members.items()}
    implied = await _implied(write, model, parts, records, before, {})
    await _put(write, model, before, implied, {}, result, stirred)
    if stirred.tokens or stirred.ids:
        result.related.add(await relate.reread(write, model, stirred.tokens, stirred.ids))
        after = await replace_children(write, model, [each.key for each in result.related.read])
        result.add(after)
    return result


async def _put(
    write: Write,
    model: Model,
    before: Mapping[str, Entity],
    implied: Iterable[Entity],
    aliases: Mapping[str, str],
    result: Reconciled,
    stirred: _Stirred,
) -> None:
    """Write the entities that are not as they were, journal them, and note who has to notice."""
    changed: list[Entity] = []
    for new in implied:
        old = before.get(new.id)
        if old and (entity_image(old), old.disputed) == (entity_image(new), new.disputed):
            continue
        changed.append(new)
        if old is None or entity_image(old) != entity_image(new):
            _note(model, old, new, aliases.get(new.id), result, stirred)
    await write.put_entities(changed, {each.id: _answers(model, each) for each in changed})


def _note(
    model: Model, old: Entity | None, new: Entity, merged_into: str | None, result: Reconciled, stirred: _Stirred
) -> None:
    lived = old is not None and not old.retired
    names, had = set(_answers(model, new)), set(_answers(model, old)) if old else set()
    stirred.tokens |= names ^ had
    if lived != (not new.retired):
        stirred.tokens.add(id_token(new.id))
    if lived and (new.retired or (old and old.class_name != new.class_name)):
        stirred.ids.add(new.id)
    result.created += not lived and not new.retired
    result.updated += lived and not new.retired
    result.retired += lived and new.retired
    image = entity_image(new) | ({"merged_into": merged_into} if merged_into else {})
    result.entries.append(JournalEntry("entity", new.id, entity_image(old) if old else None, image))


def _answers(model: Model, entity: Entity) -> tuple[str, ...]:
    return () if entity.retired else answers_to(model, entity.class_name, entity.name)
