"""A topology after a small change: what some consumers need is replaced, the rest is copied over.

A consumer owns its arcs and its groups. So the arcs and groups of the touched consumers are cut out,
laid out anew as a small topology of their own, and merged in. The result is laid out exactly as if it
had been built from scratch, so the kernel and every answer know nothing of it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.impact.topology.columns import END, FIRST, OWNER, Graph
from knockon.impact.topology.network import Item, Network
from knockon.impact.topology.renumbering import merge
from knockon.impact.topology.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.impact.topology.ids import Ids
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.renumbering import Renumbering


def splice(
    old: Topology,
    change: Renumbering | None,
    touched: Collection[int],
    consumers: Sequence[Item],
    dependencies: Sequence[Dependency],
) -> Topology:
    """Give the topology in which the touched consumers need these dependencies and no others.

    ``touched`` are old numbers. They must have all consumers that went or changed their place, and all
    that needed such an item. ``consumers`` has an item for each consumer of ``dependencies``; its order is
    not looked at. Copies the columns: linear, but at the speed of memory.
    """
    ids = old.ids.renumbered(change) if change else old.ids
    size = len(ids)
    is_touched = np.zeros(len(old.ids), bool)
    is_touched[np.array(sorted(touched), np.int64)] = True
    small, number = _small(ids, consumers, dependencies)
    signatures, codes, small_codes = _merged_signatures(old, small)

    graph, fresh = old.graph, small.graph
    keep = ~is_touched[graph.consumer]
    supplier, consumer = graph.supplier[keep], graph.consumer[keep]
    if change:
        supplier, consumer = change.map[supplier], change.map[consumer]
    new_supplier, new_consumer = number[fresh.supplier], number[fresh.consumer]
    wide = np.int64(max(size, 1))
    places = np.searchsorted(supplier * wide + consumer, new_supplier * wide + new_consumer) + np.arange(
        len(new_supplier)
    )
    arc_map = _moved(keep, places)

    terms, new_terms = old.terms, small.terms.copy()
    keep_group = ~is_touched[terms[:, OWNER]]
    kept_terms = terms[keep_group].copy()
    if change:
        kept_terms[:, OWNER] = change.map[kept_terms[:, OWNER]]
    new_terms[:, OWNER] = number[new_terms[:, OWNER]]
    group_places = np.searchsorted(kept_terms[:, OWNER], new_terms[:, OWNER]) + np.arange(len(new_terms))
    group_map = np.append(_moved(keep_group, group_places), np.int32(-1))  # the last: -1, no group, stays so
    small_group_map = np.append(group_places, -1).astype(np.int32)
    new_rows = merge(kept_terms, new_terms, group_places)
    counts = new_rows[:, END] - new_rows[:, FIRST]
    new_rows[:, END] = np.cumsum(counts)
    new_rows[:, FIRST] = new_rows[:, END] - counts
    is_new_group = np.zeros(len(new_rows), bool)
    is_new_group[group_places] = True
    member = _interleaved(
        np.repeat(is_new_group, counts), arc_map[graph.member[keep[graph.member]]], places[fresh.member]
    )

    supplier = merge(supplier, new_supplier, places)
    consumer = merge(consumer, new_consumer, places)
    by_consumer = np.bincount(consumer, minlength=size)
    is_new_consumer = np.zeros(size, bool)
    is_new_consumer[new_consumer] = True
    needs = _interleaved(
        np.repeat(is_new_consumer, by_consumer), arc_map[old.needs[keep[old.needs]]], places[small.needs]
    )
    folded = {int(arc_map[arc]): [int(codes[each]) for each in kinds]
              for arc, kinds in old.folded.items() if keep[arc]}  # fmt: skip
    folded |= {int(places[arc]): [int(small_codes[each]) for each in kinds] for arc, kinds in small.folded.items()}
    signature = merge(codes[old.signature[keep]], small_codes[small.signature], places)
    made = Graph(
        start=_starts(np.bincount(supplier, minlength=size)),
        supplier=supplier.astype(np.int32, copy=False),
        consumer=consumer.astype(np.int32, copy=False),
        effect=merge(graph.effect[keep], fresh.effect, places),
        group=merge(group_map[graph.group[keep]], small_group_map[fresh.group], places),
        weight=merge(graph.weight[keep], fresh.weight, places),
        terms=new_rows.ravel(),
        member=member.astype(np.int32, copy=False),
    )
    columns = (*made, signature, needs, needs_start := _starts(by_consumer))
    for column in columns:
        column.flags.writeable = False
    return Topology(ids, made, signatures, signature, folded, needs_start, needs)


def _small(ids: Ids, consumers: Sequence[Item], dependencies: Sequence[Dependency]) -> tuple[Topology, Any]:
    """Lay out what is new on its own; give also the number in the whole of each of its items."""
    given = {item.id: item for item in consumers}
    numbers = {each: ids.number(each) for edge in dependencies for each in (edge.consumer, edge.supplier)}
    items = [replace(given.get(each) or Item(each, ""), order=f"{number:012}") for each, number in numbers.items()]
    return Topology.of(Network(items, dependencies)), np.array(sorted(numbers.values()), np.int64)


def _merged_signatures(old: Topology, small: Topology) -> tuple[Sequence[Any], Any, Any]:
    """Give all signatures in order, and the new code of each of both."""
    known = {each: code for code, each in enumerate(old.signatures)}
    if all(each in known for each in small.signatures):
        same = np.arange(len(old.signatures), dtype=np.int32)
        return old.signatures, same, np.array([known[each] for each in small.signatures], np.int32)
    merged = sorted(known.keys() | set(small.signatures))
    code = {each: number for number, each in enumerate(merged)}
    before, after = (np.array([code[each] for each in some], np.int32) for some in (old.signatures, small.signatures))
    return merged, before, after


def _moved(keep: Any, places: Any) -> Any:
    """Give where each kept entry stands once others have come in at these places; anything for one not kept."""
    staying = np.ones(int(np.count_nonzero(keep)) + len(places), bool)
    staying[places] = False
    moved = np.full(len(keep), -1, np.int32)
    moved[keep] = np.flatnonzero(staying)
    return moved


def _interleaved(is_new: Any, kept: Any, new: Any) -> Any:
    """Fill the new entries' places with one list and the others with the other."""
    found = np.empty(len(is_new), np.int32)
    found[is_new] = new
    found[~is_new] = kept
    return found


def _starts(counts: Any) -> Any:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
