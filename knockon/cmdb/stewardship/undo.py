"""Taking back what was said: all that a source ever said, or what one load of it said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from knockon.cmdb.contract.images import Image, scope_image
from knockon.cmdb.contract.rows import RevisionHead, Scope
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.reckoning import reckon_again
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.cmdb.reconciliation.unsaying import scope_unsaid, unsay
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage, ReferenceNotFound
from knockon.schema import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeVar

    from knockon.cmdb.contract.rows import Entity, JournalEntry, Revision
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.planned import Planned
    from knockon.schema.model import Model

    T = TypeVar("T")

BATCH = 2_000


async def undo_source(
    store: Store,
    model: Model,
    source: str,
    *,
    by: str,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Reconciled:
    """Take back all that a source ever said; what nobody else reports is retired, and keeps its id.

    In batches, each of them whole; one that was cut off can be repeated. ``progress`` is told (done, in all).

    Raises
    ------
    ReferenceNotFound
    """
    known = await store.reported_by(source)
    scopes = [each.name for each in (await store.scopes({source})).values() if each != Scope(source, each.name)]
    if not known.records and not known.edge_records and not scopes:
        raise ReferenceNotFound(f"No source {source} has reported anything.")
    transactions = Transactions(store, RevisionHead(by, "undo", source, values.now(), model.version, {}))
    await reckon_again(store, model, transactions, progress)
    total, done, result = len(known.records) + len(known.edge_records), 0, Reconciled()

    async def edges(write: Write, keys: Sequence[Any]) -> Reconciled:
        changes = Reconciled(related=await relate.forget(write, keys))
        changes.add(await reconcile.place_again(write, model, keys))
        return changes

    async def records(write: Write, keys: Sequence[Any]) -> Reconciled:
        return await reconcile.forget(write, model, [(source, key) for key in keys])

    async def blank(write: Write, names: Sequence[Any]) -> Reconciled:
        known = await write.scopes({source})
        await write.put_images([scope_image(known[source, name], Scope(source, name)) for name in names])
        for name in names:
            await write.put_scope(Scope(source, name))
        return Reconciled(stored=1)

    for forget, keys in ((edges, sorted(known.edge_records)), (records, sorted(known.records)), (blank, scopes)):
        for some in _batches(keys):

            async def work(
                write: Write, forget: Callable[..., Any] = forget, some: Sequence[Any] = some
            ) -> tuple[Reconciled, list[JournalEntry], bool]:
                changes: Reconciled = await forget(write, some)
                return changes.as_written()

            result.add(await transactions.write(work))
            result.forget_entries()
            done = min(done + len(some), total)
            progress(done, total)
    return result


@dataclass(frozen=True, slots=True)
class Loss:
    """What undoing a source would take away."""

    records: int
    relationships: int
    only_here: list[Entity]
    """Live things that nobody else reports, in order: they would be retired."""


async def would_lose(store: Store, source: str) -> Loss:
    """Tell what undoing a source would take away; writes nothing.

    Raises
    ------
    ReferenceNotFound
    """
    known = await store.reported_by(source)
    if not known.records and not known.edge_records:
        raise ReferenceNotFound(f"No source {source} has reported anything.")
    only_here: list[Entity] = []
    for some in _batches(sorted(known.records)):
        records = await store.records([(source, key) for key in some])
        ids = {each.entity_id for each in records.values() if each.present}
        shared = {each.entity_id for each in await store.members(ids) if each.source != source}
        only_here += (await store.entities(ids - shared)).values()
    return Loss(len(known.records), len(known.edge_records), sorted(only_here, key=lambda each: each.order))


@dataclass
class Undone:
    """What taking a load back came to; ``kept`` counts the words that something newer had taken the place of.

    ``plan`` is a dry run's, which wrote nothing.
    """

    source: str
    revisions: list[int]
    """Those of the load."""
    changes: Reconciled
    revision: int = 0
    """The last one of the undo."""
    kept: int = 0
    plan: list[Planned] | None = None


async def undo_load(
    store: Store,
    model: Model,
    revision: int,
    *,
    of: str,
    by: str,
    dry_run: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Undone:
    """Take back what one load said: what its source had said before counts again, where it has said nothing newer.

    ``revision`` is any of those that the load ``of`` a source wrote; an undo is taken back in the same way. Where the
    loads of a source came in the order in which they were seen, the estate is then as if this one had never been. A
    word that was older than what stood when it came has left no trace, and does not come back.
    In batches, each of them whole; one that was cut off can be repeated. ``progress`` is told (done, in all).

    Raises
    ------
    BadUsage
        The revision is no load of this source, or nothing of it stands any more.
    JournalCompacted
        What the load said is no longer known.
    """
    run = await _run_of(store, revision, of)
    numbers = [each.number for each in run]
    note = {"load": numbers[-1]}
    transactions = Transactions(store, RevisionHead(by, "undo", of, values.now(), model.version, note))
    result = Undone(of, numbers, Reconciled())
    total = sum(each.count for each in run)

    async def work() -> None:
        await reckon_again(store, model, transactions)
        back = await _scopes_back(store, transactions, numbers)
        earlier = {(each.source, each.name): min(each, now, key=lambda scope: scope.seen) for each, now, _ in back}
        done = 0
        for each in reversed(run):
            for images in _parts(await store.images(each.number)):
                await _unsay(transactions, model, images, earlier, result)
            done += each.count
            progress(done, total)
        for before, scope, image in back:
            await _lower(transactions, model, before, image, result)
            await _reweigh(transactions, model, scope, result)

    if dry_run:
        result.plan = await transactions.rehearse(work)
    else:
        await work()
        if not transactions.revision:
            raise BadUsage(f"Nothing that the load of revision {revision} said stands any more; nothing was written.")
        result.revision = transactions.revision
    return result


async def _run_of(store: Store, revision: int, source: str) -> list[Revision]:
    """Give the revisions that one load wrote: they have who, of what and when it began in common."""
    asked = await store.feed(revision - 1, 1) if revision > 0 else []
    if not asked:
        raise BadUsage(f"There is no revision {revision}; `knockon changes` lists them.")
    head = asked[0].head
    if head.kind not in ("load", "seen", "letters", "run", "undo", "edit"):
        raise BadUsage(f"Revision {revision} is no load but a {head.kind}; `knockon changes` lists revisions.")
    if head.source != source:
        raise BadUsage(f"Revision {revision} is a load of {head.source}, not of {source}; nothing was written.")
    found: list[Revision] = []
    since = await store.revision_at(head.at)
    while some := await store.feed(since, 20):
        own = [each for each in some if (each.head.actor, each.head.source, each.head.at) == _mark(head)]
        found += [replace(each, entries=()) for each in own]
        if any(each.head.kind == "run" for each in own):
            break
        since = some[-1].number
    return found


def _mark(head: RevisionHead) -> tuple[str, str, str]:
    return head.actor, head.source, head.at


async def _scopes_back(
    store: Store, transactions: Transactions, numbers: Iterable[int]
) -> list[tuple[Scope, Scope, Image]]:
    """Take back what a load told of scopes; give each as it was, as it is now, and the load's image of it."""
    images = [each for number in numbers for each in await store.images(number) if each.kind == "scope"]
    back: list[tuple[Scope, Scope, Image]] = []

    async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
        now = await write.scopes({image.key[0] for image in images}) if images else {}
        changed = False
        for image in reversed(images):
            source, name = image.key
            old = now.get((source, name), Scope(source, name))
            new = scope_unsaid(old, image)
            back.append((old, new, image))
            if new != old:
                await write.put_scope(new)
                await write.put_images([scope_image(old, new)])
                changed = True
        return None, [], changed

    await transactions.write(work)
    return back


