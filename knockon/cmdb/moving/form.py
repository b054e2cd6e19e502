"""What a full export is: all of an estate in one file.

The file is gzip. Unpacked it is lines of JSON: a header (``{"knockon":{...}}``), the rows kind by kind, and an end
(``{"end":{...}}``) with how many rows there are and the SHA-256 of all lines before it; so a file that was cut off, or
in which a bit fell over, is refused whole.
"""

from __future__ import annotations

import orjson
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt

from knockon.cmdb.contract.moving import State

FORMAT = 2
"""Goes up when a file has what an older program would not read: another kind of row, another field."""


class Fingerprint(BaseModel):
    """Which model a file was written under; see ``schema.model.Model``."""

    model_config = ConfigDict(extra="forbid", strict=True)
    version: str
    reckoning: str


class Header(BaseModel):
    """The first line of a file."""

    model_config = ConfigDict(extra="forbid", strict=True)
    format: int
    program: str
    made: str
    model: Fingerprint
    revision: NonNegativeInt
    horizon: NonNegativeInt
    rewritten: NonNegativeInt
    reckoned: str = Field(pattern=r"^[0-9a-f]{0,64}$")
    counts: dict[str, NonNegativeInt]

    @property
    def state(self) -> State:
        return State(self.revision, self.horizon, self.rewritten, self.reckoned)


def header_line(header: Header) -> bytes:
    """Write the first line."""
    return b'{"knockon":%b}\n' % orjson.dumps(header.model_dump())


def end_line(rows: int, sha256: str) -> bytes:
    """Write the last line; ``sha256`` is of all lines before it."""
    return b'{"end":%b}\n' % orjson.dumps({"rows": rows, "sha256": sha256})
