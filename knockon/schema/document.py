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
    # The parser's own composer calls itself for each level, in C: a deeply nested file would end the process.
    composing = _Composing(name)
    while (event := loader.get_event()) is not None:
        if isinstance(event, yaml.DocumentStartEvent):
            composing = _Composing(name)
        elif isinstance(event, yaml.DocumentEndEvent):
            yield composing.document()
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            composing.take(event)


@dataclass(slots=True)
class _Open:
    """A list or mapping of which not all members are read; ``height`` is 1 if there is none within it."""

    members: dict[str, Located] | list[Located]
    line: int
    anchor: str | None
    nodes_before: int
    height: int = 1
    key: str | None = None  # the one whose value comes next, and its line
    key_line: int = 0


@dataclass(frozen=True, slots=True)
class _Anchored:
    """What an alias stands for: ``nodes`` are read again with each alias, ``height`` levels of lists and mappings."""

    node: Located
    nodes: int = 1
    height: int = 0


class _Composing:
    """Builds one document from the parser's events, within the bounds on depth and on aliases.

    Each event costs constant time; nodes behind an alias are shared, not copied.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._root: Located | None = None
        self._open: list[_Open] = []
        self._anchors: dict[str, _Anchored | None] = {}  # None while what it names is still being read
        self._nodes = 0
        self._again = 0

    def document(self) -> Located:
        """Give the whole document; all its events must have been taken."""
        assert self._root is not None
        return self._root

    def take(self, event: Any) -> None:
        """Take the next event of the document."""
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        else:
            self._alias(event)

    def _scalar(self, event: Any) -> None:
        line = event.start_mark.line + 1
        # libyaml gives plain scalars the style "" or None
        node = Located(None if not event.style and event.value in _NULLS else event.value, line)
        if event.anchor:
            self._name_anchor(event.anchor, line)
            self._anchors[event.anchor] = _Anchored(node)
        self._nodes += 1
        if self._awaits_key():
            self._key(event.value, line)
        else:
            self._add(node)

    def _start(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if self._awaits_key():
            raise self._refusal(line, "a key must be a single word or text")
        self._check_depth(1, line)
        if event.anchor:
            self._name_anchor(event.anchor, line)
        members: dict[str, Located] | list[Located] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(members, line, event.anchor, self._nodes))
        self._nodes += 1

    def _end(self) -> None:
        done = self._open.pop()
        node = Located(done.members, done.line)
        if done.anchor:
            self._anchors[done.anchor] = _Anchored(node, self._nodes - done.nodes_before, done.height)
        if self._open:
            self._open[-1].height = max(self._open[-1].height, done.height + 1)
        self._add(node)

    def _alias(self, event: Any) -> None:
        line = event.start_mark.line + 1
        found = self._anchors.get(event.anchor)
        if found is None:
            within = "stands within what it names" if event.anchor in self._anchors else "names nothing above it"
            raise self._refusal(line, f"the alias *{event.anchor} {within}")
        self._nodes += found.nodes
        self._again += found.nodes
        if self._again > _MAX_UNFOLDED:
            raise self._refusal(line, "its aliases (*name) unfold to too many values")
        self._check_depth(found.height, line)
        if not self._awaits_key():
            if self._open:
                self._open[-1].height = max(self._open[-1].height, found.height + 1)
            self._add(found.node)
        elif isinstance(found.node.value, str):
            self._key(found.node.value, line)
        else:
            raise self._refusal(line, "a key must be a single word or text")

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].members, dict) and self._open[-1].key is None

    def _key(self, key: str, line: int) -> None:
        mapping = self._open[-1]
        if key in mapping.members:
            raise self._refusal(line, f"the key {key!r} stands twice in one mapping")
        mapping.key, mapping.key_line = key, line

    def _add(self, node: Located) -> None:
        if not self._open:
            self._root = node
            return
        into = self._open[-1]
        if isinstance(into.members, list):
            into.members.append(node)
        else:
            assert into.key is not None
            into.members[into.key] = Located(node.value, into.key_line)
            into.key = None

    def _name_anchor(self, anchor: str, line: int) -> None:
        if anchor in self._anchors:
            raise self._refusal(line, f"the anchor &{anchor} stands twice in one document")
        self._anchors[anchor] = None

    def _check_depth(self, more: int, line: int) -> None:
        if len(self._open) + more > _MAX_DEPTH:
            raise self._refusal(line, f"lists and mappings are nested more than {_MAX_DEPTH} levels deep")

    def _refusal(self, line: int, message: str) -> FileNotParsed:
        return FileNotParsed(f"{self._name}:{line}: {message}.")
