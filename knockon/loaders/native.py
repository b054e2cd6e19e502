"""The native format: entities and relationships as YAML, JSON, NDJSON or CSV (docs/reference/native-format.md)."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from knockon.errors import FileNotParsed, RejectCode
from knockon.loaders import json_text
from knockon.schema import values
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from knockon.loaders.inputs import Document, Input
    from knockon.schema.observation import Item, Kind

HEADER = ("source", "seen", "partial")
SECTIONS = ("entities", "relationships")
_ENTITY_COLUMNS = {"class", "key"}
_RELATIONSHIP_COLUMNS = {"from", "type", "to"}

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LONGEST_LINE = 16 * 2**20
"""Bytes of one NDJSON line: several times what the values of a record may have, and little for a machine's memory."""

_BEGINNING = 2 * 2**20
"""Of a longer one, what a reject keeps: no more than a record, and enough to tell that it is cut."""


@dataclass
class NativeFile:
    """One file, read but not yet attributed to a source: records with their locations, and rejects."""

    source: str | None = None
    seen: str | None = None
    partial: bool = False
    entities: list[tuple[Any, str]] = field(default_factory=list)
    relationships: list[tuple[Any, str]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    def items(self, source: str) -> Iterator[Item]:
        """Yield what this file says, as ``source``: entities before relationships."""
        yield from (replace(each, seen=self.seen, partial=self.partial) for each in self.rejects)
        for record, location in self.entities:
            yield _entity(record, location, source, self.seen, partial=self.partial)
        for record, location in self.relationships:
            yield _relationship(record, location, source, self.seen)

    def take_header(self, header: dict[str, Any], place: Callable[[str], str]) -> None:
        """Take ``source``, ``seen`` and ``partial``; absent and null ones leave it to the load."""
        source, seen = header.get("source"), header.get("seen")
        if source is not None and not isinstance(source, str):
            raise FileNotParsed(f"{place('source')}: source must be text.")
        self.source = source
        self.seen = None if seen is None else _instant(seen, place("seen"))
        self.partial = _flag(header.get("partial"), place("partial"))


def _instant(value: Any, where: str) -> str:
    """Give a moment in the form in which moments are kept."""
    try:
        return values.instant(value)
    except ValueError as error:
        raise FileNotParsed(f"{where}: seen {error}.") from error


def _flag(value: Any, where: str) -> bool:
    """Read a header's yes or no; YAML says it as text."""
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise FileNotParsed(f"{where}: partial must be true or false.")


def recognises(value: dict[str, Any]) -> bool:
    """Tell whether a YAML or JSON document is in the native format."""
    return not value.keys().isdisjoint(HEADER + SECTIONS)


def read(origin: Input, documents: list[Document] | None) -> NativeFile:
    """Read one file: ``documents`` where it is YAML or JSON, else its lines.

    Raises
    ------
    FileNotParsed
        It has not the shape of a native file; with the line.
    """
    if documents is not None:
        return _read_document(documents)
    return _read_csv(origin) if origin.syntax == "csv" else _read_lines(origin)


def _read_document(documents: list[Document]) -> NativeFile:
    read = NativeFile()
    if len(documents) > 1:
        raise FileNotParsed(f"{documents[1].where()}: a native file is one document; use one file for each.")
    for document in documents:
        if not isinstance(document.value, dict):
            raise FileNotParsed(f"{document.where()}: a native file is a mapping of {_listed(HEADER + SECTIONS)}.")
        _check_keys(document.value, document, HEADER + SECTIONS)
        read.take_header(document.value, document.where)
        read.entities = _section(document, "entities")
        read.relationships = _section(document, "relationships")
    return read


def _section(document: Document, name: str) -> list[tuple[Any, str]]:
    records = document.value.get(name)
    if records is None:
        return []
    if not isinstance(records, list):
        raise FileNotParsed(f"{document.where(name)}: {name} must be a list of records.")
    return [(record, document.location(name, position)) for position, record in enumerate(records)]


def _check_keys(header: dict[str, Any], document: Document, allowed: tuple[str, ...]) -> None:
    for key in header:
        if key not in allowed:
            raise FileNotParsed(f"{document.where(key)}: unknown key {key!r}; a native file has {_listed(allowed)}.")


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _read_lines(origin: Input) -> NativeFile:
    """Read NDJSON: one record a line; a line that cannot be read is a reject."""
    read = NativeFile()
    first = True
    for number, line in _lines(origin.data):
        if len(line) > LONGEST_LINE:
            read.rejects.append(_too_long(line, origin.at_line(number)))
            first = False
            continue
        try:
            record = json_text.parse(line.decode())
        except UnicodeDecodeError as error:
            message = f"Byte {error.start} of the line is not UTF-8 text."
            read.rejects.append(_malformed(message, origin.at_line(number), line.decode("utf-8", "backslashreplace")))
        except json_text.JsonProblem as problem:
            read.rejects.append(_malformed(f"The line is not JSON: {problem}.", origin.at_line(number), line.decode()))
        else:
            if first and _is_header(record):
                _take_header_line(read, record, f"{origin.name}:{number}")
            elif _is_relationship(record):
                read.relationships.append((record, origin.at_line(number)))
            else:
                read.entities.append((record, origin.at_line(number)))
        first = False
    return read


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Give the lines that are not blank, by number; through a buffer, for a list would be a second copy of the file."""
    for number, line in enumerate(io.BytesIO(data), 1):
        said = (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line).strip(b" \t\r\n")
        if said:
            yield number, said


def _too_long(line: bytes, location: str) -> Reject:
    message = f"The line has {len(line):,} bytes, and a record may have {LONGEST_LINE:,}; leave out what is so long."
    return _malformed(message, location, line[:_BEGINNING].decode("utf-8", "backslashreplace"))


def _is_header(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and not record.keys().isdisjoint(HEADER)
        and record.keys().isdisjoint(_ENTITY_COLUMNS | _RELATIONSHIP_COLUMNS)
    )


def _is_relationship(record: Any) -> bool:
    return isinstance(record, dict) and ("from" in record or "to" in record)


def _take_header_line(read: NativeFile, header: dict[str, Any], where: str) -> None:
    unknown = sorted(header.keys() - set(HEADER))
    if unknown:
        raise FileNotParsed(f"{where}: unknown key {unknown[0]!r}; a header line has {_listed(HEADER)}.")
    read.take_header(header, lambda _key: where)


def _read_csv(origin: Input) -> NativeFile:
    """Read a CSV file of entities or of relationships; its first row names the columns."""
    read = NativeFile()
    # Bytes that are not UTF-8 survive as lone surrogates, so that only their own row is lost.
    text = origin.data.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    lines = _Lines(text)
    rows = csv.reader(lines, strict=True)
    columns: list[str] | None = None
    records = read.entities
    kind: Kind = "entity"
    while True:
        number = rows.line_num + 1
        lines.taken.clear()
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            if columns is None:
                raise FileNotParsed(f"{origin.name}:{number}: {error}.") from error
            shown = _printable("".join(lines.taken)[:_BEGINNING])
            read.rejects.append(_malformed(f"The row is not CSV: {error}.", origin.at_line(number), shown, kind))
            continue
        if not row:
            continue
        if columns is None:
            columns = _columns(row, f"{origin.name}:{number}")
            if not set(columns) >= _ENTITY_COLUMNS:
                records, kind = read.relationships, "relationship"
        elif problem := _row_problem(row, columns):
            cells = [_printable(cell) for cell in row]
            read.rejects.append(_malformed(problem, origin.at_line(number), cells, kind))
        else:
            record = {column: cell for column, cell in zip(columns, row, strict=True) if cell}
            records.append((record, origin.at_line(number)))
    if columns is None:
        raise FileNotParsed(f"{origin.name}:1: the file is empty; its first row names the columns.")
    return read


class _Lines:
    """The lines of a text; ``taken`` are those that the reader has taken for the row at hand."""

    def __init__(self, text: str) -> None:
        self.taken: list[str] = []
        self._lines = io.StringIO(text, newline="")

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self.taken.append(line)
            yield line


def _columns(row: list[str], where: str) -> list[str]:
    columns = [cell.strip() for cell in row]
    if not (set(columns) >= _ENTITY_COLUMNS or set(columns) >= _RELATIONSHIP_COLUMNS):
        raise FileNotParsed(
            f"{where}: the first row must name the columns, separated by commas: "
            "class,key,name,... for entities or from,type,to,... for relationships."
        )
    for column in columns:
        if not column or columns.count(column) > 1 or not _is_text(column):
            raise FileNotParsed(f"{where}: each column needs a name of its own, and {_printable(column)!r} is none.")
    return columns


def _row_problem(row: list[str], columns: list[str]) -> str | None:
    if len(row) != len(columns):
        return f"The row has {len(row)} cells, and the first row names {len(columns)} columns."
    if not all(_is_text(cell) for cell in row):
        return "The row holds bytes that are not UTF-8 text."
    return None


def _is_text(cell: str) -> bool:
    return cell.isascii() or not any("\ud800" <= character <= "\udfff" for character in cell)


def _printable(cell: str) -> str:
    return cell.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _malformed(message: str, location: str, record: Any, kind: Kind = "entity") -> Reject:
    return Reject(RejectCode.MALFORMED_RECORD, message, location, record, kind)


_MISSING = {
    "class": RejectCode.UNKNOWN_CLASS,
    "key": RejectCode.MISSING_IDENTIFIER,
    "from": RejectCode.MALFORMED_REFERENCE,
    "type": RejectCode.UNKNOWN_RELATIONSHIP_TYPE,
    "to": RejectCode.MALFORMED_REFERENCE,
}


def item(record: Any, location: str, source: str, seen: str | None, *, partial: bool) -> Item:
    """Give what one record says by itself; one with ``from`` or ``to`` is a relationship."""
    if _is_relationship(record):
        return _relationship(record, location, source, seen)
    return _entity(record, location, source, seen, partial=partial)


def _entity(record: Any, location: str, source: str, seen: str | None, *, partial: bool) -> Item:
    if not isinstance(record, dict):
        malformed = _malformed("A record is a mapping of class, key and attributes.", location, record)
        return replace(malformed, seen=seen, partial=partial)
    attributes = dict(record)
    class_name, key = attributes.pop("class", None), attributes.pop("key", None)
    if not (isinstance(class_name, str) and class_name and isinstance(key, str) and key):
        return replace(_without_name(record, ("class", "key"), location, "entity"), seen=seen, partial=partial)
    return EntityObservation(source, key, class_name, attributes, seen, location, record, partial)


def _relationship(record: Any, location: str, source: str, seen: str | None) -> Item:
    if not isinstance(record, dict):
        message = "A record is a mapping of from, type, to and attributes."
        return replace(_malformed(message, location, record, "relationship"), seen=seen)
    attributes = dict(record)
    start, kind, end = attributes.pop("from", None), attributes.pop("type", None), attributes.pop("to", None)
    if not (isinstance(start, str) and start and isinstance(kind, str) and kind and isinstance(end, str) and end):
        return replace(_without_name(record, ("from", "type", "to"), location, "relationship"), seen=seen)
    return RelationshipObservation(source, kind, start, end, attributes, seen, location, record)


def _without_name(record: dict[str, Any], names: tuple[str, ...], location: str, kind: Kind) -> Reject:
    """Reject a record for the first of ``names`` that is missing or is no text."""
    for name in names:
        value = record.get(name)
        if value is None or value == "":
            return Reject(_MISSING[name], f"The record has no {name}.", location, record, kind)
        if not isinstance(value, str):
            break
    return Reject(_MISSING[name], f"{name} must be text; put it in quotes.", location, record, kind)
