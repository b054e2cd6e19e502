"""Raw observations in, typed observations or rejects out; depends on the record and the model alone.

A record with several faults is rejected for the first in this order: class or type, key or
references, attributes that are not known, values of the wrong type, attributes that are missing;
attributes are taken by name.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from knockon.errors import RejectCode
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation
from knockon.schema.values import has_unprintable, parse
from knockon.schema.wording import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.schema.model import Attributes, EntityClass, Model, RelationshipType

MAX_KEY = 500
"""Characters of a key or a reference: what a store can index whole, in any script."""

_SHOWN = 80


class _Fault(Exception):
    def __init__(self, code: RejectCode, message: str) -> None:
        super().__init__(message)
        self.code = code


def entity(model: Model, obs: EntityObservation) -> EntityObservation | Reject:
    """Type an entity's attributes by its class.

    Values that are None or blank count as not given; but None is a word in a partial record, and where the model says.
    """
    try:
        name: Any = obs.class_name
        if not isinstance(name, str) or name not in model.classes:
            raise _Fault(RejectCode.UNKNOWN_CLASS, _unknown("class", name, model.classes))
        kind = model.classes[name]
        if kind.abstract:
            below = ", ".join(get_close_matches(name, model.concrete(name), cutoff=0))
            message = f"{name} is too general a class to be loaded; use one below it, such as {below}."
            raise _Fault(RejectCode.ABSTRACT_CLASS, message)
        raw_key: Any = obs.key
        if raw_key is None or not str(raw_key).strip():
            message = f"this {name} has no key; give it the name that its source uses."
            raise _Fault(RejectCode.MISSING_IDENTIFIER, message)
        key = _reference(raw_key, "key")
        typed = _typed(kind, obs.attributes, partial=obs.partial, own=obs.own)
        return EntityObservation(obs.source, key, name, typed, obs.seen, obs.location, obs.record, obs.partial)
    except _Fault as fault:
        return Reject(fault.code, str(fault), obs.location, obs.record, "entity", obs.seen, obs.partial)


def relationship(model: Model, obs: RelationshipObservation) -> RelationshipObservation | Reject:
    """Type a relationship's attributes, as an entity's; one that is written by its inverse name is turned round."""
    try:
        name: Any = obs.type_name
        found = model.direction(name) if isinstance(name, str) else None
        if found is None:
            message = _unknown("relationship type", name, model.type_names)
            raise _Fault(RejectCode.UNKNOWN_RELATIONSHIP_TYPE, message)
        kind, turned = found
        ends = _reference(obs.from_ref, "from"), _reference(obs.to_ref, "to")
        if ends[0] == ends[1]:
            raise _Fault(RejectCode.SELF_LOOP, f"{ends[0]!r} cannot be related to itself by {name}.")
        attributes = _typed(kind, obs.attributes, partial=False, own=False)
        if not attributes and not obs.attributes and not turned and ends == (obs.from_ref, obs.to_ref):
            return obs  # as it was written
        source, target = reversed(ends) if turned else ends
        return RelationshipObservation(
            obs.source, kind.name, source, target, attributes, obs.seen, obs.location, obs.record
        )
    except _Fault as fault:
        return Reject(fault.code, str(fault), obs.location, obs.record, "relationship", obs.seen)


def _reference(raw: Any, where: str) -> str:
    if isinstance(raw, str) and 0 < len(raw) <= MAX_KEY and raw.isprintable() and not raw.isspace():  # nearly all are
        return raw
    text = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
    if not isinstance(text, str):
        fault = "is missing" if text is None else "is not text"
    elif not text.strip():
        fault = "is empty"
    elif len(text) > MAX_KEY:
        fault = f"is longer than {MAX_KEY:,} characters"
    elif has_unprintable(text):
        fault = "has a control character in it"
    else:
        return text
    raise _Fault(RejectCode.MALFORMED_REFERENCE, f"{where} {fault}.")


def _typed(kind: EntityClass | RelationshipType, given: Attributes, *, partial: bool, own: bool) -> Attributes:
    if not given and not kind.required:  # most relationships
        return {}
    declared = kind.attributes
    typed: Attributes = {}
    unfit: _Fault | None = None
    for name, value in sorted(given.items()):
        if name not in declared or (declared[name].spec.internal and not own):
            raise _not_to_be_said(kind, name)
        spec = declared[name].spec
        if value is None or (isinstance(value, str) and not value.strip()):  # blank, as an empty cell of a table is
            if value is None and (partial or spec.null_overwrites):
                typed[name] = None
        elif unfit is None:
            try:
                typed[name] = parse(spec, value)
            except ValueError as error:
                unfit = _Fault(RejectCode.TYPE_MISMATCH, f"{kind.name}.{name}: {error}")
    if unfit:
        raise unfit
    if not partial:
        _refuse_missing(kind, typed)
    return typed


def _not_to_be_said(kind: EntityClass | RelationshipType, name: str) -> _Fault:
    message = f"{kind.name}.{name} is kept by knockon itself; leave it out."
    if name not in kind.attributes:
        message = f"{kind.name}: {_unknown('attribute', name, kind.attributes)}"
    return _Fault(RejectCode.UNKNOWN_ATTRIBUTE, message)


def _refuse_missing(kind: EntityClass | RelationshipType, typed: Attributes) -> None:
    for name in kind.required:
        if typed.get(name) is None:
            why = kind.attributes[name].spec.description
            raise _Fault(RejectCode.MISSING_ATTRIBUTE, f"{kind.name}.{name} is required: {why}")


def _unknown(what: str, name: Any, known: Iterable[str]) -> str:
    if name is None or name == "":
        return f"no {what} is given."
    return unknown(what, str(name)[:_SHOWN], known)
