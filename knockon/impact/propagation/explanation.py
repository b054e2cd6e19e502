"""The sentence that says why: short, exact, and without ids, for a person who was asleep a minute ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from knockon.impact.propagation.causes import causes_of
from knockon.impact.topology.columns import END, FIRST
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.propagation.redundancy import GroupArithmetic
    from knockon.impact.topology.topology import Topology

NAMED = 3
"""How many suppliers a sentence names before it counts the others."""

STATES = tuple(State)
"""The states by number."""
_WORDS = {state: state.name.lower().replace("_", " ") for state in State}
_EFFECT = {State.DOWN: "takes this down", State.DEGRADED: "degrades this", State.AT_RISK: "puts this at risk"}


class Because(NamedTuple):
    """Why an item is in its state: a sentence, the impact rule (empty for a seed), and the group if one decided."""

    text: str
    rule: str
    group: GroupArithmetic | None


def explain(evaluation: Evaluation, item_id: str, name: Callable[[str], str] = str) -> Because:
    """Say in a sentence why an item is in its state; ``name`` turns an id into what people call it.

    It words the first step of the item's path; where that is a member of a group, the group's arithmetic.
    """
    topology = evaluation.topology
    number = topology.index(item_id)
    state = evaluation.state(item_id)
    if state is State.OPERATIONAL:
        return Because(_untouched(evaluation, item_id), "", None)
    first = evaluation.step(number)
    if first is None:
        return _own(state, removed=item_id in evaluation.removed)
    arc, signature = first
    group = int(topology.graph.group[arc])
    causes = [each for each in evaluation.cause_arcs(number) if int(topology.graph.group[each.arc]) == group]
    ranked = sorted(dict.fromkeys((-each.state, each.distance, each.supplier) for each in causes))
    shown = [(State(-minus), name(topology.ids[supplier])) for minus, _, supplier in ranked[:NAMED]]
    arithmetic = evaluation.arithmetic(group) if group >= 0 else None
    return _worded(topology, state, signature, (shown, len(ranked)), group, arithmetic)


class Explanations:
    """Why each affected item is in its state; the causes of all of them are found at once, and worded when asked for.

    Says of one item what ``explain`` says. Items go by number; ``name`` turns one into what people call it.
    """

    def __init__(self, evaluation: Evaluation, name: Callable[[int], str]) -> None:
        self._evaluation = evaluation
        self._name = name
        self.causes = causes_of(evaluation)
        self._arithmetics = evaluation.arithmetics(sorted({each for each in self.causes.group if each >= 0}))

    def because(self, number: int) -> Because:
        """Say why an affected item is in its state."""
        causes, topology = self.causes, self._evaluation.topology
        row = causes.row[number]
        state, signature, group = STATES[causes.states[row]], causes.signature[row], causes.group[row]
        if signature < 0:
            return _own(state, removed=topology.ids[number] in self._evaluation.removed)
        first, end = causes.first[row : row + 2]
        shown = [
            (STATES[causes.blamed_state[place]], self._name(causes.blamed[place]))
            for place in range(first, min(first + NAMED, end))
        ]
        return _worded(topology, state, signature, (shown, end - first), group, self._arithmetics.get(group))


def _own(state: State, *, removed: bool) -> Because:
    return Because("Removed." if removed else f"Taken to be {_WORDS[state]}.", "", None)


def _worded(
    topology: Topology, state: State, signature: int, blamed: tuple[Sequence[tuple[State, str]], int],
    group: int, arithmetic: GroupArithmetic | None,
) -> Because:  # fmt: skip
    """Word the first step of a path; ``blamed`` are the first of those to blame, and how many there are."""
    rule, words = topology.signatures[signature].rule, _blame(*blamed)
    if arithmetic is None:
        return Because(f"{words}, which {_EFFECT[state]}.", rule, None)
    members = int(topology.terms[group, END] - topology.terms[group, FIRST])
    unit = "" if members == arithmetic.total else " by weight"
    return Because(f"{words}, which leaves {_left(arithmetic, state, unit)}.", rule, arithmetic)


def _untouched(evaluation: Evaluation, item_id: str) -> str:
    if item_id in evaluation.pins:
        return "Assumed to be operational, whatever it needs."
    return "Nothing that failed affects it."


def _left(group: GroupArithmetic, state: State, unit: str) -> str:
    """Word what a group has left and what it needs."""
    of = f"of {group.total}{unit}"
    where = f"in its group {group.group}"
    if state is State.DOWN:
        return f"{group.up} {of} up {where}; it needs {group.min_up}"
    if state is State.DEGRADED:
        return f"{group.full} {of} in full service {where}; it needs {group.full_up}"
    if group.by_loss:
        return f"{group.full} {of} in full service {where}: enough, but the next loss could end that"
    return f"{group.solid} {of} free of risk {where}; it needs {group.full_up}"


def _blame(shown: Sequence[tuple[State, str]], count: int) -> str:
    """Name the first of the causes, each with its state: "A and B are down, C is degraded"."""
    if count == 1:
        ((state, name),) = shown
        return f"{name} is {_WORDS[state]}"
    by_state: dict[State, list[str]] = {}
    for state, name in shown:
        by_state.setdefault(state, []).append(name)
    parts = [
        f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} {_WORDS[state]}"
        for state, names in by_state.items()
    ]
    more = count - NAMED
    return ", ".join(parts) + (f" (and {more} more)" if more > 0 else "")
