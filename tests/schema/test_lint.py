"""Each kind of mistake, in a snippet that marks the lines where it must be reported: ``# <- words``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from knockon.errors import FileNotParsed, FileUnreadable, ModelInvalid
from knockon.schema.installed import read_model, shipped_files
from knockon.schema.lint import mistakes

if TYPE_CHECKING:
    from pathlib import Path

BASE = """
classes:
  Entity: {description: Root., abstract: true, attributes: {name: {type: string, description: Name.}}}
  Note: {description: Note., is_a: Entity, identifiers: [{name: name, by: [name]}]}
  ConfigurationItem: {description: Item., is_a: Entity, abstract: true, identifiers: [{name: name, by: [name]}]}
  Machine:
    description: Machine.
    is_a: ConfigurationItem
    attributes:
      size: {type: enum, values: [small, big], description: Size.}
      cores: {type: integer, unit: none, description: Cores.}
      tags: {type: string, many: true, description: Tags.}
  Disk: {description: Disk., is_a: ConfigurationItem}
  SolidDisk: {description: Fast disk., is_a: Disk}
relationships:
  NEEDS:
    inverse: NEEDED_BY
    description: Needs.
    ends: [[ConfigurationItem, ConfigurationItem]]
    impact: [{name: need, flows: target_to_source}]
edge_attributes:
  weight: {type: integer, unit: none, default: 1, minimum: 1, description: Weight.}
