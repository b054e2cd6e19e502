"""Dead letters that a person has mended: one JSON object a line, as ``knockon letters export`` writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from knockon.errors import FileNotParsed
from knockon.loaders import json_text
from knockon.loaders.inputs import gather

if TYPE_CHECKING:
    from pathlib import Path


class Mended(NamedTuple):
    """The record that stands for a dead letter now."""

    letter: str
    record: Any


def read(path: Path | str) -> list[Mended]:
    """Read a file of mended letters; ``-`` is standard input. Of each line, ``letter`` and ``record`` count.

    Raises
    ------
    FileUnreadable, FileNotParsed
        With the line; nothing is to be done with the rest either, for a person is at work on it.
    """
    (file,) = gather([path])
    found: dict[str, Mended] = {}
    for number, line in enumerate(file.text().split("\n"), 1):
        if not line.strip():
            continue
        where = f"{file.name}:{number}"
        try:
            said = json_text.parse(line)
        except json_text.JsonProblem as problem:
            raise FileNotParsed(f"{where}: the line is not JSON: {problem}.") from problem
        if not (isinstance(said, dict) and isinstance(said.get("letter"), str) and "record" in said):
            raise FileNotParsed(f'{where}: a mended letter is {{"letter": its id, "record": the record}}.')
        if said["letter"] in found:
            raise FileNotParsed(f"{where}: the letter {said['letter']} stands twice in this file.")
        found[said["letter"]] = Mended(said["letter"], said["record"])
    return list(found.values())
