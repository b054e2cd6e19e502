"""``baseline`` and ``drift``: names for revisions, and what differs from them or from a source."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from knockon.cli.options import Json, StoreUrl, asked, me, print_json
from knockon.errors import BadUsage
from knockon.schema.wording import LISTED, unknown

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Baseline
    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

    T = TypeVar("T")

commands = typer.Typer(help="Names for revisions, to compare the estate with later.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME", help="The baseline's name.")]


@commands.command("create")
def baseline_create(
    name: Name,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="T", help="A revision number or a time; else the newest revision.", show_default=False),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why, for those who read it later.", show_default=False)] = None,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Give a revision a name."""
    from knockon.cmdb.stewardship import baselines

    row = asked(
        store, lambda opened, model: baselines.create(opened, model, name, by=me(), as_of=as_of, reason=reason or "")
    )
    _say(row, f"{name} is revision {row.revision}.", as_json=as_json)


@commands.command("list")
def baseline_list(as_json: Json = False, store: StoreUrl = None) -> None:
    """List all baselines, who named them, when and why."""
    from knockon.cli.drift_tables import print_baselines

    async def read(opened: Store, _model: Model) -> list[Baseline]:
        return await opened.baselines()

    found = asked(store, read)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        print_baselines(found)


@commands.command("delete")
def baseline_delete(name: Name, as_json: Json = False, store: StoreUrl = None) -> None:
    """Forget a name; the revision stays."""
    from knockon.cmdb.stewardship import baselines

    row = asked(store, lambda opened, model: baselines.delete(opened, model, name, by=me()))
    _say(row, f"{name} was revision {row.revision}; the name is free.", as_json=as_json)


def drift(
    baseline: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A baseline, a revision number, or a time.", show_default=False),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(metavar="S", help="Instead: what is not as this source says now.", show_default=False),
    ] = None,
    class_name: Annotated[
        str | None,
        typer.Option("--class", metavar="CLASS", help="Only things of this class or below.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many differences to show at most.")] = 200,
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """What differs from a named baseline, or from what a source says now."""
    from knockon.cli.drift_tables import print_drift

    if (baseline is None) == (source is None):
        raise BadUsage("Name a baseline, a revision or a time; or give --source.")

    async def work(opened: Store, model: Model) -> dict[str, Any]:
        if class_name is not None and class_name not in model.classes:
            raise BadUsage(unknown("class", class_name, model.classes, LISTED))
        if source is not None:
            return await _from_source(opened, model, source, class_name, limit)
        return await _since(opened, model, baseline or "", class_name, limit)

    found = asked(store, work)
    if as_json:
        print_json(found)
    else:
        print_drift(found)


async def _since(store: Store, model: Model, name: str, class_name: str | None, limit: int) -> dict[str, Any]:
    from collections import Counter

    from knockon.cmdb.past.drift import difference_json, drift_since
    from knockon.cmdb.stewardship.baselines import moment_named

    moment = await moment_named(store, name)
    found = await drift_since(store, model, moment.revision, class_name=class_name)
    counts = Counter(("entities" if each.other is None else "relationships", each.change) for each in found.differences)
    return {
        "baseline": name,
        "since": found.since,
        "writtenAt": moment.at,
        "revision": found.revision,
        **{
            kind: {change: counts[kind, change] for change in ("created", "changed", "retired")}
            for kind in ("entities", "relationships")
        },
        "differences": [difference_json(each) for each in found.differences[:limit]],
        "truncated": len(found.differences) > limit,
    }


async def _from_source(store: Store, model: Model, source: str, class_name: str | None, limit: int) -> dict[str, Any]:
    from collections import Counter

    from knockon.cmdb.past.source_drift import contradiction_json, drift_from_source

    found = await drift_from_source(store, model, source, class_name=class_name)
    counts = Counter(each.how for each in found.differences)
    return {
        "source": source,
        "records": found.records,
        "relationships": found.relationships,
        "differing": len(found.differences),
        **{how: counts[how] for how in ("otherwise", "lacking", "unseen")},
        "differences": [contradiction_json(each) for each in found.differences[:limit]],
        "truncated": len(found.differences) > limit,
    }


def _say(row: Baseline, sentence: str, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(row))
    else:
        typer.echo(sentence)
