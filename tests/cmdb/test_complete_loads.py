"""Complete loads, on both stores: what a scope no longer has is withdrawn, and what nobody reports is retired."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from knockon.cmdb.contract.rows import Held
from knockon.cmdb.loading import retirement
from knockon.cmdb.loading.load import load
from knockon.errors import BadUsage, FindingCode, SafetyBrake
from knockon.schema.observation import EntityObservation, Reject
from tests.cmdb.contract.estate import MODEL, head
from tests.cmdb.test_load import MONDAY, TUESDAY, WEDNESDAY, estate, link, thing

if TYPE_CHECKING:
    from knockon.cmdb.contract.store import Store
    from knockon.cmdb.loading.report import LoadReport
    from knockon.schema.observation import Item


async def say(store: Store, *items: Item, source: str = "a", **how: Any) -> LoadReport:
    return await load(store, MODEL, items, source=source, actor="tester", **how)


async def whole(store: Store, *items: Item, source: str = "a", scope: str = "", **how: Any) -> LoadReport:
    return await say(store, *items, source=source, scope=scope, complete=True, **how)


async def names(store: Store) -> set[str]:
    return {each.name for each in (await store.scan(MODEL.concrete("Entity"))).entities}


async def edges(store: Store) -> int:
    return len((await store.scan(MODEL.concrete("Entity"))).edges)


async def test_what_a_complete_load_no_longer_has_is_retired(store: Store) -> None:
    await whole(store, thing("s"), thing("t"), link("s", "t"))
    report = await whole(store, thing("s", seen=TUESDAY))
    assert (report.entities.retired, report.relationships.retired) == (1, 1)
    assert (report.entities.unchanged, await names(store), await edges(store)) == (1, {"s"}, 0)


async def test_an_incomplete_load_retires_nothing(store: Store) -> None:
    await whole(store, thing("s"), thing("t"))
    await say(store, thing("s", seen=TUESDAY))
    assert await names(store) == {"s", "t"}


async def test_a_complete_load_speaks_of_its_own_scope_and_source_alone(store: Store) -> None:
    await whole(store, thing("s"), scope="north")
    await whole(store, thing("t"), scope="south")
    await whole(store, thing("u", source="b"), source="b", scope="north")
    await whole(store, thing("v", seen=TUESDAY), scope="north")
    assert await names(store) == {"t", "u", "v"}


async def test_what_comes_back_has_its_id_again_and_its_relationships(store: Store) -> None:
    await whole(store, thing("s"), thing("t"), link("s", "t"))
    before = (await store.resolve(["k:a:t"]))["k:a:t"]
    await whole(store, thing("s", seen=TUESDAY), link("s", "t", seen=TUESDAY))
    assert await edges(store) == 0
    assert await store.resolve(["k:a:t"]) == {}
    report = await whole(store, thing("s", seen=WEDNESDAY), thing("t", seen=WEDNESDAY), link("s", "t", seen=WEDNESDAY))
    assert (report.entities.created, report.relationships.created) == (1, 1)
    assert (await store.resolve(["k:a:t"]))["k:a:t"] == before
    assert await edges(store) == 1


async def test_a_relationship_that_another_source_reports_stays(store: Store) -> None:
    await whole(store, thing("s"), thing("t"), link("s", "t"))
    await say(store, link("a:s", "a:t", source="b"), source="b")
    report = await whole(store, thing("s", seen=TUESDAY), thing("t", seen=TUESDAY))
    assert (report.relationships.retired, await edges(store)) == (0, 1)


async def test_the_order_of_complete_loads_does_not_matter(store: Store) -> None:
    loads: list[tuple[str, list[Item]]] = [
        ("", [thing("s"), thing("t"), link("s", "t")]),
        ("", [thing("s", seen=TUESDAY), thing("u", seen=TUESDAY), link("s", "u", seen=TUESDAY)]),
        ("", [thing("s", seen=WEDNESDAY, size=3), thing("t", seen=WEDNESDAY), link("s", "t", seen=WEDNESDAY)]),
        ("other", [thing("u", seen="2026-11-05T08:00:00Z"), thing("w", seen="2026-11-05T08:00:00Z")]),
    ]
    found = []
    for turn, order in enumerate(permutations(range(4))):
        prefix = f"p{turn}-"
        for number in order:
            scope, items = loads[number]
            await whole(store, *(said_by(f"{prefix}a", item) for item in items), source=f"{prefix}a", scope=scope)
        found.append(await of_prefix(store, prefix))
    assert all(each == found[0] for each in found[1:])
    assert {name for name, _ in found[0][0]} == {"s", "t", "u", "w"}


def said_by(source: str, item: Any) -> Item:
    said: Item = replace(item, source=source)
    return said


async def of_prefix(store: Store, prefix: str) -> tuple[Any, Any]:
    entities, edges = await estate(store)
    mine = {(name, attributes) for order, name, attributes in entities if f"{prefix}a:" in order}
    joined = {
        (kind, source.split(":")[-1], target.split(":")[-1])
        for kind, source, target, _ in edges
        if f"{prefix}a:" in source
    }
    return mine, joined


async def test_loading_a_complete_load_again_changes_nothing_and_is_one_revision(store: Store) -> None:
    items = [thing("s"), thing("t"), link("s", "t")]
    await whole(store, *items)
    before = await store.revision()
    report = await whole(store, *items)
    assert (report.entities.unchanged, report.relationships.unchanged) == (2, 1)
    assert [(each.head.kind, each.count) for each in await store.feed(before)] == [("run", 0)]


async def test_an_identical_load_of_all_that_a_scope_holds_is_one_revision_however_large(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knockon.cmdb.loading.closing.SEEN_AGAIN", 2)
    items = [thing(str(n)) for n in range(7)] + [link(str(n), str((n + 1) % 7)) for n in range(7)]
    await say(store, *items)
    before = await store.revision()
    later = [thing(str(n), seen=TUESDAY) for n in range(7)]
    later += [link(str(n), str((n + 1) % 7), seen=TUESDAY) for n in range(7)]
    await say(store, *later)
    assert [each.head.kind for each in await store.feed(before)] == ["run"]
    async with store.write() as write:
        assert (await write.scopes(["a"]))["a", ""].seen.startswith("2026-11-03T08:00:00")
        await write.spread_seen((await write.scopes(["a"]))["a", ""])
        assert {row.seen[:10] for row in (await write.records([("a", "3")])).values()} == {"2026-11-03"}
        await write.journal(head(), [])


async def test_a_record_that_joins_late_does_not_borrow_the_moment_of_its_scope(store: Store) -> None:
    await say(store, thing("s", seen=WEDNESDAY), thing("s2", seen=WEDNESDAY))
    await say(store, thing("s", seen=WEDNESDAY), thing("s2", seen=WEDNESDAY))
    await say(store, thing("late", seen=MONDAY, size=1))
    await say(store, thing("late", seen=TUESDAY, size=2))
    sizes = {each.name: each.attributes.get("size") for each in (await store.scan(MODEL.concrete("Entity"))).entities}
    assert sizes["late"] == 2


async def test_the_brake_holds_and_nothing_is_written(store: Store) -> None:
    await whole(store, *(thing(str(n)) for n in range(60)))
    before = await store.revision()
    with pytest.raises(SafetyBrake, match=r"21 of the 60 things that a reports .*--allow-retire"):
        await whole(store, thing("new", seen=TUESDAY), *(thing(str(n), seen=TUESDAY) for n in range(39)))
    assert await store.revision() == before
    report = await whole(store, *(thing(str(n), seen=TUESDAY) for n in range(39)), allow_retire=True)
    assert report.entities.retired == 21


@pytest.mark.parametrize(("held", "kept"), [(100, 81), (60, 48), (25, 6)])
async def test_the_brake_lets_through_less_than_twenty_or_no_more_than_a_fifth(
    store: Store, held: int, kept: int
) -> None:
    await whole(store, *(thing(str(n)) for n in range(held)))
    report = await whole(store, *(thing(str(n), seen=TUESDAY) for n in range(kept)))
    assert report.entities.retired == held - kept


async def test_a_rejected_record_counts_as_reported(store: Store) -> None:
    await whole(store, thing("s"), thing("t"), link("s", "t"))
    wrong = EntityObservation("a", "t", "Server", {"unheard_of": "x"}, TUESDAY, "#t")
    report = await whole(store, thing("s", seen=TUESDAY), wrong, link("s", "t", seen=TUESDAY, unheard_of="x"))
    assert (report.entities.rejected, report.relationships.rejected, report.entities.retired) == (1, 1, 0)
    assert (await names(store), await edges(store)) == ({"s", "t"}, 1)


async def test_a_reject_that_does_not_say_what_it_is_about_stops_retirement(store: Store) -> None:
    await whole(store, thing("s"), thing("t"))
    nameless = EntityObservation("a", None, "Server", {}, TUESDAY, "#x")  # type: ignore[arg-type]  # as read from a file
    report = await whole(store, thing("s", seen=TUESDAY), nameless)
    assert isinstance(report.rejects[0], Reject)
    assert (report.entities.retired, [each.code for each in report.findings]) == (0, [FindingCode.NOT_COMPLETE])
    assert await names(store) == {"s", "t"}


async def test_a_dry_run_writes_nothing_and_says_what_the_load_then_does(store: Store) -> None:
    await whole(store, thing("s"), thing("t"), link("s", "t"), thing("gone"), link("gone", "t"))
    before, revision = await estate(store), await store.revision()
    items = [thing("s", seen=TUESDAY, size=2), thing("t", seen=TUESDAY), thing("new", seen=TUESDAY),
             link("s", "t", seen=TUESDAY), link("new", "t", seen=TUESDAY)]  # fmt: skip
    tried = await whole(store, *items, dry_run=True)
    assert (await estate(store), await store.revision(), tried.revision) == (before, revision, revision)
    assert tried.plan is not None
    assert [(each.change, each.what) for each in tried.plan] == [
        ("retire", "Server:gone"), ("retire", "Server:gone DEPENDS_ON Server:t"),
        ("create", "Server:new"), ("create", "Server:new DEPENDS_ON Server:t"), ("update", "Server:s"),
    ]  # fmt: skip
    update = tried.plan[-1]
    assert (update.before or {})["attributes"] == {}
    assert (update.after or {})["attributes"] == {"size": 2}
    done = await whole(store, *items)
    assert asdict(done.entities) == asdict(tried.entities)
    assert asdict(done.relationships) == asdict(tried.relationships)
    assert done.plan is None


async def test_a_dry_run_says_that_the_brake_would_hold(store: Store) -> None:
    await whole(store, *(thing(str(n)) for n in range(30)))
    report = await whole(store, thing("0", seen=TUESDAY), dry_run=True)
    assert [each.code for each in report.findings] == [FindingCode.LARGE_RETIREMENT]
    assert report.entities.retired == 29


async def test_a_complete_load_is_seen_at_one_moment(store: Store) -> None:
    with pytest.raises(BadUsage, match="one moment"):
        await whole(store, thing("s"), thing("t", seen=TUESDAY))
    assert await store.revision() == 0


async def test_a_late_report_in_another_scope_does_not_bring_back_what_was_withdrawn(store: Store) -> None:
    loads: list[tuple[str, str, bool]] = [
        ("a", MONDAY, False), ("a", WEDNESDAY, False), ("a", "2026-11-05T08:00:00Z", True), ("b", TUESDAY, False),
    ]  # fmt: skip
    for turn, order in enumerate(([0, 1, 2, 3], [3, 0, 1, 2], [0, 3, 1, 2])):
        source = f"s{turn}"
        for number in order:
            scope, seen, complete = loads[number]
            items = [thing("other" if complete else "x", source=source, seen=seen)]
            await say(store, *items, source=source, scope=scope, complete=complete)
        assert (await store.resolve([f"k:{source}:x", f"k:{source}:other"])).keys() == {f"k:{source}:other"}, order


async def test_what_another_writer_puts_into_the_scope_meanwhile_does_not_outlive_a_complete_load(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await whole(store, thing("s"), thing("t"))
    real = retirement.missing
    asked = 0

    def and_meanwhile(held: Held, intake: Any) -> Held:
        nonlocal asked
        asked += 1
        found = real(held, intake)
        # the first two look before the other writer commits
        return found if asked > 2 else Held(found.records - {"late"}, found.edge_records)

    for module in ("run", "closing"):
        monkeypatch.setattr(f"knockon.cmdb.loading.{module}.missing", and_meanwhile)
    await say(store, thing("late", seen=TUESDAY))
    await whole(store, thing("s", seen=WEDNESDAY), thing("t", seen=WEDNESDAY))
    assert await names(store) == {"s", "t"}
    assert asked == 3


async def test_a_complete_load_of_nothing_is_refused(store: Store) -> None:
    await whole(store, thing("s"))
    before = await store.revision()
    with pytest.raises(SafetyBrake, match="nothing in this load"):
        await whole(store)
    assert await store.revision() == before
    report = await whole(store, dry_run=True)
    assert [each.code for each in report.findings] == [FindingCode.LARGE_RETIREMENT]
    await whole(store, allow_retire=True)
    assert await names(store) == set()


async def test_what_was_withdrawn_and_comes_late_is_told(store: Store) -> None:
    await whole(store, thing("s"), thing("t"), link("s", "t"))
    await whole(store, thing("s", seen=TUESDAY))
    report = await say(store, thing("s"), thing("t"), link("s", "t"))
    (finding,) = report.findings
    assert finding.code == FindingCode.OUTDATED
    assert finding.message.startswith("2 records do not count (#t, #s-t): ")


async def test_a_thing_is_ordered_by_the_smallest_record_that_it_still_has(store: Store) -> None:
    await whole(store, thing("s", name="web", serial_number="1"), thing("t"))
    await say(store, thing("s", name="web", serial_number="1", source="b"), source="b")
    await whole(store, thing("t", seen=TUESDAY))
    (web,) = [each for each in (await store.scan(MODEL.concrete("Entity"))).entities if each.name == "web"]
    assert web.order.endswith("b:s")
    await whole(store, thing("s", name="web", serial_number="2", seen=WEDNESDAY), thing("t", seen=WEDNESDAY))
    orders = [each.order for each in (await store.scan(MODEL.concrete("Entity"))).entities]
    assert len(set(orders)) == len(orders) == 3
