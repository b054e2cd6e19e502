"""The naive meaning of impact, written straight from DESIGN.md section 4: slow, obvious, and no part of the engine.

Where the text can be read two ways, docs/decisions/0004-impact-readings.md says which reading this is, and why.
All arithmetic is on whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from knockon.impact.topology.network import Dependency, Item, Network, Threshold

States = dict[str, State]


class Step(NamedTuple):
    """One edge of a path, as far as the text determines which edge it is."""

    consumer: str
    supplier: str
    type_name: str


class Survivor(NamedTuple):
    """A group that lost a member and is not DOWN; ``lost`` and ``margin`` count members, the rest are weights."""

    consumer: str
    group: str
    total: int
    up: int
    full: int
    solid: int
    lost: int
    margin: int
    min_up: int
    full_up: int


@dataclass(frozen=True)
class Verdict:
    """All that is judged here; everything but ``states`` holds only items worse than OPERATIONAL, or groups."""

    states: States
    order: list[str]
    distances: dict[str, int]
    paths: dict[str, tuple[Step, ...]]
    causes: dict[str, frozenset[str]]
    survivors: frozenset[Survivor]


class Member(NamedTuple):
    """One supplier in one group, its parallel edges taken together: worst effect, largest weight."""

    supplier: str
    effect: State
    weight: int


@dataclass(frozen=True)
class Group:
    """The arithmetic of one redundancy group under given states of all items."""

    consumer: str
    name: str
    members: list[Member]
    min_up: int
    full_up: int

    @property
    def total(self) -> int:
        return sum(member.weight for member in self.members)

    @property
    def up(self) -> int:
        return sum(member.weight for member in self.members if member.effect < State.DOWN)

    @property
    def full(self) -> int:
        return sum(member.weight for member in self.members if member.effect <= State.AT_RISK)

    @property
    def solid(self) -> int:
        return sum(member.weight for member in self.members if member.effect == State.OPERATIONAL)

    @property
    def lost(self) -> list[Member]:
        return [member for member in self.members if member.effect in (State.DEGRADED, State.DOWN)]

    @property
    def largest_first(self) -> list[int]:
        """The weights counted in full."""
        return sorted((member.weight for member in self.members if member.effect <= State.AT_RISK), reverse=True)

    @property
    def at_risk_by_loss(self) -> bool:
        return bool(self.lost) and self.full - max(self.largest_first, default=0) < self.full_up

    @property
    def at_risk_by_members(self) -> bool:
        return any(member.effect == State.AT_RISK for member in self.members) and self.solid < self.full_up

    @property
    def result(self) -> State:
        if self.up < self.min_up:
            return State.DOWN
        if self.full < self.full_up:
            return State.DEGRADED
        if self.at_risk_by_loss or self.at_risk_by_members:
            return State.AT_RISK
        return State.OPERATIONAL

    @property
    def least_to_blame(self) -> State:
        """The mildest effect that helped to produce the result."""
        if self.result == State.AT_RISK and self.at_risk_by_loss:
            return State.DEGRADED
        return self.result

    @property
    def margin(self) -> int:
        left, margin = self.full, 0
        for weight in self.largest_first:
            left -= weight
            if left < self.full_up:
                break
            margin += 1
        return margin if self.full >= self.full_up else 0

    @property
    def as_survivor(self) -> Survivor:
        return Survivor(
            self.consumer, self.name, self.total, self.up, self.full, self.solid,
            len(self.lost), self.margin, self.min_up, self.full_up,
        )  # fmt: skip


def judge(
    network: Network,
    seeds: Mapping[str, State],
    pins: frozenset[str] = frozenset(),
    removed: frozenset[str] = frozenset(),
) -> Verdict:
    """Judge a failure by the text alone; ValueError where a seed is pinned."""
    seeded = {**seeds, **dict.fromkeys(removed, State.DOWN)}
    if pins & seeded.keys():
        raise ValueError(f"both seed and pin: {sorted(pins & seeded.keys())}")
    states = dict.fromkeys((item.id for item in network.items), State.OPERATIONAL)
    while (after := one_pass(network, states, seeded, pins)) != states:
        states = after
    hit = [item for item in network.items if states[item.id] > State.OPERATIONAL]
    causes = {item.id: _causes(network, states, item) for item in hit}
    distances = _distances(states, seeded, causes)
    orders = {item.id: item.order for item in network.items}
    first = {
        item: _first_edge(states, distances, orders, edges) for item, edges in causes.items() if distances[item] > 0
    }
    key = {item.id: (-states[item.id], distances[item.id], item.order) for item in hit}
    return Verdict(
        states=states,
        order=sorted(key, key=key.__getitem__),
        distances=distances,
        paths={item.id: _path(item.id, first) for item in hit},
        causes={item: frozenset(edge.supplier for edge in edges) for item, edges in causes.items()},
        survivors=frozenset(
            group.as_survivor
            for item in network.items
            for group in groups_of(network, states, item)
            if group.lost and group.result != State.DOWN
        ),
    )


def one_pass(network: Network, states: States, seeded: Mapping[str, State], pins: frozenset[str]) -> States:
    """What each item's state must be at least, if all the others' were ``states``."""
    return {
        item.id: State.OPERATIONAL
        if item.id in pins
        else max(
            [seeded.get(item.id, State.OPERATIONAL)]
            + [edge.effect[states[edge.supplier]] for edge in _edges(network, item) if edge.group is None]
            + [group.result for group in groups_of(network, states, item)]
        )
        for item in network.items
    }


def groups_of(network: Network, states: States, item: Item) -> Iterator[Group]:
    """All redundancy groups of an item, each with at least one member."""
    for name in sorted({edge.group for edge in _edges(network, item) if edge.group is not None}):
        edges = [edge for edge in _edges(network, item) if edge.group == name]
        members = []
        for supplier in sorted({edge.supplier for edge in edges}):
            parallel = [edge for edge in edges if edge.supplier == supplier]
            effect = max(edge.effect[states[supplier]] for edge in parallel)
            members.append(Member(supplier, effect, max(edge.weight for edge in parallel)))
        total = sum(member.weight for member in members)
        own = item.own_group == name
        min_up = needed(
            [edge.min_up for edge in edges],
            [item.min_up, item.default_min_up] if own else [],
            total,
        )
        full_up = needed(
            [edge.full_up for edge in edges],
            [item.full_up, item.default_full_up] if own else [],
            total,
        )
        min_up = 1 if min_up is None else min_up
        full_up = min_up if full_up is None else max(full_up, min_up)
        yield Group(item.id, name, members, min_up, full_up)


def needed(on_edges: list[Threshold | None], otherwise: list[Threshold | None], total: int) -> int | None:
    """The weight a threshold asks for: the strictest of the edges' own, else the first given otherwise."""
    if given := [written for written in on_edges if written is not None]:
        return max(resolve(written, total) for written in given)
    for written in otherwise:
        if written is not None:
            return resolve(written, total)
    return None


