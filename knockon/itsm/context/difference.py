"""The estate before and after something fails, both knowing what else is the case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.impact.propagation.evaluation import evaluate
from knockon.itsm.context.effects import Context
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.topology.topologies import Topologies, View


@dataclass(frozen=True, slots=True)
class Difference:
    """The estate before and after the seeds, both knowing the context."""

    view: View
    context: Context
    before: Evaluation
    after: Evaluation

    def worse(self) -> list[str]:
        """List the ids that the seeds make worse, seeds included, in the order of every list."""
        return [self.view.topology.ids[number] for number in self.worse_numbers().tolist()]

    def worse_numbers(self) -> Any:
        """Give the same by number."""
        items = self.after.columns().items
        return items[self.after.states[items] > self.before.states[items]]


def compare(
    view: View,
    context: Context,
    seeds: Mapping[str, State],
    *,
    removed: Collection[str] = (),
    pins: Collection[str] = (),
) -> Difference:
    """Evaluate the context alone, and the context with the seeds; a seed is one also where the context pins it.

    Paths and distances of what the seeds make worse lead to a seed, not to what the context says.
    """
    known = view.topology
    held = {pin for pin in {*pins, *context.pins} if pin in known}
    base = {id_: state for id_, state in context.states.items() if id_ in known and id_ not in held}
    own = {id_: state for id_, state in seeds.items() if id_ in known and state > State.OPERATIONAL}
    before = after = evaluate(known, base, pins=held)
    if own:
        both = base | {id_: max(state, base.get(id_, State.OPERATIONAL)) for id_, state in own.items()}
        after = evaluate(known, both, pins=held - set(own), removed=[id_ for id_ in removed if id_ in own])
    return Difference(view, context, before, after.since(before))


async def services_hit(topologies: Topologies, states: Mapping[str, State]) -> dict[str, State]:
    """Tell which services would be worse than OPERATIONAL if items were in these states, worst first."""
    view = await topologies.current()
    found = compare(view, Context(), states)
    return {id_: found.after.state(id_) for id_ in found.worse() if id_ in view.services}
