"""Things that persons keep apart, out of what they decided about records."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.contract.reads import IdentityReads
    from knockon.cmdb.contract.rows import Decision
    from knockon.cmdb.identity.joining import Key


def standing(decisions: Iterable[Decision], decided: dict[frozenset[Key], Decision]) -> set[Key]:
    """Keep the newest standing decision on each pair, of one moment the keep-apart; give the records they name."""
    keys: set[Key] = set()
    for each in decisions:
        if each.taken_back or each.a == each.b:
            continue
        pair = frozenset((each.a, each.b))
        other = decided.get(pair)
        if other is None or (each.at, each.kind == "apart") >= (other.at, other.kind == "apart"):
            decided[pair] = each
        keys |= pair
    return keys


async def things_apart(reader: IdentityReads) -> set[frozenset[str]]:
    """Give the pairs of things, by id, of which a person keeps a record of one apart from a record of the other."""
    decided: dict[frozenset[Key], Decision] = {}
    standing(await reader.decisions(), decided)
    apart = [each for each in decided.values() if each.kind == "apart"]
    records = await reader.records({key for each in apart for key in (each.a, each.b)}) if apart else {}
    belongs = {key: each.entity_id for key, each in records.items() if each.present}
    return {frozenset((belongs[each.a], belongs[each.b])) for each in apart if {each.a, each.b} <= belongs.keys()}
