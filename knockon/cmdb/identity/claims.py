"""What a record claims to be: one claim for each identifier set of its class that it has all values of.

Equal claims have equal *tokens*; a token stands for the set, the parent's id where there is one, and the values.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.cmdb.contract.rows import EdgeRecord, Entity
    from knockon.schema.identifiers import Within
    from knockon.schema.model import Model

Parents = dict["Within", str]
"""The id of a record's parent, by the way to it; ways that lead nowhere, or to several, are absent."""


def claims(model: Model, class_name: str, attributes: Mapping[str, Any], parents: Parents) -> dict[str, str]:
    """Give the token of each claim by the key of its identifier set."""
    found: dict[str, str] = {}
    for each in model.classes[class_name].identifiers:
        parent = parents.get(each.within) if each.within else ""
        values = claimed(attributes, each.by)
        if parent is not None and values is not None:
            content = orjson.dumps([each.key, parent, values], option=orjson.OPT_SORT_KEYS)
            found[each.key] = hashlib.blake2b(content, digest_size=12).hexdigest()
    return found


def claimed(attributes: Mapping[str, Any], by: Iterable[str]) -> list[Any] | None:
    """Give the values that count in a claim, without case and outer blanks; None if one is missing."""
    values = [_folded(attributes.get(name)) for name in by]
    return None if any(each is None or each == "" for each in values) else values


def _folded(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip().casefold()
    return [_folded(each) for each in value] if isinstance(value, list) else value


def ways_to_parents(model: Model, class_name: str) -> set[Within]:
    """Give the ways by which sets of this class lead to a parent."""
    return {each.within for each in model.classes[class_name].identifiers if each.within}


def is_parent_reference(model: Model, within: Within, reference: str) -> bool:
    """Tell whether a parent may be written so: under a class name only if that is a class of such parents."""
    named = reference.partition(":")[0]
    return named not in model.classes or model.is_a(named, within.parent)


def parents_of(
    model: Model, class_name: str, placings: Iterable[EdgeRecord], entities: Mapping[str, Entity]
) -> Parents:
    """Find the parents of a record by the edge records that have its native key at their child end."""
    found: Parents = {}
    for within in ways_to_parents(model, class_name):
        leads: set[str] = set()
        for each in placings:
            at = 1 if within.child_is_source else 0
            reference, known = (each.key.from_ref, each.key.to_ref)[at], each.known[at]
            if each.key.type_name != within.type_name or known is None:
                continue
            parent = entities[known]
            if is_parent_reference(model, within, reference) and model.is_a(parent.class_name, within.parent):
                leads.add(parent.id)
        if len(leads) == 1:
            found[within] = leads.pop()
    return found
