"""What is wrong with lifecycles: with the classes that follow them, and with the moves between their states."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from knockon.schema.source import Mistake, ModelSource
    from knockon.schema.spec import AttributeSpec, LifecycleSpec, ModelSpec


def followed(
    source: ModelSource,
    spec: ModelSpec,
    name: str,
    attributes: Mapping[str, AttributeSpec] | None,
    unknown: Callable[..., str],
) -> Iterator[Mistake]:
    """Find what keeps one class from following its lifecycle; ``attributes`` are None where they are not known."""
    followed = spec.classes[name].lifecycle
    if followed is None or followed in source.doubtful:
        return
    lifecycle = spec.lifecycles.get(followed)
    if lifecycle is None:
        message = unknown(name, "lifecycle", followed, spec.lifecycles, "lifecycle")
    elif attributes is None:
        return
    elif (attribute := attributes.get(lifecycle.attribute)) is None:
        message = f"{name}: the lifecycle {followed} needs an attribute {lifecycle.attribute}, and {name} has none."
    elif attribute.many or attribute.type not in {"string", "enum"}:
        message = f"{name}: the lifecycle {followed} needs one string or enum in {lifecycle.attribute}."
    elif attribute.type == "enum" and (lacking := lifecycle.states.keys() - {*attribute.values}):
        message = (
            f"{name}: {lifecycle.attribute} has no value {', '.join(sorted(lacking))} of the lifecycle {followed}."
        )
    else:
        return
    yield source.mistake(message, "classes", name, "lifecycle")


def moves(source: ModelSource, spec: ModelSpec, unknown: Callable[..., str]) -> Iterator[Mistake]:
    """Find moves that lead nowhere."""
    for name, lifecycle in spec.lifecycles.items():
        for state, each in lifecycle.states.items():
            path = ("lifecycles", name, "states", state, "moves")
            for to, count in Counter(each.moves).items():
                if to == state:
                    yield source.mistake(f"{name}.{state}: a move leads to another state.", *path)
                elif to not in lifecycle.states:
                    message = unknown(f"{name}.{state}", "moves", to, lifecycle.states, "state")
                    yield source.mistake(message, *path)
                if count > 1:
                    yield source.mistake(f"{name}.{state}: the move to {to} stands there twice.", *path)


def going(source: ModelSource) -> Iterator[Mistake]:
    """Find lifecycles in which things cannot begin, cannot get everywhere, or get stuck."""
    for name, lifecycle in source.spec.lifecycles.items():
        if not lifecycle.initial:
            message = f"{name}: no state is initial, so nothing can begin."
            yield source.mistake(message, "lifecycles", name, "states")
        reached = _reached(lifecycle) if lifecycle.initial else {*lifecycle.states}
        for state, each in lifecycle.states.items():
            path = ("lifecycles", name, "states", state)
            if each.in_effect and not each.open:
                message = f"{name}.{state}: a state that is in effect must be open."
                yield source.mistake(message, *path, "in_effect")
            if state not in reached:
                message = f"{name}.{state}: it is not initial, and no moves lead here from where things begin."
                yield source.mistake(message, *path)
            if each.open and not each.moves:
                message = f"{name}.{state}: it is open, and no move leads out of it, so it would be for ever."
                yield source.mistake(message, *path)


def _reached(lifecycle: LifecycleSpec) -> set[str]:
    reached: set[str] = set()
    ahead = [*lifecycle.initial]
    while ahead:
        if (state := ahead.pop()) not in reached:
            reached.add(state)
            ahead += [each for each in lifecycle.moves(state) if each in lifecycle.states]
    return reached
