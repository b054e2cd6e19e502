"""The loads of one process that came in over HTTP: each in a thread of its own, its lines kept for who asks again.

What other processes that serve the store know of a load stands in ``loads_elsewhere.py``.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from knockon.cmdb.access import AccessScope
from knockon.cmdb.loading.load import load
from knockon.cmdb.loading.report import LoadReport
from knockon.cmdb.planned import seen_by
from knockon.errors import BadUsage, InternalError, KnockonError, StoreBusy
from knockon.graphql.wording import in_api
from knockon.impact.topology.aside import aside
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.decisions.load_review import retirements
from knockon.server.loads_elsewhere import OTHER, Claim, Elsewhere

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from knockon.cmdb.access import Sight
    from knockon.impact.topology.topologies import Topologies
    from knockon.loaders import Reading
    from knockon.server.metrics import LoadCount

logger = logging.getLogger(__name__)

AT_ONCE = 2
"""Loads at once in one process: writers of a store take turns anyhow."""
REJECTS_TOLD = 100
"""Rejects that the line of a batch tells; the report at the end has all."""
KEPT = 1_000
"""Outcomes that are kept under their keys, the oldest ones forgotten first."""

Name = tuple[str, str]
"""Who loads, and the idempotency key that this one gave."""


@dataclass
class Load:
    """One load: its lines so far, and how it ended if it failed. ``content`` stands for what was sent.

    ``about`` is what the audit log says of it: whose word it is, and once it has ended what it came to.
    """

    content: str
    about: dict[str, Any] = field(default_factory=dict)
    claim: Claim | None = None
    """Of its key, among all processes of the store."""
    lines: list[bytes] = field(default_factory=list)
    failure: KnockonError | None = None
    ended: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, line: bytes) -> None:
        """Add a line."""
        self.lines.append(line)
        self._news.set()
        self._news = asyncio.Event()

    def end(self, failure: KnockonError | None = None) -> None:
        """Say that no more lines come."""
        self.failure, self.ended = failure, True
        if failure:
            self.tell(_line({"error": {"code": failure.code, "message": in_api(str(failure))}}))
        self._news.set()

    async def begun(self) -> None:
        """Wait until something was written or went wrong.

        Raises
        ------
        KnockonError
            Why nothing was written.
        """
        while not self.lines:
            await self._news.wait()
        if self.failure and len(self.lines) == 1:
            raise self.failure

    async def following(self) -> AsyncIterator[bytes]:
        """Give the lines from the first to the last, as they come."""
        at = 0
        while True:
            while at < len(self.lines):
                yield self.lines[at]
                at += 1
            if self.ended:
                return
            await self._news.wait()


@dataclass(frozen=True, slots=True)
class Job:
    """What a load does: what it reads out of a file, which is deleted at the end, who loads, and how."""

    reading: Reading
    path: Path
    sight: Sight
    how: dict[str, Any]


class Loads:
    """Runs loads into a store.

    Under a key that was sent to another process of the store, or before this one began, a load does not run again.
    ``counting`` gives what counts the records of one load that is to write.
    """

    def __init__(self, topologies: Topologies, counting: Callable[[], LoadCount]) -> None:
        self._counting = counting
        self._elsewhere = Elsewhere(topologies.store)
        self._topologies = topologies
        self._entered = 0
        self._running: set[asyncio.Task[None]] = set()
        self._kept: OrderedDict[Name, Load] = OrderedDict()

    def refuse_more(self, name: Name | None) -> None:
        """Refuse a load that would be new where as many as may run at once are running.

        Raises
        ------
        StoreBusy
        """
        if self._entered >= AT_ONCE and (name is None or name not in self._kept):
            raise StoreBusy(f"{AT_ONCE} loads are running here, and no more may; send this again when one has ended.")

    async def enter(self, name: Name | None, content: str, *, dry_run: bool) -> tuple[Load, bool]:
        """Give the load that somebody sent under this key before, or a new one, and whether it is to be started.

        Raises
        ------
        BadUsage
            What was sent under this key was something else.
        StoreBusy
            It would be new, and as many loads as may run at once are running; or it is running in another process.
        StoreError
        """
        self.refuse_more(name)
        found = self._kept.get(name) if name else None
        if found:
            if found.content != content:
                raise BadUsage(OTHER)
            return found, False
        self._entered += 1
        new = Load(content)
        if name:
            self._kept[name] = new
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        if not name or dry_run:  # a dry run leaves nothing behind
            return new, True
        try:
            new.claim, report = await self._elsewhere.claim(name, content)
        except BaseException as error:
            await self.leave(name, new, error if isinstance(error, KnockonError) else None)
            raise
        if report is None:
            return new, True
        new.tell(_line({"report": report}))
        await self.leave(name, new)
        return new, False

    async def leave(self, name: Name | None, this: Load, failure: KnockonError | None = None) -> None:
        """End a load that was entered; one that failed may be sent again under its key."""
        if this.claim:  # before whoever waits for the end sends it again
            await self._elsewhere.give_up(this.claim)
        self._entered -= 1
        if failure and name:
            self._kept.pop(name, None)
        this.end(failure)

    def start(self, name: Name | None, this: Load, job: Job) -> None:
        """Begin a load that was entered; it goes on whoever waits for it, and leaves by itself."""
        this.about |= {"source": job.reading.source, "scope": job.how.get("scope"), "dry_run": job.how.get("dry_run")}
        task = asyncio.create_task(self._run(name, this, job))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait for the loads that are running."""
        if self._running:
            await asyncio.wait(self._running)

    async def _run(self, name: Name | None, this: Load, job: Job) -> None:
        loop = asyncio.get_running_loop()

        def tell(said: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(this.tell, _line(said))

        failure: KnockonError | None = None
        report = LoadReport()
        count = None if job.how.get("dry_run") else self._counting()

        async def work(there: Topologies) -> bytes:
            await _load(there, job, report, tell, count)
            return _line({"report": await _answer(there, job, report)})

        try:
            async with self._elsewhere.holding(this.claim):
                this.tell(await aside(self._topologies, work))
            if this.claim:
                await self._elsewhere.done(this.claim, report)
                this.claim = None
        except KnockonError as error:
            failure = error
        except Exception:
            logger.exception("A load by %s failed.", job.sight.principal.name)
            failure = InternalError("Something went wrong here; the log of the server says what.")
        finally:
            outcome = failure.code if failure else "done"
            this.about |= {
                "outcome": outcome, "revision": report.revision, "entities": asdict(report.entities),
                "relationships": asdict(report.relationships),
            }  # fmt: skip
            if count:
                count.ended(report, outcome)
            await asyncio.to_thread(job.path.unlink)
            await self.leave(name, this, failure)


async def _load(
    there: Topologies, job: Job, report: LoadReport, tell: Callable[[dict[str, Any]], None], count: LoadCount | None
) -> None:
    heard = 0

    def progress(done: int, total: int) -> None:
        nonlocal heard
        new, heard = report.rejects[heard:], len(report.rejects)
        rejects = [
            {"code": each.code, "message": in_api(each.message), "location": each.location, "kind": each.kind}
            for each in new[:REJECTS_TOLD]
        ]
        counts = {"entities": asdict(report.entities), "relationships": asdict(report.relationships)}
        tell({"done": done, "of": total, "revision": report.revision, **counts, "rejects": rejects})
        if count:
            count.so_far(report)

    await load(
        there.store, there.model, job.reading.items, source=job.reading.source,
        actor=job.sight.principal.name, file=job.reading.file, report=report, progress=progress, **job.how,
    )  # fmt: skip


async def _answer(there: Topologies, job: Job, report: LoadReport) -> dict[str, Any]:
    """Give the report as the loader may see it; of a dry run with what its retirements would hit.

    What is rejected is told as it was sent: it is of this sender.
    """
    hit = None
    if report.plan is not None:
        if job.sight.principal.may(AccessScope.VIEWER):
            hit = await retirements(there, report)
        report.plan = [seen_by(each, job.sight) for each in report.plan]
    report.findings = [each.as_seen(there.model, job.sight) for each in report.findings]
    said = report.as_json() | ({"blastRadius": impact_json(hit, job.sight)} if hit else {})
    for each in (*said["findings"], *said["rejects"]):
        each["message"] = in_api(each["message"])
    return said


def _line(said: dict[str, Any]) -> bytes:
    return orjson.dumps(said, option=orjson.OPT_APPEND_NEWLINE)
