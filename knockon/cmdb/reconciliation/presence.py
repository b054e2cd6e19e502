"""Where the status of a thing and what sources see of it differ (docs/decisions/0027)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.identity.findings import made
from knockon.errors import FindingCode
from knockon.schema.observation import PEOPLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity, IdentityFinding, Record
    from knockon.cmdb.reconciliation.thing import Heard, Thing
    from knockon.schema.model import Model


def differing(model: Model, thing: Thing, records: Sequence[Heard]) -> IdentityFinding | None:
    """Find where the status of a thing differs from what its present records see; there is one such finding at most.

    A function of these records and the model: neither the moments of words nor other things count.
    """
    rule = model.statuses.get(thing.class_name)
    word = thing.won.get(rule[0]) if rule else None
    if rule is None or word is None:
        return None
    attribute, counting = rule
    counts = counting.get(word.value)
    if counts is None or (counts and thing.class_name not in model.discovered):
        return None
    seen = sorted((each.source, each.key) for each, _ in records if _sees(model, each, attribute, counting))
    if bool(seen) == counts:
        return None
    if seen:
        return made(FindingCode.PRESENT_AGAINST_STATUS, seen, word.value, token=word.value)
    said = sorted((each.source, each.key) for each, _ in records if each.said.get(attribute) == word.value)
    return made(FindingCode.ABSENT_AGAINST_STATUS, said, word.value, token=word.value)


def may_differ(model: Model, entity: Entity) -> bool:
    """Tell whether there can be a finding about a thing that is as it is here."""
    rule = model.statuses.get(entity.class_name)
    counts = rule[1].get(entity.attributes.get(rule[0])) if rule else None
    return counts is False or (counts is True and entity.class_name in model.discovered)


def _sees(model: Model, record: Record, attribute: str, counting: Mapping[Any, bool]) -> bool:
    """Tell whether who says this has seen the thing in operation, not just knows of it."""
    status = record.said.get(attribute)
    discovers = model.spec.sources.discovers
    if discovers is None:
        return status is None and not record.source.startswith(PEOPLE)
    return record.source in discovers and counting.get(status, True)
