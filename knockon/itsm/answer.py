"""What an impact question is answered with: plain values, the same for the command line and the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from knockon.cmdb.rows import Entity
    from knockon.impact.explanation import Because
    from knockon.schema.states import State


@dataclass(frozen=True, slots=True)
class Ci:
    """A configuration item (or place, supplier, service) by name."""

    id: str
    class_name: str
    name: str

    @classmethod
    def of(cls, entity: Entity) -> Ci:
        """Name an entity."""
        return cls(entity.id, entity.class_name, entity.name)


@dataclass(frozen=True, slots=True)
class Step:
    """One relationship of a path, as it is stored."""

    source: Ci
    type_name: str
    target: Ci


@dataclass(frozen=True, slots=True)
class Seed:
    """What was asked: ``asked`` is down, degraded or removed; ``state`` the worst of that and computed."""

    ci: Ci
    asked: str
    state: State


@dataclass(frozen=True, slots=True)
class Affected:
    """A CI that the seeds make worse; ``path`` runs from it back to a seed of the question."""

    ci: Ci
    state: State
    distance: int
    because: Because
    path: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Survivor:
    """A group that lost a member and is not DOWN. ``margin``: further members it can lose in full service."""

    ci: Ci
    group: str
    up: int
    min_up: int
    lost: int
    margin: int


@dataclass(frozen=True, slots=True)
class StarvedCi:
    """A CI that is not down and that demand no longer reaches, and why; its monitors may alarm all the same."""

    ci: Ci
    state: State
    because: str


@dataclass(frozen=True, slots=True)
class NotFollowed:
    """A relationship of a seed over which no failure flows, and the model's reason."""

    step: Step
    because: str


@dataclass(frozen=True, slots=True)
class Already:
    """A CI that was not OPERATIONAL before the seeds, and why."""

    ci: Ci
    state: State
    because: str


@dataclass(frozen=True, slots=True)
class Target:
    """One thing that an agreement promises: the attribute that says so, and its value in words."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """An agreement in force on a service, and those of its targets that the service's state touches."""

    ci: Ci
    touched: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """Whether now is ``inside`` the service hours, and ``until`` when, in UTC; None: for more than a year.

    ``inside`` is None where the calendars cannot be read; ``because`` then says why.
    """

    inside: bool | None
    until: datetime | None
    calendars: tuple[Ci, ...]
    because: str | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Who and what stands around a service; ``hours`` is None where none are recorded."""

    customers: tuple[Ci, ...]
    agreements: tuple[Agreement, ...]
    owners: tuple[Ci, ...]
    support_groups: tuple[Ci, ...]
    hours: ServiceHours | None


@dataclass(frozen=True, slots=True)
class AffectedService:
    """A service that is worse than before, and why; ``criticality`` 1 is worst, None not recorded."""

    ci: Ci
    state: State
    criticality: int | None
    users: int
    because: Because
    path: tuple[Step, ...]
    around: Surroundings


@dataclass(frozen=True, slots=True)
class Notified:
    """A person, group or organisation to tell, once, with every reason."""

    ci: Ci
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that the answer could not take into account, and why."""

    ci: Ci | None
    because: str


@dataclass(frozen=True, slots=True)
class ImpactAnswer:
    """What breaks if the seeds fail, at one revision, knowing ``given``.

    Lists are ordered worst state first, then distance, class, name, smallest ``source:key``.
    ``counts`` are of all affected; ``truncated`` tells that ``affected`` was cut at a distance.
    ``as_of`` is the moment of the past that was asked about, None for what is so now.
    ``unmapped`` are seeds and affected CIs that support no service. ``excluded_types`` were left out on request.
    """

    revision: int
    model_version: str
    engine_version: str
    as_of: str | None
    given: str
    seeds: tuple[Seed, ...]
    assumed: tuple[Ci, ...]
    excluded_types: tuple[str, ...]
    affected: tuple[Affected, ...]
    counts: dict[State, int]
    survivors: tuple[Survivor, ...]
    starved: tuple[StarvedCi, ...]
    already: tuple[Already, ...]
    excluded: tuple[NotFollowed, ...]
    services: tuple[AffectedService, ...]
    notify: tuple[Notified, ...]
    unmapped: tuple[Ci, ...]
    unknown: tuple[Unknown, ...]
    truncated: bool


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


