"""From what sources say of relationships to the edges that the estate therefore has.

Each end of an edge record is a reference in the source's own words. It is read in the order of
``reference.tokens``; the first reading that anything answers to decides, and if several answer the
end is ambiguous. The readings that could change this are the record's watches.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.cmdb.contract.images import edge_record_image
from knockon.cmdb.contract.reads import MOST_ANSWERS
from knockon.cmdb.contract.rows import WITHDRAWN, Edge, EdgeKey, EdgeRecord, JournalEntry, last_seen
from knockon.cmdb.lookup import several
from knockon.cmdb.reconciliation.circles import note_circles
from knockon.errors import FindingCode
from knockon.schema.reference import key_token, tokens

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import EdgeRecordKey, IdentityFinding, Scope
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.reconciliation.taken import Taken
    from knockon.schema.model import Model
    from knockon.schema.observation import RelationshipObservation

WHY: dict[str, str] = {
    FindingCode.WAITING_REFERENCE: "what it refers to is not there yet; it waits.",
    FindingCode.AMBIGUOUS_REFERENCE: "a reference means several things; it waits until only one is left.",
    FindingCode.RELATIONSHIP_NOT_ALLOWED: "the model does not allow this type between these classes; it has no effect.",
    FindingCode.SELF_LOOP: "both references mean the same thing; it has no effect.",
}
"""Why an edge record has no edge, in words."""


@dataclass
class Related:
    """What a batch of edge records comes to."""

    created: int = 0
    updated: int = 0
    retired: int = 0
    unchanged: list[tuple[EdgeRecord, str]] = field(default_factory=list)  # as stored, and when it was seen again
    overtaken: int = 0  # of these, those whose source has said something newer since
    outdated: list[str] = field(default_factory=list)  # where those stand that something else counts in place of
    waiting: list[EdgeRecord] = field(default_factory=list)  # of those observed: without an edge, and why
    entries: list[JournalEntry] = field(default_factory=list)
    stored: int = 0  # edge records written
    confirmed: int = 0  # of those, with an edge that is as it was, or that another of them changed
    read: list[EdgeRecord] = field(default_factory=list)  # what was read, anew or again, or withdrawn
    findings: list[IdentityFinding] = field(default_factory=list)  # circles that came to be

    def add(self, other: Related) -> None:
        """Add what another change comes to."""
        self.created += other.created
        self.updated += other.updated
        self.retired += other.retired
        self.entries += other.entries
        self.stored += other.stored
        self.read += other.read
        self.findings += other.findings


def edge_image(edge: Edge) -> dict[str, Any]:
    """Give what the journal keeps of a relationship."""
    kind, source, target, _ = edge.key
    return {"type": kind, "from": source, "to": target, "attributes": edge.attributes, "retired": edge.retired}


async def relate(
    write: Write,
    model: Model,
    batch: Mapping[EdgeRecordKey, Taken[RelationshipObservation]],
    scope: Scope,
    *,
    strict: bool = False,
) -> Related:
    """Write the edge records of one batch out of a scope, by their keys, and the edges that they imply.

    With ``strict`` a record whose references do not resolve is not written; it is in ``waiting`` all the same.
    """
    result = Related()
    known = await write.edge_records(batch.keys())
    scopes = await write.scopes({scope.source})
    now = scopes.get((scope.source, scope.name), scope)
    fresh: list[EdgeRecord] = []
    late: list[EdgeRecord] = []
    for key, taken in batch.items():
        old = known.get(key)
        if old and not taken.is_news(old, seen := last_seen(old, scopes), scope.name):
            again = taken.seen if taken.digest == old.digest else seen
            result.unchanged.append((old, again))
            result.overtaken += taken.digest != old.digest or taken.seen < seen or old.scope != scope.name
            if taken.digest != old.digest or not old.present:
                result.outdated.append(taken.said.location)
            if old.edge is None and old.present:
                result.waiting.append(old)
        else:
            said = taken.said.attributes
            new = EdgeRecord(key, said, taken.seen, taken.digest, None, None, (None, None), (), scope.name)
            (fresh if now.holds(taken.seen, key) else late).append(new)
    resolved = await _resolved(write, model, fresh)
    result.waiting += [record for record in resolved if record.edge is None]
    if strict:
        resolved = [
            record
            for record in resolved
            if record.because not in (FindingCode.WAITING_REFERENCE, FindingCode.AMBIGUOUS_REFERENCE)
        ]
    late = [_withdrawn(record) for record in late]
    result.read = [*resolved, *late]
    await write.put_images(_images(known, result.read, scopes))
    await _settle(write, result.read, known.values(), result)
    return result


def _images(
    known: Mapping[EdgeRecordKey, EdgeRecord], records: Iterable[EdgeRecord], scopes: Mapping[tuple[str, str], Scope]
) -> list[Image]:
    found = []
    for new in records:
        old = known.get(new.key)
        found.append(edge_record_image(old, last_seen(old, scopes) if old else "", new))
    return found


def _withdrawn(record: EdgeRecord) -> EdgeRecord:
    return replace(record, edge=None, because=WITHDRAWN, known=(None, None), watches=())


async def withdraw(write: Write, scope: Scope, keys: Collection[EdgeRecordKey], at: str) -> Related:
    """Withdraw the edge records of a scope that its complete load at ``at`` did not have, unless seen since."""
    result = Related()
    known = await write.edge_records(keys)
    scopes = await write.scopes({scope.source})
    kept = scopes.get((scope.source, scope.name), scope).reported_since(at)
    gone = [
        replace(_withdrawn(record), seen=last_seen(record, scopes))
        for record in known.values()
        if record.present and record.scope == scope.name and last_seen(record, scopes) < at and record.key not in kept
    ]
    result.read = gone
    await write.put_images(_images(known, gone, scopes))
    await _settle(write, gone, known.values(), result)
    return result


async def forget(write: Write, keys: Collection[EdgeRecordKey]) -> Related:
    """Take edge records back as if they had never been reported."""
    result = Related()
    known = await write.edge_records(keys)
    scopes = await write.scopes({key.source for key in known})
    gone = [replace(_withdrawn(each), attributes={}, seen="", digest="") for each in known.values() if each.digest]
    result.read = gone
    await write.put_images(_images(known, gone, scopes))
    await _settle(write, gone, known.values(), result)
    return result


async def restate(
    write: Write, model: Model, records: Sequence[EdgeRecord], known: Mapping[EdgeRecordKey, EdgeRecord]
) -> Related:
    """Write these edge records in place of the known ones, those that are present resolved anew."""
    result = Related()
    present = await _resolved(write, model, [each for each in records if each.present])
    result.read = [*present, *(_withdrawn(each) for each in records if not each.present)]
    await _settle(write, result.read, known.values(), result)
    return result


async def look_again(write: Write, model: Model, keys: Collection[EdgeRecordKey]) -> Related:
    """Resolve these edge records again: the model has changed."""
    found = {key: each for key, each in (await write.edge_records(keys)).items() if each.present}
    return await _again(write, model, found)


async def reread(write: Write, model: Model, stirred: Collection[str], turned: Collection[str]) -> Related:
    """Resolve again what entities that came, went, or took another name or class could have changed."""
    touched = {record.key: record for record in await write.watching(stirred)}
    if turned:
        touched |= {record.key: record for record in await write.touching(turned)}
    return await _again(write, model, touched)


async def _again(write: Write, model: Model, touched: Mapping[EdgeRecordKey, EdgeRecord]) -> Related:
    result = Related()
    now = result.read = await _resolved(write, model, list(touched.values()))
    changed = [record for record in now if record != touched[record.key]]
    await _settle(write, changed, touched.values(), result)
    return result


async def _resolved(write: Write, model: Model, records: Sequence[EdgeRecord]) -> list[EdgeRecord]:
    """Give the records with edge, because, known ends and watches as they are now."""
    if not records:
        return []
    readings = _readings(model, records)
    answers = await write.resolve({token for each in readings.values() for token in each})
    ids = {found[0] for found in answers.values() if len(found) == 1}
    classes = await write.classes(ids)
    meanings = {of: meaning(*of, tried, answers) for of, tried in readings.items()}
    return [_read(model, record, meanings, classes) for record in records]


def _readings(model: Model, records: Iterable[EdgeRecord]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Give the readings of each reference, by whose it is and how it is written."""
    written = {(key.source, end) for key in (record.key for record in records) for end in (key.from_ref, key.to_ref)}
    return {(source, reference): tokens(model, reference, source) for source, reference in written}