"""

CLASS = "classes:\n  Thing:\n    description: Thing.\n    is_a: ConfigurationItem\n"
LINK = "relationships:\n  LINK:\n    inverse: LINKED\n    description: Link.\n    ends: [[Machine, Disk]]\n"
NONE = "    impact: none\n    because: x\n"
RULE = (
    LINK
    + "    impact:\n      - name: x\n        flows: source_to_target\n        ends: [Machine, Disk]\n        when:\n"
)
EFFECT = LINK + "    impact:\n      - name: x\n        flows: source_to_target\n        effect:\n"

SHAPE = {
    "not a mapping": "- classes  # <- a model file is a mapping",
    "unknown section": "klasses: {}  # <- unknown section 'klasses'",
    "section without names": "classes: [Thing]  # <- must be a mapping of names",
    "unknown key": CLASS + "    colour: red  # <- colour is not known here",
    "class without description": "classes:\n  Thing:  # <- description is missing here\n    is_a: Entity",
    "class that is no mapping": "classes:\n  Thing: x  # <- must be a mapping",
    "bad class name": "classes:\n  thing: {description: x, is_a: Entity}  # <- pattern",
    "bad type name": "relationships:\n  link: {inverse: A, description: x, ends: [[A, B]], impact: none}  # <- pattern",
    "unknown attribute type": CLASS
    + "    attributes:\n      a:\n        description: x\n        type: str  # <- 'string'",
    "undescribed attribute": CLASS + "    attributes:\n      a: {type: string}  # <- description is missing here",
    "bad attribute name": CLASS + "    attributes:\n      aB: {type: string, description: x}  # <- pattern",
    "three ends": LINK.replace("Disk]", "Disk, Disk]").replace("]]", "]]  # <- too many") + "    impact: none",
    "no ends": LINK.replace("[[Machine, Disk]]", "[]  # <- must not be empty") + "    impact: none",
    "impact neither none nor rules": LINK + "    impact: some  # <- this must be 'none'",
    "rules that are no list": LINK + "    impact: {name: x}  # <- must be a list",
    "unknown direction": LINK + "    impact:\n      - name: x\n        flows: up  # <- target_to_source",
    "unknown state": LINK
    + "    impact:\n      - name: x\n        flows: none\n        effect:\n          down: gone  # <- 'degraded'",
    "source with a colon": "sources:\n  ranking: ['a:b']  # <- pattern",
    "ranking of nobody": "sources:\n  ranking: []  # <- must not be empty",
    "discovering source with a colon": "sources:\n  discovers: {'a:b': []}  # <- pattern",
    "unknown key of sources": "sources:\n  rank: [a]  # <- rank is not known here",
    "negative priority": CLASS
    + "    identifiers:\n      - name: x\n        by: [name]\n        priority: -1  # <- greater than or equal to 0",
    "bad threshold": CLASS + "    redundancy:\n      group: NEEDS\n      min_up: 0  # <- pattern",
    "over-full threshold": CLASS + "    redundancy:\n      group: NEEDS\n      full_up: 101%  # <- pattern",
    "defined twice": "classes:\n  Machine: {description: x, is_a: Entity}  # <- already defined",
}

STRUCTURE = {
    "unknown parent": CLASS.replace("ConfigurationItem", "ConfigItem  # <- did you mean ConfigurationItem"),
    "no parent": "classes:\n  Thing:  # <- is_a is missing\n    description: x",
    "circle": (
        "classes:\n"
        "  A: {description: x, is_a: C}  # <- A is a C is a B is a A\n"
        "  B: {description: x, is_a: A}  # <- circle\n"
        "  C: {description: x, is_a: B}  # <- circle\n"
    ),
    "circle of one": "classes:\n  A:\n    description: x\n    is_a: A  # <- A is a A",
    "identifier of an unknown attribute": CLASS
    + "    identifiers:\n      - {name: x, by: [nme]}  # <- did you mean name",
    "identifier within an unknown type": CLASS
    + "    identifiers:\n      - name: x\n        by: [name]\n        parent: ConfigurationItem\n"
    + "        within: NEEDS_BY  # <- did you mean NEEDED_BY",
    "identifier within an unknown class": CLASS
    + "    identifiers:\n      - name: x\n        by: [name]\n        within: NEEDED_BY\n"
    + "        parent: ConfigItem  # <- ConfigurationItem",
    "identifier without the class of its parent": CLASS
    + "    identifiers:\n      - {name: x, by: [name], within: NEEDED_BY}  # <- within and parent go together",
    "identifier within its own like": CLASS
    + "    identifiers:  # <- in a circle\n      - {name: x, by: [name], within: NEEDED_BY, parent: Thing}",
    "unknown lifecycle": CLASS + "    lifecycle: life  # <- no such lifecycle",
    "lifecycle without its attribute": CLASS
    + "    lifecycle: life  # <- needs an attribute state\n"
    + "lifecycles: {life: {description: x, states: {new: {description: x, open: false, initial: true}}}}",
    "lifecycle in a list": CLASS
    + "    lifecycle: life  # <- one string or enum\n"
    + "    attributes: {state: {type: string, many: true, description: x}}\n"
    + "lifecycles: {life: {description: x, states: {new: {description: x, open: false, initial: true}}}}",
    "lifecycle with a state that its enum lacks": CLASS
    + "    lifecycle: life  # <- state has no value old\n"
    + "    attributes: {state: {type: enum, values: [new], description: x}}\n"
    + "lifecycles: {life: {description: x, states: {new: {description: x, open: true, initial: true, moves: [old]},"
    + " old: {description: x, open: false}}}}",
    "moves that lead nowhere": (
        "lifecycles:\n"
        "  life:\n"
        "    description: x\n"
        "    states:\n"
        "      new:\n"
        "        description: x\n"
        "        open: true\n"
        "        initial: true\n"
        "        moves: [old, odl]  # <- did you mean old\n"
        "      old: {description: x, open: false, moves: [old]}  # <- leads to another state\n"
        "      older: {description: x, open: false, initial: true, moves: [new, new]}  # <- stands there twice\n"
    ),
    "redundancy over an unknown type": CLASS + "    redundancy: {group: NEED}  # <- did you mean NEEDS",
    "attribute of another type below": CLASS.replace("ConfigurationItem", "Machine")
    + "    attributes:\n      cores: {type: number, unit: none, description: x}  # <- with another type (integer)",
    "taken attribute name": CLASS + "    attributes:\n      key: {type: string, description: x}  # <- taken",
    "attribute named like a relationship": CLASS
    + "    attributes:\n      needed_by: {type: string, description: x}  # <- NEEDED_BY is shown",
    "enum without values": CLASS + "    attributes:\n      a: {type: enum, description: x}  # <- needs values",
    "values without enum": CLASS
    + "    attributes:\n      a: {type: string, values: [x], description: x}  # <- only an enum",
    "value twice": CLASS + "    attributes:\n      a: {type: enum, values: [x, x], description: x}  # <- twice",
    "bad pattern": CLASS + "    attributes:\n      a: {type: string, pattern: '(', description: x}  # <- regular",
    "pattern of a number": CLASS
    + "    attributes:\n      a: {type: integer, unit: none, pattern: x, description: x}  # <- only a string",
    "bounds of a string": CLASS + "    attributes:\n      a: {type: string, minimum: 1, description: x}  # <- minimum",
    "bounds crossed": CLASS
    + "    attributes:\n      a: {type: number, unit: none, minimum: 2, maximum: 1, description: x}  # <- less than",
    "default of another type": CLASS
    + "    attributes:\n      a:\n        type: integer\n        unit: none\n        description: x\n"
    + "        default: x  # <- integer",
    "default out of bounds": CLASS
    + "    attributes:\n      a: {type: integer, unit: none, minimum: 2, default: 1, description: x}  # <- less than 2",
    "edge attribute with a bad default": "edge_attributes:\n  a: {type: date, default: x, description: x}  # <- date",
    "unknown end": LINK.replace("Disk]]", "Disc]]  # <- did you mean Disk") + NONE,
    "unknown end of a rule": LINK
    + "    impact:\n      - {name: x, flows: none, because: x, ends: [Machine, X]}  # <- names X",
    "unknown end of a grouping": LINK + "    groupings: [{ends: [X, Disk], group: type}]  # <- names X\n" + NONE,
    "attribute that all edges have": LINK
    + "    attributes:\n      weight: {type: integer, unit: none, description: x}  # <- every relationship\n"
    + NONE,
    "inverse that is a type": LINK.replace("LINKED", "NEEDS  # <- already a relationship type") + NONE,
    "inverse used twice": LINK.replace("LINKED", "NEEDED_BY  # <- already the inverse of NEEDS") + NONE,
    "its own inverse": LINK.replace("LINKED", "LINK  # <- already a relationship type") + NONE,
    "rules of one name": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target}  # <- two rules are called x\n"
    + "      - {name: x, flows: source_to_target, priority: 1}  # <- two rules are called x",
    "condition on an unknown attribute": RULE + "          source: {colour: red}  # <- Machine has no attribute colour",
    "condition on an unknown edge attribute": RULE + "          edge: {colour: red}  # <- the relationship has no",
    "condition on an unknown value": RULE
    + "          source: {size: [big, huge]}  # <- 'huge' is not one of small, big",
    "condition without values": RULE + "          source: {size: []}  # <- allows no value",
    "condition not in stored form": RULE + "          source: {cores: '08'}  # <- write 8 instead of 08",
    "condition on a list": RULE + "          source: {tags: x}  # <- not one plain value",
    "identifier of a list": CLASS.replace("ConfigurationItem", "Machine")
    + "    identifiers:\n      - {name: x, by: [tags]}  # <- no list names one thing",
    "identifier sets of one name": CLASS
    + "    identifiers:\n"
    + "      - {name: x, by: [name]}  # <- two identifier sets are called x\n"
    + "      - {name: x, by: [name], priority: 5}  # <- two identifier sets are called x",
    "refresh in months": CLASS + "    refresh: P1M  # <- 'P1M' is not a duration in days",
    "refresh of no time": CLASS + "    refresh: PT0S  # <- at least one second",
    "source twice": "sources:\n  ranking:\n    - dcim\n    - scan\n    - dcim  # <- dcim stands twice in one ranking",
    "source twice for a class": "sources:\n  classes:\n    Disk: [a, a]  # <- a stands twice",
    "source called like a class": "sources:\n  ranking: [Disk]  # <- no source may be called so",
    "discovering source called like a class": "sources:\n  discovers:\n    Disk: []  # <- no source may be called so",
    "discovered class that is not there": "sources:\n  discovers:\n    scan: [Machine, Disc]  # <- did you mean Disk",
    "ranking for an unknown class": "sources:\n  classes:\n    Disc: [a]  # <- did you mean Disk",
    "ranking for attributes of an unknown class": "sources:\n  attributes:\n    X: {name: [a]}  # <- names X",
    "ranking for an unknown attribute": (
        "sources:\n  attributes:\n    Machine:\n      core: [a]  # <- did you mean cores"
    ),
    "plural used twice": CLASS + "    plural: Disks  # <- already that of Disk",
}

RULES = {
    "numbers without their unit": CLASS
    + "    attributes:\n"
    + "      a: {type: integer, description: x}  # <- say the unit\n"
    + "      b: {type: number, many: true, description: x}  # <- say the unit\n"
    + "      c: {type: number, unit: metres, description: x}\n"
    + "      d: {type: integer, unit: none, description: x}\n"
    + LINK
    + "    attributes:\n      e: {type: number, description: x}  # <- say the unit\n"
    + NONE
    + "edge_attributes:\n  f: {type: integer, description: x}  # <- say the unit",
    "no identifier set": "classes:\n  Thing:  # <- needs an identifier set\n    description: x\n    is_a: Entity",
    "item that nothing can happen to": (
        "classes:\n"
        "  Entity: {description: Root., abstract: true, attributes: {name: {type: string, description: Name.}}}\n"
        "  ConfigurationItem: {description: x, is_a: Entity, abstract: true, identifiers: [{name: n, by: [name]}]}\n"
        "  Lamp: {description: x, is_a: ConfigurationItem}\n"
        "  Bulb: {description: x, is_a: ConfigurationItem}\n"
        "  Poster: {description: x, is_a: ConfigurationItem}  # <- say why (because)\n"
        "  Sticker: {description: x, is_a: ConfigurationItem, because: It only looks nice.}\n"
        "relationships:\n"
        "  LIT_BY:\n"
        "    inverse: LIGHTS\n"
        "    description: x\n"
        "    ends: [[Lamp, Bulb]]\n"
        "    impact: [{name: light, flows: target_to_source}]\n"
        "  SHOWS:\n"
        "    inverse: SHOWN_BY\n"
        "    description: x\n"
        "    ends: [[Lamp, Poster]]\n"
        "    impact: none\n"
        "    because: Light is not changed by what it falls on.\n"
    ),
    "no impact and no reason": LINK + "    impact: none  # <- needs its reason",
    "a rule without impact and reason": LINK + "    impact:\n      - {name: x, flows: none}  # <- needs its reason",
    "grouping without impact": LINK + "    group: type  # <- nothing to group\n" + NONE,
    "effect where nothing flows": LINK
    + "    impact:\n      - {name: x, flows: none, because: x, effect: {down: down}}  # <- no effect where nothing",
    "effect worse than the state": EFFECT + "          degraded: down  # <- worse than the supplier's state degraded",
    "effect of an operational supplier": EFFECT + "          operational: operational  # <- leave it out",
    "effects that shrink": EFFECT
    + "          at_risk: at_risk\n"
    + "          down: operational  # <- must not do less harm\n",
    "rule that never fits": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target}\n"
    + "      - {name: y, flows: source_to_target, ends: [Disk, Machine]}  # <- never joins such ends",
    "plain tie": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target}\n"
    + "      - {name: y, flows: target_to_source}  # <- equal",
    "tie of conditions on different attributes": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target, ends: [Machine, Disk], when: {source: {size: big}}}\n"
    + "      - {name: y, flows: target_to_source, ends: [Machine, Disk], when: {source: {cores: '8'}}}  # <- equal",
    "tie of overlapping values": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target, ends: [Machine, Disk], when: {source: {cores: ['4', '8']}}}\n"
    + "      - {name: y, flows: target_to_source, ends: [Machine, Disk], when: {source: {cores: ['8']}}}  # <- equal",
    "pair that no rule speaks of": LINK.replace("]]", "], [Machine, Machine]]  # <- between Machine and Machine")
    + "    impact: [{name: x, flows: source_to_target, ends: [Machine, Disk]}]",
    "groupings that tie": LINK
    + "    impact: [{name: x, flows: source_to_target}]\n"
    + "    groupings:\n"
    + "      - {ends: [Machine, Disk], group: type}\n"
    + "      - {ends: [Machine, Disk], group: none}  # <- two groupings fit",
    "redundancy that has no effect": CLASS + "    redundancy: {group: NEEDS}  # <- this has no effect",
    "full_up below min_up": (
        "classes:\n"
        "  Pool:\n"
        "    description: x\n"
        "    is_a: ConfigurationItem\n"
        "    redundancy:\n"
        "      group: POOLS\n"
        "      min_up: 50%\n"
        "      full_up: 25%  # <- below min_up\n"
        "relationships:\n"
        "  POOLS:\n"
        "    inverse: POOLED\n"
        "    description: x\n"
        "    ends: [[Pool, Machine]]\n"
        "    group: type\n"
        "    impact: [{name: x, flows: target_to_source}]\n"
    ),
    "in effect, but not open": (
        "lifecycles:\n"
        "  life:\n"
        "    description: x\n"
        "    states:\n"
        "      late: {description: x, open: false, in_effect: true, initial: true}  # <- must be open\n"
    ),
    "lifecycle that does not begin": (
        "lifecycles:\n"
        "  life:\n"
        "    description: x\n"
        "    states:  # <- no state is initial\n"
        "      new: {description: x, open: true, moves: [old]}\n"
        "      old: {description: x, open: false}\n"
    ),
    "states that nothing gets into or out of": (
        "lifecycles:\n"
        "  life:\n"
        "    description: x\n"
        "    states:\n"
        "      new: {description: x, open: true, initial: true, moves: [stuck]}\n"
        "      stuck: {description: x, open: true}  # <- for ever\n"
        "      lost: {description: x, open: true, moves: [found]}  # <- no moves lead here\n"
        "      found: {description: x, open: true, moves: [lost, new]}  # <- no moves lead here\n"
    ),
}

SOUND = {
    "rules kept apart by values": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target, ends: [Machine, Disk], when: {source: {size: big}}}\n"
    + "      - {name: y, flows: target_to_source, ends: [Machine, Disk], when: {source: {size: small}}}\n",
    "rules kept apart by priority": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target}\n"
    + "      - {name: y, flows: target_to_source, priority: 1}\n",
    "rules kept apart by depth": LINK
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target}\n"
    + "      - {name: y, flows: target_to_source, ends: [Machine, SolidDisk]}\n",
    "rules kept apart by classes": LINK.replace("]]", "], [Disk, Disk]]")
    + "    impact:\n"
    + "      - {name: x, flows: source_to_target, ends: [Machine, Disk]}\n"
    + "      - {name: y, flows: target_to_source, ends: [Disk, Disk]}\n",
    "groupings of different depth": LINK
    + "    impact: [{name: x, flows: target_to_source}]\n"
    + "    groupings:\n"
    + "      - {ends: [Machine, Disk], group: type}\n"
    + "      - {ends: [Machine, SolidDisk], group: none}\n",
    "identifier within an inverse": CLASS
    + "    identifiers: [{name: x, by: [name], within: HELD_BY, parent: Shelf}]\n"
    + "  Shelf: {description: x, is_a: Entity, identifiers: [{name: x, by: [name]}]}\n"
    + "relationships:\n  HOLDS: {inverse: HELD_BY, description: x, ends: [[Shelf, Thing]], impact: none, because: x}",
}


def expected(snippet: str) -> list[tuple[int, str]]:
    lines = enumerate(snippet.splitlines(), 1)
    return [(number, line.split("# <- ")[1].strip()) for number, line in lines if "# <- " in line]


@pytest.mark.parametrize(
    ("name", "snippet"),
    [pytest.param(name, text, id=name) for table in (SHAPE, STRUCTURE, RULES, SOUND) for name, text in table.items()],
)
def test_every_mistake_stands_at_its_line(tmp_path: Path, name: str, snippet: str) -> None:
    base, extra = tmp_path / "base.yaml", tmp_path / "extra.yaml"
    base.write_text(BASE)
    extra.write_text(snippet)
    files = [extra] if "  Entity:" in snippet else [base, extra]
    found = mistakes(files)
    wanted = expected(snippet)
    assert [(each.file, each.line) for each in found] == [(str(extra), line) for line, _ in wanted], found
    for each, (_, words) in zip(found, wanted, strict=True):
        assert words in each.message
        assert each.message.endswith((".", "?")), each.message


ELSEWHERE = """\
classes:
  Gizmo: {is_a: Entity}  # <- description is missing here
  Gadget: {description: x, is_a: Entitty}  # <- did you mean Entity
  SmallGizmo: {description: x, is_a: Gizmo, identifiers: [{name: x, by: [size]}], lifecycle: gizmos}
  SmallGadget: {description: x, is_a: Gadget, identifiers: [{name: x, by: [size]}], redundancy: {group: TIES}}
