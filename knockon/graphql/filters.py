"""``where``: one input type per class, and what it means to a store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from strawberry import ID

from knockon.cmdb.contract.filter import All, Any_, Compare, Condition, Not, Operator, Related
from knockon.errors import BadFilter, NotAllowed
from knockon.graphql.definitions import input_field, listed, maybe, name_of
from knockon.graphql.scalars import plain_spec, snake_to_camel
from knockon.graphql.types import ROOT, first_declared
from knockon.schema.values import parse
from knockon.schema.wording import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from knockon.cmdb.access import Sight
    from knockon.graphql.definitions import Definitions, GraphQLType
    from knockon.graphql.scalars import AttributeTypes
    from knockon.schema.model import Model
    from knockon.schema.spec import AttributeSpec, AttributeType

MAX_COMPARISONS = 100
MAX_DEPTH = 10

_OPERATORS: dict[str, tuple[Operator, str]] = {
    "eq": ("eq", "Equal to this."),
    "ne": ("ne", "Not equal to this, or absent."),
    "in": ("in", "Equal to one of these."),
    "lt": ("lt", "Less, or earlier."),
    "lte": ("lte", "Less, or earlier, or equal."),
    "gt": ("gt", "More, or later."),
    "gte": ("gte", "More, or later, or equal."),
    "contains": ("contains", "Has this text in it; case counts."),
    "startsWith": ("starts_with", "Begins with this text; case counts."),
    "isNull": ("is_null", "True: absent; false: there."),
}
_EQUALITY = ("eq", "ne", "in")
_ORDER = ("lt", "lte", "gt", "gte")
_PARTS = ("contains", "startsWith")
_ORDERED: frozenset[AttributeType] = frozenset({"integer", "number", "datetime", "date"})
_TEXT = plain_spec("string")


def operators(spec: AttributeSpec, type_: GraphQLType) -> tuple[str, ...]:
    """Name what may be asked of an attribute; of a list it holds if it holds for any member."""
    if spec.type in {"money", "json"}:
        return ("isNull",)
    equality = ("eq", "in") if spec.many else ("eq", "ne") if spec.type == "boolean" else _EQUALITY
    order = _ORDER if spec.type in _ORDERED and not spec.many else ()
    parts = _PARTS if type_ is str else ()
    return (*equality, *order, *parts, "isNull")


class Filters:
    """Declares the ``where`` of every class, and turns what callers write into conditions."""

    def __init__(
        self, definitions: Definitions, model: Model, attributes: AttributeTypes, relationship_name: GraphQLType
    ) -> None:
        self._definitions = definitions
        self._model = model
        self._attributes = attributes
        described = [(name, each.spec.description) for name, each in sorted(model.classes.items())]
        classes = definitions.enum("ClassName", "A class of the model.", described)
        self._own = {
            "id": self._operators("IDFilter", ID, ("eq", "ne", "in")),
            "class": self._operators("ClassFilter", classes, ("eq", "ne", "in")),
            "name": self._operators("NameFilter", str, (*_EQUALITY, *_PARTS)),
        }
        self._where = {
            name: definitions.input(f"{name}Where", f"What to ask of {name}; all of it must hold.")
            for name in model.classes
        }
        related = definitions.input(
            "RelatedWhere",
            "There is a relationship to something.",
            input_field("type", relationship_name, "Which relationship, by its name or its inverse."),
            input_field("to", maybe(self._where[ROOT]), "What holds of the other end."),
        )
        self._compared = {name: self._fill(name, related) for name in model.classes}

    def of(self, class_name: str) -> type:
        """Give the ``where`` of a class."""
        return self._where[class_name]

    def condition(self, class_name: str, where: dict[str, Any] | None, sight: Sight) -> Condition | None:
        """Say what a ``where`` means.

        Raises
        ------
        BadFilter
            A value that is not of its attribute's type, or more nested or longer than is served.
        NotAllowed
            It asks for what the caller may not read: who is found would tell.
        """
        if where is None:
            return None
        reading = _Reading(self._model, _Level(ROOT, self._compared[ROOT]), sight)
        return reading.all_of(where, _Level(class_name, self._compared[class_name]))

    def _fill(self, name: str, related: type) -> dict[str, tuple[str, AttributeSpec]]:
        """Fill in the ``where`` of a class; gives its fields that compare attributes."""
        where = self._where[name]
        fields = [input_field(key, maybe(type_), f"Its {key}.") for key, type_ in self._own.items()]
        compared: dict[str, tuple[str, AttributeSpec]] = {}
        for attribute_name in self._model.classes[name].attributes:
            if attribute_name == "name":
                continue
            attribute = first_declared(self._model, name, attribute_name)
            key = snake_to_camel(attribute_name)
            compared[key] = (attribute_name, attribute.spec)
            one = self._attributes.of_one(attribute, attribute.declared_by)
            fields.append(input_field(key, maybe(self._filter(one, attribute.spec)), attribute.spec.description))
        fields += [
            input_field("and", maybe(listed(where)), "All of these hold."),
            input_field("or", maybe(listed(where)), "At least one of these holds."),
            input_field("not", maybe(where), "This does not hold."),
            input_field("related", maybe(related), "It has such a relationship."),
        ]
        self._definitions.fill(where, fields)
        return compared

    def _filter(self, type_: GraphQLType, spec: AttributeSpec) -> GraphQLType:
        asked = operators(spec, type_)
        name = f"{name_of(type_)}{'List' if spec.many else ''}Filter" if len(asked) > 1 else "PresenceFilter"
        return self._definitions[name] if name in self._definitions else self._operators(name, type_, asked)

    def _operators(self, name: str, type_: GraphQLType, asked: Iterable[str]) -> type:
        types: dict[str, GraphQLType] = {"in": listed(type_), "isNull": bool}
        return self._definitions.input(
            name,
            "What to ask of a value; all of it must hold.",
            *(input_field(each, maybe(types.get(each, type_)), _OPERATORS[each][1]) for each in asked),
        )


class _Level(NamedTuple):
    """The class that a part of a ``where`` is about, and its fields that compare attributes."""

    class_name: str
    compared: dict[str, tuple[str, AttributeSpec]]


class _Reading:
    """Reads one ``where``, within bounds on its length and depth."""

    def __init__(self, model: Model, root: _Level, sight: Sight) -> None:
        self._model = model
        self._root = root
        self._sight = sight
        self._left = MAX_COMPARISONS

    def all_of(self, where: dict[str, Any], level: _Level, depth: int = 0) -> Condition:
        """Read what must all hold; nothing asked is always so."""
        if depth > MAX_DEPTH:
            raise BadFilter(f"A filter may be nested {MAX_DEPTH} levels deep.")
        members: list[Condition] = []
        for key, value in where.items():
            if value is None:
                continue
            if key == "and":
                members += [self.all_of(each, level, depth + 1) for each in value]
            elif key == "or":
                members.append(Any_(tuple(self.all_of(each, level, depth + 1) for each in value)))
            elif key == "not":
                members.append(Not(self.all_of(value, level, depth + 1)))
            elif key == "related":
                members.append(self._related(value, depth + 1))
            else:
                members += [self._compare(key, asked, operand, level) for asked, operand in value.items()]
        return members[0] if len(members) == 1 else All(tuple(members))

    def _related(self, value: dict[str, Any], depth: int) -> Condition:
        found = self._model.direction(str(value["type"]))
        assert found is not None  # the enum has the model's names only
        kind, swapped = found
        to = value.get("to")
        condition = self.all_of(to, self._root, depth) if to else None  # an empty one asks nothing
        return Related(kind.name, "in" if swapped else "out", condition)

    def _compare(self, key: str, asked: str, value: Any, level: _Level) -> Condition:
        self._left -= 1
        if self._left < 0:
            raise BadFilter(f"A filter may have {MAX_COMPARISONS} comparisons.")
        if value is None:
            raise BadFilter(f"{key}: {asked} cannot be null; ask isNull.")
        operator = _OPERATORS[asked][0]
        if key == "class":
            return self._class(operator, value)
        name, spec = level.compared.get(key, (key, _TEXT))
        if key in level.compared and self._sight.hides_below(level.class_name, name):
            raise NotAllowed(f"{key} of {level.class_name} is redacted for you, so nothing can be looked for by it.")
        if operator not in {"contains", "starts_with", "is_null"}:
            value = _stored(key, spec, value)
            self._check_states(level.class_name, key, name, value if isinstance(value, tuple) else (value,))
        return Compare(name, operator, value, spec.many)

    def _check_states(self, class_name: str, key: str, name: str, values: tuple[Any, ...]) -> None:
        """Refuse a state that no lifecycle of the class, or of one below it, has: it was meant to be another."""
        lifecycles = [self._model.states.get(each, ("", ())) for each in self._model.concrete(class_name)]
        if not lifecycles or any(attribute != name for attribute, _ in lifecycles):
            return
        known = sorted({str(state) for _, states in lifecycles for state in states})
        for value in values:
            if value not in known:
                raise BadFilter(
                    f"{key}: {unknown('state', str(value), known, '')} of {class_name}. There are {', '.join(known)}; "
                    "what a source says besides is found by startsWith and contains."
                )

    def _class(self, operator: Operator, value: Any) -> Condition:
        """A class means itself and every class below it."""
        named = value if operator == "in" else [value]
        within = Compare("class", "in", tuple(sorted({c for each in named for c in self._model.concrete(str(each))})))
        return Not(within) if operator == "ne" else within


def _stored(key: str, spec: AttributeSpec, value: Any) -> Any:
    """Give a value, or the values of ``in``, the form that they are stored in."""
    one = plain_spec(spec.type, spec.values)
    try:
        return tuple(parse(one, each) for each in value) if isinstance(value, list) else parse(one, value)
    except ValueError as error:
        raise BadFilter(f"{key}: {error}") from error
