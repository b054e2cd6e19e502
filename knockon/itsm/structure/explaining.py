"""Says in words how well something explains that several CIs are ill."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knockon.impact.structure.common_upstream import ILL
from knockon.itsm.structure.answer import CommonCi
from knockon.itsm.values import Ci

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knockon.impact.structure.common_upstream import Candidate, Effect
    from knockon.impact.topology.topologies import View

NAMED = 3
"""How many of those that are not explained a sentence names before it counts the others."""

NOT_TRIED = "Not tried: the engine had run its limit."


def common_ci(view: View, asked: Sequence[Ci], candidate: Candidate) -> CommonCi:
    """Name a candidate and all that speaks for it and against it."""
    ci, effect = Ci.of(view.entities[candidate.id]), candidate.effect
    if effect is None:
        return CommonCi(ci, candidate.distances, candidate.lowest, None, None, None, None, (), NOT_TRIED)
    examples = tuple(Ci.of(view.entities[each]) for each in effect.examples)
    because = f"{_explains(asked, effect)}; {_others(examples, effect)}."
    return CommonCi(
        ci, candidate.distances, candidate.lowest, effect.explained, effect.states,
        effect.others_down, effect.others_degraded, examples, because,
    )  # fmt: skip


def _explains(asked: Sequence[Ci], effect: Effect) -> str:
    """Say "Explains 2 of 3, not wiki"."""
    left = [ci.name for ci, state in zip(asked, effect.states, strict=True) if state not in ILL]
    if not left:
        return f"Explains all {len(asked)}"
    if len(left) == len(asked):
        return f"Explains none of the {len(asked)}"
    names = left if len(left) <= NAMED else [*left[: NAMED - 1], f"{len(left) - NAMED + 1} more"]
    return f"Explains {effect.explained} of {len(asked)}, not {_listed(names, 'or')}"


def _others(examples: Sequence[Ci], effect: Effect) -> str:
    """Say "2 others would be down and 1 degraded too: a, b and c"."""
    counts = [(effect.others_down, "down"), (effect.others_degraded, "degraded")]
    some = [f"{count} {'other' if count == 1 else 'others'} {word}" for count, word in counts if count]
    if not some:
        return "nothing else would be ill"
    rest = effect.others_down + effect.others_degraded - len(examples)
    names = [*(each.name for each in examples), *([f"{rest} more"] if rest else [])]
    return f"it would also make {' and '.join(some)}: {_listed(names, 'and')}"


def _listed(names: Sequence[str], last: str) -> str:
    *most, end = names
    return f"{', '.join(most)} {last} {end}" if most else end
