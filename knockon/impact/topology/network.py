"""Who needs whom, after the impact rules were chosen: the engine's whole input.

A network is what ``derive`` makes of a scan and the model; tests write it by hand. Retired things
and waiting edges are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from knockon.schema.states import IDENTITY, EffectMap

if TYPE_CHECKING:
    from collections.abc import Sequence

Threshold = str
"""``min_up`` or ``full_up`` as written: ``"2"`` or ``"50%"``."""


@dataclass(frozen=True, slots=True)
class Item:
    """One configuration item (or place, supplier, service) that can fail or suffer.

    ``order`` is unique and breaks every tie (``Entity.order``). ``min_up`` and ``full_up`` are its
    own settings for its class-default group, ``own_group``; the ``default_`` ones are its class's.
    """

    id: str
    order: str
    own_group: str | None = None
    min_up: Threshold | None = None
    full_up: Threshold | None = None
    default_min_up: Threshold | None = None
    default_full_up: Threshold | None = None


@dataclass(frozen=True, slots=True)
class Dependency:
    """One edge over which failure flows: ``consumer`` needs ``supplier``.

    ``group`` is the name of the redundancy group of the consumer that the supplier is a member of,
    or None for a plain supplier. ``weight``, ``min_up`` and ``full_up`` are the edge's own. ``type_name`` and
    ``reversed`` give the stored relationship back: it reads consumer to supplier, or, reversed,
    supplier to consumer.
    """

    consumer: str
    supplier: str
    effect: EffectMap = IDENTITY
    group: str | None = None
    weight: int = 1
    min_up: Threshold | None = None
    full_up: Threshold | None = None
    type_name: str = "DEPENDS_ON"
    reversed: bool = False
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Network:
    """All items and the dependencies between them; each id in a dependency is an item's."""

    items: Sequence[Item]
    dependencies: Sequence[Dependency] = field(default=())
