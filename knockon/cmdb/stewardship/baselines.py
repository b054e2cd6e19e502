"""Baselines: names for revisions, given by people, to compare the estate with later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import Baseline, RevisionHead
from knockon.cmdb.past.changes import Moment, moment_of
from knockon.cmdb.transactions import Transactions
from knockon.errors import BadUsage, ReferenceNotFound
from knockon.schema.values import instant

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import JournalEntry
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.contract.write import Write
    from knockon.schema.model import Model

LONGEST = 100


async def create(
    store: Store, model: Model, name: str, *, by: str, as_of: str | None = None, reason: str = ""
) -> Baseline:
    """Name the newest revision, or that of a moment. Written as a revision of its own, which changes nothing else.

    Raises
    ------
    BadUsage
        The name is taken, empty, too long, or a number, which would mean a revision; or ``as_of`` is no moment.
    """
    if not name.strip() or name.isdecimal() or len(name) > LONGEST or name != name.strip():
        raise BadUsage(f"{name!r} is no name for a baseline: it has 1 to {LONGEST} characters and is no number.")
    revision = await store.revision() if as_of is None else (await moment_of(store, as_of)).revision
    row = Baseline(name, revision, _now(), by, reason)

    async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
        if taken := await _named(store, name):
            raise BadUsage(f"{name} names revision {taken.revision} already; delete it first, or choose another name.")
        await write.put_baseline(row)
        return None, [], True

    note = {"baseline": name, "of": revision, "reason": reason}
    await Transactions(store, RevisionHead(by, "baseline", "", row.at, model.version, note)).write(work)
    return row


async def delete(store: Store, model: Model, name: str, *, by: str) -> Baseline:
    """Forget a name; the revision stays, and the journal tells who forgot it.

    Raises
    ------
    ReferenceNotFound
    """
    row = await baseline(store, name)

    async def work(write: Write) -> tuple[None, list[JournalEntry], bool]:
        await write.drop_baseline(name)
        return None, [], True

    note = {"baseline": name, "of": row.revision, "deleted": True}
    await Transactions(store, RevisionHead(by, "baseline", "", _now(), model.version, note)).write(work)
    return row


async def baseline(store: Store, name: str) -> Baseline:
    """Find a baseline.

    Raises
    ------
    ReferenceNotFound
    """
    found = await _named(store, name)
    if found is None:
        names = ", ".join(each.name for each in await store.baselines())
        there = f"there are {names}." if names else "there are none; knockon baseline create NAME makes one."
        raise ReferenceNotFound(f"There is no baseline {name!r}; {there}")
    return found


async def moment_named(store: Store, text: str) -> Moment:
    """Understand a baseline's name, a revision number or a point in time.

    Raises
    ------
    ReferenceNotFound, BadUsage
    """
    if found := await _named(store, text):
        return Moment(found.revision, await store.written_at(found.revision))
    if text.isdecimal():
        return await moment_of(store, text)
    try:
        instant(text)
    except ValueError:
        row = await baseline(store, text)  # says which there are
        return Moment(row.revision, await store.written_at(row.revision))
    return await moment_of(store, text)


async def _named(store: Store, name: str) -> Baseline | None:
    return next((each for each in await store.baselines() if each.name == name), None)


def _now() -> str:
    return instant(datetime.now(UTC).isoformat())
