"""What a failure does: seeds in, the state of everything they reach out."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon.errors import BadUsage
from knockon.impact.propagation import kernel
from knockon.impact.propagation.redundancy import GroupArithmetic, counted
from knockon.impact.propagation.run import Columns, Traced, settle, spread, trace
from knockon.impact.propagation.worsening import Worst, retrace
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from knockon.impact.propagation.run import Settled
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topology import Topology

Survivor = GroupArithmetic
"""A group that lost a member and still serves."""


WORST_FIRST = (State.DOWN, State.DEGRADED, State.AT_RISK)
_FEW = 64
"""A dictionary entry costs as much as so many of a column."""
_STATES = tuple(State)  # by number; calling State takes longer than the rest of a look-up


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
    fast = topology.large if compiled is None else compiled
    given = [topology.index(seed) * kernel.STRIDE + int(state) for seed, state in seeds.items()]
    given += [topology.index(pin) * kernel.STRIDE + kernel.PINNED for pin in pins]
    found = settle(topology, given, compiled=fast)
    return Evaluation(
        topology, dict(seeds), frozenset(pins), frozenset(removed), found,
        lambda: trace(topology, given, found, compiled=fast),
    )  # fmt: skip


class Evaluation:
    """The answer to one question, about every item of the topology. Immutable.

    States are worked out at once; distances and paths when they are first asked for. An id that is not in the topology
    raises KeyError everywhere.
    """

    def __init__(
        self,
        topology: Topology,
        seeds: dict[str, State],
        pins: frozenset[str],
        removed: frozenset[str],
        found: Settled,
        traced: Callable[[], Traced],
    ) -> None:
        self.topology = topology
        self.seeds = seeds
        self.pins = pins
        self.removed = removed
        self._found = found
        self._trace = traced
        self._steps: dict[int, tuple[int, int] | None] = {}  # paths run together, so most are asked for often

    @property
    def size(self) -> int:
        """Count the items that are worse than OPERATIONAL."""
        return len(self._found.items)

    @cached_property
    def _traced(self) -> Traced:
        return self._trace()

    @cached_property
    def _places(self) -> dict[int, int] | Any:
        """By item its place among the settled: a dictionary of few, a column where they are many of the estate."""
        items, size = self._found.items, len(self.topology.ids)
        if len(items) * _FEW < size:
            return {item: place for place, item in enumerate(items.tolist())}
        column = np.full(size, -1, np.int32)
        column[items] = np.arange(len(items), dtype=np.int32)
        return column

    def _place(self, number: int) -> int:
        """Give an item's place among the settled; -1 for one that is OPERATIONAL."""
        places = self._places
        return places.get(number, -1) if isinstance(places, dict) else int(places[number])

    @cached_property
    def _group_place(self) -> dict[int, int]:
        return {group: place for place, group in enumerate(self._found.groups.tolist())}

    def since(self, before: Evaluation) -> Evaluation:
        """Give the same states, with the paths and distances of what is worse than before leading to what made it so.

        ``before`` is of the same topology, with no more seeds than this one. Such a path runs over causes that
        are worse than before, by the shortest way, to a seed that is, or to where a pin was lifted. What is not
        worse keeps its distance and first step, and its path as far as nothing on it is worse.
        """
        lifted, ids = before.pins - self.pins, self.topology.ids
        if not len(before._found.items) and not lifted:
            return self
        found = self._found
        after = Worst(self.states, np.zeros(len(self.topology.terms), np.int64))
        after.verdicts[found.groups] = found.tallies[:, kernel.VERDICT]
        was = before.states
        worse = after.states[found.items] > was[found.items]
        origins = [
            each for each in found.items[worse].tolist() if ids[each] in lifted or self.explains_itself(ids[each])
        ]

        def traced() -> Traced:
            distance, parent = (column[found.items] for column in retrace(self.topology, was, after, origins))
            own = self._traced
            return Traced(np.where(worse, distance, own.distances), np.where(worse, parent, own.parents))

        return Evaluation(self.topology, self.seeds, self.pins, self.removed, found, traced)

    def state(self, item_id: str) -> State:
        """Give an item's state; OPERATIONAL where nothing reaches it."""
        return self._state(self.topology.index(item_id))

    def _state(self, number: int) -> State:
        place = self._place(number)
        return State.OPERATIONAL if place < 0 else _STATES[self._found.states[place]]

    def numbers(self, state: State) -> Any:
        """Give the numbers of the items in a state that is worse than OPERATIONAL, seeds included; in no order."""
        return self._found.items[self._found.states == state]

    def settled(self) -> list[str]:
        """List the ids that are worse than OPERATIONAL, seeds included: worst state, distance, order."""
        return [self.topology.ids[number] for number in self.columns().items.tolist()]

    @cached_property
    def states(self) -> Any:
        """Give the state of every item of the topology, by number."""
        return spread(self._found.items, self._found.states, len(self.topology.ids))

    def columns(self) -> Columns:
        """Give everything that was found by number, for who looks at much of it."""
        return self._columns

    @cached_property
    def _columns(self) -> Columns:
        found, traced, size = self._found, self._traced, len(self.topology.ids)
        ranked = np.lexsort((found.items, traced.distances, -found.states))
        return Columns(
            found.items[ranked],
            self.states,
            spread(found.items, traced.distances, size),
            traced.parents[ranked],
            spread(found.groups, found.tallies[:, kernel.VERDICT], len(self.topology.terms)),
        )

    def distance(self, item_id: str) -> int:
        """Count the steps of an affected item's path; KeyError for one that is not affected."""
        return int(self._traced.distances[self._known(self.topology.index(item_id))])

    def _known(self, number: int) -> int:
        place = self._place(number)
        if place < 0:
            raise KeyError(self.topology.ids[number])
        return place

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
        while self._place(number) >= 0 and (step := self.step(number)) is not None:
            steps.append(self.topology.dependency(*step))
            number = int(self.topology.graph.supplier[step[0]])
        return steps

    def step(self, number: int) -> tuple[int, int] | None:
        """Give the arc and the signature by which an affected item's path begins; None where it ends."""
        if number not in self._steps:
            self._steps[number] = self._step(number)
        return self._steps[number]

    def _step(self, number: int) -> tuple[int, int] | None:
        arc = int(self._traced.parents[self._known(number)])
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
            place = self._place(int(graph.supplier[arc]))
            if place < 0:
                continue
            state = _STATES[self._found.states[place]]
            effect = (int(graph.effect[arc]) >> (2 * state)) & 3
            if self._produces(arc, effect, final):
                found.append(Cause(arc, int(graph.supplier[arc]), state, int(self._traced.distances[place])))
        return found

    def _produces(self, arc: int, effect: int, final: State) -> bool:
        """Tell whether this effect on an arc has part in its consumer's state."""
        group = int(self.topology.graph.group[arc])
        if group < 0:
            return effect == final
        place = self._group_place.get(group)
        verdict = kernel.OPERATIONAL if place is None else int(self._found.tallies[place, kernel.VERDICT])
        return kernel.RESULT[verdict] == final and effect >= kernel.LEAST[verdict]

    def arithmetic(self, group: int) -> GroupArithmetic:
        """Count out a group that a failure touched."""
        return self.arithmetics([group])[group]

    def arithmetics(self, groups: Sequence[int]) -> dict[int, GroupArithmetic]:
        """Count out many groups that a failure touched, at once."""
        tallies = self._found.tallies[[self._group_place[each] for each in groups]]
        return dict(zip(groups, counted(self.topology, groups, tallies, self.states), strict=True))

    def survivors(self) -> list[Survivor]:
        """List the groups that lost a member and are not DOWN, in order of consumer, then group name."""
        lost, verdicts = self._found.tallies[:, kernel.LOST], self._found.tallies[:, kernel.VERDICT]
        serving = self._found.groups[(lost > 0) & (verdicts != kernel.FEW_UP)]
        return list(self.arithmetics(sorted(serving.tolist())).values())
