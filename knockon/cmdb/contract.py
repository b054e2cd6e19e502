"""What a store promises. Two keep the promise, held to it by one suite: ``tests/cmdb/contract``.

Reading sees committed data only and live things only (nothing retired) unless it says otherwise.
Every list is ordered by ``Entity.order``, compared by Unicode code point. Errors are
``knockon.errors.StoreError``; nothing of a driver gets out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from knockon.cmdb.filter import Condition
    from knockon.cmdb.ordering import OrderBy
    from knockon.cmdb.rows import (
        Decision,
        Edge,
        EdgeKey,
        EdgeRecord,
        EdgeRecordKey,
        Entity,
        Held,
        JournalEntry,
        Neighbour,
        Record,
        Revision,
        RevisionHead,
        Scan,
        Scope,
    )

Direction = Literal["out", "in"]

MOST_ANSWERS = 3
"""Ids that ``resolve`` gives for a token at most: enough to tell one from several."""


class Write(Protocol):
    """One write transaction. Each method costs a bounded number of round trips, whatever it is given.

    Reads in it see what it wrote. Rows that are put replace those of the same identity.
    """

    revision: int
    """The number that this transaction takes; it becomes visible at commit, or never."""

    async def records(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Record]:
        """Read records by (source, key); unknown keys are absent."""
        ...

    async def members(self, ids: Collection[str]) -> list[Record]:
        """Read the present records of these entities, each once."""
        ...

    async def claimants(self, tokens: Collection[str], most: int) -> dict[str, list[tuple[str, str]]]:
        """Find the records that claim each token, by (source, key): ``most`` of them at most; none: absent."""
        ...

    async def disputed(self, keys: Collection[tuple[str, str]]) -> set[str]:
        """Find the ids of the disputed entities that these records belong to."""
        ...

    async def decisions(self, keys: Collection[tuple[str, str]]) -> list[Decision]:
        """Read the decisions about any of these records, each once, those that were taken back too."""
        ...

    async def edge_records(self, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
        """Read edge records by identity; unknown keys are absent."""
        ...

    async def watching(self, tokens: Collection[str]) -> list[EdgeRecord]:
        """Read the edge records that watch any of these tokens, each once."""
        ...

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        """Find the ids of the live entities that answer to each token: MOST_ANSWERS at most, sorted; none: absent.

        A native key is answered for by the entity of that record, if the record is present.
        """
        ...

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        """Read entities by id, retired ones too; aliases resolve (the key is the id asked for)."""
        ...

    async def edges(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, Edge]:
        """Read edges by identity, retired ones too; unknown ones are absent."""
        ...

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        """Read all edge records that resolve to each of these edges."""
        ...

    async def touching(self, ids: Collection[str]) -> list[EdgeRecord]:
        """Read the edge records that have one of these entities among their ``known`` ends, each once."""
        ...

    async def said_at(self, keys: Collection[tuple[str, str]], ends: Collection[tuple[str, bool]]) -> list[EdgeRecord]:
        """Read the present edge records in which a source names its record by its plain native key at one end.

        ``keys`` are (source, native key); ``ends`` are (relationship type, whether at its source end). Each once.
        """
        ...

    async def contested(self, keys: Collection[EdgeKey]) -> set[EdgeKey]:
        """Tell of which of these edges several edge records speak."""
        ...

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        """Read what is known of the scopes of these sources, by (source, scope)."""
        ...

    async def held(self, source: str, scope: str) -> Held:
        """Read the keys of all present records of a source in a scope."""
        ...

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        """Count what ``held`` would give: records, edge records."""
        ...

    async def put_scope(self, row: Scope) -> None: ...

    async def spread_seen(self, row: Scope) -> None:
        """Write the moment at which a scope was seen as one on each of its present records; the scope keeps none.

        No record becomes older by it. Costs as much as the scope holds.
        """
        ...

    async def put_decision(self, row: Decision) -> None: ...

    async def put_records(self, rows: Sequence[Record]) -> None: ...

    async def put_entities(self, rows: Sequence[Entity], names: Mapping[str, tuple[str, ...]]) -> None:
        """Write entities; ``names`` gives for each id the name tokens that it answers to now."""
        ...

    async def put_edge_records(self, rows: Sequence[EdgeRecord]) -> None: ...

    async def put_edges(self, rows: Sequence[Edge]) -> None: ...

    async def put_alias(self, alias: str, entity_id: str) -> None:
        """Let an id resolve to another entity for ever; chains of aliases are followed."""
        ...

    async def touch(self, source: str, seen: str, records: Sequence[tuple[str, str]],
                    edge_records: Sequence[tuple[EdgeRecordKey, str]]) -> None:  # fmt: skip
        """Note that unchanged records, each with its digest, were seen again; never makes ``seen`` older.

        A record whose digest is another by now is left alone.
        """
        ...

    async def journal(self, head: RevisionHead, entries: Sequence[JournalEntry]) -> None:
        """Write this transaction's revision entry; exactly once, before the end: else StoreFailed, rolled back."""
        ...


