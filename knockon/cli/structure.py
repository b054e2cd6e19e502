"""Questions to the estate as it stands: ``dependencies``, ``paths`` and ``spof``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from knockon.cli.formats import Format, one_format, show
from knockon.cli.options import AsOf, Json, StoreUrl, answered
from knockon.errors import BadUsage

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.structure.answer import CommonAnswer, DependenciesAnswer

Answer = TypeVar("Answer")


def dependencies(
    refs: Annotated[
        list[str],
        typer.Argument(metavar="REF...", help="An id, Class:name, source:key, or a name.", show_default=False),
    ],
    max_distance: Annotated[
        int | None, typer.Option(min=1, help="Show only what is at most so many steps away.", show_default=False)
    ] = None,
    common: Annotated[
        bool,
        typer.Option(
            "--common", help="What at least two of several REFs need: which failure explains best that they are ill."
        ),
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="With --common: how many are tried by the engine; else 20000.", show_default=False),
    ] = None,
    as_of: AsOf = None,
    output: Format = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """What something needs, by which way, and what several things have in common."""
    from knockon.cli.structure_tables import print_common, print_dependencies
    from knockon.impact.structure.single_points import RUNS
    from knockon.itsm.structure import structure
    from knockon.itsm.structure.answer import CommonAnswer, common_json, dependencies_json
    from knockon.itsm.structure.drawn import common_sheet, dependencies_drawing, dependencies_sheet

    if max_distance is not None and common:
        raise BadUsage("--max-distance is for one REF; --common looks at all that they need.")
    if limit is not None and not common:
        raise BadUsage("--limit goes with --common; use --max-distance to shorten the list.")
    if common and output in ("mermaid", "dot", "graphml"):
        raise BadUsage("--common has nothing to draw; use table, json or csv.")
    if not common and len(refs) > 1:
        raise BadUsage("Name one REF, or add --common to ask what several have in common.")

    async def work(topologies: Topologies) -> CommonAnswer | DependenciesAnswer:
        if common:
            return await structure.common_upstream(topologies, refs, limit=limit or RUNS)
        return await structure.dependencies(topologies, refs[0], max_distance=max_distance)

    form = one_format(output, as_json)
    answer = answered(store, work, as_of)
    if isinstance(answer, CommonAnswer):
        show(
            form,
            table=lambda: print_common(answer),
            json=lambda: common_json(answer),
            sheet=lambda: common_sheet(answer),
        )
    else:
        show(
            form, table=lambda: print_dependencies(answer), json=lambda: dependencies_json(answer),
            drawing=lambda: dependencies_drawing(answer), sheet=lambda: dependencies_sheet(answer),
        )  # fmt: skip


def paths(
    one: Annotated[str, typer.Argument(metavar="A", help="An id, Class:name, source:key, or a name.")],
    other: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    limit: Annotated[int, typer.Option(min=1, help="How many paths to show at most.")] = 20,
    max_length: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="All paths of at most so many steps that pass nothing twice; else the shortest.",
            show_default=False,
        ),
    ] = None,
    as_of: AsOf = None,
    output: Format = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """By which ways one thing needs another, in whichever direction there is one."""
    from knockon.cli.structure_tables import print_paths
    from knockon.itsm.structure.answer import paths_json
    from knockon.itsm.structure.drawn import paths_drawing, paths_sheet
    from knockon.itsm.structure.structure import paths_between

    form = one_format(output, as_json)
    answer = answered(
        store, lambda topologies: paths_between(topologies, one, other, limit=limit, max_length=max_length), as_of
    )
    show(
        form, table=lambda: print_paths(answer), json=lambda: paths_json(answer),
        drawing=lambda: paths_drawing(answer), sheet=lambda: paths_sheet(answer),
    )  # fmt: skip


def spof(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="An id, Class:name, source:key, or a name.")],
    limit: Annotated[int, typer.Option(min=1, help="How often the engine may run before the lists are cut.")] = 20_000,
    as_of: AsOf = None,
    output: Format = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Which single failures take a service down, and which redundant things share one fate."""
    from knockon.cli.structure_tables import print_points
    from knockon.itsm.structure.answer import points_json
    from knockon.itsm.structure.drawn import points_drawing, points_sheet
    from knockon.itsm.structure.structure import single_points_of_failure

    form = one_format(output, as_json)
    answer = answered(store, lambda topologies: single_points_of_failure(topologies, service, limit=limit), as_of)
    show(
        form, table=lambda: print_points(answer), json=lambda: points_json(answer),
        drawing=lambda: points_drawing(answer), sheet=lambda: points_sheet(answer),
    )  # fmt: skip
