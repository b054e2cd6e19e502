"""``orderBy``: one enum per class, and what it means to a store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.cmdb.contract.ordering import OrderBy
from knockon.errors import NotAllowed
from knockon.graphql.types import first_declared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knockon.cmdb.access import Sight
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.schema.model import Model
    from knockon.schema.spec import AttributeType

_UNORDERED: frozenset[AttributeType] = frozenset({"duration", "money", "json"})
_UP, _DOWN = "_ASC", "_DESC"


class Orders:
    """Declares the order enum of every class: each attribute, up and down."""

    def __init__(self, definitions: Definitions, model: Model) -> None:
        self._by: dict[str, dict[str, OrderBy]] = {}
        self._enums: dict[str, GraphQLType] = {}
        for name in model.classes:
            attributes = sorted({"name", *_orderable(model, name)})
            self._by[name] = {
                f"{each.upper()}{way}": OrderBy(each, way == _DOWN) for each in attributes for way in (_UP, _DOWN)
            }
            described = f"What a list of {name} can be put in order by; what has no value comes last."
            self._enums[name] = definitions.enum(f"{name}Order", described, [(each, None) for each in self._by[name]])

    def of(self, class_name: str) -> GraphQLType:
        """Give the order enum of a class."""
        return self._enums[class_name]

    def meant(self, class_name: str, order: str | None, sight: Sight) -> OrderBy | None:
        """Say what a value of it means; None: the order of every list.

        Raises
        ------
        NotAllowed
            By what the caller may not read: the order would tell.
        """
        if order is None:
            return None
        by = self._by[class_name][str(order)]
        if sight.hides_below(class_name, by.name):
            raise NotAllowed(f"{by.name} of {class_name} is redacted for you, so no list can be ordered by it.")
        return by


def _orderable(model: Model, class_name: str) -> Iterator[str]:
    """Name the attributes of which a thing has one value, of a type whose values have an order as they are stored."""
    for name in model.classes[class_name].attributes:
        spec = first_declared(model, class_name, name).spec
        if not spec.many and spec.type not in _UNORDERED:
            yield name
