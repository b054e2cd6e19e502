"""What a store promises. Two keep the promise, held to it by one suite: ``tests/cmdb/contract``.

Reading sees committed data only and live things only (nothing retired) unless it says otherwise.
Every list is ordered by ``Entity.order``, compared by Unicode code point. Errors are
``knockon.errors.StoreError``; nothing of a driver gets out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

from knockon.cmdb.contract.journal import Journal
from knockon.cmdb.contract.leases import Leases
from knockon.cmdb.contract.letters import LetterReads
from knockon.cmdb.contract.moving import Movable
from knockon.cmdb.contract.reads import IdentityReads
from knockon.cmdb.contract.tokens import TokenReads

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractAsyncContextManager

    from knockon.cmdb.contract.filter import Condition
    from knockon.cmdb.contract.ordering import OrderBy
    from knockon.cmdb.contract.rows import (
        Baseline,
        EdgeKey,
        EdgeRecord,
        EdgeRecordKey,
        Entity,
        Found,
        Held,
        Neighbour,
        Scan,
        Scope,
    )
    from knockon.cmdb.contract.words import Query
    from knockon.cmdb.contract.write import Write

Direction = Literal["out", "in"]
Way = tuple[str, Direction]
"""A relationship type, and which way it is gone."""


class Store(IdentityReads, LetterReads, TokenReads, Leases, Journal, Movable, Protocol):
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

    async def scan(self, classes: Collection[str]) -> Scan:
        """Read all live entities of these classes, the live edges between them, and all waiting edge records.

        At exactly one revision, also while others write; it may wait for the write at hand.
        """
        ...

    async def resolve(self, tokens: Collection[str]) -> dict[str, list[str]]:
        """As Write.resolve, outside a transaction; ids of aliases resolve to what they stand for."""
        ...

    async def edge_records(self, keys: Collection[EdgeRecordKey]) -> dict[EdgeRecordKey, EdgeRecord]:
        """As Write.edge_records, outside a transaction."""
        ...

    async def sayings(self, keys: Collection[EdgeKey]) -> dict[EdgeKey, list[EdgeRecord]]:
        """As Write.sayings, outside a transaction."""
        ...

    async def scopes(self, sources: Collection[str]) -> dict[tuple[str, str], Scope]:
        """As Write.scopes, outside a transaction."""
        ...

    async def baselines(self) -> list[Baseline]:
        """Read all baselines, by revision, then name."""
        ...

    async def last_seen(self) -> dict[str, str]:
        """Tell of each thing that a present record is of, by id, when one was last seen, by itself or with its scope.

        Costs as much as there are records; a change that is written meanwhile may be in it or not.
        """
        ...

    async def held(self, source: str, scope: str) -> Held:
        """As Write.held, outside a transaction."""
        ...

    async def reported_by(self, source: str) -> Held:
        """Read the keys of all records of a source in all its scopes, withdrawn ones too, but none that was undone."""
        ...

    async def reckoned(self) -> str:
        """Read which rules the estate was reckoned by, as ``put_reckoned`` wrote it; "" where nobody did."""
        ...

    async def every_record(self) -> tuple[dict[str, list[tuple[str, str]]], list[EdgeRecordKey]]:
        """Read the keys of all present records, by class, and of all present edge records."""
        ...

    async def count_held(self, source: str, scope: str) -> tuple[int, int]:
        """As Write.count_held, outside a transaction."""
        ...

    async def named(self, name: str, limit: int = 10) -> list[Entity]:
        """Read the entities of exactly this name, of any class."""
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
            or, if ``indexing.anchor`` finds comparisons in ``where``, more that fulfil these.
        """
        ...

    async def count(self, classes: Collection[str], where: Condition | None, *, bound: int | None = None) -> int:
        """Count the entities that ``page`` would run through; ``bound`` as there."""
        ...

    async def search(self, sought: Query, classes: Collection[str], *, after: str | None = None,
                     before: str | None = None, limit: int, backward: bool = False) -> list[Found]:  # fmt: skip
        """Find at most ``limit`` entities of these classes by their words, with ``after < place < before``.

        Every piece of ``sought`` begins a word of them (``words.py`` says what a word is); both stores
        find the same. What has a present record of exactly this ``source:key`` is found, too. Ordered by rank, then
        ``Entity.order``: the name is what was looked for, another value is, the name begins with it, else; of both
        the first two and the last two, records come after all others. Costs one look into the index, and a sort of all
        that is found.
        """
        ...

    async def count_found(self, sought: Query, classes: Collection[str]) -> int:
        """Count what ``search`` would run through."""
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

    async def count_related(self, ids: Collection[str]) -> dict[str, dict[Way, int]]:
        """Count the neighbours of each id by relationship type and direction, in one round trip.

        Every id that was asked for is in the answer; of the types only those by which it has any.
        """
        ...
