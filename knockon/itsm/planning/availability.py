"""How often a service is up, by what its CIs are known or assumed to be, beside what was promised."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import TypeAdapter

from knockon.cmdb.lookup import find
from knockon.cmdb.reading import all_neighbours
from knockon.errors import BadUsage
from knockon.impact.planning.availability import availability
from knockon.impact.planning.recovery import needed_by
from knockon.impact.topology.derive import network
from knockon.impact.topology.topology import Topology
from knockon.itsm.values import Ci, ci_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.impact.planning.availability import Availability, Share
    from knockon.impact.topology.topologies import Topologies
    from knockon.schema.model import Model

Verdict = Literal["met", "missed", "open"]
_DURATION = TypeAdapter(timedelta)


@dataclass(frozen=True, slots=True)
class Own:
    """What a CI contributes: ``percent`` of the time up by itself, and where that is from.

    ``assumed_for`` is the class whose default had to stand in, or None; ``involved`` the share of the
    service's outages in which the CI was down, between 0 and 1.
    """

    ci: Ci
    percent: float
    because: str
    assumed_for: str | None
    involved: float


@dataclass(frozen=True, slots=True)
class Target:
    """What an agreement promises, in percent; open: the interval does not tell whether it is met."""

    agreement: Ci
    percent: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class AvailabilityAnswer:
    """``estimate`` has shares between 0 and 1; ``cis`` come by how often they had part in an outage."""

    revision: int
    service: Ci
    seed: int
    estimate: Availability
    targets: tuple[Target, ...]
    cis: tuple[Own, ...]


@cache
def defaults() -> dict[str, float]:
    """Give the percentages of availability.yaml, by class."""
    text = (resources.files("knockon.itsm.planning") / "availability.yaml").read_text(encoding="utf-8")
    found: dict[str, float] = yaml.safe_load(text)
    return found


async def service_availability(
    topologies: Topologies,
    reference: str,
    *,
    samples: int = 100_000,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _done: None,
) -> AvailabilityAnswer:
    """Estimate how often a service is up, at the newest revision; each CI that it needs fails by itself.

    Parameters
    ----------
    samples, seed
        How many moments are drawn; the same seed draws the same ones.
    progress
        Is told how many samples are done.

    Raises
    ------
    BadUsage
        No sample at all, a seed below 0, or something that no impact rule speaks of.
    ReferenceNotFound, ReferenceAmbiguous
    """
    if samples < 1:
        raise BadUsage("At least one sample is needed.")
    if seed < 0:
        raise BadUsage("A seed is a number from 0.")
    store, model = topologies.store, topologies.model
    service = await find(store, model, reference)
    targets = await _promised(store, service)
    scan = await store.scan(model.topology_classes)
    entities = {each.id: each for each in scan.entities}
    if service.id not in entities:
        raise BadUsage(
            f"{service.class_name} {service.name}: no impact rule names such a class; nothing is known of it."
        )
    part = await asyncio.to_thread(lambda: needed_by(network(model, scan.entities, scan.edges), [service.id]))
    own = {item.id: own_availability(model, entities[item.id]) for item in part.items}
    shares = {id_: percent / 100 for id_, (percent, _, _) in own.items()}
    found = await asyncio.to_thread(
        lambda: availability(Topology.of(part), service.id, shares, samples=samples, seed=seed, progress=progress)
    )
    return AvailabilityAnswer(
        scan.revision,
        Ci.of(service),
        seed,
        found,
        tuple(Target(ci, percent, _verdict(found, percent / 100)) for ci, percent in targets),
        _ranked(entities, own, found.involved),
    )


def own_availability(model: Model, entity: Entity) -> tuple[float, str, str | None]:
    """Give the percent of time that a thing is up by itself, why, and the class whose default was assumed."""
    attributes = entity.attributes
    if (recorded := attributes.get("availability")) is not None:
        return float(recorded), "its availability", None
    between, restore = (_seconds(attributes.get(name)) for name in ("mtbf", "mttr"))
    if between is not None and restore is not None and between + restore > 0:
        return 100 * between / (between + restore), "its mtbf and mttr", None
    known = defaults()
    lineage = model.classes[entity.class_name].lineage
    nearest = next((each for each in lineage if each in known), None)
    if nearest is None:
        return 100.0, f"assumed: nothing is known of how the class {entity.class_name} fails", entity.class_name
    return float(known[nearest]), f"assumed for the class {nearest}", nearest


def _seconds(duration: Any) -> float | None:
    return None if duration is None else _DURATION.validate_python(duration).total_seconds()


async def _promised(store: Store, service: Entity) -> list[tuple[Ci, float]]:
    found = (await all_neighbours(store, [service.id], "COVERED_BY", "out"))[service.id]
    targets = [(Ci.of(each.entity), each.entity.attributes.get("availability_target")) for each in found]
    return [(ci, float(percent)) for ci, percent in targets if percent is not None]


def _verdict(found: Availability, target: float) -> Verdict:
    low, high = (found.up.low, found.up.high) if found.exact_up is None else (found.exact_up, found.exact_up)
    if low >= target:
        return "met"
    return "missed" if high < target else "open"


def _ranked(
    entities: Mapping[str, Entity], own: Mapping[str, tuple[float, str, str | None]], involved: Mapping[str, float]
) -> tuple[Own, ...]:
    rows = [Own(Ci.of(entities[id_]), *what, involved.get(id_, 0.0)) for id_, what in own.items()]
    return tuple(sorted(rows, key=lambda row: (-row.involved, row.percent, entities[row.ci.id].order)))


def availability_json(answer: AvailabilityAnswer) -> dict[str, Any]:
    """Give the JSON form; shares of time are in percent."""
    found = answer.estimate
    exact = None if found.exact_up is None or found.exact_full is None else (found.exact_up, found.exact_full)
    return {
        "revision": answer.revision,
        "service": ci_json(answer.service),
        "samples": found.samples,
        "seed": answer.seed,
        "up": _share(found.up),
        "full": _share(found.full),
        "exact": exact and {"up": 100 * exact[0], "full": 100 * exact[1]},
        "targets": [
            {**ci_json(each.agreement), "availabilityTarget": each.percent, "verdict": each.verdict}
            for each in answer.targets
        ],
        "cis": [
            {
                **ci_json(each.ci),
                "availability": each.percent,
                "because": each.because,
                "assumed": each.assumed_for is not None,
                "involved": each.involved,
            }
            for each in answer.cis
        ],
    }


def _share(share: Share) -> dict[str, float]:
    return {"estimate": 100 * share.estimate, "low": 100 * share.low, "high": 100 * share.high}
