"""Unchanged records of a load, which were seen again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from knockon.cmdb.contract.rows import EdgeKey, EdgeRecord, EdgeRecordKey
    from knockon.cmdb.reconciliation.taken import Taken
    from knockon.schema.observation import EntityObservation

Again = tuple[str, list[tuple[str, str]], list[tuple["EdgeRecordKey", str]]]
"""Seen at this moment again: (key, digest) of records, and of edge records."""


class SeenAgain:
    """Unchanged records, in the order in which they came; their native keys, and the edges that they speak of."""

    def __init__(self) -> None:
        self.edges: set[EdgeKey] = set()
        self.keys: set[str] = set()
        self._records: list[tuple[str, str, str]] = []
        self._edge_records: list[tuple[str, EdgeRecordKey, str]] = []

    def records(self, unchanged: Collection[Taken[EntityObservation]]) -> None:
        """Add records."""
        self.keys |= {taken.said.key for taken in unchanged}
        self._records += [(taken.seen, taken.said.key, taken.digest) for taken in unchanged]

    def edge_records(self, unchanged: Iterable[tuple[EdgeRecord, str]]) -> None:
        """Add edge records, each with the moment at which it was seen again."""
        for record, seen in unchanged:
            if seen > record.seen:
                self._edge_records.append((seen, record.key, record.digest))
                if record.edge:
                    self.edges.add(record.edge)

    def parts(self, size: int) -> Iterator[list[Again]]:
        """Cut them into parts of at most ``size`` records and ``size`` edge records; at least one part."""
        for start in range(0, max(len(self._records), len(self._edge_records), 1), size):
            moments: dict[str, Again] = {}
            for seen, key, content in self._records[start : start + size]:
                moments.setdefault(seen, (seen, [], []))[1].append((key, content))
            for seen, edge_key, content in self._edge_records[start : start + size]:
                moments.setdefault(seen, (seen, [], []))[2].append((edge_key, content))
            yield list(moments.values())
