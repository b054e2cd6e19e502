"""Where failure does not go on: relationships of the seeds that carry none, and the model's reason."""

from __future__ import annotations

from asyncio import gather
from typing import TYPE_CHECKING, NamedTuple

from knockon.itsm.blast_radius.answer import NotFollowed
from knockon.itsm.values import Ci, Step

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import Entity, Neighbour
    from knockon.cmdb.contract.store import Direction, Store
    from knockon.schema.model import Model

MOST = 20
"""How many relationships are told of each seed, for each type and direction."""


class Silent(NamedTuple):
    """The relationships that were not followed; ``cut``: there are more than ``MOST`` of a kind."""

    found: tuple[NotFollowed, ...]
    cut: bool


async def not_followed(store: Store, model: Model, seeds: Collection[Entity]) -> Silent:
    """List the seeds' relationships of types that carry no failure though they may join what can fail; MOST of a kind.

    In order of type, then seed, outgoing first. A round trip for each such type and direction.
    """
    kinds: list[tuple[str, Direction]] = [
        (name, way) for name in sorted(_silent(model)) for way in ("out", "in")
    ]  # fmt: skip
    by_id = {seed.id: seed for seed in seeds}
    answers = await gather(*(store.neighbours(list(by_id), name, way, limit=MOST + 1) for name, way in kinds))
    found: dict[tuple[str, str, str], NotFollowed] = {}
    cut = False
    for (name, way), answer in zip(kinds, answers, strict=True):
        because = str(model.relationships[name].spec.because)
        for id_, seed in by_id.items():
            cut = cut or len(answer[id_]) > MOST
            for each in answer[id_][:MOST]:
                step = _step(name, seed, each, way)
                found.setdefault((name, step.source.id, step.target.id), NotFollowed(step, because))
    return Silent(tuple(found.values()), cut)


def _silent(model: Model) -> list[str]:
    """Name the types that carry no failure although both of their ends can fail."""
    return [
        name
        for name, kind in model.relationships.items()
        if kind.spec.impact == "none" and any(all(_can_fail(model, end) for end in pair) for pair in kind.spec.ends)
    ]


def _can_fail(model: Model, class_name: str) -> bool:
    concrete = model.concrete(class_name)
    return bool(concrete) and model.topology_classes.issuperset(concrete)


def _step(type_name: str, seed: Entity, neighbour: Neighbour, way: Direction) -> Step:
    one, other = Ci.of(seed), Ci.of(neighbour.entity)
    return Step(one, type_name, other) if way == "out" else Step(other, type_name, one)
