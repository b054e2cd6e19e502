"""From an incident to the services that it hits, given everything else that is open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from knockon.impact.propagation.explanation import explain
from knockon.impact.topology.supports import supported
from knockon.itsm.context.difference import compare
from knockon.itsm.context.effects import Context, declared_effects, open_records
from knockon.itsm.values import Ci
from knockon.schema.states import State

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Entity
    from knockon.impact.topology.topologies import Topologies


@dataclass(frozen=True, slots=True)
class IncidentService:
    """A service that the incident's CIs support and that is not OPERATIONAL now.

    ``added``: the incident's own CIs make it so; otherwise it was so already by what else is open.
    ``holds``: it is so now; not so for what a resolved or closed incident would add.
    """

    ci: Ci
    state: State
    because: str
    added: bool
    holds: bool


async def affected_services(topologies: Topologies, incident: Entity) -> list[IncidentService]:
    """Tell which services an incident's CIs hit, given the effects of everything else that is open.

    What the incident itself does is taken as if it held now, whatever its state. Services that its CIs
    do not support are left out, however bad they are. Worst first, then distance, class, name.
    """
    store, model = topologies.store, topologies.model
    view = await topologies.current()
    own = await declared_effects(store, model, [incident])
    context = await open_records(store, model, topologies.asked_at(), but={incident.id})
    context.effects += [effect for effect in own if effect.pin]
    seeds: dict[str, State] = {}
    for effect in own:
        if not effect.pin:
            seeds[effect.item_id] = max(effect.state, seeds.get(effect.item_id, State.OPERATIONAL))
    found = compare(view, context, seeds)
    starts = [id_ for id_ in seeds if id_ in view.topology]
    reached = {each.id for each in supported(view.topology, starts, view.services)} | (view.services & set(starts))
    entities = view.entities
    in_effect = model.state_of(incident.class_name, incident.attributes).in_effect

    def because(id_: str) -> str:
        if found.after.explains_itself(id_):
            said = Context(own).because(id_, found.after.state(id_)) or context.because(id_, found.after.state(id_))
            return said or "It is failed by an open record."
        return explain(found.after, id_, lambda each: entities[each].name).text

    hit = [id_ for id_ in found.after.settled() if id_ in reached]
    added = {id_ for id_ in hit if found.after.state(id_) > found.before.state(id_)}
    return [
        IncidentService(
            Ci.of(entities[id_]),
            found.after.state(id_),
            because(id_),
            added=id_ in added,
            holds=in_effect or id_ not in added,
        )
        for id_ in hit
    ]
