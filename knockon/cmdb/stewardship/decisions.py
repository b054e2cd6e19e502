"""People's words on who is who: each journaled, each can be taken back.

Each may name the revision at which the person looked (``expected``): that a thing of the records concerned is no longer
what it was then is a conflict, and nothing is written (docs/decisions/0033).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from uuid_utils import uuid7

from knockon.cmdb.contract.rows import THING, Decision, RevisionHead
from knockon.cmdb.lookup import find
from knockon.cmdb.reconciliation import reconcile
from knockon.cmdb.reconciliation.reckoning import reckon_again
from knockon.cmdb.stewardship.meanwhile import refuse_things_changed
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage, FindingCode, ReferenceAmbiguous, ReferenceNotFound
from knockon.schema import values
from knockon.schema.wording import indefinite, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import TypeVar

    from knockon.cmdb.contract.rows import Entity, IdentityFinding, JournalEntry
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
    store: Store, model: Model, kind: Literal["link", "apart"], a: Key, b: Key, *, by: str, reason: str = "",
    expected: int | None = None,
) -> tuple[Decision, Reconciled]:  # fmt: skip
    """Say that two records are one thing, or that they are not.

    Raises
    ------
    BadUsage
        It is one record; or, of a link, the two are of classes of which neither is below the other.
    EditConflict
        A thing of theirs changed since ``expected``.
    ReferenceNotFound, JournalCompacted
    """
    records = await store.records([a, b])
    for key in (a, b):
        if key not in records:
            raise ReferenceNotFound(f"No source has reported {':'.join(key)}.")
    if a == b:
        raise BadUsage("These are one record; name two.")
    classes = [records[key].class_name for key in (a, b)]
    if kind == "link" and model.family(classes[0]) != model.family(classes[1]):
        named = f"{indefinite(classes[0], first=True)} and {indefinite(classes[1])}"
        raise BadUsage(f"{named} share no identifiers and are never one thing.")
    if kind == "link" and not (model.is_a(*classes) or model.is_a(*reversed(classes))):
        never = f"{indefinite(classes[0], first=True)} is never {indefinite(classes[1])}"
        raise BadUsage(
            f"{never}: neither class is below the other. Nothing is written. Mend the class where it is wrong, and "
            "load that."
        )
    now = values.now()
    decision = Decision(str(uuid7()), kind, a, b, now, by, reason)
    return decision, await _put(store, model, decision, decision.records, expected)


async def classify(
    store: Store, model: Model, record: Key, class_name: str, *, by: str, reason: str = "",
    expected: int | None = None,
) -> tuple[Decision, Reconciled]:  # fmt: skip
    """Say of which class the thing of a record is; it counts where its sources name classes on no one branch.

    Raises
    ------
    BadUsage
        There is no such class, or the record can never be of it.
    EditConflict
        The thing changed since ``expected``.
    ReferenceNotFound, JournalCompacted
    """
    found = (await store.records([record])).get(record)
    if found is None:
        raise ReferenceNotFound(f"No source has reported {':'.join(record)}.")
    if class_name not in model.classes:
        raise BadUsage(unknown("class", class_name, model.classes))
    if model.classes[class_name].abstract or model.family(class_name) != model.family(found.class_name):
        never = f"{indefinite(found.class_name, first=True)} is never {indefinite(class_name)}"
        raise BadUsage(f"{never}: they share no identifiers, or it is too general.")
    now = values.now()
    decision = Decision(str(uuid7()), "class", record, (THING, class_name), now, by, reason)
    return decision, await _put(store, model, decision, decision.records, expected)


async def accept(
    store: Store, model: Model, finding: str, *, by: str, reason: str = "", expected: int | None = None
) -> tuple[Decision, Reconciled]:
    """Say that a finding is right as it is: it is no longer open, until it is another one or this is taken back.

    Raises
    ------
    BadUsage
        It was said already, or the finding is about decisions: one of those is to be taken back.
    EditConflict
        A thing that the finding is about changed since ``expected``.
    ReferenceNotFound, JournalCompacted
    """
    found = await _finding(store, finding)
    if found.code == FindingCode.LINK_CONFLICT:
        raise BadUsage("Two decisions contradict each other, which is never right: take one of them back.")
    if found.id in await accepted(store, [found]):
        raise BadUsage(f"{finding} has been accepted already.")
    now = values.now()
    decision = Decision(str(uuid7()), "right", (THING, found.id), (found.code, ""), now, by, reason)
    return decision, await _put(store, model, decision, found.records, expected)


async def accepted(store: Store, findings: Iterable[IdentityFinding]) -> dict[str, Decision]:
    """Give for those of these findings that a person accepted as they are the decision, by the finding's id."""
    keys = [(THING, each.id) for each in findings]
    made = await store.decisions(keys) if keys else []
    return {each.a[1]: each for each in made if each.kind == "right" and not each.taken_back}


