"""How much processor time the health of an estate takes, beside the bare scan that it is made from, in the same run.

python benchmarks/health.py [--items 10000 100000]: today's, the same beside a baseline, drift, and by service.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knockon import loaders, sample
from knockon.cmdb.loading.load import load
from knockon.cmdb.past.changes import Moment
from knockon.cmdb.past.drift import drift_since
from knockon.cmdb.stores import opened, store_at
from knockon.itsm.health.checks import CHECKS, rules_of
from knockon.itsm.health.health import About, examine, examine_past
from knockon.schema.installed import installed_model
from knockon.schema.observation import EntityObservation, RelationshipObservation

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from knockon.cmdb.contract.store import Store
    from knockon.itsm.health.ground import Ground
    from knockon.schema.model import Model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, nargs="+", default=[10_000], help="configuration items of each estate")
    for items in parser.parse_args().items:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(measured(installed_model(), items, Path(folder)))


async def measured(model: Model, items: int, folder: Path) -> None:
    sample.write(folder / "estate", size=items, seed=1, as_of=sample.AS_OF)
    records = [
        each
        for each in loaders.read([folder / "estate"], model=model).items
        if isinstance(each, EntityObservation | RelationshipObservation)
    ]
    async with opened(store_at(f"sqlite://{folder}/estate.db", model)) as store:
        await load(store, model, records, source="sample", actor="benchmark")
        since = await store.revision()
        await load(store, model, changed(records), source="sample", actor="benchmark")
        print(f"{items:,} CIs, {len(records):,} records")
        await questions(store, model, since)


def changed(records: list[Any]) -> list[Any]:
    """Change every hundredth entity, a day later."""
    found = []
    for number, each in enumerate(records):
        if number % 100 == 0 and isinstance(each, EntityObservation):
            said = {**each.attributes, "description": "changed"}
            found.append(replace(each, seen="2026-12-01T00:00:00.000000Z", attributes=said))
    return found


async def questions(store: Store, model: Model, since: int) -> None:
    rules = rules_of([], model)
    bare, scan = await timed(store.scan([name for name, each in model.classes.items() if not each.abstract]))
    print(f"{'bare scan':<34}{bare:8.2f} s, {len(scan.entities):,} entities, {len(scan.edges):,} relationships")
    took, examination = await timed(examine(store, model, rules))
    say("health, read and examined", took, bare)
    began = time.process_time()
    examination.answer(About(), "")
    say("  of which: answered, by class", time.process_time() - began, bare)
    began = time.process_time()
    answer = examination.answer(About(), "", by="service")
    say(f"  the same by service ({len(answer.parts)})", time.process_time() - began, bare)
    ground: Ground = examination.ground
    for check in CHECKS:
        began = time.process_time()
        list(check.judge(ground))
        print(f"    {check.name:<30}{time.process_time() - began:8.2f} s")
    took, _ = await timed(examine_past(store, model, rules, Moment(since, None)))
    say("health of a past revision", took, bare)
    took, drift = await timed(drift_since(store, model, since))
    say(f"drift ({len(drift.differences):,} differences)", took, bare)


async def timed(work: Awaitable[Any]) -> tuple[float, Any]:
    began = time.process_time()
    found = await work
    return time.process_time() - began, found


def say(what: str, took: float, bare: float) -> None:
    print(f"{what:<34}{took:8.2f} s, {took / bare:.2f} of the bare scan")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
