"""What a change would do, in few words: short enough to be told to whoever keeps the change, and to be compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from knockon.impact.topology.one_revision import OneRevision
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.itsm.context.effects import declared_effects
from knockon.itsm.decisions.risk import change_risk
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.topologies import Topologies
    from knockon.itsm.blast_radius.answer import ImpactAnswer
    from knockon.itsm.decisions.risk import Risk


CHANGE = "Change"


@dataclass(frozen=True, slots=True)
class Judged:
    """A change, judged: its risk, and what its declared effects would do; None where it declares none."""

    risk: Risk
    impact: ImpactAnswer | None
    known: bool
    """Whether anything that it works on is known: else there is no telling what it would do."""

    @property
    def verdict(self) -> dict[str, Any]:
        """Give what matters of it, as JSON values: the level, None where nothing is known, and what would be worse."""
        services = self.impact.services if self.impact else ()
        return {
            "level": self.risk.level if self.known else None,
            "services": sorted([each.ci.class_name, each.ci.name, each.state.name] for each in services),
        }

    def as_json(self) -> dict[str, Any]:
        """Give all of it but the answer of the impact, as JSON values."""
        return {**self.verdict, "score": self.risk.score, "factors": [asdict(each) for each in self.risk.factors],
                "missing": list(self.risk.missing)}  # fmt: skip


async def judged(topologies: Topologies, change: Entity) -> Judged:
    """Judge a change by the effects that it declares, at the newest revision."""
    topologies = OneRevision(topologies, topologies.store)  # the risk and what it comes from belong together
    effects: dict[str, State] = {}
    declared = await declared_effects(topologies.store, topologies.model, [change])
    for each in declared:
        if each.state > State.OPERATIONAL and not each.pin:
            effects[each.item_id] = max(each.state, effects.get(each.item_id, State.OPERATIONAL))
    asks = [Ask(id_, "down" if state == State.DOWN else "degraded") for id_, state in sorted(effects.items())]
    impact = await blast_radius(topologies, asks) if asks else None
    return Judged(await change_risk(topologies, change), impact, known=bool(declared))
