"""The batches of one load: each of them one transaction, and what they add up to."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from knockon.cmdb.contract.rows import THING
from knockon.cmdb.identity.finding_parents import placings
from knockon.cmdb.identity.findings import worded
from knockon.cmdb.loading.intake import Finding, in_words
from knockon.cmdb.loading.retirement import missing, refuse_many, refuse_nothing
from knockon.cmdb.loading.spool import Again
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.circles import CIRCLE, CONTAINS
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.cmdb.reconciliation.relate import WHY
from knockon.cmdb.reconciliation.taken import edge_record_key
from knockon.cmdb.transactions import Transactions
from knockon.errors import FindingCode, RejectCode, SafetyBrake
from knockon.schema.observation import EntityObservation, Reject
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from knockon.cmdb.contract.rows import (
        EdgeKey,
        EdgeRecord,
        EdgeRecordKey,
        Held,
        IdentityFinding,
        JournalEntry,
        RevisionHead,
        Scope,
    )
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.loading.intake import Intake
    from knockon.cmdb.loading.report import LoadReport
    from knockon.cmdb.reconciliation.relate import Related
    from knockon.cmdb.reconciliation.taken import Taken
    from knockon.schema.model import Model
    from knockon.schema.observation import RelationshipObservation

BATCH = 2_000
"""Records in one transaction at most (DESIGN.md section 3)."""

OUTDATED_NAMED = 5

Meanings = dict["EdgeRecordKey", str]
"""What references mean that do not mean one thing, in words."""

One = TypeVar("One")


def batches(rows: Iterable[One], size: int | None = None) -> Iterator[list[One]]:
    """Cut rows into batches of at most ``size``, BATCH unless given."""
    rest = iter(rows)
    while some := list(islice(rest, size or BATCH)):
        yield some


class LoadRun:
    """The batches of one load."""

    def __init__(
        self,
        store: Store,
        model: Model,
        head: RevisionHead,
        scope: Scope,
        intake: Intake,
        report: LoadReport,
        *,
        strict: bool,
    ) -> None:
        self.report = report
        self.transactions = Transactions(store, head)
        self.overtaken = 0
        """Records that say what their source has said something newer about since, or elsewhere."""
        self.outdated: list[str] = []
        """Where the first records stand in place of which something else counts that their source has said."""
        self.count_outdated = 0
        self.unwritten = 0
        """Relationships that a strict load has not written."""
        self._store = store
        self._model = model
        self._scope = scope
        self._intake = intake
        self._strict = strict
        self._found: dict[IdentityFinding, Finding] = {}

    def is_whole(self) -> bool:
        """Tell whether a load that says it is complete can be taken to be so; a finding says why not."""
        nameless = self._intake.nameless_rejects
        if nameless:
            rejected = counted(nameless, "rejected record does", "rejected records do")
            message = (
                f"{rejected} not say what it is about, so nothing can be taken to be missing, and nothing was retired; "
                "mend what is rejected and load again."
            )
            self.report.findings.append(Finding(FindingCode.NOT_COMPLETE, message, ""))
        return not nameless

    def brake(self, held: Held, *, only_say: bool) -> None:
        """Stop a complete load that would retire too much; a dry run only says so."""
        try:
            if held.records and not any(self._intake.spool.counts) and not self.report.rejects:
                refuse_nothing(len(held.records), self._scope)
            refuse_many(len(missing(held, self._intake).records), len(held.records), self._scope)
        except SafetyBrake as refusal:
            if not only_say:
                raise
            self.report.findings.append(Finding(FindingCode.LARGE_RETIREMENT, str(refusal), ""))

    def note_rejects(self) -> None:
        """Report what was rejected when it was read: who follows the load hears of it with the first batch."""
        things, links = self._intake.rejected_entities, self._intake.rejected_relationships
        self.report.rejects += [*things, *links]
        self.report.entities.rejected += len(things)
        self.report.relationships.rejected += len(links)

    async def entities(self, batch: Sequence[Taken[EntityObservation]]) -> None:
        """Load some things; in which parents this load will place them later is known already."""
        spool, source = self._intake.spool, self._scope.source
        expected = spool.placings(source, {taken.said.key for taken in batch})

        async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
            await self._spread(write, batch)
            changes = await reconcile.take(write, self._model, batch, self._scope, expected)
            return changes.as_written()

        changes = await self.changed(work)
        self._find(changes.findings, batch)
        as_they_were = {record.key for record, _ in changes.unchanged}
        spool.hint(key for _, key in expected if key not in as_they_were)
        counts = self.report.entities
        counts.unchanged += len(changes.unchanged) + changes.ignored
        self.overtaken += changes.overtaken
        self._note_outdated(changes.outdated)
        spool.see_again(
            Again((record.source, record.key), record.digest, record.seen, seen)
            for record, seen in changes.unchanged
            if seen > record.seen
        )

    async def relationships(self, batch: Sequence[Taken[RelationshipObservation]]) -> None:
        """Load some relationships, and look again at the things that they place in a parent."""
        said = {edge_record_key(taken.said): taken for taken in batch}
        children = placings(self._model, said)
        hinted = self._intake.spool.hinted({key for _, key in children})

        async def work(write: Write) -> tuple[tuple[Related, Meanings, Reconciled], list[JournalEntry], bool]:
            await self._spread(write, batch)
            changes = await relate.relate(write, self._model, said, self._scope, strict=self._strict)
            meanings = await relate.ambiguities(write, self._model, changes.waiting)
            placed = [each.key for each in changes.read]
            # a record that was taken with a parent in view is looked at again, whatever became of that word
            placed += [key for (_, child), keys in children.items() if child in hinted for key in keys]
            moved, entries, stored = (await reconcile.place_again(write, self._model, placed)).as_written()
            return (changes, meanings, moved), [*changes.entries, *entries], bool(changes.stored) or stored

        edges, meanings, moved = await self.transactions.write(work)
        self._count(edges)
        self._count_things(moved)
        self._find(moved.findings)
        self.overtaken += edges.overtaken
        self._note_outdated(edges.outdated)
        for record in edges.waiting:
            self._wait(record, said[record.key].said, meanings.get(record.key))
        counts = self.report.relationships
        still_waiting = {record.key for record in edges.waiting}
        counts.unchanged += sum(record.key not in still_waiting for record, _ in edges.unchanged) + edges.confirmed
        self._intake.spool.see_again(
            Again(tuple(record.key), record.digest, record.seen, seen, tuple(record.edge) if record.edge else None)
            for record, seen in edges.unchanged
            if seen > record.seen
        )
        standing = [*edges.read, *(record for record, _ in edges.unchanged)]
        containing = [each for each in standing if each.key.type_name == CONTAINS and each.key in said]
        await self._find_circles({each.edge: said[each.key].said.location for each in containing if each.edge})

    async def _find_circles(self, places: Mapping[EdgeKey, str]) -> None:
        """Take up the circles of containment that these relationships are part of, each at the first of its places."""
        ends = {(THING, end) for edge in places for end in edge[1:3]}
        for each in await self.transactions.reader.findings_about(ends) if ends else ():
            ring = {id_ for _, id_ in each.records}
            told = [at for edge, at in places.items() if ring >= {*edge[1:3]}]
            if each.code in CIRCLE and told and each not in self._found:
                self._found[each] = Finding(FindingCode.CONTAINMENT_CIRCLE, worded(each), min(told), each)

    async def withdraw(self, at: str) -> None:
        """Withdraw what the scope has and a complete load at this moment has not."""
        held = await self.transactions.reader.held(self._scope.source, self._scope.name)
        gone = missing(held, self._intake)
        for edge_keys in batches(sorted(gone.edge_records)):

            async def edges(write: Write, these: Collection[Any] = edge_keys) -> tuple[Reconciled, list[Any], bool]:
                return (await withdraw_edges(write, self._model, self._scope, these, at)).as_written()

            self._find((await self.changed(edges)).findings)
        for keys in batches(sorted(gone.records)):

            async def entities(write: Write, these: Collection[str] = keys) -> tuple[Reconciled, list[Any], bool]:
                return (await reconcile.withdraw(write, self._model, self._scope, these, at)).as_written()

            self._find((await self.changed(entities)).findings)

    async def standing(self) -> list[Finding]:
        """Give those findings about who is who that later batches have not done away with."""
        keys = {key for each in self._found for key in each.records}
        kept = {each.id for each in await self.transactions.reader.findings_about(keys)} if keys else set()
        return [said for each, said in self._found.items() if each.id in kept or not each.records]

    async def changed(
        self, work: Callable[[Write], Awaitable[tuple[Reconciled, list[JournalEntry], bool]]]
    ) -> Reconciled:
        """Do work in one transaction, and count what became of things and relationships by it."""
        changes = await self.transactions.write(work)
        self._count_things(changes)
        return changes

    def _note_outdated(self, locations: Sequence[str]) -> None:
        self.count_outdated += len(locations)
        self.outdated = [*self.outdated, *locations][:OUTDATED_NAMED]

    def _find(self, found: Iterable[IdentityFinding], batch: Sequence[Taken[Any]] = ()) -> None:
        """Take up findings about who is who, each at the place of one of its records if it is in the batch."""
        location = {(taken.said.source, taken.said.key): taken.said.location for taken in batch}
        for each in found:
            where = next((location[key] for key in each.records if key in location), "")
            if where or each not in self._found:
                self._found[each] = Finding(FindingCode(each.code), worded(each), where, each)

    async def _spread(self, write: Write, batch: Sequence[Taken[Any]]) -> None:
        """Before a record joins a scope that was seen as one later than it: give each of the others its own moment."""
        scopes = await write.scopes({self._scope.source})
        known = scopes.get((self._scope.source, self._scope.name))
        if known and known.seen > known.complete and any(taken.seen < known.seen for taken in batch):
            await write.spread_seen(known)

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
            self.unwritten += 1
            return
        counts.waiting += 1
        finding = FindingCode(record.because or "")
        why = f"{meaning}. It waits until only one is left." if meaning else WHY[finding]
        self.report.findings.append(Finding(finding, f"{text}: {why}", said.location))


async def withdraw_edges(
    write: Write, model: Model, scope: Scope, keys: Collection[EdgeRecordKey], at: str
) -> Reconciled:
    """Withdraw edge records, and look again at the things that they placed in a parent."""
    changes = Reconciled(related=await relate.withdraw(write, scope, keys, at))
    changes.stored = changes.related.stored
    changes.add(await reconcile.place_again(write, model, [each.key for each in changes.related.read]))
    return changes