class Store(Protocol):
    """One estate, kept. Safe to use from many tasks at once."""

    async def open(self) -> None:
        """Connect, create or migrate.

        Raises
        ------
        StoreUnreachable, StoreTooNew
        """
        ...

    async def close(self) -> None: ...

    def write(self) -> AbstractAsyncContextManager[Write]:
        """Begin a write: its first act is to take the next revision, so writers take turns.

        Leaving the block commits; an exception in it rolls back, and the number is not used up.
        Numbers are gap-free and in commit order. Call it again with the same work when it raises
        StoreBusy (a deadlock or a lost leader): nothing was written.
        """
        ...

    async def revision(self) -> int:
        """Give the newest committed revision; 0 for an empty store."""
        ...

    async def feed(self, since: int, limit: int = 100) -> list[Revision]:
        """Read revisions after ``since``: a contiguous run, each whole, or fewer."""
        ...

    async def scan(self, classes: Collection[str]) -> Scan:
        """Read all live entities of these classes, the live edges between them, and all waiting edge records.

        At exactly one revision, also while others write; it may wait for the write at hand.
        """
        ...

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        """As Write.resolve, outside a transaction; ids of aliases resolve to what they stand for."""
        ...

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        """As Write.sayings, outside a transaction."""
        ...

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        """As Write.scopes, outside a transaction."""
        ...

    async def held(self, source: str, scope: str) -> Held:
        """As Write.held, outside a transaction."""
        ...

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        """As Write.count_held, outside a transaction."""
        ...

    async def named(self, name: str, limit: int = 10) -> list[Entity]:
        """Read the entities of exactly this name, of any class."""
        ...

    async def search(self, text: str, classes: Collection[str], limit: int) -> list[Entity]:
        """Find the entities of these classes that have, for each word of ``text``, a word that begins with it.

        What is searched, and what a word is, stands in ``words.py``: names, native keys, identifiers, addresses.
        First what has exactly this name, then whose name begins with it, then the rest, each by order; ``limit`` of
        them at most. One round trip.

        Raises
        ------
        BadUsage
            There is no word in ``text``.
        """
        ...

    async def entities(self, ids: Collection[str]) -> dict[str, Entity]:
        """Read live entities by id; aliases resolve (the key is the id asked for); unknown ids are absent."""
        ...

    async def page(self, classes: Collection[str], where: Condition | None, *, by: OrderBy | None = None,
                   after: str | None = None, before: str | None = None, limit: int, backward: bool = False,
                   bound: int | None = None) -> list[Entity]:  # fmt: skip
        """Read at most ``limit`` entities of these classes with ``after < order < before``.

        The first of them, or with ``backward`` the last, in either case in order. With ``by`` they go by that
        attribute (``ordering.py``), and ``after`` and ``before`` are places that ``by.place`` gave. A bounded number
        of round trips.

        Raises
        ------
        BadCursor
        ScanTooLarge
            No index answers this (``indexing.scans``), and there are more than ``bound`` entities of these classes;
            or, if ``indexing.anchor`` finds an equality in ``where``, more that fulfil it.
        """
        ...

    async def count(self, classes: Collection[str], where: Condition | None, *, bound: int | None = None) -> int:
        """Count the entities that ``page`` would run through; ``bound`` as there."""
        ...

    async def neighbours(self, ids: Collection[str], type_name: str, direction: Direction, *,
                         after: str | None = None, before: str | None = None, limit: int,
                         backward: bool = False) -> dict[str, list[Neighbour]]:  # fmt: skip
        """Read for each id at most ``limit`` neighbours over one relationship type, in one round trip.

        Every id that was asked for is in the answer, with an empty list where it has none or is retired.

        ``out``: from the id to others. Ordered by the neighbour's order, then the group; ``after``
        and ``before`` are such orders joined by U+001F: ``order + U+001F + group``.
        """
        ...

    async def count_neighbours(self, ids: Collection[str], type_name: str, direction: Direction) -> dict[str, int]:
        """Count the neighbours that ``neighbours`` would run through; ids without any have 0."""
        ...
