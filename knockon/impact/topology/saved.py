"""Topologies kept in a folder, so that a process starts from one instead of from the whole store.

Each is a folder of plain NumPy files, mapped into memory and so shared by all processes that use it. Which store it is
of shows by a fingerprint of the journal's entry of its revision, so a store that was made anew is never taken for an
older one of the same place. It appears and goes whole or not at all; one that is damaged or of another layout is passed
over. The folder is bounded as a whole, since stores that are no more leave theirs behind: what was not used for longest
goes first.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
import time
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from knockon import __version__
from knockon.impact.topology.columns import Graph
from knockon.impact.topology.ids import Ids
from knockon.impact.topology.register import Register
from knockon.impact.topology.topology import Signature, Topology
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from knockon.cmdb.contract.rows import Revision

LAYOUT = 1
KEPT = 2
MOST_BYTES = 4 << 30  # some twenty of a million items each
MOST_SECONDS = 30 * 86_400.0
_ABANDONED_SECONDS = 86_400.0  # what is half written, or half removed, for so long has nobody working on it
_PARTIAL = ".partial-"
_META = "meta.json"


@dataclass(frozen=True)
class Base:
    """A topology as it is kept: of which revision, what its items are called, which are services."""

    revision: int
    topology: Topology
    register: Register
    services: frozenset[str]


def fingerprint(revision: Revision) -> str:
    """Tell one store's revision from another's of the same number: by who wrote it, when, and which ids."""
    head = revision.head
    said = [revision.number, head.actor, head.kind, head.source, head.at, *(each.id for each in revision.entries)]
    return hashlib.sha256(orjson.dumps(said)).hexdigest()[:16]


@dataclass(frozen=True)
class Shelf:
    """The topologies that one folder keeps under one version of the model."""

    folder: Path
    model_version: str

    def candidates(self) -> Iterator[tuple[int, str]]:
        """Give revision and fingerprint of what is kept, newest first; some may be of other stores."""
        found = []
        with suppress(OSError):
            for each in self._home.iterdir():
                number, _, mark = each.name.partition("-")
                if number.isdecimal() and mark:
                    found.append((int(number), mark))
        yield from sorted(found, reverse=True)

    @property
    def _home(self) -> Path:
        return self.folder / f"topology-{__version__}-{LAYOUT}-{self.model_version}"

    def load(self, revision: int, mark: str) -> Base | None:
        """Map one into memory; None where it is damaged or gone. Reads it once, to check it."""
        place = self._home / f"{revision:012}-{mark}"
        try:
            found = _loaded(place)
            with suppress(OSError):  # a folder that may only be read
                os.utime(place)
            return found
        except (OSError, ValueError, KeyError, TypeError, EOFError):
            return None

    def save(self, base: Base, mark: str) -> None:
        """Keep one. Raises OSError where the folder cannot be written."""
        self._home.mkdir(parents=True, exist_ok=True)
        place = self._home / f"{base.revision:012}-{mark}"
        if place.exists():
            return
        partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=self._home))
        try:
            _write(partial, base)
            partial.replace(place)
        except OSError as error:
            shutil.rmtree(partial, ignore_errors=True)
            # another process was first, and a third may have removed it again
            if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} and not place.exists():
                raise

    def prune(self, of_this_store: Collection[tuple[int, str]]) -> None:
        """Remove all but the newest of these, and of all that the folder keeps what makes it too old or too large.

        Several processes may do so at once. One that still maps a topology keeps what it maps.
        """
        for revision, mark in sorted(of_this_store, reverse=True)[KEPT:]:
            self.discard(revision, mark)
        now, taken = time.time(), 0
        for used, size, place in sorted(self._everything(), reverse=True):
            if place.name.startswith(_PARTIAL):
                if used < now - _ABANDONED_SECONDS:
                    _remove(place)
            elif used < now - MOST_SECONDS or (taken and taken + size > MOST_BYTES):
                _remove(place)
            else:
                taken += size
        for home in self.folder.glob("topology-*"):
            with suppress(OSError):  # it has something in it
                if home.stat().st_mtime < now - _ABANDONED_SECONDS:
                    home.rmdir()

    def discard(self, revision: int, mark: str) -> None:
        """Remove a damaged one."""
        _remove(self._home / f"{revision:012}-{mark}")

    def _everything(self) -> Iterator[tuple[float, int, Path]]:
        """Give all that is in the folder, of any version and model: when it was last used, bytes, place."""
        for place in self.folder.glob("topology-*/*"):
            with suppress(OSError):  # another process removed it
                yield place.stat().st_mtime, sum(each.stat().st_size for each in place.iterdir()), place


def _remove(place: Path) -> None:
    """Take a folder out of the way in one go, then remove it: nobody finds half of it."""
    going = place
    if not place.name.startswith(_PARTIAL):
        with suppress(OSError):
            going = place.rename(place.with_name(f"{_PARTIAL}{place.name}-{os.urandom(8).hex()}"))
    shutil.rmtree(going, ignore_errors=True)


def _write(folder: Path, base: Base) -> None:
    topology = base.topology
    columns = topology.graph._asdict() | {
        "signature": topology.signature, "needs": topology.needs, "needs_start": topology.needs_start,
        "ids": topology.ids.raw, "ranked": topology.ids.ranked, "text": base.register.text,
        "text_start": base.register.starts,
    }  # fmt: skip
    sums: dict[str, int] = {}
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column)
        sums[name] = zlib.crc32(np.ascontiguousarray(column).view(np.uint8).reshape(-1).data)
    meta = {
        "revision": base.revision,
        "uuids": topology.ids.uuids,
        "signatures": [list(each) for each in topology.signatures],
        "folded": [[arc, list(codes)] for arc, codes in topology.folded.items()],
        "services": sorted(base.services),
        "sums": sums,
    }
    with (folder / _META).open("wb") as file:
        file.write(orjson.dumps(meta))
        file.flush()
        os.fsync(file.fileno())


def _loaded(folder: Path) -> Base:
    meta = orjson.loads((folder / _META).read_bytes())
    columns: dict[str, Any] = {}
    for name, checksum in meta["sums"].items():
        column = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
        if zlib.crc32(np.ascontiguousarray(column).view(np.uint8).reshape(-1).data) != checksum:
            raise ValueError(name)
        columns[name] = column
    ids = Ids(columns["ids"], columns["ranked"], uuids=meta["uuids"])
    signatures = [Signature._make([*each[:-1], tuple(map(State, each[-1]))]) for each in meta["signatures"]]
    topology = Topology(
        ids, Graph(*(columns[name] for name in Graph._fields)), signatures, columns["signature"],
        dict(meta["folded"]), columns["needs_start"], columns["needs"],
    )  # fmt: skip
    register = Register(ids, columns["text_start"], columns["text"])
    return Base(meta["revision"], topology, register, frozenset(meta["services"]))
