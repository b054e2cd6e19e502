"""How a GraphQL type is said here: by name, description and fields, without a Python class of its own.

Strawberry usually reads types off decorated classes. These are made at start from the model, so
their definitions are made directly. First every type is declared, then the fields are filled in, so
that types may refer to each other in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from graphql import GraphQLObjectType
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directives import OneOf
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryObjectDefinition, StrawberryOptional, StrawberryType
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.unset import UNSET

from knockon.errors import ModelInvalid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from graphql import GraphQLSchema

    from knockon.cmdb.access import Sight

    GraphQLType = StrawberryType | type

WEIGHT = "weight"
"""Key of a field's metadata."""


@dataclass(frozen=True, slots=True)
class Weight:
    """What a field adds to the cost of a query, in values of the answer.

    ``many``: how many members to expect of a list that is not paged; ``paged``: as many as the page
    has that its connection was asked for.
    """

    cost: int = 1
    many: int = 1
    paged: bool = False


class Plain(StrawberryField):
    """A field read off its parent by a function: no resolver, no arguments, so cheap on long lists."""

    read: Callable[[Any], Any]

    def resolver(self) -> Callable[..., Any]:
        """Give what the executor calls."""
        read = self.read
        return lambda parent, _info: read(parent)


class Sighted(StrawberryField):
    """As ``Plain``; ``see`` also gets what the caller may read."""

    see: Callable[[Any, Sight], Any]

    def resolver(self) -> Callable[..., Any]:
        """Give what the executor calls."""
        see = self.see
        return lambda parent, info: see(parent, info.context.sight)


AS_OF = "asOf"


class Resolved(StrawberryField):
    """A field that ``resolve(parent, request, **arguments)`` answers, at once or awaited.

    The request is the one of the field of the query that this stands under: ``asOf`` there makes it one of the past.
    """

    resolve: Callable[..., Awaitable[Any] | Any]

    def resolver(self) -> Callable[..., Any]:
        """Give what the executor calls."""
        resolve = self.resolve

        def answer(parent: Any, info: Any, **arguments: Any) -> Any:
            if (moment := arguments.pop(AS_OF, None)) is None:
                return resolve(parent, info.context.of(info.path), **arguments)

            async def then() -> Any:
                found = resolve(parent, await info.context.then(info.path, moment), **arguments)
                return await found if isawaitable(found) else found

            return then()

        return answer


class Dated(Resolved):
    """A field that finds out by itself of which moment it is: ``resolve(parent, request, then, **arguments)``.

    ``then(moment)`` gives the request of a moment of the past, which all below the field belongs to from then on.
    """

    def resolver(self) -> Callable[..., Any]:
        """Give what the executor calls."""
        resolve = self.resolve

        def answer(parent: Any, info: Any, **arguments: Any) -> Any:
            return resolve(parent, info.context, partial(info.context.then, info.path), **arguments)

        return answer


class Writing(Resolved):
    """A field of the mutation: its request is a new one, so that what it answers, and all below it, is read after."""

    def resolver(self) -> Callable[..., Any]:
        """Give what the executor calls."""
        resolve = self.resolve
        return lambda parent, info, **arguments: resolve(parent, info.context.anew(info.path), **arguments)