def resolve(written: Threshold, total: int) -> int:
    """A threshold as a weight, at most ``total``; a percentage is the smallest weight that meets it."""
    if not written.endswith("%"):
        return min(int(written), total)
    percent = int(written.removesuffix("%"))
    return next(weight for weight in range(total + 1) if 100 * weight >= percent * total)


def _edges(network: Network, item: Item) -> list[Dependency]:
    return [edge for edge in network.dependencies if edge.consumer == item.id]


def _causes(network: Network, states: States, item: Item) -> list[Dependency]:
    """The edges whose effect, alone or in a group, produced the item's final state."""
    final = states[item.id]
    edges = _edges(network, item)
    found = [edge for edge in edges if edge.group is None and edge.effect[states[edge.supplier]] == final]
    for group in groups_of(network, states, item):
        if group.result == final:
            found += [
                edge
                for edge in edges
                if edge.group == group.name and edge.effect[states[edge.supplier]] >= group.least_to_blame
            ]
    return found


def _distances(states: States, seeded: Mapping[str, State], causes: Mapping[str, list[Dependency]]) -> dict[str, int]:
    """Fewest edges, over causes only, to a seed whose own seeded state is the state it passes on."""
    distances = {item: 0 for item in causes if seeded.get(item) == states[item]}
    hops = 0
    while True:
        hops += 1
        reached = {
            item
            for item, edges in causes.items()
            if item not in distances and any(edge.supplier in distances for edge in edges)
        }
        if not reached:
            break
        distances |= dict.fromkeys(reached, hops)
    assert distances.keys() == causes.keys(), "every item that is hit has a causal path to a seed"
    return distances


def _first_edge(
    states: States, distances: Mapping[str, int], orders: Mapping[str, str], edges: list[Dependency]
) -> Dependency:
    """The cause the path takes: the nearest supplier; of equal ones the worst, then its order, then the type."""
    return min(
        edges,
        key=lambda edge: (
            distances[edge.supplier],
            -states[edge.supplier],
            orders[edge.supplier],
            edge.type_name,
        ),
    )


def _path(item: str, first: Mapping[str, Dependency]) -> tuple[Step, ...]:
    """From the affected item back to its seed, which has no first edge."""
    steps = []
    while edge := first.get(item):
        steps.append(Step(item, edge.supplier, edge.type_name))
        item = edge.supplier
    return tuple(steps)
