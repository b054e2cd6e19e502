"""A year of incidents and changes up to now, with what caused them.

Effects are drawn from the graph: whatever is reported as hit has no redundancy between itself and
the cause, so that it is sure to fail with it (``Estate.falls_with``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from knockon.sample import casebook
from knockon.sample.estate import SOFT, Record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from random import Random

    from knockon.sample.estate import Estate

_SYMPTOM_CLASSES = ("Application", "ServiceInstance", "BusinessService", "TechnicalService")
_NIGHT_START = 20
_REVIEW = timedelta(days=10)
"""How long after its end a record is put away."""


@dataclass
class Draft:
    """A record before it has its number."""

    class_name: str
    opened: datetime
    name: str
    attributes: Record
    items: list[tuple[str, str]]
    """(configuration item, effect)"""
    caused_by: Draft | None = None
    key: str = ""


@dataclass
class Episode:
    """One planted cause and the incidents that came of it, the first one first."""

    cause: str
    incidents: list[Draft]
    change: Draft | None = None
    told: bool = field(default=True)
    """Whether somebody recorded that the change was the cause."""


def moment_of(as_of: date) -> datetime:
    """Give the moment at which the estate is seen: eight in the morning, UTC."""
    return datetime(as_of.year, as_of.month, as_of.day, 8, tzinfo=UTC)


def iso(moment: datetime) -> str:
    """Give a moment as files have it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Chronicle:
    """Draws the records of one company and writes them down in the order of time."""

    def __init__(self, estate: Estate, random: Random, as_of: date) -> None:
        self._estate = estate
        self._random = random
        self._now = moment_of(as_of)
        self._drafts: list[Draft] = []
        self._episodes: list[Episode] = []
        self._names = {record["key"]: record["name"] for record in estate.entities}
        self._keys: dict[str, list[str]] = {}
        for key, class_name in estate.classes.items():
            self._keys.setdefault(class_name, []).append(key)

    def write(self, *, faults: int, changes: int, requests: int) -> None:
        """Draw so many faults, changes and requests, and what is open or planned now; write all down."""
        for _ in range(changes):
            self._past_change()
        for _ in range(faults):
            self._fault()
        for row in casebook.NOISY:
            self._noise(*row)
        for _ in range(requests):
            self._request()
        self._present()
        self._number()
        self._tell()

    # -- the past

    def _any_moment(self) -> datetime:
        minute = self._random.randrange(3 * 24 * 60, 364 * 24 * 60)
        return self._now - timedelta(minutes=minute)

    def _pick(self, class_name: str) -> str:
        return self._random.choice(self._keys[class_name])

    def _fault(self) -> None:
        fault = self._random.choices(casebook.FAULTS, [each.share for each in casebook.FAULTS])[0]
        cause = self._pick(fault.class_name)
        self._episode(cause, fault.kind, fault.summary, fault.minutes, fault.resolution, self._any_moment())

    def _noise(self, table_key: str, times: int, kind: str, summary: str, minutes: int, resolution: str) -> None:
        cause = self._estate.company.here(table_key)
        for _ in range(times):
            self._episode(cause, kind, summary, minutes, resolution, self._any_moment())

    def _episode(self, cause: str, kind: str, summary: str, minutes: int, resolution: str, start: datetime) -> Episode:
        """Draw an incident at its cause, and what users then reported of the services that fell with it."""
        effect = "down" if kind == "outage" else "degraded"
        end = start + timedelta(minutes=max(5, round(minutes * self._random.uniform(0.4, 2.2))))
        episode = Episode(cause, [self._incident(cause, kind, effect, summary, resolution, start, end)])
        for item, felt in self._symptoms(cause, effect):
            noticed = start + timedelta(minutes=self._random.randrange(2, 15))
            text, its_kind = casebook.SYMPTOMS[felt], "outage" if felt == "down" else "degradation"
            episode.incidents.append(
                self._incident(item, its_kind, felt, text, "Came back with its cause.", noticed, max(end, noticed))
            )
        self._episodes.append(episode)
        return episode

    def _symptoms(self, cause: str, effect: str) -> list[tuple[str, str]]:
        classes = self._estate.classes
        fallen = [key for key in self._estate.falls_with(cause) if classes[key] in _SYMPTOM_CLASSES]
        felt = [(key, effect) for key in self._random.sample(fallen, min(len(fallen), self._random.randrange(3)))]
        hampered = [key for each in (cause, *fallen) for key in self._estate.falls_with(each, SOFT)]
        reached = [key for key in dict.fromkeys(hampered) if classes[key] in _SYMPTOM_CLASSES and key not in fallen]
        if reached and self._random.randrange(4) == 0:
            felt.append((self._random.choice(reached), "degraded"))
        return felt

    def _incident(
        self, item: str, kind: str, effect: str, summary: str, resolution: str, start: datetime, end: datetime
    ) -> Draft:
        attributes = {
            "kind": kind,
            "state": "closed" if self._now - end > _REVIEW else "resolved",
            "opened_at": iso(start),
            "resolved_at": iso(end),
            "closed_at": iso(end + _REVIEW) if self._now - end > _REVIEW else None,
            "impact": {"down": 1, "degraded": 2}.get(effect, 3),
            "urgency": self._random.choice((1, 2, 2, 3)),
            "resolution": resolution,
        }
        draft = Draft("Incident", start, summary.format(name=self._names[item]), attributes, [(item, effect)])
        self._drafts.append(draft)
        return draft

    def _request(self) -> None:
        start = self._any_moment()
        end = start + timedelta(hours=self._random.randrange(1, 60))
        if self._random.randrange(5):
            item = self._pick("BusinessService")
            self._incident(item, "request", "none", self._random.choice(casebook.REQUESTS), "Done.", start, end)
        else:
            kind, class_name, summary, resolution = self._random.choice(casebook.SIDE_CASES)
            self._incident(self._pick(class_name), kind, "none", summary, resolution, start, end)

    def _past_change(self) -> None:
        work = self._random.choices(casebook.WORKS, [each.share for each in casebook.WORKS])[0]
        item = self._pick(work.class_name)
        evening = self._any_moment().replace(hour=_NIGHT_START, minute=0) - timedelta(days=1)
        start = evening + timedelta(hours=self._random.randrange(5))
        end = start + timedelta(hours=work.hours)
        went_wrong = self._random.randrange(100) < work.failures_in_100
        state = self._random.choice(("failed", "backed_out", "closed")) if went_wrong else self._settled(end)
        change = self._change(work.summary, work.kind, state, [(item, work.effect)], start, end)
        change.attributes |= {
            "actual_start": iso(start),
            "actual_end": iso(end + timedelta(minutes=self._random.randrange(-20, 60))),
        }
        if went_wrong:
            self._mishap(change, item, start)

    def _settled(self, end: datetime) -> str:
        return "closed" if self._now - end > _REVIEW else "completed"

    def _mishap(self, change: Draft, item: str, start: datetime) -> None:
        kind = self._random.choice(("outage", "degradation"))
        summary = "{name} fails after work on it" if kind == "outage" else "{name} answers slowly after work on it"
        later = start + timedelta(minutes=self._random.randrange(20, 110))
        episode = self._episode(item, kind, summary, 90, "The change was corrected or undone.", later)
        episode.change = change
        episode.told = self._random.randrange(3) > 0
        if episode.told:
            episode.incidents[0].caused_by = change

    def _change(
        self, summary: str, kind: str, state: str, items: Sequence[tuple[str, str]], start: datetime, end: datetime
    ) -> Draft:
        opened = start - timedelta(days=3 if kind == "standard" else 12, hours=self._random.randrange(24))
        attributes = {
            "kind": kind,
            "state": state,
            "opened_at": iso(min(opened, self._now - timedelta(hours=1))),
            "planned_start": iso(start),
            "planned_end": iso(end),
            "back_out_plan": "Go back to the version before." if self._random.randrange(3) else None,
        }
        name = summary.format(name=self._names[items[0][0]])
        draft = Draft("Change", min(opened, self._now), name, attributes, list(items))
        self._drafts.append(draft)
        return draft

    # -- the present

    def _present(self) -> None:
        here = self._estate.company.here
        for table_key, kind, effect, state, summary, hours in casebook.OPEN:
            start = self._now - timedelta(hours=hours)
            draft = self._incident(here(table_key), kind, effect, summary, "", start, start)
            draft.attributes |= {"state": state, "resolved_at": None, "closed_at": None, "resolution": None}
        midnight = self._now.replace(hour=0)
        for plan in casebook.PLANS:
            start = midnight + timedelta(days=plan.day, hours=plan.hour)
            items = [(here(item), plan.effect) for item in plan.items]
            end = start + timedelta(hours=plan.hours)
            change = self._change(plan.summary, plan.kind, plan.state, items, start, end)
            if plan.state == "implementing":
                change.attributes["actual_start"] = iso(start)

    # -- writing down

    def _number(self) -> None:
        """Give numbers in the order of time, write the records and their links."""
        estate, counts = self._estate, {"Incident": 0, "Change": 0}
        for draft in sorted(self._drafts, key=lambda each: (each.opened, each.name)):
            counts[draft.class_name] += 1
            prefix = "INC" if draft.class_name == "Incident" else "CHG"
            number = estate.company.here(f"{prefix}{counts[draft.class_name]:07}")
            draft.key = estate.add(draft.class_name, number, draft.name, number=number, **draft.attributes)
        for draft in sorted(self._drafts, key=lambda each: each.key):
            link = "AFFECTS" if draft.class_name == "Incident" else "CHANGES"
            role = "assignee" if draft.class_name == "Incident" else "implementer"
            for item, effect in draft.items:
                estate.relate(draft.key, link, item, effect=effect)
            group = estate.groups[draft.items[0][0]]
            estate.relate(group, "HAS_ROLE", draft.key, role=role)
            if draft.caused_by is not None:
                estate.relate(draft.key, "CAUSED_BY", draft.caused_by.key)

    def _tell(self) -> None:
        """Write the causes into the truth."""
        for episode in sorted(self._episodes, key=lambda each: each.incidents[0].key):
            if episode.change is None and len(episode.incidents) == 1:
                continue
            self._estate.plant(
                "cause of incidents",
                [episode.cause],
                "The incidents have this one cause: each hits the item itself or one that is sure to fail with it.",
                incidents=[draft.key for draft in episode.incidents],
                change=episode.change.key if episode.change else None,
                recorded=episode.told if episode.change else None,
            )
        for table_key, times, *_ in casebook.NOISY:
            key = self._estate.company.here(table_key)
            self._estate.plant(
                "noisy", [key], "It failed again and again during the year: a problem to be found.", at_least=times
            )
