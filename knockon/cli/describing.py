"""``model show`` and ``schema``: what the model says of one class or relationship type, and the API that it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from knockon.cli.options import Json, model_of, print_json, settings

if TYPE_CHECKING:
    from knockon.cli.tables import Out


def show(
    name: Annotated[
        str, typer.Argument(help="A class, or a relationship type either way round.", metavar="CLASS|RELATIONSHIP_TYPE")
    ],
    as_json: Json = False,
) -> None:
    """Show what the model says of a class or a relationship type."""
    from knockon.cli.tables import Out
    from knockon.schema.describe import describe

    found = describe(model_of(settings()), name)
    if as_json:
        print_json(found)
    elif found["kind"] == "class":
        _class(Out(), found)
    else:
        _relationship(Out(), found)


def schema() -> None:
    """Print the GraphQL schema of the service as SDL, your own model files included; needs no store."""
    from knockon.graphql.schema import build_schema

    typer.echo(build_schema(model_of(settings())).as_str())


def _class(out: Out, found: dict[str, Any]) -> None:
    from knockon.cli.tables import print_table

    out.print(f"[bold]{' < '.join(found['lineage'])}[/bold]{'  (abstract)' if found['abstract'] else ''}")
    _say(out, found["description"])
    if found["subclasses"]:
        _say(out, f"Below it: {', '.join(found['subclasses'])}.")
    if found["because"]:
        _say(out, f"Joined to nothing: {found['because']}")
    if found["refresh_seconds"]:
        _say(out, f"A source's word stays fresh for {found['refresh_seconds']:,} s.")
    for what, ranking in _rankings(found["sources"]):
        _say(out, f"Sources of {what}, strongest first: {', '.join(ranking)}.")
    if discovering := found["sources"]["discovered_by"]:
        _say(out, f"Discovered by {', '.join(discovering)}: what is in operation and not seen is a finding.")
    if group := found["redundancy"]:
        least = group["min_up"] or "1"
        _say(out, f"Suppliers over {group['group']} form a group; min_up is {least} unless it says otherwise.")
    _attributes(out, found["attributes"])
    sets = [
        (str(e["priority"]), e["name"], ", ".join(e["by"]), e["within"] or "", e["declared_by"])
        for e in found["identifiers"]
    ]
    if sets:
        print_table(out, "Identifier sets, strongest first", ("priority", "set", "by", "within", "from"), sets)
    links = [(e["name"], e["other"], "\n".join(e["impact"])) for e in found["relationships"]]
    if links:
        print_table(out, "Relationships", ("type", "other end", "impact"), links)
    if lifecycle := found["lifecycle"]:
        states = [
            (state, _flags(each), ", ".join(each["moves"]), each["description"])
            for state, each in lifecycle["states"].items()
        ]
        print_table(out, f"Lifecycle, in {lifecycle['attribute']}", ("state", "", "moves to", "description"), states)


def _relationship(out: Out, found: dict[str, Any]) -> None:
    from knockon.cli.tables import print_table

    out.print(f"[bold]{found['name']}[/bold], read the other way round [bold]{found['inverse']}[/bold]")
    _say(out, found["description"])
    ends = [(each["source"], each["target"], "\n".join(each["impact"])) for each in found["ends"]]
    print_table(out, "Ends", ("source", "target", "impact"), ends)
    _attributes(out, found["attributes"])


def _attributes(out: Out, attributes: list[dict[str, Any]]) -> None:
    from knockon.cli.tables import print_table

    rows = [(each["name"], _type(each), _need(each), each["declared_by"], each["description"]) for each in attributes]
    if rows:
        print_table(out, "Attributes", ("attribute", "type", "", "from", "description"), rows)


def _type(each: dict[str, Any]) -> str:
    kind = f"list of {each['type']}" if each["many"] else each["type"]
    unit = f", {each['unit']}" if each["unit"] else ""
    return f"{kind}{unit}{': ' if each['values'] else ''}{', '.join(each['values'])}"


def _need(each: dict[str, Any]) -> str:
    words = [name for name in ("required", "recommended", "sensitive") if each[name]]
    return ", ".join([*words, "null overwrites"] if each["null_overwrites"] else words)


def _flags(each: dict[str, Any]) -> str:
    words = ["open" if each["open"] else "closed"]
    words += ["in effect"] if each["in_effect"] else []
    words += [] if each["counts"] else ["does not count"]
    return ", ".join(["initial", *words] if each["initial"] else words)


def _rankings(sources: dict[str, Any]) -> list[tuple[str, list[str]]]:
    found = [("everything else" if sources["attributes"] else "everything", sources["ranking"])]
    return [each for each in [*sources["attributes"].items(), *found] if each[1]]


def _say(out: Out, text: str) -> None:
    out.print(text, markup=False, highlight=False)
