"""Whether it is worth a revision that a source has said the same again, so that only the moment is new."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from knockon.schema.model import Model

AGAIN = 86_400.0
"""Seconds within which a word that is said again is the same observation."""


def renews(model: Model, class_name: str, before: str, now: str) -> bool:
    """Tell whether a word of ``before`` is fresher by being said again ``now``: by a day, or a tenth of its period.

    Only where all records say the same: elsewhere the later word may count, and each moment does (docs/decisions/0032).
    """
    refresh = model.classes[class_name].refresh_seconds
    least = AGAIN if refresh is None else min(AGAIN, refresh / 10)
    return not before or (datetime.fromisoformat(now) - datetime.fromisoformat(before)).total_seconds() >= least
