"""From paths to parsed documents, each of which knows where in its file a value stands."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

from knockon.errors import FileNotParsed, FileUnreadable
from knockon.loaders import json_text
from knockon.schema.document import Located, read_documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Syntax = Literal["yaml", "json", "lines", "csv"]

STANDARD_INPUT = "-"
_SYNTAX: dict[str, Syntax] = {
    ".yaml": "yaml", ".yml": "yaml", ".json": "json", ".ndjson": "lines", ".jsonl": "lines", ".csv": "csv",
}  # fmt: skip
_BEGINNING = 2**20
"""Bytes by which the syntax is told: of a line as well as of a file."""
_RECORD_KEYS = frozenset({"class", "key", "from", "to"})


_LONG_RECORD = re.compile(rf'\{{\s*"(?:{"|".join(sorted(_RECORD_KEYS))})"\s*:.{{{_BEGINNING}}}', re.DOTALL)
"""A record whose line does not end where the syntax is told."""


@dataclass(frozen=True, slots=True)
class Input:
    """One file. ``alone``: it is the only one of its load, so locations need not name it."""

    name: str
    open: Callable[[], BinaryIO]
    """Begins to read it, from its start each time."""
    syntax: Syntax
    alone: bool

    def text(self) -> str:
        """Read the whole file.

        Raises
        ------
        FileUnreadable
            It cannot be read, or is not UTF-8: with the byte and the line.
        """
        with reading(self.name), self.open() as file:
            data = file.read()
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise FileUnreadable(
                f"{self.name}:{line}: byte {error.start} is not UTF-8 text; save the file as UTF-8."
            ) from error

    def at_line(self, line: int) -> str:
        """Give the location of a line, as records carry it."""
        return str(line) if self.alone else f"{self.name}:{line}"


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML or JSON document of a file, as plain values."""

    origin: Input
    value: Any
    lines: Located | None = field(repr=False, default=None)

    def location(self, *path: str | int) -> str:
        """Give the location of a value, as records carry it: a line, or a JSON pointer."""
        if self.lines is not None:
            return self.origin.at_line(self.lines.at(*path).line)
        pointer = _pointer(path)
        return pointer if self.origin.alone else f"{self.origin.name}#{pointer}"

    def where(self, *path: str | int) -> str:
        """Give the file and the place in it, for a message."""
        if self.lines is not None:
            return f"{self.origin.name}:{self.lines.at(*path).line}"
        return f"{self.origin.name}#{_pointer(path)}"


def _pointer(path: tuple[str | int, ...]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def gather(paths: Sequence[Path | str]) -> list[Input]:
    """Find the files of one load; a folder stands for the files in it that a loader can read, by name.

    Raises
    ------
    FileUnreadable
        A file that is not there, may not be read, or a folder without such files.
    """
    found: list[tuple[str, Callable[[], BinaryIO]]] = []
    for path in paths:
        if str(path) == STANDARD_INPUT:
            found.append((STANDARD_INPUT, _standard_input()))
        else:
            found += [(_name(file), partial(_open, file)) for file in _files(Path(path))]
    return [Input(name, open_, _syntax(name, open_), alone=len(found) == 1) for name, open_ in found]


def _open(file: Path) -> BinaryIO:
    return file.open("rb")


def _standard_input() -> Callable[[], BinaryIO]:
    """Put standard input into a file of its own, so that it can be read more than once, however much it is."""
    kept, path = tempfile.mkstemp()
    Path(path).unlink()
    with os.fdopen(os.dup(kept), "wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)

    def begin() -> BinaryIO:
        again = os.fdopen(os.dup(kept), "rb")
        again.seek(0)
        return again

    weakref.finalize(begin, os.close, kept)
    return begin


def _name(file: Path) -> str:
    """Give a file's name as text that can be stored, also where the file system's is not UTF-8."""
    return str(file).encode("utf-8", "backslashreplace").decode()


def _files(path: Path) -> list[Path]:
    try:
        if not path.is_dir():
            return [path]
        files = sorted(each for each in path.iterdir() if each.suffix.lower() in _SYNTAX and each.is_file())
    except (OSError, ValueError) as error:
        raise FileUnreadable(f"{_name(path)}: cannot be read ({error}).") from error
    if not files:
        raise FileUnreadable(f"{_name(path)}: the folder holds no {', '.join(sorted(_SYNTAX))} file.")
    return files


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Say which file it is that cannot be read in this block."""
    try:
        yield
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise FileUnreadable(f"{name}: cannot be read ({reason}).") from error


def _syntax(name: str, open_: Callable[[], BinaryIO]) -> Syntax:
    """Tell the syntax by the file's ending, else by how it begins."""
    with reading(name), open_() as file:
        known = _SYNTAX.get(Path(name).suffix.lower())
        beginning = file.read(1) if known else file.read(_BEGINNING) + file.readline(_BEGINNING)
    return known or _sniffed(beginning.decode("utf-8-sig", "replace").lstrip())


def _sniffed(text: str) -> Syntax:
    first, _, rest = text.partition("\n")
    if not rest and _LONG_RECORD.match(text):  # a first line that is too long to be taken is told as such, by its line
        return "lines"
    if text.startswith(("{", "[")):
        second = rest.partition("\n")[0]
        # a line that leads on to nothing, before one that is a record, is a record too, be it a broken one
        if _is_record(first) or (_is_record(second) and not first.rstrip().endswith(("[", "{", ",", ":"))):
            return "lines"
        return "lines" if rest.strip() and _parsed(first) is not None else "json"
    columns = {each.strip(' \r"') for each in first.split(",")}
    return "csv" if columns >= {"class", "key"} or columns >= {"from", "type", "to"} else "yaml"


def _parsed(line: str) -> Any:
    try:
        return json_text.parse(line)
    except json_text.JsonProblem:
        return None


def _is_record(line: str) -> bool:
    value = _parsed(line)
    return isinstance(value, dict) and not _RECORD_KEYS.isdisjoint(value)


def documents(origin: Input) -> list[Document]:
    """Parse a YAML or JSON file; empty YAML documents are left out.

    Raises
    ------
    FileUnreadable, FileNotParsed
        With the file and the line.
    """
    text = origin.text()
    if origin.syntax == "json":
        try:
            return [Document(origin, json_text.parse(text))]
        except json_text.JsonProblem as problem:
            message = f"{origin.name}:{problem.line}: {problem}. Nothing of this file was read."
            raise FileNotParsed(message) from problem
    return [
        Document(origin, each.plain(), each) for each in read_documents(text, origin.name) if each.value is not None
    ]