async def _unsay(
    transactions: Transactions,
    model: Model,
    images: Sequence[Image],
    earlier: Mapping[tuple[str, str], Scope],
    result: Undone,
) -> None:
    async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
        return (await unsay(write, model, images, earlier)).as_written()

    changes = await transactions.write(work)
    result.kept += changes.ignored
    result.changes.add(changes)
    result.changes.forget_entries()


def _parts(images: Sequence[Image]) -> Iterator[list[Image]]:
    """Cut images into batches, the latest first, that name everything once."""
    part: dict[tuple[bool, tuple[str, ...]], Image] = {}
    for image in reversed(images):
        if image.kind == "scope":
            continue
        of = ("edge" in image.kind, image.key)
        if of in part or len(part) == BATCH:
            yield list(part.values())
            part = {}
        part[of] = image
    if part:
        yield list(part.values())


async def _lower(transactions: Transactions, model: Model, scope: Scope, image: Image, result: Undone) -> None:
    """Give an older moment to the records that a load saw as one, where each has had its own written on it since."""
    before = image.before[0] if image.before and scope.seen < image.after[0] else ""
    if not before:
        return
    held = await transactions.reader.held(scope.source, scope.name)
    after = [image.after[0], None]
    images = [Image("seen", (scope.source, key), [before], after) for key in sorted(held.records)]
    images += [Image("edge_seen", key, [before], after) for key in sorted(held.edge_records)]
    for some in _batches(images):
        await _unsay(transactions, model, some, {}, result)


async def _reweigh(transactions: Transactions, model: Model, scope: Scope, result: Undone) -> None:
    """Imply again what several records speak of, where those of this scope may have another moment now.

    Also where the scope is as it was: an undo that was cut off may have come no further than that.
    """
    held = await transactions.reader.held(scope.source, scope.name)
    for keys in _batches([(scope.source, key) for key in sorted(held.records)]):

        async def things(write: Write, keys: Sequence[Any] = keys) -> tuple[Reconciled, list[JournalEntry], bool]:
            disputed = await write.disputed(keys)
            changes = await reconcile.reweigh(write, model, disputed)
            return changes, changes.as_written()[1], bool(disputed)

        result.changes.add(await transactions.write(things))
    for edge_keys in _batches(sorted(held.edge_records)):

        async def edges(write: Write, keys: Sequence[Any] = edge_keys) -> tuple[Reconciled, list[JournalEntry], bool]:
            of = {each.edge for each in (await write.edge_records(keys)).values() if each.edge}
            changes = Reconciled(related=await relate.reweigh(write, await write.contested(of)))
            return changes, changes.as_written()[1], bool(changes.related.entries)

        result.changes.add(await transactions.write(edges))
    result.changes.forget_entries()


def _batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
