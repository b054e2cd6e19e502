"""The states of services from revision to revision: an estate in memory that takes the journal's steps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from knockon.cmdb.past.stepping import SteppingEstate
from knockon.errors import BadUsage
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.context.effects import EFFECT_TYPES
from knockon.itsm.context.given import context_of
from knockon.itsm.decisions.service_states import is_timed, states_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.cmdb.contract.rows import JournalEntry, Revision
    from knockon.cmdb.contract.store import Store
    from knockon.itsm.context.effects import Context
    from knockon.itsm.context.given import Span
    from knockon.itsm.decisions.service_states import ServiceState
    from knockon.schema.model import Model

_PAGE = 10  # revisions read at once: an entry takes about 1 kB, and a revision has up to 2,000


@dataclass(frozen=True, slots=True)
class Relevance:
    """What of an estate the states of services follow from."""

    things: frozenset[str]  # classes
    links: frozenset[str]  # relationship types
    records: frozenset[str]  # classes that say what else is the case
    effects: frozenset[str]  # and relationship types

    @classmethod
    def of(cls, model: Model) -> Relevance:
        """Take it from a model."""
        names = [each for each in (*EFFECT_TYPES, "Calendar") if each in model.classes]
        records = frozenset(each for name in names for each in model.concrete(name))
        effects = frozenset((*EFFECT_TYPES.values(), "HAS_CALENDAR"))
        felt = (name for name, kind in model.relationships.items() if any(rule.supplier for rule in kind.rules))
        return cls(frozenset(model.topology_classes) | records, effects.union(felt), records, effects)

    def may_differ(self, revision: Revision) -> bool:
        """Tell whether a revision may have changed the state of a service."""
        return _concerns(revision.entries, self.things, self.links)

    def other_context(self, revision: Revision) -> bool:
        """Tell whether a revision may have changed what is the case besides."""
        return _concerns(revision.entries, self.records, self.effects)


def _concerns(entries: Iterable[JournalEntry], classes: frozenset[str], types: frozenset[str]) -> bool:
    for entry in entries:
        if entry.kind == "edge":
            if entry.id.partition(" ")[0] in types:
                return True
        elif any(image and image["class"] in classes for image in (entry.before, entry.after)):
            return True
    return False


class Walk:
    """Goes from revision to revision, and works out states where it is.

    Holds its whole estate in memory, some 4 kB for a thing and its relationships. A step costs what the revision
    changed; states cost one run of the engine. What was left in the middle of a step is to be thrown away.
    """

    def __init__(self, store: Store, model: Model, estate: SteppingEstate) -> None:
        self._store = store
        self._model = model
        self._estate = estate
        self._relevance = Relevance.of(model)
        # nothing here writes, so the reading half is all of a store that is needed
        self._topologies = Topologies(cast("Store", estate), model)
        self._contexts: dict[str, Context] = {}
        self._ahead: list[Revision] = []  # read already, the next one last

    @classmethod
    async def at(cls, store: Store, model: Model, revision: int) -> Walk:
        """Begin at a revision; costs and errors as ``past.past_scan``."""
        return cls(store, model, await SteppingEstate.at(store, model, revision))

    @property
    def revision(self) -> int:
        """Give where it is."""
        return self._estate.number

    @property
    def size(self) -> int:
        """Count the things and relationships that it holds."""
        return len(self._estate)

    async def step(self) -> Revision:
        """Go to the next revision, and give it.

        Raises
        ------
        BadUsage
            There is none.
        JournalCompacted
        """
        if not self._ahead:
            self._ahead = (await self._store.feed(self.revision, _PAGE))[::-1]
        if not self._ahead:
            raise BadUsage(f"Revision {self.revision + 1} is not there yet.")
        await asyncio.sleep(0)  # many steps need nothing that is waited for
        revision = self._ahead.pop()
        await self._estate.step(revision)
        if self._contexts and self._relevance.other_context(revision):
            self._contexts.clear()
        return revision

    async def states(self, given: str, span: Span) -> Mapping[str, ServiceState]:
        """Give the states of all services here by id; ``given`` and ``span`` are as in ``context_of``."""
        view = await self._topologies.current()
        return await states_of(view, await self._context(given, span))

    async def _context(self, given: str, span: Span) -> Context:
        """Compute what is the case besides, unless that can only be as before."""
        known = self._contexts.get(given)
        if known is None:
            known = await context_of(cast("Store", self._estate), self._model, given, span)
            # the time makes no difference but to what is planned, and to states that nobody has mapped
            if not is_timed(given) and not known.unmapped and not known.unplanned:
                self._contexts[given] = known
        return known
