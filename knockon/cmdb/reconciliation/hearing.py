"""What one source has said of one thing, all its reports taken together (docs/decisions/0006, "What is said").

A whole record replaces what was said before it; a partial one sets registers, one for each attribute, which count until
a newer whole record comes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from knockon.cmdb.contract.rows import Record
from knockon.cmdb.reconciliation.taken import digest

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Scope
    from knockon.cmdb.reconciliation.taken import Taken
    from knockon.schema.observation import EntityObservation


def hear(old: Record | None, taken: Taken[EntityObservation], scope: Scope, seen: str) -> Record | None:
    """Give the record with one more report; None where at most the moment is new.

    ``seen`` is when the record was last seen; ``scope`` is the one that the report is of, as it is known now.
    """
    said = taken.said
    if old is None or not old.digest:
        return _first(old.entity_id if old else "", taken, scope)
    if _is_as_it_was(old, taken, scope):
        return None
    new = _partial(old, taken, seen) if said.partial else _whole(old, taken, seen)
    age = (taken.seen, said.partial, taken.digest)
    latest = max((seen, not old.whole, old.digest), old.latest or ("", False, ""))
    if (*age, scope.name) > (*latest, old.scope):
        latest = age
        new = replace(new, scope=scope.name, present=scope.holds(taken.seen, said.key))
    new = replace(new, latest=None if latest == (new.seen, not new.whole, new.digest) else latest)
    return None if replace(new, seen=old.seen, latest=old.latest) == old and not said.partial else _news(old, new)


def _is_as_it_was(old: Record, taken: Taken[EntityObservation], scope: Scope) -> bool:
    """Tell whether a whole report says nothing but what the record says: the usual case."""
    plain = old.whole and old.latest is None and not old.registers and not taken.said.partial
    return plain and old.present and old.digest == taken.digest and old.scope == scope.name


def _news(old: Record, new: Record) -> Record | None:
    return None if new == old else new


def _first(entity_id: str, taken: Taken[EntityObservation], scope: Scope) -> Record:
    said = taken.said
    return Record(
        said.source, said.key, entity_id, said.class_name, {} if said.partial else said.attributes, taken.seen,
        taken.digest, scope.name, scope.holds(taken.seen, said.key),
        registers={name: (value, taken.seen) for name, value in said.attributes.items()} if said.partial else {},
        whole=not said.partial,
    )  # fmt: skip


def _whole(old: Record, taken: Taken[EntityObservation], seen: str) -> Record:
    if old.whole and (taken.seen, taken.digest) <= (seen, old.digest):
        return old
    registers = {name: each for name, each in old.registers.items() if each[1] >= taken.seen}
    said = taken.said
    return replace(
        old, class_name=said.class_name, attributes=said.attributes, seen=taken.seen, digest=taken.digest,
        registers=registers, whole=True,
    )  # fmt: skip


def _partial(old: Record, taken: Taken[EntityObservation], seen: str) -> Record:
    if old.whole and taken.seen < seen:
        return old
    registers = dict(old.registers)
    for name, value in taken.said.attributes.items():
        held = registers.get(name)
        if held is None or (taken.seen, digest(value)) > (held[1], digest(held[0])):
            registers[name] = (value, taken.seen)
    new = replace(old, registers=registers)
    if not old.whole and (taken.seen, taken.digest) > (seen, old.digest):
        new = replace(new, class_name=taken.said.class_name, seen=taken.seen, digest=taken.digest)
    return new
