"""What a redundancy group comes to when members of it fail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GroupArithmetic:
    """What a redundancy group has left. ``lost`` and ``margin`` count members, the others are weights.

    ``up`` still give something, ``full`` serve in full, ``solid`` are not even at risk. ``margin`` is
    how many further losses, largest weight first, leave the group in full service. ``by_loss``: the
    group is AT_RISK because the next loss would end full service.
    """

    consumer: str
    group: str
    total: int
    up: int
    full: int
    solid: int
    lost: int
    margin: int
    min_up: int
    full_up: int
    by_loss: bool
