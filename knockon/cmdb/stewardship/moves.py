"""Which moves from state to state a person may make, by the model and by who keeps the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.errors import EditInvalid, IllegalMove, KeptElsewhere
from knockon.schema.observation import PEOPLE
from knockon.schema.wording import indefinite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from knockon.cmdb.contract.rows import Entity, Record, Values
    from knockon.schema.model import Model
    from knockon.schema.observation import EntityObservation
    from knockon.schema.spec import LifecycleSpec


def lifecycle_of(model: Model, entity: Entity) -> LifecycleSpec:
    """Give the lifecycle that a thing goes through.

    Raises
    ------
    EditInvalid
        It goes through none.
    """
    lifecycle = model.lifecycle(entity.class_name)
    if lifecycle is None:
        raise EditInvalid(
            f"{entity.class_name}:{entity.name} has no state: {indefinite(entity.class_name)} has no lifecycle."
        )
    return lifecycle


def beginning(model: Model, said: EntityObservation) -> Values:
    """Give the attributes of a thing that begins: in its initial state, where there is one only and none is said.

    Raises
    ------
    IllegalMove
        It is said to be in a state that nothing begins in.
    """
    lifecycle = model.lifecycle(said.class_name)
    if lifecycle is None:
        return said.attributes
    state = said.attributes.get(lifecycle.attribute)
    if state is None and len(lifecycle.initial) == 1:
        return {**said.attributes, lifecycle.attribute: lifecycle.initial[0]}
    if state is not None and state not in lifecycle.initial:
        raise IllegalMove(
            f"{indefinite(said.class_name, first=True)} does not begin in {lifecycle.attribute} {state!r}, and "
            "nothing is written. It may "
            f"begin in {', '.join(lifecycle.initial)}, and is moved on from there.",
            lifecycle.initial,
        )
    return said.attributes


def refuse_set(model: Model, entity: Entity, attributes: Iterable[str]) -> None:
    """Refuse to change a state as if it were any attribute.

    Raises
    ------
    EditInvalid
    """
    lifecycle = model.lifecycle(entity.class_name)
    if lifecycle and lifecycle.attribute in attributes:
        raise EditInvalid(
            f"The {lifecycle.attribute} of {entity.class_name}:{entity.name} is not set but moved, from state to state "
            "as its lifecycle allows: use move. Nothing is written."
        )


def refuse_kept(model: Model, entity: Entity, attribute: str, members: Sequence[Record], own: str) -> None:
    """Refuse to move what another source keeps: one that says its state, and is not ranked below the source ``own``.

    Raises
    ------
    KeptElsewhere
    """

    def rank(source: str) -> float:
        found = model.rank(source, entity.class_name, attribute)
        return float("inf") if found is None else found

    sources = {each.source for each in members if each.said.get(attribute) is not None}
    keeping = sorted(each for each in sources if not each.startswith(PEOPLE) and rank(each) <= rank(own))
    if keeping:
        raise kept(entity, attribute, keeping)


def kept(entity: Entity, attribute: str, sources: Sequence[str]) -> KeptElsewhere:
    """Say that a state is kept by other sources."""
    state = entity.attributes.get(attribute)
    return KeptElsewhere(
        f"The {attribute} of {entity.class_name}:{entity.name} ({state}) is kept by {', '.join(sources)}, and "
        "nothing is written. Move it there, and load it from there."
    )


def refuse_illegal(lifecycle: LifecycleSpec, entity: Entity, state: str) -> None:
    """Refuse a move that the lifecycle does not have.

    Raises
    ------
    IllegalMove
        It names the moves that there are.
    """
    now = entity.attributes.get(lifecycle.attribute)
    legal = lifecycle.moves(now)
    if state in legal:
        return
    what = f"{entity.class_name}:{entity.name}"
    is_in = f"{what} has no {lifecycle.attribute} yet" if now is None else f"{what} is in {lifecycle.attribute} {now!r}"
    ways = f"It may be moved to {', '.join(legal)}." if legal else "That is final: no move leads out of it."
    unknown = "" if state in lifecycle.states else f"There is no {lifecycle.attribute} {state!r}. "
    raise IllegalMove(f"{unknown}{is_in}, and is not moved to {state!r}. {ways}", legal)
