"""Which moments of the past a series of health figures is made at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.past.changes import Moment

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store


async def moments(store: Store, number: int) -> list[tuple[str, Moment]]:
    """Give so many moments, oldest first, by name: the newest baselines; without any, evenly spaced past revisions.

    Those that were compacted are left out. A revision's name is its number.
    """
    oldest, newest = max(await store.horizon(), 1), await store.revision()
    found = [(each.name, each.revision) for each in await store.baselines() if each.revision >= oldest][-number:]
    if not found:
        spaced = sorted({oldest + (newest - oldest) * n // number for n in range(number)})
        found = [(str(revision), revision) for revision in spaced if revision < newest]
    return [(name, Moment(revision, await store.written_at(revision))) for name, revision in found]
