"""Finding what a person means by a reference."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from knockon.cmdb.contract.reads import MOST_ANSWERS
from knockon.cmdb.contract.rows import SEPARATOR
from knockon.errors import ReferenceAmbiguous, ReferenceNotFound
from knockon.schema.reference import tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

_LISTED = 10


async def find(store: Store, model: Model, reference: str) -> Entity:
    """Find the one entity that a reference means: ``Class:name``, ``source:key``, an id, or a name alone.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
        The latter lists candidates, each with a ``source:key``.
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
        # one may have been retired since it was resolved
        meant = sorted((entities[id_] for id_ in ids if id_ in entities), key=lambda each: each.order)
        more = len(ids) == MOST_ANSWERS
        if not meant:
            meant = await store.named(reference, limit=_LISTED + 1)
            more = len(meant) > _LISTED
        found.append(_only(model, reference, meant[:_LISTED], more=more))
    return found


async def find_ever(store: Store, model: Model, reference: str) -> Entity:
    """Find what a reference means, as ``find`` does; where nothing live does, what is retired and was called so last.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
    """
    try:
        return await find(store, model, reference)
    except ReferenceNotFound:
        readings = tokens(model, reference)
        keys = [(source, key) for source, _, key in (each[2:].partition(":") for each in readings if each[0] == "k")]
        ids = [*(await store.recorded(keys)).values(), reference] if keys else [reference]
        known = await store.known(ids)
        if found := next((known[id_] for id_ in ids if id_ in known), None):
            return found
        class_name, name = next((each[2:].split(":", 1) for each in readings if each[0] == "n"), ("", reference))
        former = await store.retired(name, limit=_LISTED + 1)
        meant = [each for each in former if not class_name or model.is_a(each.class_name, class_name)]
        if not meant:
            raise
        return _only(model, reference, meant[:_LISTED], more=len(meant) > _LISTED)


def _only(model: Model, reference: str, meant: list[Entity], *, more: bool) -> Entity:
    if len(meant) == 1:
        return meant[0]
    if not meant:
        use = "Use an id, Class:name, source:key, or a name that one entity has; what is retired only history shows."
        raise ReferenceNotFound(f"Nothing is called {reference!r}. {_class_meant(model, reference)}{use}")
    raise ReferenceAmbiguous(f"{several(reference, meant, more=more)}. Use what stands in brackets.")


def several(reference: str, meant: Iterable[Entity], *, more: bool) -> str:
    """Say what a reference means that does not mean one thing, each with a ``source:key`` to choose it by."""
    candidates = ", ".join(f"{each.class_name}:{each.name} ({each.order.rsplit(SEPARATOR, 1)[1]})" for each in meant)
    return f"{reference!r} means several things: {candidates}{' and perhaps more' if more else ''}"


def _class_meant(model: Model, reference: str) -> str:
    """Name the class that is spelt most like what stands before the colon, where that is no class."""
    before, colon, _ = reference.partition(":")
    if not colon or before in model.classes:
        return ""
    spelt = {name.lower(): name for name in model.classes}
    close = get_close_matches(before.lower(), spelt, n=1, cutoff=0.75)
    return f"There is no class {before}; did you mean {spelt[close[0]]}? " if close else ""
