"""What-if files as they are written: changes to an estate, each with its line (docs/reference/what-if.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knockon.errors import OverlayInvalid
from knockon.itsm.formats.written import Reading
from knockon.schema.document import is_mapping

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.schema.document import Located

SECTIONS = ("remove", "add", "change")
"""In the order in which they are applied."""

ENDS = ("from", "type", "to")
_ADDRESS = (*ENDS, "redundancy_group")


@dataclass(frozen=True, slots=True)
class Line:
    """One change: ``said`` is the record added, the ``ref`` of a thing, or the address of a relationship."""

    section: str
    number: int
    said: dict[str, Any]
    to_set: dict[str, Any]

    @property
    def relates(self) -> bool:
        """Tell whether it speaks of a relationship."""
        return not self.said.keys().isdisjoint(ENDS)

    @property
    def references(self) -> list[str]:
        """List what it refers to."""
        named = [self.said.get(key) for key in ("from", "to", "ref")]
        named += [self.to_set.get(key) for key in ("from", "to") if self.relates]
        return [each for each in named if isinstance(each, str) and each]


@dataclass(frozen=True, slots=True)
class OverlayFile:
    """A what-if file; what its lines speak of is not looked up yet."""

    name: str
    lines: Sequence[Line]


def read_overlay(text: str, name: str) -> OverlayFile:
    """Read a what-if file.

    Raises
    ------
    FileNotParsed
    OverlayInvalid
        It has not the shape of a what-if file; each mistake with its line.
    """
    reading = Reading(name)
    sections = reading.document(text, "a what-if file", SECTIONS)
    lines = [
        line
        for section in SECTIONS
        for node in reading.members(sections.get(section), section)
        if (line := _line(reading, section, node))
    ]
    if not lines and not reading.mistakes:
        reading.wrong(1, "the file changes nothing; it has remove, add or change.")
    refuse(reading)
    return OverlayFile(name, lines)


def refuse(reading: Reading) -> None:
    """Raise OverlayInvalid where there are mistakes."""
    if reading.mistakes:
        raise OverlayInvalid("\n".join(["the what-if file has mistakes.", *map(str, sorted(reading.mistakes))]))


def _line(reading: Reading, section: str, node: Located) -> Line | None:
    if section == "remove" and isinstance(node.value, str):
        return Line(section, node.line, {"ref": node.value}, {})
    if not is_mapping(node.value):
        what = "a reference, or a relationship by from, type and to" if section == "remove" else "a mapping"
        reading.wrong(node.line, f"what stands under {section} is {what}.")
        return None
    if section == "add":
        return Line(section, node.line, node.plain(), {})
    relates = section == "remove" or not node.value.keys().isdisjoint(ENDS)
    keys, needed = (_ADDRESS, ENDS) if relates else (("ref",), ("ref",))
    more = ("set",) if section == "change" else ()
    before = len(reading.mistakes)
    members = reading.mapping(node, "a relationship" if relates else "a change", (*keys, *more), (*needed, *more))
    said = {key: reading.text(members[key], key) for key in keys if key in members}
    if relates and "redundancy_group" in node.value and node.value["redundancy_group"].value is None:
        said["redundancy_group"] = ""  # null addresses the one that is in no group
    to_set = members["set"].plain() if "set" in members else None
    if "set" in members and not (isinstance(to_set, dict) and to_set):
        reading.wrong(members["set"].line, "set is a mapping of attributes to their new values.")
    return Line(section, node.line, said, to_set or {}) if len(reading.mistakes) == before else None
