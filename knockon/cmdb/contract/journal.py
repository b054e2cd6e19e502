"""What a store tells of its own past: the half of the contract that reads the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.images import Image
    from knockon.cmdb.contract.rows import Entity, Revision


class Journal(Protocol):
    """The committed writes of an estate, numbered without gaps; a revision never changes once it is committed.

    Revisions up to the *horizon* were compacted: who wrote them is known, what they changed is not.
    """

    async def horizon(self) -> int:
        """Give the oldest revision that can be asked about; 0 where nothing was ever compacted."""
        ...

    async def rewritten(self) -> int:
        """Give the newest revision that compacted or redacted what had been written; 0 where none did."""
        ...

    async def feed(self, since: int, limit: int = 100) -> list[Revision]:
        """Read revisions after ``since``: a contiguous run, each whole, or fewer.

        Raises
        ------
        JournalCompacted
            ``since`` lies before the horizon.
        """
        ...

    async def revision_at(self, moment: str) -> int:
        """Give the newest revision that was written at a moment or before, 0 if none was; in O(log n).

        ``moment`` is text as ``schema.values.instant`` gives it. The time at which a revision was written never
        goes back, whatever the clocks of several writers say.
        """
        ...

    async def written_at(self, revision: int) -> str | None:
        """Tell when a revision was written; None if there is no such one."""
        ...

    async def images(self, revision: int) -> list[Image]:
        """Read the before-images of a revision, in the order in which they were put.

        Raises
        ------
        JournalCompacted
            The revision was compacted.
        """
        ...

    async def count_entries(self, since: int, until: int) -> int:
        """Count the journal entries of the revisions after ``since`` up to ``until``.

        Raises
        ------
        JournalCompacted
            ``since`` lies before the horizon.
        """
        ...

    async def history(
        self, ids: Collection[str], *, since: int = 0, before: int | None = None, limit: int
    ) -> dict[str, list[Revision]]:
        """Read for each id the newest ``limit`` revisions between two that changed it or a relationship of it.

        Exclusive at both ends, newest first. An alias stands for its entity, and every id that became an alias
        of that is part of it. ``entries`` has only what is about the thing; ``count`` is of the whole revision.
        Every id that was asked for is in the answer. A bounded number of round trips, whatever is asked.
        """
        ...

    async def aliases(self, ids: Collection[str]) -> dict[str, frozenset[str]]:
        """Give for each id all that stand for the same thing, its own and itself among them; one round trip."""
        ...

    async def known(self, ids: Collection[str]) -> dict[str, Entity]:
        """Read entities by id, retired ones too; aliases resolve (the key is the id asked for)."""
        ...

    async def recorded(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
        """Find the ids of the entities, retired ones too, that records are of, by (source, key)."""
        ...

    async def retired(self, name: str, limit: int = 10) -> list[Entity]:
        """Read retired entities of exactly this name, of any class."""
        ...
