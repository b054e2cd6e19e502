"""Answers as drawings: what they name, and the relationships by which failure comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.itsm.formats.drawing import drawing_of

if TYPE_CHECKING:
    from knockon.itsm.blast_radius.answer import ImpactAnswer
    from knockon.itsm.blast_radius.supports import SupportsAnswer
    from knockon.itsm.formats.drawing import Drawing, Named


def impact_drawing(answer: ImpactAnswer) -> Drawing:
    """Draw what was asked, what it makes worse, each in its state, and the paths between them."""
    seeds: list[Named] = [(each.ci, each.state, f"asked: {each.asked}") for each in answer.seeds]
    affected: list[Named] = [(each.ci, each.state, "") for each in answer.affected]
    return drawing_of([*seeds, *affected], (each.path for each in answer.affected))


def supports_drawing(answer: SupportsAnswer) -> Drawing:
    """Draw what was asked, the services that it supports, and one way to each."""
    services: list[Named] = [(each.ci, None, "") for each in answer.services]
    return drawing_of([(answer.ci, None, "asked"), *services], (each.path for each in answer.services))
