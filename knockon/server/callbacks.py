"""Tells whoever keeps a change elsewhere when what it would do has changed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import orjson
from uuid_utils import uuid7

from knockon.cmdb.contract.filter import Compare
from knockon.cmdb.reading import all_entities
from knockon.cmdb.stewardship.edits import Editor
from knockon.errors import BadUsage, KnockonError, StoreError
from knockon.itsm.decisions.verdict import CHANGE, judged
from knockon.schema import values

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from pydantic import SecretStr

    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.topologies import Topologies

log = logging.getLogger("knockon.callbacks")

WHERE, TOLD = "verdict_to", "verdict_told"
"""Attributes of a change: where to tell, and what was told last."""
BY = "verdicts"
"""Under which name the journal has what was told; one of ``OWN_NAMES``."""
_WITHIN = 10.0  # seconds for an answer
_PATIENCE = 3_600.0  # seconds between attempts at most
_HELD = 120.0  # seconds: longer than a call and the write that notes it
_TELLER = "verdicts"
"""The name that stands for the process that tells, of those that serve one store."""


class Callbacks:
    """Watches the open changes that want to be told; ``allowed`` are the beginnings of addresses that may be called.

    What was told last is kept with the change, so a service that starts anew goes on. Of several processes that serve
    one store one tells at a time, and another one takes over when it has stopped. So each verdict is sent once; twice
    where a process stops, or is held up, between sending and noting: receivers tell by ``event``, which is the same
    until what was told is noted. ``counted`` is told after each look how many calls were heard, how many were not, and
    how many changes wait to be told again.
    """

    def __init__(
        self, topologies: Topologies, allowed: Sequence[str], secret: SecretStr | None, *, every: float,
        counted: Callable[[int, int, int], None] = lambda _heard, _failed, _waiting: None,
    ) -> None:  # fmt: skip
        self._topologies = topologies
        self._allowed = allowed
        self._secret = secret.get_secret_value().encode() if secret else b""
        self._every = every
        self._counted = counted
        self._me = uuid7().hex
        self._outcomes = [0, 0]  # calls of one look that failed, and that were heard
        self._waits: dict[str, tuple[float, float]] = {}  # by change: not before this moment, and how long it waited

    def check(self, address: str | None) -> None:
        """Refuse an address that may not be called.

        Raises
        ------
        BadUsage
        """
        if address is not None and not self._may_call(address):
            raise BadUsage(f"{address} may not be called: KNOCKON_CALLBACKS names what addresses there may begin with.")

    async def told(self, change: Entity, verdict: dict[str, Any]) -> None:
        """Note what whoever keeps a change knows now."""
        if change.attributes.get(WHERE) and change.attributes.get(TOLD) != verdict:
            editor = Editor(self._topologies.store, self._topologies.model, BY, "told whoever keeps it", own=True)
            await editor.change(change.id, {TOLD: verdict})

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look after each new revision, for as long as the block lasts; nobody is told where no address is allowed."""
        over = asyncio.Event()
        task = asyncio.create_task(self._watch(over)) if self._allowed else None
        try:
            yield
        finally:
            over.set()  # what is under way ends by itself: cut off, a question would leave its connection behind
            if task:
                await task
                await self._let_go()

    async def _watch(self, over: asyncio.Event) -> None:
        seen = -1
        async with httpx2.AsyncClient(timeout=_WITHIN, follow_redirects=False) as http:
            while not over.is_set():
                try:
                    revision = await self._topologies.store.revision()
                    if (revision != seen or self._waits) and await self._tells():
                        await self._look(http)
                        seen = revision
                except KnockonError as error:
                    log.warning("Changes could not be judged again: %s", error)
                    await self._let_go()
                except Exception:
                    log.exception("Changes could not be judged again.")
                    await self._let_go()
                with suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), self._every)

    async def _tells(self) -> bool:
        """Say whether it is this process that tells, and stay it for a while."""
        holder = await self._topologies.store.lease(_TELLER, self._me, seconds=_HELD + self._every)
        return holder == self._me

    async def _let_go(self) -> None:
        """Leave it to another process to tell, if there is one."""
        with suppress(StoreError):  # then the time that was taken ends by itself
            await self._topologies.store.lease(_TELLER, self._me, seconds=0)

    async def _look(self, http: httpx2.AsyncClient) -> None:
        try:
            open_ones = await self._tell_all(http)
            self._waits = {id_: each for id_, each in self._waits.items() if id_ in open_ones}
        finally:
            failed, heard = self._outcomes
            self._outcomes = [0, 0]
            self._counted(heard, failed, len(self._waits))

    async def _tell_all(self, http: httpx2.AsyncClient) -> set[str]:
        """Tell of each open change what is to be told of it; give their ids."""
        found = set()
        model = self._topologies.model
        lifecycle = model.lifecycle(CHANGE)
        states = lifecycle.states if lifecycle else {}
        wanting = Compare(WHERE, "is_null", value=False)
        async for page in all_entities(self._topologies.store, model.concrete(CHANGE), wanting):
            for change in page:
                state = states.get(str(change.attributes.get("state")))
                if state is None or state.open:
                    found.add(change.id)
                    await self._tell(http, change)
        return found

    async def _tell(self, http: httpx2.AsyncClient, change: Entity) -> None:
        now = asyncio.get_running_loop().time()
        not_before, waited = self._waits.get(change.id, (0.0, self._every))
        address, before = str(change.attributes[WHERE]), change.attributes.get(TOLD)
        # nothing was told yet: the request that sent it is being answered
        if before is None or now < not_before or not self._may_call(address):
            return
        verdict = (await judged(self._topologies, change)).verdict
        if verdict == before:
            self._waits.pop(change.id, None)
            return
        if not await self._tells():
            return
        revision = await self._topologies.store.revision()
        # the change's own revision moves on when it is noted that it was told
        event = hashlib.sha256(orjson.dumps([change.id, change.revision, verdict])).hexdigest()[:32]
        said = {
            "event": event, "change": {"id": change.id, "name": change.name, "number": change.attributes.get("number")},
            "verdict": verdict, "before": before, "revision": revision, "at": values.now(),
        }  # fmt: skip
        heard = await self._sent(http, address, orjson.dumps(said))
        self._outcomes[heard] += 1
        if heard:
            self._waits.pop(change.id, None)
            await self.told(change, verdict)
        else:
            self._waits[change.id] = (now + waited, min(2 * waited, _PATIENCE))

    async def _sent(self, http: httpx2.AsyncClient, address: str, body: bytes) -> bool:
        headers = {"Content-Type": "application/json"}
        if self._secret:
            headers["Knockon-Signature"] = f"sha256={hmac.new(self._secret, body, hashlib.sha256).hexdigest()}"
        host = urlsplit(address).hostname
        try:
            async with asyncio.timeout(_WITHIN):  # the client's own is of each piece of an answer
                answer = await http.post(address, content=body, headers=headers)
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("%s could not be told of a verdict (%s)", host, type(error).__name__)
            return False
        if answer.is_success:
            return True
        log.warning("%s was told of a verdict and answered with status %d", host, answer.status_code)
        return False

    def _may_call(self, address: str) -> bool:
        return any(address.startswith(each) for each in self._allowed)
