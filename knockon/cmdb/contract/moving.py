"""Everything that a store keeps, as plain rows of a few kinds, and how an empty store is filled with them.

What can be worked out of these rows (words to search by, claims, watches, what a revision touched) is no row: each
store makes it while it is filled. ``KINDS`` is the one list of what there is. A kind that is added there is read,
counted and put by one line in each store's ``moving.py``; tests hold the stores to having nothing beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from knockon.cmdb.contract.images import ImagePart
from knockon.cmdb.contract.rows import (
    Alias,
    Baseline,
    DeadLetter,
    Decision,
    Edge,
    EdgeRecord,
    Entity,
    IdentityFinding,
    Record,
    Revision,
    Scope,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager


@dataclass(frozen=True, slots=True)
class Thing:
    """An entity, live or retired; ``answers`` is whether it answers to its name, which the live ones do."""

    entity: Entity
    answers: bool


@dataclass(frozen=True, slots=True)
class Redaction:
    """Which attributes were taken out of a record, and must not come back; in order. Identity: (source, key)."""

    source: str
    key: str
    attributes: tuple[str, ...]


KINDS: Mapping[str, type[Any]] = {
    "scope": Scope,
    "decision": Decision,
    "entity": Thing,
    "alias": Alias,
    "record": Record,
    "edge": Edge,
    "edge_record": EdgeRecord,
    "finding": IdentityFinding,
    "redaction": Redaction,
    "baseline": Baseline,
    "revision": Revision,
    "image": ImagePart,
    "letter": DeadLetter,
}
"""The type of each kind's rows, in the order in which a store is filled: entities before the edges between them."""


@dataclass(frozen=True, slots=True)
class State:
    """What holds for an estate as a whole; see ``journal.py`` for ``horizon`` and ``rewritten``."""

    revision: int
    horizon: int
    rewritten: int
    reckoned: str
    """By which rules of a model it is reckoned; "" where nothing was ever loaded."""


class Reading(Protocol):
    """All of an estate, at exactly one revision."""

    state: State
    counts: Mapping[str, int]
    """How many rows there are of each kind."""

    def rows(self, kind: str) -> AsyncIterator[Sequence[Any]]:
        """Read the rows of a kind, each once, some at a time, in an order of the store's own."""
        ...


class Filling(Protocol):
    """An empty store while it is filled."""

    async def put(self, kind: str, rows: Sequence[Any]) -> None:
        """Put rows of a kind: the kinds in the order of ``KINDS``, no row twice.

        Raises
        ------
        StoreFailed
            Rows that contradict each other: an identity twice, an edge without its ends.
        ModelInvalid
            Something live of a class, or of a relationship type, that the store's model does not have.
        """
        ...

    async def finish(self, state: State) -> None:
        """Make it a whole estate, at once; exactly once, as the last act."""
        ...


class Movable(Protocol):
    """A store that can be read whole, and filled."""

    async def open_to_fill(self) -> None:
        """As ``Store.open``; also opens a store that an earlier filling left unfinished."""
        ...

    def everything(self) -> AbstractAsyncContextManager[Reading]:
        """Read all that is kept, at one revision, whoever writes meanwhile. Memory: some rows at a time.

        Writers of an embedded store go on; those of Neo4j wait for their turn until the reading is done.
        """
        ...

    def filling(self) -> AbstractAsyncContextManager[Filling]:
        """Fill an empty store, or one that an earlier filling left unfinished, which is cleared first.

        Nobody can take it for an estate before ``finish``; a block that is left without it leaves the store empty. A
        process that dies in it leaves an empty store, or one that ``open`` refuses and that can be filled anew.

        Raises
        ------
        StoreNotEmpty
            Something was ever written to it.
        """
        ...
