"""What one model file adds to the definitions of another (``extend``), before anything of it is checked.

Nothing is taken away and no type changes: what was valid stays so unless the addition says more of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from knockon.schema.document import Located, is_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator

Definitions = dict[tuple[str, str], tuple[str, Located]]
"""(section, name): the file of the definition, and its text."""

_Way = Literal["value", "list", "members", "named"]
_ADDABLE: dict[str, dict[str, _Way]] = {
    "classes": {
        "attributes": "members", "identifiers": "named", "refresh": "value", "redundancy": "value",
        "lifecycle": "value", "sensitive": "value",
    },
    "relationships": {"attributes": "members", "ends": "list", "groupings": "list", "impact": "named"},
    "lifecycles": {"states": "members"},
}  # fmt: skip
_FIXED = frozenset({"type", "many", "name"})
"""What an addition may not say anew of an attribute, state, identifier set or rule that is there."""


@dataclass(frozen=True, slots=True)
class LocatedIn(Located):
    """A node that another file added."""

    file: str


@dataclass(frozen=True, slots=True)
class Extension:
    """What one file says under ``extend`` of one definition."""

    file: str
    section: str
    name: str
    node: Located


class _Unfit(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def extensions_in(node: Located, file: str) -> Iterator[Extension | tuple[int, str]]:
    """Read an ``extend`` section; what cannot be one comes as line and sentence."""
    if not is_mapping(node.value):
        yield node.line, f"extend must be a mapping of {', '.join(_ADDABLE)}."
        return
    for section, members in node.value.items():
        if section not in _ADDABLE:
            yield members.line, f"extend cannot add to {section!r}; it adds to {', '.join(_ADDABLE)}."
        elif not is_mapping(members.value):
            yield members.line, f"extend.{section} must be a mapping of names to what is added."
        else:
            for name, each in members.value.items():
                yield Extension(file, section, name, each)


def extend(definitions: Definitions, extension: Extension) -> Iterator[tuple[int, str]]:
    """Add to one definition in place; what cannot be added comes as line and sentence, and the rest is added."""
    section, name = extension.section, extension.name
    if (section, name) not in definitions:
        near = get_close_matches(name, [each for kind, each in definitions if kind == section], n=1)
        hint = f"did you mean {near[0]}?" if near else "define it first."
        yield extension.node.line, f"extend names {name}, and there is none among the {section}; {hint}"
        return
    if not is_mapping(extension.node.value):
        yield extension.node.line, f"extend.{name} must be a mapping of {', '.join(_ADDABLE[section])}."
        return
    file, base = definitions[section, name]
    if not is_mapping(base.value):
        return  # a mistake of its own
    members = dict(base.value)
    if "impact" in extension.node.value and "impact" in members and members["impact"].value == "none":
        members["impact"] = _as_rules(members["impact"], members.get("because"))
    for key, more in extension.node.value.items():
        way = _ADDABLE[section].get(key)
        if way is None:
            yield more.line, f"{name}.{key} cannot be changed by extend; it takes {', '.join(_ADDABLE[section])}."
            continue
        try:
            members[key] = _added(way, f"{name}.{key}", members.get(key), more, extension.file)
        except _Unfit as fault:
            yield fault.line, str(fault)
    definitions[section, name] = (file, Located(members, base.line))


def _added(way: _Way, where: str, base: Located | None, more: Located, file: str) -> Located:
    if way == "value":
        return _set(where, base, more, file)
    if way == "members":
        return _members(where, base, more, file)
    if not isinstance(more.value, list):
        raise _Unfit(more.line, f"{where}: this must be a list.")
    kept = list(base.value) if base and isinstance(base.value, list) else []
    for each in more.value:
        place = _place_of(kept, each) if way == "named" else None
        if place is None:
            kept.append(LocatedIn(each.value, each.line, file))
        else:
            kept[place] = _refined(f"{where}.{_name_of(each)}", kept[place], each, file)
    return Located(kept, base.line if base else more.line)


def _set(where: str, base: Located | None, more: Located, file: str) -> Located:
    if isinstance(base, LocatedIn):
        raise _Unfit(more.line, f"{where} is already set by {base.file}:{base.line}.")
    return LocatedIn(more.value, more.line, file)


def _members(where: str, base: Located | None, more: Located, file: str) -> Located:
    if not is_mapping(more.value):
        raise _Unfit(more.line, f"{where}: this must be a mapping.")
    kept = dict(base.value) if base and is_mapping(base.value) else {}
    for name, each in more.value.items():
        there = kept.get(name)
        kept[name] = _refined(f"{where}.{name}", there, each, file) if there else LocatedIn(each.value, each.line, file)
    return Located(kept, base.line if base else more.line)


def _refined(where: str, base: Located, more: Located, file: str) -> Located:
    """Say more of an attribute, a state, an identifier set or a rule: the keys given; further values of an enum."""
    if isinstance(base, LocatedIn):
        raise _Unfit(more.line, f"{where} is already added by {base.file}:{base.line}.")
    if not is_mapping(base.value) or not is_mapping(more.value):
        raise _Unfit(more.line, f"{where}: this must be a mapping.")
    kept = dict(base.value)
    for key, each in more.value.items():
        if key == "values":
            kept[key] = _added("list", f"{where}.{key}", kept.get(key), each, file)
        elif key in _FIXED and key in kept and kept[key].plain() == each.plain():
            continue
        elif key in _FIXED:
            raise _Unfit(each.line, f"{where}: its {key} cannot be changed.")
        else:
            kept[key] = _set(f"{where}.{key}", kept.get(key), each, file)
    return Located(kept, base.line)


def _as_rules(none: Located, because: Located | None) -> Located:
    """Give ``impact: none`` as the one rule that it means, for rules to be added beside it."""
    rule = {"name": Located("none", none.line), "flows": Located("none", none.line)}
    return Located([Located(rule | ({"because": because} if because else {}), none.line)], none.line)


def _place_of(members: list[Located], wanted: Located) -> int | None:
    name = _name_of(wanted)
    return next((i for i, each in enumerate(members) if name is not None and _name_of(each) == name), None)


def _name_of(node: Located) -> object:
    return node.value["name"].value if is_mapping(node.value) and "name" in node.value else None
