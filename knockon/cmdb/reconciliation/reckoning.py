"""The estate under another model: what was identified and resolved under the old one is looked at again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.reconciliation import reconcile, relate
from knockon.cmdb.reconciliation.circles import note_circles
from knockon.cmdb.reconciliation.reconciled import Reconciled
from knockon.errors import ModelInvalid
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from knockon.cmdb.contract.rows import EdgeRecordKey, JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.transactions import Transactions
    from knockon.schema.model import Model

BATCH = 2_000


async def reckon_again(
    store: Store,
    model: Model,
    transactions: Transactions,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Reconciled | None:
    """Make the estate what this model makes of what the sources have said; None where it is that already.

    In batches, each of them whole; one that was cut off is begun again. Costs as much as loading all records again.

    Raises
    ------
    ModelInvalid
        There are records of a class that the model does not have.
    """
    if await store.reckoned() == model.reckoning or not await store.revision():
        return None
    keys, edge_keys = await store.every_record()
    unknown = {class_name for class_name in keys if class_name not in model.classes}
    if unknown:
        listed = ", ".join(f"{name} ({counted(len(keys[name]), 'record')})" for name in sorted(unknown))
        raise ModelInvalid(
            f"The store has records of classes that the model lacks: {listed}. Use the model files that have them."
        )
    records = sorted(key for each in keys.values() for key in each)
    result, done, total = Reconciled(), 0, len(records) + len(edge_keys)

    async def things(write: Write, some: Sequence[Any]) -> Reconciled:
        return await reconcile.look_again(write, model, some)

    async def edges(write: Write, some: Sequence[EdgeRecordKey]) -> Reconciled:
        changes = Reconciled(related=await relate.look_again(write, model, some))
        changes.add(await reconcile.place_again(write, model, some))
        await note_circles(write, [each.edge for each in (await write.edge_records(some)).values() if each.edge])
        return changes

    for look, rows in ((things, records), (edges, sorted(edge_keys))):
        for start in range(0, len(rows), BATCH):
            result.add(await _written(transactions, look, rows[start : start + BATCH]))
            result.forget_entries()
            done += min(BATCH, len(rows) - start)
            progress(done, total)

    async def note(write: Write) -> tuple[None, list[JournalEntry], bool]:
        await write.put_reckoned(model.reckoning)
        return None, [], True

    await transactions.write(note)
    return result


async def _written(
    transactions: Transactions, look: Callable[[Write, Any], Awaitable[Reconciled]], some: Sequence[Any]
) -> Reconciled:
    async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
        return (await look(write, some)).as_written()

    return await transactions.write(work)
