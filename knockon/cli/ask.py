"""Questions to the graph: ``impact`` and ``supports``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from knockon.cli.options import AsOf, Json, StoreUrl, answered, print_json
from knockon.errors import BadUsage, ReferenceAmbiguous, ReferenceNotFound

if TYPE_CHECKING:
    from knockon.impact.topologies import Topologies
    from knockon.itsm.answer import ImpactAnswer

SeedState = Literal["down", "degraded", "removed"]
Format = Literal["table", "json", "mermaid", "dot", "graphml", "csv"]
_STATES = ("down", "degraded", "removed")


def impact(
    refs: Annotated[
        list[str],
        typer.Argument(
            metavar="REF[=STATE]...",
            help="What fails: an id, Class:name, source:key, or a name that one thing has; "
            "=down, =degraded or =removed behind it sets its own state.",
            show_default=False,
        ),
    ],
    state: Annotated[SeedState, typer.Option(help="The state of each REF that has none of its own.")] = "down",
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="REF=operational", help="Known to be fine, whatever it depends on.", show_default=False),
    ] = None,
    given: Annotated[
        Literal["none", "open"],
        typer.Option(help="What else is the case: nothing, or the effects of open incidents and changes under way."),
    ] = "none",
    as_of: AsOf = None,
    max_distance: Annotated[
        int | None,
        typer.Option(min=1, help="Show only what is at most so many steps away; all is computed.", show_default=False),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Leave a relationship type out of this analysis.", show_default=False),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """What breaks if these fail: services, states, survivors, and why."""
    from knockon.itsm.answer import impact_json
    from knockon.itsm.blast_radius import Ask, blast_radius

    output = _one_format(output, as_json)
    asks = [Ask(*_reference_and_state(ref, state)) for ref in refs]
    pins = [_pin(each) for each in assume or []]

    async def ask(topologies: Topologies) -> ImpactAnswer:
        try:
            return await blast_radius(
                topologies, asks, given=given, assume=pins, max_distance=max_distance, exclude=exclude or []
            )
        except ReferenceNotFound:
            await _refuse_states(topologies, [each.reference for each in asks])
            raise

    answer = answered(store, ask, as_of)
    if output == "json":
        print_json(impact_json(answer))
    elif output != "table":
        from knockon.itsm.drawing import WRITERS
        from knockon.itsm.drawn import impact_drawing

        typer.echo(WRITERS[output](impact_drawing(answer)), nl=False)
    else:
        from knockon.cli.tables import print_impact

        print_impact(answer)


def supports(
    ref: Annotated[str, typer.Argument(metavar="REF", help="An id, Class:name, source:key, or a name.")],
    as_of: AsOf = None,
    output: Annotated[Format, typer.Option("--format", help="How to print the answer.")] = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Which services something supports at all, also where redundancy hides the impact."""
    from knockon.itsm import blast_radius
    from knockon.itsm.answer import supports_json

    output = _one_format(output, as_json)

    answer = answered(store, lambda topologies: blast_radius.supports(topologies, ref), as_of)
    if output == "json":
        print_json(supports_json(answer))
    elif output != "table":
        from knockon.itsm.drawing import WRITERS
        from knockon.itsm.drawn import supports_drawing

        typer.echo(WRITERS[output](supports_drawing(answer)), nl=False)
    else:
        from knockon.cli.tables import print_supports

        print_supports(answer)


def _one_format(output: Format, as_json: bool) -> Format:
    if as_json and output not in ("table", "json"):
        raise BadUsage(f"--json and --format {output} contradict each other; choose one.")
    return "json" if as_json else output


def _reference_and_state(text: str, default: str) -> tuple[str, str]:
    """Take ``REF=STATE`` apart; a name may hold ``=`` itself, so only a state behind the last one counts."""
    reference, equals, behind = text.rpartition("=")
    return (reference, behind.lower()) if equals and behind.lower() in _STATES else (text, default)


async def _refuse_states(topologies: Topologies, references: list[str]) -> None:
    """Say that a word behind ``=`` is no state, where only what stands before it is the name of something."""
    for text in references:
        reference, equals, behind = text.rpartition("=")
        if equals and reference and not await _known(topologies, text) and await _known(topologies, reference):
            raise BadUsage(f"{text}: {behind!r} is no state; use down, degraded or removed.")


async def _known(topologies: Topologies, reference: str) -> bool:
    from knockon.cmdb.lookup import find

    try:
        await find(topologies.store, topologies.model, reference)
    except ReferenceNotFound:
        return False
    except ReferenceAmbiguous:
        return True
    return True


def _pin(text: str) -> str:
    reference, _, behind = text.rpartition("=")
    if behind != "operational" or not reference:
        raise BadUsage(f"--assume takes REF=operational, not {text!r}.")
    return reference
