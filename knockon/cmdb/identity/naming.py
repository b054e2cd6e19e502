"""Which id a thing keeps when its records come together or part."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from uuid_utils import uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.identity.joining import Key, Part


@dataclass
class Naming:
    """The ids of some parts; ``aliases`` gives what ids that no part keeps stand for from now on."""

    ids: dict[Part, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    split_from: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    """Ids that are new."""


def named(parts: Sequence[Part], had: Mapping[Key, str]) -> Naming:
    """Give each part the oldest id that its records had; ``had`` lacks the records that are new.

    Ids are UUIDv7, so the oldest is the smallest. Where several parts hold records of one id, it goes to the one that
    holds most of them, then to the one with the smallest record; the others split off.
    """
    naming = Naming()
    holders: dict[str, Counter[Part]] = {}
    for part in parts:
        for key in part:
            if key in had:
                holders.setdefault(had[key], Counter())[part] += 1
    for id_ in sorted(holders):
        free = [part for part in holders[id_] if part not in naming.ids]
        if free:
            naming.ids[_best(free, holders[id_])] = id_
    kept = set(naming.ids.values())
    for part in parts:
        if part not in naming.ids:
            naming.ids[part] = new = str(uuid7())
            naming.made.add(new)
            earlier = sorted({had[key] for key in part if key in had})
            if earlier:
                naming.split_from[new] = earlier[0]
    for id_ in holders.keys() - kept:
        naming.aliases[id_] = naming.ids[_best(list(holders[id_]), holders[id_])]
    return naming


def _best(parts: Sequence[Part], held: Counter[Part]) -> Part:
    return min(parts, key=lambda part: (-held[part], part))
