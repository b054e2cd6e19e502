"""Sets of small numbers as the bits of one whole number: joining two is one operation on all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EVERY = -1
"""The set of everything: in two's complement, all bits."""
_FEW = 512


def enough_of(members: Sequence[tuple[int, int]], weight: int) -> int:
    """Give the bits that members of at least this weight have in common; ``members`` are (bits, weight)."""
    spare = sum([own for _, own in members]) - weight
    if spare < 0:
        return 0
    if spare == 0:  # most groups need one member, so that all have to be lost
        found = EVERY
        for bits, _ in members:
            found &= bits
        return found
    if weight * len(members) > _FEW:
        return _enough_of_many(members, weight)
    reached = [EVERY] + [0] * weight  # by weight, up to what is enough: the bits that so much has
    for bits, own in members:
        for heavier in range(weight, 0, -1):
            reached[heavier] |= reached[max(heavier - own, 0)] & bits
    return reached[weight]


def _enough_of_many(members: Sequence[tuple[int, int]], weight: int) -> int:
    """As ``enough_of``, by adding up for each bit."""
    sure = sum(own for bits, own in members if bits == EVERY)
    if sure >= weight:
        return EVERY
    some = [(bits, own) for bits, own in members if bits not in (0, EVERY)]
    if not some:
        return 0
    length = max(bits.bit_length() for bits, _ in some) // 8 + 1
    weights = np.full(8 * length, sure, np.int64)
    for bits, own in some:
        weights += own * np.unpackbits(np.frombuffer(bits.to_bytes(length, "little"), np.uint8), bitorder="little")
    return int.from_bytes(np.packbits(weights >= weight, bitorder="little").tobytes(), "little")


def bits_of(number: int) -> Iterator[int]:
    """Give the members of a set that is finite."""
    while number:
        yield (number & -number).bit_length() - 1
        number &= number - 1
