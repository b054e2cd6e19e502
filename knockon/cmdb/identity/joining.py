"""Joining: which of some records are one thing, as a function of the set of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from knockon.cmdb.contract.rows import Record
    from knockon.schema.model import Model

JUNK = 20
"""A value that more records than this claim identifies nobody."""

Key = tuple[str, str]
"""A record: (source, native key)."""
Part = tuple[Key, ...]
"""The records of one thing, in order."""


class Outcome(StrEnum):
    """What became of two records that share a claim, or that a person linked."""

    JOINED = "JOINED"
    LINKED = "LINKED"
    KEPT_APART = "KEPT_APART"
    LINK_CONFLICT = "LINK_CONFLICT"
    DUPLICATE_IDENTIFIER = "DUPLICATE_IDENTIFIER"
    IDENTITY_VETO = "IDENTITY_VETO"


@dataclass(frozen=True, slots=True)
class Meeting:
    """Two records that met: over which claim (none: a person's link), what became of it, which stronger set vetoed."""

    first: Key
    second: Key
    outcome: Outcome
    claim: tuple[str, str] | None = None
    """Identifier set and token."""
    veto: str | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts in order of their smallest records, and how they came about."""

    parts: list[Part]
    meetings: list[Meeting]


@dataclass(eq=False, slots=True)
class _Growing:
    records: list[Key]
    sources: set[str]
    claims: dict[str, set[str]] = field(default_factory=dict)

    def take(self, other: _Growing) -> None:
        self.records += other.records
        self.sources |= other.sources
        for name, tokens in other.claims.items():
            self.claims.setdefault(name, set()).update(tokens)


def joined(
    model: Model,
    records: Mapping[Key, Record],
    junk: Collection[str],
    links: Iterable[tuple[Key, Key]] = (),
    apart: Collection[frozenset[Key]] = (),
) -> Joined:
    """Join records that share claims; ``junk`` are the tokens that count for nothing.

    ``records`` have all claimants of all other tokens of theirs. The order of the mapping makes no difference.
    Takes time in the number of pairs that share a claim, of which each claim has JUNK * (JUNK - 1) / 2 at most.
    """
    part = {key: _single(model, records[key], junk) for key in sorted(records)}
    claimants: dict[tuple[str, str], list[Key]] = {}
    for key, each in part.items():
        for name, (token,) in each.claims.items():
            claimants.setdefault((name, token), []).append(key)
    meetings: list[Meeting] = []
    for first, second in sorted(links):
        outcome = Outcome.LINK_CONFLICT if _apart(part[first], part[second], apart) else Outcome.LINKED
        meetings.append(Meeting(first, second, outcome))
        if outcome is Outcome.LINKED:
            _join(part, first, second)
    shared = [(_strength(model, name), keys[0], (name, token)) for (name, token), keys in claimants.items() if keys[1:]]
    for strength, _, claim in sorted(shared):
        for first, second in _pairs(claimants[claim]):
            if part[first] is part[second]:
                continue
            outcome, veto = _outcome(model, part[first], part[second], apart, strength[0])
            meetings.append(Meeting(first, second, outcome, claim, veto))
            if outcome is Outcome.JOINED:
                _join(part, first, second)
    parts = {id(each): tuple(sorted(each.records)) for each in part.values()}
    return Joined(sorted(parts.values()), meetings)


def _join(part: dict[Key, _Growing], first: Key, second: Key) -> None:
    kept, taken = part[first], part[second]
    if kept is not taken:
        kept.take(taken)
        for key in taken.records:
            part[key] = kept


def _pairs(keys: Sequence[Key]) -> Iterator[tuple[Key, Key]]:
    """Give all pairs: for the second from the second on, the first up to it."""
    return ((first, second) for upto, second in enumerate(keys) for first in keys[:upto])


def _single(model: Model, record: Record, junk: Collection[str]) -> _Growing:
    # a set that is not in the model has been lost since the record was taken
    claims = {n: {token} for n, token in record.claims.items() if token not in junk and n in model.identifiers}
    return _Growing([(record.source, record.key)], {record.source}, claims)


def _strength(model: Model, name: str) -> tuple[int, int, str, str]:
    each = model.identifiers[name]
    return (each.priority, -model.classes[each.declared_by].depth, each.declared_by, each.name)


def _outcome(
    model: Model, one: _Growing, other: _Growing, apart: Collection[frozenset[Key]], priority: int
) -> tuple[Outcome, str | None]:
    if _apart(one, other, apart):
        return Outcome.KEPT_APART, None
    if one.sources & other.sources:
        return Outcome.DUPLICATE_IDENTIFIER, None
    for name in sorted(one.claims.keys() & other.claims.keys()):
        if model.identifiers[name].priority < priority and not one.claims[name] & other.claims[name]:
            return Outcome.IDENTITY_VETO, name
    return Outcome.JOINED, None


def _apart(one: _Growing, other: _Growing, apart: Collection[frozenset[Key]]) -> bool:
    return bool(apart) and any(frozenset((a, b)) in apart for a in one.records for b in other.records)
