"""A question of impact, and what it names in the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.cmdb.lookup import find_all
from knockon.errors import AnswerGone, BadUsage
from knockon.itsm.blast_radius.answer_id import Asked
from knockon.itsm.context.given import words_of
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.context.given import Span

ASKED = {"down": State.DOWN, "degraded": State.DEGRADED, "removed": State.DOWN}
"""The states that may be asked about, and what they propagate as."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One seed of a question: ``state`` is down, degraded or removed."""

    reference: str
    state: str = "down"


@dataclass(frozen=True, slots=True)
class Question:
    """A question after its references were found; each seed has its asked state."""

    seeds: Mapping[str, tuple[Entity, str]]
    pins: Sequence[Entity]
    given: str
    span: Span | None
    left_out: tuple[str, ...]
    max_distance: int | None
    now: datetime

    @property
    def asked(self) -> Asked:
        """Give it in ids."""
        return Asked(
            tuple((id_, state) for id_, (_, state) in self.seeds.items()), self.given, self.span,
            tuple(pin.id for pin in self.pins), self.max_distance, self.left_out, self.now,
        )  # fmt: skip


async def question_of(
    topologies: Topologies,
    asks: Sequence[Ask],
    assume: Sequence[str],
    given: str,
    span: Span | None,
    left_out: Collection[str],
    max_distance: int | None,
    now: datetime | None,
) -> Question:
    """Find what a question names.

    Raises
    ------
    BadUsage
        A distance below 1, an unknown state, one CI asked for twice with different states, a seed that is also assumed.
    ReferenceNotFound, ReferenceAmbiguous
    """
    if max_distance is not None and max_distance < 1:
        raise BadUsage("A distance is counted in steps, from 1.")
    kinds = words_of(given)
    seeds = await _seeds(topologies, asks)
    pins = await find_all(topologies.store, topologies.model, assume)
    for pin in pins:
        if pin.id in seeds:
            raise BadUsage(f"{pin.class_name}:{pin.name} is asked about and assumed operational; choose one.")
    moment = now.replace(microsecond=0) if now else topologies.asked_at()
    return Question(seeds, pins, kinds, span, tuple(sorted(left_out)), max_distance, moment)


async def question_again(store: Store, asked: Asked) -> Question:
    """Find what a question in ids names.

    Raises
    ------
    AnswerGone
        Something that it names is not in this store.
    BadUsage
        It is none that was ever asked.
    """
    if not asked.seeds or any(state not in ASKED for _, state in asked.seeds):
        raise BadUsage("This is not the id of an answer: it asks about nothing, or about a state that there is not.")
    wanted = {*(id_ for id_, _ in asked.seeds), *asked.assume}
    entities = await store.entities(wanted)
    if not entities.keys() >= wanted:
        raise AnswerGone("This answer speaks of things that this store does not hold; name the store that gave it.")
    return Question(
        {id_: (entities[id_], state) for id_, state in asked.seeds}, [entities[id_] for id_ in asked.assume],
        asked.given, asked.span, asked.exclude, asked.max_distance, asked.now,
    )  # fmt: skip


async def _seeds(topologies: Topologies, asks: Sequence[Ask]) -> dict[str, tuple[Entity, str]]:
    if not asks:
        raise BadUsage("Name at least one thing that fails.")
    if unknown := next((ask.state for ask in asks if ask.state not in ASKED), None):
        raise BadUsage(f"{unknown!r} is no state to ask about; use down, degraded or removed.")
    entities = await find_all(topologies.store, topologies.model, [ask.reference for ask in asks])
    seeds: dict[str, tuple[Entity, str]] = {}
    for entity, ask in zip(entities, asks, strict=True):
        if seeds.get(entity.id, (entity, ask.state))[1] != ask.state:
            raise BadUsage(f"{ask.reference!r} is asked about in two states; choose one.")
        seeds[entity.id] = (entity, ask.state)
    return seeds
