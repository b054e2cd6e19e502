"""The ids of a topology's items, kept as bytes in one array: 16 for each where all are UUIDs."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from knockon.impact.topology.renumbering import Renumbering

_UUID = 16
_MANY = 1_000  # looked up together: then it pays to go over all ids once
_REMEMBERED = 20_000
_LENGTH = 36
_UUID_TEXT = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUIDS_TEXT = re.compile(f"(?:{_UUID_TEXT.pattern})*")


class Ids(Sequence[str]):
    """A sequence of distinct ids that also finds the number of an id, in O(log n). Immutable.

    ``raw`` has the bytes by number, ``ranked`` the numbers in order of the bytes.
    """

    def __init__(self, raw: Any, ranked: Any, *, uuids: bool) -> None:
        self.raw = raw
        self.ranked = ranked
        self.uuids = uuids
        # of what was asked for: an answer asks for each of its items some ten times
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}

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
        known = self._numbers.get(item_id)
        if known is not None:
            return known
        if not self.uuids or is_uuid(item_id):
            place = self._place(_pack(item_id, uuids=self.uuids))
            if place < len(self.ranked):
                number: int = self.ranked.item(place)
                if self[number] == item_id:
                    return number
        raise KeyError(item_id)

    def numbers(self, ids: Sequence[str]) -> list[int]:
        """Give the numbers of ids, in their order; KeyError where one is not among them."""
        text = "".join(ids) if self.uuids and len(ids) >= _MANY else ""
        if len(text) != _LENGTH * len(ids) or not _UUIDS_TEXT.fullmatch(text):
            return [self.number(each) for each in ids]
        sought = np.frombuffer(_pack(text, uuids=True), f"S{_UUID}")
        places = np.searchsorted(self.raw, sought, sorter=self.ranked)
        numbers = self.ranked[np.minimum(places, len(self.ranked) - 1)]
        if len(missing := np.flatnonzero(self.raw[numbers] != sought)):
            raise KeyError(ids[missing[0]])
        found: list[int] = numbers.tolist()
        return found

    def _place(self, packed: bytes) -> int:
        """Give the place in ``ranked`` of the first that is not less."""
        # searchsorted would copy the whole of ``ranked`` first
        raw, ranked, sought = self.raw.item, self.ranked.item, packed.rstrip(b"\0")
        return bisect_left(range(len(self.ranked)), sought, key=lambda each: raw(ranked(each)))

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> list[str]: ...
    def __getitem__(self, number: int | slice) -> str | list[str]:
        if isinstance(number, slice):
            return [self._text(each) for each in self.raw[number].tolist()]
        text = self._texts.get(number)
        if text is None:
            text = self._text(bytes(self.raw[number]))
            if len(self._texts) >= _REMEMBERED:
                self._texts.clear()
                self._numbers.clear()
            if number >= 0:
                self._texts[int(number)] = text
                self._numbers[text] = int(number)
        return text

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
            return Ids.of([
                each for first, end, fresh in change.pieces for each in (come if fresh else self)[first:end]
            ])  # fmt: skip
        new = np.array([_pack(each, uuids=self.uuids) for each in come], "S")
        width = max(self.raw.dtype.itemsize, new.dtype.itemsize)
        raw = change.column(self.raw.astype(f"S{width}", copy=False), new)
        rising = np.argsort(new, kind="stable")
        gone = sorted(self._place(bytes(self.raw[each])) for each in change.gone.tolist())
        before = [self._place(bytes(each)) for each in new[rising]]
        ranks = Renumbering(len(self.ranked), np.array(gone, np.int64), np.array(before, np.int64))
        return Ids(raw, ranks.column(change.moved(self.ranked), change.come[rising]), uuids=self.uuids)


def is_uuid(text: str) -> bool:
    """Tell whether an id is a UUID as it is usually written: lower case, with hyphens."""
    return _UUID_TEXT.fullmatch(text) is not None


def _pack(text: str, *, uuids: bool) -> bytes:
    return bytes.fromhex(text.replace("-", "")) if uuids else text.encode()
