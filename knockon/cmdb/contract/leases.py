"""What processes that share a store tell each other: its part of the contract."""

from __future__ import annotations

from typing import Protocol


class Leases(Protocol):
    """Names that stand for something for a time, such as who does a thing. They are no part of the estate."""

    async def lease(self, name: str, value: str, *, seconds: float, instead_of: str = "") -> str:
        """Let a name stand for a value for so long from now, and give what it stands for.

        That is another value where one is still standing that is neither this one nor ``instead_of``. Of several that
        ask at once one is first. The time is the store's, and with 0 seconds the name is free again. No revision is
        taken.
        """
        ...
