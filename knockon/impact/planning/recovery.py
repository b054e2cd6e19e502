"""The way back after everything was down: in which order things can be started, and what stops them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.topology.network import Network
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.network import Dependency

TRIED = 64
"""Members of a loop that are tried as the one that breaks it: those that would do without the least."""

_READY = "ready to start: "
"""Prefix of an item's shadow."""


@dataclass(frozen=True, slots=True)
class BootstrapLoop:
    """Items that all wait for each other, so that none can be the first to start.

    ``needs`` has for each member the members that it waits for. ``breaker`` is the member to start by
    hand, while what it ``needs`` is still down; ``followers`` are the members that can start after it.
    Members that are neither still wait, in a smaller loop. The breaker stands in the layer with the
    index ``layer``.
    """

    members: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    breaker: str
    followers: tuple[str, ...]
    layer: int

    @property
    def without(self) -> tuple[str, ...]:
        """Name what the breaker has to do without: the edges to it, taken away, break the loop."""
        return self.needs[self.breaker]


@dataclass(frozen=True, slots=True)
class RecoveryOrder:
    """Layers to be started one after the other; the items of a layer may start at once."""

    layers: tuple[tuple[str, ...], ...]
    loops: tuple[BootstrapLoop, ...]


def recovery_order(
    network: Network,
    wanted: Collection[str] | None = None,
    *,
    progress: Callable[[int, int], None] = lambda _started, _all: None,
) -> RecoveryOrder:
    """Order the start of everything, or of what some items need, after all of it was down.

    An item can start once it would not be DOWN: each of its groups has ``min_up`` members started, and so
    have its single suppliers whose failure takes it down. Suppliers that only weaken it do not hold it up.
    Each item is in the earliest layer that this allows. Where nothing more can start, items wait for each
    other in loops, which no state of a running estate shows: each loop that waits for no other is
    reported with the member to be started by hand. That member frees as many of the others as any, and of
    those does without the fewest suppliers.

    Parameters
    ----------
    wanted
        Start these and everything that they need, over however many steps; all items if None.
    progress
        Is told (items started, items in all) after each layer.

    Raises
    ------
    KeyError
        Something wanted is not in the network.

    Notes
    -----
    Each layer costs one question to the engine: time is O(layers x dependencies). Loops are the strongly
    connected components without a way out, in the graph of who still waits for whom, by Tarjan's
    algorithm [1]_. The fewest edges that break all loops would be a minimum feedback arc set, which is
    hard to find; of each loop at most 64 members are tried, those that would do without the fewest.

    References
    ----------
    .. [1] R. Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Comput. 1 (1972) 146-160.
    """
    network = network if wanted is None else needed_by(network, wanted)
    start = _Start(network, [item.id for item in network.items])
    layers: list[tuple[str, ...]] = []
    loops: list[BootstrapLoop] = []
    while start.waiting:
        ready = start.ready()
        if not ready:
            waits = start.waits_for()
            broken = [_break(network, members, waits, len(layers)) for members in deadlocks(waits)]
            loops += sorted(broken, key=lambda loop: start.place(loop.members[0]))
            ready = [loop.breaker for loop in broken]
        layers.append(tuple(sorted(ready, key=start.place)))
        start.started(ready)
        progress(len(network.items) - len(start.waiting), len(network.items))
    return RecoveryOrder(tuple(layers), tuple(loops))


def needed_by(network: Network, wanted: Collection[str]) -> Network:
    """Give the part of a network that some items need, over however many steps; they are in it too. Linear.

    Raises
    ------
    KeyError
        Something wanted is not in the network.
    """
    needs: dict[str, list[Dependency]] = {item.id: [] for item in network.items}
    for each in network.dependencies:
        needs[each.consumer].append(each)
    reached, queue = set(wanted), list(wanted)
    while queue:
        suppliers = {each.supplier for each in needs[queue.pop()]} - reached
        reached |= suppliers
        queue += suppliers
    return Network(
        [item for item in network.items if item.id in reached],
        [each for each in network.dependencies if each.consumer in reached],
    )


class _Start:
    """Who is started, and who therefore could be.

    Each item has a shadow that needs what the item needs, by the same groups; the item itself needs
    nothing here. With all that wait DOWN, the shadow's state is the one in which the item would start.
    """

    def __init__(self, network: Network, waiting: Collection[str]) -> None:
        shadows = [replace(item, id=_READY + item.id, order=f"{item.order}{_READY}") for item in network.items]
        wants = [replace(each, consumer=_READY + each.consumer) for each in network.dependencies]
        self._topology = Topology.of(Network([*network.items, *shadows], wants))
        self.waiting = set(waiting)

    def place(self, item: str) -> int:
        return self._topology.index(item)

    def ready(self) -> list[str]:
        """List what could start now."""
        found = self._now()
        return [item for item in self.waiting if found.state(_READY + item) is not State.DOWN]

    def waits_for(self) -> dict[str, tuple[str, ...]]:
        """Give for each item that cannot start what it waits for."""
        found = self._now()
        return {
            item: tuple(sorted(found.causes(_READY + item), key=self.place))
            for item in sorted(self.waiting, key=self.place)
            if found.state(_READY + item) is State.DOWN
        }

    def started(self, items: Collection[str]) -> None:
        self.waiting.difference_update(items)

    def _now(self) -> Evaluation:
        return evaluate(self._topology, dict.fromkeys(self.waiting, State.DOWN))


def deadlocks(waits: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Find the strongly connected components that no edge leaves.

    ``waits`` has all the nodes as keys. Members come in the order of the keys. Linear.
    """
    component = _components(waits)
    leaving = {
        component[node] for node, others in waits.items() for each in others if component[each] != component[node]
    }
    found: dict[int, list[str]] = {}
    for node in waits:
        if component[node] not in leaving:
            found.setdefault(component[node], []).append(node)
    return list(found.values())


def _components(waits: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Number the strongly connected components: Tarjan's algorithm, without recursion."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    component: dict[str, int] = {}
    path: list[str] = []
    work: list[tuple[str, Iterator[str]]] = []

    def enter(node: str) -> None:
        number[node] = low[node] = len(number)
        path.append(node)
        work.append((node, iter(waits[node])))

    for root in waits:
        if root not in number:
            enter(root)
        while work:
            node, rest = work[-1]
            following = next(rest, None)
            if following is not None:
                if following not in number:
                    enter(following)
                elif following not in component:
                    low[node] = min(low[node], number[following])
                continue
            work.pop()
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
            while low[node] == number[node] and node not in component:
                component[path.pop()] = number[node]
    return component


def _break(network: Network, members: list[str], waits: Mapping[str, tuple[str, ...]], layer: int) -> BootstrapLoop:
    """Try members as the one to be started by hand."""
    inside = set(members)
    needs = [each for each in network.dependencies if each.consumer in inside]
    around = inside | {each.supplier for each in needs}
    loop = Network([item for item in network.items if item.id in around], needs)
    place = {member: number for number, member in enumerate(members)}
    best: tuple[int, str, list[str]] | None = None
    for member in sorted(members, key=lambda each: (len(waits[each]), place[each]))[:TRIED]:
        start = _Start(loop, inside - {member})
        while ready := start.ready():
            start.started(ready)
        followers = [each for each in members if each != member and each not in start.waiting]
        if best is None or len(followers) > best[0]:
            best = len(followers), member, followers
        if len(followers) == len(members) - 1:
            break
    assert best is not None, "a loop has members"
    return BootstrapLoop(tuple(members), {each: waits[each] for each in members}, best[1], tuple(best[2]), layer)
