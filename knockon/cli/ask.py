"""Questions to the graph: ``impact`` and ``supports``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from knockon.cli.formats import Format, one_format, show
from knockon.cli.options import AsOf, Given, Json, StoreUrl, Window, answered, span_of
from knockon.errors import BadUsage, ReferenceAmbiguous, ReferenceNotFound

if TYPE_CHECKING:
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.blast_radius.answer import ImpactAnswer

SeedState = Literal["down", "degraded", "removed"]
_STATES = ("down", "degraded", "removed")


def impact(
    refs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="REF[=STATE]...",
            help="What fails: an id, Class:name, source:key, or a name that one thing has; "
            "=down, =degraded or =removed behind it sets its own state.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[SeedState, typer.Option(help="The state of each REF that has none of its own.")] = "down",
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="REF=operational", help="Known to be fine, whatever it depends on.", show_default=False),
    ] = None,
    given: Given = "none",
    window: Window = None,
    as_of: AsOf = None,
    max_distance: Annotated[
        int | None,
        typer.Option(min=1, help="Show only what is at most so many steps away; all is computed.", show_default=False),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="TYPE", help="Leave a relationship type out of this analysis.", show_default=False),
    ] = None,
    answer_id: Annotated[
        str | None,
        typer.Option(
            "--answer",
            metavar="ID",
            help="Give the answer with this answerId once more, and ask nothing else.",
            show_default=False,
        ),
    ] = None,
    output: Format = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """What breaks if these fail: services, states, survivors, and why."""
    from knockon.cli.tables import print_impact
    from knockon.itsm.blast_radius.answer_json import impact_json
    from knockon.itsm.blast_radius.blast_radius import answer_again, blast_radius
    from knockon.itsm.blast_radius.drawn import impact_drawing
    from knockon.itsm.blast_radius.question import Ask

    form = one_format(output, as_json)
    asks = [Ask(*_reference_and_state(ref, state)) for ref in refs or []]
    pins = [_pin(each) for each in assume or []]
    span = span_of(window)
    if answer_id is not None and (asks or pins or span or exclude or max_distance or as_of or given != "none"):
        raise BadUsage("--answer says what was asked; leave out everything else but the format.")

    async def ask(topologies: Topologies) -> ImpactAnswer:
        if answer_id is not None:
            return await answer_again(topologies, answer_id)
        try:
            return await blast_radius(
                topologies, asks, given=given, span=span, assume=pins, max_distance=max_distance, exclude=exclude or []
            )
        except ReferenceNotFound:
            await _refuse_states(topologies, [each.reference for each in asks])
            raise

    answer = answered(store, ask, as_of)
    show(
        form, table=lambda: print_impact(answer), json=lambda: impact_json(answer),
        drawing=lambda: impact_drawing(answer),
    )  # fmt: skip


def supports(
    ref: Annotated[str, typer.Argument(metavar="REF", help="An id, Class:name, source:key, or a name.")],
    as_of: AsOf = None,
    output: Format = "table",
    as_json: Json = False,
    store: StoreUrl = None,
) -> None:
    """Which services something supports at all, also where redundancy hides the impact."""
    from knockon.cli.tables import print_supports
    from knockon.itsm.blast_radius import supports as asked
    from knockon.itsm.blast_radius.drawn import supports_drawing

    form = one_format(output, as_json)
    answer = answered(store, lambda topologies: asked.supports(topologies, ref), as_of)
    show(
        form, table=lambda: print_supports(answer), json=lambda: asked.supports_json(answer),
        drawing=lambda: supports_drawing(answer),
    )  # fmt: skip


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
