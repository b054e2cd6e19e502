"""``search``: finding things by what people know of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.lookup import classes_called
from knockon.errors import BadUsage
from knockon.graphql.definitions import Weight, argument, listed, maybe, resolved
from knockon.graphql.types import ROOT

if TYPE_CHECKING:
    from strawberry.types.field import StrawberryField

    from knockon.cmdb.rows import Entity
    from knockon.graphql.definitions import Definitions
    from knockon.graphql.request import Request
    from knockon.graphql.types import NodeTypes
    from knockon.schema.model import Model

MOST_FOUND = 100
FOUND = 20


def search_field(definitions: Definitions, model: Model, nodes: NodeTypes) -> StrawberryField:
    """Make the field; what it finds, and in which order, is said in ``contract.Store.search``."""

    async def search(
        _root: None, request: Request, text: str, first: int, classes: list[str] | None = None
    ) -> list[Entity]:
        if not 0 <= first <= MOST_FOUND:
            raise BadUsage(
                f"first is {first}; it may be 0 to {MOST_FOUND}. Search for more words, or in fewer classes."
            )
        wanted = classes_called(model, [] if classes is None else [str(each) for each in classes])
        return await request.store.search(text, wanted, first)

    arguments = [
        argument("text", str, "Words, or beginnings of them; all have to be there. Case and accents do not count."),
        argument("classes", maybe(listed(definitions["ClassName"])), "Only these classes and all below them."),
        argument("first", int, f"How many at most; never more than {MOST_FOUND}.", FOUND),
    ]
    said = (
        "Things found by name, host name, serial number, address, or a source's key: first what has exactly this name, "
        "then whose name begins so, then the rest, each by class and name."
    )
    return resolved("search", maybe(listed(nodes.of(ROOT))), search, said, arguments, Weight(many=MOST_FOUND))
