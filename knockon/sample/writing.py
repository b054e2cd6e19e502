"""An estate as files: entities, relationships, and apart from them the truth."""

from __future__ import annotations

import json
from itertools import chain
from typing import TYPE_CHECKING

from knockon.sample.scale import AS_OF, SEED, generate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from pathlib import Path
    from typing import TextIO

    from knockon.sample.estate import Record

SOURCE = "sample"
"""Who says all this: the first line of each file."""
_encode = json.JSONEncoder(ensure_ascii=False).encode
_ABOUT_THE_TRUTH = """\
# What was planted in this estate, to check answers against. It is not part of the estate: do not load it.
# kind, cis: what it is, and which items it is about; expectation: in words.
# given, expect: if the cis fail, the states that a right answer has (knockon impact --given ...).
# incidents, change, recorded: what the cause led to; the change that brought it, and whether an incident says so.
"""


def write(out: Path, *, size: int | None = None, seed: int = SEED, as_of: date = AS_OF) -> int:
    """Write an estate as native-format files and give the number of its configuration items.

    ``out`` gets ``entities.ndjson`` and ``relationships.ndjson``, which ``knockon load`` takes as they
    are (source ``sample``), and ``truth/truth.yaml``, which it does not see. The same arguments give the same bytes.

    Raises
    ------
    BadUsage
        If ``size`` is below that of one company; nothing is written.
    """
    parts = generate(size=size, seed=seed, as_of=as_of)
    count = 0
    first = next(parts)
    (out / "truth").mkdir(parents=True, exist_ok=True)
    with (
        _create(out / "entities.ndjson") as entities,
        _create(out / "relationships.ndjson") as relationships,
        _create(out / "truth" / "truth.yaml") as truth,
    ):
        truth.write(_ABOUT_THE_TRUTH + "planted:\n")
        for file in (entities, relationships):
            _write_lines(file, "", [{"source": SOURCE}])
        for part in chain([first], parts):
            count += part.ci_count()
            _write_lines(entities, "", part.entities)
            _write_lines(relationships, "", part.relationships)
            _write_lines(truth, "  - ", part.truth)
    return count


def _create(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="\n")


def _write_lines(file: TextIO, before: str, records: Iterable[Record]) -> None:
    """Write one record a line; JSON, which YAML reads too."""
    file.writelines(f"{before}{_encode(record)}\n" for record in records)
