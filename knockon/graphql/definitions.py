"""How a GraphQL type is said here: by name, description and fields, without a Python class of its own.

Strawberry usually reads types off decorated classes. These are made at start from the model, so
their definitions are made directly. First every type is declared, then the fields are filled in, so
that types may refer to each other in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from inspect import Parameter, isawaitable
from typing import TYPE_CHECKING, Any, ClassVar

from strawberry.annotation import StrawberryAnnotation
from strawberry.schema_directives import OneOf
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryList, StrawberryObjectDefinition, StrawberryOptional, StrawberryType
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import INFO_PARAMSPEC, ROOT_PARAMSPEC, StrawberryResolver
from strawberry.types.unset import UNSET

from knockon.errors import ModelInvalid

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

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

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        del info, args, kwargs
        return self.read(source)


class Sighted(StrawberryField):
    """As ``Plain``, and three times as dear: ``see`` also gets what the caller may read."""

    see: Callable[[Any, Sight], Any]

    @property
    def is_basic_field(self) -> bool:
        """Say no: a basic field is not told who asks."""
        return False

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: Any) -> Any:
        del args, kwargs
        return self.see(source, info.context.sight)


AS_OF = "asOf"


class Resolver(StrawberryResolver[Any]):
    """Calls ``resolve(parent, request, **arguments)``; nothing is read off its annotations.

    The request is the one of the field of the query that this stands under: ``asOf`` there makes it one of the past.
    """

    reserved_parameters: ClassVar[dict[Any, Parameter | None]] = {
        ROOT_PARAMSPEC: Parameter("root", Parameter.POSITIONAL_OR_KEYWORD),
        INFO_PARAMSPEC: Parameter("info", Parameter.POSITIONAL_OR_KEYWORD),
    }
    arguments: ClassVar[list[StrawberryArgument]] = []

    def __call__(self, *args: str, **kwargs: Any) -> Any:
        del args
        resolve: Any = self.wrapped_func
        parent, info = kwargs.pop("root"), kwargs.pop("info")
        if (moment := kwargs.pop(AS_OF, None)) is None:
            return resolve(parent, info.context.of(info.path), **kwargs)

        async def then() -> Any:
            found = resolve(parent, await info.context.then(info.path, moment), **kwargs)
            return await found if isawaitable(found) else found

        return then()


class Writer(Resolver):
    """Calls ``resolve`` of a field that writes: what it answers, and all below it, is read after that."""

    def __call__(self, *args: str, **kwargs: Any) -> Any:
        del args
        resolve: Any = self.wrapped_func
        parent, info = kwargs.pop("root"), kwargs.pop("info")
        return resolve(parent, info.context.anew(info.path), **kwargs)


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
) -> StrawberryField:
    """Describe a field that ``resolve(parent, request, **arguments)`` answers, at once or awaited."""
    return _answered(name, type_, Resolver(resolve), description, arguments, weight)


def writing(
    name: str,
    type_: GraphQLType,
    resolve: Callable[..., Awaitable[Any]],
    description: str,
    arguments: Sequence[StrawberryArgument],
    weight: Weight,
) -> StrawberryField:
    """Describe a field of the mutation; its ``resolve`` gets a request of its own, in which nothing was read yet."""
    return _answered(name, type_, Writer(resolve), description, arguments, weight)


def followed(
    name: str,
    type_: GraphQLType,
    resolve: Callable[..., Awaitable[Any]],
    description: str,
    arguments: Sequence[StrawberryArgument],
    weight: Weight,
) -> StrawberryField:
    """Describe a field of the subscription; its ``resolve`` checks what is asked, and gives the events as they come."""
    field = _answered(name, type_, Resolver(resolve), description, arguments, weight)
    field.is_subscription = True
    return field


def _answered(
    name: str,
    type_: GraphQLType,
    resolver: Resolver,
    description: str,
    arguments: Sequence[StrawberryArgument],
    weight: Weight,
) -> StrawberryField:
    field = StrawberryField(
        python_name=name, graphql_name=name, type_annotation=StrawberryAnnotation(type_), description=description,
        base_resolver=resolver, metadata={WEIGHT: weight},
    )  # fmt: skip
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
