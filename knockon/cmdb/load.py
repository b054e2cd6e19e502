"""Loading: a whole load in batches, each of them one revision or none."""

from __future__ import annotations

import asyncio
import random
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from knockon.cmdb.intake import Finding, edge_record_key, take_in
from knockon.cmdb.reconcile import Reconciled, reconcile
from knockon.cmdb.relate import WHY, Related, ambiguities, relate, reread, reweigh
from knockon.cmdb.rows import RevisionHead
from knockon.errors import FindingCode, RejectCode, StoreBusy
from knockon.schema.observation import Reject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from knockon.cmdb.contract import Store, Write
    from knockon.cmdb.intake import Intake, Taken
    from knockon.cmdb.rows import EdgeRecord, EdgeRecordKey, JournalEntry
    from knockon.schema.model import Model
    from knockon.schema.observation import EntityObservation, Item, RelationshipObservation

BATCH = 2_000
"""Records in one transaction at most (DESIGN.md section 3)."""

SEEN_AGAIN = 20_000
"""Unchanged records that one transaction notes as seen again: it only touches them, within a second or two."""

ATTEMPTS = 6


@dataclass
class Counts:
    """What became of the records of a load; a relationship that waited and now stands is ``created``."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    retired: int = 0
    rejected: int = 0
    waiting: int = 0


@dataclass
class LoadReport:
    """The answer to a load: DESIGN.md section 8."""

    revision: int = 0
    entities: Counts = field(default_factory=Counts)
    relationships: Counts = field(default_factory=Counts)
    findings: list[Finding] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the ``--json`` form."""
        return {
            "revision": self.revision,
            **asdict(self.entities),
            "relationships": asdict(self.relationships),
            "findings": [asdict(each) for each in self.findings],
            "rejects": [asdict(each) for each in self.rejects],
            "skipped": self.skipped,
        }


