"""Views that follow the journal are those that are built from scratch; and views from the last process."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from knockon.cmdb.loading.load import load
from knockon.cmdb.stewardship.compaction import compact
from knockon.cmdb.stores.sqlite import SqliteStore
from knockon.errors import StoreFailed
from knockon.impact.propagation.evaluation import evaluate
from knockon.impact.topology import saved
from knockon.impact.topology import topologies as module
from knockon.impact.topology.topologies import Topologies, View, view_of
from knockon.schema.installed import read_model
from knockon.schema.states import State
from tests.impact.topology.test_splice import same
from tests.impact.topology.test_topology import MODEL, CountingStore, link, say, thing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from knockon.cmdb.contract.rows import Revision
    from knockon.schema.observation import EntityObservation, RelationshipObservation

CLASSES = ["BusinessService", "Application", "Cluster", "Hypervisor", "Server", "UPS", "Person"]
KINDS = ["DEPENDS_ON", "RUNS_ON", "MEMBER_OF", "POWERED_BY", "CONNECTS_TO"]
KEYS = [f"k{number}" for number in range(14)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[CountingStore]:
    store = CountingStore(tmp_path / "estate.db", MODEL)
    await store.open()
    yield store
    await store.close()


class Scribe:
    """Says things at random; each batch is newer than the last."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.hour = 0
        self.classes = {key: self.random.choice(CLASSES) for key in KEYS}

    def batch(self) -> list[EntityObservation | RelationshipObservation]:
        self.hour += 1
        said: dict[Any, Any] = {}
        for _ in range(self.random.randint(1, 9)):
            key = self.random.choice(KEYS)
            if self.random.random() < 0.4:
                said[key] = self._thing(key)
            else:
                other, kind = self.random.choice([each for each in KEYS if each != key]), self.random.choice(KINDS)
                group = self.random.choice(["", "", "g", "h"])
                weight = {"weight": self.random.randint(1, 3)} if self.random.random() < 0.3 else {}
                own = {"redundancy_group": group} if group else {}
                # names too, so that a renamed thing takes its relationships away from or over to another
                ends = [each if self.random.random() < 0.7 else f"{each}-b" for each in (key, other)]
                said[key, kind, other, group] = link(ends[0], kind, ends[1], **own, **weight)
        seen = f"2026-11-{self.hour // 24 + 1:02}T{self.hour % 24:02}:00:00Z"
        return [replace(each, seen=seen) for each in said.values()]

    def _thing(self, key: str) -> EntityObservation:
        if self.random.random() < 0.05:
            self.classes[key] = self.random.choice(CLASSES)
        own: dict[str, Any] = {"name": f"{key}{self.random.choice(['', '', '-b', '-c'])}"}
        if self.random.random() < 0.1 and self.classes[key] != "Person":
            own["status"] = self.random.choice(["ordered", "in_use"])
        if self.classes[key] == "Cluster" and self.random.random() < 0.5:
            own["min_up"] = self.random.choice(["1", "2", "50%"])
        said = thing(key, self.classes[key])
        return replace(said, attributes=own)


def alike(view: View, fresh: View) -> None:
    assert view.revision == fresh.revision
    same(view.topology, fresh.topology)
    assert dict(view.entities) == dict(fresh.entities)
    assert view.services == fresh.services
    assert [view.mapped(each) for each in view.topology.ids] == [fresh.mapped(each) for each in fresh.topology.ids]
    assert sorted(view.waiting, key=repr) == sorted(fresh.waiting, key=repr)
    assert view.empty_groups == fresh.empty_groups


@pytest.mark.parametrize("seed", range(12))
async def test_a_view_that_followed_the_journal_is_the_one_built_from_scratch(store: CountingStore, seed: int) -> None:
    scribe, topologies = Scribe(seed), Topologies(store, MODEL)
    without = frozenset({"RUNS_ON"})
    for _ in range(12):
        await say(store, *scribe.batch())
        for left_out in (frozenset[str](), without):
            view = await topologies.current(left_out)
            fresh = view_of(MODEL, await SqliteStore.scan(store, MODEL.topology_classes), left_out)
            alike(view, fresh)
    for id_ in view.topology.ids:
        now, then = (evaluate(each.topology, {id_: State.DOWN}) for each in (view, fresh))
        assert now.settled() == then.settled()
        assert [now.path(each) for each in now.settled()] == [then.path(each) for each in then.settled()]
        assert now.survivors() == then.survivors()
    assert store.scans == 2  # of 24 views: the first of each; the others came of the journal


LEANING = """
  {name}:
    inverse: {name}_OF
    description: A relationship that its own attribute may leave without impact.
    ends: [[Application, Application]]
    group: {group}
    attributes:
      carries: {{type: boolean, default: true, description: Whether failure flows over it.}}
    impact:
      - {{name: carries, flows: target_to_source}}
      - {{name: idle, flows: none, when: {{edge: {{carries: "false"}}}}, because: it carries nothing}}
"""


