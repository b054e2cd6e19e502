"""Forgetting what is long past: the journal is cut off behind a horizon, and says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import RevisionHead
from knockon.cmdb.past.changes import moment_of
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage
from knockon.schema import values

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.schema.model import Model


@dataclass(frozen=True, slots=True)
class Compacted:
    """What was forgotten: ``horizon`` is the oldest revision that can be asked about; ``entries`` are gone."""

    revision: int
    horizon: int
    entries: int


async def compact(store: Store, model: Model, before: str, *, actor: str) -> Compacted:
    """Forget what changed up to a revision or a time; itself a revision of the journal.

    The estate as it was then, and everything since, can be asked about as before. Of the revisions up to then it stays
    known who wrote them, when and from which source. One transaction: other writers wait meanwhile.

    Raises
    ------
    BadUsage
        ``before`` is no moment of the past, or lies behind the horizon already.
    StoreError
    """
    horizon = (await moment_of(store, before)).revision
    if horizon <= (known := await store.horizon()):
        raise BadUsage(f"The journal is compacted up to revision {known} already, and {before} is revision {horizon}.")
    entries = await store.count_entries(known, horizon)
    now = values.now()
    note = {"horizon": horizon, "entries": entries}
    transactions = Transactions(store, RevisionHead(actor, "compact", "", now, model.version, note))

    async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
        await write.compact(horizon)
        return None, [], True

    await transactions.write(work)
    return Compacted(transactions.revision, horizon, entries)
