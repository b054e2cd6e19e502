"""``search``: a list of what is found by words, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knockon.cmdb.contract.words import sought
from knockon.errors import BadUsage
from knockon.graphql.connections import Connection, cursor_of, page_of, paging, paging_arguments
from knockon.graphql.definitions import argument, as_of_argument, maybe, resolved
from knockon.graphql.types import ROOT
from knockon.schema.wording import unknown

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.graphql.connections import ConnectionTypes, Page
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes
    from knockon.schema.model import Model


def search_field(model: Model, nodes: NodeTypes, connections: ConnectionTypes) -> StrawberryField:
    """Make the field."""

    def kind(text: str, below: str) -> str:
        return f"search {below} {text}"  # a place is one among what this text finds

    connection = connections.make(
        "Search", nodes.of(ROOT), of="what a search found, the best first",
        read_node=lambda row: row[1].entity, cursor=lambda row: cursor_of(row[0], row[1].place),
    )  # fmt: skip

    def resolve(_root: None, request: Request, text: str, **pages: Any) -> Connection:
        wanted, below = sought(text), pages.pop("class", None) or ROOT
        if below not in model.classes:
            raise BadUsage(unknown("class", below, model.classes))
        classes, own = model.concrete(below), kind(wanted.whole, below)
        asked = paging(own, **pages)

        async def page() -> Page:
            found = await request.store.search(wanted, classes, **asked.one_more())
            return page_of([(own, each) for each in found], asked)

        async def count() -> int:
            return await request.store.count_found(wanted, classes)

        return Connection(page, count)

    said = "What is found by its name, native key, host name, address or serial number; words by their beginnings."
    arguments = [
        argument("text", str, "Words, or their beginnings, all of which must be found; or a reference, source:key."),
        argument("class", maybe(str), "Only this class and those below it, by its name in files."),
        *paging_arguments(),
        as_of_argument(),
    ]
    return resolved("search", maybe(connection), resolve, said, arguments)
