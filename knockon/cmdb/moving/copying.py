"""An estate, poured from where it is kept into an empty store: everything, with the same ids and revisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.cmdb.contract.moving import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from knockon.cmdb.contract.moving import Filling, Movable, Reading, State


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved: the estate's ``state``, and how many rows of each kind."""

    state: State
    counts: Mapping[str, int]


async def copy(
    source: Movable, target: Movable, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Moved:
    """Copy all of an estate, at one revision, into an empty store. ``progress`` is told (done, in all), in rows.

    Memory is bounded by a batch of rows. An error leaves the target empty; for a process that dies see
    ``contract.moving.Movable.filling``.

    Raises
    ------
    StoreNotEmpty, StoreUnfinished, ModelInvalid, StoreError
    """
    # the target first: it is refused at once if it is not empty, and so if it is the source by another address
    async with target.filling() as filling, source.everything() as reading:
        return await pour(reading, filling, progress)


async def pour(
    reading: Reading, filling: Filling, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Moved:
    """Put all that is read into a store that is being filled, and finish it."""
    done, total = 0, sum(reading.counts.values())
    for kind in KINDS:
        async for rows in reading.rows(kind):
            await filling.put(kind, rows)
            done += len(rows)
            progress(done, total)
    await filling.finish(reading.state)
    return Moved(reading.state, reading.counts)
