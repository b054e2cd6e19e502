"""What identification reads of a store, in a write transaction or outside one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from knockon.cmdb.contract.rows import Decision, IdentityFinding, Record

MOST_ANSWERS = 3
"""Ids that ``resolve`` gives for a token at most: enough to tell one from several."""


class IdentityReads(Protocol):
    """What identification reads, in a write transaction or outside one."""

    async def records(self, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Record]:
        """Read records by (source, key); unknown keys are absent."""
        ...

    async def members(self, ids: Collection[str]) -> list[Record]:
        """Read the present records of these entities, each once."""
        ...

    async def claimants(self, tokens: Collection[str], most: int) -> dict[str, list[tuple[str, str]]]:
        """Find the records that claim each token, by (source, key): ``most`` of them at most; none: absent."""
        ...

    async def decisions(self, keys: Collection[tuple[str, str]] | None = None) -> list[Decision]:
        """Read the decisions about any of these records, or all, each once, those that were taken back too."""
        ...

    async def findings_about(self, keys: Collection[tuple[str, str]]) -> list[IdentityFinding]:
        """Read the findings that name one of these records, each once."""
        ...

    async def findings(
        self, code: str = "", after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> list[IdentityFinding]:
        """Read findings, of one code or of all, by (code, id) after ``after``."""
        ...