async def ambiguities(write: Write, model: Model, records: Iterable[EdgeRecord]) -> dict[EdgeRecordKey, str]:
    """Say which references of these records mean several things, and what; two round trips if there are any."""
    unclear = [record for record in records if record.because == FindingCode.AMBIGUOUS_REFERENCE]
    if not unclear:
        return {}
    readings = _readings(model, unclear)
    answers = await write.resolve({token for each in readings.values() for token in each})
    meant = {of: next((answers[token] for token in each if answers.get(token)), []) for of, each in readings.items()}
    entities = await write.entities({id_ for ids in meant.values() if len(ids) > 1 for id_ in ids})
    found = {}
    for record in unclear:
        references = dict.fromkeys((record.key.from_ref, record.key.to_ref))
        both = ((reference, meant[record.key.source, reference]) for reference in references)
        found[record.key] = "; ".join(
            several(reference, [entities[id_] for id_ in ids], more=len(ids) == MOST_ANSWERS)
            for reference, ids in both
            if len(ids) > 1
        )
    return found


class Meaning(NamedTuple):
    """What a reference means now: the id, or why there is none; ``watches`` are the readings that could change it."""

    id: str | None
    because: str | None
    watches: tuple[str, ...]


def meaning(source: str, reference: str, tried: tuple[str, ...], answers: Mapping[str, list[str]]) -> Meaning:
    """Tell what a source's reference means; ``tried`` are its readings, ``answers`` what ``resolve`` gave for them."""
    hit = next((i for i, token in enumerate(tried) if answers.get(token)), None)
    if hit is None:
        return Meaning(None, FindingCode.WAITING_REFERENCE, tried)
    # a native key of the source itself comes first and can only ever mean this one
    watches = () if tried[hit] == key_token(source, reference) else tried[: hit + 1]
    found = answers[tried[hit]]
    if len(found) > 1:
        return Meaning(None, FindingCode.AMBIGUOUS_REFERENCE, watches)
    return Meaning(found[0], None, watches)


