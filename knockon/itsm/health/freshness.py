"""Whether things were reported lately enough for their class."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from knockon.itsm.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.reconciliation.thing import Heard
    from knockon.schema.model import Model

STALE_AFTER = 60 * 86_400
"""Seconds after which a thing counts as stale whose class has no refresh period: 60 days."""


def refresh_period(model: Model, class_name: str) -> timedelta:
    """Give how long a report of a thing of this class stays fresh."""
    seconds = model.classes[class_name].refresh_seconds
    return timedelta(seconds=STALE_AFTER if seconds is None else seconds)


class Freshness(NamedTuple):
    """Which source reported a thing last, and when; it is stale from ``until`` on. Moments are in UTC."""

    source: str
    seen: str
    until: str
    stale: bool


def freshness(model: Model, class_name: str, heard: Iterable[Heard], now: datetime) -> Freshness | None:
    """Judge a thing by its records; None where no source reports it."""
    last = max(heard, key=lambda each: (each.seen, each.record.source), default=None)
    if last is None:
        return None
    until = datetime.fromisoformat(last.seen).astimezone(UTC) + refresh_period(model, class_name)
    return Freshness(last.record.source, last.seen, utc_text(until) or "", stale=until < now)
