"""What sees no traffic any more: the engine's starvation, with the store's word on who uses what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.impact.propagation.starvation import Starvation
from knockon.itsm.blast_radius.answer import StarvedCi
from knockon.itsm.values import Ci, Worded
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.cmdb.contract.store import Store
    from knockon.impact.propagation.evaluation import Evaluation
    from knockon.impact.propagation.starvation import Starved
    from knockon.impact.topology.topologies import View
    from knockon.schema.model import Model

_NAMED = 3
_USES = "USES"


async def starving(
    model: Model, store: Store, view: View, before: Evaluation, after: Evaluation
) -> Sequence[StarvedCi]:
    """List what demand reached before and does not reach now, in order; it begins at services and at what is used.

    One round trip at most.
    """
    if not len(after.numbers(State.DOWN)):
        return ()
    starvation = Starvation(before, after, view.serving)
    undecided = starvation.undecided()
    used: list[str] = []
    if undecided and _USES in model.relationships:
        users = await store.count_neighbours(undecided, _USES, "in")
        used = [id_ for id_, count in users.items() if count]
    return Worded(
        [(each,) for each in starvation.starved(used)],
        lambda each: StarvedCi(Ci.of(view.entities[each.id]), after.state(each.id), _because(view, after, each)),
    )


def _because(view: View, after: Evaluation, starved: Starved) -> str:
    down = [each for each in starved.callers if after.state(each) is State.DOWN]
    quiet = [each for each in starved.callers if after.state(each) is not State.DOWN]
    parts = [
        f"{_names(view, some)} {words[len(some) > 1]}"
        for some, words in (
            (down, ("is down", "are down")),
            (quiet, ("sees no traffic itself", "see no traffic themselves")),
        )
        if some
    ]
    return f"Nothing calls it any more: {', '.join(parts)}."


def _names(view: View, ids: Sequence[str]) -> str:
    named = [view.entities[each].name for each in ids[:_NAMED]]
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return (", ".join(named) if more else " and ".join(named)) + more
