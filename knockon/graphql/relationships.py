"""``relationships`` on every thing: all that leads to or from it, whatever the type, and who says so."""

from __future__ import annotations

from asyncio import gather
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from strawberry.scalars import JSON

from knockon.cmdb.contract.rows import last_seen, neighbour_order
from knockon.errors import BadCursor
from knockon.graphql.answers import FEW
from knockon.graphql.connections import Connection, Page, cursor_of, page_of, paging, paging_arguments
from knockon.graphql.definitions import Weight, argument, listed, maybe, plain, resolved, sighted
from knockon.graphql.types import ROOT

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.contract.rows import EdgeRecord, Entity, Neighbour
    from knockon.cmdb.contract.store import Direction, Way
    from knockon.graphql.connections import ConnectionTypes
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes
    from knockon.schema.model import Model

_KIND = "relationships"
_WAYS = [("in", "It leads to the thing."), ("out", "It leads from the thing.")]


class _Way(NamedTuple):
    """A relationship type as it reads from one of its ends."""

    spoken: str
    type_name: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class _Related:
    way: _Way
    neighbour: Neighbour

    @property
    def place(self) -> str:
        return f"{self.way.spoken} {neighbour_order(self.neighbour)}"


class _Said(NamedTuple):
    record: EdgeRecord
    seen: str


class EveryRelationship:
    """Makes the field."""

    def __init__(
        self, definitions: Definitions, model: Model, nodes: NodeTypes, connections: ConnectionTypes,
        relationship_name: GraphQLType,
    ) -> None:  # fmt: skip
        self._definitions = definitions
        self._nodes = nodes
        self._connections = connections
        self._name = relationship_name
        self._ways = {name: _ways(model, name) for name in model.concrete(ROOT)}

    def field(self) -> StrawberryField:
        """Make it."""
        connection = self._connections.make(
            "Relationship", self._nodes.of(ROOT), of="all relationships of a thing, by name, then by what they lead to",
            read_node=lambda each: each.neighbour.entity, cursor=lambda each: cursor_of(_KIND, each.place),
            more=self._edge_fields(),
        )  # fmt: skip
        arguments = [
            argument(
                "types", maybe(listed(self._name)), "Only these, by name or inverse, as they read from the thing."
            ),
            *paging_arguments(),
        ]
        said = (
            "All that leads to or from it; a field of its own for each name goes both ways, and knows the attributes."
        )
        return resolved("relationships", maybe(connection), self._resolve, said, arguments)

    def _edge_fields(self) -> list[StrawberryField]:
        define = self._definitions
        said = define.object(
            "RelationshipRecord", "What one source says of a relationship.",
            plain("source", str, lambda each: each.record.key.source, "Who says so."),
            plain("from", str, lambda each: each.record.key.from_ref, "Where it begins, in the source's words."),
            plain("to", str, lambda each: each.record.key.to_ref, "Where it ends, likewise."),
            plain("scope", str, lambda each: each.record.scope, "The part of what it reports; empty: no named one."),
            plain("seen", str, lambda each: each.seen, "When it was last so to the source, in UTC."),
            sighted(
                "attributes", JSON,
                lambda each, sight: sight.shown(each.record.key.type_name, each.record.attributes),
                "What it says of it, by the names in files; null where redacted.",
            ),
        )  # fmt: skip
        return [
            plain("name", self._name, lambda each: each.way.spoken, "What it is called, as it reads from the thing."),
            plain("type", self._name, lambda each: each.way.type_name, "Its type, as it reads from where it begins."),
            plain("direction", define.enum("RelationshipDirection", "Which way it leads.", _WAYS),
                  lambda each: each.way.direction, "Whether it leads to the thing or from it."),
            sighted(
                "attributes", JSON,
                lambda each, sight: sight.shown(each.way.type_name, each.neighbour.edge.attributes),
                "All attributes of the relationship, by their names in files; null where redacted.",
            ),
            resolved(
                "records", maybe(listed(said)), _records,
                "What sources say of it, by source; of the present only.", weight=Weight(many=FEW),
            ),
        ]  # fmt: skip

    def _resolve(self, entity: Entity, request: Request, types: list[str] | None = None, **pages: Any) -> Connection:
        asked = paging(_KIND, **pages)
        every = self._ways[entity.class_name]
        after, before = (_place(each, every) for each in (asked.after, asked.before))
        ways = [each for each in every if types is None or each.spoken in types]

        async def read(way: _Way) -> list[_Related]:
            found = await request.store.neighbours(
                [entity.id], way.type_name, way.direction, after=after.get(way), before=before.get(way),
                limit=asked.limit + 1, backward=asked.backward,
            )  # fmt: skip
            return [_Related(way, each) for each in found[entity.id]]

        async def counts() -> dict[Way, int]:
            return (await request.store.count_related([entity.id]))[entity.id]

        async def page() -> Page:
            some = await counts()
            there = [
                each for each in ways
                if each[1:] in some and all(each >= way for way in after) and all(each <= way for way in before)
            ]  # fmt: skip
            rows = [row for found in await gather(*map(read, there)) for row in found]
            return page_of(rows[-asked.limit - 1 :] if asked.backward else rows[: asked.limit + 1], asked)

        async def count() -> int:
            some = await counts()
            return sum(some.get(each[1:], 0) for each in ways)

        return Connection(page, count)


def _place(place: str | None, ways: list[_Way]) -> dict[_Way, str]:
    """Read a place of the list: in which way it is, and where in what that leads to; without one: nothing."""
    if place is None:
        return {}
    spoken, _, within = place.partition(" ")
    found = {way: within for way in ways if way.spoken == spoken}
    if not found:
        raise BadCursor("This cursor is not of this list; pass startCursor or endCursor of it, unchanged.")
    return found


def _ways(model: Model, class_name: str) -> list[_Way]:
    """Give the relationship types that a class may be an end of, by what they are called from there."""
    lineage = set(model.classes[class_name].lineage)
    found = []
    for kind in model.relationships.values():
        sources, targets = ({pair[i] for pair in kind.spec.ends} for i in (0, 1))
        if sources & lineage:
            found.append(_Way(kind.name, kind.name, "out"))
        if targets & lineage:
            found.append(_Way(kind.inverse, kind.name, "in"))
    return sorted(found)


async def _records(related: _Related, request: Request) -> list[_Said]:
    """Read what sources say; all that one request asks for at one moment costs two calls."""
    key = related.neighbour.edge.key
    records: list[Any] = (await request.store.sayings([key])).get(key, [])
    scopes = await request.store.scopes({each.key.source for each in records})
    return [_Said(each, last_seen(each, scopes)) for each in sorted(records, key=lambda each: each.key)]
