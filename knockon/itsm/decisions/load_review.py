"""What a load is about to do to services: the blast radius of what it would retire."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from knockon.errors import ReferenceNotFound
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask

if TYPE_CHECKING:
    from knockon.cmdb.loading.report import LoadReport
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.blast_radius.answer import ImpactAnswer


async def retirements(topologies: Topologies, report: LoadReport) -> ImpactAnswer | None:
    """Tell what is hit if the entities go that a dry run would retire; None if it would retire none.

    They are taken to be removed, all at once, from the estate as it is. What another writer has retired since, or
    joined to something else, is not among them.
    """
    gone = [each.id for each in report.plan or () if each.change == "retire" and each.kind == "entity"]
    while True:
        living = await topologies.store.entities(gone)
        gone = [id_ for id_ in gone if id_ in living and living[id_].id == id_]
        if not gone:
            return None
        with suppress(ReferenceNotFound):  # one was retired just now: the next look finds it gone
            return await blast_radius(topologies, [Ask(id_, "removed") for id_ in gone])
