"""Which services something supports by a dependency path, also where redundancy hides the impact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.cmdb.lookup import find
from knockon.impact.topology.supports import supported
from knockon.itsm.services.facts import service_facts
from knockon.itsm.values import Ci, ci_json, path_json, steps

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.values import Step


@dataclass(frozen=True, slots=True)
class SupportedService:
    """A service that a CI supports by a dependency path, also where redundancy hides the impact."""

    ci: Ci
    criticality: int | None
    users: int
    distance: int
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class SupportsAnswer:
    """Which services a CI supports."""

    revision: int
    ci: Ci
    services: tuple[SupportedService, ...]


async def supports(topologies: Topologies, reference: str, *, max_lag: float = 0.0) -> SupportsAnswer:
    """Tell which services something supports by a dependency path, also where redundancy hides the impact.

    Parameters
    ----------
    max_lag
        Seconds: a revision that was the newest this long ago will do.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous
    """
    view = await topologies.current(max_lag=max_lag)
    entity = await find(topologies.store, topologies.model, reference)
    if entity.id not in view.topology:
        return SupportsAnswer(view.revision, Ci.of(entity), ())
    reached = supported(view.topology, [entity.id], view.services)
    facts = await service_facts(topologies.store, [each.id for each in reached])
    services = tuple(
        SupportedService(
            Ci.of(facts[each.id].entity),
            facts[each.id].criticality,
            facts[each.id].users,
            each.distance,
            steps(view, each.path),
        )
        for each in reached
        if each.id in facts
    )
    return SupportsAnswer(view.revision, Ci.of(entity), services)


def supports_json(answer: SupportsAnswer) -> dict[str, Any]:
    """Give the JSON form of a supports answer."""
    return {
        "revision": answer.revision,
        **ci_json(answer.ci),
        "services": [
            {
                **ci_json(each.ci),
                "criticality": each.criticality,
                "users": each.users,
                "distance": each.distance,
                "path": path_json(each.path),
            }
            for each in answer.services
        ],
    }
