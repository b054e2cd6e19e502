"""Starting again after a total outage: layers, and the loops that have to be broken by hand."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.cmdb.lookup import find_all
from knockon.errors import BadUsage
from knockon.impact.planning.recovery import recovery_order
from knockon.impact.topology.derive import network
from knockon.itsm.values import Ci, ci_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.planning.recovery import BootstrapLoop, RecoveryOrder
    from knockon.impact.topology.topologies import Topologies

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Loop:
    """CIs that wait for each other: ``needs`` says who for whom.

    ``breaker`` is to be started by hand in layer ``layer``, counted from 1, without what it needs;
    ``advice`` says so in words.
    """

    members: tuple[Ci, ...]
    needs: tuple[tuple[Ci, tuple[Ci, ...]], ...]
    breaker: Ci
    without: tuple[Ci, ...]
    followers: tuple[Ci, ...]
    layer: int
    advice: str


@dataclass(frozen=True, slots=True)
class RecoveryAnswer:
    """Layers to be started one after the other; what is in a layer may start at once."""

    revision: int
    layers: tuple[tuple[Ci, ...], ...]
    loops: tuple[Loop, ...]


async def recovery(
    topologies: Topologies,
    references: Sequence[str] = (),
    *,
    progress: Callable[[int, int], None] = lambda _started, _all: None,
) -> RecoveryAnswer:
    """Order the start of the whole estate, or of some CIs with all that they need, at the newest revision.

    Raises
    ------
    BadUsage
        A CI whose class no impact rule names: nothing is known of what it needs.
    ReferenceNotFound, ReferenceAmbiguous
    """
    store, model = topologies.store, topologies.model
    wanted = await find_all(store, model, references)
    scan = await store.scan(model.topology_classes)
    entities = {each.id: each for each in scan.entities}
    if strange := [f"{each.class_name} {each.name}" for each in wanted if each.id not in entities]:
        raise BadUsage(f"{', '.join(strange)}: no impact rule names such a class, so it has no place in a start order.")

    def ordered() -> RecoveryOrder:
        needs = network(model, scan.entities, scan.edges)
        return recovery_order(needs, [each.id for each in wanted] if wanted else None, progress=progress)

    order = await asyncio.to_thread(ordered)
    return RecoveryAnswer(
        scan.revision,
        tuple(_cis(entities, layer) for layer in order.layers),
        tuple(_loop(entities, loop) for loop in order.loops),
    )


def _cis(entities: Mapping[str, Entity], ids: Sequence[str]) -> tuple[Ci, ...]:
    return tuple(Ci.of(entities[id_]) for id_ in ids)


def _loop(entities: Mapping[str, Entity], loop: BootstrapLoop) -> Loop:
    breaker, without = Ci.of(entities[loop.breaker]), _cis(entities, loop.without)
    followers = _cis(entities, loop.followers)
    left = len(loop.members) - 1 - len(followers)
    after = f"then {_some(followers)} can follow" if followers else "nothing can follow it yet"
    more = f"; {left} of the loop still wait for each other, in the next one" if left else ""
    return Loop(
        _cis(entities, loop.members),
        tuple((Ci.of(entities[id_]), _cis(entities, needs)) for id_, needs in loop.needs.items()),
        breaker,
        without,
        followers,
        loop.layer + 1,
        f"Start {breaker.name} by hand, without {_some(without)}: {after}{more}.",
    )


def _some(cis: Sequence[Ci]) -> str:
    names = [each.name for each in cis[:_NAMED]]
    if len(cis) > _NAMED:
        return f"{', '.join(names)} and {len(cis) - _NAMED} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def recovery_json(answer: RecoveryAnswer) -> dict[str, Any]:
    """Give the JSON form."""
    return {
        "revision": answer.revision,
        "layers": [[ci_json(each) for each in layer] for layer in answer.layers],
        "loops": [
            {
                "members": [
                    {**ci_json(member), "needs": [ci_json(each) for each in needs]} for member, needs in loop.needs
                ],
                "breaker": ci_json(loop.breaker),
                "without": [ci_json(each) for each in loop.without],
                "followers": [ci_json(each) for each in loop.followers],
                "layer": loop.layer,
                "advice": loop.advice,
            }
            for loop in answer.loops
        ],
    }
