"""Every item's blast radius: the same whatever runs it, and not computed twice."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any, cast

import pytest
from distributed import Client, LocalCluster
from hypothesis import given, settings

from knockon.impact.structure.estate import CHUNK, Radius, radii
from knockon.impact.topology.topology import Topology
from knockon.schema.states import State
from tests.conftest import scaled
from tests.impact.networks import large_case, networks
from tests.impact.oracle import judge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from knockon.impact.topology.network import Network

SERVICES = {"i000000", "i000007", "i01", "i02"}


class Here(Executor):
    """Runs at once, and counts."""

    def __init__(self) -> None:
        self.ran = 0

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(work(*args, **kwargs))
        self.ran += 1
        return future


@pytest.fixture(scope="module")
def estate() -> Topology:
    return Topology.of(large_case(2 * CHUNK + 50, 3).network)


@pytest.fixture(scope="module")
def expected(estate: Topology, tmp_path_factory: pytest.TempPathFactory) -> list[Radius]:
    return radii(estate, SERVICES, Here(), tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def network_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("networks")


@settings(max_examples=scaled(60))
@given(networks())
def test_a_row_is_what_the_oracle_says_of_that_failure(network_folder: Path, network: Network) -> None:
    services = SERVICES & {item.id for item in network.items}
    found = radii(Topology.of(network), services, Here(), network_folder)
    assert [row.id for row in found] == [item.id for item in sorted(network.items, key=lambda item: item.order)]
    for row in found:
        states = judge(network, {row.id: State.DOWN}, frozenset(), frozenset()).states
        others = [state for each, state in states.items() if each != row.id]
        assert row[1:4] == tuple(others.count(state) for state in (State.DOWN, State.DEGRADED, State.AT_RISK))
        hit = (row.services_down, row.services_degraded, row.services_at_risk)
        for state, names in zip((State.DOWN, State.DEGRADED, State.AT_RISK), hit, strict=True):
            assert names == [row.id for row in found if row.id in services and states[row.id] is state]


@pytest.fixture(params=["thread", "processes", "dask"])
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Executor]:
    if request.param == "thread":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif request.param == "processes":
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
            yield processes
    else:
        with (
            cast("Any", LocalCluster)(
                n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path / "dask")
            ) as cluster,
            cast("Any", Client)(cluster) as client,
        ):
            yield client.get_executor()


def test_every_executor_gives_the_same_rows(
    estate: Topology, expected: list[Radius], executor: Executor, tmp_path: Path
) -> None:
    said: list[tuple[int, int]] = []
    found = radii(estate, SERVICES, executor, tmp_path, progress=lambda *each: said.append(each))
    assert found == expected
    assert said[0] == (0, len(estate.ids))
    assert said[-1] == (len(estate.ids), len(estate.ids))


def test_a_stopped_run_goes_on_where_it_was(estate: Topology, expected: list[Radius], tmp_path: Path) -> None:
    done = tmp_path / "parts"

    def stop(finished: int, _total: int) -> None:
        if finished > CHUNK:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        radii(estate, SERVICES, Here(), tmp_path, done=done, revision=7, progress=stop)
    with done.open("a") as file:
        file.write('[2, [["torn')
    again = Here()
    assert radii(estate, SERVICES, again, tmp_path, done=done, revision=7) == expected
    assert again.ran == 1
    third = Here()
    assert radii(estate, SERVICES, third, tmp_path, done=done, revision=7) == expected
    assert third.ran == 0


@pytest.mark.parametrize(("revision", "services"), [(8, SERVICES), (7, SERVICES - {"i000007"})])
def test_what_was_finished_of_another_estate_is_not_taken(
    estate: Topology, tmp_path: Path, revision: int, services: set[str]
) -> None:
    done = tmp_path / "parts"
    radii(estate, SERVICES, Here(), tmp_path, done=done, revision=7)
    again = Here()
    radii(estate, services, again, tmp_path, done=done, revision=revision)
    assert again.ran == 3
    assert json.loads(done.read_text().splitlines()[0]).startswith(f"{revision} ")
