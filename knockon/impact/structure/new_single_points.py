"""New single points of failure: what one further failure takes a service DOWN that would not have before.

For each item the *takers* are worked out: the items whose failure alone takes it DOWN. These are the item itself, the
takers of each plain supplier, and whatever takes enough members of a group. So the takers of all services are the least
solution of one system of equations over sets, and sets are the bits of whole numbers: one walk over what the services
need answers for every item that might fail, where the engine would have to run for each.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.impact.structure.bits import EVERY, bits_of, enough_of
from knockon.impact.structure.distances import distances
from knockon.impact.structure.dominators import reverse_postorder
from knockon.impact.topology.columns import MIN_UP, TOTAL
from knockon.impact.topology.rows import Seen, entries
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topology import Topology

ITEMS = 20_000
"""How many items a walk passes at most, unless told otherwise: sets of as many bits are 50 MB in all."""
_ROOT = -1
_TOGETHER = 128
"""Services whose distances are measured at once: 10 MB at most."""


class NewSinglePoints(NamedTuple):
    """By service, the ids whose further failure now takes it DOWN; ``cut`` tells that not all were looked at."""

    points: dict[str, list[str]]
    cut: bool


def new_single_points(
    before: Evaluation, after: Evaluation, services: Iterable[str], limit: int = ITEMS
) -> NewSinglePoints:
    """Tell which one further failure now takes a service DOWN that would not have before.

    Exact: what is listed takes the service from not DOWN to DOWN on top of ``after``, and leaves it not DOWN on top of
    ``before``. A service that is DOWN in either has none. What ``after`` pins cannot fail; what only ``before`` pins
    may.

    Parameters
    ----------
    before, after
        Of one topology; ``after`` has more seeds, or fewer pins.
    services
        The ids of the services to look at; each is a key of the answer, with its points nearest first, then by order.
    limit
        How many items that the services need may be looked at. If that does not suffice, ``cut`` is true, and only the
        first services were looked at.

    Raises
    ------
    KeyError
        A service is not in the topology.

    Notes
    -----
    Linear in the dependencies among what the services need, times the size of the sets over that of a machine word.
    Only states of DOWN matter: no effect and no group is worse than what makes it so, hence DOWN follows from DOWN
    alone. A service has new points only where it needs something that differs between the two evaluations.
    """
    topology, change = after.topology, _Change.between(before, after)
    points: dict[str, list[str]] = {service: [] for service in services}
    differing = _differing(topology, change)
    wanted = [topology.index(service) for service in points]
    wanted = [each for each in wanted if differing[each] and not (change.fixed[each] or change.down[each])]
    needs, concerned = _bounded(topology, change, wanted, limit)
    cut = len(concerned) < len(wanted)
    needs = needs and _over_suspects(topology, change, needs)
    if needs is None:
        return NewSinglePoints(points, cut)
    reached = set(needs.items.tolist())
    found = _takers(topology, change, needs, [each for each in concerned if each in reached], differing)
    for number, ranked in _ranked(needs, change, found).items():
        points[topology.ids[number]] = [topology.ids[each] for each in ranked]
    return NewSinglePoints(points, cut)


class _Change(NamedTuple):
    """What differs between two evaluations, a truth for each item.

    ``fixed``: DOWN in both, or pinned in both; nothing that fails changes that. ``was_down`` are those that are DOWN in
    both. ``down``: only after; ``lifted``: pinned only before.
    """

    fixed: Any
    was_down: Any
    down: Any
    lifted: Any

    @classmethod
    def between(cls, before: Evaluation, after: Evaluation) -> _Change:
        size, numbers = len(after.topology.ids), after.topology.ids.numbers
        fixed, was_down, down, lifted = (np.zeros(size, bool) for _ in range(4))
        was_down[before.numbers(State.DOWN)] = True
        down[after.numbers(State.DOWN)] = True
        down &= ~was_down
        lifted[numbers(sorted(before.pins - after.pins))] = True
        fixed |= was_down
        fixed[numbers(sorted(after.pins))] = True
        return cls(fixed, was_down, down, lifted)


class _Needs(NamedTuple):
    """The items that some need over however many steps, and the arcs between them by which being DOWN may come."""

    items: Any
    supplier: Any
    consumer: Any
    arc: Any


def _differing(topology: Topology, change: _Change) -> Any:
    """Tell of each item whether something differs that it needs for not being DOWN, itself counted."""
    return _reached(topology, change.fixed, np.flatnonzero(change.down | change.lifted))


def _reached(topology: Topology, barred: Any, starts: Any) -> Any:
    """Tell of each item whether being DOWN may come to it from one of these, or it is one; not over what is barred."""
    graph, seen, found = topology.graph, Seen(barred), np.zeros(len(barred), bool)
    seen.mask[starts] = True
    level = starts
    while len(level):
        found[level] = True
        arc = entries(graph.start, level)
        level = seen.new(graph.consumer[arc[graph.effect[arc] >> (2 * State.DOWN) == State.DOWN]])
    return found


def _bounded(topology: Topology, change: _Change, wanted: list[int], limit: int) -> tuple[_Needs | None, list[int]]:
    """Find what as many of the first of these need as the limit allows, and give these."""
    some = wanted
    while some:
        if found := _needs(topology, change, some, limit):
            return found, some
        some = some[: len(some) // 2]
    return None, []


def _needs(topology: Topology, change: _Change, wanted: list[int], limit: int) -> _Needs | None:
    """Walk, a level at a time; None where that is nothing, or more than the limit. No failure passes what is fixed."""
    graph = topology.graph
    seen = Seen(np.zeros(len(topology.ids), bool))
    level = seen.new(np.array(wanted, np.int64))
    items, arcs = [level], []
    if not len(level):
        return None
    while len(level):
        if (limit := limit - len(level)) < 0:
            return None
        found = topology.needs[entries(topology.needs_start, level[~change.fixed[level]])]
        found = found[graph.effect[found] >> (2 * State.DOWN) == State.DOWN]
        arcs.append(found)
        level = seen.new(graph.supplier[found])
        items.append(level)
    arc = np.concatenate(arcs)
    return _Needs(np.concatenate(items), graph.supplier[arc], graph.consumer[arc], arc)


def _over_suspects(topology: Topology, change: _Change, needs: _Needs) -> _Needs | None:
    """Leave of what is needed only what some suspect may take, and what is DOWN; None where there is no suspect.

    Suspects are what the rest of a group needs whose member went DOWN, and what something needs that is pinned no more:
    nothing else takes more now than before. A few in a hundred of what is needed, in most estates.
    """
    group, down = topology.graph.group[needs.arc], change.down[needs.supplier]
    weak = np.isin(group, group[down & (group >= 0)])
    rest = needs.supplier[weak & ~down], needs.items[change.lifted[needs.items]]
    suspects = _needs(topology, change, np.concatenate(rest).tolist(), len(needs.items))
    if suspects is None:
        return None
    beyond = np.ones(len(topology.ids), bool)
    beyond[needs.items] = change.fixed[needs.items]
    seen = _reached(topology, beyond, suspects.items)
    kept = seen[needs.consumer] & (seen | change.down | change.was_down)[needs.supplier]
    supplier, consumer = needs.supplier[kept], needs.consumer[kept]
    return _Needs(np.union1d(np.flatnonzero(seen), supplier), supplier, consumer, needs.arc[kept])


class _Need(NamedTuple):
    """What an item needs: each of ``plain``, and of each of ``groups`` so much that less than ``enough`` is lost.

    The members of a group are (supplier, weight).
    """

    plain: list[int]
    groups: dict[int, list[tuple[int, int]]]


def _takers(
    topology: Topology, change: _Change, needs: _Needs, services: Sequence[int], differing: Any
) -> dict[int, list[int]]:
    """Give for each service the items that take it DOWN now and did not before."""
    need, enough = _by_consumer(topology, needs)
    following = {number: [*each.plain, *(m for some in each.groups.values() for m, _ in some)]
                 for number, each in need.items()}  # fmt: skip
    order = reverse_postorder(_ROOT, following | {_ROOT: services})[:0:-1]  # suppliers first, but for cycles
    rank = {number: place for place, number in enumerate(order)}
    was = {number: 0 if change.fixed[number] else 1 << rank[number] for number in order}
    was |= dict.fromkeys((number for number in order if change.was_down[number]), EVERY)
    now = was | dict.fromkeys((number for number in order if change.down[number]), EVERY)

    def grown(number: int) -> bool:
        wants, old = need[number], (was[number], now[number])
        if not change.lifted[number]:
            was[number] |= _taken(wants, enough, was)
        now[number] |= _taken(wants, enough, now) if differing[number] else was[number]
        return old != (was[number], now[number])

    for number in order:
        grown(number)
    _settle_cycles(order, rank, following, grown)
    return {number: [order[bit] for bit in bits_of(now[number] & ~was[number])] for number in services}


def _settle_cycles(
    order: Sequence[int], rank: Mapping[int, int], following: Mapping[int, Sequence[int]], grown: Callable[[int], bool]
) -> None:
    """Look again at what came before something that it needs, and at whatever that makes grow, until nothing does."""
    waiting = [place for place, number in enumerate(order) if any(rank[each] > place for each in following[number])]
    if not waiting:
        return
    consumers: dict[int, list[int]] = {}
    for number in order:
        for each in following[number]:
            consumers.setdefault(each, []).append(rank[number])
    queued = set(waiting)
    while waiting:
        place = heappop(waiting)
        queued.remove(place)
        if grown(order[place]):
            for each in consumers.get(order[place], ()):
                if each not in queued:
                    queued.add(each)
                    heappush(waiting, each)


def _by_consumer(topology: Topology, needs: _Needs) -> tuple[dict[int, _Need], dict[int, int]]:
    """Give what each item needs, and for each group the weight of members whose loss is enough to take its owner."""
    graph, need = topology.graph, {number: _Need([], {}) for number in needs.items.tolist()}
    group = graph.group[needs.arc]
    for consumer, supplier, number, weight in zip(
        needs.consumer.tolist(), needs.supplier.tolist(), group.tolist(), graph.weight[needs.arc].tolist(), strict=True
    ):
        if number < 0:
            need[consumer].plain.append(supplier)
        else:
            need[consumer].groups.setdefault(number, []).append((supplier, weight))
    groups = np.unique(group[group >= 0])
    terms = topology.terms[groups]
    return need, dict(zip(groups.tolist(), (terms[:, TOTAL] - terms[:, MIN_UP] + 1).tolist(), strict=True))


def _taken(wants: _Need, enough: dict[int, int], takers: dict[int, int]) -> int:
    """Tell which failures take what an item needs, by the takers of its suppliers."""
    found = 0
    for supplier in wants.plain:
        found |= takers[supplier]
    for group, members in wants.groups.items():
        found |= enough_of([(takers[supplier], weight) for supplier, weight in members], enough[group])
    return found


def _ranked(needs: _Needs, change: _Change, taken: Mapping[int, Sequence[int]]) -> dict[int, list[int]]:
    """Order the points of each service by their distance over what is not DOWN, then by number."""
    ranked: dict[int, list[int]] = {}
    open_ = ~(change.fixed | change.down)
    passable = open_[needs.supplier] & open_[needs.consumer]
    services = [each for each, points in taken.items() if points]
    for first in range(0, len(services), _TOGETHER):
        some = services[first : first + _TOGETHER]
        distance = distances(needs.items, needs.consumer[passable], needs.supplier[passable], some)
        rows = np.repeat(np.arange(len(some)), [len(taken[each]) for each in some])
        points = np.concatenate([taken[each] for each in some])
        order = np.lexsort((points, distance[rows, np.searchsorted(needs.items, points)], rows))
        found = iter(points[order].tolist())
        ranked |= {each: list(islice(found, len(taken[each]))) for each in some}
    return ranked
