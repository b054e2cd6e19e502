"""Model files: reading them, merging them, and saying where a mistake stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from knockon.errors import FileUnreadable
from knockon.schema.document import Located, is_mapping, read_documents
from knockon.schema.extension import Extension, LocatedIn, extend, extensions_in
from knockon.schema.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

SECTIONS = ("classes", "relationships", "edge_attributes", "lifecycles", "sources")
EXTEND = "extend"


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a model file, and the definition (section, name) that is broken by it."""

    file: str
    line: int
    message: str
    definition: tuple[str, str] | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class ModelSource:
    """Parsed model files: where each definition stands, and what was wrong while reading.

    ``spec`` has the definitions of the right shape. ``doubtful`` are names that some file gives to a
    class, a relationship type, its inverse and so on, but not as it must: nothing can be said of what refers to them.
    """

    definitions: dict[tuple[str, str], tuple[str, Located]]
    mistakes: tuple[Mistake, ...]
    spec: ModelSpec
    doubtful: frozenset[str]

    def mistake(self, message: str, *path: str | int) -> Mistake:
        """Point at ``section, name, key, ...``, or at the nearest thing above it that exists."""
        if len(path) > 1 and (found := self.definitions.get(definition := (str(path[0]), str(path[1])))):
            file, node = found
            for step in path[2:]:
                if (below := node.at(step)) is node:
                    break
                node = below
                if isinstance(node, LocatedIn):
                    file = node.file
            return Mistake(file, node.line, message, definition)
        return Mistake("model", 1, message)


def read_sources(files: Iterable[Path]) -> ModelSource:
    """Parse and merge model files; mistakes of shape are collected, not raised.

    Raises
    ------
    FileUnreadable, FileNotParsed
        A file that cannot be read at all.
    """
    definitions: dict[tuple[str, str], tuple[str, Located]] = {}
    mistakes: list[Mistake] = []
    lost: set[str] = set()
    extensions: list[Extension] = []
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileUnreadable(f"{file}: the model file cannot be read ({error}).") from error
        for document in read_documents(text, str(file)):
            _collect(document, str(file), definitions, extensions, mistakes, lost)
    for each in extensions:
        mistakes += [Mistake(each.file, line, message) for line, message in extend(definitions, each)]
    merged: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for (section, name), (_, node) in definitions.items():
        merged[section][name] = node.plain()
    try:
        spec = ModelSpec.model_validate(merged)
    except ValidationError as error:
        mistakes += _misshapen(ModelSource(definitions, (), ModelSpec(), frozenset()), error.errors())
    if mistakes:
        for section, name in {each.definition for each in mistakes if each.definition}:
            broken = merged[section].pop(name)
            lost |= {name, str(broken.get("inverse"))} if isinstance(broken, dict) else {name}
        spec = ModelSpec.model_validate(merged)
    return ModelSource(definitions, tuple(sorted(mistakes)), spec, frozenset(lost))


def _collect(
    document: Located,
    file: str,
    definitions: dict[tuple[str, str], tuple[str, Located]],
    extensions: list[Extension],
    mistakes: list[Mistake],
    lost: set[str],
) -> None:
    if not is_mapping(document.value):
        mistakes.append(Mistake(file, document.line, f"a model file is a mapping of {', '.join(SECTIONS)}."))
        return
    for section, members in document.value.items():
        if section == EXTEND:
            for found in extensions_in(members, file):
                if isinstance(found, Extension):
                    extensions.append(found)
                else:
                    mistakes.append(Mistake(file, *found))
        elif section not in SECTIONS:
            mistakes.append(
                Mistake(file, members.line, f"unknown section {section!r}; use {', '.join([*SECTIONS, EXTEND])}.")
            )
            lost |= members.value.keys() if is_mapping(members.value) else set()
        elif not is_mapping(members.value):
            mistakes.append(Mistake(file, members.line, f"{section} must be a mapping of names."))
            lost |= {str(each.value) for each in members.value} if isinstance(members.value, list) else set()
        else:
            for name, node in members.value.items():
                if (section, name) in definitions:
                    message = f"{name} is already defined in another model file."
                    mistakes.append(Mistake(file, node.line, message, (section, name)))
                definitions[section, name] = (file, node)


_SHAPES = {
    "missing": "LAST is missing here",
    "extra_forbidden": "LAST is not known here",
    "model_type": "this must be a mapping",
    "dict_type": "this must be a mapping",
    "tuple_type": "this must be a list",
    "too_short": "this must not be empty",
    "too_long": "this has too many members",
    "string_type": "this must be text",
}


def _misshapen(source: ModelSource, errors: list[Any]) -> Iterator[Mistake]:
    """Turn pydantic's errors into sentences that name the key, each at its line."""
    for error in errors:
        section, name, *steps = error["loc"]
        deeper = any(other["loc"][: len(error["loc"])] == error["loc"] and other is not error for other in errors)
        if deeper and error["type"] == "too_short":
            continue  # only so because its members are wrong
        node = source.definitions[section, name][1]
        path: list[str | int] = []
        for step in steps:  # pydantic's steps name the branches of a union and the keys of mappings as well
            if (below := node.at(step)) is not node:
                path.append(step)
                node = below
        said = error["msg"].replace("Input should", "this must").replace("String should", "this must")
        sentence = _SHAPES.get(error["type"], f"{said[:1].lower()}{said[1:]}").replace("LAST", str(error["loc"][-1]))
        yield source.mistake(f"{'.'.join(str(each) for each in [name, *path])}: {sentence}.", section, name, *path)
