"""Taking back what one write had sources say, as far as nothing newer has taken its place since."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from knockon.cmdb.contract.images import edge_record_image, record_image, rejected_of, scope_state
from knockon.cmdb.contract.rows import WITHDRAWN, EdgeRecordKey, Record, Scope, last_seen
from knockon.cmdb.reconciliation import relate
from knockon.cmdb.reconciliation.following import Following
from knockon.cmdb.reconciliation.reconcile import place_again

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import EdgeRecord
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.reconciliation.reconciled import Reconciled
    from knockon.schema.model import Model


async def unsay(
    write: Write, model: Model, images: Sequence[Image], earlier: Mapping[tuple[str, str], Scope]
) -> Reconciled:
    """Take back the words of one write, given by their images, and all that follows; an image of its own for each.

    ``result.ignored`` counts the words that something newer has taken the place of. Scopes are to be as they are
    without that write; ``earlier`` has those that were older until they were made so: that is no newer word. Of
    several writes, the latest is taken back first.
    """
    of_records = {each.key: each for each in images if each.kind in ("record", "seen")}
    of_edges = {EdgeRecordKey(*each.key): each for each in images if each.kind in ("edge", "edge_seen")}
    stored = await write.records([(source, key) for source, key in of_records])
    known = await write.edge_records(of_edges)
    sources = {source for source, _ in stored} | {key.source for key in known}
    scopes = await write.scopes(sources) if sources else {}
    seen_by = {**scopes, **earlier}
    records = [
        (old, record_unsaid(old, of_records[key], last_seen(old, seen_by), scopes)) for key, old in stored.items()
    ]
    edges = [(old, edge_unsaid(old, of_edges[key], last_seen(old, seen_by), scopes)) for key, old in known.items()]
    changed = [new for old, new in records if new != old]
    restated = [new for old, new in edges if new != old]
    await write.put_images(
        [record_image(old, last_seen(old, scopes), new) for old, new in records if new != old]
        + [edge_record_image(old, last_seen(old, scopes), new) for old, new in edges if new != old]
    )
    result = await Following(write, model, stored).follow(changed)
    result.related.add(await relate.restate(write, model, restated, known))
    result.ignored += len(of_records) + len(of_edges) - len(changed) - len(restated)
    result.add(await place_again(write, model, [each.key for each in restated]))
    return result


def record_unsaid(now: Record, image: Image, last: str, scopes: Mapping[tuple[str, str], Scope]) -> Record:
    """Give a record without the word of one write, the words of others as they stand now.

    Three parts are taken back each for itself, where they are still as that write left them: the whole word (class,
    attributes), each register, and the place (scope, presence). ``last`` is when the record was last seen,
    ``scopes`` are as they are without that write.
    """
    if image.kind == "seen":
        return replace(now, seen=image.before[0]) if image.before and _is_seen(now, image) else now
    seen, digest, whole, scope, present, registers, latest = image.after
    before = _record_before(now, image)
    new = now
    stands = (now.seen, now.digest, now.whole) == (seen, digest, whole) and last <= seen
    if stands:
        new = replace(
            new, class_name=before.class_name, attributes=before.attributes, seen=before.seen, digest=before.digest,
            whole=before.whole,
        )  # fmt: skip
    held = dict(now.registers)
    for name, (value, at) in registers.items():
        if held.get(name) == (value, at):
            del held[name]
            held |= {name: before.registers[name]} if name in before.registers else {}
    if stands:  # what its whole word had ended counts again
        held = {**{name: each for name, each in before.registers.items() if name not in registers}, **held}
    new = replace(new, registers=held)
    newest_is_its = list(now.latest or (now.seen, not now.whole, now.digest)) == (latest or [seen, not whole, digest])
    if newest_is_its and (now.scope, now.present) == (scope, present) and last <= seen:
        new = replace(new, scope=before.scope, latest=before.latest)
        newest = max(new.seen, new.latest[0] if new.latest else "")
        holding = scopes.get((new.source, new.scope), Scope(new.source, new.scope))
        new = replace(new, present=before.present and holding.holds(newest, new.key))
    if not new.digest and new.latest:  # only partial reports are left
        new = replace(new, seen=new.latest[0], digest=new.latest[2], whole=False, latest=None)
    return new


def _is_seen(now: Record | EdgeRecord, image: Image) -> bool:
    """Tell whether a record was last seen when the image says; one without a digest is of any content."""
    seen, digest = image.after
    return now.seen == seen and now.digest == (digest or now.digest)


def _record_before(now: Record, image: Image) -> Record:
    if image.before is None:
        return Record(now.source, now.key, now.entity_id, now.class_name, {}, "", "", now.scope, present=False)
    class_name, attributes, seen, digest, whole, scope, present, registers, latest = image.before
    return Record(
        now.source, now.key, now.entity_id, class_name, attributes, seen, digest, scope, present,
        registers={name: (value, at) for name, (value, at) in registers.items()},
        latest=tuple(latest) if latest else None, whole=whole,
    )  # fmt: skip


def edge_unsaid(now: EdgeRecord, image: Image, last: str, scopes: Mapping[tuple[str, str], Scope]) -> EdgeRecord:
    """Give an edge record without the word of one write; which edge it means is for others to read."""
    if image.kind == "edge_seen":
        return replace(now, seen=image.before[0]) if image.before and _is_seen(now, image) else now
    if [now.seen, now.digest, now.scope, now.present] != image.after or last > now.seen:
        return now
    attributes, seen, digest, scope, present = image.before or [{}, "", "", now.scope, False]
    holding = scopes.get((now.key.source, scope), Scope(now.key.source, scope))
    because = None if present and holding.holds(seen, now.key) else WITHDRAWN
    return replace(now, attributes=attributes, seen=seen, digest=digest, scope=scope, because=because)


def scope_unsaid(now: Scope, image: Image) -> Scope:
    """Give what is known of a scope without one write."""
    seen, complete, rejected = image.before or ["", "", []]
    after_seen, *after_complete = image.after
    if now.seen == after_seen:
        now = replace(now, seen=seen)
    if scope_state(now)[1:] == after_complete:
        now = replace(now, complete=complete, rejected=rejected_of(rejected))
    return now
