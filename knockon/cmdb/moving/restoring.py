"""Reading a full export, which is not trusted, and filling an empty store with it; see ``form.py``.

A file is read twice: once to look at every row of it, and only then to write.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import ValidationError

from knockon.cmdb.contract.moving import KINDS
from knockon.cmdb.moving.copying import pour
from knockon.cmdb.moving.form import FORMAT, Header, end_line
from knockon.cmdb.moving.lines import parted, to_row
from knockon.errors import ExportInvalid, ExportTooNew, FileUnreadable, StoreFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from knockon.cmdb.contract.moving import Filling, Movable, State
    from knockon.cmdb.moving.copying import Moved

    Progress = Callable[[int, int], None]

LONGEST_LINE = 1_000_000_000
"""Bytes: no store keeps a longer value."""
SMALL = 64 << 20
MOST_TIMES = 250
"""A file that unpacks to more than ``SMALL`` bytes, and to so many times its own size, is no export of an estate."""
_PIECE = 1 << 20
_AT_ONCE = 1_000
_BYTES_AT_ONCE = 8 << 20


def _silent(_done: int, _total: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Export:
    """A file that was looked at whole; reading it is a ``contract.moving.Reading``."""

    path: Path
    header: Header

    @property
    def state(self) -> State:
        return self.header.state

    @property
    def counts(self) -> dict[str, int]:
        return self.header.counts


def look_at(path: Path, progress: Progress = _silent) -> Export:
    """Read a file to its end, so that nothing of it can turn out to be wrong while it is written to a store.

    Raises
    ------
    FileUnreadable, ExportInvalid, ExportTooNew
    """
    with _Lines.of(path) as lines:
        total = sum(lines.header.counts.values())
        for _ in lines.batches():
            progress(lines.rows, total)
        return Export(path, lines.header)


async def restore(export_: Export, store: Movable, progress: Progress = _silent) -> Moved:
    """Fill an empty store with what a file has, ids and revisions included; an error leaves the store empty.

    Raises
    ------
    StoreNotEmpty, StoreUnfinished, ModelInvalid, StoreError
    ExportInvalid
        The file is another one by now.
    """
    with _Lines.of(export_.path) as lines:
        if lines.header != export_.header:
            raise ExportInvalid(f"{export_.path} was changed while it was read; import it once more.")
        async with store.filling() as filling:
            return await pour(_Pouring(lines), _Placed(filling, lines), progress)


class _Pouring:
    """The lines of a file as a ``contract.moving.Reading``."""

    def __init__(self, lines: _Lines) -> None:
        self.state = lines.header.state
        self.counts: Mapping[str, int] = lines.header.counts
        self._batches = lines.batches()
        self._next: tuple[str, list[Any]] | None = next(self._batches, None)

    async def rows(self, kind: str) -> AsyncIterator[Sequence[Any]]:
        while self._next is not None and self._next[0] == kind:
            yield self._next[1]
            self._next = next(self._batches, None)


class _Placed:
    """A filling that says which lines a store refused."""

    def __init__(self, filling: Filling, lines: _Lines) -> None:
        self._filling = filling
        self._lines = lines

    async def put(self, kind: str, rows: Sequence[Any]) -> None:
        last = self._lines.number - 1  # the next one is read before it shows that these belong together
        try:
            await self._filling.put(kind, rows)
        except StoreFailed as error:
            raise StoreFailed(f"Lines {last - len(rows) + 1} to {last} of {self._lines.path}: {error}") from error

    async def finish(self, state: State) -> None:
        await self._filling.finish(state)


class _Lines:
    """The lines of a file, one after the other, none of them trusted."""

    def __init__(self, path: Path, packed: gzip.GzipFile, size: int) -> None:
        self.path = path
        self.number = 0
        self.rows = 0
        self._packed = packed
        self._most = max(SMALL, MOST_TIMES * size)
        self._unpacked = 0
        self._digest = hashlib.sha256()
        self.header = self._header()

    @classmethod
    @contextmanager
    def of(cls, path: Path) -> Iterator[_Lines]:
        """Open a file and read its header."""
        try:
            raw = path.open("rb")
        except OSError as error:
            raise FileUnreadable(f"{path} cannot be read ({error.strerror}).") from error
        with raw, gzip.GzipFile(fileobj=raw) as packed:
            yield cls(path, packed, os.fstat(raw.fileno()).st_size)

    def wrong(self, said: str) -> ExportInvalid:
        """Say what is wrong with the line at hand."""
        return ExportInvalid(f"{self.path}, line {self.number}: {said}; nothing was written.")

    def batches(self) -> Iterator[tuple[str, list[Any]]]:
        """Read all rows, some of one kind at a time; has seen the right end when it ends."""
        found: list[Any] = []
        size, now = 0, ""
        counted = dict.fromkeys(KINDS, 0)
        while True:
            line = self._next()
            kind, content = self._parted(line)
            if found and (kind != now or len(found) == _AT_ONCE or size > _BYTES_AT_ONCE):
                yield now, found
                found, size = [], 0
            if kind == "end":
                self._end(line, counted)
                return
            self._digest.update(line)
            found.append(self._row(kind, content, now, counted))
            size, now = size + len(line), kind

    def _row(self, kind: str, content: bytes, before: str, counted: dict[str, int]) -> Any:
        order = list(KINDS)
        if kind not in KINDS or (before and order.index(kind) < order.index(before)):
            raise self.wrong(f"there is no row of the kind {kind} here")
        self.rows += 1
        counted[kind] += 1
        try:
            row = to_row(kind, content)
        except ValueError as error:
            raise self.wrong(str(error)) from error
        if kind == "revision" and row.number != counted[kind]:
            raise self.wrong(f"revision {counted[kind]} is missing")
        if kind == "revision" and row.count != len(row.entries) and row.number > self.header.horizon:
            raise self.wrong(f"revision {row.number} has no entries, and was not compacted")
        return row

    def _header(self) -> Header:
        line = self._next()
        self._digest.update(line)
        kind, content = self._parted(line)
        try:
            said = orjson.loads(content)
            if kind != "knockon" or not isinstance(said.get("format"), int):
                raise self.wrong("this is no full export")
            if said["format"] > FORMAT:
                raise ExportTooNew(
                    f"{self.path} has format {said['format']}, this knockon knows up to {FORMAT}; use a newer knockon."
                )
            header = Header.model_validate_json(content)
        except (ValidationError, orjson.JSONDecodeError, AttributeError) as error:
            raise self.wrong("the header cannot be understood") from error
        if header.counts.keys() != KINDS.keys() or header.counts["revision"] != header.revision:
            raise self.wrong("the header does not fit itself")
        return header

    def _end(self, line: bytes, counted: dict[str, int]) -> None:
        if line != end_line(self.rows, self._digest.hexdigest()) or counted != self.header.counts:
            raise self.wrong("the rows are not those that were written")
        if self._unpack(lambda: self._packed.read(1)):
            raise self.wrong("something follows the end")

    def _parted(self, line: bytes) -> tuple[str, bytes]:
        try:
            return parted(line)
        except ValueError as error:
            raise self.wrong(str(error)) from error

    def _next(self) -> bytes:
        """Read a line, in pieces, so that a file that unpacks to very much is noticed in time."""
        self.number += 1
        pieces: list[bytes] = []
        length = 0
        while not pieces or not pieces[-1].endswith(b"\n"):
            piece = self._unpack(lambda: self._packed.readline(_PIECE))
            if not piece:
                raise self.wrong("the file is cut off here")
            length += len(piece)
            self._unpacked += len(piece)
            if length > LONGEST_LINE or self._unpacked > self._most:
                raise self.wrong("the file unpacks to more than an estate has")
            pieces.append(piece)
        return b"".join(pieces)

    def _unpack(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            if self.number == 1:
                raise ExportInvalid(
                    f"{self.path} is no full export; `knockon export --full FILE` writes one."
                ) from error
            raise self.wrong("the file is cut off or damaged here") from error
        except OSError as error:
            raise FileUnreadable(f"{self.path} cannot be read ({error.strerror}).") from error
