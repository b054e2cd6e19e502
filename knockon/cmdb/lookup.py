"""Finding what a person means by a reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.errors import ReferenceAmbiguous, ReferenceNotFound
from knockon.schema.reference import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.contract import Store
    from knockon.cmdb.rows import Entity
    from knockon.schema.model import Model

_LISTED = 10


async def find(store: Store, model: Model, reference: str) -> Entity:
    """Find the one entity that a reference means: ``Class:name``, ``source:key``, an id, or a name alone.

    Costs two or three round trips.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
        The latter lists the candidates.
    """
    readings = tokens(model, reference)
    answers = await store.resolve(readings)
    for token in readings:
        if ids := answers.get(token):
            found = await store.entities(ids)
            return _only(reference, sorted(found.values(), key=lambda each: each.order))
    named = await store.named(reference, limit=_LISTED + 1)
    if not named:
        raise ReferenceNotFound(
            f"Nothing is called {reference!r}. Use an id, Class:name, source:key, or a name that one entity has."
        )
    return _only(reference, named)


def _only(reference: str, found: list[Entity]) -> Entity:
    if len(found) == 1:
        return found[0]
    candidates = ", ".join(_described(each) for each in found[:_LISTED])
    more = " and more" if len(found) > _LISTED else ""
    raise ReferenceAmbiguous(f"{reference!r} means several things: {candidates}{more}. Use one of the ids.")


def _described(entity: Entity) -> str:
    return f"{entity.class_name}:{entity.name} ({entity.id})"


async def find_all(store: Store, model: Model, references: Iterable[str]) -> list[Entity]:
    """Find each of several references, in their order."""
    return [await find(store, model, reference) for reference in references]