async def findings_of(
    store: Store, code: str, *, accepted_ones: bool = False, after: tuple[str, str] = ("", ""), limit: int | None = None
) -> list[IdentityFinding]:
    """Give the findings of a code, or of all for "", but those that a person accepted as they are; or those alone.

    They come by (code, id), from the first one after a place; at most ``limit``, if that is given.
    """
    found: list[IdentityFinding] = []
    step = BATCH if limit is None or accepted_ones else min(limit, BATCH)
    while limit is None or len(found) < limit:
        page = await store.findings(code, after, step)
        decided = await accepted(store, page)
        found += [each for each in page if (each.id in decided) == accepted_ones]
        if len(page) < step:
            break
        after, step = (page[-1].code, page[-1].id), BATCH
    return found[:limit]


async def _finding(store: Store, id_: str) -> IdentityFinding:
    after = ("", "")
    while found := await store.findings("", after, BATCH):
        for each in found:
            if each.id == id_:
                return each
        after = (found[-1].code, found[-1].id)
    raise ReferenceNotFound(f"There is no finding {id_}; list them with `knockon findings`.")


async def take_back(
    store: Store, model: Model, id_: str, *, by: str, reason: str = "", expected: int | None = None
) -> tuple[Decision, Reconciled]:
    """Take a decision back: it is as if it had never been made, and an older one about the same records counts again.

    The journal has the ``reason``; the decision keeps its own.

    Raises
    ------
    BadUsage
        It was taken back already.
    EditConflict
        A thing of its records changed since ``expected``. One that a finding is right names none.
    ReferenceNotFound, JournalCompacted
    """
    found = next((each for each in await store.decisions() if each.id == id_), None)
    if found is None:
        raise ReferenceNotFound(f"There is no decision {id_}; list them with `knockon decisions`.")
    if found.taken_back:
        raise BadUsage(f"{found.taken_back} has taken this decision back already.")
    decision = replace(found, taken_back=by)
    return decision, await _put(store, model, decision, found.records, expected, reason)


async def _put(
    store: Store, model: Model, decision: Decision, about: Collection[Key], expected: int | None, reason: str = ""
) -> Reconciled:
    """Write a decision, or that it was taken back for a ``reason``; ``about`` are the records that the person saw."""
    records = [":".join(key) for key in decision.records]
    by, now = (decision.taken_back, values.now()) if decision.taken_back else (decision.by, decision.at)
    note = {
        "decision": decision.id, "kind": decision.kind, "records": records, "takenBack": bool(decision.taken_back),
        "reason": reason if decision.taken_back else decision.reason,
    }  # fmt: skip
    transactions = Transactions(store, RevisionHead(by, "decision", "", now, model.version, note))

    await reckon_again(store, model, transactions)

    async def work(write: Write) -> tuple[Reconciled, list[JournalEntry], bool]:
        if expected is not None:
            await refuse_things_changed(store, await _things(write, about), expected)
        await write.put_decision(decision)
        changes = await reconcile.look_again(write, model, decision.records)
        return changes, changes.as_written()[1], True

    return await transactions.write(work)


async def _things(write: Write, about: Collection[Key]) -> list[Entity]:
    """Read the things of records, and those that are named by their ids, retired ones too."""
    records = await write.records([key for key in about if key[0] != THING])
    ids = {each.entity_id for each in records.values()} | {id_ for source, id_ in about if source == THING}
    return list({each.id: each for each in (await write.entities(ids)).values()}.values())
