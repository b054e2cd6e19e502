"""From what sources say of things to records, and to what follows from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.images import record_image
from knockon.cmdb.contract.rows import last_reported, last_seen
from knockon.cmdb.reconciliation.following import Following
from knockon.cmdb.reconciliation.hearing import hear

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import EdgeRecordKey, Record, Scope
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.identity.joining import Key
    from knockon.cmdb.reconciliation.reconciled import Reconciled
    from knockon.cmdb.reconciliation.taken import Taken
    from knockon.schema.model import Model
    from knockon.schema.observation import EntityObservation


PERSON = "Person"
"""Only things of this class are redacted."""


async def take(
    write: Write,
    model: Model,
    batch: Sequence[Taken[EntityObservation]],
    scope: Scope,
    expected: Mapping[Key, Sequence[EdgeRecordKey]],
) -> Reconciled:
    """Write the records of one batch out of a scope and all that follows; of whole ones it has one for each key.

    ``expected`` are the relationships to parents that the same load will report later.
    """
    stored = await write.records([(taken.said.source, taken.said.key) for taken in batch])
    following = Following(write, model, stored, expected=expected)
    result = following.result
    scopes = await write.scopes({scope.source})
    now = scopes.get((scope.source, scope.name), scope)
    news: dict[Key, Record] = {}
    for taken in await _as_redacted(write, model, batch):
        key = (taken.said.source, taken.said.key)
        old = news.get(key, stored.get(key))
        seen = last_seen(old, scopes) if old else ""
        new = hear(old, taken, now, seen)
        if new:
            news[key] = new
        elif old:
            other = taken.said.partial or taken.digest != old.digest
            result.overtaken += other or taken.seen < seen or old.scope != scope.name
            if taken.seen < seen if taken.said.partial else other or not old.present:
                result.outdated.append(taken.said.location)
            result.unchanged += [] if other else [(old, taken.seen)]
            result.ignored += other
    await write.put_images(_images(stored, news.values(), scopes))
    await following.follow(news.values())
    result.ignored += sum(key in result.as_they_were for key, record in news.items() if record.present)
    return result


def _images(
    stored: Mapping[Key, Record], records: Iterable[Record], scopes: Mapping[tuple[str, str], Scope]
) -> list[Image]:
    found = []
    for new in records:
        old = stored.get((new.source, new.key))
        found.append(record_image(old, last_seen(old, scopes) if old else "", new))
    return found


async def _as_redacted(
    write: Write, model: Model, batch: Sequence[Taken[EntityObservation]]
) -> Sequence[Taken[EntityObservation]]:
    """Leave out what was taken out of a person's record: it must not come back with the next load."""
    persons = [(t.said.source, t.said.key) for t in batch if PERSON in model.classes[t.said.class_name].lineage]
    marks = await write.redacted(persons) if persons else {}
    if not marks:
        return batch
    found = []
    for taken in batch:
        out = marks.get((taken.said.source, taken.said.key), frozenset())
        kept = {name: value for name, value in taken.said.attributes.items() if name not in out}
        found.append(replace(taken, said=replace(taken.said, attributes=kept)))
    return found


async def withdraw(write: Write, model: Model, scope: Scope, keys: Collection[str], at: str) -> Reconciled:
    """Withdraw the records of a scope that its complete load at ``at`` did not have, unless they were seen since."""
    stored = await write.records([(scope.source, key) for key in keys])
    scopes = await write.scopes({scope.source})
    kept = scopes.get((scope.source, scope.name), scope).reported_since(at)
    gone = [
        replace(record, present=False, seen=last_seen(record, scopes))
        for record in stored.values()
        if record.present
        and record.scope == scope.name
        and last_reported(record, scopes) < at
        and record.key not in kept
    ]
    await write.put_images(_images(stored, gone, scopes))
    return await Following(write, model, stored).follow(gone)


async def take_away(write: Write, model: Model, keys: Collection[Key]) -> Reconciled:
    """Withdraw these records, all at once: what goes for good is journaled as it was with all of them."""
    stored = await write.records(keys)
    scopes = await write.scopes({source for source, _ in keys})
    gone = [replace(each, present=False, seen=last_seen(each, scopes)) for each in stored.values() if each.present]
    await write.put_images(_images(stored, gone, scopes))
    return await Following(write, model, stored).follow(gone)


async def forget(write: Write, model: Model, keys: Collection[Key]) -> Reconciled:
    """Take records back as if they had never been reported; only the ids that they had are kept for their return."""
    stored = await write.records(keys)
    nothing: dict[str, Any] = {"attributes": {}, "registers": {}, "latest": None, "whole": True}
    blank = [replace(each, **nothing, seen="", digest="", present=False) for each in stored.values() if each.digest]
    await write.put_images(_images(stored, blank, await write.scopes({source for source, _ in stored})))
    return await Following(write, model, stored).follow(blank)


async def look_again(write: Write, model: Model, keys: Collection[Key]) -> Reconciled:
    """Identify these records again: a person has decided about them, or the model has changed."""
    stored = await write.records(keys)
    present = [each for each in stored.values() if each.present]
    return await Following(write, model, stored, again=frozenset(stored)).follow(present)


async def place_again(write: Write, model: Model, edge_keys: Iterable[EdgeRecordKey]) -> Reconciled:
    """Look again at the records that these edge records place, or placed, in a parent."""
    following = Following(write, model, {})
    return await following.follow_children(edge_keys)


async def reweigh(write: Write, model: Model, ids: Collection[str]) -> Reconciled:
    """Imply disputed entities again whose records were seen again: another word may count now."""
    following = Following(write, model, {})
    return await following.reweigh(ids)
