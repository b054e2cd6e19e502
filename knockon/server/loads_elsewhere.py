"""What the processes that serve one store know of each other's loads, by their idempotency keys."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson
from uuid_utils import uuid7

from knockon.errors import BadUsage, StoreBusy, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport

log = logging.getLogger("knockon.loads")

OTHER = "This Idempotency-Key stands for another load; give each load a key of its own."
RUNNING = 90.0
"""Seconds after which a load that says nothing more counts as cut off, and may be sent again."""
KNOWN = 7 * 24 * 3_600.0
"""Seconds for which it is known how a load ended."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The word of one process that it runs the load of a key."""

    name: str
    content: str
    said: str


class Elsewhere:
    """Keeps beside the estate which keys stand for which loads: those that run, and what those came to that ended.

    Of a report its counts are kept, and neither records nor messages: what is redacted in the store is nowhere else.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def claim(self, name: tuple[str, str], content: str) -> tuple[Claim, dict[str, Any] | None]:
        """Take a key for a load that is to run here; give what it came to where it has run already.

        Raises
        ------
        BadUsage
            It stands for another load.
        StoreBusy
            The load is running in another process.
        StoreError
        """
        key = f"load {hashlib.sha256(orjson.dumps(name)).hexdigest()}"
        ours = Claim(key, content, orjson.dumps({"content": content, "by": uuid7().hex}).decode())
        standing = await self._store.lease(key, ours.said, seconds=RUNNING)
        if standing == ours.said:
            return ours, None
        found = orjson.loads(standing)
        if found["content"] != content:
            raise BadUsage(OTHER)
        if "report" not in found:
            raise StoreBusy("This load is running in another process of the service; send it again in a moment.")
        return ours, found["report"]

    @asynccontextmanager
    async def holding(self, claim: Claim | None) -> AsyncIterator[None]:
        """Say, for as long as the block lasts, that the load is running."""
        over = asyncio.Event()
        task = asyncio.create_task(self._hold(claim, over)) if claim else None
        try:
            yield
        finally:
            over.set()
            if task:
                await task

    async def done(self, claim: Claim, report: LoadReport) -> None:
        """Say what a load came to."""
        counts = replace(report, findings=[], rejects=[]).as_json()
        ended = orjson.dumps({"content": claim.content, "report": counts}).decode()
        await self._say(claim, ended, KNOWN)

    async def give_up(self, claim: Claim) -> None:
        """Say that a load does not run, if it was said to."""
        await self._say(claim, claim.said, 0)

    async def _hold(self, claim: Claim, over: asyncio.Event) -> None:
        while not over.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), RUNNING / 3)
            if not over.is_set():
                await self._say(claim, claim.said, RUNNING)

    async def _say(self, claim: Claim, said: str, seconds: float) -> None:
        try:
            await self._store.lease(claim.name, said, seconds=seconds, instead_of=claim.said)
        except StoreError as error:  # the load itself is none the worse for it
            log.warning("Other processes could not be told of a load: %s", error)
