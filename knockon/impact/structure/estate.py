"""What the failure of each item by itself does: the whole estate, in chunks, on whatever runs them."""

from __future__ import annotations

import hashlib
import json
import pickle
from concurrent.futures import as_completed
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from knockon import __version__
from knockon.impact.propagation.evaluation import WORST_FIRST, evaluate
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from knockon.impact.topology.topology import Topology

CHUNK = 500
"""Items in a chunk: half a second or so of work, so that a stopped run loses little and handing out costs little."""


COMPILE_ABOVE = 5_000
"""Items above which the compiled kernel answers: so many questions repay what compiling costs each process."""


class Radius(NamedTuple):
    """What the failure of one item does: how many others are in each state, and which services, itself included.

    Services are in the order of the items.
    """

    id: str
    down: int
    degraded: int
    at_risk: int
    services_down: list[str]
    services_degraded: list[str]
    services_at_risk: list[str]


def radii(
    topology: Topology,
    services: Collection[str],
    executor: Executor,
    folder: Path,
    *,
    done: Path | None = None,
    revision: int = 0,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> list[Radius]:
    """Fail every item by itself; give what each does, in order of the items. The same whatever the executor.

    Parameters
    ----------
    executor
        Runs the chunks. Its workers read the topology from a file in ``folder``, each once.
    folder
        Where that file is written: one that the workers can read.
    done
        A file that keeps finished chunks: those of this revision of this topology are not computed again.
        Anything else in it is overwritten.
    progress
        Called with how many items are done, and how many there are.
    """
    mark = fingerprint(topology, services)
    shared = folder / f"topology-{mark[:16]}.pickle"  # workers keep what they read, by name
    shared.write_bytes(pickle.dumps((topology, sorted(services))))
    chunks = [topology.ids[first : first + CHUNK] for first in range(0, len(topology.ids), CHUNK)]
    kept = _Kept(done, f"{revision} {mark}") if done else None
    found: dict[int, list[Radius]] = dict(kept.chunks()) if kept else {}
    futures = {
        executor.submit(radii_of, str(shared), list(ids)): number
        for number, ids in enumerate(chunks)
        if number not in found
    }
    try:
        progress(sum(map(len, found.values())), len(topology.ids))
        for future in as_completed(futures):
            number = futures[future]
            found[number] = [Radius(*row) for row in future.result()]
            if kept:
                kept.add(number, found[number])
            progress(sum(map(len, found.values())), len(topology.ids))
    finally:
        for future in futures:
            future.cancel()
    return [row for number in range(len(chunks)) for row in found[number]]


def radii_of(shared: str, ids: Sequence[str]) -> list[Radius]:
    """Compute one chunk, in a worker."""
    topology, serves = _read(shared)
    return [_radius(topology, serves, each) for each in ids]


@lru_cache(maxsize=1)
def _read(shared: str) -> tuple[Topology, Any]:
    """Read the topology, and for each item whether it is a service."""
    with open(shared, "rb") as file:  # noqa: PTH123 - a worker gets a plain text
        topology, services = pickle.load(file)  # noqa: S301 - written by the run that this worker works for
    serves = np.zeros(len(topology.ids), bool)
    serves[[topology.index(each) for each in services if each in topology]] = True
    return topology, serves


def _radius(topology: Topology, serves: Any, item_id: str) -> Radius:
    compiled = True if len(topology.ids) > COMPILE_ABOVE else None
    found = evaluate(topology, {item_id: State.DOWN}, compiled=compiled)
    own = found.state(item_id)
    hit = [found.numbers(state) for state in WORST_FIRST]
    counts = [len(numbers) - (state is own) for state, numbers in zip(WORST_FIRST, hit, strict=True)]
    served = [[topology.ids[each] for each in sorted(numbers[serves[numbers]].tolist())] for numbers in hit]
    return Radius(item_id, counts[0], counts[1], counts[2], served[0], served[1], served[2])


def fingerprint(topology: Topology, services: Collection[str]) -> str:
    """Tell topologies apart that give other answers, also those of other stores and versions."""
    digest = hashlib.sha256(f"{__version__} {CHUNK}".encode())
    for names in (topology.ids, sorted(services)):
        digest.update(json.dumps(list(names)).encode())
    for column in topology.graph:
        digest.update(np.asarray(column).tobytes())
    return digest.hexdigest()


class _Kept:
    """Finished chunks in a file: a line says of what they are, then a line for each. A torn line counts as none."""

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._found = dict(_lines(path, key))
        # written anew, so that nothing is added behind a torn line
        with path.open("w") as file:
            file.write(json.dumps(key) + "\n")
            file.writelines(json.dumps([number, rows]) + "\n" for number, rows in self._found.items())

    def chunks(self) -> dict[int, list[Radius]]:
        """Give what was finished before."""
        return self._found

    def add(self, number: int, rows: list[Radius]) -> None:
        """Keep one more."""
        with self._path.open("a") as file:
            file.write(json.dumps([number, rows]) + "\n")


def _lines(path: Path, key: str) -> Iterator[tuple[int, list[Radius]]]:
    if not path.exists():
        return
    with path.open() as file:
        try:
            if json.loads(file.readline()) != key:
                return
            for line in file:
                number, rows = json.loads(line)
                yield number, [Radius(*row) for row in rows]
        except ValueError:  # torn, or not ours
            return