async def load(
    store: Store,
    model: Model,
    items: Iterable[Item],
    *,
    source: str,
    actor: str,
    strict: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> LoadReport:
    """Load one source's observations.

    Idempotent; atomic for each batch of at most 2,000 records, so that a load cut off can be
    repeated. ``progress`` is told (records done, records in all). With ``strict`` a relationship
    whose reference resolves to nothing yet is rejected instead of waiting.

    Raises
    ------
    StoreError
        What was committed before it stays.
    """
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    intake = take_in(model, items, now)
    run = _Run(store, model, RevisionHead(actor, "load", source, now, model.version, {}), strict)
    total = len(intake.entities) + len(intake.relationships)
    done = 0
    for entities in _batches(intake.entities):
        await run.entities(entities)
        progress(done := done + len(entities), total)
    for relationships in _batches(intake.relationships):
        await run.relationships(relationships)
        progress(done := done + len(relationships), total)
    return await run.finish(intake)


Meanings = dict["EdgeRecordKey", str]
"""What references mean that do not mean one thing, in words."""

One = TypeVar("One")
T = TypeVar("T")


def _batches(rows: Sequence[One]) -> Iterator[list[One]]:
    for start in range(0, len(rows), BATCH):
        yield list(rows[start : start + BATCH])


class _NothingToWrite(Exception):
    """Rolls a transaction back, so that a batch without changes uses no revision."""


class _Run:
    """The transactions of one load, and what they add up to."""

    def __init__(self, store: Store, model: Model, head: RevisionHead, strict: bool) -> None:
        self._store = store
        self._model = model
        self._head = head
        self._strict = strict
        self._report = LoadReport()
        self._seen_again = SeenAgain()

    async def entities(self, batch: Sequence[Taken[EntityObservation]]) -> None:
        async def work(write: Write) -> tuple[tuple[Reconciled, Related], list[JournalEntry], bool]:
            changes = await reconcile(write, self._model, batch)
            edges = await reread(write, self._model, changes.stirred, changes.reclassed)
            return (changes, edges), [*changes.entries, *edges.entries], bool(changes.entries)

        changes, edges = await self._write(work)
        counts = self._report.entities
        counts.created += changes.created
        counts.updated += changes.updated
        counts.unchanged += len(changes.unchanged)
        self._seen_again.records(changes.unchanged)
        self._count(edges)

    async def relationships(self, batch: Sequence[Taken[RelationshipObservation]]) -> None:
        async def work(write: Write) -> tuple[tuple[Related, Meanings], list[JournalEntry], bool]:
            changes = await relate(write, self._model, batch, strict=self._strict)
            meanings = await ambiguities(write, self._model, changes.waiting)
            return (changes, meanings), changes.entries, bool(changes.stored)

        edges, meanings = await self._write(work)
        self._count(edges)
        said = {edge_record_key(taken.said): taken.said for taken in batch}
        for record in edges.waiting:
            self._wait(record, said[record.key], meanings.get(record.key))
        counts = self._report.relationships
        still_waiting = {record.key for record in edges.waiting}
        counts.unchanged += sum(record.key not in still_waiting for record, _ in edges.unchanged) + edges.confirmed
        self._seen_again.edge_records(edges.unchanged)

    async def finish(self, intake: Intake) -> LoadReport:
        """Note what was seen again and write the run's own entry."""
        report = self._report
        report.findings = [*intake.findings, *report.findings]
        report.rejects = [*intake.rejected_entities, *intake.rejected_relationships, *report.rejects]
        report.entities.rejected += len(intake.rejected_entities)
        report.relationships.rejected += len(intake.rejected_relationships)
        report.skipped = dict(sorted(intake.skipped.items()))
        parts = list(self._seen_again.parts(SEEN_AGAIN))
        for part in parts[:-1]:
            await self._note_seen(part, "seen", {})
        note = {"entities": asdict(report.entities), "relationships": asdict(report.relationships)}
        await self._note_seen(parts[-1], "run", note)
        return report

    async def _note_seen(self, part: list[Again], kind: str, note: dict[str, Any]) -> None:
        self._head = replace(self._head, kind=kind, note=note)

        async def work(write: Write) -> tuple[Related, list[JournalEntry], bool]:
            for seen, keys, edge_keys in part:
                await write.touch(self._head.source, seen, keys, edge_keys)
            spoken_of = await write.edge_records([key for _, _, edge_keys in part for key, _ in edge_keys])
            edges = await reweigh(write, {record.edge for record in spoken_of.values() if record.edge})
            return edges, edges.entries, True

        self._count(await self._write(work))

    def _count(self, edges: Related) -> None:
        counts = self._report.relationships
        counts.created += edges.created
        counts.updated += edges.updated
        counts.retired += edges.retired

    def _wait(self, record: EdgeRecord, said: RelationshipObservation, meaning: str | None) -> None:
        text = record.key.words
        counts = self._report.relationships
        if self._strict and record.because in (FindingCode.WAITING_REFERENCE, FindingCode.AMBIGUOUS_REFERENCE):
            if meaning:
                message = f"{text}: {meaning}. Use source:key or an id, or load without --strict: then it waits."
            else:
                message = f"{text}: what it refers to is not there yet; load that first, or load without --strict."
            self._report.rejects.append(
                Reject(RejectCode.UNRESOLVED_REFERENCE, message, said.location, said.record, "relationship")
            )
            counts.rejected += 1
            return
        counts.waiting += 1
        finding = FindingCode(record.because or "")
        why = f"{meaning}. It waits until only one is left." if meaning else WHY[finding]
        self._report.findings.append(Finding(finding, f"{text}: {why}", said.location))

    async def _write(self, work: Callable[[Write], Awaitable[tuple[T, list[JournalEntry], bool]]]) -> T:
        """Do work in one transaction: again when the store is busy, rolled back when it changed nothing."""
        for attempt in range(ATTEMPTS):
            try:
                async with self._store.write() as write:
                    result, entries, changed = await work(write)
                    if not changed:
                        raise _NothingToWrite
                    await write.journal(self._head, entries)
                    self._report.revision = write.revision
            except _NothingToWrite:
                return result
            except StoreBusy:
                if attempt == ATTEMPTS - 1:
                    raise
                await asyncio.sleep(random.uniform(0.5, 1) * 0.1 * 2**attempt)  # noqa: S311 - jitter
            else:
                return result
        raise AssertionError("unreachable")


Again = tuple[str, list[tuple[str, str]], list[tuple["EdgeRecordKey", str]]]
"""Seen at this moment again: (key, digest) of records, and of edge records."""


class SeenAgain:
    """Unchanged records, in the order in which they came."""

    def __init__(self) -> None:
        self._records: list[tuple[str, str, str]] = []
        self._edge_records: list[tuple[str, EdgeRecordKey, str]] = []

    def records(self, unchanged: Iterable[Taken[EntityObservation]]) -> None:
        self._records += [(taken.seen, taken.said.key, taken.digest) for taken in unchanged]

    def edge_records(self, unchanged: Iterable[tuple[EdgeRecord, str]]) -> None:
        self._edge_records += [(seen, record.key, record.digest) for record, seen in unchanged if seen > record.seen]

    def parts(self, size: int) -> Iterator[list[Again]]:
        """Cut them into parts of at most ``size`` records and ``size`` edge records; at least one part."""
        for start in range(0, max(len(self._records), len(self._edge_records), 1), size):
            moments: dict[str, Again] = {}
            for seen, key, content in self._records[start : start + size]:
                moments.setdefault(seen, (seen, [], []))[1].append((key, content))
            for seen, edge_key, content in self._edge_records[start : start + size]:
                moments.setdefault(seen, (seen, [], []))[2].append((edge_key, content))
            yield list(moments.values())
