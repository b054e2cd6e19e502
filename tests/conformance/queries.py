"""Random queries of a schema: most are valid, some of their values are not."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_required_argument,
    is_required_input_field,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphql import GraphQLField, GraphQLSchema

STRANGE = (
    "", " ", "0", "null", "\x00", "\x1f", "a\nb", '"', "\\", "'", "%", "*", "`", "{}", "$x", "é", "e\u0301",
    "\U0001f600", "\u202e", "\ufeff", "x" * 3_000, "Server:", ":x", "::", "person/ann", "../..",
    "2026-11-01T08:00:00Z", "2026-02-30", "9999-12-31T23:59:59Z", "P1D", "50%",
)  # fmt: skip
_NUMBERS = (0, 1, 2, 3, -1, 50, 500, 501, 2**31 - 1, -(2**31))
_SCALARS: dict[str, Sequence[Any]] = {
    "Int": _NUMBERS, "Float": (*_NUMBERS, 0.5, -1.5, 1e308, 5e-324), "Boolean": (True, False),
    "Long": (*_NUMBERS, 2**53 + 1, 2**63 - 1, -(2**63), 2**63), "Date": ("2026-11-01", "0001-01-01", "x"),
    "DateTime": ("2026-11-01T08:00:00Z", "2026-11-01T08:00:00+14:00", "x"),
    "Duration": ("P1D", "PT0.001S", "-P1Y", "x"),
    "JSON": (None, 0, "x", [], {}, {"name": "x"}, [[[]]]),
}  # fmt: skip
_CURSORS = ("after", "before")  # none of them is right
_PAGES = {"first": (0, 1, 2, 3, 3, 3), "last": (0, 1, 2)}
_MOMENTS = ("1", "2", "2026-11-01T08:00:00Z", "0", "-1", "999999")
_DEEPEST = 5


class Queries:
    """Makes operations of a schema; ``refs`` and ``ids`` are what there is to ask about."""

    def __init__(self, schema: GraphQLSchema, seed: int, refs: Sequence[str], ids: Sequence[str]) -> None:
        self._schema = schema
        self._random = Random(seed)
        self._refs, self._ids = refs, ids
        self._left = 0

    def one(self, root: GraphQLObjectType, field: str, kind: str = "query") -> str:
        """Give an operation that asks for this field of the root."""
        self._left = 40
        return f"{kind} {{ {self._field(field, root.fields[field], 0)} }}"

    def _field(self, name: str, field: GraphQLField, depth: int) -> str:
        given = [
            f"{each}: {self._value(each, argument.type, 0)}"
            for each, argument in field.args.items()
            if is_required_argument(argument) or self._random.random() < (0.02 if each in _CURSORS else 0.3)
        ]
        self._left -= 1
        text = f"a{self._left + 100}: {name}({', '.join(given)})" if given else name
        return text + self._below(get_named_type(field.type), depth + 1)

    def _below(self, kind: Any, depth: int) -> str:
        if is_leaf_type(kind):
            return ""
        chosen = ["__typename"]
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            all_ = kind.fields.items()
            names = [name for name, each in all_ if depth < _DEEPEST or is_leaf_type(get_named_type(each.type))]
            some = self._random.sample(names, min(len(names), self._random.randint(1, 4)))
            chosen += [self._field(name, kind.fields[name], depth) for name in some if self._left > 0]
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType) and depth < _DEEPEST and self._left > 0:
            one = self._random.choice(sorted(self._schema.get_possible_types(kind), key=lambda each: each.name))
            chosen.append(f"... on {one.name}{self._below(one, depth + 1)}")
        return f" {{ {' '.join(chosen)} }}"

    def _value(self, name: str, kind: Any, depth: int) -> str:
        chance = self._random.random()
        if kind is get_nullable_type(kind) and chance < 0.05:
            return "null"
        kind = get_nullable_type(kind)
        if is_list_type(kind):
            many = 0 if depth > 3 else self._random.randint(0, 2)
            return f"[{', '.join(self._value(name, kind.of_type, depth + 1) for _ in range(many))}]"
        if isinstance(kind, GraphQLEnumType):
            return str(self._random.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            return self._input(kind, depth)
        return _spelled(self._random.choice(self._scalars(name, kind.name, chance)))

    def _input(self, kind: GraphQLInputObjectType, depth: int) -> str:
        needed = [name for name, each in kind.fields.items() if is_required_input_field(each)]
        others = [name for name in kind.fields if name not in needed]
        if kind.is_one_of:
            needed, others = [self._random.choice(others)], []
        some = self._random.sample(others, min(len(others), 0 if depth > 3 else self._random.randint(0, 2)))
        given = (f"{name}: {self._value(name, kind.fields[name].type, depth + 1)}" for name in (*needed, *some))
        return f"{{{', '.join(given)}}}"

    def _scalars(self, name: str, kind: str, chance: float) -> Sequence[Any]:
        if name in _PAGES and chance < 0.9:
            return _PAGES[name]
        if name in ("asOf", "since", "until") and chance < 0.8:
            return _MOMENTS
        if kind == "ID" or (name == "id" and chance < 0.8):
            return (*self._ids, "x")
        if kind == "String" and chance < 0.7:
            return self._refs
        return _SCALARS.get(kind, STRANGE)


def _spelled(value: Any) -> str:
    """Give a value as GraphQL spells it: as JSON does, but for the names of an object."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_spelled(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_spelled, value))}]"
    return json.dumps(value)
