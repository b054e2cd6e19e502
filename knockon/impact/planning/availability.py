"""How often an item serves, when each thing that it needs fails on its own by chance."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from knockon.impact.propagation.evaluation import evaluate
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from knockon.impact.topology.topology import Topology

ENUMERATED = 15
"""Items that may fail up to which all their combinations, 32,768 at most, are evaluated."""

CONFIDENCE = 0.95
_DRAWN = 2**22  # random numbers at once: 32 MB


@dataclass(frozen=True, slots=True)
class Share:
    """A share of the time, between 0 and 1, with the interval in which it lies with 95 % confidence."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Availability:
    """``up``: the share of time not DOWN; ``full``: the share in full service, AT_RISK included.

    ``involved`` has for each item that was down in some outage in which share of the outages it was;
    several may be at once. ``exact_up`` and ``exact_full`` are None where there are too many combinations.
    """

    samples: int
    up: Share
    full: Share
    exact_up: float | None
    exact_full: float | None
    involved: Mapping[str, float]


def availability(
    topology: Topology,
    item: str,
    own: Mapping[str, float],
    *,
    samples: int,
    seed: int,
    progress: Callable[[int], None] = lambda _done: None,
) -> Availability:
    """Estimate how often an item is up and in full service.

    Parameters
    ----------
    own
        For items that may fail by themselves, the share of time that they are up, between 0 and 1; all
        others never do. Each fails independently of the others.
    samples
        How many moments are drawn at random, at least 1; the width of the interval falls with their root.
    seed
        The same seed draws the same moments.
    progress
        Is told how many samples are done.

    Raises
    ------
    KeyError
        An item is not in the topology.

    Notes
    -----
    Each distinct set of failures is put to the engine once, so that a sample of a good estate costs little
    more than its random numbers. The interval is Wilson's score interval [1]_, which keeps its promise also
    near 0 and 1, where the usual one collapses (as compared in [2]_). Up to 15 items that may fail, the exact value
    is worked out as well, over all combinations.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
       J. Am. Stat. Assoc. 22 (1927) 209-212.
    .. [2] L. D. Brown, T. T. Cai, A. DasGupta, "Interval estimation for a binomial proportion",
       Statistical Science 16 (2001) 101-133.
    """
    failing = sorted((each for each, share in own.items() if share < 1), key=topology.index)
    chance = [1 - own[each] for each in failing]
    engine = _Engine(topology, item)
    states: Counter[State] = Counter()
    down_in_outages: Counter[str] = Counter()
    done = 0
    for failures, count in _draw(chance, samples, seed):
        failed = [failing[each] for each in failures]
        state = engine.state(failed)
        states[state] += count
        if state is State.DOWN:
            down_in_outages.update(dict.fromkeys(failed, count))
        progress(done := done + count)
    exact_up, exact_full = _enumerate(engine, failing, chance) if len(failing) <= ENUMERATED else (None, None)
    down = states[State.DOWN]
    ranked = sorted(down_in_outages, key=lambda each: (-down_in_outages[each], topology.index(each)))
    return Availability(
        samples,
        wilson(samples - down, samples),
        wilson(samples - down - states[State.DEGRADED], samples),
        exact_up,
        exact_full,
        {each: down_in_outages[each] / down for each in ranked},
    )


def wilson(hits: int, samples: int) -> Share:
    """Give the share of hits with Wilson's score interval at 95 %."""
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share = hits / samples
    scale = 1 + z * z / samples
    middle = (share + z * z / (2 * samples)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / samples + z * z / (4 * samples * samples))
    return Share(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)))


class _Engine:
    """The state of one item under sets of failures, each put to the engine once."""

    def __init__(self, topology: Topology, item: str) -> None:
        topology.index(item)
        self._topology = topology
        self._item = item
        self._known: dict[frozenset[str], State] = {}

    def state(self, failed: Iterable[str]) -> State:
        key = frozenset(failed)
        if key not in self._known:
            self._known[key] = evaluate(self._topology, dict.fromkeys(key, State.DOWN)).state(self._item)
        return self._known[key]


def _draw(chance: Sequence[float], samples: int, seed: int) -> Iterable[tuple[tuple[int, ...], int]]:
    """Draw moments; give the sets of what fails, by place, and how often each came in its chunk."""
    random = np.random.Generator(np.random.PCG64(seed))
    limits = np.array(chance)
    size = max(1, _DRAWN // max(1, len(chance)))
    for start in range(0, samples, size):
        count = min(size, samples - start)
        failed = random.random((count, len(chance))) < limits
        some = np.flatnonzero(failed.any(axis=1))
        sets = Counter(tuple(np.flatnonzero(failed[row]).tolist()) for row in some.tolist())
        if len(some) < count:
            yield (), count - len(some)
        yield from sets.items()


def _enumerate(engine: _Engine, failing: Sequence[str], chance: Sequence[float]) -> tuple[float, float]:
    """Sum the probabilities of all combinations in which the item is up, and in full service.

    More failures never help: what is DOWN without one of them is DOWN.
    """
    size = 1 << len(failing)
    states = [State.OPERATIONAL] * size
    for mask in range(size):
        smaller = (mask & ~(1 << bit) for bit in range(len(failing)) if mask >> bit & 1)
        if any(states[each] is State.DOWN for each in smaller):
            states[mask] = State.DOWN
        else:
            states[mask] = engine.state(each for bit, each in enumerate(failing) if mask >> bit & 1)

    def total(worst: State) -> float:
        return math.fsum(
            math.prod(p if mask >> bit & 1 else 1 - p for bit, p in enumerate(chance))
            for mask in range(size)
            if states[mask] <= worst
        )

    return total(State.DEGRADED), total(State.AT_RISK)
