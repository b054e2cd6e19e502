"""Finding what a person means by a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract import MOST_ANSWERS
from knockon.errors import ReferenceAmbiguous, ReferenceNotFound
from knockon.schema.reference import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.cmdb.contract import Store
    from knockon.cmdb.rows import Entity
    from knockon.schema.model import Model

_LISTED = 10


async def find(store: Store, model: Model, reference: str) -> Entity:
    """Find the one entity that a reference means: ``Class:name``, ``source:key``, an id, or a name alone.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
        The latter lists candidates.
    """
    return (await find_all(store, model, [reference]))[0]


async def find_all(store: Store, model: Model, references: Sequence[str]) -> list[Entity]:
    """Find what each of several references means, as ``find`` does, in their order.

    Two round trips, and one more for each reference that is a name alone.
    """
    readings = {reference: tokens(model, reference) for reference in references}
    answers = await store.resolve({token for each in readings.values() for token in each})
    entities = await store.entities({id_ for ids in answers.values() for id_ in ids})
    found: list[Entity] = []
    for reference in references:
        ids = next((answers[token] for token in readings[reference] if answers.get(token)), [])
        meant = sorted((entities[id_] for id_ in ids), key=lambda each: each.order)
        more = len(ids) == MOST_ANSWERS
        if not meant:
            meant = await store.named(reference, limit=_LISTED + 1)
            more = len(meant) > _LISTED
        found.append(_only(reference, meant[:_LISTED], more=more))
    return found


def _only(reference: str, meant: list[Entity], *, more: bool) -> Entity:
    if len(meant) == 1:
        return meant[0]
    if not meant:
        raise ReferenceNotFound(
            f"Nothing is called {reference!r}. Use an id, Class:name, source:key, or a name that one entity has."
        )
    raise ReferenceAmbiguous(f"{several(reference, meant, more=more)}. Use one of the ids.")


def several(reference: str, meant: Iterable[Entity], *, more: bool) -> str:
    """Say what a reference means that does not mean one thing."""
    candidates = ", ".join(f"{each.class_name}:{each.name} ({each.id})" for each in meant)
    return f"{reference!r} means several things: {candidates}{' and perhaps more' if more else ''}"