relationships:
  TIES:
    inverse: TIED_BY
    description: x
    ends: [[Gizmo, SmallGadget], [Entity, Gidget]]  # <- names Gidget
    impact:
      - {name: x, flows: none}  # <- needs its reason
      - {name: y, flows: target_to_source, when: {source: {size: x}, edge: {shade: red}}, ends: [Gizmo, Gadget]}
      - {name: z, flows: source_to_target, effect: {at_risk: degraded, degraded: down}}  # <- is worse  # <- is worse
  KNOTS: {inverse: KNOTTED_BY, ends: []}  # <- misshapen  # <- misshapen  # <- misshapen
  SPLICES: {inverse: KNOTTED_BY, description: x, ends: [[Entity, Entity]], impact: none}  # <- needs its reason
edge_attributes:
  shade: {type: string}  # <- description is missing here
lifecycles:
  gizmos: {description: x}  # <- states is missing here
"""
LACKS = {"item that nothing can happen to", "rule that never fits", "redundancy that has no effect"}
"""What may be in the part that cannot be judged."""


@pytest.mark.parametrize("name", [*SHAPE, *STRUCTURE, *RULES, *SOUND])
def test_mistakes_hide_none_elsewhere_and_have_no_consequences(tmp_path: Path, name: str) -> None:
    snippet = (SHAPE | STRUCTURE | RULES | SOUND)[name]
    base, extra, other = tmp_path / "base.yaml", tmp_path / "extra.yaml", tmp_path / "other.yaml"
    base.write_text(BASE)
    extra.write_text(snippet)
    other.write_text(ELSEWHERE)
    found = mistakes([extra, other] if "  Entity:" in snippet else [base, extra, other])
    here = [] if name in LACKS else [(str(extra), line) for line, _ in expected(snippet)]
    elsewhere = [
        (str(other), number)
        for number, line in enumerate(ELSEWHERE.splitlines(), 1)
        for _ in range(line.count("# <- "))
    ]
    assert [(each.file, each.line) for each in found] == here + elsewhere, found


def test_identifiers_and_rankings_that_rest_on_a_mistake_are_no_further_one(tmp_path: Path) -> None:
    base, extra = tmp_path / "base.yaml", tmp_path / "extra.yaml"
    base.write_text(BASE)
    extra.write_text("""
