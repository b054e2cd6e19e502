"""Loading: a whole load in batches, each of them one revision or none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import RevisionHead, Scope
from knockon.cmdb.loading.closing import Closing
from knockon.cmdb.loading.intake import take_in
from knockon.cmdb.loading.letters import How
from knockon.cmdb.loading.report import LoadReport
from knockon.cmdb.loading.run import LoadRun, batches
from knockon.cmdb.reconciliation.reckoning import reckon_again
from knockon.errors import BadUsage
from knockon.schema import values
from knockon.schema.observation import EntityObservation

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.intake import Intake
    from knockon.schema.model import Model
    from knockon.schema.observation import Item


async def load(
    store: Store,
    model: Model,
    items: Iterable[Item],
    *,
    source: str,
    actor: str,
    scope: str = "",
    complete: bool = False,
    strict: bool = False,
    allow_retire: bool = False,
    partial: bool = False,
    dry_run: bool = False,
    skip_unchanged: bool = False,
    file: str = "",
    replaced: Collection[str] = (),
    report: LoadReport | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> LoadReport:
    """Load one source's observations.

    Idempotent; atomic for each batch of at most 2,000 records, so that a load cut off can be
    repeated. All items are read before anything is written; memory holds a batch of them, and what
    is found and rejected. ``progress`` is told (records done, records in all), and ``report`` has by then what was
    rejected so far.

    Parameters
    ----------
    scope
        The part of what the source reports that this load is about.
    complete
        The load has all of its scope: what the scope had and the load has not is withdrawn at the end, and
        what no source reports any more is retired.
    strict
        A relationship whose reference resolves to nothing yet is rejected instead of waiting.
    partial
        Each record speaks of the attributes that it has and of no other.
    allow_retire
        Go on where the safety brake would stop a complete load.
    dry_run
        Write nothing; the report has the plan. Other writers wait meanwhile.
    skip_unchanged
        Write no entry for a complete run that brings nothing but another moment, where that does not matter: within
        a day (``reconciliation.again``), and of things whose records agree. The report has the newest revision then.
    file
        The file that the locations are in, where they do not name it.
    replaced
        The dead letters, by id, that these items say again: they are settled, whatever becomes of the items.
    report
        The one to fill, for who wants to look at it while ``progress`` is told; a new one unless given.

    Raises
    ------
    BadUsage
        The records of a complete load were seen at several moments; nothing was written.
    SafetyBrake
        A complete load would retire too much of its scope; nothing was written.
    StoreError
        What was committed before it stays.
    """
    now = values.now()
    head = RevisionHead(actor, "load", source, now, model.version, {})
    of = Scope(source, scope)
    with take_in(model, _as_partial(items) if partial else items, now) as intake:
        if complete and (partial or intake.partial):
            raise BadUsage("A complete load has whole records; load partial ones apart.")
        if complete and intake.newest and intake.moment is None:
            raise BadUsage(
                "A complete load is seen at one moment, and these files say several (`seen`); load them apart."
            )
        run = LoadRun(store, model, head, of, intake, report or LoadReport(), strict=strict)
        complete = complete and run.is_whole()
        if complete and not allow_retire:
            run.brake(await store.held(source, scope), only_say=dry_run)
        run.note_rejects()
        at = (intake.newest or now) if complete else None
        closing = Closing(model, run, intake, How(head, of, strict, file, frozenset(replaced)), skip_unchanged)

        async def work() -> None:
            await reckon_again(store, model, run.transactions, progress)
            await _batches(run, intake, progress)
            if at:
                await run.withdraw(at)
            await closing.close(at)

        if dry_run:
            run.report.plan = await run.transactions.rehearse(work)
        else:
            await work()
    run.report.revision = run.transactions.revision or (await store.revision() if skip_unchanged else 0)
    return run.report


async def _batches(run: LoadRun, intake: Intake, progress: Callable[[int, int], None]) -> None:
    total, done = sum(intake.spool.counts), 0
    for entities in batches(intake.spool.entities()):
        await run.entities(entities)
        run.report.revision = run.transactions.revision
        progress(done := done + len(entities), total)
    for relationships in batches(intake.spool.relationships()):
        await run.relationships(relationships)
        run.report.revision = run.transactions.revision
        progress(done := done + len(relationships), total)


def _as_partial(items: Iterable[Item]) -> Iterator[Item]:
    return (replace(each, partial=True) if isinstance(each, EntityObservation) else each for each in items)
