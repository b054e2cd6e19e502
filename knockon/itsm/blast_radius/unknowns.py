"""What an impact answer could not take into account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.reconciliation.relate import WHY
from knockon.itsm.context.effects import EFFECT_TYPES
from knockon.itsm.values import Ci, Unknown, ci_of, not_in_the_journal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.context.difference import Difference


def unknowns(
    topologies: Topologies, found: Difference, seeds: Mapping[str, tuple[Entity, str]], touched: Collection[str]
) -> Iterable[Unknown]:
    """Tell what the answer could not take into account, for what it speaks of."""
    view = found.view
    for id_, (entity, _) in seeds.items():
        if id_ not in view.topology:
            why = "no impact rule names its class" if not _can_fail(topologies, entity) else "it is not in service"
            yield Unknown(Ci.of(entity), f"{why}, so nothing is known of what its failure does")
    for record in view.waiting:
        if end := next((id_ for id_ in record.known if id_ in touched), None):
            why = WHY[record.because or ""]
            ci = Ci.of(seeds[end][0]) if end in seeds else ci_of(view, end)  # a seed need not be in the topology
            yield Unknown(ci, f"{record.key.words}, says {record.key.source}, is left out: {why}")
        elif record.key.type_name in EFFECT_TYPES.values() and record.known[0] in found.context.records:
            yield Unknown(None, f"{record.key.words} is not counted: {WHY[record.because or '']}")
    for group in view.empty_groups:
        if group.consumer in touched:
            yield Unknown(ci_of(view, group.consumer), group.because)
    yield from not_in_the_journal(topologies.moment)
    yield from found.context.not_counted()


def _can_fail(topologies: Topologies, entity: Entity) -> bool:
    return entity.class_name in topologies.model.topology_classes
