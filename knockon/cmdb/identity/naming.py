"""Which id a thing keeps when its records come together or part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from uuid_utils import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.rows import Alias
    from knockon.cmdb.identity.joining import Key, Part

Held = dict[str, Counter["Part"]]
"""By id: of each part, how many of its records had it."""


@dataclass
class Naming:
    """The ids of some parts; ``aliases`` gives what ids that no part keeps stand for from now on."""

    ids: dict[Part, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    split_from: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Ids that are new."""
    returned: set[str] = field(default_factory=set)
    """Ids that were aliases, and are things of their own again."""
    turned: list[Alias] = field(default_factory=list)
    """Ids that stay aliases, and stand for another thing now."""


def holders(parts: Sequence[Part], had: Mapping[Key, str]) -> Held:
    """Tell which parts have records of which ids; ``had`` lacks the records that are new."""
    held: Held = {}
    for part in parts:
        for key in part:
            if key in had:
                held.setdefault(had[key], Counter())[part] += 1
    return held


def named(parts: Sequence[Part], had: Mapping[Key, str], held: Held, former: Sequence[Alias] = ()) -> Naming:
    """Give each part the oldest id that its records had.

    Ids are UUIDv7, so the oldest is the smallest. Where several parts hold records of one id, it goes to the one that
    holds most of those that it had of itself; the others split off. Each of them takes up again an id of ``former``,
    the aliases of what splits, that its records had before they came together, and a new one only where there is none.
    """
    naming = Naming()
    for id_ in sorted(held):
        free = [part for part in held[id_] if part not in naming.ids]
        if free:
            naming.ids[_heir(free, held[id_], _came_with_others(id_, had, former))] = id_
    kept = set(naming.ids.values())
    _give_back(parts, naming, former)
    for part in parts:
        if part not in naming.ids:
            naming.ids[part] = new = str(uuid7())
            naming.made.add(new)
            earlier = sorted({had[key] for key in part if key in had})
            if earlier:
                naming.split_from[new] = earlier[0]
    for id_ in held.keys() - kept:
        naming.aliases[id_] = naming.ids[_best(list(held[id_]), held[id_])]
    return naming


def _give_back(parts: Sequence[Part], naming: Naming, former: Sequence[Alias]) -> None:
    """Let parts without an id take up the oldest that their records had; other aliases follow their records."""
    for each in sorted(former, key=lambda each: each.alias):
        had = Counter({part: n for part in parts if (n := len(set(part).intersection(each.records)))})
        if free := [part for part in had if part not in naming.ids]:
            naming.ids[_best(free, had)] = each.alias
            naming.returned.add(each.alias)
        elif had and (heir := naming.ids[_best(list(had), had)]) != each.entity_id:
            naming.turned.append(replace(each, entity_id=heir))


def _heir(parts: Sequence[Part], held: Counter[Part], came: Sequence[set[Key]]) -> Part:
    """Find the part that an id stays with: the one with most records that have not come to it with another id.

    ``came`` are the sets of those that have, the latest first. Where there are none else, who came last goes first.
    """
    others = set().union(*came)

    def order(part: Part) -> tuple[int, list[int], int, Part]:
        latest = [len(each.intersection(part)) for each in came]
        return (len(others.intersection(part)) - held[part], latest, -held[part], part)

    return min(parts, key=order)


def _came_with_others(id_: str, had: Mapping[Key, str], former: Sequence[Alias]) -> list[set[Key]]:
    of_it = sorted((each for each in former if each.entity_id == id_), key=lambda each: each.since, reverse=True)
    return [{key for key in each.records if had.get(key) == id_} for each in of_it]


def _best(parts: Sequence[Part], held: Counter[Part]) -> Part:
    return min(parts, key=lambda part: (-held[part], part))
