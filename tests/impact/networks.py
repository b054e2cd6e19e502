"""Random networks and failures for the laws, and short ways to write networks by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, product
from math import prod
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from knockon.impact.topology.network import Dependency, Item, Network
from knockon.schema.states import IDENTITY, EffectMap, State, effect_map, is_monotone_and_reductive

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


# At random: each item and edge is drawn as one number, for drawing is what these tests spend their time on

WRITTEN = ["1", "2", "3", "4", "5", "9", "1%", "25%", "33%", "34%", "50%", "51%", "67%", "99%", "100%"]
THRESHOLDS = [None] * 45 + WRITTEN
EFFECTS = [IDENTITY] * 3 * len(EFFECT_MAPS) + EFFECT_MAPS


def choices(*lists: Sequence[Any]) -> SearchStrategy[list[Any]]:
    """One of each list, as the digits of one number; smaller numbers choose from the front, the last list first."""

    def chosen(number: int) -> list[Any]:
        found = []
        for values in lists:
            number, place = divmod(number, len(values))
            found.append(values[place])
        return found

    return st.integers(0, prod(map(len, lists)) - 1).map(chosen)


SETTINGS = choices([None, "g", "h"], THRESHOLDS, THRESHOLDS, THRESHOLDS, THRESHOLDS)


@cache
def needs_of_one(size: int) -> SearchStrategy[list[Dependency]]:
    """Dependencies of one of ``size`` items on others of them, plain or all in one group."""

    def dependencies(drawn: tuple[list[Any], list[list[Any]]]) -> list[Dependency]:
        (consumer, group), members = drawn
        return [
            Dependency(
                f"i{consumer:02}", f"i{(consumer + step) % size:02}", effect, group, weight, min_up, full_up,
                type_name, is_reversed,
            )
            for step, type_name, is_reversed, weight, effect, min_up, full_up in members
        ]  # fmt: skip

    member = choices(
        range(1, size), ["DEPENDS_ON", "MEMBER_OF"], [False, True], [1, 1, 2, 3, 4], EFFECTS, THRESHOLDS, THRESHOLDS
    )
    consumer = choices(range(size), [None, "g", "g", "h"])
    return st.tuples(consumer, st.lists(member, min_size=1, max_size=5)).map(dependencies)


@st.composite
def networks(draw: DrawFn, max_items: int = 12) -> Network:
    """1 to ``max_items`` items with cycles, parallel edges and several groups; nothing supplies itself."""
    size = draw(st.integers(1, max_items))
    turn, flip = draw(choices(range(size), [False, True]))
    orders = [(turn - index if flip else index + turn) % size for index in range(size)]
    items = [Item(f"i{index:02}", f"{order:02}", *draw(SETTINGS)) for index, order in enumerate(orders)]
    if size == 1:
        return Network(items)
    drawn = draw(st.lists(needs_of_one(size), min_size=draw(st.integers(0, size)), max_size=2 * size))
    return Network(items, list(chain.from_iterable(drawn)))


@st.composite
def cases(draw: DrawFn, max_items: int = 12) -> Case:
    network = draw(networks(max_items))
    ids = st.sampled_from([item.id for item in network.items])
    seeds = draw(st.dictionaries(ids, st.sampled_from([State.DOWN, State.DEGRADED]), max_size=4))
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


def large_case(size: int, seed: int) -> Case:
    """A network of many items, three dependencies each, most of them grouped, long ways and cycles between them."""
    random, effects = Random(seed), EFFECT_MAPS + 7 * [IDENTITY]
    ids = [f"i{number:06}" for number in range(size)]
    items = [Item(name, order=name, own_group="g", min_up=random.choice(THRESHOLDS)) for name in ids]
    edges = [
        Dependency(
            ids[number], ids[(number + random.randint(1, 30)) % size], random.choice(effects),
            random.choice([None, "g", "g", "h"]), weight=random.randint(1, 4),
        )
        for number in range(size)
        for _ in range(3)
    ]  # fmt: skip
    seeds = {name: random.choice([State.DOWN, State.DEGRADED]) for name in random.sample(ids, size // 25)}
    pins = frozenset(random.sample(ids, size // 100)) - seeds.keys()
    return Case(Network(items, edges), seeds, pins)
