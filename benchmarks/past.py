"""What the past costs, beside reading the present in the same run.

python benchmarks/past.py [--items 10000]: an estate is loaded and changed; then its past is asked about.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.loads import changed
from knockon import loaders, sample
from knockon.cmdb.loading.load import load
from knockon.cmdb.past.changes import past_scan
from knockon.cmdb.past.history import histories
from knockon.cmdb.past.store import PastStore
from knockon.cmdb.stores import opened, store_at
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from knockon.cmdb.contract.store import Store
    from knockon.schema.model import Model

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000, help="configuration items of the estate")
    asked = parser.parse_args()
    model = installed_model()
    with tempfile.TemporaryDirectory() as folder:
        estate = Path(folder, "estate")
        sample.write(estate, size=asked.items, seed=1, as_of=sample.AS_OF)
        read = loaders.read([estate], model=model).items
        items = [each for each in read if isinstance(each, EntityObservation | RelationshipObservation)]
        asyncio.run(measured(model, items, f"sqlite://{folder}/estate.db"))


async def measured(model: Model, items: list[Any], url: str) -> None:
    async with opened(store_at(url, model)) as store:
        await load(store, model, items, source="sample", actor="bench")
        loaded = await store.revision()
        await load(store, model, changed(items), source="sample", actor="bench")
        newest = await store.revision()
        present, scan = await timed(store.scan(model.concrete("Entity")))
        print(f"{len(scan.entities):,} things, {len(scan.edges):,} relationships, {newest} revisions")
        print(f"  reading the present: {present:.2f} s")
        for said, revision in (("before 5 % changed", loaded), ("before everything", 0)):
            entries = await store.count_entries(revision, newest)
            seconds, _ = await timed(past_scan(store, model, revision))
            print(
                f"  the past, {said} ({entries:,} entries): {seconds:.2f} s, {seconds / present:.1f} times the present"
            )
        past = await PastStore.at(store, model, loaded)
        await pages(model, store, past)
        thing = scan.entities[0].id
        whole, _ = await timed(store.feed(0, newest))
        one, told = await timed(histories(store, model, [thing], limit=20))
        said = f"  history of a thing ({len(told[thing])} revisions): {one:.4f} s"
        print(f"{said}; reading all of the journal: {whole / one:.0f} times that")


async def pages(model: Model, store: Store, past: PastStore) -> None:
    classes = model.concrete("ConfigurationItem")
    here, _ = await timed(store.page(classes, None, limit=500))
    there, _ = await timed(past.page(classes, None, limit=500))
    print(f"  a page of 500 of a past at hand: {there:.4f} s, {there / here:.2f} times one of the store")


async def timed(work: Awaitable[T]) -> tuple[float, T]:
    began = time.perf_counter()
    found = await work
    return time.perf_counter() - began, found


if __name__ == "__main__":
    main()
