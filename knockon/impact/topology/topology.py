"""The estate as compact columns: what the kernel walks over.

Built once from a network and never changed, so any number of threads may ask it at once. An item's
number is its rank by ``Item.order``; ties by order are therefore ties by number.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.compiling import COMPILE_ABOVE
from knockon.impact.topology.columns import FIRST, OWNER, TERMS, Graph
from knockon.impact.topology.ids import Ids
from knockon.impact.topology.network import Dependency
from knockon.schema.states import EffectMap, is_monotone_and_reductive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from knockon.impact.topology.network import Item, Network, Threshold

Ints = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]
HEAVIEST = 2**31 - 1
"""Larger weights count as this one."""


class Signature(NamedTuple):
    """Everything of a dependency but its ends: a few hundred of them describe an estate's edges.

    The first three fields order parallel arcs.
    """

    type_name: str
    group: str
    reversed: bool
    rule: str
    grouped: bool
    weight: int
    min_up: Threshold
    full_up: Threshold
    effect: EffectMap

    @classmethod
    def of(cls, each: Dependency) -> Signature:
        """Describe a dependency."""
        return cls(
            each.type_name, each.group or "", each.reversed, each.rule, each.group is not None,
            min(each.weight, HEAVIEST), each.min_up or "", each.full_up or "", each.effect,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Topology:
    """Items, the arcs from suppliers to consumers, and the redundancy groups, as columns.

    Parallel dependencies of one supplier in one group are one arc, with the worst effect and the
    largest weight of all; ``folded`` has them, by arc.
    """

    ids: Ids
    graph: Graph
    signatures: Sequence[Signature]
    signature: Ints  # arc -> signature
    folded: Mapping[int, Sequence[int]]
    needs_start: Ints  # item -> its first entry in needs
    needs: Ints  # the arcs by which each consumer needs its suppliers
    pools: dict[bool, list[Any]] = field(default_factory=lambda: {False: [], True: []}, repr=False)
    """Idle scratches of the propagation, plain and compiled."""

    @classmethod
    def of(cls, network: Network) -> Topology:
        """Lay out a network, in O(m log m) for m dependencies.

        Raises
        ------
        KeyError
            A dependency names an id that is no item's.
        """
        items = sorted(network.items, key=lambda item: item.order)
        ids = [item.id for item in items]
        numbers = {each: number for number, each in enumerate(ids)}
        signatures, signature = interned([Signature.of(each) for each in network.dependencies])
        supplier = np.array([numbers[each.supplier] for each in network.dependencies], np.int64)
        consumer = np.array([numbers[each.consumer] for each in network.dependencies], np.int64)
        return cls.laid_out(ids, items.__getitem__, signatures, signature, supplier, consumer)

    @classmethod
    def laid_out(
        cls, ids: Sequence[str], item: Callable[[int], Item],
        signatures: Sequence[Signature], signature: Ints, supplier: Ints, consumer: Ints,
    ) -> Topology:  # fmt: skip
        """Lay out dependencies that are given as columns, ends by number; signatures are distinct and in order.

        ``ids`` are in the order of the items; ``item`` is asked for those that own groups.
        """
        by_place = np.lexsort((signature, consumer, supplier))
        signature, supplier, consumer = signature[by_place], supplier[by_place], consumer[by_place]
        named, group = _number_groups(signatures, signature, consumer)
        thresholds = _own_thresholds(signatures, signature, group)
        effect = np.array([pack(each.effect) for each in signatures], np.uint8)[signature]
        weight = np.array([each.weight for each in signatures], np.int32)[signature]
        kept, folded = _fold_parallel(supplier, group, effect, weight, signature)
        signature, supplier, consumer, group = (each[kept] for each in (signature, supplier, consumer, group))
        effect, weight = effect[kept], weight[kept]
        member_start, member, total = _members(group, weight, len(named))
        needed = np.array(
            [
                _needed(item(owner), name, int(total[number]), *thresholds.get(number, ((), ())))
                for number, (owner, name) in enumerate(named)
            ],
            np.int64,
        ).reshape(-1, 2)
        owners = [owner for owner, _ in named]
        terms = np.array([owners, total, *needed.T, member_start[:-1], member_start[1:]], np.int64)
        graph = Graph(
            start=_starts(supplier, len(ids)),
            supplier=supplier.astype(np.int32),
            consumer=consumer.astype(np.int32),
            effect=effect,
            group=group.astype(np.int32),
            weight=weight,
            terms=terms.T.ravel(),
            member=member,
        )
        needs = np.argsort(consumer, kind="stable").astype(np.int32)
        needs_start = _starts(consumer[needs], len(ids))
        signature = signature.astype(np.int32)
        for column in (*graph, signature, needs, needs_start):
            column.flags.writeable = False
        return cls(Ids.of(ids), graph, signatures, signature, folded, needs_start, needs)

    @property
    def large(self) -> bool:
        """Tell whether compiling pays for questions to it."""
        return len(self.graph.consumer) > COMPILE_ABOVE

    def index(self, item_id: str) -> int:
        """Give an item's number; KeyError where the id is not in the topology."""
        return self.ids.number(item_id)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self.ids

    def parallel(self, arc: int) -> range:
        """Give the arcs between the same two items, in order of type."""
        graph = self.graph
        first, end = arc, arc + 1
        while first > 0 and self._alike(first - 1, arc):
            first -= 1
        while end < len(graph.consumer) and self._alike(end, arc):
            end += 1
        return range(first, end)

    def _alike(self, one: int, other: int) -> bool:
        consumer, supplier = self.graph.consumer, self.graph.supplier
        return bool(consumer[one] == consumer[other] and supplier[one] == supplier[other])

    def dependencies(self, arc: int) -> Sequence[int]:
        """List the signatures of the dependencies that an arc stands for; smaller ones come first by type."""
        return self.folded.get(arc) or (int(self.signature[arc]),)

    def dependency(self, arc: int, signature: int) -> Dependency:
        """Give one of an arc's dependencies back."""
        kind = self.signatures[signature]
        consumer, supplier = self.ids[self.graph.consumer[arc]], self.ids[self.graph.supplier[arc]]
        group = kind.group if kind.grouped else None
        return Dependency(
            consumer, supplier, kind.effect, group, kind.weight, kind.min_up or None, kind.full_up or None,
            kind.type_name, kind.reversed, kind.rule,
        )  # fmt: skip

    def needed(self, number: int) -> list[int]:
        """List the arcs by which an item needs others, in order of supplier, then type."""
        found: list[int] = self.needs[self.needs_start[number] : self.needs_start[number + 1]].tolist()
        return found

    @property
    def terms(self) -> Ints:
        """Give what each group is, a row a group, by the kernel's columns."""
        found: Ints = self.graph.terms.reshape(-1, TERMS)
        return found

    def group_name(self, group: int) -> str:
        """Give the name of a group, which is scoped to its consumer."""
        heaviest = int(self.graph.member[self.terms[group, FIRST]])
        name: str = self.signatures[self.signature[heaviest]].group
        return name

    def groups(self, item_id: str) -> list[str]:
        """List the names of an item's groups, in order."""
        number = self.index(item_id)
        first, end = np.searchsorted(self.terms[:, OWNER], [number, number + 1])
        return [self.group_name(group) for group in range(first, end)]


