"""What an impact question is answered with: plain values, the same for the command line and the API."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.impact.propagation.explanation import Because
    from knockon.itsm.blast_radius.confidence import Confidence
    from knockon.itsm.context.given import Span
    from knockon.itsm.services.surroundings import Notified, Surroundings
    from knockon.itsm.values import Ci, Step, Unknown
    from knockon.schema.states import State


@dataclass(frozen=True, slots=True)
class Seed:
    """What was asked: ``asked`` is down, degraded or removed; ``state`` the worst of that and computed."""

    ci: Ci
    asked: str
    state: State


class Affected(NamedTuple):
    """A CI that the seeds make worse; ``path`` runs from it back to a seed of the question."""

    ci: Ci
    state: State
    distance: int
    because: Because
    path: tuple[Step, ...]


class Survivor(NamedTuple):
    """A group that lost a member and is not DOWN. ``margin``: further members it can lose in full service."""

    ci: Ci
    group: str
    up: int
    min_up: int
    lost: int
    margin: int


class StarvedCi(NamedTuple):
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


class AffectedService(NamedTuple):
    """A service that is worse than before, and why; ``criticality`` 1 is worst, None not recorded.

    ``new_single_points``: whose further failure now takes it DOWN that would not have before.
    """

    ci: Ci
    state: State
    criticality: int | None
    users: int
    because: Because
    path: tuple[Step, ...]
    around: Surroundings
    new_single_points: tuple[Ci, ...]


@dataclass(frozen=True, slots=True)
class ImpactAnswer:
    """What breaks if the seeds fail, at one revision, knowing ``given``.

    Lists are ordered worst state first, then distance, class, name, smallest ``source:key``.
    ``counts`` are of all affected; ``truncated`` tells that ``affected`` was cut at a distance.
    ``unmapped`` are seeds and affected CIs that support no service. ``excluded_types`` were left out on request.
    ``excluded_truncated``, ``new_points_truncated``: there are more relationships that were not followed, or may be
    more new single points, than are told. ``span`` is the time that was asked about; None: now. ``id`` names the
    answer: see ``answer_id``.
    """

    id: str
    revision: int
    model_version: str
    engine_version: str
    as_of: str | None
    given: str
    span: Span | None
    seeds: tuple[Seed, ...]
    assumed: tuple[Ci, ...]
    excluded_types: tuple[str, ...]
    affected: Sequence[Affected]
    counts: dict[State, int]
    survivors: tuple[Survivor, ...]
    starved: Sequence[StarvedCi]
    already: tuple[Already, ...]
    excluded: tuple[NotFollowed, ...]
    excluded_truncated: bool
    services: Sequence[AffectedService]
    new_points_truncated: bool
    notify: Sequence[Notified]
    unmapped: tuple[Ci, ...]
    unknown: tuple[Unknown, ...]
    confidence: Confidence
    truncated: bool