@pytest.mark.parametrize("seed", range(12))
async def test_a_group_named_like_its_type_is_told_from_the_one_without_a_name(tmp_path: Path, seed: int) -> None:
    types = [LEANING.format(name="LEANS_ON", group="type"), LEANING.format(name="STANDS_ON", group="none")]
    (tmp_path / "model.yaml").write_text("".join(["relationships:", *types]))
    model = read_model(extra=[tmp_path / "model.yaml"])
    store = CountingStore(tmp_path / "own.db", model)
    await store.open()
    random, topologies = Random(seed), Topologies(store, model)
    await load(store, model, [thing(key, "Application") for key in KEYS[:3]], source="t", actor="tester")
    await topologies.current()
    for minute in range(40):
        kind = random.choice(["LEANS_ON", "STANDS_ON"])
        own = {"redundancy_group": random.choice([None, None, kind, "g"]), "carries": random.choice(["true", "false"])}
        edge = replace(link(KEYS[0], kind, random.choice(KEYS[1:3]), **own), seen=f"2026-11-01T09:{minute:02}:00Z")
        report = await load(store, model, [edge], source="t", actor="tester")
        assert not report.rejects
        fresh = view_of(model, await SqliteStore.scan(store, model.topology_classes))
        alike(await topologies.current(), fresh)
    assert store.scans < 30  # of up to 40 views; the others came of the journal
    await store.close()


