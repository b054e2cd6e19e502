"""Who says what: the records behind every thing, whose word counts, and what to look at in who is who."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strawberry import ID
from strawberry.scalars import JSON

from knockon.cmdb.contract.rows import THING, last_seen
from knockon.cmdb.identity.findings import as_seen, claim_of, status_of, worded
from knockon.cmdb.reconciliation.explaining import things_of
from knockon.cmdb.reconciliation.thing import Heard, thing
from knockon.cmdb.stewardship.decisions import accepted as accepted_of
from knockon.cmdb.stewardship.decisions import findings_of
from knockon.errors import BadCursor, FindingCode
from knockon.graphql.answers import FEW
from knockon.graphql.connections import Connection, Page, cursor_of, page_of, paging
from knockon.graphql.decisions import decision_type
from knockon.graphql.definitions import Weight, argument, as_of_argument, listed, maybe, plain, resolved, sighted
from knockon.graphql.wording import in_api
from knockon.itsm.health.freshness import freshness

if TYPE_CHECKING:
    from collections.abc import Callable

    from strawberry.types.arguments import StrawberryArgument
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import Decision, Entity, IdentityFinding
    from knockon.graphql.connections import ConnectionTypes
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.itsm.health.freshness import Freshness

_KIND = "findings"
_CODES = [
    (
        FindingCode.ABSENT_AGAINST_STATUS.value,
        "By its status it is in operation, and no source that discovers sees it.",
    ),
    (FindingCode.CLASS_CONFLICT.value, "The records of one thing are of classes on no one branch."),
    (FindingCode.CONTAINMENT_CIRCLE.value, "Things contain each other in a circle."),
    (FindingCode.DUPLICATE_IDENTIFIER.value, "One source has two records that claim to be the same thing."),
    (FindingCode.IDENTITY_VETO.value, "Two records share an identifier, and differ in a stronger one."),
    (FindingCode.LINK_CONFLICT.value, "A person linked two records that another decision keeps apart."),
    (FindingCode.MISSING_PARENT.value, "A record has no identity but within a parent, and names none."),
    (FindingCode.PRESENT_AGAINST_STATUS.value, "By its status it is not in operation, and a source sees it."),
    (FindingCode.TOO_MANY_CLAIMANTS.value, "More than 20 records have the same identifier value."),
]


class _Won(NamedTuple):
    attribute: str
    value: Any
    heard: Heard
    redacted: bool


class IdentityFields:
    """Makes the fields; they say the same as ``explain-identity`` and ``findings`` on the command line."""

    def __init__(self, definitions: Definitions, connections: ConnectionTypes) -> None:
        self._definitions = definitions
        self._connections = connections
        said = "What is to be looked at in what records come to."
        self._code = definitions.enum("IdentityFindingCode", said, _CODES)
        self._finding = self._finding_type()

    def node_fields(self) -> list[StrawberryField]:
        """Make the fields of every thing: ``records``, ``provenance``, ``freshness`` and ``findings``."""
        record = self._definitions.object(
            "SourceRecord", "What one source says of a thing.",
            *_named(lambda heard: heard),
            plain("class", str, lambda heard: heard.record.class_name, "The class that it sees in it."),
            plain("scope", str, lambda heard: heard.record.scope, "The part of what it reports; empty: no named one."),
            sighted(
                "attributes", JSON, lambda heard, sight: sight.shown(heard.record.class_name, heard.record.said),
                "What it says, by the names in files; null where redacted.",
            ),
            sighted(
                "redacted", listed(str),
                lambda heard, sight: sight.redacted(heard.record.class_name, heard.record.said),
                "The attributes of which it says something that you may not read.",
            ),
        )  # fmt: skip
        won = self._definitions.object(
            "Provenance", "Whose word on an attribute counts.",
            plain("attribute", str, lambda each: each.attribute, "Its name in files."),
            plain("value", maybe(JSON), lambda each: each.value, "Its value; null where redacted."),
            plain("redacted", bool, lambda each: each.redacted, "It has a value which you may not read."),
            *_named(lambda each: each.heard),
        )  # fmt: skip

        async def provenance(entity: Entity, request: Request) -> list[_Won]:
            heard = await _heard(entity, request)
            if not heard:
                return []
            words = sorted(thing(request.topologies.model, heard, entity.class_name).won.items())
            hidden = {name for name, _ in words if request.sight.hides(entity.class_name, name)}
            return [
                _Won(name, None if name in hidden else each.value, Heard(each.record, each.seen), name in hidden)
                for name, each in words
            ]

        fresh = self._definitions.object(
            "Freshness", "When a thing was last reported, and whether that is too long ago.",
            plain("source", str, lambda each: each.source, "Who reported it last."),
            plain("seen", str, lambda each: each.seen, "When, in UTC."),
            plain("until", str, lambda each: each.until, "When it ceases to be fresh: by its class, or after 60 days."),
            plain("stale", bool, lambda each: each.stale, "That has passed."),
        )  # fmt: skip

        async def freshness_of(entity: Entity, request: Request) -> Freshness | None:
            topologies = request.topologies
            return freshness(topologies.model, entity.class_name, await _heard(entity, request), topologies.asked_at())

        return [
            resolved(
                "freshness", maybe(fresh), freshness_of, "Whether it was reported lately; null where no source does.",
            ),
            resolved(
                "records", maybe(listed(record)), _heard,
                "What sources say of it, by source and key; of the present only.",
                weight=Weight(many=FEW),
            ),
            resolved(
                "provenance", maybe(listed(won)), provenance,
                "Whose word counts for each attribute, and since when; of the present only.",
                weight=Weight(many=FEW),
            ),
            resolved(
                "findings", maybe(listed(self._finding)), _findings_about,
                "What a person should look at in what its records come to, by code; of the present only.",
                [_accepted_ones()], Weight(many=FEW),
            ),
        ]  # fmt: skip

    def _finding_type(self) -> type:
        thing_found = self._definitions.object(
            "FindingThing", "A thing that a finding is about.",
            plain("id", ID, lambda each: each.id, "Its id."),
            plain("class", str, lambda each: each.class_name, "Its class."),
            plain("name", str, lambda each: each.name, "Its name."),
        )  # fmt: skip
        return self._definitions.object(
            "IdentityFinding", "Something that a person should look at in what records come to.",
            plain("id", str, lambda each: each.id, "The same as long as it is the same finding."),
            plain("code", self._code, lambda each: each.code, "Its kind."),
            plain(
                "records", listed(str), lambda each: [":".join(key) for key in each.records if key[0] != THING],
                "The records, source:key; none where too many share a value, or where it is about things.", many=FEW,
            ),
            plain(
                "claim", maybe(str), claim_of,
                "What they share: identifier set and values; the set alone where a value is redacted.",
            ),
            plain("veto", maybe(str), lambda each: each.veto or None, "The stronger set that they differ in."),
            plain("status", maybe(str), status_of, "The status that what is seen differs from, or (redacted)."),
            plain("message", str, lambda each: in_api(worded(each)), "In a sentence that says what to do."),
            resolved(
                "things", listed(thing_found), _things, "The things that it is about, in order.",
                weight=Weight(many=FEW),
            ),
            resolved(
                "accepted", maybe(decision_type(self._definitions)), _accepted,
                "Who said that it is right as it is, and why; null if nobody did.",
            ),
        )  # fmt: skip

    def query_fields(self) -> list[StrawberryField]:
        """Make ``findings``."""
        connection = self._connections.make(
            "IdentityFinding", self._finding, of="findings, by code", read_node=lambda each: each, cursor=_cursor,
            counted=False, both_ways=False,
        )  # fmt: skip
        arguments = [
            argument("code", maybe(self._code), "Only those of one kind."),
            _accepted_ones(),
            argument("first", maybe(int)),
            argument("after", maybe(str)),
            as_of_argument(),
        ]
        said = "What a person should look at in who is who and in status against presence, as it stands now."
        return [resolved("findings", maybe(connection), _findings, said, arguments)]


def _named(heard: Callable[[Any], Heard]) -> list[StrawberryField]:
    return [
        plain("source", str, lambda each: heard(each).record.source, "Who says so."),
        plain("key", str, lambda each: heard(each).record.key, "The source's own name for the thing."),
        plain("seen", str, lambda each: heard(each).seen, "When it was last so to the source, in UTC."),
    ]


async def _heard(entity: Entity, request: Request) -> list[Heard]:
    """Read the records of a thing; all that one request asks for at one moment costs two calls."""
    records = await request.store.members([entity.id])
    scopes = await request.store.scopes({each.source for each in records})
    heard = [Heard(each, last_seen(each, scopes)) for each in records]
    return sorted(heard, key=lambda each: (each.record.source, each.record.key))


def _findings(
    _root: None, request: Request, code: str = "", first: int | None = None, after: str | None = None,
    *, accepted: bool = False,
) -> Connection:  # fmt: skip
    asked = paging(_KIND, first, after)
    place = ("", "") if asked.after is None else _place(asked.after)

    async def page() -> Page:
        found = await findings_of(request.store, code or "", accepted_ones=accepted, after=place, limit=asked.limit + 1)
        return page_of([as_seen(each, request.topologies.model, request.sight) for each in found], asked)

    async def count() -> int:
        raise AssertionError("findings are not counted")

    return Connection(page, count)


def _accepted_ones() -> StrawberryArgument:
    return argument("accepted", bool, "Those instead that a person accepted as they are.", default=False)


async def _findings_about(entity: Entity, request: Request, *, accepted: bool) -> list[IdentityFinding]:
    """Read the findings about a thing; all that one request asks for at one moment costs three calls."""
    own = {(each.source, each.key) for each in await request.store.members([entity.id])}
    found = await request.store.findings_about({*own, (THING, entity.id)})
    decided = await accepted_of(request.store, found)
    return [
        as_seen(each, request.topologies.model, request.sight)
        for each in sorted(found, key=lambda each: (each.code, each.id))
        if (each.id in decided) == accepted
    ]


async def _things(finding: IdentityFinding, request: Request) -> list[Entity]:
    """Read the things; all that one request asks for at one moment costs two calls."""
    return (await things_of(request.store, [finding]))[finding.id]


async def _accepted(finding: IdentityFinding, request: Request) -> Decision | None:
    return (await accepted_of(request.store, [finding])).get(finding.id)


def _cursor(finding: IdentityFinding) -> str:
    return cursor_of(_KIND, f"{finding.code}:{finding.id}")


def _place(place: str) -> tuple[str, str]:
    code, colon, id_ = place.partition(":")
    if not colon:
        raise BadCursor("This cursor is not of this list; pass endCursor of it, unchanged.")
    return code, id_
