"""``decisions``: what persons have said of who is who and of findings, oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.graphql.connections import Connection, Page, cursor_of, page_of, paging
from knockon.graphql.definitions import argument, as_of_argument, listed, maybe, plain, resolved

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Decision
    from knockon.graphql.connections import ConnectionTypes
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request

DECISION, _KIND_NAME = "IdentityDecision", "IdentityDecisionKind"
_KIND = "decisions"
_KINDS = [
    ("apart", "Two records are never one thing."),
    ("class", "The thing of a record is of a class."),
    ("link", "Two records are one thing."),
    ("right", "A finding is right as it is."),
]


def decision_type(definitions: Definitions) -> type:
    """Declare the type of a decision, under the name DECISION."""
    kind = definitions.enum(_KIND_NAME, "What a person decides.", _KINDS)
    return definitions.object(
        DECISION, "A person's word on who is who, or on a finding.",
        plain("id", str, lambda each: each.id, "Takes it back."),
        plain("kind", kind, lambda each: each.kind, "What it says."),
        plain("records", listed(str), lambda each: [":".join(key) for key in each.records], "As source:key."),
        plain(
            "class", maybe(str), lambda each: each.b[1] if each.kind == "class" else None,
            "Of class: what it is said to be.",
        ),
        plain(
            "finding", maybe(str), lambda each: each.a[1] if each.kind == "right" else None,
            "Of right: the finding that is right as it is.",
        ),
        plain("at", str, lambda each: each.at, "When, in UTC."),
        plain("by", str, lambda each: each.by, "Who decided."),
        plain("reason", str, lambda each: each.reason, "Why; empty if not given."),
        plain("takenBack", maybe(str), lambda each: each.taken_back or None, "Who took it back."),
    )  # fmt: skip


def decisions_field(definitions: Definitions, connections: ConnectionTypes) -> StrawberryField:
    """Make the field; it says the same as ``decisions`` on the command line."""
    connection = connections.make(
        DECISION, definitions[DECISION], of="decisions, oldest first", read_node=lambda each: each,
        cursor=lambda each: cursor_of(_KIND, _place(each)), both_ways=False,
    )  # fmt: skip
    arguments = [
        argument("kind", maybe(definitions[_KIND_NAME]), "Only those of one kind."),
        argument("takenBack", maybe(bool), "Only those that were taken back, or only those that count."),
        argument("first", maybe(int)),
        argument("after", maybe(str)),
        as_of_argument(),
    ]
    said = "What persons have decided on who is who and on findings, as it stands now, with what was taken back."
    return resolved("decisions", maybe(connection), _decisions, said, arguments)


def _decisions(
    _root: None, request: Request, kind: str = "", takenBack: bool | None = None,  # noqa: N803 - as it is called in GraphQL
    first: int | None = None, after: str | None = None,
) -> Connection:  # fmt: skip
    asked = paging(_KIND, first, after)

    async def every() -> list[Decision]:
        # all at once: they are as many as persons have made by hand
        found = [
            each
            for each in await request.store.decisions()
            if (not kind or each.kind == kind) and takenBack in (None, bool(each.taken_back))
        ]
        return sorted(found, key=_place)

    async def page() -> Page:
        rest = [each for each in await every() if asked.after is None or _place(each) > asked.after]
        return page_of(rest[: asked.limit + 1], asked)

    async def count() -> int:
        return len(await every())

    return Connection(page, count)


def _place(decision: Decision) -> str:
    return f"{decision.at} {decision.id}"
