"""The sentence that says why: short, exact, and without ids, for a person who was asleep a minute ago."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.impact.topology.columns import END, FIRST
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from knockon.impact.propagation.evaluation import Cause, Evaluation
    from knockon.impact.propagation.redundancy import GroupArithmetic

NAMED = 3
"""How many suppliers a sentence names before it counts the others."""

_EFFECT = {State.DOWN: "takes this down", State.DEGRADED: "degrades this", State.AT_RISK: "puts this at risk"}


@dataclass(frozen=True, slots=True)
class Because:
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
        removed = item_id in evaluation.removed
        return Because("Removed." if removed else f"Taken to be {_word(state)}.", "", None)
    arc, signature = first
    rule = topology.signatures[signature].rule
    group = int(topology.graph.group[arc])
    causes = [each for each in evaluation.cause_arcs(number) if int(topology.graph.group[each.arc]) == group]
    blamed = _blame(evaluation, causes, name)
    if group < 0:
        return Because(f"{blamed}, which {_EFFECT[state]}.", rule, None)
    arithmetic = evaluation.arithmetic(group)
    members = int(topology.terms[group, END] - topology.terms[group, FIRST])
    unit = "" if members == arithmetic.total else " by weight"
    return Because(f"{blamed}, which leaves {_left(arithmetic, state, unit)}.", rule, arithmetic)


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


def _blame(evaluation: Evaluation, causes: Sequence[Cause], name: Callable[[str], str]) -> str:
    """Name the causes, nearest to a seed first, each with its state: "A and B are down, C is degraded"."""
    ranked = sorted(dict.fromkeys((-each.state, each.distance, each.supplier) for each in causes))
    shown: dict[State, list[str]] = {}
    for minus_state, _, supplier in ranked[:NAMED]:
        shown.setdefault(State(-minus_state), []).append(name(evaluation.topology.ids[supplier]))
    parts = [
        f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} {_word(state)}" for state, names in shown.items()
    ]
    more = len(ranked) - NAMED
    return ", ".join(parts) + (f" (and {more} more)" if more > 0 else "")


def _word(state: State) -> str:
    return state.name.lower().replace("_", " ")
