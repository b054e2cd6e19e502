"""What the kernel promises beyond right answers: which are the oracle's business."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from knockon.impact.propagation import kernel
from knockon.impact.propagation.evaluation import Evaluation, evaluate
from knockon.impact.topology.network import Dependency, Network
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.impact.networks import large_case, needs, network_of


def image(found: Evaluation) -> list[tuple[object, ...]]:
    return [
        (item, found.state(item), found.distance(item), [(e.supplier, e.type_name) for e in found.path(item)])
        for item in found.settled()
    ]


def test_importing_the_engine_and_asking_a_small_estate_does_not_import_numba() -> None:
    program = """
import sys
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.topology import supports; from knockon.impact.topology import topologies
from knockon.impact.topology.network import Dependency, Item, Network
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
topology = Topology.of(Network([Item("a", "a"), Item("b", "b")], [Dependency("a", "b")]))
assert evaluate(topology, {"b": State.DOWN}).state("a") is State.DOWN
assert [each.id for each in supports.supported(topology, ["b"], ["a"])] == ["a"]
assert "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_where_nothing_can_be_kept_the_kernel_compiles_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba  # noqa: PLC0415 - only this test needs it here

    def unkept(*functions: Any, cache: bool = False, **options: Any) -> Any:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return real(*functions, **options)

    real: Any = numba.njit
    monkeypatch.setattr(numba, "njit", unkept)
    made = kernel.compiled.__wrapped__()
    topology = Topology.of(network_of(*needs("a", "b")))
    scratch = kernel.scratch_for(2, 0)
    given = np.array([topology.index("b") * kernel.STRIDE + kernel.DOWN], np.int64)
    assert made["settle"](tuple(topology.graph), tuple(scratch), kernel.STRIDE, given) == (2, 0)


@pytest.mark.parametrize("fast", [False, True])
def test_a_used_scratch_answers_as_a_fresh_one(*, fast: bool) -> None:
    case = large_case(300, 5)
    used = Topology.of(case.network)
    for item in case.network.items[:100]:
        again = evaluate(used, {item.id: State.DOWN}, compiled=fast)
        fresh = evaluate(Topology.of(case.network), {item.id: State.DOWN}, compiled=fast)
        assert image(again) == image(fresh)
        assert again.survivors() == fresh.survivors()
    assert len(used.pools[fast]) == 1


@pytest.mark.parametrize("fast", [False, True])
def test_a_trace_that_is_asked_for_late_is_the_same_and_leaves_nothing_behind(*, fast: bool) -> None:
    """A group that is put back into another scratch must not count as met by a later query on that one."""
    case = large_case(300, 7)
    seeds = [item.id for item in case.network.items[:40]]
    wanted = [image(evaluate(Topology.of(case.network), {seed: State.DOWN}, compiled=fast)) for seed in seeds]
    topology = Topology.of(case.network)
    late = [evaluate(topology, {seed: State.DOWN}, compiled=fast) for seed in seeds]
    graph, scratch, _ = topology.pools[fast].pop()
    del graph, scratch  # what was settled is traced on another scratch, whose count of queries begins anew
    for number, found in enumerate(late):
        assert image(found) == wanted[number]
        assert image(evaluate(topology, {seeds[-1 - number]: State.DOWN}, compiled=fast)) == wanted[-1 - number]


def test_answers_stay_as_they_are_when_others_are_asked_at_the_same_time() -> None:
    case = large_case(400, 6)
    topology = Topology.of(case.network)
    seeds = [item.id for item in case.network.items[:60]]
    alone = [image(evaluate(topology, {seed: State.DOWN}, compiled=True)) for seed in seeds]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda seed: evaluate(topology, {seed: State.DOWN}, compiled=True), seeds))
    assert [image(found) for found in together] == alone


def test_a_chain_as_long_as_the_estate_is_followed_to_its_end() -> None:
    length = 50_000
    ids = [f"i{number:07}" for number in range(length)]
    network = network_of(*(Dependency(consumer, supplier) for consumer, supplier in pairwise(ids)))
    found = evaluate(Topology.of(network), {ids[-1]: State.DOWN}, compiled=True)
    assert found.distance(ids[0]) == length - 1
    assert len(found.path(ids[0])) == length - 1


def test_a_leafs_work_does_not_grow_with_the_estate() -> None:
    """Counted, not timed: a question writes to what it touches only."""

    class Counted(list[int]):
        written = 0

        def __setitem__(self, place: Any, value: Any) -> None:
            Counted.written += 1
            super().__setitem__(place, value)

    work = []
    for size in (100, 10_000):
        network = network_of(*needs("a", "leaf"), *(e for n in range(size) for e in needs(f"n{n}", f"n{n + 1}")))
        topology = Topology.of(network)
        graph = tuple(column.tolist() for column in topology.graph)
        scratch = tuple(Counted(each.tolist()) for each in kernel.scratch_for(len(topology.ids), 0))
        Counted.written = 0
        given = [topology.index("leaf") * kernel.STRIDE + kernel.DOWN]
        assert kernel.settle(graph, scratch, kernel.STRIDE, given) == (2, 0)
        kernel.trace(graph, scratch, kernel.STRIDE, given, 2)
        work.append(Counted.written)
    assert work[0] == work[1]


def test_nothing_asked_nothing_settled() -> None:
    for fast in (False, True):
        assert evaluate(Topology.of(Network([])), {}, compiled=fast).settled() == []
        found = evaluate(Topology.of(network_of(*needs("a", "b"))), {"b": State.OPERATIONAL}, compiled=fast)
        assert found.settled() == []
        assert found.state("b") is State.OPERATIONAL


def test_a_scratch_whose_marks_are_used_up_is_replaced() -> None:
    topology = Topology.of(network_of(*needs("a", "b", "c", group="g"), *needs("d", "a")))
    wanted = image(evaluate(topology, {"b": State.DOWN, "c": State.DOWN}, compiled=True))
    graph, scratch, _ = topology.pools[True].pop()
    topology.pools[True].append((graph, scratch, kernel.LAST_BASE))
    for _ in range(2):
        assert image(evaluate(topology, {"b": State.DOWN, "c": State.DOWN}, compiled=True)) == wanted
    ((_, used, base),) = topology.pools[True]
    assert used is not scratch
    assert base == 4 * kernel.STRIDE  # two questions, each settled and then traced
