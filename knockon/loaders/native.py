"""The native format: entities and relationships as YAML, JSON, NDJSON or CSV (docs/reference/native-format.md)."""

from __future__ import annotations

import csv
import io
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from knockon.errors import FileNotParsed, RejectCode
from knockon.loaders import json_text
from knockon.loaders.inputs import reading
from knockon.schema import values
from knockon.schema.observation import EntityObservation, Reject, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from knockon.loaders.inputs import Document, Input
    from knockon.schema.observation import Item, Kind

HEADER = ("source", "seen", "partial")
SECTIONS = ("entities", "relationships")
_ENTITY_COLUMNS = {"class", "key"}
_RELATIONSHIP_COLUMNS = {"from", "type", "to"}

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LONGEST_LINE = 16 * 2**20
"""Bytes of one NDJSON line: several times what the values of a record may have, and little for a machine's memory."""

_LONGEST_READ = LONGEST_LINE + 16  # with blanks around it and its end

_BEGINNING = 2 * 2**20
"""Of a longer one, what a reject keeps: no more than a record, and enough to tell that it is cut."""


class Written(NamedTuple):
    """A record as it stands in a file."""

    kind: Kind
    record: Any
    location: str


@dataclass
class NativeFile:
    """One file, not yet attributed to a source; ``records`` begins to read what it says, one record after the other."""

    source: str | None = None
    seen: str | None = None
    partial: bool = False
    records: Callable[[], Iterable[Written | Reject]] = tuple

    def items(self, source: str) -> Iterator[Item]:
        """Yield what this file says, as ``source``, in its order; it is read anew each time.

        Raises
        ------
        FileUnreadable
            The file can be read no further.
        """
        for each in self.records():
            if isinstance(each, Reject):
                yield replace(each, seen=self.seen, partial=self.partial)
            elif each.kind == "entity":
                yield _entity(each.record, each.location, source, self.seen, partial=self.partial)
            else:
                yield _relationship(each.record, each.location, source, self.seen)

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
        written = [*_section(document, "entities", "entity"), *_section(document, "relationships", "relationship")]
        read.records = partial(iter, written)
    return read


def _section(document: Document, name: str, kind: Kind) -> list[Written]:
    records = document.value.get(name)
    if records is None:
        return []
    if not isinstance(records, list):
        raise FileNotParsed(f"{document.where(name)}: {name} must be a list of records.")
    return [Written(kind, record, document.location(name, position)) for position, record in enumerate(records)]


def _check_keys(header: dict[str, Any], document: Document, allowed: tuple[str, ...]) -> None:
    for key in header:
        if key not in allowed:
            raise FileNotParsed(f"{document.where(key)}: unknown key {key!r}; a native file has {_listed(allowed)}.")


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _read_lines(origin: Input) -> NativeFile:
    """Read NDJSON: one record a line, the first one perhaps a header."""
    read = NativeFile(records=partial(_line_records, origin))
    for number, line, length in _lines(origin):
        header: Any = None
        if length <= LONGEST_LINE:
            with suppress(UnicodeDecodeError, json_text.JsonProblem):
                header = json_text.parse(line.decode())
        if _is_header(header):
            _take_header_line(read, header, f"{origin.name}:{number}")
        break
    return read


def _line_records(origin: Input) -> Iterator[Written | Reject]:
    """Give the records of an NDJSON file; a line that cannot be read is a reject."""
    for place, (number, line, length) in enumerate(_lines(origin)):
        location = origin.at_line(number)
        if length > LONGEST_LINE:
            yield _too_long(line, length, location)
            continue
        try:
            record = json_text.parse(line.decode())
        except UnicodeDecodeError as error:
            message = f"Byte {error.start} of the line is not UTF-8 text."
            yield _malformed(message, location, line.decode("utf-8", "backslashreplace"))
        except json_text.JsonProblem as problem:
            yield _malformed(f"The line is not JSON: {problem}.", location, line.decode())
        else:
            if place or not _is_header(record):
                yield Written("relationship" if _is_relationship(record) else "entity", record, location)


def _lines(origin: Input) -> Iterator[tuple[int, bytes, int]]:
    """Give the lines that are not blank: number, bytes, and how many there are; of one too long, the beginning."""
    with reading(origin.name), origin.open() as file:
        number = 0
        while line := file.readline(_LONGEST_READ):
            number += 1
            length = len(line)
            while not line.endswith(b"\n") and (more := file.readline(_LONGEST_READ)):
                length += len(more)
                if more.endswith(b"\n"):
                    break
            said = (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line).strip(b" \t\r\n")
            if said:
                yield number, said, length if length > _LONGEST_READ else len(said)


def _too_long(line: bytes, length: int, location: str) -> Reject:
    message = f"The line has {length:,} bytes, and a record may have {LONGEST_LINE:,}; leave out what is so long."
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
    with reading(origin.name), origin.open() as file, closing(_Lines(file)) as lines:
        rows = csv.reader(lines, strict=True)
        columns: list[str] | None = None
        while columns is None:
            number = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                raise FileNotParsed(f"{origin.name}:1: the file is empty; its first row names the columns.") from None
            except csv.Error as error:
                raise FileNotParsed(f"{origin.name}:{number}: {error}.") from error
            columns = _columns(row, f"{origin.name}:{number}") if row else None
    return NativeFile(records=partial(_row_records, origin, columns))


def _row_records(origin: Input, columns: list[str]) -> Iterator[Written | Reject]:
    """Give the records of a CSV file; a row that cannot be read is a reject."""
    kind: Kind = "entity" if set(columns) >= _ENTITY_COLUMNS else "relationship"
    with reading(origin.name), origin.open() as file, closing(_Lines(file)) as lines:
        rows = csv.reader(lines, strict=True)
        seen_columns = False
        while True:
            location = origin.at_line(rows.line_num + 1)
            lines.taken.clear()
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                shown = _printable("".join(lines.taken)[:_BEGINNING])
                yield _malformed(f"The row is not CSV: {error}.", location, shown, kind)
                continue
            if not row:
                continue
            if not seen_columns:
                seen_columns = True
            elif problem := _row_problem(row, columns):
                yield _malformed(problem, location, [_printable(cell) for cell in row], kind)
            else:
                yield Written(kind, {name: cell for name, cell in zip(columns, row, strict=True) if cell}, location)


class _Lines:
    """The lines of a text file; ``taken`` are those that the reader has taken for the row at hand."""

    def __init__(self, file: BinaryIO) -> None:
        self.taken: list[str] = []
        # Bytes that are not UTF-8 survive as lone surrogates, so that only their own row is lost.
        self._lines = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")

    def close(self) -> None:
        """Let go of the file, which stays open."""
        self._lines.detach()

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._lines):
            said = line if number else line.removeprefix("\ufeff")
            self.taken.append(said)
            yield said


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
    wrong = f"{name} is a {'list' if isinstance(value, list) else 'mapping'}; it must be one text."
    if not isinstance(value, list | dict):
        wrong = f"{name} must be text; put it in quotes."
    return Reject(_MISSING[name], wrong, location, record, kind)