classes:
  Bolt: {description: x, is_a: Entity, identifiers: [{name: held, by: [name], within: HELD_BY, parent: Bolt}]}
  Washer: {description: x, is_a: Entity, identifiers: [{name: pressed, by: [name], within: PRESSED_BY, parent: Gizmo}]}
  Gizmo: {is_a: Entity}
  Gadget: {description: x, is_a: Entitty}
relationships:
  HOLDS: {inverse: HELD_BY, description: x, ends: [[Bolt, Boltt]], impact: none, because: x}
  PRESSES: {inverse: PRESSED_BY, description: x, ends: [], impact: none, because: x}
sources:
  classes: {Gizmo: [scan]}
  attributes: {Gadget: {size: [scan]}}
""")
    found = mistakes([base, extra])
    assert [(each.file, each.line) for each in found] == [(str(extra), line) for line in (5, 6, 8, 9)], found


@pytest.mark.parametrize("name", [*SHAPE, *STRUCTURE])
def test_a_model_of_bad_shape_or_structure_is_refused(tmp_path: Path, name: str) -> None:
    base, extra = tmp_path / "base.yaml", tmp_path / "extra.yaml"
    base.write_text(BASE)
    extra.write_text((SHAPE | STRUCTURE)[name])
    with pytest.raises(ModelInvalid, match=r"extra\.yaml:[0-9]+: "):
        read_model([base], extra=[extra])


@pytest.mark.parametrize("name", RULES)
def test_a_model_that_breaks_rules_only_can_be_used(tmp_path: Path, name: str) -> None:
    base, extra = tmp_path / "base.yaml", tmp_path / "extra.yaml"
    base.write_text(BASE)
    extra.write_text(RULES[name])
    files = [extra] if "  Entity:" in RULES[name] else [base, extra]
    assert read_model(files).classes["Entity"].depth == 0


def test_the_base_and_the_shipped_model_have_no_mistakes(tmp_path: Path) -> None:
    base = tmp_path / "base.yaml"
    base.write_text(BASE)
    assert mistakes([base]) == []
    assert mistakes(shipped_files()) == []


def test_a_model_without_a_root_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text("classes:\n  Thing: {description: x, is_a: Thing}\n")
    assert {(each.line, each.message.split(";")[0]) for each in mistakes([file])} >= {
        (2, "there is no class Entity, the root of all.")
    }


def test_mistakes_come_by_file_and_line(tmp_path: Path) -> None:
    one, two = tmp_path / "a.yaml", tmp_path / "b.yaml"
    two.write_text(BASE + "wrong: {}\n")
    one.write_text("classes:\n  Thing: {}\n  Other: {}\n")
    found = [(each.file, each.line) for each in mistakes([two, one])]
    assert found == sorted(found)
    assert {file for file, _ in found} == {str(one), str(two)}


def test_a_file_that_cannot_be_read_or_parsed_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    with pytest.raises(FileUnreadable, match=r"model\.yaml"):
        mistakes([file])
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(FileUnreadable, match=r"model\.yaml"):
        mistakes([file])
    file.write_text("classes:\n  A: {x: 1\n  B: ]\n")
    with pytest.raises(FileNotParsed, match=r"model\.yaml:[23]"):
        mistakes([file])
    file.write_text("classes:\n  A: {}\n  A: {}\n")
    with pytest.raises(FileNotParsed, match=r"model\.yaml:3: the key 'A' stands twice"):
        mistakes([file])
