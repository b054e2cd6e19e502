"""What a failure does: seeds in, the state of everything they reach out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.errors import BadUsage
from knockon.impact import kernel
from knockon.impact.explanation import Because, GroupArithmetic, explain
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from knockon.impact.network import Dependency
    from knockon.impact.topology import Topology

Survivor = GroupArithmetic
"""A group that lost a member and still serves."""

COMPILE_ABOVE = 100_000
"""Arcs above which the compiled kernel answers."""

_LAST_BASE = 2**62  # a scratch that came here is thrown away


@dataclass(frozen=True, slots=True)
class _Settled:
    """What one run of the kernel found, copied out of its scratch: items worst first, groups as touched."""

    items: Any
    states: Any
    distances: Any
    parents: Any
    groups: Any
    up: Any
    full: Any
    solid: Any
    lost: Any
    verdicts: Any


class Cause(NamedTuple):
    """One arc whose effect produced its consumer's state."""

    arc: int
    supplier: int
    state: State  # of the supplier
    distance: int


def evaluate(
    topology: Topology,
    seeds: Mapping[str, State],
    *,
    pins: Collection[str] = (),
    removed: Collection[str] = (),
    compiled: bool | None = None,
) -> Evaluation:
    """Work out what follows when the seeds are in these states.

    Parameters
    ----------
    seeds
        The state in which each of these items is; its answer may be worse, never better.
    pins
        Items known to be OPERATIONAL whatever happens; nothing passes through them.
    removed
        Those of the seeds that are gone for good. They are seeds with DOWN, and told apart in words only.
    compiled
        Whether to run the kernel compiled; by the topology's size if None. The answers are equal.

    Raises
    ------
    BadUsage
        An item is a seed and a pin.
    KeyError
        A seed or a pin is not in the topology.

    Notes
    -----
    The least fixpoint of monotone rules, by settling each item once, worst state first: Dijkstra's
    argument, as for B-hypergraphs in [1]_. Time and memory are linear in the arcs of what is affected,
    whatever the size of the estate.

    References
    ----------
    .. [1] G. Gallo, G. Longo, S. Pallottino, S. Nguyen, "Directed hypergraphs and applications",
       Discrete Applied Mathematics 42 (1993) 177-201.
    """
    if both := sorted(set(seeds) & set(pins)):
        raise BadUsage(f"{', '.join(both)}: an item cannot be both failed and assumed operational.")
    fast = runs_compiled(topology) if compiled is None else compiled
    numbers = [topology.index(seed) for seed in seeds]
    pinned = [topology.index(pin) for pin in pins]
    seeded = [int(state) for state in seeds.values()]
    found = _run(topology, numbers, seeded, pinned, fast=fast)
    return Evaluation(topology, dict(seeds), frozenset(pins), frozenset(removed), found)


def runs_compiled(topology: Topology) -> bool:
    """Tell whether an estate is large enough for compiling to pay."""
    return len(topology.graph.consumer) > COMPILE_ABOVE


def _run(topology: Topology, seeds: list[int], seeded: list[int], pins: list[int], *, fast: bool) -> _Settled:
    """Run the kernel on an idle scratch; several threads may, each on its own."""
    graph = topology.graph
    pool = topology.pools[fast]
    try:
        columns, scratch, base = pool.pop()
    except IndexError:
        scratch, base = kernel.scratch_for(len(topology.ids), len(graph.total)), 0
        columns = graph
        if not fast:
            columns = kernel.Graph(*(column.tolist() for column in graph))
            scratch = kernel.Scratch(*(column.tolist() for column in scratch))
    base += kernel.STRIDE
    if fast:
        starts, states, stops = (np.array(each, np.int32) for each in (seeds, seeded, pins))
        count = kernel.compiled()["propagate"](columns, scratch, base, starts, states, stops)
    else:
        count = kernel.propagate(columns, scratch, base, seeds, seeded, pins)
    found = _copy(scratch, base, count)
    if base < _LAST_BASE:
        pool.append((columns, scratch, base))
    return found


def _copy(scratch: kernel.Scratch, base: int, count: int) -> _Settled:
    items, groups = scratch.settled[:count], scratch.touched[: scratch.ends[kernel.OPERATIONAL]]
    by_item = (scratch.mark, scratch.distance, scratch.parent)
    by_group = (scratch.up, scratch.full, scratch.solid, scratch.lost, scratch.verdict)
    marks, distances, parents = (_pick(column, items) for column in by_item)
    counters = (_pick(column, groups) for column in by_group)
    return _Settled(np.array(items, np.int64), marks - base, distances, parents, np.array(groups, np.int64), *counters)


def _pick(column: Any, positions: Any) -> Any:
    """Copy some entries of a column into an array of their own."""
    if isinstance(column, np.ndarray):
        return column[positions]
    return np.array([column[each] for each in positions], np.int64)


