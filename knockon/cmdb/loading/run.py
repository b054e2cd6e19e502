"""The transactions of one load: its batches, what it withdraws, and what it notes at its end."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeVar

from knockon.cmdb.contract.images import scope_image, seen_image
from knockon.cmdb.contract.rows import Scope
from knockon.cmdb.identity.finding_parents import placings
from knockon.cmdb.identity.findings import worded
from knockon.cmdb.loading import letters
from knockon.cmdb.loading.circles import Containment
from knockon.cmdb.loading.intake import Finding, in_words
from knockon.cmdb.loading.report import LoadReport, out_of_time
from knockon.cmdb.loading.retirement import missing, refuse_many
from knockon.cmdb.loading.seen_again import SeenAgain
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.cmdb.reconciliation.relate import WHY
from knockon.cmdb.reconciliation.taken import edge_record_key
from knockon.cmdb.transactions import Transactions
from knockon.errors import FindingCode, RejectCode, SafetyBrake
from knockon.schema.observation import EntityObservation, Reject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence

    from knockon.cmdb.contract.rows import (
        DeadLetter,
        EdgeRecord,
        EdgeRecordKey,
        Held,
        IdentityFinding,
        JournalEntry,
        RevisionHead,
    )
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.identity.finding_parents import Placings
    from knockon.cmdb.loading.intake import Intake
    from knockon.cmdb.loading.seen_again import Again
    from knockon.cmdb.reconciliation.relate import Related
    from knockon.cmdb.reconciliation.taken import Taken
    from knockon.schema.model import Model
    from knockon.schema.observation import RelationshipObservation

BATCH = 2_000
"""Records in one transaction at most (DESIGN.md section 3)."""

SEEN_AGAIN = 20_000
"""Unchanged records that one transaction notes as seen again: it only touches them, within a second or two."""


Meanings = dict["EdgeRecordKey", str]
"""What references mean that do not mean one thing, in words."""

One = TypeVar("One")


def batches(rows: Sequence[One], size: int | None = None) -> Iterator[list[One]]:
    """Cut rows into batches of at most ``size``, BATCH unless given."""
    size = size or BATCH
    for start in range(0, len(rows), size):
        yield list(rows[start : start + size])


class LoadRun:
    """The transactions of one load, and what they add up to."""

    def __init__(
        self,
        store: Store,
        model: Model,
        head: RevisionHead,
        scope: Scope,
        strict: bool,
        file: str = "",
        replaced: frozenset[str] = frozenset(),
    ) -> None:
        self.report = LoadReport()
        self.transactions = Transactions(store, head)
        self._model = model
        self._scope = scope
        self._strict = strict
        self._seen_again = SeenAgain()
        self._expected: Placings = {}
        self._found: dict[IdentityFinding, Finding] = {}
        self._hinted: set[tuple[str, str]] = set()
        self._overtaken = 0
        self._outdated = 0
        self._unwritten = 0
        self._store = store
        self._containment = Containment()
        self._own: list[DeadLetter] = []
        self._letters = letters.How(head, scope, strict, file, replaced)

    def is_whole(self, intake: Intake) -> bool:
        """Tell whether a load that says it is complete can be taken to be so; a finding says why not."""
        if intake.nameless_rejects:
            message = (
                f"{intake.nameless_rejects} rejected records do not say what they are about, so nothing can be "
                "taken to be missing, and nothing was retired; mend them and load again."
            )
            self.report.findings.append(Finding(FindingCode.NOT_COMPLETE, message, ""))
        return not intake.nameless_rejects

    def expect(self, intake: Intake) -> None:
        """Know beforehand in which parents this load will place its records, so that they are identified at once."""
        self._expected = placings(self._model, (edge_record_key(taken.said) for taken in intake.relationships))

    def brake(self, held: Held, intake: Intake, *, only_say: bool) -> None:
        """Stop a complete load that would retire too much; a dry run only says so."""
        try:
            refuse_many(len(missing(held, intake).records), len(held.records), self._scope)
        except SafetyBrake as refusal:
            if not only_say:
                raise
            self.report.findings.append(Finding(FindingCode.LARGE_RETIREMENT, str(refusal), ""))

    async def entities(self, batch: Sequence[Taken[EntityObservation]]) -> None:
        async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
            await self._spread(write, batch)
            changes = await reconcile.take(write, self._model, batch, self._scope, self._expected)
            return changes.as_written()

        changes = await self._changed(work)
        self._find(changes.findings, batch)
        as_they_were = {(record.source, record.key) for record, _ in changes.unchanged}
        self._hinted |= ({(t.said.source, t.said.key) for t in batch} - as_they_were) & self._expected.keys()
        counts = self.report.entities
        counts.unchanged += len(changes.unchanged) + changes.ignored
        self._overtaken += changes.overtaken
        self._outdated += changes.outdated
        self._seen_again.records(changes.unchanged)

    async def relationships(self, batch: Sequence[Taken[RelationshipObservation]]) -> None:
        async def work(write: Write) -> tuple[tuple[Related, Meanings, Reconciled], list[JournalEntry], bool]:
            await self._spread(write, batch)
            changes = await relate.relate(write, self._model, batch, self._scope, strict=self._strict)
            meanings = await relate.ambiguities(write, self._model, changes.waiting)
            placed = [each.key for each in changes.read]
            # a record that was taken with a parent in view is looked at again, whatever became of that word
            placed += [
                key for child, keys in placings(self._model, said).items() if child in self._hinted for key in keys
            ]
            moved, entries, stored = (await reconcile.place_again(write, self._model, placed)).as_written()
            return (changes, meanings, moved), [*changes.entries, *entries], bool(changes.stored) or stored

        said = {edge_record_key(taken.said): taken.said for taken in batch}
        edges, meanings, moved = await self.transactions.write(work)
        self._count(edges)
        self._count_things(moved)
        self._find(moved.findings)
        self._overtaken += edges.overtaken
        self._outdated += edges.outdated
        for record in edges.waiting:
            self._wait(record, said[record.key], meanings.get(record.key))
        counts = self.report.relationships
        still_waiting = {record.key for record in edges.waiting}
        counts.unchanged += sum(record.key not in still_waiting for record, _ in edges.unchanged) + edges.confirmed
        self._seen_again.edge_records(edges.unchanged)
        standing = [*edges.read, *(record for record, _ in edges.unchanged)]
        self._containment.note((each.edge, said[each.key].location) for each in standing if each.key in said)

    async def withdraw(self, intake: Intake, at: str) -> None:
        """Withdraw what the scope has and a complete load at this moment has not."""
        held = await self.transactions.reader.held(self._scope.source, self._scope.name)
        gone = missing(held, intake)
        for edge_keys in batches(sorted(gone.edge_records)):

            async def edges(write: Write, these: Collection[Any] = edge_keys) -> tuple[Reconciled, list[Any], bool]:
                return (await self._withdraw_edges(write, these, at)).as_written()

            await self._changed(edges)
        for keys in batches(sorted(gone.records)):

            async def entities(write: Write, these: Collection[str] = keys) -> tuple[Reconciled, list[Any], bool]:
                return (await reconcile.withdraw(write, self._model, self._scope, these, at)).as_written()

            self._find((await self._changed(entities)).findings)

    async def finish(self, intake: Intake, complete: str | None) -> None:
        """Note what was seen again and write the run's own entry; ``complete`` is when a complete load was seen."""
        report = self.report
        late = out_of_time(self._outdated, max(intake.moments, default=""), self.transactions.head)
        circles = await self._containment.circles(self._store, self.transactions.reader)
        report.findings = [*intake.findings, *report.findings, *await self._standing(), *circles, *late]
        report.rejects = [*intake.rejected_entities, *intake.rejected_relationships, *report.rejects]
        report.entities.rejected += len(intake.rejected_entities)
        report.relationships.rejected += len(intake.rejected_relationships)
        report.skipped = dict(sorted(intake.skipped.items()))
        moment = complete or await self._seen_as_one(intake, self.transactions.reader)
        parts: list[list[Again]] = [[]] if moment else list(self._seen_again.parts(SEEN_AGAIN))
        for part in parts[:-1]:
            await self._note_seen(part, "seen", {})
        rejected: frozenset[str | EdgeRecordKey] = frozenset()
        if complete:
            rejected = rejected | intake.rejected_keys | intake.rejected_edge_keys
        self._scope = replace(self._scope, seen=moment or "", complete=complete or "", rejected=rejected)
        note = {"entities": asdict(report.entities), "relationships": asdict(report.relationships)}
        self._own = letters.written(self._letters, report.rejects)
        *most, last = letters.parts(self._own)
        for some in most:
            await self._note_letters(some)
        await self._note_seen(parts[-1], "run", note, intake, last)

    def _find(self, found: Iterable[IdentityFinding], batch: Sequence[Taken[Any]] = ()) -> None:
        """Take up findings about who is who, each at the place of one of its records if it is in the batch."""
        location = {(taken.said.source, taken.said.key): taken.said.location for taken in batch}
        for each in found:
            where = next((location[key] for key in each.records if key in location), "")
            self._found[each] = Finding(FindingCode(each.code), worded(each), where)

    async def _standing(self) -> list[Finding]:
        """Give those findings about who is who that later batches have not done away with."""
        keys = {key for each in self._found for key in each.records}
        kept = {each.id for each in await self.transactions.reader.findings_about(keys)} if keys else set()
        return [said for each, said in self._found.items() if each.id in kept or not each.records]

    async def _seen_as_one(self, intake: Intake, reader: Store | Write) -> str | None:
        """Give the one moment at which this load saw all that its scope holds; None if it did not.

        Who reports some attributes of a record has not seen the others.
        """
        moments = intake.moments
        if self._overtaken or len(moments) != 1 or any(taken.said.partial for taken in intake.entities):
            return None
        wanted = (len(intake.entities), len(intake.relationships) - self._unwritten)
        return moments.pop() if await reader.count_held(self._scope.source, self._scope.name) == wanted else None

    async def _note_seen(
        self,
        part: list[Again],
        kind: str,
        note: dict[str, Any],
        intake: Intake | None = None,
        rejected: Sequence[DeadLetter] = (),
    ) -> None:
        """Note what was seen again; with ``intake``, at the end of the run, the moment of the whole scope too.

        There the dead letters are kept of what was rejected, and settled of what was not.
        """
        self.transactions.head = replace(self.transactions.head, kind=kind, note=note)

        async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
            changes = Reconciled()
            if intake and self._scope.seen:
                changes.add(await self._note_scope(write, intake))
            await self._touch(write, part)
            if intake:
                changes.add(await self._reweigh(write))
                await write.put_reckoned(self._model.reckoning)
                await letters.put(write, rejected)
                at = self._scope.complete
                await letters.settle(write, self._model, self._letters, intake, self._own, complete=at)
            return changes, changes.as_written()[1], True

        await self._changed(work)

    async def _note_letters(self, some: Sequence[DeadLetter]) -> None:
        """Keep some of very many dead letters before the end of the run."""
        self.transactions.head = replace(self.transactions.head, kind="letters", note={})

        async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
            await letters.put(write, some)
            return None, [], True

        await self.transactions.write(work)

    async def _reweigh(self, write: Write) -> Reconciled:
        """Imply again what several records speak of and may have another newest word now."""
        changes = Reconciled()
        edges, records = self._seen_again.edges, self._seen_again.keys
        contested = {key for some in batches(sorted(edges), SEEN_AGAIN) for key in await write.contested(some)}
        changes.related.add(await relate.reweigh(write, contested))
        named = [(self._scope.source, key) for key in sorted(records)]
        disputed = {id_ for some in batches(named, SEEN_AGAIN) for id_ in await write.disputed(some)}
        for some in batches(sorted(disputed)):
            changes.add(await reconcile.reweigh(write, self._model, some))
        return changes

    async def _note_scope(self, write: Write, intake: Intake) -> Reconciled:
        """Note when the scope was seen as one; first mend what another writer has put into it meanwhile."""
        scope = self._scope
        changes = Reconciled()
        if scope.complete:
            late = missing(await write.held(scope.source, scope.name), intake)
            changes.add(await self._withdraw_edges(write, late.edge_records, scope.complete))
            changes.add(await reconcile.withdraw(write, self._model, scope, late.records, scope.complete))
        elif not await self._seen_as_one(intake, write):
            await self._touch(write, next(self._seen_again.parts(len(intake.entities) + len(intake.relationships))))
            return changes
        known = (await write.scopes({scope.source})).get((scope.source, scope.name), Scope(scope.source, scope.name))
        await write.put_scope(known.later(scope))
        await write.put_images([scope_image(known, known.later(scope))])
        return changes

    async def _touch(self, write: Write, part: Iterable[Again]) -> None:
        """Note on each of these records that it was seen again."""
        for seen, records, edge_records in part:
            keys = [(record.key, record.digest) for record in records]
            edge_keys = [(record.key, record.digest) for record in edge_records]
            await write.touch(self._scope.source, seen, keys, edge_keys)
            await write.put_images([seen_image(each, seen) for some in (records, edge_records) for each in some])

    async def _withdraw_edges(self, write: Write, keys: Collection[EdgeRecordKey], at: str) -> Reconciled:
        changes = Reconciled(related=await relate.withdraw(write, self._scope, keys, at))
        changes.stored = changes.related.stored
        changes.add(await reconcile.place_again(write, self._model, [each.key for each in changes.related.read]))
        return changes

    async def _spread(self, write: Write, batch: Sequence[Taken[Any]]) -> None:
        """Before a record joins a scope that was seen as one later than it: give each of the others its own moment."""
        scopes = await write.scopes({self._scope.source})
        known = scopes.get((self._scope.source, self._scope.name))
        if known and known.seen > known.complete and any(taken.seen < known.seen for taken in batch):
            await write.spread_seen(known)

    async def _changed(
        self, work: Callable[[Write], Awaitable[tuple[Reconciled, list[JournalEntry], bool]]]
    ) -> Reconciled:
        changes = await self.transactions.write(work)
        self._count_things(changes)
        return changes

    def _count_things(self, changes: Reconciled) -> None:
        counts = self.report.entities
        counts.created += changes.created
        counts.updated += changes.updated
        counts.retired += changes.retired
        self._count(changes.related)

    def _count(self, edges: Related) -> None:
        counts = self.report.relationships
        counts.created += edges.created
        counts.updated += edges.updated
        counts.retired += edges.retired

    def _wait(self, record: EdgeRecord, said: RelationshipObservation, meaning: str | None) -> None:
        text = record.key.words
        counts = self.report.relationships
        if self._strict and record.because in (FindingCode.WAITING_REFERENCE, FindingCode.AMBIGUOUS_REFERENCE):
            if meaning:
                message = f"{text}: {meaning}. Use source:key or an id, or load without --strict: then it waits."
            else:
                message = f"{text}: what it refers to is not there yet; load that first, or load without --strict."
            self.report.rejects.append(
                Reject(
                    RejectCode.UNRESOLVED_REFERENCE,
                    message,
                    said.location,
                    said.record or in_words(said),
                    "relationship",
                    record.seen,
                    about=record.key[1:],
                )
            )
            counts.rejected += 1
            self._unwritten += 1
            return
        counts.waiting += 1
        finding = FindingCode(record.because or "")
        why = f"{meaning}. It waits until only one is left." if meaning else WHY[finding]
        self.report.findings.append(Finding(finding, f"{text}: {why}", said.location))
