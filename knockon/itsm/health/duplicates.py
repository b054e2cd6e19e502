"""Several live things with one identity: what identification would join, if it were told of no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.identity.claims import claims
from knockon.cmdb.identity.joining import JUNK

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Entity
    from knockon.itsm.health.ground import Ground
    from knockon.schema.identifiers import Within

_NAMED = 3


def twins(ground: Ground) -> dict[str, str]:
    """Say of each CI that has a duplicate what it shares with which.

    Two CIs are duplicates if they make the same claim by an identifier set, no stronger set that both have tells them
    apart, and no person keeps them so: the rule by which records join, put to what became of them. A claim of more than
    ``JUNK`` things identifies nobody, as there. Linear, and the square of ``JUNK`` for each claim.
    """
    model = ground.model
    made: dict[str, dict[str, str]] = {}
    holders: dict[tuple[str, str], list[Entity]] = {}
    parents = _parents(ground)
    for each in ground.cis:
        found = claims(model, each.class_name, each.attributes, parents.get(each.id, {}))
        made[each.id] = found
        for claim in found.items():
            holders.setdefault(claim, []).append(each)
    said: dict[str, str] = {}
    for (name, _), holding in holders.items():
        if not 1 < len(holding) <= JUNK:
            continue
        stronger = {key for key, each in model.identifiers.items() if each.priority < model.identifiers[name].priority}
        for each in holding:
            others = [
                other.name
                for other in holding
                if other is not each
                and frozenset((each.id, other.id)) not in ground.apart
                and not _differ(made, each.id, other.id, stronger)
            ]
            if others and each.id not in said:
                more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
                said[each.id] = f"same {name} as {', '.join(others[:_NAMED])}{more}"
    return said


def _differ(made: dict[str, dict[str, str]], one: str, other: str, stronger: set[str]) -> bool:
    first, second = made[one], made[other]
    return any(first[key] != second[key] for key in first.keys() & second.keys() & stronger)


def _parents(ground: Ground) -> dict[str, dict[Within, str]]:
    """Find the parent of each CI by each way to one; ways that lead to several are absent."""
    ways: dict[str, list[Within]] = {}
    for each in ground.model.identifiers.values():
        if each.within and each.within not in ways.setdefault(each.within.type_name, []):
            ways[each.within.type_name].append(each.within)
    leads: dict[tuple[str, Within], set[str]] = {}
    for edge in ground.scan.edges:
        for way in ways.get(edge.key.type_name, ()):
            ends = edge.key.source_id, edge.key.target_id
            child, parent = ends if way.child_is_source else ends[::-1]
            if ground.model.is_a(ground.entities[parent].class_name, way.parent):
                leads.setdefault((child, way), set()).add(parent)
    found: dict[str, dict[Within, str]] = {}
    for (child, way), to in leads.items():
        if len(to) == 1:
            found.setdefault(child, {})[way] = next(iter(to))
    return found
