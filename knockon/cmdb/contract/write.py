"""One write transaction of a store: what it reads, what it puts, and its one journal entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from knockon.cmdb.contract.letters import LetterWrites
from knockon.cmdb.contract.reads import IdentityReads
from knockon.cmdb.contract.tokens import TokenWrites

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import (
        Alias,
        Baseline,
        Decision,
        Edge,
        EdgeKey,
        EdgeRecord,
        EdgeRecordKey,
        Entity,
        Held,
        IdentityFinding,
        JournalEntry,
        Record,
        RevisionHead,
        Scope,
    )


class Write(IdentityReads, LetterWrites, TokenWrites, Protocol):
    """One write transaction. Each method costs a bounded number of round trips, whatever it is given.

    Reads in it see what it wrote. Rows that are put replace those of the same identity; ``new`` names the identities of
    which this transaction has found that the store has none, so that nothing is looked for that they would replace.
    """

    revision: int
    """The number that this transaction takes; it becomes visible at commit, or never."""

    async def disputed(self, keys: Collection[tuple[str, str]]) -> set[str]:
        """Find the ids of the disputed entities that these records belong to."""
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

    async def classes(self, ids: Collection[str]) -> dict[str, str]:
        """Read the classes of entities by id, retired ones too; unknown ids are absent, aliases too."""
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

    async def around(self, ids: Collection[str], type_name: str) -> dict[str, set[str]]:
        """Read the ids from which live relationships of a type lead to each of these things; none: absent."""
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

    async def put_reckoned(self, rules: str) -> None:
        """Note by which rules of the model the estate is reckoned now."""
        ...

    async def put_decision(self, row: Decision) -> None: ...

    async def put_findings(
        self,
        about: Collection[tuple[str, str]],
        tokens: Collection[str],
        rows: Sequence[IdentityFinding],
        *,
        of: Collection[str],
    ) -> None:
        """Write findings in place of all that name one of these records or are about one of these tokens.

        Only those whose code is in ``of`` are replaced: other findings about the same records stay.
        """
        ...

    async def put_baseline(self, row: Baseline) -> None: ...

    async def drop_baseline(self, name: str) -> None: ...

    async def put_records(self, rows: Sequence[Record], *, new: Collection[tuple[str, str]] = ()) -> None: ...

    async def put_entities(self, rows: Sequence[Entity], *, new: Collection[str] = ()) -> None:
        """Write entities, and what they are found by: a live one answers to its name under each of its classes."""
        ...

    async def put_words(self, ids: Collection[str]) -> None:
        """Let search find these live entities by what they have now: records of them came or went, and no more.

        What ``put_entities`` writes needs it not. The records are written before either.
        """
        ...

    async def put_edge_records(self, rows: Sequence[EdgeRecord], *, new: Collection[EdgeRecordKey] = ()) -> None:
        """Write edge records; the edge that one resolves to is there at the end of the write."""
        ...

    async def put_edges(self, rows: Sequence[Edge], *, new: Collection[EdgeKey] = ()) -> None: ...

    async def put_alias(self, row: Alias) -> None:
        """Let an id resolve to another entity; chains of aliases are followed."""
        ...

    async def drop_aliases(self, ids: Collection[str]) -> None:
        """Let these ids be entities of their own again."""
        ...

    async def standing_for(self, ids: Collection[str]) -> list[Alias]:
        """Read the aliases of these entities, each once."""
        ...

    async def touch(self, source: str, seen: str, records: Sequence[tuple[str, str]],
                    edge_records: Sequence[tuple[EdgeRecordKey, str]]) -> None:  # fmt: skip
        """Note that unchanged records, each with its digest, were seen again; never makes ``seen`` older.

        A record whose digest is another by now is left alone.
        """
        ...

    async def compact(self, horizon: int) -> None:
        """Drop entries and images of all revisions up to one of them, which becomes the horizon; who wrote them stays.

        A horizon never goes back. Costs as much as the journal between the old and the new one.
        """
        ...

    async def put_images(self, rows: Sequence[Image]) -> None:
        """Keep before-images with this revision, after those that it has already."""
        ...

    async def redact(self, ids: Collection[str], attributes: Collection[str], name: str) -> list[tuple[str, str]]:
        """Take attributes of these entities out of every record and journal entry, and mark the records for ever.

        In the journal the entities are called ``name``; images of these records are dropped. Digests of records stay,
        so that loading the same again brings nothing back. Gives the records, by (source, key). Looks at every record
        and every image, and at every revision that touched the entities.
        """
        ...

    async def redacted(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], frozenset[str]]:
        """Give the attributes that were taken out of records by (source, key), and must not come back; none: absent."""
        ...

    async def journal(self, head: RevisionHead, entries: Sequence[JournalEntry]) -> None:
        """Write this transaction's revision entry; exactly once, before the end: else StoreFailed, rolled back."""
        ...
