"""The estate's newest topology, kept current from the store's journal and shared by all who ask."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.cmdb.remembered import Memory, Remembered
from knockon.errors import JournalCompacted, StoreError
from knockon.impact.topology.catching_up import catch_up
from knockon.impact.topology.derive import excluded_types, topology_of
from knockon.impact.topology.register import Register
from knockon.impact.topology.saved import Base, Shelf, fingerprint
from knockon.impact.topology.supports import needed_by_any
from knockon.telemetry import engine_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from knockon.cmdb.contract.rows import EdgeRecord, Scan
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.past.changes import Moment
    from knockon.impact.topology.topology import Topology
    from knockon.schema.model import Model

SERVICE = "Service"
_KEPT = 4  # views, of as many sets of excluded types
_SAVED_EVERY = 1_000  # revisions
_WORTH_KEEPING = 20_000  # arcs; an estate of fewer is read in half a second
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EmptyGroup:
    """A redundancy group that has no members yet, so it has no effect: every one that was named waits."""

    consumer: str
    group: str
    because: str


@dataclass(frozen=True)
class View:
    """The estate at one revision, as questions of impact see it. Immutable.

    ``entities`` are those of the topology by id, without their attributes, so that an answer can be
    worded without reading the store. ``memory`` is of what answers at this revision read besides.
    """

    revision: int
    topology: Topology
    entities: Register
    services: frozenset[str]
    waiting: Sequence[EdgeRecord]
    empty_groups: Sequence[EmptyGroup]
    memory: Memory = field(default_factory=Memory, repr=False, compare=False)
    words: dict[int, Any] = field(default_factory=dict, repr=False, compare=False)
    """What answers call items, by number: worded once."""

    def mapped(self, id_: str) -> bool:
        """Tell whether an item is a service, or some service needs it. The first question is linear in the estate."""
        return bool(self.mapped_at([self.topology.index(id_)])[0])

    def mapped_at(self, numbers: Any) -> Any:
        """Tell of items, by number, what ``mapped`` tells."""
        return self._mapped[numbers]

    @cached_property
    def serving(self) -> Any:
        """Tell of each item, by number, whether it is a service."""
        found = np.zeros(len(self.topology.ids), bool)
        found[self.topology.ids.numbers(list(self.services))] = True
        found.flags.writeable = False
        return found

    @cached_property
    def _mapped(self) -> Any:
        return needed_by_any(self.topology, np.flatnonzero(self.serving))


class Topologies:
    """Gives views of one store under one model; one at a time is made for each set of excluded types.

    Parameters
    ----------
    cache
        A folder that keeps topologies for the next process; several processes may share it. None: nothing is kept.
    connect
        Gives one more way to the same store, not opened yet, for what is done ``aside``.
    """

    def __init__(
        self, store: Store, model: Model, cache: Path | None = None, connect: Callable[[], Store] | None = None
    ) -> None:
        self.store = store
        self.model = model
        self.connect = connect
        self.moment: Moment | None = None  # of the past
        self._shelf = Shelf(cache, model.version) if cache else None
        self._saved = 0  # revision of the newest one that is kept
        self._warned = False
        self._views: dict[frozenset[str], View] = {}
        self._checked: dict[frozenset[str], float] = {}
        self._builds: dict[frozenset[str], asyncio.Task[View]] = {}

    @property
    def reading(self) -> Store:
        """What is read besides the topology; a request has its own way to the same store."""
        return self.store

    def reads(self, view: View) -> Remembered:
        """Give the reads of the store that answers on a view make: what one has read the next need not."""
        return Remembered(self.reading, view.memory)

    def asked_at(self) -> datetime:
        """Give the moment at which questions are put: the one of the past, else the clock's; whole seconds in UTC."""
        at = self.moment and self.moment.at
        return (datetime.fromisoformat(at) if at else datetime.now(UTC)).replace(microsecond=0)

    async def current(self, exclude: frozenset[str] = frozenset(), *, max_lag: float = 0.0) -> View:
        """Give the view of the newest revision committed before the call, or of a newer one.

        Parameters
        ----------
        exclude
            Relationship types, by name or inverse, that do not count in this analysis.
        max_lag
            Seconds: a view that was the newest this long ago will do.

        Raises
        ------
        BadUsage
            ``exclude`` names no relationship type.
        StoreError
        """
        left_out = excluded_types(self.model, exclude)
        view = self._views.get(left_out)
        if view is not None and time.monotonic() - self._checked[left_out] < max_lag:
            return view
        asked = time.monotonic()
        wanted = await self.store.revision()
        if view is not None and view.revision > wanted:  # the store was restored, or made anew
            self._views.clear()
        view = self._views.get(left_out)
        while view is None or view.revision < wanted:
            # a build under way may have read an older revision: then the next one is ours
            view = await self._build(left_out)
        if left_out in self._views:
            self._checked[left_out] = max(asked, self._checked.get(left_out, asked))
        return view

    @property
    def built(self) -> int | None:
        """Give the revision of the newest whole view at hand; None before the first is built."""
        view = self._views.get(frozenset())
        return None if view is None else view.revision

    async def _build(self, left_out: frozenset[str]) -> View:
        """Join the build under way, or start one; it goes on when whoever asked gives up."""
        build = self._builds.get(left_out)
        if build is None:
            build = self._builds[left_out] = asyncio.create_task(self._make(left_out))
            build.add_done_callback(lambda _: self._builds.pop(left_out))
        return await asyncio.shield(build)

    async def _make(self, left_out: frozenset[str]) -> View:
        """Catch up from the view at hand, else from a kept one, else read the whole store."""
        with engine_step("topology"):
            return await self._made(left_out)

    async def _made(self, left_out: frozenset[str]) -> View:
        asked = time.monotonic()
        base: View | Base | None = self._views.get(left_out)
        if base is None and not left_out:
            base = await self._kept()
        view = await self._caught_up(base, left_out) if base else None
        read = view is None
        if view is None:
            scan = await self.store.scan(self.model.topology_classes)
            view = await asyncio.to_thread(view_of, self.model, scan, left_out)
        self._views.pop(left_out, None)
        self._views[left_out] = view
        self._checked[left_out] = asked
        if len(self._views) > _KEPT:
            oldest = next(iter(self._views))
            del self._views[oldest], self._checked[oldest]
        worth = not left_out and len(view.topology.graph.consumer) >= _WORTH_KEEPING
        if worth and (read or view.revision >= self._saved + _SAVED_EVERY):
            await self._keep(view)
        return view

    async def _caught_up(self, base: View | Base, left_out: frozenset[str]) -> View | None:
        register = base.entities if isinstance(base, View) else base.register
        try:
            found = await catch_up(self.store, self.model, base.revision, base.topology, register, left_out)
        except StoreError as error:
            self._warn("The journal cannot be followed, so the whole store is read: %s", error)
            return None
        if found is None:
            return None
        came = {id_ for id_, each in found.new.items() if self.model.is_a(each.class_name, SERVICE)}
        left = base.services & (found.gone | found.new.keys())  # those whose class is another now too
        services = (base.services - left) | came if came or left else base.services
        view = _view(self.model, found.revision, found.topology, found.register, services, found.waiting, left_out)
        return replace(view, memory=base.memory.after(found.touched)) if isinstance(base, View) else view

    async def _kept(self) -> Base | None:
        """Load the newest topology of this very store that is kept and whole."""
        if not self._shelf:
            return None
        try:
            ours = await self._ours()
        except StoreError as error:
            self._warn("What is kept of the topology is not used: %s", error)
            return None
        for revision, mark in ours:
            base = await asyncio.to_thread(self._shelf.load, revision, mark)
            if base:
                self._saved = revision
                return base
            await asyncio.to_thread(self._shelf.discard, revision, mark)
        return None

    async def _ours(self) -> list[tuple[int, str]]:
        """Name what is kept of this store, newest first."""
        assert self._shelf
        return [(number, mark) for number, mark in self._shelf.candidates() if mark == await self._mark(number)]

    async def _mark(self, number: int) -> str | None:
        try:
            found = await self.store.feed(number - 1, 1) if number else []
        except JournalCompacted:  # what was made before cannot be told from another store's
            return None
        return fingerprint(found[0]) if found and found[0].number == number else None

    async def _keep(self, view: View) -> None:
        """Keep a view for other processes; where that fails, it only costs them time."""
        if not self._shelf:
            return
        base = Base(view.revision, view.topology, view.entities, view.services)
        try:
            if mark := await self._mark(view.revision):
                await asyncio.to_thread(self._shelf.save, base, mark)
                self._saved = view.revision
                await asyncio.to_thread(self._shelf.prune, await self._ours())
        except (OSError, StoreError) as error:
            self._warn("The topology is not kept for the next start: %s", error)
            if isinstance(error, OSError):  # a store may answer the next time
                self._shelf = None

    def _warn(self, message: str, error: Exception) -> None:
        """Say once that something costs time only: who asks often shall not read it as often."""
        if not self._warned:
            self._warned = True
            _LOG.warning(message, error)