async def test_the_next_process_starts_from_what_was_kept(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    scribe = Scribe(3)
    await say(store, *scribe.batch(), *scribe.batch())
    await Topologies(store, MODEL, tmp_path / "cache").current()
    await say(store, thing("late", "Server"))
    later = [Topologies(store, MODEL, tmp_path / "cache") for _ in range(2)]
    views = await asyncio.gather(*(each.current() for each in later))
    assert store.scans == 1
    fresh = view_of(MODEL, await SqliteStore.scan(store, MODEL.topology_classes))
    for view in views:
        alike(view, fresh)


@pytest.mark.parametrize("damage", ["cut short", "a byte", "no list", "other words"])
async def test_what_is_damaged_is_made_anew(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    await say(store, thing("a", "Server"), thing("b", "UPS"), link("a", "POWERED_BY", "b"))
    await Topologies(store, MODEL, tmp_path / "cache").current()
    (text,) = (tmp_path / "cache").rglob("text.npy")
    meta = text.with_name("meta.json")
    whole = text.read_bytes()
    if damage == "cut short":
        text.write_bytes(whole[:-3])
    elif damage == "a byte":
        text.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif damage == "no list":
        meta.unlink()
    else:
        meta.write_bytes(b"{}")
    view = await Topologies(store, MODEL, tmp_path / "cache").current()
    assert store.scans == 2
    assert {each.name for each in view.entities.values()} == {"a", "b"}
    await Topologies(store, MODEL, tmp_path / "cache").current()
    assert store.scans == 2  # a whole one was put in its place


async def test_another_store_of_the_same_revision_is_not_mistaken(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    other = CountingStore(tmp_path / "other.db", MODEL)
    await other.open()
    for each, name in ((store, "mine"), (other, "theirs")):
        await say(each, thing(name, "Server"))
        view = await Topologies(each, MODEL, tmp_path / "cache").current()
        assert {entity.name for entity in view.entities.values()} == {name}
    assert (store.scans, other.scans) == (1, 1)
    await other.close()


async def test_only_the_newest_two_are_kept(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    monkeypatch.setattr(module, "_SAVED_EVERY", 1)
    topologies = Topologies(store, MODEL, tmp_path / "cache")
    for number in range(4):
        await say(store, thing(f"s{number}", "Server"))
        await topologies.current()
    kept = sorted(int(each.parent.name.partition("-")[0]) for each in (tmp_path / "cache").rglob("meta.json"))
    newest = await store.revision()
    assert len(kept) == 2
    assert kept[-1] == newest


async def throw_away(tmp_path: Path, name: str) -> None:
    """Ask a store of its own once, as a test or a demo does; and an hour goes by."""
    store = CountingStore(tmp_path / f"{name}.db", MODEL)
    await store.open()
    await say(store, thing(name, "Server"))
    await Topologies(store, MODEL, tmp_path / "cache").current()
    await store.close()
    for place in kept(tmp_path / "cache"):
        os.utime(place, (place.stat().st_mtime - 3600,) * 2)


def kept(cache: Path) -> list[Path]:
    return [each.parent for each in cache.rglob("meta.json")]


async def test_stores_that_are_no_more_do_not_fill_the_folder(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    await say(store, thing("mine", "Server"))
    await Topologies(store, MODEL, tmp_path / "cache").current()
    (mine,) = kept(tmp_path / "cache")
    monkeypatch.setattr(saved, "MOST_BYTES", 3.5 * sum(each.stat().st_size for each in mine.iterdir()))
    for number in range(5):
        await Topologies(store, MODEL, tmp_path / "cache").current()  # what is used stays
        await throw_away(tmp_path, f"s{number}")
    assert len(kept(tmp_path / "cache")) == 3
    assert mine in kept(tmp_path / "cache")


async def test_what_nobody_used_for_long_goes_whatever_made_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    await throw_away(tmp_path, "one")
    (current,) = kept(tmp_path / "cache")
    older = tmp_path / "cache" / "topology-0.0.1-1-abc"
    places = [older / "000000000001-abc", current.parent / ".partial-x", current.parent / ".partial-new"]
    for place in places:
        place.mkdir(parents=True)
        (place / "meta.json").touch()
    for place in places[:2]:
        os.utime(place, (0, 0))
    await throw_away(tmp_path, "two")
    assert [each.exists() for each in (*places, current)] == [False, False, True, True]
    os.utime(older, (0, 0))
    await throw_away(tmp_path, "three")
    assert not older.exists()


async def test_many_may_keep_use_and_remove_at_once(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved, "MOST_BYTES", 1)  # whoever keeps one removes all others
    await say(store, *Scribe(1).batch())
    view = await Topologies(store, MODEL).current()
    shelf = saved.Shelf(tmp_path / "cache", MODEL.version)

    def work(mine: int) -> list[saved.Base]:
        found = []
        for number in range(30):
            base = saved.Base(1 + (mine + number) % 3, view.topology, view.entities, view.services)
            shelf.save(base, "mark")
            found += [each for revision, mark in shelf.candidates() if (each := shelf.load(revision, mark))]
            shelf.prune([])
        return found

    whole = [
        each for some in await asyncio.gather(*(asyncio.to_thread(work, mine) for mine in range(4))) for each in some
    ]
    assert whole
    for base in whole:
        same(base.topology, view.topology)
        assert dict(base.register) == dict(view.entities)


async def test_a_folder_that_cannot_be_written_costs_time_only(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    (tmp_path / "file").write_text("in the way")
    await say(store, thing("a", "Server"))
    assert len((await Topologies(store, MODEL, tmp_path / "file").current()).entities) == 1


@pytest.mark.parametrize("when", ["keeping", "pruning", "starting", "following"])
async def test_a_store_that_does_not_give_its_journal_costs_time_only(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, when: str
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    monkeypatch.setattr(module, "_SAVED_EVERY", 1)
    await say(store, thing("a", "Server"))
    topologies = Topologies(store, MODEL, tmp_path / "cache")
    if when == "starting":
        await Topologies(store, MODEL, tmp_path / "cache").current()
    elif when == "following":
        await topologies.current()
        await say(store, thing("b", "Server"))
    feed, read = store.feed, 0

    async def fails(since: int, limit: int = 100) -> list[Revision]:
        nonlocal read
        read += 1
        if when == "pruning" and read == 1:
            return await feed(since, limit)
        raise StoreFailed("the disk is bad")

    monkeypatch.setattr(store, "feed", fails)
    for number in range(3):
        assert (await topologies.current()).revision == await store.revision()
        await say(store, thing(f"c{number}", "Server"))
    assert [each.levelno for each in caplog.records if each.name == module.__name__] == [logging.WARNING]
    monkeypatch.setattr(store, "feed", feed)
    await topologies.current()
    assert kept(tmp_path / "cache")


async def test_a_view_may_be_as_old_as_one_says(store: CountingStore) -> None:
    await say(store, thing("a", "Server"))
    topologies = Topologies(store, MODEL)
    first = await topologies.current()
    await say(store, thing("b", "Server"))
    assert await topologies.current(max_lag=3600) is first
    assert len((await topologies.current(max_lag=0)).entities) == 2
    assert np.all(first.topology.graph.start == 0)


async def test_what_the_journal_no_longer_tells_is_read_anew(
    store: CountingStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_WORTH_KEEPING", 0)
    scribe, topologies = Scribe(5), Topologies(store, MODEL, tmp_path / "cache")
    await say(store, *scribe.batch())
    await topologies.current()
    await say(store, *scribe.batch())
    await compact(store, MODEL, str(await store.revision()), actor="ann")
    fresh = view_of(MODEL, await SqliteStore.scan(store, MODEL.topology_classes))
    scans = store.scans
    alike(await topologies.current(), fresh)
    alike(await Topologies(store, MODEL, tmp_path / "cache").current(), fresh)
    assert store.scans == scans + 1  # the second process starts from what the first one put in the old one's place
    await say(store, *scribe.batch())
    alike(await topologies.current(), view_of(MODEL, await SqliteStore.scan(store, MODEL.topology_classes)))
    assert store.scans == scans + 1
