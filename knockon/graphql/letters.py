"""``deadLetters``: the records that no load has taken, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from strawberry.scalars import JSON

from knockon.errors import RejectCode
from knockon.graphql.answers import FEW
from knockon.graphql.connections import Connection, Page, cursor_of, page_of, paging
from knockon.graphql.definitions import argument, as_of_argument, maybe, plain, resolved, sighted
from knockon.graphql.scalars import DateTime

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import DeadLetter
    from knockon.graphql.connections import ConnectionTypes
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.request import Request

_KIND = "letters"
_UNTOLD = "What is wrong is told to those who may read the record."
_CODES = [
    (RejectCode.UNKNOWN_CLASS.value, "The model has no class of that name."),
    (RejectCode.ABSTRACT_CLASS.value, "Nothing is of that class itself, but of one below it."),
    (RejectCode.UNKNOWN_ATTRIBUTE.value, "The class or relationship type has no such attribute."),
    (RejectCode.UNKNOWN_RELATIONSHIP_TYPE.value, "The model has no relationship type of that name."),
    (RejectCode.TYPE_MISMATCH.value, "A value is not of the type of its attribute."),
    (RejectCode.MISSING_ATTRIBUTE.value, "A required attribute is missing."),
    (RejectCode.MISSING_IDENTIFIER.value, "It has no native key."),
    (RejectCode.MALFORMED_REFERENCE.value, "An end of a relationship is not written as a reference is."),
    (RejectCode.MALFORMED_RECORD.value, "It cannot be read as a record."),
    (RejectCode.SELF_LOOP.value, "A relationship leads from a thing to itself."),
    (RejectCode.UNRESOLVED_REFERENCE.value, "An end of a relationship means nothing, in a load that asks for it."),
]


def letters_field(definitions: Definitions, connections: ConnectionTypes) -> StrawberryField:
    """Make the field; it says the same as ``letters`` on the command line."""
    code = definitions.enum("RejectCode", "Why a record was not taken.", _CODES)
    letter = definitions.object("DeadLetter", "A record that no load has taken.", *_fields(definitions, code))
    connection = connections.make(
        "DeadLetter", letter, of="dead letters, oldest first", read_node=lambda each: each,
        cursor=lambda each: cursor_of(_KIND, each.place), both_ways=False,
    )  # fmt: skip
    arguments = [
        argument("source", maybe(str), "Only those of this source."),
        argument("code", maybe(code), "Only those of one code."),
        argument("first", maybe(int)),
        argument("after", maybe(str)),
        as_of_argument(),
    ]
    said = "The records that no load has taken, as it stands now: by load, and in a load as its report lists them."
    return resolved("deadLetters", maybe(connection), _letters, said, arguments)


def _fields(definitions: Definitions, code: GraphQLType) -> list[StrawberryField]:
    kinds = [("entity", "A record of a thing."), ("relationship", "A record of a relationship.")]
    return [
        plain("id", str, lambda each: each.id, "The same as long as its source says the same; replays go by it."),
        plain("source", str, lambda each: each.source, "Who said it."),
        plain("scope", str, lambda each: each.scope, "The part of what the source reports; empty: no named one."),
        plain("kind", definitions.enum("DeadLetterKind", "What a record is about.", kinds), lambda each: each.kind,
              "What it is about."),
        plain("about", str, lambda each: each.words, "Its native key, or its ends and type; empty where unknown."),
        plain("code", code, lambda each: each.code, "What is wrong."),
        sighted("message", str, lambda each, sight: _UNTOLD if _hidden(each, sight) else each.message,
                "What is wrong, in a sentence."),
        plain("location", str, lambda each: each.location, "Where it stood: the file, and the line or JSON pointer."),
        sighted("record", maybe(JSON), lambda each, sight: None if _hidden(each, sight) else each.record,
                "What it says; where it is cut, the beginning of its text; null where redacted.", many=FEW),
        sighted("redacted", bool, _hidden,
                "You may not read what it says, since it may hold what is sensitive."),
        plain("cut", bool, lambda each: each.cut, "It was too long to be kept whole."),
        plain("format", str, lambda each: each.format, "The loader that can read it."),
        plain("partial", bool, lambda each: each.partial, "It came in a load that adds to what was said before."),
        plain("strict", bool, lambda each: each.strict, "It came in a load that takes no relationship that waits."),
        plain("seen", DateTime, lambda each: each.seen, "When the source saw it so."),
        plain("by", str, lambda each: each.by, "Who loaded it last."),
        plain("at", DateTime, lambda each: each.at, "When it was rejected last."),
        plain("since", DateTime, lambda each: each.since, "When it was rejected first."),
        plain("revision", int, lambda each: each.revision, "Of the load that rejected it last."),
    ]  # fmt: skip


def _hidden(letter: DeadLetter, sight: Sight) -> bool:
    """Tell whether a record may hold what the caller may not read: also under a name that the model does not know."""
    said = letter.record if isinstance(letter.record, dict) else {}
    owner = said.get("class" if letter.kind == "entity" else "type")
    return sight.hides_some(owner if isinstance(owner, str) else "")


def _letters(
    _root: None, request: Request, source: str = "", code: str = "", first: int | None = None, after: str | None = None
) -> Connection:
    asked = paging(_KIND, first, after)
    of = source or "", code or ""

    async def page() -> Page:
        return page_of(await request.store.letters(*of, after=asked.after or "", limit=asked.limit + 1), asked)

    async def count() -> int:
        return await request.store.count_letters(*of)

    return Connection(page, count)
