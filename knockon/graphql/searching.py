"""``search``: a list of what is found by words, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.words import sought
from knockon.graphql.connections import Connection, cursor_of, page_of, paging, paging_arguments
from knockon.graphql.definitions import argument, as_of_argument, maybe, resolved
from knockon.graphql.types import ROOT

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.graphql.connections import ConnectionTypes, Page
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes
    from knockon.schema.model import Model


def search_field(model: Model, nodes: NodeTypes, connections: ConnectionTypes) -> StrawberryField:
    """Make the field."""
    classes = model.concrete(ROOT)

    def kind(text: str) -> str:
        return f"search {text}"  # a place is one among what this text finds

    connection = connections.make(
        "Search", nodes.of(ROOT), of="what a search found, the best first",
        read_node=lambda row: row[1].entity, cursor=lambda row: cursor_of(kind(row[0]), row[1].place),
    )  # fmt: skip

    def resolve(_root: None, request: Request, text: str, **pages: Any) -> Connection:
        wanted = sought(text)
        asked = paging(kind(wanted.whole), **pages)

        async def page() -> Page:
            found = await request.store.search(wanted, classes, **asked.one_more())
            return page_of([(wanted.whole, each) for each in found], asked)

        async def count() -> int:
            return await request.store.count_found(wanted, classes)

        return Connection(page, count)

    said = "What is found by its name, native key, host name, address or serial number; words by their beginnings."
    text = argument("text", str, "Words, or their beginnings; all must be found.")
    return resolved("search", maybe(connection), resolve, said, [text, *paging_arguments(), as_of_argument()])
