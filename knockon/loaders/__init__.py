"""Loaders: from the files of a discovery source to observations. They know the schema and nothing above it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from knockon.errors import FormatUnknown, SourceConflict
from knockon.loaders import kubernetes, native
from knockon.loaders.inputs import documents, gather
from knockon.schema.observation import OWN_NAMES, PEOPLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from knockon.loaders.inputs import Document, Input
    from knockon.schema.model import Model
    from knockon.schema.observation import Item

    Files = list[tuple[Input, list[Document] | None]]

FORMATS = ("native", "kubernetes")


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files of one load say. ``items`` are raw: values as they stand in the files.

    NDJSON and CSV files are read while the items are gone through, which holds one record in memory.

    ``file`` is the name of the only file; "" where there are several, and locations name them.
    """

    source: str
    format: str
    items: Iterable[Item]
    file: str = ""


def read(paths: Sequence[Path | str], *, source: str | None = None, format: str = "auto", model: Model) -> Reading:  # noqa: A002 - as the option is called
    """Read files and folders as one load; ``-`` is standard input.

    YAML and JSON files are parsed before anything is given, of NDJSON and CSV files the header; a load takes all items
    before it writes, so an error means that nothing was loaded.
    ``source`` is who says all this; in native files it may stand in the file instead. ``format`` is
    one of FORMATS, or "auto" to recognise it.

    Raises
    ------
    FileUnreadable, FileNotParsed
        With the file and, where there is one, the line.
    FormatUnknown
        There is no such format, or "auto" recognises none or several.
    SourceConflict
        No source, two sources, or one that could not be told from a class in a reference.
    """
    if format not in ("auto", *FORMATS):
        raise FormatUnknown(f"There is no format {format!r}; the formats are auto, {', '.join(FORMATS)}.")
    files: Files = [(each, documents(each) if each.syntax in ("yaml", "json") else None) for each in gather(paths)]
    only = files[0][0].name if len(files) == 1 else ""
    if (_recognised(files) if format == "auto" else format) == "kubernetes":
        if source is None:
            raise SourceConflict("Kubernetes objects do not name their cluster: give its name with --source.")
        check_source(source, model)
        return Reading(source, "kubernetes", kubernetes.read(_parsed(files), source), only)
    read_files = [native.read(*each) for each in files]
    agreed = _agreed_source(
        source, [(each.name, found.source) for (each, _), found in zip(files, read_files, strict=True)]
    )
    check_source(agreed, model)
    return Reading(agreed, "native", _Items(read_files, agreed), only)


@dataclass(frozen=True, slots=True)
class _Items:
    """What native files say, read from them each time that it is gone through."""

    files: Sequence[native.NativeFile]
    source: str

    def __iter__(self) -> Iterator[Item]:
        return chain.from_iterable(each.items(self.source) for each in self.files)


def _recognised(files: Files) -> str:
    """Tell the one format of a load by what is in its files."""
    votes: dict[str, str] = {}
    for origin, found in files:
        values = [each.value for each in found or () if isinstance(each.value, dict)]
        if any(kubernetes.recognises(value) for value in values):
            votes.setdefault("kubernetes", origin.name)
        elif found is None or any(native.recognises(value) for value in values):
            votes.setdefault("native", origin.name)
    if len(votes) == 1:
        return next(iter(votes))
    if votes:
        which = " and ".join(f"{name} looks like {each}" for each, name in votes.items())
        raise FormatUnknown(f"{which}: load them apart, or say --format.")
    if empty := [origin.name for origin, found in files if found is not None and not any(each.value for each in found)]:
        raise FormatUnknown(
            f"{', '.join(empty)}: there is nothing in {'it' if len(empty) == 1 else 'them'} but perhaps comments; "
            "name files with records."
        )
    if lists := [origin.name for origin, found in files if any(isinstance(each.value, list) for each in found or ())]:
        raise FormatUnknown(
            f"{', '.join(lists)}: a list is no file of records. Put it under entities: in a mapping, or write each "
            "record on a line of its own, as NDJSON."
        )
    names = ", ".join(origin.name for origin, _ in files)
    raise FormatUnknown(f"No loader recognises {names}; say --format with one of {', '.join(FORMATS)}.")


def _parsed(files: Files) -> list[Document]:
    for origin, found in files:
        if found is None:
            raise FormatUnknown(f"{origin.name}: Kubernetes objects are read from YAML and JSON files only.")
    return [each for _, found in files for each in found or ()]


def _agreed_source(given: str | None, written: list[tuple[str, str | None]]) -> str:
    said = {"--source": given} | {name: source for name, source in written if source is not None}
    names = {source: where for where, source in said.items() if source is not None}
    if len(names) > 1:
        which = ", ".join(f"{source!r} ({where})" for source, where in names.items())
        raise SourceConflict(f"One load has one source, and here are {which}: make them agree, or load them apart.")
    if not names:
        raise SourceConflict("Nothing says whose observations these are: give --source NAME, or source: in the file.")
    return next(iter(names))


def check_source(source: str, model: Model) -> None:
    """Refuse a name that no source can have.

    Raises
    ------
    SourceConflict
    """
    if not source.strip() or ":" in source or not source.isprintable():
        raise SourceConflict(f"The source {source!r} must be a word or words without a colon or control characters.")
    if source in OWN_NAMES or source.startswith(PEOPLE):
        raise SourceConflict(
            f"The source may not be called {source!r}: {PEOPLE}NAME is what a person says by hand, and knockon writes "
            f"under {' and '.join(sorted(OWN_NAMES))}. Give another name with --source."
        )
    if source in model.classes:
        raise SourceConflict(
            f"The source may not be called {source!r}, like a class: {source}:x would mean the {source} named x. "
            "Give another name with --source."
        )
