"""One row, one line of JSON: ``{"KIND":{...}}``. What is read is not trusted."""

from __future__ import annotations

import re
from dataclasses import fields, is_dataclass
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import TypeAdapter, ValidationError

from knockon.cmdb.contract.images import ImagePart, is_sound
from knockon.cmdb.contract.moving import KINDS, Thing
from knockon.cmdb.contract.rows import Edge, EdgeRecord, Record, Revision
from knockon.schema.wording import worded

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE = re.compile(rb'\{"([a-z_]+)":(.*)\}', re.DOTALL)
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_INTEGERS = range(-(1 << 63), 1 << 63)


def to_line(kind: str, row: Any) -> bytes:
    """Write a row."""
    return b'{"%b":%b}\n' % (kind.encode(), orjson.dumps(row, default=_plain))


def parted(line: bytes) -> tuple[str, bytes]:
    """Part a line, its end included, in what kind of row it has, and the row.

    Raises
    ------
    ValueError
        It is no line of ours.
    """
    match = _LINE.fullmatch(line.removesuffix(b"\n"))
    if match is None:
        raise ValueError('it is not of the form {"KIND":{...}}')
    return match[1].decode(), match[2]


def to_row(kind: str, content: bytes) -> Any:
    """Read a row.

    Raises
    ------
    ValueError
        It is none that a store would have written; the message says why.
    """
    if b"\\u0000" in content and _NUL.search(content):
        raise ValueError("there is a U+0000 in a text")
    try:
        row = _adapter(kind).validate_json(content, strict=True, extra="forbid")
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "the row"
        raise ValueError(f"{place} {worded(first)}") from None
    if not _storable(row):
        raise ValueError("there is a number in it that no store keeps")
    if said := _unsound(row):
        raise ValueError(said)
    return row


@cache
def _adapter(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(KINDS[kind])


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value, key=lambda each: (isinstance(each, tuple), each))
    return tuple(value) if isinstance(value, tuple) else dict(value)


def _storable(value: Any) -> bool:
    """Tell whether both stores keep all numbers in a value as they are."""
    if value is None or isinstance(value, str | bool):
        return True
    if isinstance(value, int):
        return value in _INTEGERS
    if isinstance(value, float):
        return isfinite(value)
    if isinstance(value, dict):
        return all(map(_storable, value.values()))
    if is_dataclass(value):
        return all(_storable(getattr(value, each.name)) for each in fields(value))
    return all(map(_storable, value))


def _unsound(row: Any) -> str:
    """Say what is wrong with a row whose parts have the right types."""
    found = ""
    if isinstance(row, Thing):
        entity = row.entity
        found = "" if entity.id and entity.name else "a thing has an id and a name"
        found = found or _unsound_names([entity.class_name, *entity.attributes])
    elif isinstance(row, Edge):
        found = _unsound_names([row.key.type_name, *row.attributes])
    elif isinstance(row, Record):
        found = _unsound_names([row.class_name, *row.said])
    elif isinstance(row, EdgeRecord):
        found = _unsound_ends(row) or _unsound_names([row.key.type_name, *row.attributes])
    elif isinstance(row, ImagePart):
        found = "" if all(map(is_sound, row.images)) else "an image has not the parts that it needs"
    elif isinstance(row, Revision) and row.entries and row.count != len(row.entries):
        found = f"it says that it has {row.count} entries, and has {len(row.entries)}"
    return found


def _unsound_ends(row: EdgeRecord) -> str:
    start, end = row.known
    if row.because is not None:
        fits = row.edge is None
    else:
        fits = bool(start and end) and row.edge == (row.key.type_name, start, end, row.key.group)
    return "" if fits else "it resolves to the edge between its known ends, or says why not"


def _unsound_names(names: Iterable[str]) -> str:
    wrong = next((each for each in names if not _NAME.fullmatch(each)), None)
    return "" if wrong is None else f"{wrong!r} is no name that a model has"
