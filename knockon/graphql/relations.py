"""Relationships as fields, in both directions, each by its own name: ``runsOn`` and ``runs``."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.rows import neighbour_order
from knockon.graphql.connections import Connection, cursor_of, page_of, paging, paging_arguments
from knockon.graphql.definitions import maybe, plain, resolved, sighted
from knockon.graphql.scalars import described, snake_to_camel, snake_to_pascal

if TYPE_CHECKING:
    from collections.abc import Callable

    from strawberry.types.field import StrawberryField

    from knockon.cmdb.access import Sight
    from knockon.cmdb.contract.rows import Entity, Neighbour
    from knockon.cmdb.contract.store import Direction
    from knockon.graphql.connections import ConnectionTypes, Page
    from knockon.graphql.request import Request
    from knockon.graphql.scalars import AttributeTypes
    from knockon.graphql.types import NodeTypes
    from knockon.schema.model import Model, RelationshipType


class Relations:
    """Makes the relationship fields of every class."""

    def __init__(
        self, model: Model, nodes: NodeTypes, connections: ConnectionTypes, attributes: AttributeTypes
    ) -> None:
        self._model = model
        self._nodes = nodes
        self._connections = connections
        self._attributes = attributes

    def fields(self) -> dict[str, list[StrawberryField]]:
        """Give for each class that a relationship type names as an end the fields that it brings."""
        found: dict[str, list[StrawberryField]] = defaultdict(list)
        for kind in self._model.relationships.values():
            sources, targets = ({pair[i] for pair in kind.spec.ends} for i in (0, 1))
            ways: tuple[tuple[Direction, set[str], set[str]], ...] = (
                ("out", sources, targets),
                ("in", targets, sources),
            )
            for direction, here, there in ways:
                field = self._field(kind, direction, there)
                for name in self._highest(here):
                    found[name].append(field)
        return found

    def _highest(self, class_names: set[str]) -> list[str]:
        """Leave out classes that inherit the field anyway."""
        above = {name: set(self._model.classes[name].lineage[1:]) for name in class_names}
        return sorted(name for name in class_names if not above[name] & class_names)

    def _field(self, kind: RelationshipType, direction: Direction, there: set[str]) -> StrawberryField:
        spoken = kind.name if direction == "out" else kind.inverse
        connection = self._connections.make(
            snake_to_pascal(spoken),
            self._nodes.nearest_common(there),
            of=f"what {spoken} leads to",
            read_node=lambda neighbour: neighbour.entity,
            cursor=lambda neighbour: cursor_of(spoken, neighbour_order(neighbour)),
            more=self._edge_fields(kind),
        )

        def resolve(entity: Entity, request: Request, **arguments: Any) -> Connection:
            asked = paging(spoken, **arguments)

            async def page() -> Page:
                found = await request.store.neighbours([entity.id], kind.name, direction, **asked.one_more())
                return page_of(found[entity.id], asked)

            async def count() -> int:
                found = await request.store.count_neighbours([entity.id], kind.name, direction)
                return found[entity.id]

            return Connection(page, count)

        said = kind.spec.description if direction == "out" else f"{kind.name} read backwards: {kind.spec.description}"
        return resolved(snake_to_camel(spoken), connection, resolve, said, paging_arguments())

    def _edge_fields(self, kind: RelationshipType) -> list[StrawberryField]:
        """Make fields of the attributes that a relationship itself has."""
        common = self._model.spec.edge_attributes
        fields: list[StrawberryField] = []
        for name, attribute in kind.attributes.items():
            shared = name in common and name not in kind.spec.attributes
            owner = "Relationship" if shared else snake_to_pascal(kind.name)
            type_ = maybe(self._attributes.of(attribute, owner))
            called, said = snake_to_camel(name), described(attribute.spec)
            if attribute.spec.sensitive:
                fields.append(sighted(called, type_, _seer(kind.name, name), said))
            else:
                fields.append(plain(called, type_, _reader(name), said))
        return fields


def _reader(name: str) -> Callable[[Neighbour], Any]:
    return lambda neighbour: neighbour.edge.attributes.get(name)


def _seer(kind: str, name: str) -> Callable[[Neighbour, Sight], Any]:
    return lambda neighbour, sight: None if sight.hides(kind, name) else neighbour.edge.attributes.get(name)