def resolve_directly(schema: GraphQLSchema) -> None:
    """Let the executor call our resolvers without what Strawberry does for those that are read off annotations.

    The values of arguments are those of graphql-core: texts for enums, dictionaries by GraphQL names for inputs.
    This halves the time of a page of things.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields.values():
                ours = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
                if isinstance(ours, Plain | Sighted | Resolved):
                    if ours.is_subscription:
                        field.subscribe = ours.resolver()
                    else:
                        field.resolve = ours.resolver()


def plain(
    name: str, type_: GraphQLType, read: Callable[[Any], Any], description: str | None = None, *, many: int = 1
) -> Plain:
    """Describe a field that ``read`` gets from the parent."""
    field = Plain(
        python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(type_), description=description,
        metadata={WEIGHT: Weight(many=many)},
    )  # fmt: skip
    field.read = read
    return field


def sighted(
    name: str,
    type_: GraphQLType,
    see: Callable[[Any, Sight], Any],
    description: str | None = None,
    *,
    many: int = 1,
) -> Sighted:
    """Describe a field that ``see`` gets from the parent, as far as the caller may read it."""
    field = Sighted(
        python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(type_), description=description,
        metadata={WEIGHT: Weight(many=many)},
    )  # fmt: skip
    field.see = see
    return field


def resolved(
    name: str,
    type_: GraphQLType,
    resolve: Callable[..., Awaitable[Any] | Any],
    description: str,
    arguments: Sequence[StrawberryArgument] = (),
    weight: Weight = Weight(),
) -> Resolved:
    """Describe a field that ``resolve(parent, request, **arguments)`` answers, at once or awaited."""
    return _answered(Resolved, name, type_, resolve, description, arguments, weight)


def dated(
    name: str,
    type_: GraphQLType,
    resolve: Callable[..., Awaitable[Any]],
    description: str,
    arguments: Sequence[StrawberryArgument],
    weight: Weight,
) -> Resolved:
    """Describe a field of the query that finds out by itself of which moment it is: see ``Dated``."""
    return _answered(Dated, name, type_, resolve, description, arguments, weight)


def writing(
    name: str,
    type_: GraphQLType,
    resolve: Callable[..., Awaitable[Any]],
    description: str,
    arguments: Sequence[StrawberryArgument],
    weight: Weight,
) -> Resolved:
    """Describe a field of the mutation; its ``resolve`` gets a request of its own, in which nothing was read yet."""
    return _answered(Writing, name, type_, resolve, description, arguments, weight)


def followed(
    name: str,
    type_: GraphQLType,
    resolve: Callable[..., Awaitable[Any]],
    description: str,
    arguments: Sequence[StrawberryArgument],
    weight: Weight,
) -> Resolved:
    """Describe a field of the subscription; its ``resolve`` checks what is asked, and gives the events as they come."""
    field = _answered(Resolved, name, type_, resolve, description, arguments, weight)
    field.is_subscription = True
    return field


def _answered(
    kind: type[Resolved],
    name: str,
    type_: GraphQLType,
    resolve: Callable[..., Any],
    description: str,
    arguments: Sequence[StrawberryArgument],
    weight: Weight,
) -> Resolved:
    field = kind(
        python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(type_), description=description,
        metadata={WEIGHT: weight},
    )  # fmt: skip
    field.resolve = resolve
    field.arguments = list(arguments)
    return field


def argument(name: str, type_: GraphQLType, description: str | None = None, default: Any = UNSET) -> StrawberryArgument:
    """Describe an argument; the resolver gets it by its name, if it is given or has a default."""
    return StrawberryArgument(name, name, StrawberryAnnotation(type_), description=description, default=default)


def as_of_argument() -> StrawberryArgument:
    """Describe the argument of a field of the query that asks about the past."""
    return argument(
        AS_OF, maybe(str), "As it was at a revision number or a time such as 2026-11-01T08:00:00Z; all below it too."
    )


def input_field(name: str, type_: GraphQLType, description: str) -> StrawberryField:
    """Describe a field of an input type; one that may be null may also be left out."""
    return StrawberryField(
        python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(type_), description=description
    )


def maybe(type_: GraphQLType) -> StrawberryOptional:
    """Allow null."""
    return StrawberryOptional(type_)


def listed(type_: GraphQLType) -> StrawberryList:
    """Give the type of lists of these; the members are not null."""
    return StrawberryList(type_)


class Definitions:
    """All types of one schema, by name."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._named: dict[str, GraphQLType] = dict.fromkeys(taken, str)

    def __getitem__(self, name: str) -> GraphQLType:
        return self._named[name]

    def __contains__(self, name: str) -> bool:
        return name in self._named

    def types(self) -> list[type]:
        """List the object types and interfaces, also those that only an interface leads to."""
        return [each for each in self._named.values() if isinstance(each, type) and each is not str]

    def object(
        self,
        name: str,
        description: str,
        *fields: StrawberryField,
        implements: Sequence[type] = (),
        is_type_of: Callable[[Any, Any], bool] | None = None,
    ) -> type:
        """Declare an object type."""
        return self._declare(name, description, fields, implements=implements, is_type_of=is_type_of)

    def interface(
        self, name: str, description: str, *, implements: Sequence[type], resolve_type: Callable[[Any, Any, Any], str]
    ) -> type:
        """Declare an interface."""
        return self._declare(name, description, (), implements=implements, resolve_type=resolve_type, is_interface=True)

    def input(self, name: str, description: str, *fields: StrawberryField, one_of: bool = False) -> type:
        """Declare an input type; resolvers get its values as a dictionary by GraphQL names.

        Of a ``one_of`` callers give exactly one field.
        """
        directives = (OneOf(),) if one_of else ()
        return self._declare(
            name, description, fields, is_input=True, directives=directives, from_input=_as_dictionary
        )  # fmt: skip

    def enum(self, name: str, description: str, values: Iterable[tuple[str, str | None]]) -> GraphQLType:
        """Declare an enum of texts with their descriptions; resolvers give and get them as texts."""
        self._refuse_twice(name)
        spoken = [EnumValue(value, value, description=text) for value, text in values]
        members: Any = StrEnum(name, [(f"v{i}", each.value) for i, each in enumerate(spoken)])  # type: ignore[misc]  # its name is the model's
        made = StrawberryEnumDefinition(members, name, spoken, description)
        self._named[name] = made
        return made

    def fill(self, type_: GraphQLType, fields: Iterable[StrawberryField]) -> None:
        """Give a declared type its fields.

        Raises
        ------
        ModelInvalid
            Two fields of one name.
        """
        definition = definition_of(type_)
        names = {each.graphql_name for each in definition.fields}
        for field in sorted(fields, key=lambda each: str(each.graphql_name)):
            if field.graphql_name in names:
                raise ModelInvalid(
                    f"{definition.name}: two attributes or relationships would both be called "
                    f"{field.graphql_name!r} in the API; rename one of them."
                )
            names.add(field.graphql_name)
            definition.fields.append(field)

    def _declare(
        self, name: str, description: str, fields: Iterable[StrawberryField], *,
        implements: Sequence[type] = (), is_input: bool = False, is_interface: bool = False,
        directives: Sequence[Any] = (), **hooks: Any,
    ) -> type:  # fmt: skip
        self._refuse_twice(name)
        made = type(name, (), {})
        hooks = {"is_type_of": None, "resolve_type": None, **hooks}
        definition = StrawberryObjectDefinition(
            name=name, is_input=is_input, is_interface=is_interface, origin=made, description=description,
            interfaces=[definition_of(each) for each in implements], extend=False, directives=directives, fields=[],
            **hooks,
        )  # fmt: skip
        made.__strawberry_definition__ = definition  # type: ignore[attr-defined]  # where Strawberry looks for it
        self._named[name] = made
        self.fill(made, fields)
        return made

    def _refuse_twice(self, name: str) -> None:
        if name in self._named:
            raise ModelInvalid(f"The API has a type called {name} already; rename that class or relationship type.")


def definition_of(type_: GraphQLType) -> StrawberryObjectDefinition:
    """Give what Strawberry knows of a declared type."""
    definition: StrawberryObjectDefinition = type_.__strawberry_definition__  # type: ignore[union-attr]  # set above
    return definition


def name_of(type_: GraphQLType) -> str:
    """Give the name that a scalar, an enum or a declared type has in GraphQL."""
    built_in: dict[object, str] = {str: "String", int: "Int", float: "Float", bool: "Boolean"}
    if isinstance(type_, StrawberryEnumDefinition):
        return type_.name
    return built_in.get(type_) or str(getattr(type_, "__name__", type_))


def _as_dictionary(made: type, value: Any, context: Any) -> dict[str, Any]:
    del made, context
    return dict(value)
