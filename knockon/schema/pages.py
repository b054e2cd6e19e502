"""The reference of a model as Markdown pages: one for each model file, and an index with pictures.

The pages are made from the model alone: the same model gives the same bytes.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from knockon.schema.describe import describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from knockon.schema.model import Attribute, Model
    from knockon.schema.source import ModelSource
    from knockon.schema.spec import LifecycleSpec

INDEX = "README.md"
RELATIONSHIPS = "relationship-types.md"
LIFECYCLES = "states.md"
_RENEW = (
    "<!-- Made from the model by `knockon model pages`. Do not edit: change the model and make the pages again. -->\n"
)
_DEEPEST_DRAWN = 2


def pages(model: Model, source: ModelSource) -> dict[str, str]:
    """Give all pages by file name. A class stands on the page named for the model file that defines it."""
    areas: dict[str, list[str]] = {}
    for (section, name), (file, _) in source.definitions.items():
        if section == "classes":
            areas.setdefault(PurePath(file).stem, []).append(name)
    places = {name: f"{area}.md" for area, names in areas.items() for name in names}
    made = {f"{area}.md": _area(model, area, names, places) for area, names in areas.items()}
    made[RELATIONSHIPS] = _relationship_types(model, places)
    made[LIFECYCLES] = _lifecycles(model, places)
    made[INDEX] = _index(model, areas, places)
    return {name: f"{_RENEW}\n{text}" for name, text in sorted(made.items())}


def _link(name: str, places: Mapping[str, str]) -> str:
    return f"[{name}]({places[name]}#{name.lower()})"


def _type_link(name: str) -> str:
    return f"[{name}]({RELATIONSHIPS}#{name.lower()})"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(each) for each in line)} |\n" for line in lines) + "\n"


def _index(model: Model, areas: Mapping[str, list[str]], places: Mapping[str, str]) -> str:
    concrete = sum(not each.abstract for each in model.classes.values())
    rows = [(f"[{area}]({area}.md)", ", ".join(_link(each, places) for each in names)) for area, names in areas.items()]
    return (
        "# The model\n\n"
        f"{concrete} classes of things, {len(model.classes) - concrete} abstract ones above them and "
        f"{len(model.relationships)} [relationship types]({RELATIONSHIPS}); "
        f"the [states]({LIFECYCLES}) that things go through.\n"
        "`knockon model show NAME` shows one of them with all that it inherits; how a model file is written is in "
        "[model files](../model-files.md).\n\n"
        f"{_table(('page', 'classes'), sorted(rows))}"
        "## The tree\n\n"
        "Abstract classes in round boxes; the pages draw their parts of it in full.\n\n"
        f"{_tree(model, [n for n, each in model.classes.items() if each.depth <= _DEEPEST_DRAWN])}"
        "## What may be related to what\n\n"
        "By the classes that the ends are declared for; subclasses are included. Thick: failure flows.\n\n"
        f"{_picture(model)}"
    )


def _tree(model: Model, names: Iterable[str]) -> str:
    """Draw classes below their parents."""
    lines = ["```mermaid", "graph LR"]
    for name in sorted(names):
        kind = model.classes[name]
        lines.append(f"  {name}({name})" if kind.abstract else f"  {name}[{name}]")
        if kind.spec.is_a:
            lines.append(f"  {kind.spec.is_a} --> {name}")
    return "\n".join([*lines, "```", "", ""])


def _picture(model: Model) -> str:
    """Draw an arrow for each pair of ends, with the types that may join them."""
    joined: dict[tuple[str, str, bool], list[str]] = {}
    for kind in model.relationships.values():
        for source, target in kind.spec.ends:
            pairs = ((a, b) for a in model.concrete(source) for b in model.concrete(target))
            flows = any(rule.supplier for a, b in pairs for rule in model.rules_between(kind.name, a, b))
            joined.setdefault((source, target, flows), []).append(kind.name)
    lines = ["```mermaid", "graph LR"]
    for (source, target, flows), types in sorted(joined.items()):
        arrow = "==>" if flows else "-->"
        lines.append(f"  {source} {arrow}|{'<br/>'.join(sorted(types))}| {target}")
    return "\n".join([*lines, "```", ""])


def _area(model: Model, area: str, names: list[str], places: Mapping[str, str]) -> str:
    above = {model.classes[name].spec.is_a for name in names} - {None}
    drawn = {*names, *(each for each in above if each)}
    parts = [f"# {area.replace('_', ' ').capitalize()}\n\n{_tree(model, drawn)}"]
    parts += [_class(model, name, places) for name in names]
    return "".join(parts)


def _class(model: Model, name: str, places: Mapping[str, str]) -> str:
    found = describe(model, name)
    line = " > ".join(_link(each, places) for each in reversed(found["lineage"][1:]))
    text = f"## {name}\n\n{found['description']}\n\n"
    text += f"{'Abstract. ' if found['abstract'] else ''}{f'Is a: {line}. ' if line else ''}".strip()
    if below := found["subclasses"]:
        text += f" Below it: {', '.join(_link(each, places) for each in below)}."
    if own := model.spec.classes[name].lifecycle:
        title = own.replace("_", " ")
        text += f" It goes through the [states]({LIFECYCLES}#{title.replace(' ', '-')}) of the lifecycle *{title}*."
    if found["because"]:
        text += f" Joined to nothing: {found['because']}"
    if found["refresh_seconds"]:
        text += f" A source's word stays fresh for {found['refresh_seconds']:,} s."
    text = f"{text.strip()}\n\n"
    text += _attributes({n: a for n, a in model.classes[name].attributes.items() if a.declared_by == name})
    if sets := found["identifiers"]:
        rows = [
            (
                str(e["priority"]),
                e["name"],
                ", ".join(e["by"]),
                f"{e['within']} {e['parent']}" if e["within"] else "",
                _link(e["declared_by"], places),
            )
            for e in sets
        ]
        text += _table(("priority", "identifier set", "by", "within", "of"), rows)
    return text + _own_links(model, name, places)


def _own_links(model: Model, name: str, places: Mapping[str, str]) -> str:
    """List the relationships that name this very class; inherited ones stand with the classes above."""
    rows = []
    for kind in model.relationships.values():
        for source, target in kind.spec.ends:
            if source == name:
                rows.append((_type_link(kind.name), _link(target, places)))
            if target == name:
                rows.append((f"{_type_link(kind.name)}, read {kind.inverse}", _link(source, places)))
    return _table(("relationship", "other end"), sorted(rows)) if rows else ""


def _attributes(attributes: Mapping[str, Attribute]) -> str:
    rows = []
    for name, each in sorted(attributes.items()):
        spec = each.spec
        kind = f"list of {spec.type}" if spec.many else spec.type
        values = f": {', '.join(spec.values)}" if spec.values else ""
        flags = [word for word in ("required", "recommended", "sensitive", "indexed") if getattr(spec, word)]
        default = f" Default: {spec.default}." if spec.default is not None else ""
        rows.append((f"`{name}`", kind + values, spec.shown_unit, ", ".join(flags), spec.description + default))
    return _table(("attribute", "type", "unit", "", "meaning"), rows) if rows else ""


def _relationship_types(model: Model, places: Mapping[str, str]) -> str:
    text = (
        "# Relationship types\n\nRead from source to target; files may use either name.\n\n## On every relationship\n\n"
    )
    common = model.spec.edge_attributes
    some: Any = next(iter(model.relationships.values())).attributes
    text += _attributes({name: some[name] for name in common})
    for name in sorted(model.relationships):
        found = describe(model, name)
        text += f"## {name}\n\n{found['description']} Read the other way round: `{found['inverse']}`.\n\n"
        rows = [
            (_link(e["source"], places), _link(e["target"], places), "<br/>".join(e["impact"])) for e in found["ends"]
        ]
        text += _table(("source", "target", "impact"), rows)
        own = {n: each for n, each in model.relationships[name].attributes.items() if n not in common}
        text += _attributes(own)
    return text


def _moves(lifecycle: LifecycleSpec) -> str:
    """Draw the moves; a thing begins where an arrow comes from the black dot."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"  [*] --> {state}" for state in lifecycle.initial]
    lines += [f"  {state} --> {to}" for state in lifecycle.states for to in lifecycle.moves(state)]
    return "\n".join([*lines, "```", "", ""])


def _lifecycles(model: Model, places: Mapping[str, str]) -> str:
    text = (
        "# States\n\nA thing begins in an *initial* state, and is moved only as listed; from a state without moves, "
        "never. A state that is not listed is kept, and counts as open and in effect.\n\n"
    )
    for name, each in sorted(model.spec.lifecycles.items()):
        users = [c for c in model.classes if model.spec.classes[c].lifecycle == name]
        who = ", ".join(_link(c, places) for c in users) or "no class"
        text += f"## {name.replace('_', ' ').capitalize()}\n\n{each.description} In `{each.attribute}` of {who}.\n\n"
        rows = []
        for state, spec in each.states.items():
            flags = ["initial"] if spec.initial else []
            flags += ["open" if spec.open else "closed", *(["in effect"] if spec.in_effect else [])]
            flags += [] if spec.counts else ["does not count"]
            to = ", ".join(f"`{each}`" for each in spec.moves)
            rows.append((f"`{state}`", ", ".join(flags), to, spec.description))
        text += _table(("state", "", "moves to", "meaning"), rows)
        text += _moves(each)
    return text
