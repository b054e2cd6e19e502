"""YAML and JSON text with its line numbers.

Scalars stay text (``00123`` stays ``00123``): the model gives them their types. Only the plain
scalars ``null``, ``~`` and nothing are None. Tags mean nothing here. Two keys of the same name in one
mapping are an error, and so is a document whose aliases (``*x``) would unfold without bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

import yaml

from knockon.errors import FileNotParsed

if TYPE_CHECKING:
    from collections.abc import Iterator

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MAX_DEPTH = 64
_MAX_UNFOLDED = 100_000  # nodes that may be read a second time through an alias


@dataclass(frozen=True, slots=True)
class Located:
    """One node of a document: its value, whose members are Located too, and its line (first is 1).

    The line of a member of a mapping is that of its key.
    """

    value: dict[str, Located] | list[Located] | str | None
    line: int

    def plain(self) -> Any:
        """Give the value without its lines: dict, list, str and None."""
        if isinstance(self.value, dict):
            return {key: member.plain() for key, member in self.value.items()}
        if isinstance(self.value, list):
            return [member.plain() for member in self.value]
        return self.value

    def at(self, *path: str | int) -> Located:
        """Follow keys and positions as far as they exist; gives the last node that does."""
        node = self
        for step in path:
            value = node.value
            if isinstance(value, dict) and step in value:
                node = value[str(step)]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                node = value[step]
            else:
                break
        return node


def is_mapping(value: object) -> TypeGuard[dict[str, Located]]:
    """Tell whether a node's value is a mapping."""
    return isinstance(value, dict)


def read_documents(text: str, name: str) -> list[Located]:
    """Parse every document of a YAML stream; JSON is a subset of it.

    Raises
    ------
    FileNotParsed
        With ``name`` and the line.
    """
    try:
        loader = _Loader(text)
        try:
            return list(_documents(loader, name))
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # what is missing at the end of a file is missed on the line after the last
        where = f"{name}:{min(mark.line + 1, len(text.splitlines()))}" if mark else name
        raise FileNotParsed(f"{where}: {error.problem or error.context}. Nothing of this file was read.") from error
    except yaml.YAMLError as error:
        raise FileNotParsed(f"{name}: {error}. Nothing of this file was read.") from error


def _documents(loader: Any, name: str) -> Iterator[Located]:
    while loader.check_node():
        node = loader.get_node()
        if node is not None:
            yield _Unfolding(name).located(node, 0)


class _Unfolding:
    """Turns one document's nodes into Located ones, within the bounds on depth and on aliases."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: set[int] = set()
        self._again = 0

    def located(self, node: yaml.Node, depth: int) -> Located:
        line = node.start_mark.line + 1
        if depth > _MAX_DEPTH:
            raise FileNotParsed(f"{self._name}:{line}: nested more than {_MAX_DEPTH} levels deep.")
        self._again += id(node) in self._seen
        if self._again > _MAX_UNFOLDED:
            raise FileNotParsed(f"{self._name}:{line}: its aliases (*name) unfold to too many values.")
        self._seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            # libyaml gives plain scalars the style "" or None
            is_null = not node.style and node.value in _NULLS
            return Located(None if is_null else node.value, line)
        if isinstance(node, yaml.SequenceNode):
            return Located([self.located(member, depth + 1) for member in node.value], line)
        return Located(self._members(node, depth), line)

    def _members(self, node: Any, depth: int) -> dict[str, Located]:
        members: dict[str, Located] = {}
        for key, member in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise FileNotParsed(f"{self._name}:{line}: a key must be a single word or text.")
            if key.value in members:
                raise FileNotParsed(f"{self._name}:{line}: the key {key.value!r} stands twice in one mapping.")
            members[key.value] = Located(self.located(member, depth + 1).value, line)
        return members
