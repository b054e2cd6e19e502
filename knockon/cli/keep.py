"""Keeping: ``export``, ``model lint`` and ``model pages``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from knockon.cli.moving import export_full
from knockon.cli.options import AsOf, Json, StoreUrl, answered, model_of, print_json, settings, writing_to
from knockon.errors import BadUsage
from knockon.schema.wording import counted

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Edge, Entity, Scan


def export(
    output: Annotated[Literal["json"], typer.Option("--format", help="How to write it.")] = "json",
    as_of: AsOf = None,
    out: Annotated[Path | None, typer.Option(help="A file; else standard output.", show_default=False)] = None,
    full: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Instead: write everything that the store keeps to this file, for `knockon import`.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Write all entities and relationships, at one revision; or a backup of everything with --full."""
    import orjson

    if full is not None:
        if as_of is not None or out is not None:
            raise BadUsage(
                "A full export is of the newest revision, and goes to its file: leave out --as-of and --out."
            )
        export_full(full, as_json, store)
        return

    scan = answered(store, lambda estate: estate.store.scan(estate.model.concrete("Entity")), as_of)
    assert output == "json"
    whole = {
        "revision": scan.revision,
        "entities": [entity_json(each) for each in sorted(scan.entities, key=lambda e: e.order)],
        "relationships": edges_json(scan),
    }
    content = orjson.dumps(whole, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        with writing_to(out):
            out.write_bytes(content)


def entity_json(entity: Entity) -> dict[str, Any]:
    """Give the exported form of an entity."""
    attributes = {name: value for name, value in entity.attributes.items() if name != "name"}
    return {"id": entity.id, "class": entity.class_name, "name": entity.name, **attributes}


def edges_json(scan: Scan) -> list[dict[str, Any]]:
    """Give the exported form of all relationships, in the order of their ends."""
    orders = {entity.id: entity.order for entity in scan.entities}

    def place(edge: Edge) -> tuple[str, str, str, str]:
        kind, source, target, group = edge.key
        return (orders[source], kind, orders[target], group)

    return [
        {"from": e.key.source_id, "type": e.key.type_name, "to": e.key.target_id, **e.attributes}
        for e in sorted(scan.edges, key=place)
    ]


def lint(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="An organisation's model files, checked together with the shipped ones.", metavar="FILE"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the model and name file and line of every mistake; exit code 1 if there is one."""
    from knockon.schema.installed import shipped_files
    from knockon.schema.lint import mistakes

    extra = files or list(settings().model)
    found = mistakes([*shipped_files(), *extra])
    if as_json:
        print_json([{"file": each.file, "line": each.line, "message": each.message} for each in found])
    else:
        for each in found:
            typer.echo(str(each))
        if len(found) > 1:
            said = f"{len(found)} mistakes. Mend these and look again: what rests on them is checked then."
        else:
            said = "1 mistake. Mend it and look again: what rests on it is checked then." if found else "No mistakes."
        typer.echo(said, err=True)
    if found:
        raise typer.Exit(1)


def pages(out: Annotated[Path, typer.Option(help="The folder that gets the pages.")]) -> None:
    """Write the reference of the model as Markdown pages, your own model files included."""
    from knockon.schema.installed import shipped_files
    from knockon.schema.pages import pages as made
    from knockon.schema.source import read_sources

    found = settings()
    model = model_of(found)
    written = made(model, read_sources([*shipped_files(), *found.model]))
    with writing_to(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (out / name).write_text(text, encoding="utf-8", newline="\n")
    typer.echo(f"{counted(len(written), 'page')} in {out}", err=True)
