"""The records that a change can concern: all that share claims or links with it, directly or through others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from knockon.cmdb.identity.apart import classes_said, standing
from knockon.cmdb.identity.joining import JUNK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from knockon.cmdb.contract.reads import IdentityReads
    from knockon.cmdb.contract.rows import Decision, Record
    from knockon.cmdb.identity.joining import Key
    from knockon.schema.model import Model


@dataclass
class Touched:
    """Whole components: ``records`` are the present ones, as they are now."""

    records: dict[Key, Record] = field(default_factory=dict)
    junk: set[str] = field(default_factory=set)
    links: set[tuple[Key, Key]] = field(default_factory=set)
    apart: set[frozenset[Key]] = field(default_factory=set)
    classes: dict[Key, tuple[str, str]] = field(default_factory=dict)
    """What persons say last of the class of records, with when."""
    newly_junk: set[str] = field(default_factory=set)
    """Tokens that too many records claim now, and did not before."""
    unjunked: set[str] = field(default_factory=set)
    """Tokens that too many records claimed before, and do not now."""

    def weigh(self, token: str, before: int, now: set[Key]) -> set[Key]:
        """Note whether so many claim a token that it is junk; give the records that it concerns."""
        if len(now) > JUNK:
            self.junk.add(token)
            if before <= JUNK:
                self.newly_junk.add(token)
        elif before > JUNK:
            self.unjunked.add(token)
        return now if len(now) <= JUNK or before <= JUNK else set()


async def touched_by(
    reader: IdentityReads, model: Model, changed: Mapping[Key, Record], stored: Mapping[Key, Record]
) -> Touched:
    """Gather the components that these records are in or were in.

    ``changed`` are as they are to be, ``stored`` as the store has those of them that it knows. Costs a few round trips
    for each step from record to record.
    """
    found = Touched({key: record for key, record in changed.items() if record.present})
    before = [record for key in changed if (record := stored.get(key))]
    most = JUNK + 1 + len(before)  # so that a value still shows as junk when each of these gives it up
    claimed_now = _by_token(found.records.values())
    claimed_then = _by_token(before)
    looked_up: set[str] = set()
    frontier = claimed_now.keys() | claimed_then.keys()
    asked: Collection[Key] = changed.keys()
    decided: dict[frozenset[Key], Decision] = {}
    while frontier or asked:
        claimants = await reader.claimants(frontier, most) if frontier else {}
        near: set[Key] = set()
        for token in frontier:
            there = claimants.get(token, [])
            now = claimed_now.get(token, set()) | {key for key in there if key not in changed}
            near |= found.weigh(token, len(there), now)
        looked_up |= frontier
        if asked:
            near |= standing(decisions := await reader.decisions(asked), decided)
            found.classes |= classes_said(decisions)
        missing = near - found.records.keys() - changed.keys()
        met = {key: each for key, each in (await reader.records(missing)).items() if each.present} if missing else {}
        found.records |= met
        frontier = {token for each in met.values() for token in each.claims.values()} - looked_up
        asked = met.keys()
    for pair, decision in decided.items():
        a, b = decision.a, decision.b
        if decision.kind == "apart":
            found.apart.add(pair)
        elif {a, b} <= found.records.keys() and _related(model, found.records[a], found.records[b]):
            found.links.add((min(a, b), max(a, b)))
    return found


def _by_token(records: Iterable[Record]) -> dict[str, set[Key]]:
    found: dict[str, set[Key]] = {}
    for record in records:
        for token in record.claims.values():
            found.setdefault(token, set()).add((record.source, record.key))
    return found


def _related(model: Model, one: Record, other: Record) -> bool:
    return model.family(one.class_name) == model.family(other.class_name)