def impact_json(answer: ImpactAnswer) -> dict[str, Any]:
    """Give DESIGN.md section 8's JSON form."""
    return {
        "revision": answer.revision,
        "modelVersion": answer.model_version,
        "engineVersion": answer.engine_version,
        "asOf": answer.as_of,
        "given": answer.given,
        "seeds": [{**_ci(s.ci), "asked": s.asked, "state": s.state.name} for s in answer.seeds],
        "assumed": [_ci(each) for each in answer.assumed],
        "excludedTypes": list(answer.excluded_types),
        "affected": [
            {
                **_ci(each.ci),
                "state": each.state.name,
                "distance": each.distance,
                "because": _because(each.because),
                "path": _path(each.path),
            }
            for each in answer.affected
        ],
        "counts": {state.name: count for state, count in answer.counts.items()},
        "survivors": [
            {
                **_ci(each.ci),
                "group": each.group,
                "up": each.up,
                "minUp": each.min_up,
                "lost": each.lost,
                "margin": each.margin,
            }
            for each in answer.survivors
        ],
        "starved": [{**_ci(s.ci), "state": s.state.name, "because": s.because} for s in answer.starved],
        "already": [{**_ci(a.ci), "state": a.state.name, "because": a.because} for a in answer.already],
        "excluded": [{**_path((each.step,))[0], "because": each.because} for each in answer.excluded],
        "services": [
            {
                **_ci(each.ci),
                "state": each.state.name,
                "criticality": each.criticality,
                "users": each.users,
                "because": _because(each.because),
                "path": _path(each.path),
                **_around(each.around),
            }
            for each in answer.services
        ],
        "notify": [{**_ci(each.ci), "because": list(each.because)} for each in answer.notify],
        "unmapped": [_ci(each) for each in answer.unmapped],
        "unknown": [{**(_ci(each.ci) if each.ci else {}), "because": each.because} for each in answer.unknown],
        "truncated": answer.truncated,
    }


def supports_json(answer: SupportsAnswer) -> dict[str, Any]:
    """Give the JSON form of a supports answer."""
    return {
        "revision": answer.revision,
        **_ci(answer.ci),
        "services": [
            {
                **_ci(each.ci),
                "criticality": each.criticality,
                "users": each.users,
                "distance": each.distance,
                "path": _path(each.path),
            }
            for each in answer.services
        ],
    }


def utc_text(moment: datetime | None) -> str | None:
    """Write a moment in UTC as every answer does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _around(around: Surroundings) -> dict[str, Any]:
    hours = around.hours
    return {
        "serviceHours": hours
        and {
            "inside": hours.inside,
            "until": utc_text(hours.until),
            "calendars": [_ci(each) for each in hours.calendars],
            "because": hours.because,
        },
        "customers": [_ci(each) for each in around.customers],
        "agreements": [
            {**_ci(each.ci), "touched": [{"name": target.name, "value": target.value} for target in each.touched]}
            for each in around.agreements
        ],
        "owners": [_ci(each) for each in around.owners],
        "supportGroups": [_ci(each) for each in around.support_groups],
    }


def _ci(ci: Ci) -> dict[str, Any]:
    return {"id": ci.id, "class": ci.class_name, "name": ci.name}


def _path(path: tuple[Step, ...]) -> list[dict[str, str]]:
    return [{"from": step.source.id, "type": step.type_name, "to": step.target.id} for step in path]


def _because(because: Because) -> dict[str, Any]:
    group = because.group
    arithmetic = group and {
        "name": group.group,
        "total": group.total,
        "up": group.up,
        "full": group.full,
        "lost": group.lost,
        "minUp": group.min_up,
        "fullUp": group.full_up,
    }
    return {"text": because.text, "rule": because.rule, **({"group": arithmetic} if arithmetic else {})}
