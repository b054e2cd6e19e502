"""How what a person writes is written: in one transaction, as an observation by that person, and journaled."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import RevisionHead, Scope
from knockon.cmdb.identity.findings import worded
from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.reckoning import reckon_again
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.cmdb.stewardship.words import moment_after, person_source
from knockon.cmdb.transactions import Transactions
from knockon.errors import EditInvalid, StillReported
from knockon.schema import validate, values
from knockon.schema.observation import PEOPLE, Reject

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from knockon.cmdb.contract.rows import Edge, Entity, JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.planned import Planned
    from knockon.cmdb.stewardship.words import Outweighed
    from knockon.schema.model import Model
    from knockon.schema.observation import EntityObservation


@dataclass
class Edited:
    """What an edit came to.

    ``revision`` is the one that it wrote, or the newest one where it changed nothing. ``outweighed`` are words that
    are kept and do not count, since another source is believed. ``plan`` is a dry run's, which wrote nothing.
    """

    entity: Entity
    changes: Reconciled
    outweighed: list[Outweighed] = field(default_factory=list)
    revision: int = 0
    plan: list[Planned] | None = None
    edge: Edge | None = None  # of ``relate``: the relationship as it is now

    @property
    def findings(self) -> list[str]:
        """Say in sentences what a person should look at in who is who."""
        return [worded(each) for each in (*self.changes.findings, *self.changes.related.findings)]


@dataclass(frozen=True, slots=True)
class Writing:
    """A person at a store: who writes, and why. With ``dry_run`` nothing is written, and answers have a plan.

    It is knockon ``own`` that writes what the model keeps for it (``internal``).
    """

    store: Store
    model: Model
    by: str
    reason: str = ""
    dry_run: bool = False
    own: bool = False

    def _valid(self, raw: EntityObservation) -> EntityObservation:
        said = validate.entity(self.model, replace(raw, own=self.own))
        if isinstance(said, Reject):
            raise EditInvalid(f"{said.code}: {said.message}", said.code)
        return said

    async def _written(self, kind: str, work: Callable[[Write], Awaitable[Edited]]) -> Edited:
        note = {"edit": kind, "reason": self.reason}
        head = RevisionHead(self.by, "edit", person_source(self.by), values.now(), self.model.version, note)
        transactions = Transactions(self.store, head)
        done: list[Edited] = []

        async def one(write: Write) -> tuple[Edited, list[JournalEntry], bool]:
            edited = await work(write)
            if write.revision == 1:  # a store that begins with an edit is of this model, as one that begins with a load
                await write.put_reckoned(self.model.reckoning)
            _, entries, stored = edited.changes.as_written()
            return edited, entries, stored

        async def all_of_it() -> None:
            await reckon_again(self.store, self.model, transactions)
            done.append(await transactions.write(one))

        plan = await transactions.rehearse(all_of_it) if self.dry_run else None
        if not self.dry_run:
            await all_of_it()
        edited = done[-1]
        edited.plan = plan
        edited.revision = transactions.revision or await self.store.revision()
        return edited

    async def _unsay(self, write: Write, keys: Iterable[Any]) -> Reconciled:
        changes = Reconciled()
        for record in (await write.edge_records(list(keys))).values():
            scope = Scope(record.key.source, record.scope)
            gone = await relate.withdraw(write, scope, [record.key], moment_after([record.seen]))
            changes.add(Reconciled(related=gone, stored=gone.stored))
            changes.add(await reconcile.place_again(write, self.model, [record.key]))
        return changes


def refuse_reported(what: str, sources: Iterable[str]) -> None:
    """Refuse to take away what others than people report.

    Raises
    ------
    StillReported
    """
    if others := sorted({each for each in sources if not each.startswith(PEOPLE)}):
        raise StillReported(
            f"{what} is still reported by {', '.join(others)}, and stays until it no longer is: nothing is written. "
            "Take it out of what they load, and load that completely."
        )
