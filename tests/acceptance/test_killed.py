"""A load that is killed leaves whole batches, and loading again completes the estate."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from random import Random
from typing import TYPE_CHECKING

import pytest

from knockon import loaders
from knockon.cmdb.reconciliation.reconciled import entity_image
from knockon.cmdb.reconciliation.relate import edge_image
from knockon.cmdb.stores import opened
from knockon.schema.observation import EntityObservation, RelationshipObservation
from tests.acceptance.estates import (
    EVERYTHING,
    MODEL,
    ROOT,
    Estate,
    Place,
    estate,
    load_files,
    native_reference,
    orders_of,
    replayed,
    whole_feed,
)

if TYPE_CHECKING:
    from pathlib import Path

    from knockon.cmdb.contract.store import Store

BATCH = 50
KILLS = 5
SEED = 4
IN_SMALL_BATCHES = f"from knockon.cmdb.loading import run; run.BATCH = {BATCH}; from knockon.cli import main; main()"
IN_TINY_BATCHES = IN_SMALL_BATCHES.replace(f" {BATCH};", " 5;")  # so that a few retirements are many revisions


@pytest.fixture(scope="module")
async def undisturbed(sample_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Estate:
    place = Place(f"sqlite://{tmp_path_factory.mktemp('undisturbed') / 'estate.db'}")
    async with opened(place.store()) as store:
        await load_files(store, sample_files)
        return await estate(store)


def committed(path: Path) -> int:
    """Count revisions from outside, without keeping anybody waiting."""
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM revision").fetchone()
        return int(count)
    return 0  # not there yet


@pytest.mark.parametrize(("revisions", "wait"), [(0, 0.0), (1, 0.0), (9, 0.013), (24, 0.0), (30, 0.007), (50, 0.0)])
async def test_a_killed_load_leaves_whole_batches_and_can_be_repeated(
    sample_files: Path, tmp_path: Path, undisturbed: Estate, revisions: int, wait: float
) -> None:
    path = tmp_path / "estate.db"
    place = Place(f"sqlite://{path}")
    loading = await asyncio.create_subprocess_exec(
        sys.executable, "-c", IN_SMALL_BATCHES, "load", str(sample_files), env=place.environment(), cwd=ROOT
    )
    deadline = time.monotonic() + 60
    while not path.exists() or committed(path) < revisions:
        assert loading.returncode is None
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)
    await asyncio.sleep(wait)
    loading.kill()
    assert await loading.wait() == -signal.SIGKILL

    async with opened(place.store()) as store:
        entities, relationships = await look_whole(store, sample_files, revisions)
        await look_coherent(store)
    again = place.command("load", str(sample_files), "--json")
    assert (again.returncode, again.stderr) == (0, "")
    report = json.loads(again.stdout)
    assert (report["unchanged"], report["relationships"]["unchanged"]) == (entities, relationships)
    async with opened(place.store()) as store:
        await whole_feed(store)
        assert await estate(store) == undisturbed


async def test_a_first_load_may_be_killed_again_and_again(
    sample_files: Path, place: Place, undisturbed: Estate
) -> None:
    """Each time at a moment drawn at random, among things and among relationships; each time the next goes on."""
    chance = Random(SEED)
    command = ["load", str(sample_files)]
    async with opened(place.store()) as store:
        for kill in range(KILLS):
            assert await killed_on_the_way(store, place, command, chance, IN_SMALL_BATCHES, most=16), f"at {kill}"
            await look_whole(store, sample_files, 1)
            await look_coherent(store)
        assert (await store.scan(EVERYTHING)).edges, "no load was killed among the relationships"
        assert place.command(*command).returncode == 0
        await look_coherent(store)
        assert await estate(store) == undisturbed


async def test_a_complete_load_may_be_killed_again_and_again(sample_files: Path, tmp_path: Path, place: Place) -> None:
    """Each time at a moment drawn at random, also while it withdraws: what is there is whole, and it ends the same."""
    chance = Random(1)
    less = some_are_missing(sample_files, tmp_path / "less", chance)
    command = ["load", str(less), "--complete", "--allow-retire"]
    undisturbed = Place(f"sqlite://{tmp_path / 'undisturbed.db'}")
    for each in (undisturbed, place):
        assert each.command("load", str(sample_files)).returncode == 0
    assert undisturbed.command(*command).returncode == 0

    kills = 0
    async with opened(place.store()) as store:
        while kills < KILLS and await killed_on_the_way(store, place, command, chance):
            kills += 1
            await look_coherent(store)
        assert kills  # else nothing was tried
        assert place.command(*command).returncode == 0
        await whole_feed(store)
        async with opened(undisturbed.store()) as other:
            assert await estate(store) == await estate(other)


def some_are_missing(files: Path, folder: Path, chance: Random) -> Path:
    """Write the sample estate without a tenth of its things; what is related to them waits."""
    folder.mkdir()
    for each in files.glob("*.ndjson"):
        header, *lines = each.read_text().splitlines()
        kept = [line for line in lines if "class" not in json.loads(line) or chance.random() > 0.1]
        (folder / each.name).write_text("\n".join([header, *kept]))
    return folder


async def killed_on_the_way(
    store: Store, place: Place, command: list[str], chance: Random, program: str = IN_TINY_BATCHES, *, most: int = 9
) -> bool:
    """Begin a load and kill it a random while after some of its revisions; False if it was faster."""
    before = await store.revision()
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *command, env=place.environment(), cwd=ROOT
    )
    wanted = before + chance.randint(1, most)
    deadline = time.monotonic() + 60
    while running.returncode is None and await store.revision() < wanted:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.002)
    await asyncio.sleep(chance.uniform(0, 0.03))
    with suppress(ProcessLookupError):
        running.kill()
    return await running.wait() == -signal.SIGKILL


async def look_coherent(store: Store) -> None:
    """Hold the journal, the records, their claims and what waits to the estate that is there, and each to the other."""
    scan = await store.scan(EVERYTHING)
    entities, edges = replayed(await whole_feed(store))
    assert entities == {each.id: entity_image(each) for each in scan.entities}
    assert edges == {" ".join(each.key): edge_image(each) for each in scan.edges}

    by_class, edge_keys = await store.every_record()
    keys = [key for of_class in by_class.values() for key in of_class]
    records = await store.records(keys)
    assert len(records) == len(keys)
    assert {each.entity_id for each in records.values()} == set(entities)
    claiming: dict[str, set[tuple[str, str]]] = {}
    for key, record in records.items():
        for token in record.claims.values():
            claiming.setdefault(token, set()).add(key)
    claimants = await store.claimants(list(claiming), len(keys))
    assert {token: set(found) for token, found in claimants.items()} == claiming

    sayings = await store.sayings([each.key for each in scan.edges])
    assert all(sayings[each.key] for each in scan.edges)
    telling = [each.key for of_edge in sayings.values() for each in of_edge]
    assert sorted([*telling, *(each.key for each in scan.waiting)]) == sorted(edge_keys)


async def look_whole(store: Store, files: Path, at_least: int) -> tuple[int, int]:
    """Hold a store to the first so many whole batches of a load, no more and no less; count what is there."""
    items = loaders.read([files], model=MODEL).items
    things = [each for each in items if isinstance(each, EntityObservation)]
    keys = [each.key for each in sorted(things, key=lambda each: MODEL.layer(each.class_name))]  # parents first
    links = [
        (each.type_name, each.from_ref, each.to_ref) for each in items if isinstance(each, RelationshipObservation)
    ]
    batches = [min(BATCH, len(rows) - start) for rows in (keys, links) for start in range(0, len(rows), BATCH)]
    of_entities = -(-len(keys) // BATCH)
    feed = await whole_feed(store)
    counts = [each.count for each in feed if each.count]  # a load that goes on counts what it finds in one of none
    assert at_least <= len(counts) <= len(batches)  # else it was done before it could be killed
    assert counts == batches[: len(counts)]
    scan = await store.scan(EVERYTHING)
    assert scan.revision == len(feed)
    assert scan.waiting == []
    wanted = keys[: sum(batches[: min(len(counts), of_entities)])]
    assert sorted(native_reference(each) for each in scan.entities) == sorted(f"sample:{key}" for key in wanted)
    orders = orders_of(scan)
    related = [(e.key.type_name, *(orders[id_].rpartition(":")[2] for id_ in e.key[1:3])) for e in scan.edges]
    assert sorted(related) == sorted(links[: sum(batches[of_entities : len(counts)])])
    return len(wanted), len(related)
