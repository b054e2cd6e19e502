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
from knockon.impact.topology.renumbering import Renumbering
from knockon.impact.topology.topology import Topology

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.impact.topology.ids import Ids
    from knockon.impact.topology.network import Dependency


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
    items = change or Renumbering.of(len(old.ids), (), ())
    small, number = _small(ids, consumers, dependencies)
    signatures, codes, small_codes = _merged_signatures(old, small)
    graph, fresh = old.graph, small.graph
    supplier, consumer = number[fresh.supplier], number[fresh.consumer]
    rows = np.array(sorted(touched), np.int64)

    needs_gone = _ranges(old.needs_start[rows], old.needs_start[rows + 1])
    needs_before = _ends(old.needs_start, *items.old(consumer[small.needs]))
    needs = Renumbering(len(old.needs), needs_gone, needs_before)
    arcs = Renumbering(
        len(graph.consumer), np.sort(old.needs[needs_gone]).astype(np.int64), _places(graph, items, supplier, consumer)
    )
    terms, new_terms = old.terms, small.terms.copy()
    owner, new_owner = np.ascontiguousarray(terms[:, OWNER]), number[new_terms[:, OWNER]]
    groups_gone = _ranges(np.searchsorted(owner, rows), np.searchsorted(owner, rows + 1))
    old_owner, was_there = items.old(new_owner)
    groups = Renumbering(len(terms), groups_gone, np.searchsorted(owner, old_owner + was_there))
    ends = [terms[each, FIRST] if each < len(terms) else len(graph.member) for each in groups.before.tolist()]
    members = Renumbering(
        len(graph.member),
        _ranges(terms[groups_gone, FIRST], terms[groups_gone, END]),
        np.repeat(np.array(ends, np.int64), new_terms[:, END] - new_terms[:, FIRST]),
    )

    new_terms[:, OWNER] = new_owner
    made = Graph(
        start=_recounted(graph.start, items, graph.supplier[arcs.gone], supplier),
        supplier=arcs.column(items.moved(graph.supplier), supplier),
        consumer=arcs.column(items.moved(graph.consumer), consumer),
        effect=arcs.column(graph.effect, fresh.effect),
        group=arcs.column(groups.moved(graph.group), np.append(groups.come, -1)[fresh.group]),
        weight=arcs.column(graph.weight, fresh.weight),
        terms=_new_terms(terms, new_terms, items, groups),
        member=members.column(arcs.moved(graph.member), arcs.come[fresh.member]),
    )
    signature = arcs.column(old.signature if codes is None else codes[old.signature], small_codes[small.signature])
    needed = needs.column(arcs.moved(old.needs), arcs.come[small.needs])
    needs_start = _recounted(old.needs_start, items, np.repeat(rows, np.diff(old.needs_start)[rows]), consumer)
    for column in (*made, signature, needed, needs_start):
        column.flags.writeable = False
    return Topology(
        ids, made, signatures, signature, _folded(old, small, arcs, codes, small_codes), needs_start, needed
    )


def _places(graph: Graph, items: Renumbering, supplier: Any, consumer: Any) -> Any:
    """Give before which old arc each new one comes; ends by new number.

    One between the same two items as old ones comes after them: these go, and so nothing behind them moves.
    """
    rows, was_there = items.old(supplier)
    found = []
    for row, there, number, kept in zip(rows, was_there, *items.old(consumer), strict=True):
        first = graph.start[row]
        own = graph.consumer[first : graph.start[row + 1] if there else first]
        found.append(first + np.searchsorted(own, np.int32(number), side="right" if kept else "left"))
    return np.array(found, np.int64)


def _ranges(firsts: Any, ends: Any) -> Any:
    """List the numbers of some ranges, one after the other."""
    counts = (ends - firsts).astype(np.int64)
    return np.arange(counts.sum()) + np.repeat(firsts - np.cumsum(counts) + counts, counts)


def _ends(starts: Any, rows: Any, was_there: Any) -> Any:
    """Give where each row's entries end; of one that was not there, where it would begin."""
    return starts[rows + was_there].astype(np.int64)


def _recounted(starts: Any, items: Renumbering, gone: Any, come: Any) -> Any:
    """Give where the entries of each item start, once those of ``gone`` went and those of ``come`` came."""
    counts = np.diff(starts)
    np.subtract.at(counts, gone, 1)
    counts = items.column(counts, np.zeros(len(items.before), counts.dtype))
    np.add.at(counts, come, 1)
    found = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=found[1:])
    return found


def _new_terms(terms: Any, new: Any, items: Renumbering, groups: Renumbering) -> Any:
    """Give the rows of all groups; ``new`` have their owners by new number already."""
    if items.ids or len(items.gone):
        terms = terms.copy()
        terms[:, OWNER] = items.moved(terms[:, OWNER])
    found = groups.column(terms, new)
    if found is terms:
        return terms.ravel()
    counts = found[:, END] - found[:, FIRST]
    found[:, END] = np.cumsum(counts)
    found[:, FIRST] = found[:, END] - counts
    return found.ravel()


def _folded(old: Topology, small: Topology, arcs: Renumbering, codes: Any, small_codes: Any) -> dict[int, list[int]]:
    """Give the signatures of folded arcs, by new number of arc and of signature."""
    gone, kept = set(arcs.gone.tolist()), list(old.folded)
    found = {
        place: list(old.folded[arc]) if codes is None else [int(codes[each]) for each in old.folded[arc]]
        for arc, place in zip(kept, arcs.moved(np.array(kept, np.int64)).tolist(), strict=True)
        if arc not in gone
    }
    new = {int(arcs.come[arc]): [int(small_codes[each]) for each in kinds] for arc, kinds in small.folded.items()}
    return found | new


def _small(ids: Ids, consumers: Sequence[Item], dependencies: Sequence[Dependency]) -> tuple[Topology, Any]:
    """Lay out what is new on its own; give also the number in the whole of each of its items."""
    given = {item.id: item for item in consumers}
    numbers = {each: ids.number(each) for edge in dependencies for each in (edge.consumer, edge.supplier)}
    items = [replace(given.get(each) or Item(each, ""), order=f"{number:012}") for each, number in numbers.items()]
    return Topology.of(Network(items, dependencies)), np.array(sorted(numbers.values()), np.int64)


def _merged_signatures(old: Topology, small: Topology) -> tuple[Sequence[Any], Any, Any]:
    """Give all signatures in order, and the new code of each of both; None for the old ones where they keep theirs."""
    known = {each: code for code, each in enumerate(old.signatures)}
    if all(each in known for each in small.signatures):
        return old.signatures, None, np.array([known[each] for each in small.signatures], np.int32)
    merged = sorted(known.keys() | set(small.signatures))
    code = {each: number for number, each in enumerate(merged)}
    before, after = (np.array([code[each] for each in some], np.int32) for some in (old.signatures, small.signatures))
    return merged, before, after
