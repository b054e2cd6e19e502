"""What callers write: one input type for each class, with its attributes, and one for relationships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strawberry.scalars import JSON

from knockon.graphql.definitions import input_field, listed, maybe
from knockon.graphql.scalars import described, pascal_to_camel, snake_to_camel, snake_to_pascal
from knockon.graphql.types import first_declared

if TYPE_CHECKING:
    from collections.abc import Mapping

    from strawberry.types.field import StrawberryField

    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.scalars import AttributeTypes
    from knockon.schema.model import Attribute, Model


class Said(NamedTuple):
    """What a caller says of a thing: its class, and attributes by their names in files."""

    class_name: str
    attributes: dict[str, Any]


class Inputs:
    """Declares the input types, and reads what comes in them."""

    def __init__(self, definitions: Definitions, model: Model, attributes: AttributeTypes) -> None:
        self._definitions = definitions
        self._attributes = attributes
        self._money = definitions.input(
            "MoneyInput",
            "An amount of money.",
            input_field("amount", str, "A decimal number, such as 12.50."),
            input_field("currency", str, "Three letters of ISO 4217."),
        )
        self._shared: dict[tuple[str, str], StrawberryField] = {}
        self._classes: dict[str, str] = {}
        self._names: dict[str, dict[str, str]] = {}
        self.thing = self._things(model)
        self.relationship, self._edge_names = self._relationships(model)

    def read_thing(self, value: Mapping[str, Any]) -> Said:
        """Read a ``ThingInput``."""
        ((key, said),) = value.items()
        class_name = self._classes[key]
        return Said(class_name, {self._names[class_name][name]: each for name, each in said.items()})

    def read_relationship(self, value: Mapping[str, Any] | None) -> dict[str, Any]:
        """Read a ``RelationshipInput``."""
        return {self._edge_names[name]: each for name, each in (value or {}).items()}

    def _things(self, model: Model) -> type:
        fields = []
        for class_name in model.concrete("Entity"):
            kind = model.classes[class_name]
            writable = [name for name, each in kind.attributes.items() if not each.spec.internal]
            named = {snake_to_camel(name): first_declared(model, class_name, name) for name in writable}
            self._names[class_name] = {key: each.name for key, each in named.items()}
            key = pascal_to_camel(class_name)
            self._classes[key] = class_name
            made = self._definitions.input(
                f"{class_name}Input",
                f"What to say of a {class_name}; what is left out is left as it is.",
                *(self._field(key, each) for key, each in named.items()),
            )
            fields.append(input_field(key, maybe(made), kind.spec.description))
        said = "A thing of one class: exactly one of these."
        return self._definitions.input("ThingInput", said, *fields, one_of=True)

    def _relationships(self, model: Model) -> tuple[type, dict[str, str]]:
        """Make one type for all; what two relationship types give different types is JSON."""
        common = model.spec.edge_attributes
        types: dict[str, dict[str, GraphQLType]] = {}
        said: dict[str, str] = {}
        for kind in model.relationships.values():
            for name, attribute in kind.attributes.items():
                shared = name in common and name not in kind.spec.attributes
                owner = "Relationship" if shared else snake_to_pascal(kind.name)
                type_ = self._type(attribute, owner)
                types.setdefault(name, {})[str(type_)] = type_
                words = described(attribute.spec) if shared else f"Of {kind.name}: {described(attribute.spec)}"
                said[name] = words if said.get(name, words) == words else f"{said[name]} {words}"
        fields = []
        for name, found in types.items():
            ((_, one), *others) = found.items()
            fields.append(input_field(snake_to_camel(name), maybe(JSON if others else one), said[name]))
        words = "What to say of a relationship; what its type has no use for is refused."
        if not fields:
            fields.append(input_field("none", maybe(bool), "No relationship has attributes."))
        made = self._definitions.input("RelationshipInput", words, *fields)
        return made, {snake_to_camel(name): name for name in types}

    def _field(self, key: str, attribute: Attribute) -> StrawberryField:
        """Make the field of an attribute; one object serves all classes that inherit it."""
        known = (attribute.declared_by, attribute.name)
        if known not in self._shared:
            type_ = maybe(self._type(attribute, attribute.declared_by))
            self._shared[known] = input_field(key, type_, described(attribute.spec))
        return self._shared[known]

    def _type(self, attribute: Attribute, owner: str) -> GraphQLType:
        if attribute.spec.type != "money":
            return self._attributes.of(attribute, owner)
        return listed(self._money) if attribute.spec.many else self._money
