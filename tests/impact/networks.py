"""Random networks and failures for the laws, and short ways to write networks by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from knockon.impact.network import Dependency, Item, Network
from knockon.schema.states import IDENTITY, EffectMap, State, effect_map, is_monotone_and_reductive

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypothesis.strategies import DrawFn, SearchStrategy

SOFT = effect_map({State.DOWN: State.DEGRADED})
EFFECT_MAPS: list[EffectMap] = [
    written
    for a, b, c in product(State, repeat=3)
    if is_monotone_and_reductive(written := (State.OPERATIONAL, a, b, c))
]


@dataclass(frozen=True)
class Case:
    """A network and a question about it; ``removed`` are among the seeds, as DOWN."""

    network: Network
    seeds: dict[str, State]
    pins: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


# By hand


def network_of(*dependencies: Dependency, items: Iterable[Item] = ()) -> Network:
    """A network of these dependencies; an item that is not given is made, its order its id."""
    given = {item.id: item for item in items}
    ids = {end for edge in dependencies for end in (edge.consumer, edge.supplier)}
    return Network([given.get(name) or Item(name, order=name) for name in sorted(ids | given.keys())], dependencies)


def needs(consumer: str, *suppliers: str, **settings: Any) -> list[Dependency]:
    """One dependency of the consumer on each supplier, all with the same settings."""
    return [Dependency(consumer, supplier, **settings) for supplier in suppliers]


# At random: few draws for each item and edge, since drawing is what these tests spend their time on


THRESHOLDS = [None] * 20 + ["1", "2", "3", "4", "5", "9", "1%", "25%", "33%", "34%", "50%", "51%", "67%", "99%", "100%"]
SHAPES = list(
    product(
        [None, "g", "g", "h"], [IDENTITY] * len(EFFECT_MAPS) + EFFECT_MAPS, [1, 2, 3, 4],
        ["DEPENDS_ON", "MEMBER_OF", "RUNS_ON"], [False, True],
    )
)  # fmt: skip


def item_settings() -> SearchStrategy[list[str | None]]:
    """``own_group`` and the four thresholds of an item, as the digits of one number."""

    def digits(number: int) -> list[str | None]:
        number, group = divmod(number, 3)
        found = [[None, "g", "h"][group]]
        for _ in range(4):
            number, place = divmod(number, len(THRESHOLDS))
            found.append(THRESHOLDS[place])
        return found

    return st.integers(0, 3 * len(THRESHOLDS) ** 4 - 1).map(digits)


def dependencies(size: int) -> SearchStrategy[Dependency]:
    """A dependency between two different ones of ``size`` items."""

    def dependency(drawn: tuple[int, tuple[Any, ...], str | None, str | None]) -> Dependency:
        ends, (group, effect, weight, type_name, is_reversed), min_up, full_up = drawn
        consumer, step = divmod(ends, size - 1)
        return Dependency(
            f"i{consumer:02}", f"i{(consumer + step + 1) % size:02}", effect, group, weight, min_up, full_up,
            type_name, is_reversed,
        )  # fmt: skip

    thresholds = st.sampled_from(THRESHOLDS)
    ends = st.integers(0, size * (size - 1) - 1)
    return st.tuples(ends, st.sampled_from(SHAPES), thresholds, thresholds).map(dependency)


@st.composite
def networks(draw: DrawFn, max_items: int = 12) -> Network:
    """1 to ``max_items`` items with cycles, parallel edges and several groups; nothing supplies itself."""
    size = draw(st.integers(1, max_items))
    turn, flip = draw(st.integers(0, size - 1)), draw(st.booleans())
    orders = [(index + turn) % size if flip else (turn - index) % size for index in range(size)]
    items = [Item(f"i{index:02}", f"{order:02}", *draw(item_settings())) for index, order in enumerate(orders)]
    if size == 1:
        return Network(items)
    return Network(items, draw(st.lists(dependencies(size), max_size=3 * size)))


@st.composite
def cases(draw: DrawFn, max_items: int = 12) -> Case:
    network = draw(networks(max_items))
    ids = st.sampled_from([item.id for item in network.items])
    seeds = draw(st.dictionaries(ids, st.sampled_from([State.DOWN, State.DEGRADED]), max_size=3))
    removed = draw(st.frozensets(ids, max_size=1))
    pins = draw(st.frozensets(ids, max_size=2)) - seeds.keys() - removed
    return Case(network, {**seeds, **dict.fromkeys(removed, State.DOWN)}, pins, removed)


@st.composite
def shuffled(draw: DrawFn, case: Case) -> Case:
    """The same case, its items, dependencies and seeds written in another order."""
    network = Network(
        draw(st.permutations(list(case.network.items))), draw(st.permutations(list(case.network.dependencies)))
    )
    return replace(case, network=network, seeds=dict(draw(st.permutations(list(case.seeds.items())))))
