"""Compliance rules: what an organisation asks of its configuration items, as data (docs/reference/health-rules.md)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from knockon.errors import FileUnreadable, RulesInvalid
from knockon.itsm.formats.written import Reading
from knockon.schema.lint import condition_mistakes
from knockon.schema.wording import meant, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from knockon.schema.document import Located
    from knockon.schema.model import Model
    from knockon.schema.source import Mistake

SHIPPED = Path(__file__).with_name("rules.yaml")
NEEDED = 90
"""Percent of the CIs that a rule is about that must keep it, unless it says otherwise."""
_KEYS = ("name", "class", "when", "must", "has", "related", "needed", "because")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Relation:
    """A relationship that a CI must have: the stored type, whether the CI is its source, the class at the other end."""

    written: str
    type_name: str
    from_source: bool
    other: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What each CI of a class that fulfils ``when`` must fulfil: ``must``, ``has`` and ``related`` together."""

    name: str
    class_name: str
    because: str
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    must: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    has: tuple[str, ...] = ()
    related: tuple[Relation, ...] = ()
    needed: int = NEEDED


def read_rules(files: Sequence[Path], model: Model, taken: Collection[str] = ()) -> tuple[list[Rule], list[Mistake]]:
    """Read rule files, after the shipped one: all rules, and every mistake with its file and line.

    ``taken`` are names that no rule may have.

    Raises
    ------
    FileUnreadable, FileNotParsed
    """
    rules: dict[str, Rule] = {}
    mistakes: list[Mistake] = []
    for file in (SHIPPED, *files):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise FileUnreadable(f"{file}: the rule file cannot be read ({error}).") from error
        reading = Reading(str(file))
        for node in reading.members(reading.document(text, "a rule file", ("rules",)).get("rules"), "rules"):
            rule = _rule(reading, node, model)
            if rule and rule.name in {*rules, *taken}:
                reading.wrong(node.line, f"the name {rule.name!r} is taken; give the rule another one.")
            elif rule:
                rules[rule.name] = rule
        mistakes += reading.mistakes
    return list(rules.values()), sorted(mistakes)


def sound_rules(files: Sequence[Path], model: Model, taken: Collection[str] = ()) -> list[Rule]:
    """Read rule files that must be without mistakes.

    Raises
    ------
    RulesInvalid
        With every mistake, its file and line.
    FileUnreadable, FileNotParsed
    """
    rules, mistakes = read_rules(files, model, taken)
    if mistakes:
        raise RulesInvalid("\n".join(["the rule files have mistakes.", *map(str, mistakes)]))
    return rules


def _rule(reading: Reading, node: Located, model: Model) -> Rule | None:
    before = len(reading.mistakes)
    members = reading.mapping(node, "a rule", _KEYS, ("name", "class", "because"))
    name, class_name, because = (reading.text(members.get(key), key) for key in ("name", "class", "because"))
    if name is not None and not _NAME.fullmatch(name):
        reading.wrong(members["name"].line, f"a name is written like server-has-owner, not {name!r}.")
    if class_name is not None and not _is_item(model, class_name):
        reading.wrong(members["class"].line, no_item(model, class_name))
        class_name = None
    if members and not members.keys() & {"must", "has", "related"}:
        reading.wrong(node.line, "a rule asks something: it has must, has, related, or several of them.")
    needed = _percent(reading, members.get("needed"))
    if name is None or class_name is None or because is None:
        return None
    when, must = (_conditions(reading, members.get(key), key, class_name, model) for key in ("when", "must"))
    has = _attributes(reading, members.get("has"), class_name, model)
    related = _relations(reading, members.get("related"), class_name, model)
    if len(reading.mistakes) > before:
        return None
    return Rule(name, class_name, because, when, must, has, related, needed)


def no_item(model: Model, name: str, otherwise: str = ".") -> str:
    """Say that a name is none of a class of configuration items."""
    if name in model.classes:
        return f"{name} is no class of configuration items{otherwise}"
    return unknown("class", name, [each for each in model.classes if _is_item(model, each)], otherwise)


def _is_item(model: Model, name: str) -> bool:
    return name in model.classes and model.is_a(name, "ConfigurationItem")


def _percent(reading: Reading, node: Located | None) -> int:
    written = reading.text(node, "needed") if node else str(NEEDED)
    if written is None:
        return NEEDED
    if not (written.isascii() and written.isdigit() and int(written[:9]) <= 100):  # noqa: PLR2004
        assert node
        reading.wrong(node.line, f"needed is a number of percent from 0 to 100, not {written!r}.")
        return NEEDED
    return int(written)


def _conditions(
    reading: Reading, node: Located | None, what: str, class_name: str, model: Model
) -> dict[str, tuple[str, ...]]:
    """Read conditions as impact rules have them: for each attribute a value, or a list of values."""
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        reading.wrong(node.line, f"{what} is a mapping of attributes to values.")
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name, member in node.value.items():
        values = member.value if isinstance(member.value, list) else [member]
        found[name] = tuple(text for each in values if (text := reading.text(each, f"{what}.{name}")) is not None)
    specs = {name: each.spec for name, each in model.classes[class_name].attributes.items()}
    for name, message in condition_mistakes(class_name, specs, found):
        reading.wrong(node.value[name].line, message)
    return found


def _attributes(reading: Reading, node: Located | None, class_name: str, model: Model) -> tuple[str, ...]:
    found = []
    for each in reading.members(node, "has"):
        name = reading.text(each, "an attribute")
        if name is not None and name not in model.classes[class_name].attributes:
            declared = model.classes[class_name].attributes
            near = meant(name, declared)
            hint = f"; did you mean {near}?" if near else "."
            reading.wrong(each.line, f"{class_name} has no attribute {name}{hint}")
        found.append(name or "")
    return tuple(found)


def _relations(reading: Reading, node: Located | None, class_name: str, model: Model) -> tuple[Relation, ...]:
    if node is None:
        return ()
    if not isinstance(node.value, dict):
        reading.wrong(node.line, "related is a mapping of relationship types to classes.")
        return ()
    found = []
    for written, member in node.value.items():
        other, way = reading.text(member, f"related.{written}"), model.direction(written)
        if way is None:
            reading.wrong(member.line, unknown("relationship type", written, model.type_names))
        elif other is not None and other not in model.classes:
            reading.wrong(member.line, unknown("class", other, model.classes))
        elif other is not None:
            ends = [(one, two) for one in model.concrete(class_name) for two in model.concrete(other)]
            pairs = [(two, one) if way[1] else (one, two) for one, two in ends]
            if not any(model.allows(way[0].name, *pair) for pair in pairs):
                reading.wrong(member.line, f"{written} never leads from {class_name} to {other}.")
            found.append(Relation(written, way[0].name, not way[1], other))
    return tuple(found)
