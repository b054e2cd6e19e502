"""What stands of what persons decided about records: links, what is kept apart, and classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from knockon.cmdb.contract.reads import IdentityReads
    from knockon.cmdb.contract.rows import Decision
    from knockon.cmdb.identity.joining import Key


def standing(decisions: Iterable[Decision], decided: dict[frozenset[Key], Decision]) -> set[Key]:
    """Keep the newest standing decision on each pair, of one moment the keep-apart; give the records they name."""
    keys: set[Key] = set()
    for each in decisions:
        if each.taken_back or each.kind not in ("link", "apart") or each.a == each.b:
            continue
        pair = frozenset((each.a, each.b))
        other = decided.get(pair)
        if other is None or (each.at, each.kind == "apart") >= (other.at, other.kind == "apart"):
            decided[pair] = each
        keys |= pair
    return keys


def classes_said(decisions: Iterable[Decision]) -> dict[Key, tuple[str, str]]:
    """Give the newest standing word of persons on the class of each record: (when, class)."""
    found: dict[Key, tuple[str, str]] = {}
    for each in decisions:
        if each.kind == "class" and not each.taken_back:
            found[each.a] = max((each.at, each.b[1]), found.get(each.a, ("", "")))
    return found


def class_said(part: Iterable[Key], said: Mapping[Key, tuple[str, str]]) -> str | None:
    """Give the class that a person said last of any of these records."""
    return max((said[key] for key in part if key in said), default=("", None))[1]


async def things_apart(reader: IdentityReads) -> set[frozenset[str]]:
    """Give the pairs of things, by id, of which a person keeps a record of one apart from a record of the other."""
    decided: dict[frozenset[Key], Decision] = {}
    standing(await reader.decisions(), decided)
    apart = [each for each in decided.values() if each.kind == "apart"]
    records = await reader.records({key for each in apart for key in (each.a, each.b)}) if apart else {}
    belongs = {key: each.entity_id for key, each in records.items() if each.present}
    return {frozenset((belongs[each.a], belongs[each.b])) for each in apart if {each.a, each.b} <= belongs.keys()}
