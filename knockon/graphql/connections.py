"""Pages of long lists: arguments, cursors, and the connection types of Relay's specification.

A cursor is the place of a row in the order of its list, so pages stay right while others write.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.errors import BadCursor, BadUsage
from knockon.graphql.definitions import Weight, argument, listed, maybe, plain, resolved

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.graphql.definitions import Definitions, GraphQLType, Resolved
    from knockon.graphql.request import Request

DEFAULT_PAGE = 50
MAX_PAGE = 500


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list: at most ``limit`` rows between two places, the first or the last of them."""

    limit: int
    after: str | None
    before: str | None
    backward: bool

    def one_more(self) -> dict[str, Any]:
        """Give a store's arguments for this part and one row more, which tells whether there are any."""
        return {"after": self.after, "before": self.before, "limit": self.limit + 1, "backward": self.backward}


def paging(
    kind: str, first: int | None = None, after: str | None = None, last: int | None = None, before: str | None = None
) -> Paging:
    """Understand a field's arguments; ``kind`` is what its cursors are of.

    Raises
    ------
    BadUsage
        Both ``first`` and ``last``, or a size out of bounds.
    BadCursor
    """
    if first is not None and last is not None:
        raise BadUsage("Use first or last, not both.")
    name, size = ("last", last) if last is not None else ("first", first)
    size = DEFAULT_PAGE if size is None else size
    if not 0 <= size <= MAX_PAGE:
        raise BadUsage(f"{name} is {size}; it may be 0 to {MAX_PAGE}. Read on with after or before.")
    after, before = (None if cursor is None else place_of(kind, cursor) for cursor in (after, before))
    return Paging(size, after, before, backward=last is not None)


def paging_arguments() -> list[StrawberryArgument]:
    """Name the arguments that ``paging`` understands; what they mean is said once, by the connection types."""
    types = {"first": int, "after": str, "last": int, "before": str}
    return [argument(name, maybe(type_)) for name, type_ in types.items()]


def cursor_of(kind: str, place: str) -> str:
    """Make the cursor of a place; opaque to callers."""
    return base64.urlsafe_b64encode(f"{kind}\x1f{place}".encode()).decode()


def place_of(kind: str, cursor: str) -> str:
    """Read a cursor of this kind.

    Raises
    ------
    BadCursor
    """
    try:
        found, _, place = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition("\x1f")
    except (binascii.Error, UnicodeError, ValueError):
        found = ""
    if found != kind:
        raise BadCursor("This cursor is not of this list; pass startCursor or endCursor of it, unchanged.")
    return place


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list, and whether there are more on either side."""

    rows: Sequence[Any]
    more_before: bool
    more_after: bool


def page_of(rows: Sequence[Any], asked: Paging) -> Page:
    """Cut a page from rows that were asked for with one more."""
    more = len(rows) > asked.limit
    if asked.backward:
        return Page(rows[1:] if more else rows, more, asked.before is not None)
    return Page(rows[: asked.limit], asked.after is not None, more)


@dataclass(frozen=True, slots=True)
class Placed:
    """A row of an answer, and its place in it."""

    row: Any
    place: str


def page_within(rows: Sequence[Any], mark: str, asked: Paging) -> Page:
    """Cut a page of ``Placed`` from an answer: places are positions, since it never changes; ``mark`` says which it is.

    Raises
    ------
    BadCursor
        The cursor is of another answer.
    """

    def position(place: str) -> int:
        of, _, at = place.rpartition(":")
        if of != mark or not at.isdecimal():
            raise BadCursor("This cursor is of another question, or the estate has changed since; begin again.")
        return int(at)

    total = len(rows)
    start = 0 if asked.after is None else position(asked.after) + 1
    stop = total if asked.before is None else min(position(asked.before), total)
    first = max(start, stop - asked.limit) if asked.backward else start
    last = stop if asked.backward else min(stop, start + asked.limit)
    return Page([Placed(rows[i], f"{mark}:{i}") for i in range(first, last)], first > 0, last < total)


@dataclass(frozen=True, slots=True)
class Connection:
    """A list that is read only as far as a query asks: its page, its length, or both.

    Each may be asked for more than once: what a request has read it remembers.
    """

    page: Callable[[], Awaitable[Page]]
    count: Callable[[], Awaitable[int]]


def list_of_answer(
    name: str,
    connection: GraphQLType,
    kind: str,
    rows: Callable[[Any], tuple[Sequence[Any], str]],
    description: str,
) -> Resolved:
    """Describe a field that pages through a list of an answer: ``rows`` gives the list, and the mark of the answer.

    The connection's rows are ``Placed``, and its cursors of this ``kind``.
    """

    def resolve(answer: Any, _request: object, **arguments: Any) -> Connection:
        asked = paging(kind, **arguments)
        found, mark = rows(answer)

        async def page() -> Page:
            return page_within(found, mark, asked)

        async def count() -> int:
            return len(found)

        return Connection(page, count)

    return resolved(name, connection, resolve, description, paging_arguments())


class ConnectionTypes:
    """Makes connection types; ``pageInfo`` is the same for all."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._page_info = definitions.object(
            "PageInfo",
            "Where a page stands in its list.",
            plain("hasNextPage", bool, lambda info: info.more_after, "There is more after it."),
            plain("hasPreviousPage", bool, lambda info: info.more_before, "There is more before it."),
            plain("startCursor", maybe(str), lambda info: info.start, "The cursor of its first row."),
            plain("endCursor", maybe(str), lambda info: info.end, "The cursor of its last row."),
        )

    def make(
        self,
        name: str,
        node: GraphQLType,
        *,
        of: str,
        read_node: Callable[[Any], Any],
        cursor: Callable[[Any], str],
        more: Iterable[StrawberryField] = (),
        counted: bool = True,
        both_ways: bool = True,
    ) -> type:
        """Declare the connection and edge types ``nameConnection`` and ``nameEdge``.

        ``read_node`` and ``cursor`` take a row of the page; ``more`` are further fields of the edge. A list
        that is not ``counted`` has no ``totalCount``; one that does not go ``both_ways`` is read forward only.
        """
        edge = self._definitions.object(
            f"{name}Edge",
            f"One of {of}.",
            plain("node", node, read_node, "What it is."),
            plain("cursor", str, cursor, "Its place in the list."),
        )
        self._definitions.fill(edge, more)

        async def page_info(connection: Connection, _request: object) -> _PageInfo:
            page = await connection.page()
            ends = (cursor(page.rows[0]), cursor(page.rows[-1])) if page.rows else (None, None)
            return _PageInfo(page.more_before, page.more_after, *ends)

        backward = ", or the last before one" if both_ways else ""
        total = resolved("totalCount", int, _total, "How many there are on all pages; counted only when asked for.")
        return self._definitions.object(
            f"{name}Connection",
            f"A page of {of}: the first rows ({DEFAULT_PAGE} unless said) after a cursor{backward}; "
            f"at most {MAX_PAGE}.",
            resolved("edges", listed(edge), _edges, "The rows of this page.", weight=Weight(paged=True)),
            resolved("pageInfo", self._page_info, page_info, "Where this page stands in the list."),
            *([total] if counted else []),
        )


async def _edges(connection: Connection, request: Request) -> Sequence[Any]:
    return await request.pace.answer((await connection.page()).rows)


async def _total(connection: Connection, _request: object) -> int:
    return await connection.count()


@dataclass(frozen=True, slots=True)
class _PageInfo:
    more_before: bool
    more_after: bool
    start: str | None
    end: str | None
