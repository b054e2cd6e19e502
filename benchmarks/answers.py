"""Measures whole answers of impact, as a person or the API gets them: names, causes, paths and roll-up, and the JSON.

    python benchmarks/answers.py [--items 10000] [--store URL] [--affected 1000]

The estate is the sample one, loaded for this into a file of its own, or the one that ``--store`` names. Asked about are
the CIs whose failure comes nearest to affecting so many: for the first time since the process began; after a write that
touched nothing of the answer, when most of what was read before is recalled; again at the same revision, when all of it
is; and again with its JSON, which words what is affected. Against the answer stand, in the same run: the engine alone
(states, distances, paths), and reading the affected CIs by id out of the store and writing them as JSON, which is what
any program would have to do that has their ids already.

What is timed is processor time of the whole process, the median of some runs, since machines are shared. Store calls
are counted: there must be no more of them for many affected CIs than for few.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.rivals.machine import machine
from knockon import loaders, sample
from knockon.cli.main import COLLECT_AFTER
from knockon.cmdb.loading.load import load
from knockon.cmdb.stores import opened, store_at
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.topology.topologies import Topologies
from knockon.itsm.blast_radius.answer_json import impact_json
from knockon.itsm.blast_radius.blast_radius import blast_radius
from knockon.itsm.blast_radius.question import Ask
from knockon.schema.installed import installed_model
from knockon.schema.states import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from knockon.cmdb.contract.store import Store
    from knockon.impact.topology.topologies import View
    from knockon.schema.model import Model

RUNS = 7
CANDIDATES = 2_000


class Counted:
    """A store whose calls are counted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if callable(found):
            self.calls[name] += 1
        return found


class Standing(Topologies):
    """Topologies that stand at one view, whatever the store says."""

    def __init__(self, shared: Topologies, view: View) -> None:
        super().__init__(shared.store, shared.model)
        self._view = view

    async def current(self, *_: object, **__: object) -> View:
        """Give the view."""
        return self._view


async def sampled(model: Model, url: str, folder: Path, items: int) -> None:
    """Load the sample estate."""
    print(f"loading the sample estate of {items:,} CIs ...", file=sys.stderr)
    sample.write(folder, size=items, seed=1, as_of=sample.AS_OF)
    async with opened(store_at(url, model)) as store:
        await load(store, model, loaders.read([folder], model=model).items, source="sample", actor="benchmark")


def nearest(view: View, wanted: int) -> list[str]:
    """Find the three CIs whose failure affects nearest to so many, among those that most others need directly."""
    topology = view.topology
    ranked = np.argsort(-np.diff(topology.graph.start), kind="stable")[:CANDIDATES].tolist()
    sizes = {topology.ids[each]: evaluate(topology, {topology.ids[each]: State.DOWN}).size for each in ranked}
    return sorted(sizes, key=lambda id_: abs(sizes[id_] - 1 - wanted))[:3]


async def median_cpu(work: Callable[[], Awaitable[Any]]) -> tuple[float, Any]:
    """Do it once unmeasured, then some times; give the median of its seconds of processor time, and what it gave."""
    found = await work()
    times = []
    for _ in range(RUNS):
        before = time.process_time()
        found = await work()
        times.append(time.process_time() - before)
    return sorted(times)[RUNS // 2], found


async def measure(model: Model, url: str, wanted: int) -> None:
    """Ask about the CIs that affect nearest to so many."""
    async with opened(store_at(url, model)) as plain:
        store: Any = Counted(plain)
        topologies = Topologies(store, model)
        before = time.process_time()
        view = await topologies.current()
        built = time.process_time() - before
        arcs = len(view.topology.graph.consumer)
        print(f"{len(view.topology.ids):,} CIs, {arcs:,} arcs: topology from the store in {built:.2f} s")
        for id_ in nearest(view, wanted):
            await ask(topologies, view, store, id_)


async def ask(topologies: Topologies, view: View, store: Any, id_: str) -> None:
    """Time the whole answer about one CI, and what stands against it."""

    async def first() -> Any:
        store.calls.clear()
        view.memory.known.clear()
        return await blast_radius(topologies, [Ask(id_)])

    async def written_to() -> Any:
        later = replace(view, memory=view.memory.after(frozenset({"something else"})))
        return await blast_radius(Standing(topologies, later), [Ask(id_)])

    async def again() -> Any:
        return await blast_radius(topologies, [Ask(id_)])

    async def written() -> bytes:
        return orjson.dumps(impact_json(await blast_radius(topologies, [Ask(id_)])))

    async def engine() -> None:
        found = evaluate(view.topology, {id_: State.DOWN})
        for each in found.settled():
            found.path(each)

    async def read() -> bytes:
        entities = await store.entities(ids)
        return orjson.dumps([[each.id, each.class_name, each.name, each.attributes] for each in entities.values()])

    taken, answer = await median_cpu(first)
    calls = store.calls.total()
    ways = (("after a write", written_to), ("again", again), ("again, with JSON", written))
    others = {name: (await median_cpu(work))[0] for name, work in ways}
    ids = [each.ci.id for each in answer.affected]
    seed = view.entities[id_]
    print(f"\n{seed.class_name} {seed.name}: {len(ids):,} affected, {len(answer.services):,} of them services")
    references = {name: (await median_cpu(work))[0] for name, work in (("engine", engine), ("reading by id", read))}
    said = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in references.items())
    print(f"  references: {said}")
    for name, seconds in ({f"first, {calls} store calls": taken} | others).items():
        times = ", ".join(f"{seconds / other:.1f} times {each}" for each, other in references.items())
        print(f"  {name:<24}{seconds * 1000:>8.1f} ms: {times}")


async def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=10_000, help="CIs of the sample estate")
    parser.add_argument("--store", help="an estate that is there already, instead")
    parser.add_argument("--affected", type=int, default=1_000, help="how many CIs the answers should be about")
    options = parser.parse_args()
    gc.set_threshold(*COLLECT_AFTER)  # as the command does
    model = installed_model()
    print(f"on {machine()}")
    async with AsyncExitStack() as stack:
        url = options.store
        if not url:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = f"sqlite://{folder}/estate.db"
            await sampled(model, url, folder / "estate", options.items)
        await measure(model, url, options.affected)


if __name__ == "__main__":
    asyncio.run(main())
