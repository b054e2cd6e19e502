"""The ids of a topology's items, kept as bytes in one array: 16 for each where all are UUIDs."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

if TYPE_CHECKING:
    from knockon.impact.topology.renumbering import Renumbering

_UUID = 16
_UUID_TEXT = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Ids(Sequence[str]):
    """A sequence of distinct ids that also finds the number of an id, in O(log n). Immutable.

    ``raw`` has the bytes by number, ``ranked`` the numbers in order of the bytes.
    """

    def __init__(self, raw: Any, ranked: Any, *, uuids: bool) -> None:
        self.raw = raw
        self.ranked = ranked
        self.uuids = uuids

    @classmethod
    def of(cls, ids: Sequence[str]) -> Ids:
        """Pack ids; those that are not all UUIDs in their usual form take as many bytes as the longest."""
        uuids = bool(ids) and all(map(is_uuid, ids))
        if uuids:
            raw = np.frombuffer(_pack("".join(ids), uuids=True), f"S{_UUID}")
        else:
            packed = [_pack(each, uuids=False) for each in ids]
            raw = np.array(packed, f"S{max(map(len, packed), default=1) or 1}")
        return cls(raw, np.argsort(raw, kind="stable").astype(np.int32), uuids=uuids)

    def number(self, item_id: str) -> int:
        """Give an id's number; KeyError where it is not among them."""
        if not self.uuids or is_uuid(item_id):
            # searchsorted would copy the whole of ``ranked`` first
            raw, ranked = self.raw.item, self.ranked.item
            packed = _pack(item_id, uuids=self.uuids).rstrip(b"\0")
            place = bisect_left(range(len(self.ranked)), packed, key=lambda each: raw(ranked(each)))
            if place < len(self.ranked):
                number: int = ranked(place)
                if self[number] == item_id:
                    return number
        raise KeyError(item_id)

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        if isinstance(number, slice):
            return [self._text(each) for each in self.raw[number].tolist()]
        return self._text(bytes(self.raw[number]))

    def __len__(self) -> int:
        return len(self.raw)

    def __contains__(self, item_id: object) -> bool:
        try:
            self.number(item_id)  # type: ignore[arg-type]
        except (KeyError, TypeError, AttributeError):
            return False
        return True

    def _text(self, packed: bytes) -> str:
        if not self.uuids:
            return packed.decode()
        digits = packed.ljust(_UUID, b"\0").hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def renumbered(self, change: Renumbering) -> Ids:
        """Give the ids after some went and some came."""
        come = change.ids
        if self.uuids != all(map(is_uuid, come)) and come:
            kept = np.flatnonzero(change.keep).tolist()
            return Ids.of(change.merged_list([self[each] for each in kept], come))
        new = np.array([_pack(each, uuids=self.uuids) for each in come], "S")
        width = max(self.raw.dtype.itemsize, new.dtype.itemsize)
        raw = change.merged(self.raw.astype(f"S{width}", copy=False)[change.keep], new)
        ranked = change.map[self.ranked]
        ranked = ranked[ranked >= 0]
        fresh = change.come[np.argsort(new, kind="stable")] if len(come) else change.come
        places = np.searchsorted(raw[ranked], raw[fresh])
        return Ids(raw, np.insert(ranked, places, fresh).astype(np.int32), uuids=self.uuids)


def is_uuid(text: str) -> bool:
    """Tell whether an id is a UUID as it is usually written: lower case, with hyphens."""
    return _UUID_TEXT.fullmatch(text) is not None


def _pack(text: str, *, uuids: bool) -> bytes:
    return bytes.fromhex(text.replace("-", "")) if uuids else text.encode()
