"""Unchanged records of a load, which were seen again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from knockon.cmdb.contract.rows import EdgeKey, EdgeRecord, Record

Again = tuple[str, list["Record"], list["EdgeRecord"]]
"""Seen at this moment again: records, and edge records, as they are stored."""


class SeenAgain:
    """Unchanged records, in the order in which they came; their native keys, and the edges that they speak of."""

    def __init__(self) -> None:
        self.edges: set[EdgeKey] = set()
        self.keys: set[str] = set()
        self._records: list[tuple[Record, str]] = []
        self._edge_records: list[tuple[EdgeRecord, str]] = []

    def records(self, unchanged: Iterable[tuple[Record, str]]) -> None:
        """Add records, each with the moment at which it was seen again."""
        for record, seen in unchanged:
            self.keys.add(record.key)
            if seen > record.seen:
                self._records.append((record, seen))

    def edge_records(self, unchanged: Iterable[tuple[EdgeRecord, str]]) -> None:
        """Add edge records, each with the moment at which it was seen again."""
        for record, seen in unchanged:
            if seen > record.seen:
                self._edge_records.append((record, seen))
                if record.edge:
                    self.edges.add(record.edge)

    def parts(self, size: int) -> Iterator[list[Again]]:
        """Cut them into parts of at most ``size`` records and ``size`` edge records; at least one part."""
        for start in range(0, max(len(self._records), len(self._edge_records), 1), size):
            moments: dict[str, Again] = {}
            for record, seen in self._records[start : start + size]:
                moments.setdefault(seen, (seen, [], []))[1].append(record)
            for edge_record, seen in self._edge_records[start : start + size]:
                moments.setdefault(seen, (seen, [], []))[2].append(edge_record)
            yield list(moments.values())
