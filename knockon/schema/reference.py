"""Symbolic references, and the tokens by which the store finds what they mean.

A reference is tried, in this order (DESIGN.md section 9), as a native key of its own source, as
``Class:name``, as ``source:key``, as an id. Each reading is a *token*, a string that entities answer to:

- ``k:SOURCE:KEY``: the entity that this source calls so;
- ``n:CLASS:NAME``: entities of this class or below with this name;
- ``i:ID``: the entity with this id, or with an alias of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knockon.schema.model import Model


def key_token(source: str, key: str) -> str:
    """Give the token of a native key; a source has no colon, so it is unambiguous."""
    return f"k:{source}:{key}"


def name_token(class_name: str, name: str) -> str:
    """Give the token of a name under a class; an entity answers to one for each class of its lineage."""
    return f"n:{class_name}:{name}"


def id_token(entity_id: str) -> str:
    """Give the token of an id."""
    return f"i:{entity_id}"


def tokens(model: Model, reference: str, source: str | None = None) -> tuple[str, ...]:
    """List the readings of a reference, first one first; ``source`` is whose file it stands in."""
    found = [key_token(source, reference)] if source else []
    before, colon, after = reference.partition(":")
    if colon and after:
        if before in model.classes:
            found.append(name_token(before, after))
        elif before:
            found.append(key_token(before, after))
    found.append(id_token(reference))
    return tuple(found)


def answers_to(model: Model, class_name: str, name: str) -> tuple[str, ...]:
    """List the name tokens that an entity of this class and name answers to."""
    return tuple(name_token(each, name) for each in model.classes[class_name].lineage)
