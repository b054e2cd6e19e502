"""What an impact answer could not take into account."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from knockon.cmdb.reconciliation.relate import WHY
from knockon.itsm.context.effects import EFFECT_TYPES
from knockon.itsm.values import Ci, Unknown, ci_of, not_in_the_journal, steps
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topologies import Topologies, View
    from knockon.itsm.context.difference import Difference

MOST_NAMED = 20
"""Suppliers of a kind that an answer names; of more it tells how many there are."""


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


def stale_suppliers(view: View, late: Sequence[tuple[Dependency, str]]) -> Iterable[Unknown]:
    """Name the suppliers that failure comes from over relationships that were not seen for too long.

    ``late`` as in ``Confidence``. Each supplier once, with the first of its relationships.
    """
    found: dict[str, list[tuple[Dependency, str]]] = {}
    for step, seen in late:
        found.setdefault(step.supplier, []).append((step, seen))
    for id_, its in islice(found.items(), MOST_NAMED):
        first, seen = its[0]
        (told,) = steps(view, [first])
        words = f"{told.source.name} {told.type_name} {told.target.name}"
        more = f", as {counted(len(its) - 1, 'more relationship')} of it" if len(its) > 1 else ""
        yield Unknown(
            ci_of(view, id_),
            f"{words} was last seen at {seen[:19]}Z, longer ago than the refresh period{more}, so it may be over",
        )
    if (more_suppliers := len(found) - MOST_NAMED) > 0:
        yield Unknown(
            None, f"{counted(more_suppliers, 'more supplier')} of relationships that were not seen for too long"
        )


def unmapped_suppliers(unmapped: Sequence[Ci]) -> Iterable[Unknown]:
    """Name what fails and supports no service that is known, in one line: the answer lists all of it elsewhere."""
    if not unmapped:
        return
    names = [each.name for each in unmapped[:MOST_NAMED]]
    if len(unmapped) > MOST_NAMED:
        names.append(f"{len(unmapped) - MOST_NAMED:,} more")
    words = f"{', '.join(names[:-1])} and {names[-1]} support" if len(names) > 1 else f"{names[0]} supports"
    yield Unknown(None, f"{words} no service that is known, so whom that hits is not known")


def _can_fail(topologies: Topologies, entity: Entity) -> bool:
    return entity.class_name in topologies.model.topology_classes
