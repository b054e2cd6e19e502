"""How far an answer can be trusted: what is behind the relationships by which failure comes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.cmdb.contract.rows import EdgeKey, last_seen
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.remembered import Remembered
    from knockon.impact.topology.network import Dependency
    from knockon.impact.topology.topologies import View
    from knockon.schema.model import Model

MOST = 500
"""How many relationships are looked at for one answer, those of the worst and nearest first."""

_INFERRED = "inferred"


@dataclass(frozen=True, slots=True)
class Confidence:
    """``value`` is the share of what the answer rests on that is sound; None where it rests on nothing.

    It rests on ``edges`` relationships, of which ``looked_at`` were looked at. Of these, ``sound`` are declared or
    observed, and were seen within the refresh period of the classes at their ends; the others are ``inferred`` or
    ``stale``. Each of the ``unknown`` counts as one more that is not sound. ``unmapped`` affected CIs support no
    service that is known, which lowers nothing.
    """

    value: float | None
    edges: int
    looked_at: int
    sound: int
    inferred: int
    stale: int
    unknown: int
    unmapped: int
    past: bool = False
    """It is asked of a moment of the past, of which the journal does not tell who said what."""
    late: Sequence[tuple[Dependency, str]] = field(default=(), compare=False)
    """The stale ones, the worst and nearest first, and when each was last seen."""

    @property
    def because(self) -> str:
        """Say in a sentence what the value comes from."""
        if self.past:
            return "Which sources said so at that time, and when, is not in the journal."
        if self.value is None:
            return "Nothing else is affected, so there is nothing to be sure of."
        lacks = [
            f"{count} {word}"
            for count, word in (
                (self.inferred, "only inferred"),
                (self.stale, "not seen for longer than the refresh period"),
                (self.unknown, "not known"),
            )
            if count
        ]
        lacking = f": {', '.join(lacks)}" if lacks else ""
        cut = f" Only the first {self.looked_at} of {self.edges} were looked at." if self.looked_at < self.edges else ""
        of = counted(self.looked_at, "relationship")
        return f"{self.sound} of {of} by which failure comes {'is' if self.sound == 1 else 'are'} sound{lacking}.{cut}"


class _Said(NamedTuple):
    """When a relationship was last declared or observed, or None; and its refresh period in seconds, if it has one."""

    seen: str | None
    period: int | None


async def confidence(
    reads: Remembered,
    model: Model,
    view: View,
    causes: Sequence[tuple[int, int]],
    now: datetime,
    *,
    unknown: int,
    unmapped: int,
    past: bool = False,
) -> Confidence:
    """Judge the relationships by which failure comes to what is affected; two round trips.

    Parameters
    ----------
    causes
        The arc and the signature of the first step of each affected CI's path, in the order of the affected.
    now
        The moment that freshness is measured to.
    """
    if not causes:
        return Confidence(None, 0, 0, 0, 0, 0, unknown, unmapped)
    if past:
        return Confidence(None, len(causes), 0, 0, 0, 0, unknown, unmapped, past=True)
    looked_at = causes[:MOST]

    async def read(store: Store, steps: list[tuple[int, int]]) -> dict[tuple[int, int], _Said]:
        return await _said(store, model, view, steps)

    said = await reads.worked_out("said", looked_at, read)
    oldest = {period: _oldest(period, now) for period in {each.period for each in said.values()}}
    inferred = sum(each.seen is None for each in said.values())
    late = [
        (view.topology.dependency(*each), seen) for each in looked_at
        if (seen := said[each].seen) is not None and seen < oldest[said[each].period]
    ]  # fmt: skip
    sound = len(looked_at) - inferred - len(late)
    value = round(sound / (len(looked_at) + unknown), 4)
    return Confidence(
        value, len(causes), len(looked_at), sound, inferred, len(late), unknown, unmapped, late=tuple(late)
    )


async def _said(
    store: Store, model: Model, view: View, steps: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], _Said]:
    """Read what is said of relationships, by arc and signature; two round trips."""
    known = {each: view.topology.dependency(*each) for each in steps}
    keys = {each: _keys(step) for each, step in known.items()}
    said = await store.sayings({key for some in keys.values() for key in some})
    sources = {record.key.source for records in said.values() for record in records}
    scopes = await store.scopes(sources) if sources else {}
    found = {}
    for each, step in known.items():
        records = [record for key in keys[each] for record in said.get(key, ())]
        words = [record for record in records if record.attributes.get("evidence") != _INFERRED]
        seen = max((last_seen(record, scopes) for record in words), default=None)
        found[each] = _Said(seen, _period(model, view, step))
    return found


def _keys(step: Dependency) -> list[EdgeKey]:
    """Give what the relationship may be kept as: its group may be named by its type, and then has no name."""
    ends = (step.supplier, step.consumer) if step.reversed else (step.consumer, step.supplier)
    return [EdgeKey(step.type_name, *ends, group) for group in dict.fromkeys((step.group or "", ""))]


def _period(model: Model, view: View, step: Dependency) -> int | None:
    """Give the shorter refresh period of the classes at the ends, if either has one."""
    periods = [model.classes[view.entities[id_].class_name].refresh_seconds for id_ in (step.consumer, step.supplier)]
    return min((each for each in periods if each is not None), default=None)


def _oldest(period: int | None, now: datetime) -> str:
    """Tell since when it must have been seen; "" where it need not."""
    if period is None or period > now.timestamp():
        return ""
    return (now - timedelta(seconds=period)).strftime("%Y-%m-%dT%H:%M:%S")


def confidence_json(found: Confidence) -> dict[str, Any]:
    """Give the derivation as JSON."""
    return {
        "text": found.because, "edges": found.edges, "lookedAt": found.looked_at, "sound": found.sound,
        "inferred": found.inferred, "stale": found.stale, "unknown": found.unknown, "unmapped": found.unmapped,
    }  # fmt: skip