def _read(
    model: Model, record: EdgeRecord, meanings: Mapping[tuple[str, str], Meaning], classes: Mapping[str, str]
) -> EdgeRecord:
    key = record.key
    start, end = meanings[key.source, key.from_ref], meanings[key.source, key.to_ref]
    edge, because = None, start.because or end.because
    if start.id and end.id:
        edge, because = _edge(model, key, start.id, end.id, classes)
    elif FindingCode.AMBIGUOUS_REFERENCE in (start.because, end.because):
        because = FindingCode.AMBIGUOUS_REFERENCE
    watches = tuple(dict.fromkeys(start.watches + end.watches)) if start.watches or end.watches else ()
    return EdgeRecord(
        key, record.attributes, record.seen, record.digest, edge, because, (start.id, end.id), watches, record.scope
    )


def _edge(
    model: Model, key: EdgeRecordKey, source: str, target: str, classes: Mapping[str, str]
) -> tuple[EdgeKey | None, str | None]:
    """Give the edge between two ends, or why there can be none."""
    if source == target:
        return None, FindingCode.SELF_LOOP
    if not model.allows(key.type_name, classes[source], classes[target]):
        return None, FindingCode.RELATIONSHIP_NOT_ALLOWED
    return EdgeKey(key.type_name, source, target, key.group), None


async def _settle(write: Write, records: Sequence[EdgeRecord], before: Iterable[EdgeRecord], result: Related) -> None:
    """Write edge records, and every edge that they or their earlier readings speak of.

    ``before`` has those of them that the store has, as it has them.
    """
    if not records:
        return
    keys = {record.key for record in records}
    known = [old for old in before if old.key in keys]
    touched = {old.edge for old in known if old.edge}
    touched |= {record.edge for record in records if record.edge}
    stored = await write.edges(touched)
    # an edge that no record has ever resolved to is not there, and one that is not there no record resolves to
    said = await write.sayings(stored) if stored else {}
    sayings = {edge: [each for each in others if each.key not in keys] for edge, others in said.items()}
    for record in records:
        if record.edge:
            sayings.setdefault(record.edge, []).append(record)
    await write.put_edge_records(records, new=keys.difference(old.key for old in known))
    result.stored += len(records)
    changed = len(result.entries)
    await _imply(write, touched, stored, sayings, result)
    result.confirmed += max(sum(record.edge is not None for record in records) - len(result.entries) + changed, 0)


async def reweigh(write: Write, edges: Collection[EdgeKey]) -> Related:
    """Imply again the edges whose records were seen again: another word may be the newest now."""
    result = Related()
    await _imply(write, edges, await write.edges(edges), await write.sayings(edges), result)
    return result


async def _imply(
    write: Write,
    edges: Collection[EdgeKey],
    stored: Mapping[EdgeKey, Edge],
    sayings: Mapping[EdgeKey, Sequence[EdgeRecord]],
    result: Related,
) -> None:
    """Write the edges that are not as their records imply."""
    sources = {record.key.source for each in sayings.values() if len(each) > 1 for record in each}
    scopes = await write.scopes(sources) if sources else {}
    changed: list[Edge] = []
    for key in sorted(edges):
        old = stored.get(key)
        new = _implied(key, sayings.get(key, []), old, scopes)
        if new == old:
            continue
        changed.append(new)
        alive = old is not None and not old.retired
        result.retired += new.retired
        result.updated += alive and not new.retired
        result.created += not alive
        result.entries.append(JournalEntry("edge", " ".join(key), edge_image(old) if old else None, edge_image(new)))
    await write.put_edges(changed, new={each.key for each in changed if each.key not in stored})
    came_or_went = [each.key for each in changed if each.key not in stored or stored[each.key].retired != each.retired]
    result.findings += await note_circles(write, came_or_went)


def _implied(
    key: EdgeKey, sayings: Sequence[EdgeRecord], old: Edge | None, scopes: Mapping[tuple[str, str], Scope]
) -> Edge:
    """Give the edge that its records imply."""
    if not sayings:
        return Edge(key, old.attributes if old else {}, retired=True)
    return Edge(key, counting(sayings, scopes).attributes)


def counting(sayings: Sequence[EdgeRecord], scopes: Mapping[tuple[str, str], Scope]) -> EdgeRecord:
    """Give the one of a relationship's records whose word counts, whole: the newest, then by the source's name."""
    if len(sayings) == 1:
        return sayings[0]
    newest = max(last_seen(record, scopes) for record in sayings)
    latest = [record for record in sayings if last_seen(record, scopes) == newest]
    return min(latest, key=lambda record: (record.key.source, record.digest, record.key))
