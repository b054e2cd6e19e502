"""Model files: reading them, merging them, and saying where a mistake stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from knockon.errors import FileUnreadable
from knockon.schema.document import Located, is_mapping, read_documents
from knockon.schema.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SECTIONS = ("classes", "relationships", "edge_attributes", "lifecycles")


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake in a model file."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class ModelSource:
    """Parsed model files: where each definition stands, and what was wrong while reading."""

    definitions: dict[tuple[str, str], tuple[str, Located]]
    mistakes: tuple[Mistake, ...]
    spec: ModelSpec | None

    def mistake(self, message: str, *path: str | int) -> Mistake:
        """Point at ``section, name, key, ...``, or at the nearest thing above it that exists."""
        if len(path) > 1 and (found := self.definitions.get((str(path[0]), str(path[1])))):
            file, node = found
            return Mistake(file, node.at(*path[2:]).line, message)
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
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileUnreadable(f"{file}: the model file cannot be read ({error}).") from error
        for document in read_documents(text, file.name):
            _collect(document, file.name, definitions, mistakes)
    merged: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for (section, name), (_, node) in definitions.items():
        merged[section][name] = node.plain()
    source = ModelSource(definitions, (), None)
    spec = None
    try:
        spec = ModelSpec.model_validate(merged)
    except ValidationError as error:
        mistakes += [source.mistake(_sentence(each), *each["loc"]) for each in error.errors()]
    return ModelSource(definitions, tuple(sorted(mistakes)), spec)


def _collect(
    document: Located, file: str, definitions: dict[tuple[str, str], tuple[str, Located]], mistakes: list[Mistake]
) -> None:
    if not is_mapping(document.value):
        mistakes.append(Mistake(file, document.line, f"a model file is a mapping of {', '.join(SECTIONS)}."))
        return
    for section, members in document.value.items():
        if section not in SECTIONS:
            mistakes.append(Mistake(file, members.line, f"unknown section {section!r}; use {', '.join(SECTIONS)}."))
        elif not is_mapping(members.value):
            mistakes.append(Mistake(file, members.line, f"{section} must be a mapping of names."))
        else:
            for name, node in members.value.items():
                if (section, name) in definitions:
                    mistakes.append(Mistake(file, node.line, f"{name} is already defined in another model file."))
                definitions[section, name] = (file, node)


def _sentence(error: Any) -> str:
    """Turn a pydantic error into one sentence that names the key."""
    where = ".".join(str(step) for step in error["loc"][1:])
    if error["type"] == "extra_forbidden":
        return f"{where}: this key is not known here."
    return f"{where}: {error['msg'][:1].lower()}{error['msg'][1:]}."