def pack(effect: EffectMap) -> int:
    """Pack an effect map into a byte, two bits a state.

    The kernel settles each item once because no effect is worse than the supplier's state; lint holds
    models to that.
    """
    assert is_monotone_and_reductive(effect), f"the effect map {effect} is not monotone and reductive"
    return sum(int(each) << (2 * state) for state, each in enumerate(effect))


def resolve(threshold: Threshold, total: int) -> int:
    """Give the weight that a threshold asks of a group of this total, clamped to it.

    Of ``p%`` that is the smallest whole weight w with ``100 * w >= p * total``.
    """
    wanted = -(-int(threshold[:-1]) * total // 100) if threshold.endswith("%") else int(threshold)
    return min(max(wanted, 1), total)


def interned(described: Sequence[Signature]) -> tuple[list[Signature], Ints]:
    """Give the distinct signatures, in order of type name, then group, and the number of each given one."""
    codes: dict[Signature, int] = {}
    column = np.array([codes.setdefault(each, len(codes)) for each in described], np.int64)
    ordered = sorted(codes)
    rank = np.empty(len(codes), np.int64)
    for position, each_signature in enumerate(ordered):
        rank[codes[each_signature]] = position
    return ordered, rank[column]


def _number_groups(
    signatures: Sequence[Signature], signature: Ints, consumer: Ints
) -> tuple[list[tuple[int, str]], Ints]:
    """Number the groups by consumer, then name; give (consumer, name) of each and the column, -1 for plain arcs."""
    names = sorted({each.group for each in signatures if each.grouped})
    code = {name: number for number, name in enumerate(names)}
    named = np.array([code[each.group] if each.grouped else -1 for each in signatures], np.int64)[signature]
    column = np.full(len(signature), -1, np.int64)
    grouped = named >= 0
    keys, column[grouped] = np.unique(consumer[grouped] * max(len(names), 1) + named[grouped], return_inverse=True)
    return [(key // len(names), names[key % len(names)]) for key in keys.tolist()], column


def _own_thresholds(
    signatures: Sequence[Signature], signature: Ints, group: Ints
) -> dict[int, tuple[set[Threshold], set[Threshold]]]:
    """Collect the thresholds that edges give their groups, as written: min_up, full_up."""
    giving = np.array([each.grouped and bool(each.min_up or each.full_up) for each in signatures], bool)
    found: dict[int, tuple[set[Threshold], set[Threshold]]] = {}
    for arc in np.flatnonzero(giving[signature]).tolist():
        lowest, full = found.setdefault(int(group[arc]), (set(), set()))
        kind = signatures[signature[arc]]
        lowest |= {kind.min_up} - {""}
        full |= {kind.full_up} - {""}
    return found


def _fold_parallel(
    supplier: Ints, group: Ints, effect: Any, weight: Any, signature: Ints
) -> tuple[Ints, dict[int, list[int]]]:
    """Fold parallel members into their first arc, in place; give the arcs that stay, and the signatures of folded ones.

    The former are old positions, in order; the latter are by new position.
    """
    grouped = np.flatnonzero(group >= 0)
    key = supplier[grouped] * (int(group.max(initial=0)) + 1) + group[grouped]
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[place] != np.arange(len(grouped)))
    folded: dict[int, list[int]] = {}
    for other, onto in zip(grouped[again].tolist(), grouped[first[place[again]]].tolist(), strict=True):
        folded.setdefault(onto, [int(signature[onto])]).append(int(signature[other]))
        weight[onto] = max(weight[onto], weight[other])
        effect[onto] = sum(max(effect[onto] & mask, effect[other] & mask) for mask in (0b1100, 0b110000, 0b11000000))
    kept = np.sort(np.concatenate((np.flatnonzero(group < 0), grouped[first])))
    return kept, {int(np.searchsorted(kept, onto)): codes for onto, codes in folded.items()}


def _members(group: Ints, weight: Any, groups: int) -> tuple[Any, Any, Any]:
    """List the arcs of each group, heaviest first, and the total weight of each."""
    grouped = np.flatnonzero(group >= 0)
    member = grouped[np.lexsort((grouped, -weight[grouped].astype(np.int64), group[grouped]))]
    total = np.zeros(groups, np.int64)
    np.add.at(total, group[member], weight[member].astype(np.int64))
    return _starts(group[member], groups), member.astype(np.int32), total


def _starts(sorted_keys: Ints, count: int) -> Any:
    """Give for each key below ``count`` where its run starts, and the end."""
    return np.searchsorted(sorted_keys, np.arange(count + 1)).astype(np.int32)


def _needed(
    owner: Item, name: str, total: int, min_up: set[Threshold] | tuple[()], full_up: set[Threshold] | tuple[()]
) -> tuple[int, int]:
    """Decide (min_up, full_up) of a group: edges, then the consumer's own, then its class; the stricter of several."""
    own = name == owner.own_group
    lowest = min_up or {(own and (owner.min_up or owner.default_min_up)) or "1"}
    up = max(resolve(each, total) for each in lowest)
    full = full_up or {(own and (owner.full_up or owner.default_full_up)) or "1"}
    return up, max(up, *(resolve(each, total) for each in full))