def view_of(model: Model, scan: Scan, exclude: frozenset[str] = frozenset()) -> View:
    """Build the view of a scan; O(m log m) for m edges."""
    topology = topology_of(model, scan, exclude=exclude)
    services = frozenset(each.id for each in scan.entities if model.is_a(each.class_name, SERVICE))
    register = Register.of(topology.ids, sorted(each.order for each in scan.entities))
    return _view(model, scan.revision, topology, register, services, scan.waiting, exclude)


def _view(
    model: Model, revision: int, topology: Topology, register: Register, services: frozenset[str],
    waiting: Sequence[EdgeRecord], exclude: frozenset[str],
) -> View:  # fmt: skip
    counted = [record for record in waiting if record.key.type_name not in exclude]
    empty = list(_empty_groups(model, register, topology, counted))
    return View(revision, topology, register, services, counted, empty)


def _empty_groups(
    model: Model, register: Register, topology: Topology, waiting: Sequence[EdgeRecord]
) -> Iterator[EmptyGroup]:
    """Find the groups that exist in waiting edge records only."""
    found: dict[tuple[str, str], int] = {}
    for record in waiting:
        source, target = record.known
        consumer = source or target or ""
        if (source is None) == (target is None) or consumer not in register:
            continue
        group = _group_of(model, record, register[consumer].class_name, known_is_source=source is not None)
        if group and group not in topology.groups(consumer):
            found[consumer, group] = found.get((consumer, group), 0) + 1
    for consumer, group in sorted(found, key=lambda each: (topology.index(each[0]), each[1])):
        waits = "its only member waits" if found[consumer, group] == 1 else f"its {found[consumer, group]} members wait"
        yield EmptyGroup(consumer, group, f"the group {group} has no effect: {waits} for what is not there")


def _group_of(model: Model, record: EdgeRecord, known: str, *, known_is_source: bool) -> str | None:
    """Name the group of the known end that a waiting edge is to join, if that does not hang on the other end.

    The other end may yet be of any class that the type allows; all of these must agree that failure
    flows to the known end, and whether the type groups them.
    """
    kind = model.relationships[record.key.type_name]
    others = [
        pair[known_is_source] for pair in kind.spec.ends if pair[not known_is_source] in model.classes[known].lineage
    ]
    grouped: set[bool] = set()
    for other in {each for name in others for each in model.concrete(name)}:
        pair = (known, other) if known_is_source else (other, known)
        ways = {rule.supplier for rule in model.rules_between(kind.name, *pair)}
        if ways != {"target" if known_is_source else "source"}:
            return None
        grouped.add(model.grouped(kind.name, *pair))
    if record.key.group and grouped:
        return record.key.group
    return kind.name if grouped == {True} else None
