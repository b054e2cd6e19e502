"""The health of the estate: how complete, correct, compliant and covered what is recorded of it is."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from knockon.cmdb.identity.apart import things_apart
from knockon.cmdb.identity.findings import ABOUT_PRESENCE
from knockon.cmdb.lookup import find
from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.reconciliation.explaining import things_of
from knockon.cmdb.stewardship.decisions import findings_of
from knockon.errors import BadUsage, FindingCode
from knockon.impact.topology.as_of import KEPT
from knockon.impact.topology.supports import belongs
from knockon.itsm.health.answer import (
    AreaScore,
    Before,
    CheckScore,
    Failing,
    FailingAnswer,
    HealthAnswer,
    LeftOut,
    PartScore,
)
from knockon.itsm.health.checks import checks_of
from knockon.itsm.health.ground import ITEM, Ground
from knockon.itsm.health.rules import no_item
from knockon.itsm.health.scoring import Result, area_scores, overall
from knockon.itsm.services.facts import SERVICE
from knockon.itsm.values import Ci
from knockon.schema.values import instant
from knockon.schema.wording import LISTED

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from knockon.cmdb.contract.rows import Entity
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.past.changes import Moment
    from knockon.itsm.health.rules import Rule
    from knockon.schema.model import Model

PARTS = 200
"""How many services or owners are judged apart at most, the first by order."""
FAILING = 50
"""How many CIs behind a number are given unless told otherwise."""
_KEPT = 60.0  # seconds
_MOST_KEPT = 1 + KEPT  # the present, and as many moments of the past as are at hand
BY = ("class", "service", "owner")
_AGAINST: dict[str, str] = {
    FindingCode.PRESENT_AGAINST_STATUS: "it is seen, and by its status it is not in operation",
    FindingCode.ABSENT_AGAINST_STATUS: "by its status it is in operation, and nobody who looks sees it",
}
_PAST = "it is not kept when things were last reported, what waited, nor what was found, at a past revision"


@dataclass(frozen=True, slots=True)
class About:
    """Which part of the estate is asked about: a class, what a service needs, what an owner owns, or all in turn."""

    class_name: str | None = None
    service: str | None = None
    owner: str | None = None

    def __str__(self) -> str:
        said = [self.class_name or "all configuration items"]
        said += [f"needed by {self.service}"] if self.service else []
        return ", ".join([*said, *([f"owned by {self.owner}"] if self.owner else [])])


class Examination:
    """All checks, made once; any number of questions can then be answered from it. Immutable."""

    def __init__(self, ground: Ground) -> None:
        """Make all checks, in time linear in the estate but for sorting."""
        self.ground = ground
        self.results: list[Result] = []
        self.left_out: list[LeftOut] = []
        for check in checks_of(ground.rules):
            if check.today and ground.seen is None:
                self.left_out.append(LeftOut(check.name, _PAST))
            else:
                self.results.append(Result.of(check, check.judge(ground), ground.number))

    def places(self, about: About) -> Any | None:
        """Give the places of the CIs that are asked about; None for all. ``service`` and ``owner`` are ids.

        Raises
        ------
        BadUsage
        """
        ground = self.ground
        if about == About():
            return None
        found = np.arange(len(ground.cis))
        if about.class_name is not None:
            found = np.intersect1d(found, self._of_class(about.class_name))
        if about.service is not None:
            if about.service not in {each.id for each in ground.services}:
                raise BadUsage("--service names no service that is there; --class and --owner take other things.")
            found = np.intersect1d(found, self._of_service(about.service))
        if about.owner is not None:
            found = np.intersect1d(found, self._of_owner(about.owner))
        return found

    def answer(self, about: About, said: str, *, by: str = "class", needed: float | None = None) -> HealthAnswer:
        """Give the scores of what is asked about, and of its parts."""
        places = self.places(about)
        tallies = [(each.check, each.tally(places)) for each in self.results]
        areas = area_scores(tallies)
        checks = [CheckScore(check, tally, check.needed if needed is None else needed) for check, tally in tallies]
        parts, truncated = self._parts(places, by)
        return HealthAnswer(
            self.ground.scan.revision, self.ground.moment, said,
            len(self.ground.cis) if places is None else len(places), overall(areas),
            tuple(
                AreaScore(name, score, tuple(each for each in checks if each.check.area == name))
                for name, score in areas.items()
            ),
            parts, by, truncated, tuple(self.left_out),
        )  # fmt: skip

    def against(self, past: Examination, name: str, about: About) -> Before:
        """Give the scores of a past examination of the same part, beside those of the same checks in this one."""
        then = past.places(about)
        now = self.places(about)
        made = {each.check.name for each in past.results}
        before = [(each.check, each.tally(then)) for each in past.results]
        scores = area_scores(before)
        today = area_scores([(each.check, each.tally(now)) for each in self.results if each.check.name in made])
        return Before(
            name, past.ground.scan.revision, past.ground.moment,
            len(past.ground.cis) if then is None else len(then), overall(scores), overall(today), scores, today,
            {check.name: tally for check, tally in before}, tuple(past.left_out),
        )  # fmt: skip

    def failing(self, name: str, about: About, said: str, *, limit: int = FAILING) -> FailingAnswer:
        """Give the CIs behind a check's number, in order.

        Raises
        ------
        BadUsage
            There is no such check, or it could not be made.
        """
        result = next((each for each in self.results if each.check.name == name), None)
        if result is None:
            if missing := next((each for each in self.left_out if each.name == name), None):
                raise BadUsage(f"{name} cannot be told: {missing.because}.")
            names = ", ".join(each.check.name for each in self.results)
            raise BadUsage(f"There is no check {name!r}; there are {names}.")
        places = self.places(about)
        found = result.failing(places)
        cis = self.ground.cis
        failing = [
            Failing(Ci.of(cis[each]), int(result.asked[each]), int(result.missed[each]), result.because[each])
            for each in found[:limit]
        ]
        if places is None and result.loose.missed:
            failing.append(Failing(None, result.loose.asked, result.loose.missed, result.loose_because))
        score = CheckScore(result.check, result.tally(places), result.check.needed)
        return FailingAnswer(
            self.ground.scan.revision, self.ground.moment, said, score, tuple(failing), len(found) > limit
        )

    def _parts(self, places: Any | None, by: str) -> tuple[tuple[PartScore, ...], bool]:
        found = []
        truncated = False
        for count, (name, ci, own) in enumerate(self._divided(by)):
            if truncated := by != "class" and count == PARTS:
                break
            within = own if places is None else np.intersect1d(own, places)
            if len(within):
                areas = area_scores([(each.check, each.tally(within)) for each in self.results])
                found.append(PartScore(name, ci, len(within), overall(areas), areas))
        return tuple(found), truncated

    def _divided(self, by: str) -> Iterator[tuple[str, Ci | None, Any]]:
        ground = self.ground
        if by == "class":
            places: dict[str, list[int]] = {}
            for place, each in enumerate(ground.cis):
                places.setdefault(each.class_name, []).append(place)
            yield from ((name, None, np.array(own)) for name, own in places.items())
            return
        if by == "service":
            for each in ground.services:
                yield each.name, Ci.of(each), self._of_service(each.id)
            return
        owners = sorted((ground.entities[each] for each in ground.owners), key=lambda each: each.order)
        for each in owners:
            yield each.name, Ci.of(each), self._of_owner(each.id)

    def _of_class(self, name: str) -> Any:
        model = self.ground.model
        if name not in model.classes or not model.is_a(name, ITEM):
            raise BadUsage(no_item(model, name, LISTED))
        own = set(model.concrete(name))
        return np.array([place for place, each in enumerate(self.ground.cis) if each.class_name in own], np.int64)

    def _of_service(self, id_: str) -> Any:
        number = self.ground.number
        needed = belongs(self.ground.topology, [id_])
        return np.array(sorted(number[each] for each in needed if each in number), np.int64)

    def _of_owner(self, id_: str) -> Any:
        number = self.ground.number
        return np.array(sorted({number[each] for each in self.ground.owners.get(id_, ())}), np.int64)


async def examine(store: Store, model: Model, rules: Sequence[Rule], *, at: str | None = None) -> Examination:
    """Make all checks on the estate as it is, as of a moment: now unless given.

    Two reads of the store, each as long as it holds things, and what persons keep apart: it costs about as much as a
    topology made anew.

    Raises
    ------
    BadUsage
        ``at`` is no moment.
    StoreError
    """
    moment = read_moment(at)
    scan = await store.scan(sorted(_classes(model, rules)))
    seen = await store.last_seen()
    ground = Ground(model, scan, moment, seen, rules, await _no_duplicates(store), await _against(store))
    return await asyncio.to_thread(Examination, ground)


async def _no_duplicates(store: Store) -> set[frozenset[str]]:
    """Give the pairs of things that a person keeps apart, or has accepted to have one identifier."""
    found = await things_apart(store)
    for code in (FindingCode.DUPLICATE_IDENTIFIER, FindingCode.IDENTITY_VETO):
        right = await findings_of(store, code, accepted_ones=True)
        for things in (await things_of(store, right)).values():
            found |= {frozenset(pair) for pair in combinations([each.id for each in things], 2)}
    return found


async def _against(store: Store) -> dict[str, str]:
    """Say of things what is seen of them against their status, and is not accepted."""
    said: dict[str, str] = {}
    for code in sorted(ABOUT_PRESENCE):
        found = await findings_of(store, code)
        things = await things_of(store, found)
        said |= {thing.id: _AGAINST[code] for each in found for thing in things[each.id]}
    return said


async def examine_past(
    store: Store, model: Model, rules: Sequence[Rule], moment: Moment, *, then: Store | None = None
) -> Examination:
    """Make the checks that can be made of the past, with today's model, rules and decisions, on the estate as it was.

    ``then`` is the estate at that moment, where it is at hand; else it is read.

    Raises
    ------
    PastTooFar, JournalCompacted
    """
    every = _classes(model, rules)
    scan = await then.scan(every) if then else await past_scan(store, model, moment.revision)
    ground = Ground(model, scan, moment.at or read_moment(None), None, rules, await _no_duplicates(store))
    return await asyncio.to_thread(Examination, ground)


class Examinations:
    """Examinations of one store for those who ask often: made anew once the store or the minute is another.

    Those of the past too, since the decisions that count in them are today's.
    """

    def __init__(self, store: Store, model: Model, rules: Sequence[Rule]) -> None:
        self._of = store, model, rules
        self._kept: OrderedDict[Moment | None, tuple[Examination, int, float]] = OrderedDict()
        self._making = asyncio.Lock()

    async def current(self) -> Examination:
        """Give one that was made at the newest revision, at most a minute ago; several who ask wait for one."""
        return await self._given(None, lambda: examine(*self._of))

    async def past(self, moment: Moment, then: Store) -> Examination:
        """Give one of a moment, as ``examine_past`` makes it; likewise."""
        return await self._given(moment, lambda: examine_past(*self._of, moment, then=then))

    async def _given(self, moment: Moment | None, make: Callable[[], Awaitable[Examination]]) -> Examination:
        async with self._making:
            revision = await self._of[0].revision()
            found = self._kept.get(moment)
            if found is None or found[1] != revision or time.monotonic() > found[2]:
                # what is written while it is made may be in it, and then it is made again for nothing
                found = self._kept[moment] = await make(), revision, time.monotonic() + _KEPT
            self._kept.move_to_end(moment)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            return found[0]


def read_moment(at: str | None) -> str:
    """Read the moment as of which things are stale; now unless given."""
    if at is None:
        return instant(datetime.now(UTC).isoformat())
    try:
        return instant(at)
    except ValueError as error:
        raise BadUsage(f"--at {at} {error}.") from error


def _classes(model: Model, rules: Sequence[Rule]) -> set[str]:
    """Name the classes that checks look at: all but records, of which only those that a rule asks for."""
    records = set(model.concrete("Record")) if "Record" in model.classes else set()
    asked = {name for rule in rules for one in rule.related for name in model.concrete(one.other)}
    return {name for name, each in model.classes.items() if not each.abstract and name not in records} | asked


async def resolved(store: Store, model: Model, about: About) -> tuple[About, str]:
    """Find what a question's references mean; give it by ids, and in words.

    Raises
    ------
    ReferenceNotFound, ReferenceAmbiguous, BadUsage
    """
    service = await _found(store, model, about.service, SERVICE, "service")
    owner = await _found(store, model, about.owner, "Party", "party")
    meant = About(about.class_name, service.id if service else None, owner.id if owner else None)
    return meant, str(About(about.class_name, _name(service), _name(owner)))


def _name(entity: Entity | None) -> str | None:
    return f"{entity.class_name}:{entity.name}" if entity else None


async def _found(store: Store, model: Model, reference: str | None, root: str, what: str) -> Entity | None:
    if reference is None:
        return None
    entity = await find(store, model, reference)
    if root not in model.classes[entity.class_name].lineage:
        raise BadUsage(f"{reference!r} is of class {entity.class_name}, which is no {what}.")
    return entity
