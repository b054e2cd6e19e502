"""From the model's attribute types to GraphQL's: fields, and what a filter may ask of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON

from knockon.graphql.definitions import Definitions, listed, plain
from knockon.schema.spec import AttributeSpec
from knockon.schema.values import parse

if TYPE_CHECKING:
    from strawberry.types.scalar import ScalarDefinition

    from knockon.graphql.definitions import GraphQLType
    from knockon.schema.model import Attribute
    from knockon.schema.spec import AttributeType

Long = NewType("Long", int)
DateTime = NewType("DateTime", str)
Date = NewType("Date", str)
Duration = NewType("Duration", str)

BUILT_IN = ("Boolean", "Float", "ID", "Int", "String", "JSON", "Long", "DateTime", "Date", "Duration")
"""Type names that no class of a model may have."""

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_INT32 = 2**31


def plain_spec(type_: AttributeType, values: tuple[str, ...] = ()) -> AttributeSpec:
    """Describe a value of a type without an attribute's bounds, which a filter may go beyond."""
    return AttributeSpec(type=type_, values=values, description="a value in a filter")


def _scalar(name: str, type_: AttributeType, description: str) -> ScalarDefinition:
    spec = plain_spec(type_)
    wanted = int if type_ == "integer" else str

    def read(value: Any) -> Any:
        if type(value) is not wanted:  # true is an int to Python
            raise GraphQLError(f"{name} cannot represent {value!r}.")
        try:
            return parse(spec, value)
        except ValueError as error:
            raise GraphQLError(f"{name}: {error}") from None

    return strawberry.scalar(name=name, description=description, serialize=lambda value: value, parse_value=read)


SCALARS: dict[object, ScalarDefinition] = {
    Long: _scalar("Long", "integer", "A whole number of up to 64 bits, as a JSON number."),
    DateTime: _scalar(
        "DateTime", "datetime", "An instant in UTC, such as 2026-11-01T08:00:00Z; other offsets are understood."
    ),
    Date: _scalar("Date", "date", "A day, such as 2026-11-01."),
    Duration: _scalar("Duration", "duration", "A length of time by ISO 8601, such as P1DT2H; a day is 24 hours."),
}


def snake_to_camel(name: str) -> str:
    """Give the GraphQL name of an attribute, relationship type or other name in snake_case or UPPER_CASE."""
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def snake_to_pascal(name: str) -> str:
    """Give the part of a type's name that stands for an attribute or a relationship type."""
    return "".join(word.capitalize() for word in name.lower().split("_"))


def pascal_to_camel(name: str) -> str:
    """Give the GraphQL field for a class name or its plural: BusinessServices, businessServices; UPSs, upss."""
    return re.sub(r"^([A-Z]+(?=s?$|[A-Z][a-z])|[A-Z])", lambda match: match[0].lower(), name)


def described(spec: AttributeSpec) -> str:
    """Give an attribute's description with its unit."""
    return f"{spec.description} Unit: {unit}." if (unit := spec.shown_unit) else spec.description


def _fits_int(spec: AttributeSpec) -> bool:
    """Tell whether the model bounds an integer to the 32 bits of GraphQL's Int."""
    low, high = spec.minimum, spec.maximum
    return low is not None and high is not None and low >= -_INT32 and high < _INT32


class AttributeTypes:
    """The GraphQL types of attributes; an enum of the model is one enum here, named by who declares it."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self.money = definitions.object(
            "Money",
            "An amount of money.",
            plain("amount", str, lambda money: money["amount"], "A decimal number."),
            plain("currency", str, lambda money: money["currency"], "Three letters of ISO 4217."),
        )

    def of(self, attribute: Attribute, owner: str) -> GraphQLType:
        """Give the type of an attribute's value, not yet nullable; a list for many.

        ``owner`` is the class or relationship type that declares it, as a part of a type's name.
        """
        one = self.of_one(attribute, owner)
        return listed(one) if attribute.spec.many else one

    def of_one(self, attribute: Attribute, owner: str) -> GraphQLType:
        """Give the type of a single value."""
        spec = attribute.spec
        if spec.type == "enum":
            return self._enum(attribute, owner)
        if spec.type == "integer":
            return int if _fits_int(spec) else Long
        simple: dict[AttributeType, GraphQLType] = {
            "number": float, "boolean": bool, "datetime": DateTime, "date": Date, "duration": Duration,
            "money": self.money, "json": JSON,
        }  # fmt: skip
        return simple.get(spec.type, str)

    def _enum(self, attribute: Attribute, owner: str) -> GraphQLType:
        """Give an enum of the values as they stand in files, or String where GraphQL cannot spell one."""
        spec = attribute.spec
        if not all(_NAME.fullmatch(value) and value not in {"true", "false", "null"} for value in spec.values):
            return str
        name = f"{owner}{snake_to_pascal(attribute.name)}"
        if name not in self._definitions:
            self._definitions.enum(name, spec.description, [(value, None) for value in spec.values])
        return self._definitions[name]
