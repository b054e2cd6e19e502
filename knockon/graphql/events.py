"""What the events of all subscriptions share: a place to go on from, and a word on how far they have come."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from knockon.errors import BadUsage
from knockon.graphql.definitions import argument, maybe, plain

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.graphql.request import Following, Request

REACHED_EVERY = 30.0
"""Seconds between two words on how far a subscription has come for which nothing happens."""


def place_arguments() -> list[StrawberryArgument]:
    """Describe the arguments that say where events begin."""
    return [
        argument(
            "after", maybe(str),
            "Only what came after this: the place of the last event that you have, or a revision number. What is to "
            "come, unless given.",
        ),
        argument(
            "reached", bool,
            "Also tell, by events that are no change, from where this begins, and now and then how far it has come: "
            "then you know where to go on also if nothing happened yet.", default=False,
        ),
    ]  # fmt: skip


def place_fields() -> list[StrawberryField]:
    """Describe the fields that every event has."""
    return [
        plain("place", str, lambda each: str(each.place), "Give it back as after to go on: nothing is told twice."),
        plain("revision", int, lambda each: each.number, "The revision that did it."),
        plain("reached", bool, lambda each: each.nothing, "It is no change: all up to its place was told."),
    ]


class Words:
    """Says how far a subscription has come, if it was asked to."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._last = float("-inf")

    def due(self) -> bool:
        """Tell whether it is time to say so."""
        now = asyncio.get_running_loop().time()
        if not self._wanted or now - self._last < REACHED_EVERY:
            return False
        self._last = now
        return True


def following_of(request: Request) -> Following:
    """Give what subscriptions need.

    Raises
    ------
    BadUsage
        The request came by another way than theirs.
    """
    if request.following is None:
        raise BadUsage("Subscriptions are asked over a WebSocket, by graphql-transport-ws.")
    return request.following


def refuse_future(revision: int, newest: int) -> None:
    """Refuse to follow from a revision that is not there.

    Raises
    ------
    BadUsage
    """
    if revision > newest:
        raise BadUsage(f"The store is at revision {newest}; revision {revision} is not there yet.")


async def one_by_one(request: Request, events: AsyncGenerator[Any]) -> AsyncIterator[Any]:
    """Give events as they are answered: each is read anew, and the next one is looked for when it was taken."""
    request.on_event("taken")  # what was asked is understood, and the first event is waited for
    async with aclosing(events):
        async for event in events:
            request.renew()
            request.on_event("begins")
            try:
                yield event
            finally:
                request.on_event("taken")
