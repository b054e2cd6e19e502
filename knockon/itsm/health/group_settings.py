"""What is wrong with how redundancy groups are set: the engine settles each of these, and tells nobody."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from knockon.impact.topology.columns import MIN_UP, OWNER, TOTAL
from knockon.impact.topology.topology import resolve
from knockon.itsm.health.ground import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from knockon.impact.topology.network import Item, Threshold
    from knockon.itsm.health.ground import Ground

    Written = Mapping[str, Mapping[Threshold, Sequence[str]]]
    """By setting, each value that counts, and the suppliers whose relationships say it: none where the CI says it."""

_SETTINGS = ("min_up", "full_up")
_NAMED = 3


def judged(ground: Ground) -> Iterator[Outcome]:
    """Ask each group that has a setting of its own whether it fits: one Outcome for each CI that has such groups.

    A setting misses where it is more than all members together, where relationships of one group disagree, where
    ``full_up`` is less than what must be up, and where it is the CI's own and there is no group that it is for.
    Settings that the class gives are asked nothing: lint has looked at them. Linear in items and dependencies.
    """
    topology = ground.topology
    items = {each.id: each for each in ground.network.items}
    by_edges = _said_by_relationships(ground)
    groups: defaultdict[str, set[str]] = defaultdict(set)
    asked: defaultdict[str, list[list[str]]] = defaultdict(list)
    for number, row in enumerate(topology.terms.tolist()):
        owner, group = topology.ids[row[OWNER]], topology.group_name(number)
        groups[owner].add(group)
        own = _own(items[owner]) if group == items[owner].own_group else {}
        written = {**own, **by_edges.get((owner, group), {})}
        if written and owner in ground.number:
            asked[owner].append(list(_wrong(ground, group, written, row[TOTAL], row[MIN_UP])))
    for each in ground.cis:
        if each.id in items and (said := [name for name in _SETTINGS if each.attributes.get(name)]):
            group_of_class = items[each.id].own_group
            if group_of_class is None:
                asked[each.id].append([f"its class has no group that its own {' and '.join(said)} could be for"])
            elif group_of_class not in groups[each.id] and groups[each.id]:
                words = f"its own {' and '.join(said)} is for {group_of_class} only, and that has no members"
                asked[each.id].append([words])
    for owner, found in asked.items():
        wrong = [each for each in found if each]
        yield Outcome(owner, len(found), len(wrong), "; ".join(sorted(words for each in wrong for words in each)))


def _said_by_relationships(ground: Ground) -> dict[tuple[str, str], dict[str, dict[Threshold, list[str]]]]:
    found: dict[tuple[str, str], dict[str, dict[Threshold, list[str]]]] = {}
    for each in ground.network.dependencies:
        if each.group is not None:
            for name, value in zip(_SETTINGS, (each.min_up, each.full_up), strict=True):
                if value:
                    of_group = found.setdefault((each.consumer, each.group), {})
                    of_group.setdefault(name, {}).setdefault(value, []).append(each.supplier)
    return found


def _own(item: Item) -> Written:
    return {name: {value: ()} for name, value in zip(_SETTINGS, (item.min_up, item.full_up), strict=True) if value}


def _wrong(ground: Ground, group: str, written: Written, total: int, min_up: int) -> Iterator[str]:
    """Say what is wrong with what is written of a group of which ``min_up`` must be up."""
    for name, values in written.items():
        for value in values:
            if not value.endswith("%") and int(value) > total:
                yield f"{group} is to have {value} and has {total} in all"
        amounts = {resolve(value, total) for value in values}
        if len(amounts) > 1:
            by = ", ".join(f"{value} ({_some(ground, values[value])})" for value in sorted(values))
            yield f"{group}: its relationships disagree on {name}: {by}; {max(amounts)} counts"
    full = max((resolve(value, total) for value in written.get("full_up", ())), default=min_up)
    if full < min_up:
        said = ", ".join(sorted(written["full_up"]))
        yield f"{group}: full_up {said} is below the {min_up} that must be up, which count"


def _some(ground: Ground, suppliers: Sequence[str]) -> str:
    names = sorted({ground.entities[each].name for each in suppliers})
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
