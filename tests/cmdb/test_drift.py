"""Baselines are kept and journaled; drift is what a person would find by comparing two scans."""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings

from knockon.cmdb.past.drift import drift_since
from knockon.cmdb.stewardship import baselines
from knockon.cmdb.stores import opened, store_at
from knockon.errors import BadUsage, ReferenceNotFound
from tests.cmdb.contract.estate import MODEL as SMALL
from tests.cmdb.driving import load_into
from tests.cmdb.histories import histories
from tests.cmdb.identity import MODEL, without_identity
from tests.cmdb.test_load import link, say, thing

if TYPE_CHECKING:
    from knockon.cmdb.contract.rows import Scan
    from knockon.cmdb.contract.store import Store
    from tests.cmdb.histories import History

BARE = without_identity(MODEL)


async def test_a_baseline_is_kept_with_who_when_and_why(store: Store) -> None:
    await say(store, thing("s"))
    first = await store.revision()
    made = await baselines.create(store, SMALL, "golden", by="ann", reason="before the move")
    assert (made.revision, made.by, made.reason) == (first, "ann", "before the move")
    await say(store, thing("t"))
    older = await baselines.create(store, SMALL, "beginning", by="bob", as_of="0")
    assert await store.baselines() == [older, made]
    (told,) = await store.feed(first, 1)
    assert (told.head.kind, told.head.actor, told.count) == ("baseline", "ann", 0)
    assert told.head.note == {"baseline": "golden", "of": first, "reason": "before the move"}
    assert (await baselines.moment_named(store, "golden")).revision == first
    assert (await baselines.moment_named(store, "0")).revision == 0
    assert (await baselines.moment_named(store, made.at)).revision == first


async def test_a_name_is_given_once_and_forgotten_on_the_record(store: Store) -> None:
    await baselines.create(store, SMALL, "golden", by="ann")
    before = await store.revision()
    with pytest.raises(BadUsage, match="already"):
        await baselines.create(store, SMALL, "golden", by="bob")
    assert await store.revision() == before, "nothing was written"
    await baselines.delete(store, SMALL, "golden", by="bob")
    assert await store.baselines() == []
    (told,) = await store.feed(before, 1)
    assert (told.head.actor, told.head.note["deleted"]) == ("bob", True)
    for refused in (baselines.delete(store, SMALL, "golden", by="bob"), baselines.moment_named(store, "golden")):
        with pytest.raises(ReferenceNotFound, match="there are none"):
            await refused


@pytest.mark.parametrize("name", ["", " ", "12", " padded", "x" * 101])
async def test_what_is_no_name_is_refused(tmp_path: Any, name: str) -> None:
    async with opened(store_at(f"sqlite:///{tmp_path}/estate.db", SMALL)) as store:
        with pytest.raises(BadUsage, match="no name"):
            await baselines.create(store, SMALL, name, by="ann")
        assert await store.revision() == 0


async def test_drift_tells_values_before_and_after(store: Store) -> None:
    await say(store, thing("s", name="web", size=1), thing("gone", "Application"), thing("app", "Application"),
              link("app", "s"))  # fmt: skip
    since = await store.revision()
    await say(store, thing("s", name="web", size=2, seen="2026-11-05T08:00:00Z"), thing("new"), link("new", "s"))
    found = await drift_since(store, SMALL, since)
    assert [(each.change, each.thing.name, each.type_name, each.other and each.other.name) for each in
            found.differences] == [
        ("created", "new", "", None), ("created", "new", "DEPENDS_ON", "web"), ("changed", "web", "", None),
    ]  # fmt: skip
    assert [(one.name, one.before, one.after) for one in found.differences[-1].altered] == [("size", 1, 2)]
    assert (found.since, found.revision) == (since, await store.revision())
    assert (await drift_since(store, SMALL, since, class_name="Application")).differences == ()
    assert (await drift_since(store, SMALL, await store.revision())).differences == ()


async def drift_is_what_two_scans_differ_by(store: Store, history: History) -> None:
    async def scan() -> Scan:
        return await store.scan(BARE.concrete("Entity"))

    scans = [replace(await scan(), revision=0)]
    for told in history.loads:
        await load_into(store, BARE, told)
        scans.append(await scan())
    for then in scans:
        found = (await drift_since(store, BARE, then.revision)).differences
        was, now = ({each.id: (each.class_name, each.name, each.attributes) for each in one.entities}
                    for one in (then, scans[-1]))  # fmt: skip
        expected = {(kind, id_) for id_ in was.keys() | now.keys() if (kind := _change(was.get(id_), now.get(id_)))}
        assert {(each.change, each.thing.id) for each in found if each.other is None} == expected
        for each in found:
            if each.other is None and each.change == "changed":
                values = {name: (was[each.thing.id][2].get(name), now[each.thing.id][2].get(name))
                          for name in {*was[each.thing.id][2], *now[each.thing.id][2]}}  # fmt: skip
                differing = {name: pair for name, pair in values.items() if pair[0] != pair[1]}
                values_told = {one.name: (one.before, one.after) for one in each.altered}
                assert {name: pair for name, pair in values_told.items() if name in values} == differing
        old, new = ({each.key: each.attributes for each in one.edges} for one in (then, scans[-1]))
        changed = {(_change(old.get(key), new.get(key)), *key) for key in old.keys() | new.keys()}
        told_of = {(each.change, each.type_name, each.thing.id, each.other.id, each.group)
                   for each in found if each.other}  # fmt: skip
        assert told_of == {each for each in changed if each[0]}


def _change(before: object, after: object) -> str:
    return "" if before == after else "created" if before is None else "retired" if after is None else "changed"


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(history=histories(partial=False, rejects=False, decided=False, most=5))
async def test_drift_is_the_difference_on_sqlite(history: History) -> None:
    with TemporaryDirectory() as folder:
        async with opened(store_at(f"sqlite:///{folder}/estate.db", BARE)) as store:
            await drift_is_what_two_scans_differ_by(store, history)
