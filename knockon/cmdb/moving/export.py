"""Writing a full export; see ``form.py``."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from knockon import __version__
from knockon.cmdb.contract.moving import KINDS
from knockon.cmdb.moving.copying import Moved
from knockon.cmdb.moving.form import FORMAT, Header, end_line, header_line
from knockon.cmdb.moving.lines import to_line
from knockon.errors import BadUsage
from knockon.schema import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from knockon.cmdb.contract.moving import Movable
    from knockon.schema.model import Model


async def export(
    store: Movable, model: Model, path: Path, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Moved:
    """Write all that a store keeps to a file, which is there only when it is whole; an older one is replaced then.

    Readable by its owner only: it has whatever the store has, persons included. Memory: some rows at a time.
    ``progress`` is told (done, in all), in rows.

    Raises
    ------
    BadUsage
        The file cannot be written.
    StoreError
    """
    async with store.everything() as reading:
        model_is = {"version": model.version, "reckoning": model.reckoning}
        made = {"format": FORMAT, "program": __version__, "made": values.now(), "model": model_is}
        header = Header.model_validate(made | asdict(reading.state) | {"counts": dict(reading.counts)})
        done, total = 0, sum(reading.counts.values())
        with _whole_file(path, header_line(header)) as write:
            for kind in KINDS:
                async for rows in reading.rows(kind):
                    for row in rows:
                        write(to_line(kind, row))
                    done += len(rows)
                    progress(done, total)
        return Moved(reading.state, reading.counts)


@contextmanager
def _whole_file(path: Path, header: bytes) -> Iterator[Callable[[bytes], None]]:
    """Give what writes a row; the last line, and the file's name, come at the end of the block."""
    rows, digest = 0, hashlib.sha256(header)

    def write(line: bytes) -> None:
        nonlocal rows
        rows += 1
        digest.update(line)
        packed.write(line)

    try:
        handle, partial = tempfile.mkstemp(prefix=f"{path.name}.partial-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as raw:
                with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                    packed.write(header)
                    yield write
                    packed.write(end_line(rows, digest.hexdigest()))
                raw.flush()
                os.fsync(raw.fileno())
            Path(partial).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(partial).unlink()
            raise
    except OSError as error:
        raise BadUsage(f"{path} cannot be written ({error.strerror}); name another file.") from error