class Evaluation:
    """The answer to one question, about every item of the topology. Immutable.

    An id that is not in the topology raises KeyError everywhere.
    """

    def __init__(
        self,
        topology: Topology,
        seeds: dict[str, State],
        pins: frozenset[str],
        removed: frozenset[str],
        found: _Settled,
    ) -> None:
        self.topology = topology
        self.seeds = seeds
        self.pins = pins
        self.removed = removed
        self._found = found

    @cached_property
    def _place(self) -> dict[int, int]:
        return {item: place for place, item in enumerate(self._found.items.tolist())}

    @cached_property
    def _group_place(self) -> dict[int, int]:
        return {group: place for place, group in enumerate(self._found.groups.tolist())}

    def state(self, item_id: str) -> State:
        """Give an item's state; OPERATIONAL where nothing reaches it."""
        return self._state(self.topology.index(item_id))

    def _state(self, number: int) -> State:
        place = self._place.get(number)
        return State.OPERATIONAL if place is None else State(int(self._found.states[place]))

    def settled(self) -> list[str]:
        """List the ids that are worse than OPERATIONAL, seeds included: worst state, distance, order."""
        found = self._found
        ranked = found.items[np.lexsort((found.items, found.distances, -found.states))]
        return [self.topology.ids[number] for number in ranked.tolist()]

    def distance(self, item_id: str) -> int:
        """Count the steps of an affected item's path; KeyError for one that is not affected."""
        return int(self._found.distances[self._place[self.topology.index(item_id)]])

    def explains_itself(self, item_id: str) -> bool:
        """Tell whether an item is a seed that is just as bad as it was said to be."""
        seeded = self.seeds.get(item_id, State.OPERATIONAL)
        return seeded is not State.OPERATIONAL and seeded == self.state(item_id)

    def path(self, item_id: str) -> list[Dependency]:
        """Follow an affected item's causes by the shortest way back to a seed; empty for a seed that explains itself.

        Among equally short ways, at each step: the worst supplier, then the earliest by order, then the
        first relationship type by name.
        """
        steps: list[Dependency] = []
        number = self.topology.index(item_id)
        while number in self._place and (step := self.step(number)) is not None:
            steps.append(self.topology.dependency(*step))
            number = int(self.topology.graph.supplier[step[0]])
        return steps

    def step(self, number: int) -> tuple[int, int] | None:
        """Give the arc and the signature by which an affected item's path begins; None where it ends."""
        arc = int(self._found.parents[self._place[number]])
        if arc < 0:
            return None
        state, final = self._state(int(self.topology.graph.supplier[arc])), self._state(number)
        found = (
            (signature, each)
            for each in self.topology.parallel(arc)
            for signature in self.topology.dependencies(each)
            if self._produces(each, self.topology.signatures[signature].effect[state], final)
        )
        signature, arc = min(found)
        return arc, signature

    def causes(self, item_id: str) -> set[str]:
        """Name the suppliers whose effect produced an item's state; none for an OPERATIONAL item."""
        return {self.topology.ids[cause.supplier] for cause in self.cause_arcs(self.topology.index(item_id))}

    def cause_arcs(self, number: int) -> list[Cause]:
        """List the arcs whose effect produced an item's state, in order of supplier, then type."""
        final = self._state(number)
        if final is State.OPERATIONAL:
            return []
        graph, found = self.topology.graph, []
        for arc in self.topology.needed(number):
            place = self._place.get(int(graph.supplier[arc]))
            if place is None:
                continue
            state = State(int(self._found.states[place]))
            effect = (int(graph.effect[arc]) >> (2 * state)) & 3
            if self._produces(arc, effect, final):
                found.append(Cause(arc, int(graph.supplier[arc]), state, int(self._found.distances[place])))
        return found

    def _produces(self, arc: int, effect: int, final: State) -> bool:
        """Tell whether this effect on an arc has part in its consumer's state."""
        group = int(self.topology.graph.group[arc])
        if group < 0:
            return effect == final
        place = self._group_place.get(group)
        verdict = kernel.OPERATIONAL if place is None else int(self._found.verdicts[place])
        return kernel.RESULT[verdict] == final and effect >= kernel.LEAST[verdict]

    def because(self, item_id: str, name: Callable[[str], str] = str) -> Because:
        """Say in a sentence why an item is in its state; ``name`` turns an id into what people call it."""
        return explain(self, item_id, name)

    def arithmetic(self, group: int) -> GroupArithmetic:
        """Count out a group that a failure touched."""
        graph, found = self.topology.graph, self._found
        place = self._group_place[group]
        full, full_up = int(found.full[place]), int(graph.full_up[group])
        return GroupArithmetic(
            consumer=self.topology.ids[graph.group_consumer[group]],
            group=self.topology.group_name(group),
            total=int(graph.total[group]),
            up=int(found.up[place]),
            full=full,
            solid=int(found.solid[place]),
            lost=int(found.lost[place]),
            margin=self._margin(group, full - full_up),
            min_up=int(graph.min_up[group]),
            full_up=full_up,
            by_loss=int(found.verdicts[place]) == kernel.BY_LOSS,
        )

    def _margin(self, group: int, spare: int) -> int:
        """Count how many more members, heaviest first, may be lost out of a spare weight."""
        graph = self.topology.graph
        members = graph.member[graph.member_start[group] : graph.member_start[group + 1]]
        states = np.array([self._state(supplier) for supplier in graph.supplier[members].tolist()], np.uint8)
        kept = ((graph.effect[members] >> (2 * states)) & 3) < kernel.DEGRADED
        return int(np.count_nonzero(np.cumsum(graph.weight[members][kept], dtype=np.int64) <= spare))

    def survivors(self) -> list[Survivor]:
        """List the groups that lost a member and are not DOWN, in order of consumer, then group name."""
        found = self._found
        serving = found.groups[(found.lost > 0) & (found.verdicts != kernel.FEW_UP)]
        return [self.arithmetic(group) for group in sorted(serving.tolist())]
