"""People's words on who is who, and taking back what a source said: each journaled, each can be taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from uuid_utils import uuid7

from knockon.cmdb.contract.rows import Decision, RevisionHead
from knockon.cmdb.lookup import find
from knockon.cmdb.reconciliation import reconcile
from knockon.cmdb.reconciliation.reckoning import reckon_again
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage, ReferenceAmbiguous, ReferenceNotFound
from knockon.schema import values

if TYPE_CHECKING:
    from typing import TypeVar

    from knockon.cmdb.contract.rows import JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.cmdb.identity.joining import Key
    from knockon.cmdb.reconciliation.reconciled import Reconciled
    from knockon.schema.model import Model

    T = TypeVar("T")

BATCH = 2_000


async def record_named(store: Store, model: Model, reference: str) -> Key:
    """Find the record that a person means: ``source:key``, or anything that means a thing with one record only.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
    """
    source, _, key = reference.partition(":")
    found = (await store.records([(source, key)])).get((source, key))
    if found and found.present:
        return source, key
    entity = await find(store, model, reference)
    members = sorted((each.source, each.key) for each in await store.members([entity.id]))
    if len(members) == 1:
        return members[0]
    listed = ", ".join(":".join(each) for each in members)
    raise ReferenceAmbiguous(f"{reference} is known by several records: {listed}. Name one of them.")


async def decide(
    store: Store, model: Model, kind: Literal["link", "apart"], a: Key, b: Key, *, by: str, reason: str = ""
) -> tuple[Decision, Reconciled]:
    """Say that two records are one thing, or that they are not.

    Raises
    ------
    BadUsage
        It is one record, or the two are of families of classes that never meet.
    """
    records = await store.records([a, b])
    for key in (a, b):
        if key not in records:
            raise ReferenceNotFound(f"No source has reported {':'.join(key)}.")
    if a == b:
        raise BadUsage("These are one record; name two.")
    classes = [records[key].class_name for key in (a, b)]
    if kind == "link" and model.family(classes[0]) != model.family(classes[1]):
        raise BadUsage(f"A {classes[0]} and a {classes[1]} share no identifiers and are never one thing.")
    now = values.now()
    decision = Decision(str(uuid7()), kind, a, b, now, by, reason)
    return decision, await _put(store, model, decision, by, now)


async def take_back(store: Store, model: Model, id_: str, *, by: str) -> tuple[Decision, Reconciled]:
    """Take a decision back: it is as if it had never been made, and an older one about the same records counts again.

    Raises
    ------
    ReferenceNotFound
    """
    found = next((each for each in await store.decisions() if each.id == id_), None)
    if found is None:
        raise ReferenceNotFound(f"There is no decision {id_}; list them with `knockon decisions`.")
    if found.taken_back:
        raise BadUsage(f"{found.taken_back} has taken this decision back already.")
    decision = replace(found, taken_back=by)
    return decision, await _put(store, model, decision, by, values.now())


async def _put(store: Store, model: Model, decision: Decision, by: str, now: str) -> Reconciled:
    a, b = ":".join(decision.a), ":".join(decision.b)
    note = {"decision": decision.id, "kind": decision.kind, "records": [a, b], "takenBack": bool(decision.taken_back)}
    transactions = Transactions(store, RevisionHead(by, "decision", "", now, model.version, note))

    await reckon_again(store, model, transactions)

    async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
        await write.put_decision(decision)
        changes = await reconcile.look_again(write, model, [decision.a, decision.b])
        return changes, changes.as_written()[1], True

    return await transactions.write(work)
