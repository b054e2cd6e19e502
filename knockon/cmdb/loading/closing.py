"""The end of a load: what was seen again, what its scope is known of now, its dead letters, and the run's own entry."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.images import scope_image, seen_image
from knockon.cmdb.contract.rows import EdgeKey, EdgeRecordKey, Scope
from knockon.cmdb.loading import letters
from knockon.cmdb.loading.report import out_of_time
from knockon.cmdb.loading.retirement import missing
from knockon.cmdb.loading.run import batches, withdraw_edges
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.again import renews
from knockon.cmdb.reconciliation.reconciled import Reconciled

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.rows import DeadLetter, JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.loading.intake import Intake
    from knockon.cmdb.loading.run import LoadRun
    from knockon.cmdb.loading.spool import Again
    from knockon.schema.model import Model


SEEN_AGAIN = 20_000
"""Unchanged records that one transaction notes as seen again: it only touches them, within a second or two."""


@dataclass(frozen=True, slots=True)
class Closing:
    """Ends one load; ``how`` is what its dead letters have in common, ``quiet`` as ``skip_unchanged`` of ``load``."""

    model: Model
    run: LoadRun
    intake: Intake
    how: letters.How
    quiet: bool = False

    async def close(self, complete: str | None) -> None:
        """Complete the report and write the load's last revisions; ``complete`` is when a complete load was seen."""
        own = await self._report()
        scope = await self._scope_now(complete)
        if not scope.seen:
            await self._note_seen()
        *most, last = letters.parts(own)
        for some in most:
            await self._note_letters(some)
        await self._note_run(scope, last, own)

    async def _report(self) -> list[DeadLetter]:
        """Complete the report; give the dead letters of this load."""
        report, intake = self.run.report, self.intake
        late = out_of_time(self.run.count_outdated, self.run.outdated, intake.newest, self.run.transactions.head)
        report.findings = [*intake.findings, *report.findings, *await self.run.standing(), *late]
        report.rejects = sorted(report.rejects, key=lambda each: in_file(each.location))
        report.skipped = dict(sorted(intake.skipped.items()))
        return letters.written(self.how, report.rejects)

    async def _scope_now(self, complete: str | None) -> Scope:
        """Give what this load knows of its scope: when it was seen as one, and what a complete one rejected."""
        seen = complete or await self._seen_as_one(self.run.transactions.reader)
        rejected: frozenset[str | EdgeRecordKey] = frozenset()
        if complete:
            rejected = rejected | self.intake.rejected_keys | self.intake.rejected_edge_keys
        return replace(self.how.scope, seen=seen or "", complete=complete or "", rejected=rejected)

    async def _seen_as_one(self, reader: Store | Write) -> str | None:
        """Give the one moment at which this load saw all that its scope holds; None if it did not.

        Who reports some attributes of a record has not seen the others.
        """
        moment, scope = self.intake.moment, self.how.scope
        if self.run.overtaken or self.intake.partial or moment is None:
            return None
        entities, relationships = self.intake.spool.counts
        wanted = (entities, relationships - self.run.unwritten)
        return moment if await reader.count_held(scope.source, scope.name) == wanted else None

    async def _note_seen(self) -> None:
        """Note on each of the unchanged records that it was seen again, some of them in each revision."""
        self._begin("seen", {})
        for part in self.intake.spool.seen_again(SEEN_AGAIN):

            async def work(write: Write, part: Sequence[Again] = part) -> tuple[Reconciled, list[JournalEntry], bool]:
                await self._touch(write, part)
                return Reconciled(), [], True

            await self.run.changed(work)

    async def _note_letters(self, some: Sequence[DeadLetter]) -> None:
        """Keep some of very many dead letters before the end of the run."""
        self._begin("letters", {})

        async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
            await letters.put(write, some)
            return None, [], True

        await self.run.transactions.write(work)

    async def _note_run(self, scope: Scope, rejected: Sequence[DeadLetter], own: Collection[DeadLetter]) -> None:
        """Write the run's own entry, with the moment of the whole scope and the last letters."""
        report = self.run.report
        self._begin("run", {"entities": asdict(report.entities), "relationships": asdict(report.relationships)})

        async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
            known = (await write.scopes({scope.source})).get((scope.source, scope.name))
            changes = await self._note_scope(write, scope) if scope.seen else Reconciled()
            changes.add(await self._reweigh(write))
            await write.put_reckoned(self.model.reckoning)
            await letters.put(write, rejected)
            settled = await letters.settle(write, self.model, self.how, self.intake, own, complete=scope.complete)
            _, entries, stored = changes.as_written()
            new = stored or settled or own or self.run.transactions.revision
            return changes, entries, not (self.quiet and not new and await self._says_it_again(write, known, scope))

        await self.run.changed(work)

    async def _says_it_again(self, write: Write, known: Scope | None, scope: Scope) -> bool:
        """Tell whether a complete load brings nothing but a moment that does not matter."""
        if known is None or not scope.complete or known.rejected != scope.rejected:
            return False
        classes = {each.said.class_name for each in self.intake.spool.entities()}
        if not classes or any(renews(self.model, each, known.complete, scope.complete) for each in classes):
            return False
        for part in self.intake.spool.seen_again(SEEN_AGAIN):
            records = [(each.key[0], each.key[1]) for each in part if _is_record(each)]
            edges = {EdgeKey(*each.edge) for each in part if each.edge}
            if await write.disputed(records) or await write.contested(edges):
                return False
        return True

    async def _note_scope(self, write: Write, scope: Scope) -> Reconciled:
        """Note when the scope was seen as one; first mend what another writer has put into it meanwhile."""
        changes = Reconciled()
        if scope.complete:
            late = missing(await write.held(scope.source, scope.name), self.intake)
            changes.add(await withdraw_edges(write, self.model, scope, late.edge_records, scope.complete))
            changes.add(await reconcile.withdraw(write, self.model, scope, late.records, scope.complete))
        elif not await self._seen_as_one(write):
            for part in self.intake.spool.seen_again(SEEN_AGAIN):
                await self._touch(write, part)
            return changes
        known = (await write.scopes({scope.source})).get((scope.source, scope.name), Scope(scope.source, scope.name))
        await write.put_scope(known.later(scope))
        await write.put_images([scope_image(known, known.later(scope))])
        return changes

    async def _touch(self, write: Write, part: Sequence[Again]) -> None:
        """Note on each of these records that it was seen again."""
        moments: dict[str, tuple[list[tuple[str, str]], list[tuple[EdgeRecordKey, str]]]] = {}
        for each in part:
            records, edge_records = moments.setdefault(each.seen, ([], []))
            if _is_record(each):
                records.append((each.key[1], each.digest))
            else:
                edge_records.append((EdgeRecordKey(*each.key), each.digest))
        for seen, (records, edge_records) in moments.items():
            await write.touch(self.how.scope.source, seen, records, edge_records)
        await write.put_images([seen_image(each.key, each.digest, each.before, each.seen) for each in part])

    async def _reweigh(self, write: Write) -> Reconciled:
        """Imply again what several records speak of and may have another newest word now."""
        changes = Reconciled()
        for part in self.intake.spool.seen_again(SEEN_AGAIN):
            contested = await write.contested({EdgeKey(*each.edge) for each in part if each.edge})
            changes.related.add(await relate.reweigh(write, contested))
            records = [(each.key[0], each.key[1]) for each in part if _is_record(each)]
            disputed = await write.disputed(records)
            for some in batches(sorted(disputed)):
                changes.add(await reconcile.reweigh(write, self.model, some))
        return changes

    def _begin(self, kind: str, note: dict[str, Any]) -> None:
        transactions = self.run.transactions
        transactions.head = replace(transactions.head, kind=kind, note=note)


def in_file(location: str) -> list[tuple[int, str]]:
    """Give the place of a location among others, where numbers go by what they are worth: line 9 before line 10."""
    return [(int(each), "") if each.isdecimal() else (-1, each) for each in re.split(r"(\d+)", location)]


def _is_record(again: Again) -> bool:
    return len(again.key) == 2  # noqa: PLR2004 - (source, key); that of an edge record has five parts
