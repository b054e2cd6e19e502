"""Scenario files: what is to fail, and what must then be so (docs/reference/scenarios.md)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from knockon.itsm.formats.written import Reading
from knockon.itsm.planning.asking import failing
from knockon.schema.states import State
from knockon.schema.wording import unknown

if TYPE_CHECKING:
    from knockon.schema.document import Located
    from knockon.schema.model import Model
    from knockon.schema.source import Mistake

_KEYS = ("name", "when", "given", "assume", "then", "survive")
_BOUNDS = ("at_worst", "at_least", "exactly")
_GIVEN = ("none", "open")
_STATES = tuple(state.name.lower() for state in State)


class Named(NamedTuple):
    """Something that a scenario names: ``state`` is down, degraded or removed, or operational where it is assumed."""

    line: int
    reference: str
    state: str


@dataclass(frozen=True, slots=True)
class Expectation:
    """One CI, or every CI of a class, is to be in a state between ``best`` and ``worst``."""

    line: int
    reference: str | None
    every: str | None
    best: State
    worst: State


@dataclass(frozen=True, slots=True)
class Survival:
    """A group of a CI, or each of its groups, is to hold with at least this margin."""

    line: int
    reference: str
    group: str | None
    margin: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """A failure, and what is expected of it."""

    file: str
    line: int
    name: str
    when: tuple[Named, ...]
    given: str
    assume: tuple[Named, ...]
    then: tuple[Expectation, ...]
    survive: tuple[Survival, ...]

    @property
    def references(self) -> set[str]:
        """Name everything that it refers to."""
        then = {each.reference for each in self.then if each.reference}
        named = {each.reference for each in (*self.when, *self.assume)}
        return then | named | {each.reference for each in self.survive}


def read_scenarios(text: str, name: str, model: Model) -> tuple[list[Scenario], list[Mistake]]:
    """Read a scenario file: its scenarios, and every mistake that shows without an estate.

    Raises
    ------
    FileNotParsed
    """
    reading = Reading(name)
    members = reading.document(text, "a scenario file", ("scenarios",))
    scenarios: list[Scenario] = []
    for node in reading.members(members.get("scenarios"), "scenarios"):
        if scenario := _scenario(reading, node, model):
            if any(each.name == scenario.name for each in scenarios):
                reading.wrong(node.line, f"the name {scenario.name!r} stands twice in this file.")
            scenarios.append(scenario)
    if not scenarios and not reading.mistakes:
        reading.wrong(1, "the file has no scenarios.")
    return scenarios, sorted(reading.mistakes)


def _scenario(reading: Reading, node: Located, model: Model) -> Scenario | None:
    before = len(reading.mistakes)
    members = reading.mapping(node, "a scenario", _KEYS, ("name", "when"))
    name = reading.text(members.get("name"), "name")
    when = _failures(reading, members.get("when"))
    assume = _assumed(reading, members.get("assume"), when)
    given = reading.choice(members.get("given"), "given", _GIVEN)
    then = [_expectation(reading, each, model) for each in reading.members(members.get("then"), "then")]
    survive = [_survival(reading, each) for each in reading.members(members.get("survive"), "survive")]
    if members and not then and not survive:
        reading.wrong(node.line, "a scenario expects something: it has then, survive, or both.")
    if len(reading.mistakes) > before or name is None:
        return None
    return Scenario(
        reading.name, node.line, name, tuple(when), given or "none", tuple(assume),
        tuple(each for each in then if each), tuple(each for each in survive if each),
    )  # fmt: skip


def _failures(reading: Reading, node: Located | None) -> list[Named]:
    found: list[Named] = []
    for each in reading.members(node, "when"):
        written = reading.text(each, "what fails")
        if written is not None:
            reference, state = failing(written)
            if any(reference == other.reference for other in found):
                reading.wrong(each.line, f"{reference!r} fails twice.")
            found.append(Named(each.line, reference, state))
    if node is not None and node.value == []:
        reading.wrong(node.line, "when names at least one thing that fails.")
    return found


def _assumed(reading: Reading, node: Located | None, when: list[Named]) -> list[Named]:
    found: list[Named] = []
    for each in reading.members(node, "assume"):
        written = reading.text(each, "what is assumed operational")
        if written is not None:
            reference = written.removesuffix("=operational")
            if any(reference == other.reference for other in when):
                reading.wrong(each.line, f"{reference!r} fails and is assumed operational; choose one.")
            found.append(Named(each.line, reference, "operational"))
    return found


def _expectation(reading: Reading, node: Located, model: Model) -> Expectation | None:
    before = len(reading.mistakes)
    members = reading.mapping(node, "an expectation", ("ref", "every", *_BOUNDS))
    reference, every = (reading.text(members.get(key), key) for key in ("ref", "every"))
    if every is not None and every not in model.classes:
        reading.wrong(members["every"].line, unknown("class", every, model.classes))
    bounds = {key: reading.choice(members[key], key, _STATES) for key in _BOUNDS if key in members}
    states = {key: State[value.upper()] for key, value in bounds.items() if value}
    if len(reading.mistakes) > before:
        return None
    if (reference is None) == (every is None):
        reading.wrong(node.line, "an expectation is of one ref, or of every CI of a class.")
    if not states or ("exactly" in states and len(states) > 1):
        reading.wrong(node.line, "an expectation has at_worst, at_least or both, or exactly.")
    exactly = states.get("exactly")
    best = exactly if exactly is not None else states.get("at_least", State.OPERATIONAL)
    worst = exactly if exactly is not None else states.get("at_worst", State.DOWN)
    if best > worst:
        reading.wrong(node.line, f"nothing is at least {best.name} and at worst {worst.name}.")
    return None if len(reading.mistakes) > before else Expectation(node.line, reference, every, best, worst)


def _survival(reading: Reading, node: Located) -> Survival | None:
    before = len(reading.mistakes)
    members = reading.mapping(node, "a survival", ("ref", "group", "margin"), ("ref",))
    reference, group, margin = (reading.text(members.get(key), key) for key in ("ref", "group", "margin"))
    if margin is not None and not (margin.isascii() and margin.isdigit() and len(margin) < 10):  # noqa: PLR2004
        reading.wrong(members["margin"].line, f"margin is a number of members from 0, not {margin!r}.")
    if len(reading.mistakes) > before or reference is None:
        return None
    return Survival(node.line, reference, group, int(margin or 0))
