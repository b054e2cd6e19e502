"""The whole estate at once: every CI's blast radius, all single points of failure, the most dangerous CIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from knockon.itsm.services.facts import service_facts
from knockon.itsm.structure.structure import weight_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from knockon.cmdb.contract.store import Store
    from knockon.impact.structure.estate import Radius
    from knockon.impact.topology.topologies import View

Analysis = Literal["blast-radius", "spof", "dangerous"]


async def weights_of(store: Store, view: View) -> dict[str, int]:
    """Read what each service counts: 8, 4, 2, 1 by criticality."""
    facts = await service_facts(store, view.services)
    return {id_: weight_of(each.criticality) for id_, each in facts.items()}


def rows_of(
    analysis: Analysis, view: View, radii: Sequence[Radius], weights: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Give an analysis's rows, from what the failure of each CI by itself does.

    ``blast-radius``: one for each CI, by class and name. ``spof``: one for each service, with the other CIs
    whose failure takes it DOWN, the heaviest first. ``dangerous``: the CIs that take a service DOWN, the
    heaviest first, then those that take most else down.
    """
    if analysis == "spof":
        return _points(view, radii, weights)
    rows = [_row(view, each, weights) for each in radii]
    if analysis == "blast-radius":
        return rows
    rows = [row for row in rows if row["services"]["DOWN"]]
    return sorted(rows, key=lambda row: (-row["weight"], -row["counts"]["DOWN"], -row["counts"]["DEGRADED"]))


def _row(view: View, radius: Radius, weights: Mapping[str, int]) -> dict[str, Any]:
    return {
        **_ci(view, radius.id),
        "weight": _weight(radius, weights),
        "counts": {"DOWN": radius.down, "DEGRADED": radius.degraded, "AT_RISK": radius.at_risk},
        "services": {
            "DOWN": len(radius.services_down),
            "DEGRADED": len(radius.services_degraded),
            "AT_RISK": len(radius.services_at_risk),
        },
    }


def _points(view: View, radii: Sequence[Radius], weights: Mapping[str, int]) -> list[dict[str, Any]]:
    points: dict[str, list[Radius]] = {each.id: [] for each in radii if each.id in view.services}
    for radius in sorted(radii, key=lambda each: -_weight(each, weights)):
        for service in radius.services_down:
            if service != radius.id:
                points[service].append(radius)
    return [
        {
            **_ci(view, service),
            "weight": weights.get(service, 1),
            "points": [{**_ci(view, each.id), "weight": _weight(each, weights)} for each in found],
        }
        for service, found in points.items()
    ]


def _weight(radius: Radius, weights: Mapping[str, int]) -> int:
    return sum(weights.get(each, 1) for each in radius.services_down)


def _ci(view: View, id_: str) -> dict[str, Any]:
    entity = view.entities[id_]
    return {"id": id_, "class": entity.class_name, "name": entity.name}
